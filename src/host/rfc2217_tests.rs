//! Clients that negotiate, ask, flood, and send anything.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const ON: Dce =
    Dce { rate_bps: NonZeroU32::new(115_200).expect("not zero"), cts: true, dsr: false, dcd: false };
/// `IAC WILL` and `IAC DO` Com Port Control; `IAC SB` of it and `IAC SE` around a command.
const WILL: [u8; 3] = [255, 251, 44];

fn command(bytes: &[u8]) -> Vec<u8> {
    [&[255, 250, 44], bytes, &[255, 240]].concat()
}

struct Bench {
    port: Rfc2217,
    client: TcpStream,
}

fn run(test: impl AsyncFnOnce(Bench)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut port = Rfc2217::listen("127.0.0.1:0".parse().expect("an address")).expect("bound");
        port.show(ON);
        assert!(!port.dte().dtr, "nobody is there");
        let client = TcpStream::connect(port.address()).await.expect("connected");
        let mut bench = Bench { port, client };
        assert_eq!(bench.input().await, Some(Vec::new()));
        assert!(bench.port.dte().dtr, "a client is there");
        assert!(bench.heard().await.starts_with(&[255, 251, 0]), "it is offered options");
        test(bench).await;
    });
}

impl Bench {
    async fn write(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.expect("written");
    }

    /// The next read of the port, if there is one soon.
    async fn input(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        let reading = std::future::poll_fn(|cx| {
            let _ = self.port.poll_flush(cx)?;
            self.port.poll_input(cx, &mut buffer)
        });
        let read = tokio::time::timeout(Duration::from_millis(200), reading).await;
        read.ok().map(|count| buffer[..count.expect("the port stands")].to_vec())
    }

    /// What the client has got.
    async fn heard(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(read) =
            tokio::time::timeout(Duration::from_millis(50), self.client.read(&mut buffer)).await
        {
            match read.expect("the port stands") {
                0 => break,
                count => heard.extend_from_slice(&buffer[..count]),
            }
            let _ = tokio::time::timeout(
                Duration::from_millis(1),
                std::future::poll_fn(|cx| self.port.poll_flush(cx)),
            )
            .await;
        }
        heard
    }
}

#[test]
fn data_and_changes_come_in_their_order() {
    run(async |mut bench| {
        let rate = |bench: &Bench| bench.port.dte().rate_bps.map(NonZeroU32::get);
        let stream = [
            b"AT\r".to_vec(),
            command(&[1, 0, 0, 0x25, 0x80]),
            b"ATI\r".to_vec(),
            command(&[5, 9]),
            command(&[5, 8]),
            b"\xff\xff".to_vec(),
        ];
        bench.write(&stream.concat()).await;
        assert_eq!(bench.input().await, Some(b"AT\r".to_vec()));
        assert_eq!(rate(&bench), None);
        assert_eq!(bench.input().await, Some(Vec::new()));
        assert_eq!(rate(&bench), Some(9600));
        assert_eq!(bench.input().await, Some(b"ATI\r".to_vec()));
        for dtr in [false, true] {
            assert_eq!(bench.input().await, Some(Vec::new()));
            assert_eq!(bench.port.dte().dtr, dtr, "no pulse is missed");
        }
        assert_eq!(bench.input().await, Some(vec![255]));
        assert_eq!(bench.input().await, None);
    });
}

#[test]
fn a_line_is_one_write_and_iac_is_doubled() {
    run(async |mut bench| {
        bench.port.send(b"\r\nO\xffK\r\n").expect("sent");
        assert_eq!(bench.heard().await, b"\r\nO\xff\xffK\r\n");
    });
}

#[test]
fn lines_are_told_once_the_option_is_agreed_on() {
    run(async |mut bench| {
        bench.port.show(Dce { dcd: true, ..ON });
        assert!(bench.heard().await.is_empty());
        bench.write(&WILL).await;
        assert_eq!(bench.input().await, None);
        assert_eq!(bench.heard().await, command(&[107, 0x90]));
        bench.port.show(ON);
        assert_eq!(bench.heard().await, command(&[107, 0x18]));
    });
}

#[test]
fn hardware_flow_control_loses_nothing_and_lets_lines_pass() {
    run(async |mut bench| {
        bench.write(&command(&[5, 3])).await;
        assert_eq!(bench.input().await, None);
        bench.port.show(Dce { cts: false, ..ON });
        let data: Vec<u8> = (0..20_000_u32).map(|number| (number % 251) as u8).collect();
        bench.write(&[b"x", &command(&[5, 9])[..], &data].concat()).await;
        assert_eq!(bench.input().await, Some(Vec::new()));
        assert!(!bench.port.dte().dtr);
        assert_eq!(bench.input().await, None);
        bench.port.show(ON);
        let mut got = Vec::new();
        while let Some(read) = bench.input().await {
            assert!(read.len() <= INPUT_MAX);
            got.extend(read);
        }
        assert!(got == [b"x", &data[..]].concat(), "{} bytes", got.len());
    });
}

#[test]
fn a_client_suspends_and_purges_output() {
    run(async |mut bench| {
        bench.write(&command(&[8])).await;
        assert_eq!(bench.input().await, None);
        assert_eq!(bench.heard().await, command(&[107, 0x11]), "who speaks it is told the lines first");
        bench.port.send(b"one").expect("kept");
        assert!(bench.heard().await.is_empty());
        bench.write(&command(&[12, 1])).await;
        assert_eq!(bench.input().await, None);
        assert_eq!(bench.heard().await, command(&[112, 1]));
        bench.port.send(b"two").expect("kept");
        bench.write(&command(&[9])).await;
        assert_eq!(bench.input().await, None);
        assert_eq!(bench.heard().await, b"two");
    });
}

#[test]
fn a_client_that_asks_and_never_listens_is_bounded_and_gets_whole_answers() {
    run(async |mut bench| {
        let flood = command(&[5, 0]).repeat(500);
        for _ in 0..2000 {
            let written =
                tokio::time::timeout(Duration::from_millis(20), bench.client.write_all(&flood)).await;
            if written.is_err() {
                break;
            }
            let mut buffer = [0; 64];
            let _ = tokio::time::timeout(
                Duration::from_millis(1),
                std::future::poll_fn(|cx| bench.port.poll_input(cx, &mut buffer)),
            )
            .await;
            assert!(bench.port.wire.len() <= REPLIES_MAX + 2 * RECEIVED_MAX, "{}", bench.port.wire.len());
        }
        let heard = bench.heard().await;
        let heard = heard.strip_prefix(&command(&[107, 0x11])[..]).expect("the lines");
        let answer = command(&[105, 1]);
        assert!(heard.chunks_exact(answer.len()).all(|chunk| chunk == answer));
    });
}

#[test]
fn a_gone_client_leaves_dtr_off_and_nothing_behind() {
    run(async |mut bench| {
        bench.write(&[&WILL[..], &command(&[1, 0, 0, 0x25, 0x80]), &[255, 250, 44]].concat()).await;
        while bench.input().await.is_some() {}
        bench.client.shutdown().await.expect("closed");
        assert_eq!(bench.input().await, Some(Vec::new()));
        assert_eq!(bench.port.dte(), Dte { dtr: false, ..Dte::default() });
        bench.port.send(b"nobody hears this").expect("dropped");
        bench.client = TcpStream::connect(bench.port.address()).await.expect("connected");
        bench.write(b"AT\r").await;
        assert_eq!(bench.input().await, Some(Vec::new()));
        assert_eq!(bench.input().await, Some(b"AT\r".to_vec()));
        assert!(bench.heard().await.starts_with(&[255, 251, 0]));
    });
}

#[test]
fn any_bytes_are_taken_within_bounds() {
    let strategy = prop::collection::vec(
        prop_oneof![
            3 => prop::sample::select(vec![255_u8, 250, 240, 251, 253, 44, 0, 5, 3, 12, 13]),
            1 => any::<u8>(),
        ],
        0..3000,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    runner
        .run(&strategy, |bytes| {
            run(async |mut bench| {
                bench.write(&bytes).await;
                bench.client.shutdown().await.expect("closed");
                let mut got = 0;
                let mut buffer = [0; 4096];
                for _ in 0..10_000 {
                    let reading = std::future::poll_fn(|cx| bench.port.poll_input(cx, &mut buffer));
                    match tokio::time::timeout(Duration::from_millis(5), reading).await {
                        Ok(count) => got += count.expect("the port stands"),
                        // Held back by the flow control that the bytes asked for, or at the end.
                        Err(_) => break,
                    }
                }
                assert!(got <= bytes.len());
                assert!(bench.port.input.len() <= INPUT_MAX);
            });
            Ok(())
        })
        .expect("no byte makes a difference");
}
