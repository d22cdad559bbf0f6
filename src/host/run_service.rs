//! [`ServiceHost`]: the loop of a security service: one socket, one store, one core.
//!
//! Embedded, it has a thread of its own ([`embed`]), so that a write to its store never delays the
//! module; `vsara server` ([`crate::host::run_server`]) runs it by itself. Whoever else wants
//! something of it, such as a door for people and programs, asks by a [`ServiceHandle`].

mod administration;
mod answers;
mod embedded;
pub mod faults;
mod handle;
mod setup;

pub use crate::scenario::link::Condition;
pub use administration::Counters;
pub use embedded::{EmbeddedService, embed};
pub use faults::{FaultState, ServiceFault};
pub use handle::{Ended, ServiceCall, ServiceHandle};

use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::SendFlags;
use tokio::net::UdpSocket;

use crate::host::clock::Clock;
use crate::host::doors::OpenDoors;
use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::event_log::EventLog;
use crate::host::journal::{Journal, Passed, Way};
use crate::host::rest_call::RestCalls;
use crate::host::service_file;
use crate::host::store_sqlite::SqliteStore;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::protocol::session::{Plaintext, SessionOptions};
use crate::scenario::claims::Others;
use crate::scenario::player::Outcome;
use crate::scenario::script::Act;
use crate::scenario::service_acts;
use crate::service::{Account, Event, Operator, Service, ServiceOptions, ServiceOutput, StoreError, Trace};
use crate::time::{Now, Wakeup};
use faults::Faults;

/// Datagrams taken in one turn, so that a flood never keeps an operator out.
const DATAGRAMS_A_TURN: usize = 64;

/// What the system is asked to keep of datagrams that wait, in bytes: those of some thousand modules.
/// Most systems give less.
const RECEIVE_BUFFER_LEN: usize = 4 << 20;

/// Longest datagram that is read, in bytes; the core takes less.
const DATAGRAM_LEN_MAX: usize = 2048;

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
    /// Makes faults repeatable.
    pub seed: u64,
    /// Whether to keep a journal, for the admin API.
    pub journal: bool,
    /// What REST and the admin API do.
    pub calls: RestCalls,
}

/// A service with its socket and store.
pub struct ServiceHost {
    service: Service<SqliteStore>,
    socket: UdpSocket,
    clock: Clock,
    events: EventLog,
    state_dir: PathBuf,
    faults: Faults,
    journal: Option<Journal>,
    counters: Counters,
    calls: RestCalls,
    buffer: Box<[u8; DATAGRAM_LEN_MAX]>,
}

impl ServiceHost {
    /// Opens store and `service.toml`. To be called in a runtime.
    pub fn open(setup: ServiceSetup, socket: StdUdpSocket) -> Result<Self, HostError> {
        let failed = |error: std::io::Error| HostError::running(format_args!("service socket: {error}"));
        let listed = service_file::load(&setup.state_dir)?;
        let path = setup.state_dir.join("service.db");
        let store = SqliteStore::open(&path, entropy::draw()?).map_err(HostError::running)?;
        let session = SessionOptions { tap: setup.journal, ..SessionOptions::default() };
        let options = ServiceOptions { session, ..ServiceOptions::default() };
        let service = Service::new(store, setup.master, options, entropy::generator()?)
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
        socket.set_nonblocking(true).map_err(failed)?;
        if let Err(error) = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_LEN) {
            tracing::debug!("service socket: its buffer stays as it is: {error}");
        }
        let mut host = Self {
            service,
            socket: UdpSocket::from_std(socket).map_err(failed)?,
            clock: setup.clock,
            events: setup.events,
            state_dir: setup.state_dir,
            faults: Faults::new(setup.seed),
            journal: setup.journal.then(Journal::default),
            counters: Counters::default(),
            calls: setup.calls,
            buffer: Box::new([0; DATAGRAM_LEN_MAX]),
        };
        host.begin(&listed).map_err(|error| HostError::running(format_args!("service.toml: {error}")))?;
        host.forget_as_asked()?;
        host.drain();
        Ok(host)
    }

    /// Time, the service's own.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// What an operator does at this moment. What it notes is told once the call is over.
    pub fn operator(&mut self) -> Operator<'_, SqliteStore> {
        self.service.operator(self.clock.now())
    }

    /// What the owner of a domain does at this moment.
    pub fn account<'a>(&'a mut self, domain: &'a str) -> Account<'a, SqliteStore> {
        self.service.account(domain, self.clock.now())
    }

    /// The core.
    pub fn service(&self) -> &Service<SqliteStore> {
        &self.service
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where modules reach it.
    pub fn dtls_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Where its store is.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// What happens from now on.
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// Waits for a datagram or a deadline, and handles it.
    pub async fn step(&mut self) {
        let wait = self.clock.until(self.next_timeout());
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
        self.next_timeout()
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
        self.service.next_timeout().earlier(self.faults.next_timeout())
    }

    fn take_datagrams(&mut self) {
        self.in_one_group(|host| {
            for _ in 0..DATAGRAMS_A_TURN {
                match host.socket.try_recv_from(&mut host.buffer[..]) {
                    Ok((count, peer)) => {
                        let now = host.clock.now();
                        host.counters.datagram(Way::In, count);
                        if host.faults.are_none() {
                            host.hear(peer, count, now);
                        } else {
                            host.faults.carry(Way::In, peer, host.buffer[..count].to_vec(), now);
                            host.deliver(now);
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                    Err(error) => tracing::debug!("service socket: {error}"),
                }
            }
        });
    }

    /// Has the core handle datagrams, and the modules that sent them wait for the disk together:
    /// 1. what the core writes joins one transaction;
    /// 2. the transaction is committed;
    /// 3. answers leave, and what happened is told. Where 2 failed, nothing leaves: the service begins
    ///    anew on what is on disk, as after a power loss, and modules repeat themselves.
    fn in_one_group(&mut self, handle: impl FnOnce(&mut Self)) {
        let begun = self.service.store().begin_group();
        handle(self);
        let ended = match begun {
            Ok(()) => self.service.store().end_group(),
            // Each write was a transaction of its own.
            Err(error) => {
                self.note_store_failure(error);
                Ok(())
            }
        };
        match ended {
            Ok(()) => self.drain(),
            Err(error) => self.forget_unwritten(error),
        }
    }

    /// What the core says of writes that are not on disk did not happen.
    fn forget_unwritten(&mut self, error: StoreError) {
        while self.service.poll_output().is_some() {}
        let reloaded = self.service.reload();
        self.note_store_failure(error);
        if let Err(error) = reloaded {
            self.note_store_failure(error);
        }
    }

    fn note_store_failure(&mut self, error: StoreError) {
        let trace = Trace::StoreFailed(error);
        self.counters.trace(&trace);
        log_trace(&trace);
    }

    /// A datagram of so many bytes in the buffer reaches the core.
    fn hear(&mut self, peer: SocketAddr, count: usize, now: Now) {
        let bytes = &self.buffer[..count];
        if let Some(journal) = &mut self.journal {
            journal.note(now.system, Passed::Datagram(Way::In, peer, bytes.to_vec()));
        }
        self.service.handle_datagram(peer, bytes, now);
    }

    /// What faults have delayed reaches its end.
    fn deliver(&mut self, now: Now) {
        while let Some((way, peer, bytes)) = self.faults.poll(now) {
            match way {
                Way::In => {
                    let count = bytes.len().min(DATAGRAM_LEN_MAX);
                    self.buffer[..count].copy_from_slice(&bytes[..count]);
                    self.hear(peer, count, now);
                }
                Way::Out => self.send(peer, bytes, now),
            }
        }
    }

    fn handle_due(&mut self) {
        let now = self.clock.now();
        // An answer sets out when its group has ended, and may arrive at once.
        while self.faults.next_timeout().is_due(now) {
            self.in_one_group(|host| host.deliver(now));
        }
        if self.service.next_timeout().is_due(now) {
            self.service.handle_timeout(now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.service.poll_output() {
            let now = self.clock.now();
            match output {
                ServiceOutput::Datagram { peer, bytes } if self.faults.are_none() => {
                    self.send(peer, bytes, now);
                }
                ServiceOutput::Datagram { peer, bytes } => {
                    self.faults.carry(Way::Out, peer, bytes, now);
                }
                ServiceOutput::Event(event) => self.tell(event, now),
                ServiceOutput::Coap { peer, message } => {
                    let passed = match message {
                        Plaintext::Received(bytes) => Passed::Coap(Way::In, peer, bytes),
                        Plaintext::Sent(bytes) => Passed::Coap(Way::Out, peer, bytes),
                    };
                    self.note(passed, now);
                }
                ServiceOutput::Trace(trace) => {
                    self.counters.trace(&trace);
                    if self.journal.is_some() {
                        self.note(Passed::Trace(trace.to_string()), now);
                    }
                    log_trace(&trace);
                }
            }
        }
    }

    fn tell(&mut self, event: Event, now: Now) {
        self.counters.event(&event);
        let event = Arc::new(event);
        self.note(Passed::Event(Arc::clone(&event)), now);
        self.events.note_service(event);
    }

    fn note(&mut self, passed: Passed, now: Now) {
        if let Some(journal) = &mut self.journal {
            journal.note(now.system, passed);
        }
    }

    fn send(&mut self, peer: SocketAddr, bytes: Vec<u8>, now: Now) {
        self.counters.datagram(Way::Out, bytes.len());
        if let Err(error) = rustix::net::sendto(&self.socket, &bytes, SendFlags::DONTWAIT, &peer) {
            tracing::debug!("datagram to {peer} not sent: {error}");
        }
        self.note(Passed::Datagram(Way::Out, peer, bytes), now);
    }
}

fn log_trace(trace: &Trace) {
    match trace {
        Trace::Connected { .. } | Trace::Ended { .. } => tracing::debug!(target: "vsara::service", "{trace}"),
        Trace::Exchange { .. } => tracing::info!(target: "vsara::service", "{trace}"),
        Trace::StoreFailed(_) => tracing::error!(target: "vsara::service", "{trace}"),
    }
}

#[cfg(test)]
mod tests;
