//! [`Relay`]: a pseudo-terminal in front of a serial port. What passes goes on at once, and is kept.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::task::{Context, Poll};

use crate::host::clock::Clock;
use crate::host::error::HostError;
use crate::host::pty::{Pty, StandsFor};
use crate::host::serial::Serial;
use crate::scenario::Recording;
use crate::scenario::script::Direction;
use crate::time::Timestamp;

/// Most bytes taken from one side at once.
const BUFFER_LEN: usize = 4096;

/// The host program's side, the module's side, and what has passed.
#[derive(Debug)]
pub struct Relay {
    pty: Pty,
    line: Serial,
    /// The rate of the line: the host program's, once it has set one.
    rate: u32,
    clock: Clock,
    began: Timestamp,
    recording: Recording,
    buffer: Box<[u8; BUFFER_LEN]>,
}

impl Relay {
    /// Puts a pseudo-terminal in front of a serial port. The line begins with this rate, in bits per
    /// second, and follows the host program's. To be called in a runtime.
    pub fn open(port: &Path, rate: u32, clock: Clock) -> Result<Self, HostError> {
        let line = Serial::open_at(port, rate);
        let line = line.map_err(|error| HostError::running(format_args!("{}: {error}", port.display())))?;
        let pty = Pty::open(None, StandsFor::Uart);
        let pty = pty.map_err(|error| HostError::running(format_args!("pseudo-terminal: {error}")))?;
        let began = clock.now().steady;
        Ok(Self {
            pty,
            line,
            rate,
            clock,
            began,
            recording: Recording::default(),
            buffer: Box::new([0; BUFFER_LEN]),
        })
    }

    /// What a host program opens.
    pub fn tty(&self) -> &Path {
        self.pty.path()
    }

    /// What has passed.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Passes everything on, until one side is gone.
    pub async fn run(&mut self) -> HostError {
        loop {
            let passed = poll_fn(|cx| self.poll_input(cx)).await;
            if let Err(error) = passed.and_then(|(direction, count)| self.pass_on(direction, count)) {
                return HostError::running(format_args!("{}: {error}", self.line.path().display()));
            }
        }
    }

    /// Waits for bytes from either side. What the other side has not taken yet is sent first, so that
    /// nothing is lost: who writes too fast waits.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Direction, usize)>> {
        if self.line.poll_flush(cx)?.is_ready()
            && let Poll::Ready(count) = self.pty.poll_input(cx, &mut self.buffer[..])
        {
            return Poll::Ready(count.map(|count| (Direction::ToModule, count)));
        }
        if self.pty.poll_flush(cx)?.is_ready()
            && let Poll::Ready(count) = self.line.poll_input(cx, &mut self.buffer[..])
        {
            return Poll::Ready(count.map(|count| (Direction::ToHost, count)));
        }
        Poll::Pending
    }

    fn pass_on(&mut self, direction: Direction, count: usize) -> io::Result<()> {
        if direction == Direction::ToModule {
            self.follow_rate();
        }
        let bytes = &self.buffer[..count];
        match direction {
            Direction::ToModule => self.line.send(bytes)?,
            Direction::ToHost => self.pty.send(bytes)?,
        }
        let at_ms = self.clock.now().steady.millis_since(self.began);
        self.recording.note(direction, at_ms, bytes);
        Ok(())
    }

    fn follow_rate(&mut self) {
        let Some(rate) = self.pty.rate_bps().map(NonZeroU32::get) else { return };
        if rate != self.rate {
            tracing::info!("{}: {rate} bit/s", self.line.path().display());
            self.rate = rate;
            self.line.set_rate(rate);
        }
    }
}
