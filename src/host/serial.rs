//! [`Serial`]: a port of the module on a real serial port.

use std::io;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, ioctl_tiocexcl, tcgetattr, tcsetattr};

use crate::host::descriptor::Descriptor;
use crate::host::output_queue::OutputQueue;

/// The rate of the line, in bits per second: `+IPR` of every built-in profile autobauds at it.
const RATE: u32 = 115_200;

/// A serial port at 115200 8N1 without flow control.
#[derive(Debug)]
pub struct Serial {
    path: PathBuf,
    line: Descriptor,
    output: OutputQueue,
}

impl Serial {
    /// Opens a serial port for this process alone. To be called in a runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let line = rustix::fs::open(path, flags, Mode::empty())?;
        let mut modes = tcgetattr(&line)?;
        modes.make_raw();
        modes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
        modes.control_modes -= ControlModes::CRTSCTS | ControlModes::CSTOPB | ControlModes::PARENB;
        modes.set_speed(RATE)?;
        tcsetattr(&line, OptionalActions::Now, &modes)?;
        ioctl_tiocexcl(&line)?;
        Ok(Self { path: path.to_owned(), line: Descriptor::new(line)?, output: OutputQueue::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what the other end wrote; an error where the port has vanished.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.line.poll_readable(cx)?.is_ready() {
            match self.line.read(cx, buffer)? {
                None => {}
                Some(0) => return Poll::Ready(Err(io::Error::other("the port has vanished"))),
                Some(count) => return Poll::Ready(Ok(count)),
            }
        }
        Poll::Pending
    }

    /// Sends one line in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.send(bytes, |bytes| self.line.write(bytes))
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.poll_flush(&mut self.output, cx)
    }
}
