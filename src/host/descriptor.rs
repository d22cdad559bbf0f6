//! [`Descriptor`]: a terminal's descriptor in the event loop.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::host::output_queue::OutputQueue;

/// A non-blocking descriptor the loop waits for.
///
/// It waits for room only while output waits: a terminal tells of room whenever its other end has
/// read, and being woken for that costs many times what answering a command does.
#[derive(Debug)]
pub struct Descriptor {
    input: AsyncFd<OwnedFd>,
    /// The same, while output waits.
    room: Option<AsyncFd<OwnedFd>>,
}

impl Descriptor {
    /// Makes a descriptor non-blocking and known to the loop. To be called in a runtime.
    pub fn new(descriptor: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { input: known_to_the_loop(descriptor, Interest::READABLE)?, room: None })
    }

    /// The descriptor itself.
    pub fn get(&self) -> &OwnedFd {
        self.input.get_ref()
    }

    /// Ready once after each change: what can be read is to be read to its end.
    pub fn poll_change(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.poll_read_ready(cx).map(|ready| {
            ready?.clear_ready();
            Ok(())
        })
    }

    /// Whether it may be readable; [`Descriptor::read`] tells.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.poll_read_ready(cx).map(|ready| ready.map(drop))
    }

    /// Reads; `None` where there is nothing, after which [`Descriptor::poll_readable`] waits.
    /// Zero bytes and EIO both mean that the other side is gone.
    pub fn read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match rustix::io::read(self.get(), &mut *buffer) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if let Poll::Ready(ready) = self.input.poll_read_ready(cx) {
                        ready?.clear_ready();
                    }
                    return Ok(None);
                }
                Err(Errno::IO) => return Ok(Some(0)),
                read => return Ok(Some(read?)),
            }
        }
    }

    /// As [`Descriptor::read`]; but where less was there than asked for, that was all there is, and
    /// [`Descriptor::poll_readable`] waits at once.
    pub fn read_some(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = self.read(cx, buffer)?;
        if read.is_some_and(|count| count > 0 && count < buffer.len())
            && let Poll::Ready(ready) = self.input.poll_read_ready(cx)
        {
            ready?.clear_ready();
        }
        Ok(read)
    }

    /// Writes what is taken at once.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.get(), bytes)?)
    }

    /// Writes what waits.
    pub fn poll_flush(&mut self, queue: &mut OutputQueue, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !queue.is_empty() {
            let room = match self.room.take() {
                Some(room) => room,
                None => known_to_the_loop(self.get().try_clone()?, Interest::WRITABLE)?,
            };
            let room = self.room.insert(room);
            let Poll::Ready(ready) = room.poll_write_ready(cx) else { return Poll::Pending };
            let mut ready = ready?;
            if !queue.flush(|bytes| Ok(rustix::io::write(self.input.get_ref(), bytes)?))? {
                ready.clear_ready();
            }
        }
        self.room = None;
        Poll::Ready(Ok(()))
    }
}

/// The call is deprecated because a type may answer with a descriptor it does not own; an
/// `OwnedFd` cannot, and its replacement is `unsafe`, which this crate forbids.
#[expect(deprecated)]
fn known_to_the_loop(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, interest)
}
