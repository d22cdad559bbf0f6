//! [`Descriptor`]: a terminal's descriptor in the event loop.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::host::output_queue::OutputQueue;

/// A non-blocking descriptor the loop waits for.
#[derive(Debug)]
pub struct Descriptor(AsyncFd<OwnedFd>);

impl Descriptor {
    /// Makes a descriptor non-blocking and known to the loop. To be called in a runtime.
    ///
    /// The call is deprecated because a type may answer with a descriptor it does not own; an
    /// `OwnedFd` cannot, and its replacement is `unsafe`, which this crate forbids.
    #[expect(deprecated)]
    pub fn new(descriptor: OwnedFd, interest: Interest) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self(AsyncFd::with_interest(descriptor, interest)?))
    }

    /// The descriptor itself.
    pub fn get(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Ready once after each change: what can be read is to be read to its end.
    pub fn poll_change(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx).map(|ready| {
            ready?.clear_ready();
            Ok(())
        })
    }

    /// Whether it may be readable; [`Descriptor::read`] tells.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx).map(|ready| ready.map(drop))
    }

    /// Reads; `None` where there is nothing, after which [`Descriptor::poll_readable`] waits.
    /// Zero bytes and EIO both mean that the other side is gone.
    pub fn read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match rustix::io::read(self.get(), &mut *buffer) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if let Poll::Ready(ready) = self.0.poll_read_ready(cx) {
                        ready?.clear_ready();
                    }
                    return Ok(None);
                }
                Err(Errno::IO) => return Ok(Some(0)),
                read => return Ok(Some(read?)),
            }
        }
    }

    /// Writes what is taken at once.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.get(), bytes)?)
    }

    /// Writes what waits.
    pub fn poll_flush(&self, queue: &mut OutputQueue, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !queue.is_empty() {
            let Poll::Ready(ready) = self.0.poll_write_ready(cx) else { return Poll::Pending };
            let mut ready = ready?;
            if !queue.flush(|bytes| self.write(bytes))? {
                ready.clear_ready();
            }
        }
        Poll::Ready(Ok(()))
    }
}
