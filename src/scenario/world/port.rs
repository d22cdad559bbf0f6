//! [`Port`]: a serial port of a modem as a host program has it, on the virtual clock.

use std::io::{self, Read, Write};

use crate::modem::{Input, PortId};
use crate::scenario::world::{ModemId, World};
use crate::time::Timestamp;

/// How long a read waits where nobody says otherwise, in milliseconds of virtual time. `designed`
const READ_TIMEOUT_MS: i64 = 1_000;

/// A serial port of a modem, for a host program that takes a [`Read`] and a [`Write`].
///
/// A write is there at once. A read gives what the port has said; where that is nothing, the whole
/// world goes on until it says something, or until the timeout, which is [`io::ErrorKind::TimedOut`]
/// as at a real port. A host program that measures time itself has to ask for it as an argument:
/// an `Instant` knows nothing of virtual time.
///
/// Made by [`World::port`].
pub struct Port<'w> {
    world: &'w mut World,
    modem: ModemId,
    port: PortId,
    timeout_ms: i64,
}

impl Port<'_> {
    /// The same port, whose reads wait this long, in milliseconds of virtual time.
    pub fn with_timeout_ms(self, timeout_ms: i64) -> Self {
        Self { timeout_ms, ..self }
    }

    /// The virtual time, for a host program that asks for it.
    pub fn now(&self) -> Timestamp {
        self.world.now
    }
}

impl Read for Port<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.world.now.offset_millis(self.timeout_ms);
        if buffer.is_empty() {
            return Ok(0);
        }
        if !self.world.run_until_said(self.modem, self.port, end) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(self.world.take_some_of(self.modem, self.port, buffer))
    }
}

impl Write for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.world.input(self.modem, Input::Serial { port: self.port, bytes });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl World {
    /// The first serial port of a modem.
    pub fn port(&mut self, id: ModemId) -> Port<'_> {
        self.port_of(id, PortId(0))
    }

    /// A serial port of a modem. One that it does not have is silent.
    pub fn port_of(&mut self, id: ModemId, port: PortId) -> Port<'_> {
        Port { world: self, modem: id, port, timeout_ms: READ_TIMEOUT_MS }
    }

    /// Sends a command line on the first port and returns what is answered at once: the lines, joined
    /// by `|`, without the echo. An answer that takes its time is for [`World::at_within`].
    pub fn at(&mut self, id: ModemId, line: &str) -> String {
        self.take_serial(id);
        self.send(id, line);
        joined(line, &self.take_serial(id))
    }

    /// The same, with up to so many milliseconds for the final result code to come; without one, what
    /// came until then.
    pub fn at_within(&mut self, id: ModemId, line: &str, millis: i64) -> String {
        let end = self.now.offset_millis(millis);
        self.take_serial(id);
        self.send(id, line);
        let mut said = self.take_serial(id);
        while !said.split("\r\n").any(is_final) && self.run_until_said(id, PortId(0), end) {
            said += &self.take_serial(id);
        }
        joined(line, &said)
    }

    /// Lets time pass until a port has said something that was not taken yet; false where it has not
    /// by `end`.
    fn run_until_said(&mut self, id: ModemId, port: PortId, end: Timestamp) -> bool {
        self.run_while(end, |world| !world.said.contains(&(id, port)));
        let said = self.said.contains(&(id, port));
        if !said {
            self.now = self.now.max(end);
        }
        said
    }

    /// Takes as much of what a port has said as there is room for.
    fn take_some_of(&mut self, id: ModemId, port: PortId, buffer: &mut [u8]) -> usize {
        let Some(said) = self.slots[id.0].serial.get_mut(port.0) else { return 0 };
        let count = said.len().min(buffer.len());
        buffer[..count].copy_from_slice(&said[..count]);
        said.drain(..count);
        if said.is_empty() {
            self.said.remove(&(id, port));
        }
        count
    }
}

/// What was said for a command line, without its echo and without empty lines.
fn joined(line: &str, said: &str) -> String {
    let said = said.strip_prefix(&format!("{line}\r")).unwrap_or(said);
    said.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
}

/// Whether a line is a final result code, as words.
fn is_final(line: &str) -> bool {
    matches!(line, "OK" | "ERROR" | "ABORTED" | "NO CARRIER" | "CONNECT")
        || ["+CME ERROR:", "+CMS ERROR:", "CONNECT "].iter().any(|code| line.starts_with(code))
}
