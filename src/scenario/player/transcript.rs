//! [`Transcript`]: what happened last, for the report of a failure.

use std::collections::VecDeque;

use crate::scenario::script::{PortRef, Script, Statement};
use crate::time::Timestamp;

/// How many entries are kept.
const ENTRIES_MAX: usize = 32;

/// Longest text of an entry, in bytes.
const TEXT_MAX: usize = 200;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// `dut> AT`, `dut< OK`, or a statement.
    pub text: String,
}

/// The latest of what happened.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    entries: VecDeque<Entry>,
    /// What a port said and has not ended with a line yet.
    open: Option<(PortRef, Timestamp, Vec<u8>)>,
}

impl Transcript {
    /// What is kept, the latest last.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(super) fn sent(&mut self, script: &Script, port: PortRef, bytes: &[u8], now: Timestamp) {
        let text = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        self.push(now, format!("{}> {}", port_name(script, port), shown(text)));
    }

    /// Line by line, whatever the pieces it comes in.
    pub(super) fn heard(&mut self, script: &Script, port: PortRef, bytes: &[u8], now: Timestamp) {
        if self.open.as_ref().is_some_and(|(open, ..)| *open != port) {
            self.close(script);
        }
        for byte in bytes {
            if !matches!(byte, b'\r' | b'\n') {
                let (_, _, line) = self.open.get_or_insert_with(|| (port, now, Vec::new()));
                if line.len() <= TEXT_MAX {
                    line.push(*byte);
                }
            } else {
                self.close(script);
            }
        }
    }

    pub(super) fn acted(&mut self, statement: &Statement, now: Timestamp) {
        self.push(now, statement.text.clone());
    }

    fn close(&mut self, script: &Script) {
        let Some((port, at, line)) = self.open.take() else { return };
        let text = shown(&line);
        // The echo of what was just sent tells nothing.
        let echo = format!("{}> {text}", port_name(script, port));
        if self.entries.back().is_none_or(|entry| entry.text != echo) {
            self.push(at, format!("{}< {text}", port_name(script, port)));
        }
    }

    fn push(&mut self, at: Timestamp, text: String) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at, text });
    }
}

/// `dut`, and `dut.2` for its second port.
pub(in crate::scenario) fn port_name(script: &Script, port: PortRef) -> String {
    match port.port {
        0 => script.name(port.modem).to_owned(),
        other => format!("{}.{}", script.name(port.modem), other + 1),
    }
}

/// Bytes as a report shows them: text as it is, the rest as escapes.
pub(in crate::scenario) fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(TEXT_MAX)];
    let text = match std::str::from_utf8(cut) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => cut.escape_ascii().to_string(),
    };
    if cut.len() < bytes.len() { format!("{text}…") } else { text }
}
