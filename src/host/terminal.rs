//! [`Terminal`]: the terminal this process was started from, lent to a program beside it.
//!
//! A program in a process group of its own is stopped by SIGTTIN or SIGTTOU when it reads the
//! terminal or sets its modes. A shell would have made it the foreground job; here it becomes that
//! when it is stopped for the first time, so that it may use the terminal, and others of a pipeline
//! keep theirs while it does not.

use std::fs::{File, OpenOptions};

use nix::sys::signal::{SigSet, Signal as Blocked};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpgrp, getsid, kill_current_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

/// The controlling terminal.
#[derive(Debug)]
pub struct Terminal {
    device: File,
    own: Pid,
    /// The group it was lent to.
    lent: Option<Pid>,
}

impl Terminal {
    /// `None` where this process has none, as in a CI job.
    pub fn controlling() -> Option<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        // Who takes the terminal back is in the background, and is stopped for it otherwise.
        let mut blocked = SigSet::empty();
        blocked.add(Blocked::SIGTTOU);
        blocked.thread_block().ok()?;
        Some(Self { device, own: getpgrp(), lent: None })
    }

    /// Makes a group the one in the foreground, where that is this process' own to give.
    pub fn lend(&mut self, group: Pid) -> bool {
        let ours = tcgetpgrp(&self.device).is_ok_and(|foreground| foreground == self.own);
        let lent = ours && tcsetpgrp(&self.device, group).is_ok();
        if lent {
            self.lent = Some(group);
        }
        lent
    }

    /// Takes it back, where the group still has it or has left it to nobody; a shell that took it
    /// meanwhile keeps it.
    pub fn take_back(&mut self) {
        let Some(group) = self.lent.take() else { return };
        let Ok(foreground) = tcgetpgrp(&self.device) else { return };
        let left = || rustix::process::test_kill_process_group(foreground) == Err(Errno::SRCH);
        if foreground == group || left() {
            // Fails where the terminal has gone; then there is nothing to take.
            let _ = tcsetpgrp(&self.device, self.own);
        }
    }

    /// Stops this process' group, as the shell expects of a job when one of its programs was stopped,
    /// and returns when the shell continues it. False where no shell is there to do so.
    pub fn stop_with_it(&self) -> bool {
        // A shell gives each job a group that is not that of the session's leader.
        let is_job = getsid(None).is_ok_and(|session| session != self.own);
        is_job && kill_current_process_group(Signal::STOP).is_ok()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
    }
}
