//! [`Pty`]: a port of the module as a Linux pseudo-terminal.
//!
//! One slave descriptor is held for the whole life, so that the last close of a host program is
//! no hang-up; inotify on the slave's path tells when one opens and closes it. Where nobody is
//! connected, output is dropped, as on a UART nobody listens to; the last close flushes what was
//! not read, so that the next program does not meet stale lines, and makes the line as new.
//!
//! A host program's rate is the terminal's. One that sets none finds, and leaves, the rate that a new
//! pseudo-terminal has, which therefore counts as none; on a pseudo-terminal that stands for USB
//! every rate does.

use std::io;
use std::mem::MaybeUninit;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use rustix::fs::Mode;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, Termios, ioctl_tiocnxcl, tcflush,
    tcgetattr, tcsetattr,
};

use crate::host::descriptor::Descriptor;
use crate::host::output_queue::OutputQueue;

/// A pseudo-terminal, seen from the module's side.
#[derive(Debug)]
pub struct Pty {
    path: PathBuf,
    master: Descriptor,
    slave: OwnedFd,
    /// The line as it is before a host program changes it.
    new: Termios,
    has_rate: bool,
    /// The rate of a host program that has set none.
    unset_rate: u32,
    /// The last rate of the present host program, where anybody asked.
    seen_rate: Option<u32>,
    notices: Descriptor,
    clients: Clients,
    output: OutputQueue,
    /// The notices were taken in this turn, after the bytes it began with.
    fresh: bool,
}

/// The interface of a module that a pseudo-terminal is in place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandsFor {
    /// A UART.
    Uart,
    /// A port of a USB device, which has no rate (manual: `+IPR` has no effect there).
    Usb,
}

/// Who has the slave open, as far as the notices tell. The kernel merges two equal notices that
/// follow each other, so that a client may be there uncounted: it is when it writes, and what a
/// closed one wrote has been read before.
#[derive(Debug)]
struct Clients {
    /// How many descriptors host programs hold.
    counted: u32,
    /// Somebody wrote though nobody was counted.
    heard: bool,
    /// Everything clients wrote before the last one closed has been read.
    drained: bool,
    /// One may have claimed the line for itself (TIOCEXCL) since it was last freed.
    claimed: bool,
    /// The last one closed, and what it did not read is still there.
    left: bool,
}

impl Pty {
    /// Opens a pseudo-terminal in raw mode, with these permissions where some are given. To be
    /// called in a runtime.
    pub fn open(mode: Option<u32>, stands_for: StandsFor) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
        let mut new = tcgetattr(&slave)?;
        new.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &new)?;
        if let Some(mode) = mode {
            rustix::fs::fchmod(&slave, Mode::from_raw_mode(mode))?;
        }
        let notices = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let wanted = WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
        inotify::add_watch(&notices, &path, wanted)?;
        Ok(Self {
            path,
            master: Descriptor::new(master)?,
            slave,
            unset_rate: new.output_speed(),
            seen_rate: None,
            new,
            has_rate: stands_for == StandsFor::Uart,
            notices: Descriptor::new(notices)?,
            clients: Clients { counted: 0, heard: false, drained: true, claimed: false, left: false },
            output: OutputQueue::default(),
            fresh: false,
        })
    }

    /// The slave's path: `/dev/pts/N`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rate of the host program in bits per second, where it has set one.
    pub fn rate_bps(&mut self) -> Option<NonZeroU32> {
        if !self.has_rate {
            return None;
        }
        // Fails only for a descriptor that is no terminal.
        let rate = tcgetattr(self.master.get()).map_or(0, |modes| modes.output_speed());
        self.seen_rate = Some(rate);
        NonZeroU32::new(rate).filter(|rate| rate.get() != self.unset_rate)
    }

    /// Whether a host program has it open.
    pub fn is_connected(&self) -> bool {
        self.clients.counted > 0 || self.clients.heard
    }

    /// Whether there is output that a host program has not read.
    pub fn is_unread(&self) -> bool {
        // Fails only for a descriptor that is no terminal.
        self.is_connected()
            && (!self.output.is_empty()
                || rustix::io::ioctl_fionread(&self.slave).is_ok_and(|count| count > 0))
    }

    /// Reads what a host program wrote; `Pending` where there is nothing.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.fresh = false;
        while self.notices.poll_change(cx)?.is_ready() {
            self.take_notices()?;
        }
        // Behind a close it is read at once: what was written before may still be on its way, and
        // only a read waits for it.
        while !self.clients.drained || self.master.poll_readable(cx)?.is_ready() {
            let read = match self.clients.drained {
                // Every byte that comes from now on is news again.
                true => self.master.read_some(cx, buffer)?,
                false => self.master.read(cx, buffer)?,
            };
            // Whoever wrote this opened the line before, so that his notice is there by now, and a
            // flush on behalf of the client before him never eats the reply to him.
            self.take_notices()?;
            match read {
                None => self.clients.drained = true,
                Some(0) => return Poll::Ready(Err(io::Error::other("the pseudo-terminal was hung up"))),
                Some(count) => {
                    self.hear();
                    self.fresh = true;
                    return Poll::Ready(Ok(count));
                }
            }
        }
        Poll::Pending
    }

    /// Sends one line in one write; drops it where nobody is connected.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.fresh {
            self.take_notices()?;
        }
        if !self.is_connected() {
            return Ok(());
        }
        self.output.send(bytes, |bytes| self.master.write(bytes))
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.master.poll_flush(&mut self.output, cx)
    }

    fn take_notices(&mut self) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); 1024];
        let mut reader = inotify::Reader::new(self.notices.get(), &mut space);
        loop {
            match reader.next() {
                Ok(notice) => self.clients.count(notice.events()),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if std::mem::take(&mut self.clients.left) { self.forget_unread() } else { Ok(()) }
    }

    fn hear(&mut self) {
        let clients = &mut self.clients;
        clients.heard |= clients.counted == 0 && clients.drained;
        if std::mem::take(&mut clients.claimed) {
            self.free_line();
        }
    }

    /// TIOCEXCL outlives the close of the program that set it: nobody else could open the line.
    fn free_line(&self) {
        // Fails only for a descriptor that is no terminal.
        let _ = ioctl_tiocnxcl(&self.slave);
    }

    fn forget_unread(&mut self) -> io::Result<()> {
        self.free_line();
        self.output.clear();
        // The first empties what is on its way to the slave, the second what has arrived there.
        tcflush(self.master.get(), QueueSelector::OFlush)?;
        tcflush(&self.slave, QueueSelector::IFlush)?;
        let modes = tcgetattr(&self.slave)?;
        let cooked = modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON)
            || modes.input_modes.intersects(InputModes::ICRNL | InputModes::INLCR)
            || modes.output_modes.contains(OutputModes::OPOST);
        let (rate, new_rate) = (modes.output_speed(), self.new.output_speed());
        let seen_rate = self.seen_rate.take();
        self.unset_rate = new_rate;
        if !self.is_connected() {
            // A line left in cooked mode would echo every answer back as a command, and a rate would
            // be that of whoever sets none.
            if cooked || rate != new_rate {
                tcsetattr(&self.slave, OptionalActions::Now, &self.new)?;
            }
        } else if seen_rate.is_none_or(|seen| seen == rate) {
            // The next one is there already, and may have set this rate or just found it.
            self.unset_rate = rate;
        }
        Ok(())
    }
}

impl Clients {
    fn count(&mut self, notice: ReadFlags) {
        if notice.contains(ReadFlags::OPEN) {
            self.counted += 1;
            self.heard = false;
            self.claimed = true;
        }
        if notice.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE) {
            self.counted = self.counted.saturating_sub(1);
            if self.counted == 0 {
                self.left = true;
                self.heard = false;
                self.drained = false;
            }
        }
    }
}

#[cfg(test)]
#[path = "pty_tests.rs"]
mod tests;
