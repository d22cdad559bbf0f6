//! What a chip-to-chip session costs: the same exchanges on the same line, in clear and in frames. The
//! host's end works in this process and takes its time too.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::c2c::{Pairing, Session, Side};

use super::line::Line;
use super::process::Program;
use super::{Effort, Quantiles};

const TE_SECRET: &str = "0001020304050607f8f9fafbfcfdfeff";

/// Prints a table of exchanges: text that passes each second, in clear and in frames.
pub(crate) fn throughput(effort: &Effort) {
    let place = tempfile::tempdir().expect("a temporary directory");
    // Without a bootstrap no feature is asked for.
    let mut program = Program::start_with(place.path(), &["--service", "none"]);
    program.line.exchange(b"ATE0\r");
    let pairing = pair(&mut program.line);
    let exchanges = [
        ("AT", b"AT\r".to_vec()),
        ("a line of 1000 bytes", [b"AT".as_slice(), &[b' '; 997], b"\r"].concat()),
        ("AT+CLAC", b"AT+CLAC\r".to_vec()),
    ];
    println!("\nText on the same pseudo-terminal, both directions, in KiB/s.\n");
    println!("{:<24}{:>10}{:>12}   ratio", "", "in clear", "in frames");
    for (name, command) in exchanges {
        let (mut clear, mut framed) = (Vec::new(), Vec::new());
        let mut text_len = 0;
        for batch in 0..=effort.batches / 5 {
            let of_clear = (0..effort.batch).map(|_| {
                let (answer, took) = program.line.ask(&command);
                text_len = command.len() + answer.len();
                took
            });
            let of_clear: Vec<_> = of_clear.collect();
            let mut chip = Chip::open(&mut program.line, &pairing);
            let of_framed: Vec<_> = (0..effort.batch).map(|_| chip.ask(&command, text_len)).collect();
            chip.close();
            // The first batch warms up.
            if batch > 0 {
                clear.extend(of_clear);
                framed.extend(of_framed);
            }
        }
        let rate = |times| text_len as f64 / 1024.0 / (Quantiles::of(times).median / 1e6);
        let (clear, framed) = (rate(clear), rate(framed));
        println!("{name:<24}{clear:>10.0}{framed:>12.0}{:>8.2}", framed / clear);
    }
    program.stop();
}

fn pair(line: &mut Line) -> Pairing {
    let (answer, _) = line.ask(format!("AT+USECC2C=0,\"{TE_SECRET}\"\r").as_bytes());
    let answer = String::from_utf8(answer).expect("text");
    let strings: Vec<_> = answer.split('"').skip(1).step_by(2).collect();
    let secret = |text: &str| text.parse().expect("32 hex digits");
    let [key, hmac_key, tag] = strings[..] else { panic!("it does not pair: {answer}") };
    let pairing =
        Pairing { te_secret: secret(TE_SECRET), key: secret(key), hmac_key: Some(secret(hmac_key)) };
    let body = pairing.seal(&hex::decode(tag).expect("hex"), &[0; 16]);
    line.ask(format!("AT+USECC2C=4,\"{TE_SECRET}\",\"{}\"\r", hex::encode(body)).as_bytes());
    pairing
}

/// The host's end of a session.
struct Chip<'l> {
    line: &'l mut Line,
    session: Session,
}

impl<'l> Chip<'l> {
    fn open(line: &'l mut Line, pairing: &Pairing) -> Self {
        let (answer, _) = line.ask(format!("AT+USECC2C=1,\"{TE_SECRET}\"\r").as_bytes());
        assert!(answer.ends_with(b"OK\r\n"), "{}", answer.escape_ascii());
        let session = Session::new(pairing.clone(), Side::Host, ChaCha12Rng::seed_from_u64(1));
        Self { line, session }
    }

    /// Sends a command line and waits until so much text has passed, both ways together.
    fn ask(&mut self, command: &[u8], text_len: usize) -> Duration {
        let mut buffer = [0; 8192];
        let began = Instant::now();
        for frame in self.session.send(command) {
            self.line.write(&frame);
        }
        let mut heard = command.len();
        while heard < text_len {
            let count = self.line.read(&mut buffer);
            heard += self.session.receive(&buffer[..count]).len();
        }
        began.elapsed()
    }

    fn close(mut self) {
        self.ask(b"AT+USECC2C=2\r", b"AT+USECC2C=2\r\r\nOK\r\n".len());
    }
}
