//! [`run_server`]: a standing security service, by itself in its process.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rand_core::Rng;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::host::clock::{Clock, Pace, TimeFile};
use crate::host::control::{Answer, Call, ControlSocket, Request};
use crate::host::doors::{Doors, OpenDoors, Rooms};
use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::event_log::EventLog;
use crate::host::run_modem::StateSpec;
use crate::host::run_service::{ServiceCall, ServiceHandle, ServiceHost, ServiceSetup};
use crate::host::signals::Signals;
use crate::host::state_dir::StateDir;
use crate::protocol::keys::MasterKey;
use crate::time::Timestamp;

/// How often the system time is kept while it runs.
const KEEP_TIME_EVERY: Duration = Duration::from_secs(10);

/// Stops at one and the same deadline; more is a service that cannot come to rest.
const STOPS_AT_ONCE_MAX: u32 = 1000;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ServerSetup {
    /// Where modules find it.
    pub bind: SocketAddr,
    /// Where everything is kept.
    pub state: StateSpec,
    /// Pace of system time.
    pub pace: Pace,
    /// For faults; none: a random one.
    pub seed: Option<u64>,
    /// Doors for people and programs.
    pub doors: OpenDoors,
    /// Knows every factory secret.
    pub master: MasterKey,
}

/// The first line on stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReady {
    /// Where modules find it.
    pub dtls: SocketAddr,
    /// Where people and programs find it.
    pub doors: Doors,
}

/// Runs a service until a signal ends it. `announce` is called once it answers.
pub fn run_server(
    setup: ServerSetup,
    announce: impl FnOnce(&ServerReady) -> io::Result<()>,
) -> Result<(), HostError> {
    super::runtime()?.block_on(async {
        let (mut server, doors) = Server::open(setup)?;
        let ready = ServerReady { dtls: server.address, doors };
        announce(&ready).map_err(|error| HostError::running(format_args!("stdout: {error}")))?;
        let result = server.run().await;
        let kept = server.keep_time();
        result.and(kept)
    })
}

/// Fields are dropped in this order: the socket goes before the lock of the state directory does.
struct Server {
    host: ServiceHost,
    address: SocketAddr,
    clock: Clock,
    _control: ControlSocket,
    calls: mpsc::Receiver<Call>,
    service_calls: mpsc::UnboundedReceiver<ServiceCall>,
    signals: Signals,
    time_file: TimeFile,
    _state: StateDir,
}

impl Server {
    fn open(setup: ServerSetup) -> Result<(Self, Doors), HostError> {
        let state = match &setup.state {
            StateSpec::At(path) => StateDir::open(path)?,
            StateSpec::Temporary => StateDir::temporary()?,
        };
        let in_state =
            |error: io::Error| HostError::running(format_args!("{}: {error}", state.path().display()));
        let time_file = TimeFile::open(state.path()).map_err(in_state)?;
        let clock = Clock::start(setup.pace, time_file.last());
        let bound = UdpSocket::bind(setup.bind);
        let socket = bound.map_err(|error| HostError::running(format_args!("{}: {error}", setup.bind)))?;
        let address = socket.local_addr().map_err(HostError::running)?;
        let seed = match setup.seed {
            Some(seed) => seed,
            None => entropy::generator()?.next_u64(),
        };
        tracing::info!("seed {seed}");
        let host = ServiceHost::open(
            ServiceSetup {
                state_dir: state.path().to_owned(),
                master: setup.master,
                clock: clock.clone(),
                events: EventLog::default(),
                seed,
                journal: true,
                calls: setup.doors.calls(),
            },
            socket,
        )?;
        let (calls, called) = mpsc::channel(16);
        let control = ControlSocket::open(state.path(), calls.clone()).map_err(in_state)?;
        let signals = Signals::new().map_err(HostError::running)?;
        let (service, service_calls) = ServiceHandle::new();
        let doors = setup.doors.open(&Rooms::of(&host, service, calls))?;
        let server = Self {
            host,
            address,
            clock,
            _control: control,
            calls: called,
            service_calls,
            signals,
            time_file,
            _state: state,
        };
        Ok((server, doors))
    }

    async fn run(&mut self) -> Result<(), HostError> {
        loop {
            tokio::select! {
                biased;
                () = std::future::poll_fn(|cx| self.signals.poll(cx)) => return Ok(()),
                Some(call) = self.calls.recv() => self.answer(call)?,
                Some(call) = self.service_calls.recv() => drop(self.host.handle_call(call)),
                () = self.host.step() => {}
                () = Clock::wait(Some(KEEP_TIME_EVERY)) => self.keep_time()?,
            }
        }
    }

    fn answer(&mut self, call: Call) -> Result<(), HostError> {
        let target = match call.request {
            Request::Advance { by_ms } => self.clock.now().system.offset_millis(by_ms),
            Request::AdvanceTo { moment } => moment,
            _ => {
                self.host.answer(call);
                return Ok(());
            }
        };
        let now = self.clock.now().system;
        let answer = if target < now {
            Answer::Failed(format!("time moves forward only, and it is {now} already"))
        } else {
            self.advance_to(target);
            self.keep_time()?;
            Answer::Done(json!({ "time": self.clock.now().system }))
        };
        let _ = call.answer.send(answer);
        Ok(())
    }

    /// Stops at each deadline on the way.
    fn advance_to(&mut self, target: Timestamp) {
        let mut stops = 0;
        while let Some(deadline) = self.host.settle().system.filter(|deadline| *deadline <= target) {
            stops = if deadline > self.clock.now().system { 0 } else { stops + 1 };
            if stops > STOPS_AT_ONCE_MAX {
                tracing::warn!("the deadline {deadline} does not pass");
                break;
            }
            self.clock.advance_to(deadline);
        }
        self.clock.advance_to(target);
        self.host.settle();
    }

    fn keep_time(&mut self) -> Result<(), HostError> {
        let system = self.clock.now().system;
        let kept = self.time_file.keep_durably(system);
        kept.map_err(|error| HostError::running(format_args!("{}: {error}", self.time_file.path().display())))
    }
}

impl ServerReady {
    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        let mut ready = json!({ "event": "ready", "dtls": self.dtls.to_string() });
        for (name, value) in self.doors.fields() {
            ready[name] = value.into();
        }
        ready
    }
}

impl fmt::Display for ServerReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ready dtls={}", self.dtls)?;
        self.doors.fields().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
