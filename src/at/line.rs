//! The byte automaton in front of the grammar: finds command lines in what the DTE sends.

use super::settings::Registers;

/// Collects a command line's body, the characters between `AT` and S3.
///
/// 1. Anything but a prefix is passed over, empty lines too.
/// 2. `AT` in any case begins a line; `A/` repeats the last one at once.
/// 3. Characters are kept up to the limit; S5 takes the last one back, never the prefix.
/// 4. S3 completes the line. One LF behind it is its end too, and not part of anything else.
#[derive(Debug)]
pub(super) struct LineReader {
    state: State,
    /// The line being typed or executed; the last one while a prefix is looked for.
    body: Vec<u8>,
    body_max: usize,
    too_long: bool,
    after_terminator: bool,
    terminator: Terminator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Looking for a prefix.
    Idle,
    /// The last character was an `A`.
    SeenA,
    /// Between the prefix and S3.
    Body,
}

/// How this DTE ended its last line, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terminator {
    Unknown,
    Cr,
    CrLf,
}

/// A complete command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Complete;

impl LineReader {
    /// A reader for lines of at most `command_line_max` bytes, prefix and S3 included.
    pub(super) fn new(command_line_max: usize) -> Self {
        Self {
            state: State::Idle,
            body: Vec::new(),
            body_max: command_line_max.saturating_sub("AT\r".len()),
            too_long: false,
            after_terminator: false,
            terminator: Terminator::Unknown,
        }
    }

    /// The body of the last complete line, `None` where it was too long.
    pub(super) fn body(&self) -> Option<&[u8]> {
        (!self.too_long).then_some(&self.body)
    }

    /// Whether a line has been begun and not ended.
    pub(super) fn is_half_typed(&self) -> bool {
        self.state != State::Idle
    }

    /// Takes one byte in command state.
    pub(super) fn handle_byte(&mut self, byte: u8, registers: &Registers) -> Option<Complete> {
        self.after_terminator = false;
        if byte == registers.line_termination {
            self.after_terminator = true;
            let complete = self.state == State::Body;
            self.state = State::Idle;
            return complete.then_some(Complete);
        }
        match (self.state, byte) {
            (State::Idle | State::SeenA, b'A' | b'a') => self.state = State::SeenA,
            (State::SeenA, b'T' | b't') => self.begin_body(),
            (State::SeenA, b'/') => {
                self.state = State::Idle;
                return Some(Complete);
            }
            (State::Idle | State::SeenA, _) => self.state = State::Idle,
            (State::Body, byte) if byte == registers.line_editing => drop(self.body.pop()),
            (State::Body, byte) => self.keep(byte),
        }
        None
    }

    /// Whether `byte` is the LF of a CR LF line end, and so nothing else. To be asked of each byte
    /// before anything is done with it.
    pub(super) fn is_line_feed(&mut self, byte: u8) -> bool {
        if !self.after_terminator {
            return false;
        }
        self.after_terminator = false;
        self.terminator = if byte == b'\n' { Terminator::CrLf } else { Terminator::Cr };
        byte == b'\n'
    }

    /// The same for the first byte that comes after a prompt left. There an LF can be data, so it is
    /// data if this DTE ended its line before with CR alone.
    pub(super) fn is_line_feed_after_prompt(&mut self, byte: u8) -> bool {
        if self.terminator == Terminator::Cr {
            self.after_terminator = false;
        }
        self.is_line_feed(byte)
    }

    fn begin_body(&mut self) {
        self.state = State::Body;
        self.body.clear();
        self.too_long = false;
    }

    fn keep(&mut self, byte: u8) {
        if self.body.len() < self.body_max {
            self.body.push(byte);
        } else {
            self.too_long = true;
        }
    }
}
