//! [`run_replay`]: a scenario played back to a host program, by what stands in for its module.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::host::clock::{Clock, Pace};
use crate::host::error::HostError;
use crate::host::host_program::ProgramSpec;
use crate::host::port::Port;
use crate::host::pty::{Pty, StandsFor};
use crate::host::scenario_files::ScenarioFile;
use crate::host::serial::Serial;
use crate::host::signals::Signals;
use crate::host::whereabouts::Whereabouts;
use crate::scenario::Replay;
use crate::scenario::replay::Account;
use crate::time::{Timestamp, Wakeup};

/// Most bytes taken from the port at once.
const BUFFER_LEN: usize = 4096;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ReplaySetup {
    /// What is played back.
    pub file: PathBuf,
    /// The serial port with the host program at its other end; none: a pseudo-terminal.
    pub port: Option<PathBuf>,
    /// The rate of that port, in bits per second.
    pub rate: u32,
    /// The host program; none: whoever opens the port, until a signal ends it.
    pub program: Option<ProgramSpec>,
}

/// The first line on stdout, where no host program has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayReady {
    /// Where it answers.
    pub tty: PathBuf,
}

/// How it ended.
#[derive(Debug)]
pub struct ReplayEnd {
    /// The host program's exit status, as a shell gives it, or 0; or why it could not go on.
    pub status: Result<u8, HostError>,
    /// What became of it.
    pub account: Account,
}

/// The port and who answers there.
#[derive(Debug)]
struct StandIn {
    port: Port,
    tty: PathBuf,
    replay: Replay,
    is_opened: bool,
    clock: Clock,
    buffer: Box<[u8; BUFFER_LEN]>,
}

/// What the port has to tell.
enum News {
    Heard(usize),
    /// Somebody has opened it for the first time.
    Opened,
}

/// Stands in for a module until the host program ends or a signal comes.
pub fn run_replay(
    setup: ReplaySetup,
    announce: impl FnOnce(&ReplayReady) -> io::Result<()>,
) -> Result<ReplayEnd, HostError> {
    let ReplaySetup { file, port, rate, program } = setup;
    let file = ScenarioFile::read(&file)?;
    let replay = Replay::new(&file.script);
    let replay = replay
        .map_err(|unfit| HostError::usage(format_args!("{}:{}: {}", file.name, unfit.line, unfit.reason)))?;
    super::runtime()?.block_on(async {
        let mut stand_in = StandIn::open(port.as_deref(), rate, replay)?;
        let status = match program {
            Some(program) => {
                let mut signals = Signals::to_pass_on().map_err(HostError::running)?;
                let place = Whereabouts { tty: Some(stand_in.tty.clone()), ..Whereabouts::default() };
                let mut program = program.start(&place)?;
                tokio::select! {
                    status = program.run(&mut signals, None) => status,
                    error = stand_in.run() => {
                        program.end().await;
                        Err(error)
                    }
                }
            }
            None => {
                let mut signals = Signals::new().map_err(HostError::running)?;
                let ready = ReplayReady { tty: stand_in.tty.clone() };
                announce(&ready).map_err(|error| HostError::running(format_args!("stdout: {error}")))?;
                tokio::select! {
                    () = poll_fn(|cx| signals.poll(cx)) => Ok(0),
                    error = stand_in.run() => Err(error),
                }
            }
        };
        Ok(ReplayEnd { status, account: stand_in.replay.account() })
    })
}

impl StandIn {
    fn open(path: Option<&Path>, rate: u32, replay: Replay) -> Result<Self, HostError> {
        let (port, tty) = match path {
            Some(path) => {
                let line = Serial::open(path);
                let mut line =
                    line.map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
                line.set_rate(rate);
                (Port::Serial(line), path.to_owned())
            }
            None => {
                let pty = Pty::open(None, StandsFor::Uart);
                let pty =
                    pty.map_err(|error| HostError::running(format_args!("pseudo-terminal: {error}")))?;
                let path = pty.path().to_owned();
                (Port::Pty(pty), path)
            }
        };
        let clock = Clock::start(Pace::Real, None);
        Ok(Self { port, tty, replay, is_opened: false, clock, buffer: Box::new([0; BUFFER_LEN]) })
    }

    /// Answers until the port is gone.
    async fn run(&mut self) -> HostError {
        loop {
            if let Err(error) = self.step().await {
                return HostError::running(format_args!("{}: {error}", self.tty.display()));
            }
        }
    }

    async fn step(&mut self) -> io::Result<()> {
        let wakeup = self.clock.until(Wakeup::steady(self.replay.wakeup())).unwrap_or(Duration::MAX);
        let news = timeout(wakeup, poll_fn(|cx| self.poll_news(cx))).await;
        let now = self.now();
        match news {
            Ok(Ok(News::Heard(count))) => self.replay.hear(&self.buffer[..count], now),
            Ok(Ok(News::Opened)) => self.replay.opened(now),
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
        let said = self.replay.poll(now);
        if said.is_empty() { Ok(()) } else { self.port.send(&said) }
    }

    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<News>> {
        // What waits leaves in the background; who does not read loses it, as on a UART.
        let _sent = self.port.poll_flush(cx)?;
        let heard = self.port.poll_input(cx, &mut self.buffer[..]);
        let is_there = match &self.port {
            Port::Pty(pty) => pty.is_connected(),
            _ => true,
        };
        if is_there && !self.is_opened {
            self.is_opened = true;
            if let Poll::Ready(Ok(count)) = heard {
                self.replay.opened(self.clock.now().steady);
                return Poll::Ready(Ok(News::Heard(count)));
            }
            return Poll::Ready(Ok(News::Opened));
        }
        heard.map_ok(News::Heard)
    }

    fn now(&self) -> Timestamp {
        self.clock.now().steady
    }
}

impl ReplayReady {
    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        json!({ "event": "ready", "tty": self.tty })
    }
}

impl fmt::Display for ReplayReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ready tty={}", self.tty.display())
    }
}
