//! [`Serial`]: a port of the module on a real serial port.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

use crate::host::output_queue::OutputQueue;

/// The rate of the line, in bits per second: `+IPR` of every built-in profile autobauds at it.
pub const RATE: u32 = 115_200;

/// A serial port at 115200 8N1 without flow control.
#[derive(Debug)]
pub struct Serial {
    path: PathBuf,
    line: SerialStream,
    output: OutputQueue,
}

impl Serial {
    /// Opens a serial port for this process alone. To be called in a runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        let line = tokio_serial::new(path.to_string_lossy(), RATE).open_native_async()?;
        Ok(Self { path: path.to_owned(), line, output: OutputQueue::default() })
    }

    /// Changes its rate, in bits per second.
    pub fn set_rate(&mut self, rate: u32) -> io::Result<()> {
        Ok(self.line.set_baud_rate(rate)?)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what the other end wrote; an error where the port has vanished.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.line).poll_read(cx, &mut space))?;
        Poll::Ready(match space.filled().len() {
            0 => Err(io::Error::other("the port has vanished")),
            count => Ok(count),
        })
    }

    /// Sends one line in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.send(bytes, |bytes| self.line.try_write(bytes))
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { line, output, .. } = self;
        let done = output.flush(|bytes| match Pin::new(&mut *line).poll_write(cx, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        })?;
        if done { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}
