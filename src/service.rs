//! The security service core: a state machine without IO.
//!
//! A datagram takes this road:
//! 1. [`Service::handle_datagram`] finds the session of the peer, or opens one for a hello,
//!    within the [`Limits`].
//! 2. The session's handshake asks for a key: every key set a root of trust ever held
//!    authenticates.
//! 3. A request in a session that stands is routed by its path and decoded.
//! 4. The contact chain judges it; the step's handler changes a draft of the device.
//! 5. The draft is committed to the [`Store`], with its events, in one transaction.
//! 6. Older sessions of the root of trust are closed, and the answer is queued.
//!
//! [`Service::operator`] is what an operator does, by whatever interface, and
//! [`Service::account`] what the owner of a domain does with what is in it.

pub mod access_key;
pub mod account;
pub mod authority;
mod bootstrap;
pub mod campaign;
pub mod certificate;
pub mod chain;
mod clone;
pub mod device;
pub mod device_profile;
pub mod domain;
pub mod event;
mod exchange;
mod heartbeat;
pub mod key_sets;
pub mod memory_store;
pub mod operator;
pub mod plan;
mod random_text;
pub mod rate;
mod registration;
mod registry;
mod resources;
mod service_keys;
mod sessions;
pub mod store;
mod traffic;
mod wrong_key;

pub use account::Account;
pub use device::Device;
pub use device_profile::DeviceProfile;
pub use event::Event;
pub use memory_store::MemoryStore;
pub use operator::{Operator, OperatorError};
pub use plan::Plan;
pub use rate::Rate;
pub use sessions::Limits;
pub use store::{Store, StoreError};

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard};

use rand_chacha::ChaCha12Rng;

use crate::protocol::coap::{Code, Incoming};
use crate::protocol::keys::{MasterKey, PskIdentity, RotUid};
use crate::protocol::message::Refusal;
use crate::protocol::session::{
    Plaintext, ServerEndpoint, ServerEvent, ServerSession, SessionFailure, SessionOptions,
};
use crate::time::{Now, Wakeup};
use exchange::Denial;
use registry::Registry;
use resources::Response;
use sessions::{Open, SessionTable};
use wrong_key::WrongKeys;

/// The security service.
pub struct Service<S> {
    registry: Registry<S>,
    sessions: SessionTable,
    wrong_keys: WrongKeys,
    outputs: VecDeque<ServiceOutput>,
}

/// How a service is set up.
#[derive(Clone, Debug, Default)]
pub struct ServiceOptions {
    /// What it puts up with.
    pub limits: Limits,
    /// The largest datagram of a handshake, and a seed for scenarios.
    pub session: SessionOptions,
}

/// What the owner of a service must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceOutput {
    /// Send this.
    Datagram {
        /// To whom.
        peer: SocketAddr,
        /// The UDP payload.
        bytes: Vec<u8>,
    },
    /// It is stored already; show it.
    Event(Event),
    /// A message in clear, where [`SessionOptions::tap`] is on.
    Coap {
        /// With whom.
        peer: SocketAddr,
        /// What was said.
        message: Plaintext,
    },
    /// For the trace.
    Trace(Trace),
}

/// What happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A module proved its key.
    Connected {
        /// From where.
        peer: SocketAddr,
        /// Who.
        identity: PskIdentity,
    },
    /// A request was answered.
    Exchange {
        /// From where.
        peer: SocketAddr,
        /// Who.
        rot: RotUid,
        /// Under which key set.
        key_set: u32,
        /// The path: the phase of a bootstrap, heartbeat, report.
        path: String,
        /// The response.
        code: Code,
        /// Why it is not a success.
        diagnostic: Option<String>,
        /// What was asked, CBOR.
        request: Vec<u8>,
        /// What was answered, CBOR or nothing.
        answer: Vec<u8>,
    },
    /// A session ended by itself.
    Ended {
        /// From where.
        peer: SocketAddr,
        /// Who, where a key was proved.
        identity: Option<PskIdentity>,
        /// How.
        failure: SessionFailure,
    },
    /// The store failed where nobody waits for an answer; it is tried again.
    StoreFailed(StoreError),
}

impl Trace {
    /// From where, where somebody was there.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Connected { peer, .. } | Self::Exchange { peer, .. } | Self::Ended { peer, .. } => {
                Some(*peer)
            }
            Self::StoreFailed(_) => None,
        }
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected { peer, identity } => write!(f, "{peer}: session of {identity}"),
            Self::Exchange { peer, rot, key_set, path, code, diagnostic, .. } => {
                write!(f, "{peer} {rot}:{key_set} {path} → {code}")?;
                diagnostic.as_ref().map_or(Ok(()), |text| write!(f, " ({text})"))
            }
            Self::Ended { peer, identity: Some(identity), failure } => {
                write!(f, "{peer}: session of {identity} ended: {failure}")
            }
            Self::Ended { peer, identity: None, failure } => write!(f, "{peer}: handshake ended: {failure}"),
            Self::StoreFailed(error) => error.fmt(f),
        }
    }
}

impl<S: Store> Service<S> {
    /// A service on a store. `entropy` must never repeat on the same store.
    pub fn new(
        store: S,
        master: MasterKey,
        options: ServiceOptions,
        entropy: ChaCha12Rng,
    ) -> Result<Self, StoreError> {
        let registry = Registry::new(store, master, entropy)?;
        let seed = options.session.seed;
        let endpoint = ServerEndpoint::new(Arc::new(registry.key_finder()), options.session);
        let sessions = SessionTable::new(Arc::new(endpoint), options.limits, seed);
        Ok(Self { registry, sessions, wrong_keys: WrongKeys::default(), outputs: VecDeque::new() })
    }

    /// Takes a datagram, whatever it is.
    pub fn handle_datagram(&mut self, peer: SocketAddr, bytes: &[u8], now: Now) {
        if let Some(mut open) = self.sessions.take_for(peer, bytes, now.steady) {
            open.session.handle_datagram(bytes, now.steady);
            self.settle(open, now);
        }
    }

    /// Repeats or gives up what is due, marks devices that are overdue, takes campaigns on.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(mut open) = self.sessions.take_due(now.steady) {
            open.session.handle_timeout(now.steady);
            self.settle(open, now);
        }
        if let Err(error) = self.registry.handle_timeout(now) {
            self.trace(Trace::StoreFailed(error));
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<ServiceOutput> {
        self.outputs.pop_front().or_else(|| self.registry.poll_event().map(ServiceOutput::Event))
    }

    /// When [`Service::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Wakeup {
        Wakeup { steady: self.sessions.next_timeout(), system: self.registry.next_timeout() }
    }

    /// What an operator does at this moment.
    pub fn operator(&mut self, now: Now) -> Operator<'_, S> {
        Operator { registry: &mut self.registry, now: now.system }
    }

    /// What the owner of a domain does at this moment, who sees nothing else.
    pub fn account<'a>(&'a mut self, domain: &'a str, now: Now) -> Account<'a, S> {
        Account::new(self.operator(now), domain)
    }

    /// The store, to read. Let go of it before the next call.
    pub fn store(&self) -> MutexGuard<'_, S> {
        self.registry.store()
    }

    /// Begins anew on what is in the store by now, as after a restart: another store was put in the
    /// place of the one before. Every session is gone.
    pub fn reload(&mut self) -> Result<(), StoreError> {
        self.sessions.clear();
        self.wrong_keys = WrongKeys::default();
        self.registry.reload()
    }

    /// How many sessions stand, and how many handshakes are under way.
    pub fn sessions(&self) -> (usize, usize) {
        self.sessions.len()
    }

    /// Carries everything between a session and the outputs, then puts the session back.
    fn settle(&mut self, mut open: Box<Open>, now: Now) {
        self.transmit(&mut open);
        while let Some(event) = open.session.poll_event() {
            match event {
                ServerEvent::Connected(identity) => {
                    self.sessions.stands(&mut open, identity);
                    self.wrong_keys.proved(identity, open.peer);
                    self.trace(Trace::Connected { peer: open.peer, identity });
                }
                ServerEvent::Request(incoming) => self.handle_request(&mut open, &incoming, now),
                ServerEvent::Failed(failure) => {
                    let identity = open.contact.as_ref().map(|contact| contact.identity);
                    if failure == SessionFailure::KeyRefused {
                        self.suspect(open.peer, &open.session, now);
                    }
                    self.trace(Trace::Ended { peer: open.peer, identity, failure });
                }
            }
            self.transmit(&mut open);
        }
        self.sessions.put_back(open, now.steady);
    }

    fn transmit(&mut self, open: &mut Open) {
        while let Some(bytes) = open.session.poll_transmit() {
            open.datagram(bytes.len());
            self.outputs.push_back(ServiceOutput::Datagram { peer: open.peer, bytes });
        }
        while let Some(message) = open.session.poll_plaintext() {
            self.outputs.push_back(ServiceOutput::Coap { peer: open.peer, message });
        }
    }

    fn handle_request(&mut self, open: &mut Open, incoming: &Incoming, now: Now) {
        // A request comes in a session that stands, so there is a contact.
        let Some(mut contact) = open.contact.take() else { return };
        let routed = resources::route(incoming);
        let is_step = routed.is_ok();
        let outcome = routed.map(|request| self.registry.exchange(&mut contact, request, now.system));
        let (peer, PskIdentity { rot, key_set }) = (contact.peer, contact.identity);
        open.contact = Some(contact);
        let (response, diagnostic) = match outcome {
            Ok(Ok(answer)) => (Response::cbor(Code::CHANGED, answer.encode()), None),
            Ok(Err(denial)) => deny(denial),
            Err(response) => (response, None),
        };
        if is_step && response.code.is_success() {
            self.sessions.close_older(open);
        }
        // Events were stored before the answer, and are shown before it.
        while let Some(event) = self.registry.poll_event() {
            self.outputs.push_back(ServiceOutput::Event(event));
        }
        let path = incoming.path.clone();
        let (request, answer) = (incoming.payload.clone(), response.payload.clone());
        let code = response.code;
        self.trace(Trace::Exchange { peer, rot, key_set, path, code, diagnostic, request, answer });
        open.session.respond(response.code, response.content_format, response.payload, now.steady);
    }

    /// A handshake ended with a wrong key.
    fn suspect(&mut self, peer: SocketAddr, session: &ServerSession, now: Now) {
        let Some(identity) = session.claimed_identity() else { return };
        if self.wrong_keys.failed(identity, peer)
            && let Err(error) = self.registry.note_wrong_key(identity, peer, now.system)
        {
            self.trace(Trace::StoreFailed(error));
        }
    }

    fn trace(&mut self, trace: Trace) {
        self.outputs.push_back(ServiceOutput::Trace(trace));
    }
}

/// What a module is told that gets no answer, and what the trace is told.
fn deny(denial: Denial) -> (Response, Option<String>) {
    match denial {
        Denial::Refused(refusal) => {
            let reason = match refusal {
                Refusal::Clone => "refused as a clone",
                Refusal::NotBootstrapped => "not bootstrapped",
                Refusal::OutOfOrder => "out of order",
            };
            (Response::cbor(Code::FORBIDDEN, refusal.encode()), Some(reason.to_owned()))
        }
        Denial::Request(error) => {
            (Response::error(Code::BAD_REQUEST, &error.to_string()), Some(error.to_string()))
        }
        Denial::Signing(error) => failed_inside(&error),
        Denial::Store(error) => failed_inside(&error),
    }
}

/// What went wrong inside is nobody's business outside.
fn failed_inside(error: &impl std::fmt::Display) -> (Response, Option<String>) {
    (Response::error(Code::INTERNAL_SERVER_ERROR, "try again later"), Some(error.to_string()))
}
