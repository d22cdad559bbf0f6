//! [`HostProgram`]: a program that runs beside a module, in a process group of its own.
//!
//! 1. It starts with the standard streams of this process, as the leader of a new group.
//! 2. Signals for this process go to the group; the terminal is lent to it when it asks.
//! 3. When the leader has ended or its time is up, what is left of the group is ended: by SIGTERM,
//!    and by SIGKILL after [`GRACE`].
//!
//! Orphans of the group become children of this process, so that it knows when they are gone, also
//! in a container whose first process buries nobody. Who leaves the group (`setsid`) is let go.

use std::ffi::{OsStr, OsString};
use std::future::poll_fn;
use std::io;
use std::os::unix::process::CommandExt;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, set_child_subreaper,
    test_kill_process_group, wait,
};
use tokio::signal::unix::{self, SignalKind};

use crate::host::clock::Clock;
use crate::host::error::{ErrorKind, HostError};
use crate::host::signals::Signals;
use crate::host::terminal::Terminal;
use crate::host::whereabouts::Whereabouts;

/// How long processes may take to end by SIGTERM, and then by SIGKILL.
pub const GRACE: Duration = Duration::from_secs(2);

/// How long the program may take to end by a SIGTERM or SIGHUP that was passed on to it. SIGINT and
/// SIGQUIT are its own business, as they are in a shell.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look whether a group is gone whose processes are not all children of this one.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program and its arguments, and how long it may run.
#[derive(Clone, Debug)]
pub struct ProgramSpec {
    /// At least the program's name; `{tty}` in a word stands for the pseudo-terminal.
    pub words: Vec<OsString>,
    /// Without end where there is none.
    pub limit: Option<Duration>,
}

/// A running program.
#[derive(Debug)]
pub struct HostProgram {
    name: OsString,
    group: Pid,
    /// One comes when a process of ours was stopped or ended.
    changes: unix::Signal,
    terminal: Option<Terminal>,
    /// Of the leader, once it has ended.
    status: Option<u8>,
}

impl ProgramSpec {
    /// Starts it. To be called in a runtime, once in a process.
    pub fn start(&self, place: &Whereabouts) -> Result<HostProgram, HostError> {
        let words = self.words.iter().map(|word| place.put_into(word)).collect::<Result<Vec<_>, _>>()?;
        let (name, arguments) = words.split_first().ok_or_else(|| HostError::usage("no command"))?;
        let failed = |error: io::Error| HostError::running(format_args!("{}: {error}", name.display()));
        let changes = unix::signal(SignalKind::child()).map_err(failed)?;
        set_child_subreaper(Some(getpid())).map_err(|error| failed(error.into()))?;
        let terminal = Terminal::controlling();
        let mut command = Command::new(name);
        command.args(arguments).process_group(0);
        for (variable, value) in place.variables() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        let child = command.spawn().map_err(|error| cannot_start(name, &error))?;
        // Invariant: a child's process id is positive.
        let group = Pid::from_raw(child.id() as i32).expect("a child has a process id");
        Ok(HostProgram { name: name.clone(), group, changes, terminal, status: None })
    }
}

impl HostProgram {
    /// Waits until it has ended, and ends what it left behind; gives its exit status as a shell does.
    pub async fn run(&mut self, signals: &mut Signals, limit: Option<Duration>) -> Result<u8, HostError> {
        let status = self.until_ended(signals, limit).await;
        self.end().await;
        status
    }

    async fn until_ended(&mut self, signals: &mut Signals, limit: Option<Duration>) -> Result<u8, HostError> {
        let mut time_up = pin!(Clock::wait(limit));
        let mut patience = pin!(Clock::wait(None));
        loop {
            self.look();
            if let Some(status) = self.status {
                return Ok(status);
            }
            tokio::select! {
                _ = self.changes.recv() => {}
                signal = poll_fn(|cx| signals.poll_which(cx)) => {
                    self.send(signal);
                    if matches!(signal, Signal::TERM | Signal::HUP) {
                        patience.set(Clock::wait(Some(PATIENCE)));
                    }
                }
                () = &mut time_up => return Err(self.out_of_time(limit.unwrap_or_default())),
                () = &mut patience => {
                    self.send(Signal::KILL);
                    patience.set(Clock::wait(None));
                }
            }
        }
    }

    /// Ends what is left of the group.
    pub async fn end(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            if self.is_gone() {
                break;
            }
            self.send(signal);
            self.send(Signal::CONT);
            let _ = tokio::time::timeout(GRACE, self.until_gone()).await;
        }
        if !self.is_gone() {
            tracing::warn!("{}: process group {} cannot be ended", self.name.display(), self.group);
        }
    }

    async fn until_gone(&mut self) {
        while !self.is_gone() {
            let _ = tokio::time::timeout(LOOK_EVERY, self.changes.recv()).await;
        }
    }

    fn is_gone(&mut self) -> bool {
        self.look();
        self.status.is_some() && test_kill_process_group(self.group) == Err(Errno::SRCH)
    }

    /// Takes note of every child that was stopped or has ended.
    fn look(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if pid == self.group => self.note(status),
                // An orphan of the group, or of its orphans.
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn note(&mut self, status: WaitStatus) {
        if let Some(signal) = status.stopping_signal() {
            self.stopped(signal);
        } else {
            self.status = Some(exit_status(status));
        }
    }

    /// A program that wants the terminal gets it; one that is stopped by the terminal stops this
    /// process too, and goes on with it. Any other stop is somebody's wish.
    fn stopped(&mut self, signal: i32) {
        let Some(terminal) = &mut self.terminal else { return };
        let wants_terminal = [Signal::TTIN, Signal::TTOU].iter().any(|each| each.as_raw() == signal);
        if !wants_terminal && signal != Signal::TSTP.as_raw() {
            return;
        }
        if !(wants_terminal && terminal.lend(self.group)) {
            let goes_on = terminal.stop_with_it() || !wants_terminal;
            if !goes_on {
                return;
            }
            terminal.lend(self.group);
        }
        self.send(Signal::CONT);
    }

    /// Fails only where the group is gone, or is another user's.
    fn send(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }

    fn out_of_time(&self, limit: Duration) -> HostError {
        let limit = humantime::format_duration(limit);
        let name = self.name.display();
        HostError::new(ErrorKind::TimedOut, format_args!("{name}: still running after {limit} (--timeout)"))
    }
}

impl Drop for HostProgram {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.send(Signal::KILL);
        }
    }
}

/// As shells say it: 128 and the number of the signal that ended it.
fn exit_status(status: WaitStatus) -> u8 {
    let exit = status.exit_status().and_then(|status| u8::try_from(status).ok());
    exit.or(status.terminating_signal().map(status_by_signal)).unwrap_or(u8::MAX)
}

/// The exit status of what ended by a signal.
pub fn status_by_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

fn cannot_start(name: &OsStr, error: &io::Error) -> HostError {
    let name = name.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            HostError::new(ErrorKind::NotFound, format_args!("{name}: command not found"))
        }
        _ => HostError::new(ErrorKind::NotExecutable, format_args!("{name}: {error}")),
    }
}
