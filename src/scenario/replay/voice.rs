//! [`Voice`]: how what a script has the module say sounds on the line (V.250, 6.2.6).

use super::account::Account;
use super::book::{Step, StepKind};
use super::command::Manners;
use crate::scenario::player::{is_final, shown};
use crate::scenario::script::Variables;

/// What is said, and how the host has set it to be said.
#[derive(Debug)]
pub(super) struct Voice {
    /// What gaps were filled with, by the names of their captures.
    pub(super) variables: Variables,
    echo: bool,
    verbose: bool,
    said: Vec<u8>,
}

impl Default for Voice {
    fn default() -> Self {
        Self { variables: Variables::new(), echo: true, verbose: true, said: Vec::new() }
    }
}

impl Voice {
    /// Takes what has been said.
    pub(super) fn take_said(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.said)
    }

    /// The host has sent this byte of a command line.
    pub(super) fn echo(&mut self, byte: u8) {
        if self.echo {
            self.said.push(byte);
        }
    }

    /// The host has set these.
    pub(super) fn take_on(&mut self, manners: Manners) {
        self.echo = manners.echo.unwrap_or(self.echo);
        self.verbose = manners.verbose.unwrap_or(self.verbose);
    }

    /// Says that a command is not known.
    pub(super) fn say_error(&mut self) {
        let error = if self.verbose { &b"ERROR"[..] } else { b"4" };
        self.say_line(error, true);
    }

    /// Says what a step says, with `header` before its line or without; `key` is the command that is
    /// answered.
    pub(super) fn say(&mut self, step: &Step, key: &[u8], header: bool, account: &mut Account) {
        match &step.what {
            StepKind::Say(pattern) => {
                let (text, has_gaps) = pattern.filled(plausible(key), &mut self.variables);
                if has_gaps {
                    account.guess(step.line, format!("said {}", shown(&text)));
                }
                self.say_line(&text, header);
            }
            StepKind::Ok => self.say_line(if self.verbose { b"OK" } else { b"0" }, header),
            StepKind::Prompt(bytes) => {
                self.say_header(true);
                self.said.extend_from_slice(bytes);
            }
            StepKind::Take(_) => {}
        }
    }

    fn say_line(&mut self, text: &[u8], header: bool) {
        let is_short_code = !self.verbose && is_final(text);
        self.say_header(header);
        self.said.extend_from_slice(text);
        self.said.extend_from_slice(if is_short_code { b"\r" } else { b"\r\n" });
    }

    fn say_header(&mut self, header: bool) {
        if header && self.verbose {
            self.said.extend_from_slice(b"\r\n");
        }
    }
}

/// What may stand where a script leaves open what is said. `designed`
fn plausible(key: &[u8]) -> &'static [u8] {
    const KNOWN: [(&[u8], &[u8]); 6] = [
        (b"GSN", b"004999010640000"),
        (b"+CIMI", b"001010123456789"),
        (b"CCID", b"8988211000000000012"),
        (b"+CCLK", b"26/01/01,00:00:00+00"),
        (b"+CSQ", b"20"),
        (b"+CGMR", b"02.06"),
    ];
    let is_in = |name: &[u8]| key.windows(name.len()).any(|part| part == name);
    KNOWN.iter().find(|(name, _)| is_in(name)).map_or(b"1", |(_, text)| text)
}
