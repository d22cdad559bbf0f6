//! What the fuzzer and the replay of its corpus check of a module whose network brings anything.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use vsara::modem::{Input, Modem, Output};
use vsara::module::{self, Flow, IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::{MasterKey, RotUid};
use vsara::protocol::session::SessionOptions;
use vsara::service::event::EventKind;
use vsara::service::store::{EventQuery, Window};
use vsara::service::{MemoryStore, Service, ServiceOptions, ServiceOutput, Store};
use vsara::time::{Now, Timestamp};

const BEGINNING: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Steps of virtual time until a module left alone has bootstrapped: minutes of back-off and all.
const DEADLINES_MAX: usize = 10_000;

struct Contact {
    modem: Modem,
    service: Service<MemoryStore>,
    now: Now,
    /// The flow the module used last, and what is on its way to it.
    flow: Flow,
    underway: VecDeque<(Flow, Vec<u8>)>,
    heard: Vec<Vec<u8>>,
}

/// `input` is a program: what happens to the next datagram on its way to the module.
///
/// # Panics
/// The module panics, takes a forged bootstrap, or, once its network is honest again, does not
/// bootstrap or is taken for a clone.
pub(crate) fn check(input: &[u8]) {
    let mut contact = Contact::new();
    contact.modem.handle_input(Input::PowerOn, contact.now);
    contact.exchange();
    let mut rest = input;
    while let [step, tail @ ..] = rest {
        rest = contact.step(*step, tail);
        contact.exchange();
    }
    contact.check_that_it_bootstraps();
}

impl Contact {
    fn new() -> Self {
        static PROFILE: OnceLock<Arc<Profile>> = OnceLock::new();
        let profile = PROFILE.get_or_init(|| Arc::new(Profile::built_in("sara-r510s").expect("built in")));
        let mut random = ChaCha12Rng::seed_from_u64(1);
        let rot = RotUid([0x0a, 4, 0, 0, 0, 0, 0, 1]);
        let nvm = factory::new_module(profile, rot, &MasterKey::development(), &mut random);
        let now = Now::both(BEGINNING);
        let options = ModuleOptions {
            timing: Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: true,
            seed: 1,
            entropy: random.clone(),
            session_seed: Some(1),
        };
        let session = SessionOptions { seed: Some(2), ..SessionOptions::default() };
        let service = Service::new(
            MemoryStore::new([7; 8]),
            MasterKey::development(),
            ServiceOptions { session, ..ServiceOptions::default() },
            random,
        );
        Self {
            modem: Modem::new(Arc::clone(profile), nvm, options, 1, now),
            service: service.expect("a store in memory"),
            now,
            flow: Flow(0),
            underway: VecDeque::new(),
            heard: Vec::new(),
        }
    }

    /// Takes one step; returns what follows it.
    fn step<'a>(&mut self, step: u8, tail: &'a [u8]) -> &'a [u8] {
        match step % 6 {
            0 => self.deliver(|datagram| datagram),
            // One byte is another, or it is cut off there.
            1 => {
                let [at, xor, rest @ ..] = tail else { return &[] };
                self.deliver(|mut datagram| {
                    let at = usize::from(*at) % datagram.len();
                    if *xor == 0 {
                        datagram.truncate(at)
                    } else {
                        datagram[at] ^= xor
                    }
                    datagram
                });
                return rest;
            }
            2 => drop(self.underway.pop_front()),
            // Once more, whatever it was.
            3 => {
                let [which, rest @ ..] = tail else { return &[] };
                let heard = self.heard.get(usize::from(*which) % self.heard.len().max(1)).cloned();
                self.hear(self.flow, &heard.unwrap_or_default());
                return rest;
            }
            4 => {
                let [len, tail @ ..] = tail else { return &[] };
                let (bytes, rest) = tail.split_at(usize::from(*len).min(tail.len()));
                self.hear(self.flow, bytes);
                return rest;
            }
            _ => {
                let [by, rest @ ..] = tail else { return &[] };
                self.pass(1_i64 << (by % 20));
                return rest;
            }
        }
        tail
    }

    fn deliver(&mut self, on_the_way: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        if let Some((flow, datagram)) = self.underway.pop_front() {
            self.heard.push(datagram.clone());
            self.hear(flow, &on_the_way(datagram));
        }
    }

    fn hear(&mut self, flow: Flow, bytes: &[u8]) {
        self.modem.handle_input(Input::Datagram { flow, bytes }, self.now);
    }

    fn pass(&mut self, by_ms: i64) {
        self.now = Now::both(self.now.system.offset_millis(by_ms));
        self.service.handle_timeout(self.now);
        self.modem.handle_timeout(self.now);
    }

    /// What the module sends reaches the service, whose answers set out.
    fn exchange(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            let Output::Module(module::Output::Datagram { flow, bytes }) = output else { continue };
            self.flow = flow;
            self.service.handle_datagram(address(flow), &bytes, self.now);
        }
        while let Some(output) = self.service.poll_output() {
            if let ServiceOutput::Datagram { peer, bytes } = output {
                self.underway.push_back((flow_at(peer), bytes));
            }
        }
        let security = &self.modem.module().nvm().security;
        let rot = self.modem.module().nvm().identity.rot;
        let known = self.service.store().device(rot).expect("read");
        assert!(!security.is_bootstrapped() || known.is_some(), "a bootstrap without the service");
    }

    fn check_that_it_bootstraps(&mut self) {
        for _ in 0..DEADLINES_MAX {
            while !self.underway.is_empty() {
                self.deliver(|datagram| datagram);
                self.exchange();
            }
            if self.modem.module().nvm().security.is_bootstrapped() {
                let events = self.service.store().events(&EventQuery::default(), Window::ALL).expect("read");
                let accused = events.items.iter().find(|event| event.kind == EventKind::Clone);
                assert!(accused.is_none(), "taken for a clone: {accused:?}");
                return;
            }
            let (module, service) = (self.modem.next_timeout(), self.service.next_timeout());
            let deadlines = [module.steady, module.system, service.steady, service.system];
            let next = deadlines.into_iter().flatten().min().expect("something is to come");
            self.pass(next.millis_since(self.now.system).max(0));
            self.exchange();
        }
        panic!("it never bootstraps");
    }
}

/// A flow is a port of the module.
fn address(flow: Flow) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 1), 1024 + (flow.0 % 60_000) as u16).into()
}

fn flow_at(peer: SocketAddr) -> Flow {
    Flow(u32::from(peer.port()) - 1024)
}
