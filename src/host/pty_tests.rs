//! Host programs that open, write, close and claim a real pseudo-terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::time::Duration;

use super::*;

fn client(path: &Path) -> File {
    let flags = rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .expect("the slave opens")
}

/// What the client can read within the time a line takes to pass through the kernel.
fn read_all(client: &mut File) -> Vec<u8> {
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    for _ in 0..200 {
        match client.read(&mut buffer) {
            Ok(count) if count > 0 => text.extend_from_slice(&buffer[..count]),
            _ if !text.is_empty() => break,
            _ => std::thread::yield_now(),
        }
    }
    text
}

async fn input(pty: &mut Pty) -> Vec<u8> {
    let mut buffer = [0; 512];
    let reading = std::future::poll_fn(|cx| pty.poll_input(cx, &mut buffer));
    match tokio::time::timeout(Duration::from_millis(300), reading).await {
        Ok(count) => buffer[..count.expect("the port stands")].to_vec(),
        Err(_) => Vec::new(),
    }
}

fn run(test: impl AsyncFnOnce(Pty)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { test(Pty::open(None, StandsFor::Uart).expect("a pseudo-terminal")).await });
}

#[test]
fn a_thousand_reopens_lose_nothing_and_leave_nothing() {
    run(async |mut pty| {
        for round in 0..1000 {
            let mut host = client(pty.path());
            let command = format!("AT+ROUND={round}\r");
            host.write_all(command.as_bytes()).expect("written");
            let mut heard = Vec::new();
            while heard.len() < command.len() {
                let more = input(&mut pty).await;
                assert!(!more.is_empty(), "round {round}: {heard:?}");
                heard.extend(more);
            }
            assert_eq!(heard, command.as_bytes());
            let answer = format!("\r\n+ROUND: {round}\r\n");
            pty.send(answer.as_bytes()).expect("sent");
            assert_eq!(String::from_utf8_lossy(&read_all(&mut host)), answer, "round {round}");
            pty.send(b"\r\n+STALE: 1\r\n").expect("sent");
        }
    });
}

#[test]
fn a_reply_to_a_client_that_came_right_after_another_is_not_flushed() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        drop(client(&path));
        let mut host = client(&path);
        host.write_all(b"AT\r").expect("written");
        assert_eq!(input(&mut pty).await, b"AT\r");
        pty.send(b"\r\nOK\r\n").expect("sent");
        assert!(input(&mut pty).await.is_empty());
        assert_eq!(read_all(&mut host), b"\r\nOK\r\n");
    });
}

#[test]
fn with_nobody_connected_output_is_dropped() {
    run(async |mut pty| {
        pty.send(b"\r\n+UUPSDD: 0\r\n").expect("sent");
        let path = pty.path().to_owned();
        let mut host = client(&path);
        assert!(input(&mut pty).await.is_empty());
        assert!(read_all(&mut host).is_empty());
        pty.send(b"\r\nOK\r\n").expect("sent");
        assert_eq!(read_all(&mut host), b"\r\nOK\r\n");
        drop(host);
        assert!(input(&mut pty).await.is_empty());
        assert!(!pty.is_connected());
    });
}

#[test]
fn what_a_client_wrote_before_it_closed_is_heard_but_not_answered_to_the_next() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        client(&path).write_all(b"AT\r").expect("written");
        assert_eq!(input(&mut pty).await, b"AT\r");
        assert!(!pty.is_connected());
        pty.send(b"\r\nOK\r\n").expect("sent");
        assert!(read_all(&mut client(&path)).is_empty());
    });
}

#[test]
fn a_line_claimed_by_one_client_opens_for_the_next() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        let host = client(&path);
        rustix::termios::ioctl_tiocexcl(&host).expect("claimed");
        drop(host);
        assert!(input(&mut pty).await.is_empty());
        let flags = tcgetattr(client(&path)).expect("opens even where the caller is not root");
        assert!(!flags.local_modes.contains(LocalModes::ECHO));
    });
}

#[test]
fn a_line_left_in_cooked_mode_is_raw_again() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        let host = client(&path);
        let mut modes = tcgetattr(&host).expect("a terminal");
        modes.local_modes |= LocalModes::ECHO | LocalModes::ICANON;
        tcsetattr(&host, OptionalActions::Now, &modes).expect("set");
        drop(host);
        assert!(input(&mut pty).await.is_empty());
        let modes = tcgetattr(client(&path)).expect("a terminal");
        assert!(!modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON));
    });
}

#[test]
fn a_rate_is_that_of_whoever_has_set_one_and_goes_with_him() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        assert_eq!(pty.rate_bps(), None);
        let host = client(&path);
        let mut modes = tcgetattr(&host).expect("a terminal");
        for rate in [9600, 115_200, 3_250_000, 12_345] {
            modes.set_speed(rate).expect("any rate");
            tcsetattr(&host, OptionalActions::Now, &modes).expect("set");
            assert_eq!(pty.rate_bps(), NonZeroU32::new(rate));
        }
        modes.set_speed(0).expect("hang-up");
        tcsetattr(&host, OptionalActions::Now, &modes).expect("set");
        assert_eq!(pty.rate_bps(), None);
        modes.set_speed(9600).expect("any rate");
        tcsetattr(&host, OptionalActions::Now, &modes).expect("set");
        drop(host);
        assert!(input(&mut pty).await.is_empty());
        let _careless = client(&path);
        assert_eq!(pty.rate_bps(), None);
    });
}

#[test]
fn whoever_comes_right_behind_another_has_no_rate_unless_it_differs() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        let set = |host: &File, rate| {
            let mut modes = tcgetattr(host).expect("a terminal");
            modes.set_speed(rate).expect("any rate");
            tcsetattr(host, OptionalActions::Now, &modes).expect("set");
        };
        for (asked, own, expected) in [
            (true, None, None),
            (false, None, None),
            (true, Some(115_200), NonZeroU32::new(115_200)),
            (true, Some(9600), None),
        ] {
            let first = client(&path);
            set(&first, 9600);
            if asked {
                assert_eq!(pty.rate_bps(), NonZeroU32::new(9600));
            }
            // Both are done before anybody looks.
            drop(first);
            let next = client(&path);
            if let Some(rate) = own {
                set(&next, rate);
            }
            assert!(input(&mut pty).await.is_empty());
            assert_eq!(pty.rate_bps(), expected, "{asked} {own:?}");
            drop(next);
            assert!(input(&mut pty).await.is_empty());
        }
    });
}

#[test]
fn usb_has_no_rate() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut pty = Pty::open(None, StandsFor::Usb).expect("a pseudo-terminal");
        let host = client(pty.path());
        let mut modes = tcgetattr(&host).expect("a terminal");
        modes.set_speed(9600).expect("any rate");
        tcsetattr(&host, OptionalActions::Now, &modes).expect("set");
        assert_eq!(pty.rate_bps(), None);
    });
}

#[test]
fn a_client_that_never_reads_blocks_nobody() {
    run(async |mut pty| {
        let path = pty.path().to_owned();
        let mut host = client(&path);
        for _ in 0..1000 {
            pty.send(&[b'x'; 200]).expect("sent or dropped");
        }
        host.write_all(b"AT\r").expect("written");
        assert_eq!(input(&mut pty).await, b"AT\r");
        let mut heard = read_all(&mut host).len();
        for _ in 0..100 {
            let _ =
                tokio::time::timeout(Duration::from_millis(5), std::future::poll_fn(|cx| pty.poll_flush(cx)))
                    .await;
            heard += read_all(&mut host).len();
        }
        assert!(heard >= crate::host::output_queue::WAITING_OUTPUT_MAX, "{heard}");
    });
}

#[test]
fn permissions_are_as_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pty = Pty::open(Some(0o666), StandsFor::Uart).expect("a pseudo-terminal");
        let mode = std::fs::metadata(pty.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
    });
}
