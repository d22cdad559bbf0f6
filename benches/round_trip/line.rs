//! The host program's side of a pseudo-terminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// An open terminal in raw mode.
pub(crate) struct Line(File);

impl Line {
    /// Opens a terminal.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let line = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        Self::on(line)
    }

    /// Makes a terminal raw.
    pub(crate) fn on(line: OwnedFd) -> io::Result<Self> {
        let mut modes = tcgetattr(&line)?;
        modes.make_raw();
        tcsetattr(&line, OptionalActions::Now, &modes)?;
        Ok(Self(line.into()))
    }

    /// Sends a command line and waits for its final result code; returns how long it took.
    pub(crate) fn exchange(&mut self, command: &[u8]) -> Duration {
        self.ask(command).1
    }

    /// Writes bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the line takes them");
    }

    /// Reads what is there, at least one byte.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.0.read(buffer).expect("the line stands")
    }

    /// The same, with what was answered.
    pub(crate) fn ask(&mut self, command: &[u8]) -> (Vec<u8>, Duration) {
        let mut answer = [0; 8192];
        let mut len = 0;
        let began = Instant::now();
        self.0.write_all(command).expect("the line takes a command");
        loop {
            len += self.0.read(&mut answer[len..]).expect("the line stands");
            if answer[..len].ends_with(b"\r\nOK\r\n") || answer[..len].ends_with(b"ERROR\r\n") {
                return (answer[..len].to_vec(), began.elapsed());
            }
        }
    }
}
