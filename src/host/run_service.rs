//! [`ServiceHost`]: the loop of a security service: one socket, one store, one core.
//!
//! Embedded, it has a thread of its own ([`embed`]), so that a write to its store never delays the
//! module; `vsara server` ([`crate::host::run_server`]) runs it by itself.

use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::net::SendFlags;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use crate::host::clock::Clock;
use crate::host::control::{Answer, Call, Request};
use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::event_log::{EventLog, service_event};
use crate::host::service_file::{self, Listed};
use crate::host::store_sqlite::SqliteStore;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::scenario::claims::Others;
use crate::scenario::player::{Outcome, Trouble};
use crate::scenario::script::Act;
use crate::scenario::service_acts;
use crate::service::store::{DeviceQuery, EventQuery, Store, StoreError, Window};
use crate::service::{OperatorError, Service, ServiceOptions, ServiceOutput};
use crate::time::Wakeup;

/// Datagrams taken in one turn, so that a flood never keeps an operator out.
const DATAGRAMS_A_TURN: usize = 64;

/// Longest datagram that is read, in bytes; the core takes less.
const DATAGRAM_LEN_MAX: usize = 2048;

/// Events shown without `--follow`.
const EVENTS_SHOWN: usize = 1000;

/// Stack of the embedded service's thread, in bytes; only what is used becomes memory.
const STACK_LEN: usize = 1 << 20;

/// What a service needs.
#[derive(Clone, Debug)]
pub struct ServiceSetup {
    /// Where its store and its `service.toml` are.
    pub state_dir: PathBuf,
    /// Knows every factory secret.
    pub master: MasterKey,
    /// Shared with the module.
    pub clock: Clock,
    /// Shared with the module.
    pub events: EventLog,
}

/// A service with its socket and store.
pub struct ServiceHost {
    service: Service<SqliteStore>,
    socket: UdpSocket,
    clock: Clock,
    events: EventLog,
    buffer: Box<[u8; DATAGRAM_LEN_MAX]>,
}

/// What the module's loop asks of an embedded service.
#[derive(Debug)]
pub enum ServiceCall {
    /// Something `vsara ctl` asked.
    Control(Call),
    /// Handle what has arrived and what is due, and say what is due next.
    Settle(oneshot::Sender<Wakeup>),
    /// Something a scenario does or asserts, of this root of trust if of one.
    Perform(Box<Act>, Option<RotUid>, oneshot::Sender<Outcome>),
}

/// A service on a thread of its own. It ends when this value goes.
#[derive(Debug)]
pub struct EmbeddedService {
    /// Where it listens.
    pub address: SocketAddr,
    /// To ask it something.
    pub calls: mpsc::UnboundedSender<ServiceCall>,
    started: std::sync::mpsc::Receiver<Result<(), HostError>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a service on a thread of its own. [`EmbeddedService::wait_until_started`] tells whether
/// that went well; its address is known at once.
pub fn embed(setup: ServiceSetup) -> Result<EmbeddedService, HostError> {
    let failed = |error: std::io::Error| HostError::running(format_args!("embedded service: {error}"));
    let socket = StdUdpSocket::bind("127.0.0.1:0").map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    let (calls, called) = mpsc::unbounded_channel();
    let (report, started) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("service".to_owned())
        .stack_size(STACK_LEN)
        .spawn(move || run_embedded(setup, socket, called, &report))
        .map_err(failed)?;
    Ok(EmbeddedService { address, calls, started, thread: Some(thread) })
}

impl EmbeddedService {
    /// Waits until the service answers, or says why it cannot.
    pub fn wait_until_started(&self) -> Result<(), HostError> {
        self.started.recv().unwrap_or_else(|_| Err(HostError::running("the embedded service has ended")))
    }

    /// Lets the service handle what has arrived and what is due; returns what is due next.
    pub async fn settle(&self) -> Wakeup {
        let (answer, answered) = oneshot::channel();
        let _ = self.calls.send(ServiceCall::Settle(answer));
        answered.await.unwrap_or(Wakeup::NEVER)
    }

    /// Does or asserts what a scenario says, of this root of trust if of one.
    pub async fn perform(&self, act: Act, rot: Option<RotUid>) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let _ = self.calls.send(ServiceCall::Perform(Box::new(act), rot, answer));
        answered.await.unwrap_or_else(|_| Err(Trouble::Refused("the embedded service has ended".to_owned())))
    }

    /// Asks something.
    pub async fn ask(&self, request: Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        let _ = self.calls.send(ServiceCall::Control(Call { request, answer }));
        answered.await.unwrap_or_else(|_| Answer::Failed("the embedded service has ended".to_owned()))
    }
}

impl Drop for EmbeddedService {
    /// The thread ends when nobody can call it any more; its store is closed by then.
    fn drop(&mut self) {
        self.calls = mpsc::unbounded_channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run_embedded(
    setup: ServiceSetup,
    socket: StdUdpSocket,
    mut called: mpsc::UnboundedReceiver<ServiceCall>,
    report: &std::sync::mpsc::SyncSender<Result<(), HostError>>,
) {
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let mut host = match ServiceHost::open(setup, socket) {
            Ok(host) => host,
            Err(error) => return drop(report.send(Err(error))),
        };
        let _ = report.send(Ok(()));
        loop {
            tokio::select! {
                biased;
                call = called.recv() => match call {
                    Some(ServiceCall::Control(call)) => host.answer(call),
                    Some(ServiceCall::Settle(answer)) => drop(answer.send(host.settle())),
                    Some(ServiceCall::Perform(act, rot, answer)) => drop(answer.send(host.perform(&act, rot))),
                    None => return,
                },
                () = host.step() => {}
            }
        }
    });
}

impl ServiceHost {
    /// Opens store and `service.toml`. To be called in a runtime.
    pub fn open(setup: ServiceSetup, socket: StdUdpSocket) -> Result<Self, HostError> {
        let failed = |error: std::io::Error| HostError::running(format_args!("service socket: {error}"));
        let listed = service_file::load(&setup.state_dir)?;
        let path = setup.state_dir.join("service.db");
        let store = SqliteStore::open(&path, entropy::draw()?).map_err(HostError::running)?;
        let options = ServiceOptions::default();
        let service = Service::new(store, setup.master, options, entropy::generator()?)
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
        socket.set_nonblocking(true).map_err(failed)?;
        let mut host = Self {
            service,
            socket: UdpSocket::from_std(socket).map_err(failed)?,
            clock: setup.clock,
            events: setup.events,
            buffer: Box::new([0; DATAGRAM_LEN_MAX]),
        };
        let now = host.clock.now();
        host.service.operator(now).ensure_default_domain().map_err(HostError::running)?;
        host.apply(&listed).map_err(|error| HostError::running(format_args!("service.toml: {error}")))?;
        host.forget_as_asked(&setup.state_dir)?;
        host.drain();
        Ok(host)
    }

    /// Waits for a datagram or a deadline, and handles it.
    pub async fn step(&mut self) {
        let wait = self.clock.until(self.service.next_timeout());
        tokio::select! {
            biased;
            _ = self.socket.readable() => self.take_datagrams(),
            () = Clock::wait(wait) => {}
        }
        self.handle_due();
    }

    /// Handles what has arrived and what is due; returns what is due next.
    pub fn settle(&mut self) -> Wakeup {
        self.take_datagrams();
        self.handle_due();
        self.service.next_timeout()
    }

    /// Does or asserts what a scenario says, after what has arrived.
    pub fn perform(&mut self, act: &Act, rot: Option<RotUid>) -> Outcome {
        self.settle();
        let outcome = service_acts::perform(&mut self.service, act, rot, &Others::new(), self.clock.now());
        self.drain();
        outcome
    }

    /// When it next has something to do.
    pub fn next_timeout(&self) -> Wakeup {
        self.service.next_timeout()
    }

    /// Answers what concerns the service.
    pub fn answer(&mut self, call: Call) {
        let answer = match call.request {
            Request::Forget { rot } => done(self.forget(rot).map(|()| Value::Null)),
            Request::Events { follow: false } => done(self.past_events().map(Value::Array)),
            Request::Events { follow: true } => match self.past_events() {
                Ok(past) => Answer::Follow(past, self.events.follow()),
                Err(error) => Answer::Failed(error.to_string()),
            },
            Request::Status => done(self.status()),
            _ => Answer::Failed("a security service has no module; ask the module's own process".to_owned()),
        };
        // An error means that who asked has gone.
        let _ = call.answer.send(answer);
        self.drain();
    }

    fn status(&self) -> Result<Value, StoreError> {
        let (standing, half_open) = self.service.sessions();
        let store = self.service.store();
        let none = Window { offset: 0, count: 0 };
        Ok(json!({
            "devices": store.devices(&DeviceQuery::default(), none)?.total,
            "device_profiles": store.profiles(None)?.len(),
            "sessions": standing,
            "handshakes": half_open,
            "time": self.clock.now().system,
            "pace": self.clock.pace().to_string(),
        }))
    }

    fn past_events(&self) -> Result<Vec<Value>, StoreError> {
        let store = self.service.store();
        let last = store.last_event_id()?;
        let query = EventQuery { after: last.saturating_sub(EVENTS_SHOWN as u64), ..EventQuery::default() };
        Ok(store.events(&query, Window::ALL)?.items.iter().map(service_event).collect())
    }

    fn forget(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        self.service.operator(self.clock.now()).forget(rot)
    }

    /// Brings the store in line with `service.toml`.
    fn apply(&mut self, listed: &[Listed]) -> Result<(), OperatorError> {
        let now = self.clock.now();
        for Listed { profile, whitelisted } in listed {
            let stored = self.service.store().profile(&profile.uid)?;
            match stored {
                None => self.service.operator(now).create_device_profile(profile.clone())?,
                Some(stored) => {
                    let mut wanted = profile.clone();
                    wanted.revision = stored.revision;
                    wanted.domain.clone_from(&stored.domain);
                    if wanted != *stored {
                        self.service
                            .operator(now)
                            .update_device_profile(&profile.uid, |stored| *stored = wanted)?;
                    }
                }
            }
            let mut missing = whitelisted.clone();
            let store = self.service.store();
            missing.retain(|rot| !store.is_whitelisted(&profile.uid, *rot).unwrap_or(false));
            drop(store);
            if !missing.is_empty() {
                self.service.operator(now).whitelist_add(&profile.uid, &missing)?;
            }
        }
        Ok(())
    }

    /// A module was made as new while nobody ran: `forget` names its root of trust.
    fn forget_as_asked(&mut self, state_dir: &Path) -> Result<(), HostError> {
        let path = state_dir.join("forget");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        let rot = text
            .trim()
            .parse()
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
        match self.forget(rot) {
            Ok(()) | Err(OperatorError::UnknownDevice(_)) => {}
            Err(error) => return Err(HostError::running(format_args!("{}: {error}", path.display()))),
        }
        std::fs::remove_file(&path)
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))
    }

    fn take_datagrams(&mut self) {
        for _ in 0..DATAGRAMS_A_TURN {
            match self.socket.try_recv_from(&mut self.buffer[..]) {
                Ok((count, peer)) => {
                    self.service.handle_datagram(peer, &self.buffer[..count], self.clock.now());
                    self.drain();
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) => tracing::debug!("service socket: {error}"),
            }
        }
    }

    fn handle_due(&mut self) {
        let now = self.clock.now();
        if self.service.next_timeout().is_due(now) {
            self.service.handle_timeout(now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Datagram { peer, bytes } => {
                    let sent = rustix::net::sendto(&self.socket, &bytes, SendFlags::DONTWAIT, &peer);
                    if let Err(error) = sent {
                        tracing::debug!("datagram to {peer} not sent: {error}");
                    }
                }
                ServiceOutput::Event(event) => self.events.note_service(&event),
                ServiceOutput::Trace(trace) => log_trace(&trace),
            }
        }
    }
}

fn log_trace(trace: &crate::service::Trace) {
    use crate::service::Trace;
    match trace {
        Trace::Connected { peer, identity } => {
            tracing::debug!(target: "vsara::service", "{peer}: session of {identity}")
        }
        Trace::Exchange { peer, rot, key_set, path, code, diagnostic, .. } => {
            let diagnostic = diagnostic.as_deref().map(|text| format!(" ({text})")).unwrap_or_default();
            tracing::info!(target: "vsara::service", "{peer} {rot}:{key_set} {path} → {code}{diagnostic}");
        }
        Trace::Ended { peer, identity: Some(identity), failure } => {
            tracing::debug!(target: "vsara::service", "{peer}: session of {identity} ended: {failure}");
        }
        Trace::Ended { peer, identity: None, failure } => {
            tracing::debug!(target: "vsara::service", "{peer}: handshake ended: {failure}");
        }
        Trace::StoreFailed(error) => tracing::error!(target: "vsara::service", "{error}"),
    }
}

fn done(result: Result<Value, impl std::fmt::Display>) -> Answer {
    match result {
        Ok(value) => Answer::Done(value),
        Err(error) => Answer::Failed(error.to_string()),
    }
}
