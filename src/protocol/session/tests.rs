//! Both ends over a link in memory, in virtual time.

use std::sync::Arc;

use super::record::FirstRecord;
use super::*;
use crate::protocol::coap::{CBOR, Code};
use crate::protocol::keys::{Key, PskIdentity, RotUid};
use crate::time::{Timestamp, earlier};

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const ROT: RotUid = RotUid([0x0a, 4, 0xf0, 8, 0, 0x3c, 0x96, 0x23]);
const KNOWN: PskIdentity = PskIdentity { rot: ROT, key_set: 3 };
const UNKNOWN: PskIdentity = PskIdentity { rot: ROT, key_set: 4 };
const KEY: Key = Key::from_bytes([7; 32]);
const OTHER_KEY: Key = Key::from_bytes([8; 32]);

struct OneDevice;

impl PskLookup for OneDevice {
    fn key(&self, identity: &PskIdentity) -> Option<Key> {
        (*identity == KNOWN).then_some(KEY)
    }
}

/// What the link does to a datagram, in percent.
#[derive(Clone, Copy, Default)]
struct Faults {
    lose: u64,
    repeat: u64,
    delay: u64,
    corrupt: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Server,
    Client,
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn hits(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

struct World {
    now: Timestamp,
    client: ClientSession,
    server: ServerSession,
    faults: Faults,
    dice: Dice,
    flying: Vec<(Timestamp, To, Vec<u8>)>,
    /// Direction and size of all that was sent.
    sent: Vec<(To, usize)>,
    client_events: Vec<ClientEvent>,
    server_events: Vec<ServerEvent>,
    /// Requests the client still has to make.
    to_ask: Vec<&'static str>,
}

impl World {
    fn new(identity: PskIdentity, key: &Key, seed: u64) -> Self {
        let options = |seed| SessionOptions { seed: Some(seed), ..SessionOptions::default() };
        Self {
            now: START,
            client: ClientSession::new(identity, key, options(seed * 2), START),
            server: ServerSession::new(Arc::new(OneDevice), options(seed * 2 + 1), START),
            faults: Faults::default(),
            dice: Dice(seed),
            flying: Vec::new(),
            sent: Vec::new(),
            client_events: Vec::new(),
            server_events: Vec::new(),
            to_ask: Vec::new(),
        }
    }

    fn asking(mut self, paths: &[&'static str]) -> Self {
        self.to_ask = paths.iter().rev().copied().collect();
        self
    }

    /// Runs until nothing is due any more, an hour at most.
    fn run(&mut self) {
        self.run_until(START + Duration::from_secs(3600));
    }

    fn run_until(&mut self, end: Timestamp) {
        loop {
            self.settle();
            let arrival = self.flying.iter().map(|(at, ..)| *at).min();
            let due = earlier(arrival, earlier(self.client.next_timeout(), self.server.next_timeout()));
            match due.filter(|due| *due <= end) {
                Some(due) => self.now = self.now.max(due),
                None => return self.now = end,
            }
            self.deliver();
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
    }

    fn deliver(&mut self) {
        while let Some(next) = self.flying.iter().position(|(at, ..)| *at <= self.now) {
            let (_, to, datagram) = self.flying.remove(next);
            match to {
                To::Server => self.server.handle_datagram(&datagram, self.now),
                To::Client => self.client.handle_datagram(&datagram, self.now),
            }
            self.settle();
        }
    }

    /// Drains both ends; the client asks its next question, the server echoes it.
    fn settle(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.client.poll_event() {
                idle = false;
                if !matches!(event, ClientEvent::Failed(_))
                    && let Some(path) = self.to_ask.pop()
                {
                    self.client
                        .request(path, path.as_bytes().to_vec(), self.now)
                        .expect("no exchange is open");
                }
                self.client_events.push(event);
            }
            while let Some(event) = self.server.poll_event() {
                idle = false;
                if let ServerEvent::Request(request) = &event {
                    self.server.respond(Code::CHANGED, Some(CBOR), request.payload.clone(), self.now);
                }
                self.server_events.push(event);
            }
            while let Some(datagram) = self.client.poll_transmit() {
                self.send(To::Server, datagram);
            }
            while let Some(datagram) = self.server.poll_transmit() {
                self.send(To::Client, datagram);
            }
            if idle {
                return;
            }
        }
    }

    fn send(&mut self, to: To, datagram: Vec<u8>) {
        self.sent.push((to, datagram.len()));
        let copies = 1 + usize::from(self.dice.hits(self.faults.repeat));
        for _ in 0..copies {
            if self.dice.hits(self.faults.lose) {
                continue;
            }
            let mut copy = datagram.clone();
            if self.dice.hits(self.faults.corrupt) {
                let at = self.dice.roll() as usize % copy.len();
                copy[at] ^= 1 << (self.dice.roll() % 8);
            }
            let late = if self.dice.hits(self.faults.delay) { self.dice.roll() % 6000 } else { 0 };
            self.flying.push((self.now.offset_millis(20 + late as i64), to, copy));
        }
    }

    fn requests(&self) -> Vec<&str> {
        let paths = self.server_events.iter().filter_map(|event| match event {
            ServerEvent::Request(request) => Some(request.path.as_str()),
            _ => None,
        });
        paths.collect()
    }

    fn client_failure(&self) -> Option<&SessionFailure> {
        match self.client_events.last() {
            Some(ClientEvent::Failed(failure)) => Some(failure),
            _ => None,
        }
    }
}

const QUESTIONS: [&str; 4] = ["/bootstrap/hello", "/bootstrap/replace", "/heartbeat", "/report"];

#[test]
fn requests_are_answered_in_order_over_a_good_link() {
    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.run();
    assert_eq!(world.requests(), QUESTIONS);
    assert_eq!(world.server_events[0], ServerEvent::Connected(KNOWN));
    assert_eq!(world.server.identity(), Some(KNOWN));
    let mut expected = vec![ClientEvent::Connected];
    expected.extend(
        QUESTIONS
            .iter()
            .map(|path| ClientEvent::Answer { code: Code::CHANGED, payload: path.as_bytes().to_vec() }),
    );
    assert_eq!(world.client_events, expected);
    // Six flights of a handshake with cookie, two datagrams an exchange.
    assert_eq!(world.sent.len(), 6 + 2 * QUESTIONS.len());
}

#[test]
fn a_bad_link_delays_but_nothing_is_judged_twice() {
    let mut finished = 0;
    let mut check = |faults: Faults, seeds: std::ops::Range<u64>| {
        for seed in seeds {
            let mut world = World::new(KNOWN, &KEY, seed).asking(&QUESTIONS);
            world.faults = faults;
            world.run();
            let asked = world.requests().len();
            assert_eq!(world.requests(), QUESTIONS[..asked], "seed {seed}");
            let answers =
                world.client_events.iter().filter(|it| matches!(it, ClientEvent::Answer { .. })).count();
            assert!(answers <= asked, "seed {seed}");
            match world.client_failure() {
                None => assert_eq!(answers, QUESTIONS.len(), "seed {seed}"),
                Some(SessionFailure::HandshakeTimeout | SessionFailure::NoAnswer) => {}
                Some(other) => panic!("seed {seed}: {other}"),
            }
            finished += usize::from(answers == QUESTIONS.len());
        }
    };
    check(Faults { lose: 30, ..Faults::default() }, 0..100);
    check(Faults { repeat: 50, delay: 40, ..Faults::default() }, 100..200);
    check(Faults { lose: 20, repeat: 20, delay: 30, ..Faults::default() }, 200..300);
    assert!(finished > 270, "{finished} of 300");
}

#[test]
fn once_connected_a_corrupted_datagram_is_a_lost_one() {
    for seed in 0..150 {
        let mut world = World::new(KNOWN, &KEY, seed).asking(&QUESTIONS);
        world.run_until(START + Duration::from_millis(120));
        assert_eq!(world.client_events, [ClientEvent::Connected], "seed {seed}");
        world.faults = Faults { corrupt: 50, repeat: 50, ..Faults::default() };
        world.run();
        let answers = world.client_events.len() - 1;
        let fine = answers == QUESTIONS.len() || world.client_failure() == Some(&SessionFailure::NoAnswer);
        assert!(fine, "seed {seed}: {:?}", world.client_events);
        assert!(!world.server.is_over(), "seed {seed}");
    }
}

#[test]
fn corruption_during_the_handshake_ends_it_or_not_but_never_lies() {
    let mut connected = 0;
    for seed in 0..200 {
        let mut world = World::new(KNOWN, &KEY, seed).asking(&QUESTIONS);
        world.faults = Faults { lose: 5, corrupt: 20, repeat: 10, delay: 10 };
        world.run();
        let asked = world.requests().len();
        assert_eq!(world.requests(), QUESTIONS[..asked], "seed {seed}");
        let ended = world.client_failure().is_some();
        connected += usize::from(!ended);
        let identities = world
            .server_events
            .iter()
            .filter(|it| matches!(it, ServerEvent::Connected(who) if *who != KNOWN));
        assert_eq!(identities.count(), 0, "seed {seed}");
    }
    assert!(connected > 20, "{connected} of 200");
}

#[test]
fn an_unknown_identity_and_a_wrong_key_look_the_same() {
    let outcome = |identity, key| {
        let mut world = World::new(identity, key, 5).asking(&QUESTIONS);
        world.run();
        assert_eq!(world.client_events, [ClientEvent::Failed(SessionFailure::KeyRefused)]);
        assert_eq!(world.server_events, [ServerEvent::Failed(SessionFailure::KeyRefused)]);
        assert_eq!(world.server.identity(), None);
        world.sent
    };
    let wrong_key = outcome(KNOWN, &OTHER_KEY);
    assert_eq!(wrong_key, outcome(UNKNOWN, &KEY));
    assert_eq!(wrong_key, outcome(PskIdentity { rot: RotUid([1; 8]), key_set: 9 }, &KEY));
    assert_eq!(wrong_key.last(), Some(&(To::Client, 15)));
}

#[test]
fn silence_ends_a_session_in_bounded_time() {
    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.faults.lose = 100;
    world.run_until(START + (HANDSHAKE_TIMEOUT - Duration::from_secs(1)));
    assert_eq!(world.client_events, []);
    world.run_until(START + HANDSHAKE_TIMEOUT);
    assert_eq!(world.client_events, [ClientEvent::Failed(SessionFailure::HandshakeTimeout)]);
    assert_eq!(world.client.next_timeout(), None);

    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.run_until(START + Duration::from_millis(115));
    world.faults.lose = 100;
    world.run_until(START + Duration::from_secs(30));
    assert_eq!(world.client_failure(), None);
    world.run_until(START + Duration::from_secs(46));
    assert_eq!(world.client_failure(), Some(&SessionFailure::NoAnswer));
}

#[test]
fn a_server_that_nobody_talks_to_any_more_ends_a_half_open_handshake() {
    let mut world = World::new(KNOWN, &KEY, 1);
    world.run_until(START + Duration::from_millis(50));
    world.client.close(world.now);
    world.run();
    assert_eq!(world.server_events, [ServerEvent::Failed(SessionFailure::HandshakeTimeout)]);
    assert!(world.server.is_over());
}

#[test]
fn a_hello_that_nobody_follows_up_is_answered_with_three_times_its_bytes_at_most() {
    let options = |seed| SessionOptions { seed: Some(seed), ..SessionOptions::default() };
    let mut client = ClientSession::new(KNOWN, &KEY, options(1), START);
    let mut server = ServerSession::new(Arc::new(OneDevice), options(2), START);
    let hello = client.poll_transmit().expect("a client begins");
    server.handle_datagram(&hello, START);
    let mut said = Vec::new();
    loop {
        said.extend(std::iter::from_fn(|| server.poll_transmit()));
        let Some(at) = server.next_timeout() else { break };
        server.handle_timeout(at);
    }
    assert!(server.is_over());
    let len: usize = said.iter().map(Vec::len).sum();
    assert!(said.len() > 1 && len <= 3 * hello.len(), "{} datagrams, {len} bytes", said.len());
}

#[test]
fn closing_tells_the_peer() {
    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.run();
    world.client.close(world.now);
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!(world.server_events.last(), Some(&ServerEvent::Failed(SessionFailure::Closed)));
    assert!(world.client.is_over() && world.server.is_over());

    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.run();
    world.server.close(world.now);
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!(world.client_failure(), Some(&SessionFailure::Closed));
    let refused = world.client.request("/report", Vec::new(), world.now);
    assert_eq!(refused, Err(RequestRefused::Over));
}

#[test]
fn a_request_waits_for_the_session_and_for_the_one_before() {
    let mut world = World::new(KNOWN, &KEY, 1);
    assert_eq!(world.client.request("/report", Vec::new(), START), Err(RequestRefused::NotConnected));
    world.run_until(START + Duration::from_secs(1));
    assert_eq!(world.client.request("/report", Vec::new(), world.now), Ok(()));
    assert_eq!(world.client.request("/report", Vec::new(), world.now), Err(RequestRefused::Busy));
}

#[test]
fn a_client_that_restarts_on_its_port_replaces_its_session() {
    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS);
    world.run();
    let restarted = SessionOptions { seed: Some(99), ..SessionOptions::default() };
    world.client = ClientSession::new(KNOWN, &KEY, restarted, world.now);
    world.to_ask = vec!["/held"];
    world.server_events.clear();
    world.run_until(world.now + Duration::from_secs(10));
    let [ServerEvent::Connected(KNOWN), ServerEvent::Request(request)] = &world.server_events[..] else {
        panic!("{:?}", world.server_events);
    };
    assert_eq!(request.path, "/held");
    assert!(matches!(world.client_events.last(), Some(ClientEvent::Answer { .. })));
}

#[test]
fn a_client_that_restarts_during_the_handshake_gets_its_session() {
    for restart_ms in (0..160).step_by(7) {
        let mut world = World::new(KNOWN, &KEY, 1);
        world.run_until(START.offset_millis(restart_ms));
        // What was on its way went to a socket that is closed now.
        world.flying.clear();
        let restarted = SessionOptions { seed: Some(99), ..SessionOptions::default() };
        world.client = ClientSession::new(KNOWN, &KEY, restarted, world.now);
        world.to_ask = vec!["/held"];
        world.run();
        assert_eq!(world.requests(), ["/held"], "restarted after {restart_ms} ms");
    }
}

#[test]
fn a_hello_in_somebody_elses_name_costs_the_session_nothing() {
    let mut world = World::new(KNOWN, &KEY, 1).asking(&QUESTIONS[..1]);
    world.run();
    for seed in 100..110 {
        let options = SessionOptions { seed: Some(seed), ..SessionOptions::default() };
        let mut stranger = ClientSession::new(KNOWN, &OTHER_KEY, options, world.now);
        let hello = stranger.poll_transmit().expect("the first hello");
        assert!(ServerSession::is_hello(&hello));
        world.server.handle_datagram(&hello, world.now);
    }
    world.client.request("/report", Vec::new(), world.now).expect("the session stands");
    world.run_until(world.now + Duration::from_secs(120));
    assert_eq!(world.requests(), [QUESTIONS[0], "/report"]);
    assert_eq!(world.server.next_timeout(), None, "the strangers' handshakes are forgotten");

    // Even one that takes the cookie, but has another key.
    let options = SessionOptions { seed: Some(7), ..SessionOptions::default() };
    let old = std::mem::replace(&mut world.client, ClientSession::new(KNOWN, &OTHER_KEY, options, world.now));
    world.run_until(world.now + Duration::from_secs(5));
    assert_eq!(world.client_failure(), Some(&SessionFailure::KeyRefused));
    world.client = old;
    world.client.request("/held", Vec::new(), world.now).expect("the session stands");
    world.run_until(world.now + Duration::from_secs(5));
    assert_eq!(world.requests(), [QUESTIONS[0], "/report", "/held"]);
}

#[test]
fn any_bytes_are_survived_by_either_end_at_any_moment() {
    let recorded = record_datagrams();
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let mut world = World::new(KNOWN, &KEY, seed).asking(&QUESTIONS);
        let moment = START.offset_millis((dice.roll() % 400) as i64);
        world.run_until(moment);
        let server_stood = world.server.identity().is_some();
        let client_stood = !world.client_events.is_empty();
        for _ in 0..40 {
            let mut junk = recorded[dice.roll() as usize % recorded.len()].clone();
            for _ in 0..dice.roll() % 4 {
                let at = dice.roll() as usize % junk.len();
                junk[at] = dice.roll() as u8;
            }
            junk.truncate(1 + dice.roll() as usize % (junk.len() * 2));
            world.server.handle_datagram(&junk, world.now);
            if dice.hits(50) {
                world.client.handle_datagram(&junk, world.now);
            }
            world.settle();
        }
        world.run();
        assert!(!(server_stood && world.server.is_over()), "seed {seed}: {:?}", world.server_events.last());
        assert!(!(client_stood && world.client.is_over()), "seed {seed}: {:?}", world.client_events.last());
    }
}

/// Every datagram of a session of other keys.
fn record_datagrams() -> Vec<Vec<u8>> {
    let mut world = World::new(KNOWN, &KEY, 12_345).asking(&QUESTIONS);
    let mut all = vec![vec![0], vec![0xff; 64], super::record::fatal_alert(40)];
    while world.now < START + Duration::from_secs(1) {
        world.settle();
        all.extend(world.flying.iter().map(|(.., datagram)| datagram.clone()));
        world.now = world.now.offset_millis(20);
        world.deliver();
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_sizes_at_the_same_times() {
    let trace = |seed| {
        let mut world = World::new(KNOWN, &KEY, seed).asking(&QUESTIONS);
        world.faults = Faults { lose: 30, repeat: 10, delay: 30, corrupt: 0 };
        world.run_until(START + Duration::from_secs(120));
        (world.sent, world.client_events, world.server_events)
    };
    for seed in 0..20 {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
}

#[test]
fn datagrams_are_told_apart_by_their_first_record() {
    let check = |hex: &str, expected: FirstRecord| {
        let datagram = hex::decode(hex).expect("hex");
        assert_eq!(FirstRecord::of(&datagram), expected, "{hex}");
    };
    let header = |kind: &str, epoch: &str| format!("{kind}fefd{epoch}0000000000000040");
    check("", FirstRecord::Noise);
    check("16fefd", FirstRecord::Noise);
    check(&header("16", "0000"), FirstRecord::Noise);
    check(&(header("16", "0000") + "02"), FirstRecord::ServerHello);
    check(&(header("16", "0000") + "10"), FirstRecord::Handshake);
    check(&(header("16", "0000") + "01"), FirstRecord::Handshake);
    let hello = "010000300000000000000030fefd".to_owned() + &"5a".repeat(32);
    check(&(header("16", "0000") + &hello), FirstRecord::ClientHello { random: [0x5a; 32] });
    let later_fragment = hello.replacen("000000000030", "000001000030", 1);
    check(&(header("16", "0000") + &later_fragment), FirstRecord::Handshake);
    check(&header("14", "0000"), FirstRecord::Handshake);
    check(&header("15", "0000"), FirstRecord::Alert);
    check(&header("17", "0000"), FirstRecord::Noise);
    check(&header("16", "0001"), FirstRecord::Finished);
    check(&header("17", "0001"), FirstRecord::Protected);
    check(&header("15", "0001"), FirstRecord::Protected);
    check("1603010000000000000000000000", FirstRecord::Noise);
}
