//! The service's end of a session.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dimpl::{Config, PskResolver};

use super::engine::{self, End, Engine};
use super::record::{FirstRecord, RANDOM_LEN, fatal_alert};
use super::{SessionFailure, SessionOptions};
use crate::protocol::coap::{Code, Incoming, Responder};
use crate::protocol::keys::{Key, PskIdentity};
use crate::time::{Timestamp, earlier};

/// How many times the bytes of a peer it is sent at most before it has shown the cookie, as QUIC has it
/// (RFC 9000, 8.1): the engine repeats its cookie on a timer, and a hello may come in another's name.
const AMPLIFICATION_MAX: usize = 3;

/// Which key belongs to an identity.
///
/// Asked once in a handshake, on the thread that handed in the datagram. For an identity that is
/// not known say `None`: the session then goes on with a random key of the same length, so that
/// the peer cannot tell an unknown identity from a wrong key.
pub trait PskLookup: Send + Sync {
    /// The key of this identity.
    fn key(&self, identity: &PskIdentity) -> Option<Key>;
}

/// What all sessions of one server share.
pub struct ServerEndpoint {
    psk: Arc<dyn PskLookup>,
    options: SessionOptions,
    /// Without a seed one configuration serves every session.
    shared: Option<Arc<Config>>,
}

/// The sessions of one peer address: the one that stands, and where the peer started anew, the
/// handshake that may replace it.
///
/// 1. Create it for an address whose datagram [`ServerSession::is_hello`]; hand that in.
/// 2. [`ServerEvent::Connected`] names the identity that proved its key.
/// 3. [`ServerEvent::Request`], each answered by [`ServerSession::respond`] before the next is
///    polled, or never.
/// 4. [`ServerEvent::Failed`] or [`ServerSession::close`], and [`ServerSession::is_over`].
///
/// A hello with another random means that the peer started anew (RFC 6347 4.2.8), or that
/// somebody says so in its name. The old session goes on until the new handshake has proved a
/// key; then [`ServerEvent::Connected`] comes again, and the old session is gone without a word.
pub struct ServerSession {
    endpoint: Arc<ServerEndpoint>,
    /// Each engine of a seeded session gets a seed of its own.
    seed: Option<u64>,
    current: Link,
    candidate: Option<Box<Link>>,
    over: bool,
    events: VecDeque<ServerEvent>,
    transmit: VecDeque<Vec<u8>>,
    /// Copies of what was said, where somebody listens.
    tapped: VecDeque<Plaintext>,
}

/// A message in clear, as a tap heard it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plaintext {
    /// From the peer.
    Received(Vec<u8>),
    /// To the peer.
    Sent(Vec<u8>),
}

/// What a server session tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A handshake is done; whatever session there was before at this address is over.
    Connected(PskIdentity),
    /// A request. [`ServerSession::respond`] answers the one polled last.
    Request(Incoming),
    /// The session is over.
    Failed(SessionFailure),
}

/// One handshake and the session it leads to.
struct Link {
    engine: Engine,
    responder: Responder,
    /// The random of the hello it is about.
    hello: Option<[u8; RANDOM_LEN]>,
    /// Whether the peer has shown our cookie, so that it does receive at its address.
    verified: bool,
    /// Bytes that may still be sent before that.
    allowance: usize,
    identity: Option<PskIdentity>,
    /// Whether the owner was told that the handshake is done.
    announced: bool,
    /// Whether to keep copies, and those kept.
    tap: bool,
    tapped: VecDeque<Plaintext>,
}

thread_local! {
    /// What the engine's last lookup on this thread was about: it tells nobody else.
    static LOOKED_UP: Cell<Option<PskIdentity>> = const { Cell::new(None) };
}

struct Resolver(AssertUnwindSafe<Arc<dyn PskLookup>>);

impl PskResolver for Resolver {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        let identity = std::str::from_utf8(identity).ok()?.parse().ok()?;
        LOOKED_UP.set(Some(identity));
        self.0.key(&identity).map(|key| key.as_bytes().to_vec())
    }
}

impl ServerEndpoint {
    /// What the sessions of one server share. A seed in `options` is not shared: each session
    /// is handed its own.
    pub fn new(psk: Arc<dyn PskLookup>, options: SessionOptions) -> Self {
        let mut endpoint = Self { psk, options: SessionOptions { seed: None, ..options }, shared: None };
        endpoint.shared = Some(endpoint.build(None));
        endpoint
    }

    fn config(&self, seed: Option<u64>) -> Arc<Config> {
        match &self.shared {
            Some(shared) if seed.is_none() => Arc::clone(shared),
            _ => self.build(seed),
        }
    }

    fn build(&self, seed: Option<u64>) -> Arc<Config> {
        let config = engine::config(&SessionOptions { seed, ..self.options.clone() })
            .with_psk_server(None, Arc::new(Resolver(AssertUnwindSafe(Arc::clone(&self.psk)))))
            .build()
            // expect: the settings are constants, all within the limits of the engine; an MTU
            // below 64 bytes is no MTU of any network.
            .expect("the settings of a session are valid");
        Arc::new(config)
    }
}

impl ServerSession {
    /// A session of a server that has no others.
    pub fn new(psk: Arc<dyn PskLookup>, options: SessionOptions, now: Timestamp) -> Self {
        let seed = options.seed;
        Self::of(&Arc::new(ServerEndpoint::new(psk, options)), seed, now)
    }

    /// A session of a server with many. `seed` as in [`SessionOptions`].
    pub fn of(endpoint: &Arc<ServerEndpoint>, seed: Option<u64>, now: Timestamp) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            seed: seed.map(|seed| seed.wrapping_add(1)),
            current: Link::new(endpoint, seed, now),
            candidate: None,
            over: false,
            events: VecDeque::new(),
            transmit: VecDeque::new(),
            tapped: VecDeque::new(),
        }
    }

    /// What was said, in clear and in order, where [`SessionOptions::tap`] is on.
    pub fn poll_plaintext(&mut self) -> Option<Plaintext> {
        self.tapped.pop_front()
    }

    /// Whether a datagram can start a session. Any other from an unknown address is noise.
    pub fn is_hello(datagram: &[u8]) -> bool {
        matches!(FirstRecord::of(datagram), FirstRecord::ClientHello { .. })
    }

    /// Who proved its key; nobody before [`ServerEvent::Connected`].
    pub fn identity(&self) -> Option<PskIdentity> {
        self.current.identity.filter(|_| self.current.engine.is_connected())
    }

    /// Who the peer says it is, proved or not.
    pub fn claimed_identity(&self) -> Option<PskIdentity> {
        self.current.identity
    }

    /// Whether the peer has shown our cookie. Half-open sessions that have not are the first to
    /// be dropped when there are too many.
    pub fn is_verified(&self) -> bool {
        self.current.verified
    }

    /// Takes a datagram of the peer, whatever it is.
    pub fn handle_datagram(&mut self, datagram: &[u8], now: Timestamp) {
        if self.over {
            return;
        }
        match FirstRecord::of(datagram) {
            FirstRecord::ClientHello { random } => self.handle_hello(random, datagram, now),
            // A handshake that is under way beside a session that stands gets what belongs to a
            // handshake; but only once it has shown the cookie, so that nobody can shut out the
            // peer by a hello in its name.
            FirstRecord::Handshake | FirstRecord::Finished => match &mut self.candidate {
                Some(candidate) if candidate.verified => candidate.handle_datagram(datagram, now),
                _ => self.current.handle_datagram(datagram, now),
            },
            FirstRecord::Protected if self.current.engine.is_connected() => {
                self.current.handle_datagram(datagram, now);
            }
            // Data that overtook the Finished of its handshake comes again; an alert in plaintext
            // proves nothing; a ServerHello is not for a server.
            FirstRecord::Protected | FirstRecord::Alert | FirstRecord::ServerHello | FirstRecord::Noise => {}
        }
        self.settle();
    }

    /// Repeats or gives up what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.over {
            return;
        }
        self.current.engine.handle_timeout(now);
        if let Some(candidate) = &mut self.candidate {
            candidate.engine.handle_timeout(now);
        }
        self.settle();
    }

    /// When [`ServerSession::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.over {
            return None;
        }
        let candidate = self.candidate.as_ref().and_then(|candidate| candidate.engine.next_timeout());
        earlier(self.current.engine.next_timeout(), candidate)
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmit.pop_front()
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front().or_else(|| {
            let request = if self.over { None } else { self.current.responder.poll_request() };
            request.map(ServerEvent::Request)
        })
    }

    /// Answers the request polled last; without one, or once the session is over, does nothing.
    pub fn respond(&mut self, code: Code, content_format: Option<u16>, payload: Vec<u8>, _now: Timestamp) {
        if !self.over {
            self.current.responder.respond(code, content_format, payload);
            self.settle();
        }
    }

    /// Gives back what its queues do not need: most of their life, sessions wait.
    pub fn free_unused(&mut self) {
        self.current.free_unused();
        self.events.shrink_to_fit();
        self.transmit.shrink_to_fit();
        self.tapped.shrink_to_fit();
    }

    /// Whether nothing more will happen; datagrams may still wait to be sent.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Says goodbye. No event follows.
    pub fn close(&mut self, _now: Timestamp) {
        if self.over {
            return;
        }
        self.settle();
        self.events.clear();
        self.current.engine.close();
        self.current.exchange(&mut self.transmit);
        self.candidate = None;
        self.over = true;
    }

    fn handle_hello(&mut self, random: [u8; RANDOM_LEN], datagram: &[u8], now: Timestamp) {
        let is_ours = |link: &Link| link.hello.is_none_or(|hello| hello == random);
        if is_ours(&self.current) {
            self.current.hello = Some(random);
            return self.current.handle_datagram(datagram, now);
        }
        if !self.current.verified {
            // Nothing is lost but a cookie.
            self.current = self.new_link(random, now);
            return self.current.handle_datagram(datagram, now);
        }
        let keep = self.candidate.as_ref().is_some_and(|candidate| candidate.verified || is_ours(candidate));
        if !keep {
            self.candidate = Some(Box::new(self.new_link(random, now)));
        }
        if let Some(candidate) = &mut self.candidate
            && is_ours(candidate)
        {
            candidate.handle_datagram(datagram, now);
        }
    }

    fn new_link(&mut self, random: [u8; RANDOM_LEN], now: Timestamp) -> Link {
        let seed = self.seed;
        self.seed = seed.map(|seed| seed.wrapping_add(1));
        let mut link = Link::new(&self.endpoint, seed, now);
        link.hello = Some(random);
        link
    }

    /// Carries everything between the links and the owner.
    fn settle(&mut self) {
        self.settle_candidate();
        self.current.exchange(&mut self.transmit);
        self.tapped.append(&mut self.current.tapped);
        if self.current.engine.is_connected() && !self.current.announced {
            self.current.announced = true;
            match self.current.identity {
                Some(identity) => self.events.push_back(ServerEvent::Connected(identity)),
                // The engine finishes no handshake whose identity was not looked up.
                None => return self.fail(SessionFailure::Protocol("a session without an identity".into())),
            }
        }
        if let Some(end) = self.current.engine.end().cloned() {
            self.transmit.extend(self.current.farewell(&end));
            self.fail(end.failure);
        }
    }

    /// The candidate's datagrams leave as they are. It takes over once it has proved a key, or,
    /// from a handshake that is not done, once it has shown the cookie.
    fn settle_candidate(&mut self) {
        let Some(mut candidate) = self.candidate.take() else { return };
        candidate.exchange(&mut self.transmit);
        self.tapped.append(&mut candidate.tapped);
        if let Some(end) = candidate.engine.end().cloned() {
            self.transmit.extend(candidate.farewell(&end));
        } else if candidate.engine.is_connected() || candidate.verified && !self.current.engine.is_connected()
        {
            self.events.clear();
            self.current = *candidate;
        } else {
            self.candidate = Some(candidate);
        }
    }

    fn fail(&mut self, failure: SessionFailure) {
        self.over = true;
        self.candidate = None;
        self.events.push_back(ServerEvent::Failed(failure));
    }
}

impl Link {
    fn new(endpoint: &ServerEndpoint, seed: Option<u64>, now: Timestamp) -> Self {
        Self {
            engine: Engine::new(endpoint.config(seed), false, now),
            responder: Responder::new(seed.unwrap_or(now.as_millis() as u64)),
            hello: None,
            verified: false,
            allowance: 0,
            identity: None,
            announced: false,
            tap: endpoint.options.tap,
            tapped: VecDeque::new(),
        }
    }

    fn handle_datagram(&mut self, datagram: &[u8], now: Timestamp) {
        // A session starts with a hello; the engine would store anything else until it is full.
        if self.hello.is_none() {
            return;
        }
        if !self.verified {
            self.allowance = self.allowance.saturating_add(AMPLIFICATION_MAX * datagram.len());
        }
        LOOKED_UP.set(None);
        self.engine.handle_datagram(datagram, now);
        if let Some(identity) = LOOKED_UP.take() {
            self.identity = Some(identity);
        }
        while let Some(plaintext) = self.engine.poll_plaintext() {
            self.responder.handle_datagram(&plaintext);
            if self.tap {
                self.tapped.push_back(Plaintext::Received(plaintext));
            }
        }
    }

    /// Whether so many bytes may be sent to a peer that may be somebody else.
    fn allows(&mut self, len: usize) -> bool {
        if self.verified {
            return true;
        }
        let left = self.allowance.checked_sub(len);
        self.allowance = left.unwrap_or(self.allowance);
        left.is_some()
    }

    /// The alert the engine ended with.
    fn farewell(&mut self, end: &End) -> Option<Vec<u8>> {
        end.alert.map(fatal_alert).filter(|alert| self.allows(alert.len()))
    }

    fn free_unused(&mut self) {
        self.engine.free_unused();
        self.responder.free_unused();
        self.tapped.shrink_to_fit();
    }

    /// Moves what is to be sent to `transmit`.
    fn exchange(&mut self, transmit: &mut VecDeque<Vec<u8>>) {
        while let Some(answer) = self.responder.poll_transmit() {
            self.engine.send(&answer);
            if self.tap {
                self.tapped.push_back(Plaintext::Sent(answer));
            }
        }
        while let Some(datagram) = self.engine.poll_transmit() {
            self.verified |= FirstRecord::of(&datagram) == FirstRecord::ServerHello;
            if self.allows(datagram.len()) {
                transmit.push_back(datagram);
            }
        }
    }
}
