//! [`Serial`]: a port of the module on a real serial port.
//!
//! Its rate is the module's: whoever is at the other end at another one meets what a line makes of
//! that. What was written before a change leaves at the old rate.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

use crate::host::output_queue::OutputQueue;

/// The rate of the line in bits per second, until the module shows another.
pub const RATE: u32 = 115_200;

/// How often the line is asked whether everything has left, before its rate changes.
const DRAINED_POLL: Duration = Duration::from_millis(2);

/// A serial port, 8N1 without flow control.
#[derive(Debug)]
pub struct Serial {
    path: PathBuf,
    line: SerialStream,
    output: OutputQueue,
    rate: u32,
    next_rate: Option<NextRate>,
}

/// A rate to come, once everything before it has left.
#[derive(Debug)]
struct NextRate {
    rate: u32,
    /// How many bytes of the waiting output are before it.
    before: usize,
    timer: Pin<Box<Sleep>>,
}

impl Serial {
    /// Opens a serial port for this process alone. To be called in a runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(path, RATE)
    }

    /// The same at another rate, in bits per second.
    pub fn open_at(path: &Path, rate: u32) -> io::Result<Self> {
        let line = tokio_serial::new(path.to_string_lossy(), rate).open_native_async()?;
        let output = OutputQueue::default();
        Ok(Self { path: path.to_owned(), line, output, rate, next_rate: None })
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
        let Self { line, output, next_rate, .. } = self;
        output.send(bytes, |bytes| match next_rate {
            None => line.try_write(bytes),
            Some(_) => Err(io::ErrorKind::WouldBlock.into()),
        })
    }

    /// Changes the rate, in bits per second, behind what was sent before.
    pub fn set_rate(&mut self, rate: u32) {
        if rate != self.rate || self.next_rate.is_some() {
            let timer = Box::pin(sleep(Duration::ZERO));
            self.next_rate = Some(NextRate { rate, before: self.output.len(), timer });
        }
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { line, output, .. } = self;
        let mut write = |bytes: &[u8]| match Pin::new(&mut *line).poll_write(cx, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        };
        let Some(next) = &mut self.next_rate else {
            return if output.flush(write)? { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        output.flush(|bytes| {
            let written = write(&bytes[..bytes.len().min(next.before)])?;
            next.before -= written;
            Ok(written)
        })?;
        if next.before > 0 {
            return Poll::Pending;
        }
        ready!(self.poll_next_rate(cx))?;
        self.poll_flush(cx)
    }

    fn poll_next_rate(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(next) = &mut self.next_rate {
            ready!(next.timer.as_mut().poll(cx));
            if self.line.bytes_to_write()? > 0 {
                next.timer.set(sleep(DRAINED_POLL));
                continue;
            }
            // At most what the hardware itself holds is still on its way.
            io::Write::flush(&mut self.line)?;
            self.line.set_baud_rate(next.rate)?;
            self.rate = next.rate;
            self.next_rate = None;
        }
        Poll::Ready(Ok(()))
    }
}
