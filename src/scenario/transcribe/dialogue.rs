//! [`Dialogue`]: from bytes on the line to what was said.
//!
//! 1. What the host writes becomes command lines at each CR, or data where the module asked for it.
//! 2. What the module writes becomes lines at each CR or LF; the echo of what the host wrote is left out.
//! 3. A line is an answer while a command runs and its name fits, and unsolicited otherwise.
//! 4. A line that is begun when the host writes is a prompt, unless it is an echo under way.
//! 5. From CONNECT to its end, nothing is a line.

use std::collections::VecDeque;

use crate::scenario::recording::Chunk;
use crate::scenario::script::Direction;

/// From how long a silence on the host's side is worth a `wait`, in milliseconds.
const PAUSE_MS: i64 = 3000;

/// From how long a silence behind a line that is begun makes it a prompt, in milliseconds. What is known
/// as one needs none.
const BEGUN_MS: i64 = 50;

/// Longest line of either side that is kept together, in bytes.
pub(super) const TEXT_MAX: usize = 6000;

/// Most data that is kept together, in bytes.
const DATA_MAX: usize = 64 * 1024;

/// Most command lines that wait for their final result codes; a host program sends one at a time.
const RUNNING_MAX: usize = 16;

/// What ends the transparent phase after CONNECT.
const STREAM_ENDS: [&[u8]; 4] =
    [b"\r\nNO CARRIER\r\n", b"\r\nDISCONNECT\r\n", b"\r\nOK\r\n", b"\r\nERROR\r\n"];

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The host sent a command line; its CR is left out.
    Command(Vec<u8>),
    /// The host sent these bytes.
    Data(Vec<u8>),
    /// The host did nothing for so many milliseconds.
    Pause(i64),
    /// The module answered with this line.
    Answer(Vec<u8>),
    /// The module sent this line unasked, so many milliseconds after what came before.
    Unsolicited(Vec<u8>, i64),
    /// The module sent these bytes without a line end.
    Prompt(Vec<u8>),
}

/// What the bytes of both sides mean just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Command,
    /// The module asked for data.
    Data,
    /// Transparent, since CONNECT.
    Stream,
}

/// A command line on its way through the module.
#[derive(Debug, Default)]
struct Running {
    text: Vec<u8>,
    is_echoed: bool,
}

/// Reads what passed on the line, in order.
#[derive(Debug)]
pub(super) struct Dialogue {
    said: Vec<Said>,
    phase: Phase,
    /// What the host wrote of a command line or of data.
    written: Vec<u8>,
    /// How much of the data has been echoed.
    echoed: usize,
    /// The line the module has begun, or what it sent since CONNECT.
    heard: Vec<u8>,
    /// Command lines that have no final result code yet, the oldest first.
    running: VecDeque<Running>,
    /// CONNECT ended with a CR, and its LF comes.
    ends_connect: bool,
    /// When this chunk passed.
    now_ms: i64,
    /// When something was said last.
    said_ms: i64,
}

impl Dialogue {
    /// What was said in these chunks.
    pub(super) fn read(chunks: &[Chunk]) -> Vec<Said> {
        let began_ms = chunks.first().map_or(0, |chunk| chunk.at_ms);
        let mut dialogue = Self {
            said: Vec::new(),
            phase: Phase::Command,
            written: Vec::new(),
            echoed: 0,
            heard: Vec::new(),
            running: VecDeque::new(),
            ends_connect: false,
            now_ms: began_ms,
            said_ms: began_ms,
        };
        for chunk in chunks {
            let quiet_ms = chunk.at_ms.saturating_sub(dialogue.now_ms);
            dialogue.now_ms = chunk.at_ms;
            match chunk.direction {
                Direction::ToModule => dialogue.host_wrote(&chunk.bytes, quiet_ms),
                Direction::ToHost => dialogue.module_wrote(&chunk.bytes),
            }
        }
        dialogue.send_written();
        dialogue.prompt();
        dialogue.said
    }

    fn say(&mut self, said: Said) {
        self.said.push(said);
        self.said_ms = self.now_ms;
    }

    // ---- the host ----------------------------------------------------------------------------

    fn host_wrote(&mut self, bytes: &[u8], quiet_ms: i64) {
        self.look_for_prompt(quiet_ms);
        if self.phase != Phase::Command && quiet_ms >= PAUSE_MS {
            self.send_written();
        }
        // Who types slowly does not pause.
        if self.written.is_empty() && quiet_ms >= PAUSE_MS {
            self.say(Said::Pause(quiet_ms));
        }
        for byte in bytes {
            self.host_wrote_byte(*byte);
        }
    }

    fn host_wrote_byte(&mut self, byte: u8) {
        match (self.phase, byte) {
            (Phase::Command, b'\r') => self.command(),
            // What many programs send behind CR, and V.250 ignores.
            (Phase::Command, b'\n') if self.written.is_empty() => {}
            (Phase::Command, _) => {
                self.written.push(byte);
                if self.written.len() == TEXT_MAX {
                    self.send_written();
                }
            }
            (Phase::Data | Phase::Stream, _) => {
                self.written.push(byte);
                if self.written.len() == DATA_MAX {
                    self.send_written();
                }
            }
        }
    }

    fn command(&mut self) {
        let text = std::mem::take(&mut self.written);
        if self.running.len() == RUNNING_MAX {
            self.running.pop_front();
        }
        self.running.push_back(Running { text: text.clone(), is_echoed: false });
        self.say(Said::Command(text));
    }

    /// What the host wrote without a CR.
    fn send_written(&mut self) {
        if !self.written.is_empty() {
            let written = std::mem::take(&mut self.written);
            self.say(Said::Data(written));
        }
        self.echoed = 0;
    }

    // ---- the module --------------------------------------------------------------------------

    fn module_wrote(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.phase {
                Phase::Stream if std::mem::take(&mut self.ends_connect) && *byte == b'\n' => {}
                Phase::Stream => self.stream(*byte),
                Phase::Data if self.written.get(self.echoed) == Some(byte) => self.echoed += 1,
                Phase::Data => {
                    self.send_written();
                    self.line_byte(*byte);
                }
                Phase::Command => self.line_byte(*byte),
            }
        }
    }

    fn line_byte(&mut self, byte: u8) {
        match byte {
            b'\r' | b'\n' if self.heard.is_empty() => {}
            b'\r' | b'\n' => self.line(byte),
            _ => self.hear(byte),
        }
    }

    fn hear(&mut self, byte: u8) {
        self.heard.push(byte);
        if self.heard.len() == TEXT_MAX {
            self.prompt();
        }
    }

    fn stream(&mut self, byte: u8) {
        self.send_written();
        self.hear(byte);
        let end = STREAM_ENDS.iter().find(|end| self.heard.ends_with(end));
        if let Some(end) = end {
            self.heard.truncate(self.heard.len() - end.len());
            self.prompt();
            self.say(Said::Answer(end.trim_ascii().to_vec()));
            self.phase = Phase::Command;
            self.running.clear();
        }
    }

    fn line(&mut self, end: u8) {
        let line = std::mem::take(&mut self.heard);
        if self.is_echo(&line) {
            return;
        }
        self.phase = Phase::Command;
        let is_final = is_final(&line);
        // `+++`, `A/`: what has no CR and is no command line half typed was sent before this.
        if !self.written.is_empty() && (is_final || !looks_like_a_command(&self.written)) {
            self.send_written();
            if self.running.is_empty() {
                self.running.push_back(Running::default());
            }
        }
        let mut running = self.running.iter();
        let after_ms = self.now_ms.saturating_sub(self.said_ms);
        let said = match running.any(|command| is_final || !is_unsolicited(&line, &command.text)) {
            true => Said::Answer(line.clone()),
            false => Said::Unsolicited(line.clone(), after_ms),
        };
        self.say(said);
        if is_final {
            self.running.pop_front();
        }
        if line.starts_with(b"CONNECT") {
            self.phase = Phase::Stream;
            self.ends_connect = end == b'\r';
        }
    }

    /// Whether a line is what the host wrote; command lines before that one are over, then.
    fn is_echo(&mut self, line: &[u8]) -> bool {
        let is_it = |command: &Running| !command.is_echoed && command.text == line;
        match self.running.iter().position(is_it) {
            Some(place) => {
                self.running[place].is_echoed = true;
                self.running.drain(..place);
                true
            }
            None => self.written.starts_with(line),
        }
    }

    /// A line that the module has begun when the host writes.
    fn look_for_prompt(&mut self, quiet_ms: i64) {
        let is_echo = self.written.starts_with(&self.heard)
            || self.running.iter().any(|command| !command.is_echoed && command.text.starts_with(&self.heard));
        let is_known = is_prompt(&self.heard);
        if self.phase == Phase::Stream || !is_echo && (is_known || quiet_ms >= BEGUN_MS) {
            self.prompt();
            if is_known && self.phase == Phase::Command {
                self.send_written();
                self.phase = Phase::Data;
            }
        }
    }

    fn prompt(&mut self) {
        if !self.heard.is_empty() {
            let heard = std::mem::take(&mut self.heard);
            self.say(Said::Prompt(heard));
        }
    }
}

/// `>` and `@`, with which a module asks for data.
fn is_prompt(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), b">" | b"@")
}

/// Whether a line ends the answer to a command, under `ATV1` or `ATV0`.
fn is_final(line: &[u8]) -> bool {
    const CODES: [&[u8]; 7] =
        [b"OK", b"ERROR", b"ABORTED", b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE"];
    CODES.contains(&line)
        || matches!(line, [b'0'..=b'8'])
        || [&b"+CME ERROR:"[..], b"+CMS ERROR:", b"Command aborted", b"CONNECT"]
            .iter()
            .any(|start| line.starts_with(start))
}

fn looks_like_a_command(written: &[u8]) -> bool {
    written.get(..2).unwrap_or(written).eq_ignore_ascii_case(&b"AT"[..written.len().min(2)])
}

/// Whether a line that comes while a command runs has nothing to do with it: it is of the form
/// `+NAME:`, and the command line has no such name in it.
fn is_unsolicited(line: &[u8], command: &[u8]) -> bool {
    let Some(end) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = &line[..end];
    let is_name = name.len() > 1
        && matches!(name[0], b'+' | b'^' | b'%')
        && name[1..].iter().all(u8::is_ascii_alphanumeric);
    if !is_name {
        return false;
    }
    // A profile as `AT&V` shows it has names of settings in it.
    let shows_all = command.to_ascii_uppercase().windows(2).any(|part| part == b"&V");
    let is_asked = command.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name));
    !is_asked && (name.starts_with(b"+UU") || !shows_all)
}

#[cfg(test)]
mod tests;
