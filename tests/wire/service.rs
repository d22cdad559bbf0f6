//! What the fuzzer and the replay of its corpus check of a service that hears anything.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use vsara::protocol::coap::Code;
use vsara::protocol::keys::{FACTORY_KEY_SET, MasterKey, PskIdentity, RotUid};
use vsara::protocol::message::{Answer, ChainNonce, PATHS, Request};
use vsara::protocol::session::{ClientEvent, ClientSession, SessionOptions};
use vsara::service::{Limits, MemoryStore, Service, ServiceOptions, ServiceOutput, Store};
use vsara::time::{Now, Timestamp};

/// Modules that know their keys; whatever else is sent comes from somebody who knows none.
const MODULES: usize = 3;
const PEERS: u8 = 6;
const SENT_MAX: usize = 64;

/// So small that the fuzzer finds them.
const LIMITS: (usize, usize) = (2, 3);

/// One life of a service.
struct Life {
    service: Service<MemoryStore>,
    now: Now,
    modules: [Option<ClientSession>; MODULES],
    /// Datagrams of modules, to be sent again.
    sent: Vec<Vec<u8>>,
    /// Bytes from and to peers that never showed a cookie: all but the modules.
    strangers: HashMap<SocketAddr, (usize, usize)>,
}

/// `input` is a program: each step is a byte that says what happens, one that says to whom, and what
/// it needs.
///
/// # Panics
/// The service panics, keeps more sessions than its limits, sends a stranger more than it got from
/// them, knows a device that proved no key, or does not answer an honest module in the end.
pub(crate) fn check(input: &[u8]) {
    let mut life = Life::new();
    let mut rest = input;
    while let [step, whom, tail @ ..] = rest {
        rest = life.step(*step, *whom, tail);
        life.check_bounds();
    }
    life.check_that_it_answers();
}

impl Life {
    fn new() -> Self {
        let limits = Limits { sessions_max: LIMITS.0, half_open_max: LIMITS.1, ..Limits::default() };
        let session = SessionOptions { seed: Some(1), ..SessionOptions::default() };
        let service = Service::new(
            MemoryStore::new([7; 8]),
            MasterKey::development(),
            ServiceOptions { limits, session },
            ChaCha12Rng::seed_from_u64(1),
        );
        Self {
            service: service.expect("a store in memory"),
            now: Now::both(Timestamp::from_millis(1_767_225_600_000)),
            modules: [None, None, None],
            sent: Vec::new(),
            strangers: HashMap::new(),
        }
    }

    /// Takes one step; returns what follows it.
    fn step<'a>(&mut self, step: u8, whom: u8, tail: &'a [u8]) -> &'a [u8] {
        let module = usize::from(whom) % MODULES;
        let stranger = stranger(whom);
        match step % 7 {
            0 => {
                let (bytes, rest) = cut(tail);
                self.say(stranger, bytes);
                return rest;
            }
            1 => self.modules[module] = Some(self.session(module, u64::from(whom))),
            2 => drop(self.pump(module, Some)),
            // One byte of the next datagram is another, or it is cut off there.
            3 => {
                let [at, xor, rest @ ..] = tail else { return &[] };
                self.pump(module, |mut datagram| {
                    let at = usize::from(*at) % datagram.len();
                    if *xor == 0 {
                        datagram.truncate(at)
                    } else {
                        datagram[at] ^= xor
                    }
                    Some(datagram)
                });
                return rest;
            }
            // Recorded, and sent by a stranger.
            4 => {
                let [which, rest @ ..] = tail else { return &[] };
                let recorded = self.sent.get(usize::from(*which) % self.sent.len().max(1)).cloned();
                self.say(stranger, &recorded.unwrap_or_default());
                return rest;
            }
            5 => {
                let by_ms = 1_i64 << (whom % 24);
                self.now = Now::both(self.now.system.offset_millis(by_ms));
                self.service.handle_timeout(self.now);
                self.take_outputs();
            }
            // Any bytes as a request in a session that stands.
            _ => {
                let [path, tail @ ..] = tail else { return &[] };
                let (bytes, rest) = cut(tail);
                let steady = self.now.steady;
                if let Some(session) = &mut self.modules[module] {
                    // Refused before it stands.
                    let _ = session.request(PATHS[usize::from(*path) % PATHS.len()], bytes.to_vec(), steady);
                }
                self.pump(module, Some);
                return rest;
            }
        }
        tail
    }

    fn session(&self, module: usize, seed: u64) -> ClientSession {
        let rot = rot(module);
        let key = MasterKey::development().factory_secret(rot).key;
        let options = SessionOptions { seed: Some(seed), ..SessionOptions::default() };
        ClientSession::new(PskIdentity { rot, key_set: FACTORY_KEY_SET }, &key, options, self.now.steady)
    }

    /// Carries what a module has to say until it is quiet.
    fn pump(&mut self, module: usize, on_the_way: impl Fn(Vec<u8>) -> Option<Vec<u8>>) -> Vec<ClientEvent> {
        let mut events = Vec::new();
        for _ in 0..32 {
            let Some(session) = &mut self.modules[module] else { break };
            let Some(datagram) = session.poll_transmit() else { break };
            if self.sent.len() < SENT_MAX {
                self.sent.push(datagram.clone());
            }
            if let Some(datagram) = on_the_way(datagram) {
                self.service.handle_datagram(address(module), &datagram, self.now);
                self.take_outputs();
            }
            let session = self.modules[module].as_mut();
            events.extend(session.into_iter().flat_map(|it| std::iter::from_fn(|| it.poll_event())));
        }
        events
    }

    fn say(&mut self, peer: SocketAddr, bytes: &[u8]) {
        self.strangers.entry(peer).or_default().0 += bytes.len();
        self.service.handle_datagram(peer, bytes, self.now);
        self.take_outputs();
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.service.poll_output() {
            let ServiceOutput::Datagram { peer, bytes } = output else { continue };
            if let Some(module) = (0..MODULES).find(|module| address(*module) == peer) {
                if let Some(session) = &mut self.modules[module] {
                    session.handle_datagram(&bytes, self.now.steady);
                }
            } else {
                self.strangers.entry(peer).or_default().1 += bytes.len();
            }
        }
    }

    fn check_bounds(&self) {
        let (standing, underway) = self.service.sessions();
        assert!(standing <= LIMITS.0 && underway <= LIMITS.1, "{standing} sessions, {underway} handshakes");
        for (peer, (from, to)) in &self.strangers {
            assert!(*to <= 3 * from, "{peer} was sent {to} bytes for {from}");
        }
        let known = vsara::service::store::EventQuery::default();
        let events = self.service.store().events(&known, vsara::service::store::Window::ALL).expect("read");
        let ours = |event: &vsara::service::Event| (0..MODULES).any(|module| rot(module) == event.rot);
        assert!(events.items.iter().all(ours), "something was noted of a module nobody has");
    }

    /// Half an hour later nothing is left of what was, and a module finds its service.
    fn check_that_it_answers(&mut self) {
        for _ in 0..30 {
            self.now = Now::both(self.now.system.offset_millis(60_000));
            self.service.handle_timeout(self.now);
            self.take_outputs();
        }
        self.modules[0] = Some(self.session(0, 1_000_000));
        let events = self.pump(0, Some);
        assert_eq!(events, [ClientEvent::Connected]);
        let request = Request::Held(vec![ChainNonce([9; 8])]);
        let steady = self.now.steady;
        let session = self.modules[0].as_mut().expect("it was just opened");
        session.request(request.path(), request.encode(), steady).expect("it stands");
        let events = self.pump(0, Some);
        let [ClientEvent::Answer { code: Code::CHANGED, payload }] = &events[..] else {
            panic!("no answer: {events:?}")
        };
        Answer::decode(request.path(), payload).expect("the answer to it");
    }
}

/// The next byte says how long a piece is.
fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [len, rest @ ..] => rest.split_at(usize::from(*len).min(rest.len())),
        [] => (&[], &[]),
    }
}

fn rot(module: usize) -> RotUid {
    RotUid([0x0a, 4, 0, 0, 0, 0, 0, module as u8])
}

fn address(module: usize) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 1), 1000 + module as u16).into()
}

fn stranger(whom: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 1 + whom % PEERS), 5000).into()
}
