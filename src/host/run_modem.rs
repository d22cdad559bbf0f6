//! [`ModemHost`]: the loop of a module: its ports, its sockets, its memory, its control socket.
//!
//! One turn: wait for input, a deadline or a call; hand it to the modem with the time; do what the
//! modem wants, in its order. A write of the memory is done before anything after it leaves.

mod advance;
mod beside;
mod calls;
mod director;
mod ready;
mod replug;
mod setup;
mod trace;

pub use director::ScenarioSetup;
pub use ready::Ready;
pub use setup::{DEFAULT_PROFILE, ModemSetup, StateSpec, load_profile};

use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::host::air::{self, Air};
use crate::host::clock::{Clock, Pace, TimeFile};
use crate::host::control::{Call, ControlSocket};
use crate::host::doors::Doors;
use crate::host::error::HostError;
use crate::host::event_log::EventLog;
use crate::host::line::Line;
use crate::host::nvm_file::NvmFile;
use crate::host::port::Port;
use crate::host::run_service::EmbeddedService;
use crate::host::signals::End;
use crate::host::state_dir::StateDir;
use crate::host::tty_link::TtyLink;
use crate::host::udp::{ModuleSockets, Received, ServiceSpec};
use crate::modem::{Dte, Input, Modem, Output, PortId};
use crate::module::power::Power;
use crate::module::{self, Flow};
use crate::profile::Profile;
use crate::protocol::keys::MasterKey;
use crate::scenario::script::Direction;
use crate::time::{Now, Wakeup, earlier};
use director::Director;
use replug::Replug;
use trace::SerialTrace;

/// How often the system time is kept while it runs.
const KEEP_TIME_EVERY: Duration = Duration::from_secs(10);

/// Most bytes taken from a port or a socket at once.
const BUFFER_LEN: usize = 4096;

/// A module with everything around it. Fields are dropped in this order: links and sockets go
/// before the lock of the state directory does.
pub struct ModemHost {
    modem: Modem,
    profile: Arc<Profile>,
    master: MasterKey,
    seed: u64,
    clock: Clock,
    links: Vec<TtyLink>,
    replug: Replug,
    /// A scenario that plays the world.
    director: Option<Box<Director>>,
    ports: Vec<Port>,
    /// What each port's host program has shown the modem beside data.
    dtes: Vec<Dte>,
    /// Who is asked first in the next turn: a port, or with their number everything else.
    first: usize,
    traces: Vec<SerialTrace>,
    lines: Vec<Line>,
    sockets: ModuleSockets,
    air: Air,
    destination: ServiceSpec,
    service: Option<EmbeddedService>,
    doors: Doors,
    events: EventLog,
    control: ControlSocket,
    calls: mpsc::Receiver<Call>,
    end: End,
    nvm_file: NvmFile,
    time_file: TimeFile,
    state: StateDir,
    buffer: Box<[u8; BUFFER_LEN]>,
    timer: Pin<Box<tokio::time::Sleep>>,
    stopping: bool,
}

/// What a turn began with.
#[derive(Debug)]
enum Happening {
    Serial(usize, usize),
    Received(Received),
    Called(Call),
    Timer,
    End,
    PortGone(usize, io::Error),
}

/// Runs a module until a signal ends it. `announce` is called once its ports answer.
pub fn run_modem(
    setup: ModemSetup,
    announce: impl FnOnce(&Ready) -> io::Result<()>,
) -> Result<(), HostError> {
    super::runtime()?.block_on(async {
        let mut host = ModemHost::open(setup, None, End::by_signal().map_err(HostError::running)?)?;
        let result = host.run(announce).await;
        let kept = host.keep_time_durably();
        result.and(kept)
    })
}

impl ModemHost {
    async fn run(&mut self, announce: impl FnOnce(&Ready) -> io::Result<()>) -> Result<(), HostError> {
        let now = self.clock.now();
        self.modem.handle_input(Input::PowerOn, now);
        self.drain(now)?;
        if let Some(service) = &self.service {
            self.doors = service.wait_until_started()?;
        }
        self.skip_boot_in_virtual_time()?;
        let mut announce = Some(announce);
        while !self.stopping {
            if self.modem.module().power() == Power::On
                && let Some(announce) = announce.take()
            {
                announce(&self.ready())
                    .map_err(|error| HostError::running(format_args!("stdout: {error}")))?;
            }
            let waits = if announce.is_none() { self.direct().await? } else { None };
            let longest = waits.map_or(KEEP_TIME_EVERY, |wait| wait.min(KEEP_TIME_EVERY));
            if let Turn::Called(call) = self.turn(longest, true).await? {
                self.answer(call).await?;
            }
            let system = self.clock.now().system;
            self.keep_time(system)?;
        }
        Ok(())
    }

    /// Nobody could move virtual time before the ready line says that there is somebody to ask, so
    /// the first boot has passed at the start.
    fn skip_boot_in_virtual_time(&mut self) -> Result<(), HostError> {
        if self.clock.pace() == Pace::Virtual
            && let Some(ready) = self.modem.module().booted_at()
        {
            self.clock.advance_to(ready);
            self.handle_due(self.clock.now())?;
        }
        Ok(())
    }

    /// One turn of the loop, at most `longest`.
    async fn turn(&mut self, longest: Duration, take_calls: bool) -> Result<Turn, HostError> {
        let lines = self.lines.iter().filter_map(Line::next_timeout).min();
        let underway = Wakeup::steady(earlier(self.air.next_timeout(), lines));
        let wakeup = self.modem.next_timeout().earlier(underway);
        let wait = self.clock.until(wakeup).map_or(longest, |wait| wait.min(longest));
        let wait = self.replug.wait().map_or(wait, |other| wait.min(other));
        let deadline = tokio::time::Instant::from_std(Clock::real_in(wait));
        let happening = poll_fn(|cx| self.poll_happening(cx, take_calls, deadline)).await;
        let now = self.clock.now();
        match happening {
            Happening::Serial(port, _) => self.watch_line(port, now),
            _ => (0..self.ports.len()).for_each(|port| self.watch_line(port, now)),
        }
        let turn = match happening {
            Happening::Called(call) => Turn::Called(call),
            Happening::Timer if wakeup.is_due(now) => Turn::Deadline,
            Happening::Timer => Turn::Nothing,
            other => {
                let datagram = matches!(other, Happening::Received(_));
                self.handle(other, now)?;
                if datagram { Turn::Datagram } else { Turn::Input }
            }
        };
        self.handle_due(now)?;
        self.replug_if_due()?;
        Ok(turn)
    }

    fn poll_happening(
        &mut self,
        cx: &mut Context<'_>,
        take_calls: bool,
        deadline: tokio::time::Instant,
    ) -> Poll<Happening> {
        // Whoever is asked first is not asked first again, so that nobody who is always ready keeps
        // the others waiting.
        let everything_else = self.ports.len();
        for asked in (self.first..=everything_else).chain(0..self.first) {
            let happening = match asked == everything_else {
                true => self.poll_everything_else(cx, take_calls, deadline),
                false => self.poll_port(cx, asked),
            };
            if happening.is_ready() {
                self.first = if asked == everything_else { 0 } else { asked + 1 };
                return happening;
            }
        }
        Poll::Pending
    }

    fn poll_port(&mut self, cx: &mut Context<'_>, index: usize) -> Poll<Happening> {
        let port = &mut self.ports[index];
        if let Poll::Ready(Err(error)) = port.poll_flush(cx) {
            return Poll::Ready(Happening::PortGone(index, error));
        }
        port.poll_input(cx, &mut self.buffer[..]).map(|read| match read {
            Ok(count) => Happening::Serial(index, count),
            Err(error) => Happening::PortGone(index, error),
        })
    }

    fn poll_everything_else(
        &mut self,
        cx: &mut Context<'_>,
        take_calls: bool,
        deadline: tokio::time::Instant,
    ) -> Poll<Happening> {
        if let Poll::Ready(received) = self.sockets.poll_received(cx, &mut self.buffer[..]) {
            return Poll::Ready(Happening::Received(received));
        }
        if self.end.poll(cx).is_ready() {
            return Poll::Ready(Happening::End);
        }
        if take_calls && let Poll::Ready(Some(call)) = self.calls.poll_recv(cx) {
            return Poll::Ready(Happening::Called(call));
        }
        self.poll_timer(cx, deadline).map(|()| Happening::Timer)
    }

    /// A turn seldom lasts until its deadline, so a timer that goes off before it is left alone until
    /// then.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: tokio::time::Instant) -> Poll<()> {
        let mut timer = self.timer.as_mut();
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Tells the modem what a port's host program shows beside data, where that has changed.
    fn watch_line(&mut self, port: usize, now: Now) {
        let dte = self.ports[port].dte();
        if std::mem::replace(&mut self.dtes[port], dte) != dte {
            self.modem.handle_input(Input::Line { port: PortId(port), dte }, now);
        }
    }

    fn handle(&mut self, happening: Happening, now: Now) -> Result<(), HostError> {
        match happening {
            // Only what a port shows beside data has changed.
            Happening::Serial(_, 0) => {}
            Happening::Serial(port, count) => {
                let bytes = &self.buffer[..count];
                if self.lines[port].is_perfect(Direction::ToModule, now.steady) {
                    self.traces[port].received(bytes);
                    self.modem.handle_input(Input::Serial { port: PortId(port), bytes }, now);
                } else {
                    self.lines[port].carry(Direction::ToModule, bytes, now.steady);
                }
            }
            Happening::Received(Received::Datagram(flow, count)) => {
                let bytes = self.buffer[..count].to_vec();
                self.receive(flow, bytes, now)?;
            }
            Happening::Received(Received::Unresolved(flow)) => {
                self.modem.handle_input(Input::Unresolved { flow }, now);
            }
            Happening::End => self.stopping = true,
            Happening::PortGone(port, error) => {
                return Err(HostError::running(format_args!("{}: {error}", self.ports[port])));
            }
            Happening::Called(_) | Happening::Timer => {}
        }
        self.drain(now)
    }

    fn handle_due(&mut self, now: Now) -> Result<(), HostError> {
        if self.modem.next_timeout().is_due(now) {
            self.modem.handle_timeout(now);
        }
        self.drain(now)
    }

    /// Something `vsara ctl` does to the module.
    fn input(&mut self, input: Input<'_>) -> Result<(), HostError> {
        let now = self.clock.now();
        self.modem.handle_input(input, now);
        self.drain(now)?;
        self.replug_on_power_cut();
        Ok(())
    }

    /// Does what the modem wants, in its order, until it wants nothing and nothing more arrives.
    fn drain(&mut self, now: Now) -> Result<(), HostError> {
        loop {
            while let Some(output) = self.modem.poll_output() {
                self.act(output, now)?;
            }
            match self.air.poll(now.steady) {
                Some((air::Direction::ToService, flow, bytes)) => self.sockets.send(flow, bytes),
                Some((air::Direction::ToModule, flow, bytes)) => self.datagram(flow, &bytes, now),
                None if self.advance_lines(now)? => {}
                None => return Ok(()),
            }
        }
    }

    /// Hands on what has arrived over serial lines with faults; whether there was anything.
    fn advance_lines(&mut self, now: Now) -> Result<bool, HostError> {
        for index in 0..self.lines.len() {
            match self.lines[index].poll(now.steady) {
                None => continue,
                Some((Direction::ToHost, bytes)) => self.write(index, &bytes)?,
                Some((Direction::ToModule, bytes)) => {
                    self.traces[index].received(&bytes);
                    let input = Input::Serial { port: PortId(index), bytes: &bytes };
                    self.modem.handle_input(input, now);
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> Result<(), HostError> {
        self.traces[index].sent(bytes);
        let port = &mut self.ports[index];
        port.send(bytes).map_err(|error| HostError::running(format_args!("{port}: {error}")))
    }

    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Now) {
        self.modem.handle_input(Input::Datagram { flow, bytes }, now);
    }

    fn act(&mut self, output: Output, now: Now) -> Result<(), HostError> {
        match output {
            Output::Serial { port, bytes } if self.is_directors(port) => {
                self.tell_director(&bytes, now);
                Ok(())
            }
            Output::Line { port, .. } if self.is_directors(port) => Ok(()),
            Output::Serial { port: PortId(index), bytes } => {
                if self.lines[index].is_perfect(Direction::ToHost, now.steady) {
                    return self.write(index, &bytes);
                }
                self.lines[index].carry(Direction::ToHost, &bytes, now.steady);
                Ok(())
            }
            Output::Line { port: PortId(index), dce } => {
                self.ports[index].show(dce);
                Ok(())
            }
            Output::Module(module::Output::Nvm(nvm)) => self.write_memory(&nvm, now),
            Output::Module(module::Output::Datagram { flow, bytes }) => self.transmit(flow, bytes, now),
            Output::Module(module::Output::Event(event)) => {
                let rot = self.modem.module().nvm().identity.rot;
                self.events.note_module(&event, rot, now.system);
                self.replug_on(&event)?;
                self.strike_event(&event, now)
            }
        }
    }

    fn keep_time(&mut self, system: crate::time::Timestamp) -> Result<(), HostError> {
        let due = self
            .time_file
            .last()
            .is_none_or(|last| system.millis_since(last) >= KEEP_TIME_EVERY.as_millis() as i64);
        if !due {
            return Ok(());
        }
        self.time_file.keep(system).map_err(|error| self.time_failed(&error))
    }

    fn keep_time_durably(&mut self) -> Result<(), HostError> {
        let system = self.clock.now().system;
        self.time_file.keep_durably(system).map_err(|error| self.time_failed(&error))
    }

    fn time_failed(&self, error: &io::Error) -> HostError {
        HostError::running(format_args!("{}: {error}", self.time_file.path().display()))
    }

    fn control_path(&self) -> PathBuf {
        self.control.path().to_owned()
    }
}

/// What a turn was about.
#[derive(Debug)]
enum Turn {
    /// Nothing within the time.
    Nothing,
    /// A deadline of the module or of the link.
    Deadline,
    /// A datagram arrived.
    Datagram,
    /// Anything else that was handled.
    Input,
    /// Somebody asks something, to be answered before the next turn.
    Called(Call),
}
