//! [`World`]: modems, one service, the network between them, one virtual clock.
//!
//! 1. Everybody is asked when they next want to be called, and the clock jumps to the earliest.
//! 2. Whoever is due is called; what they want done is done in order: a write changes the disk, a
//!    datagram goes over the module's link, where faults and conditions await it.
//! 3. A power cut drops what was not done yet, and the module finds on its disk what was.

mod modems;
mod network;
mod port;
mod records;
mod serial;

pub use self::port::Port;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

use crate::modem::{Modem, PortId};
use crate::module::{Event, Flow, IpVersion, Nvm, Timing};
use crate::profile::Profile;
use crate::protocol::keys::MasterKey;
use crate::protocol::session::SessionOptions;
use crate::scenario::fault::{Fault, Point, Strike};
use crate::scenario::link::Link;
use crate::scenario::serial_line::SerialLine;
use crate::scenario::trace::Trace;
use crate::service::{Account, MemoryStore, Operator, Service, ServiceOptions, ServiceOutput};
use crate::time::{Now, Timestamp, earlier};

/// When a world begins: 2026-01-01T00:00:00Z.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// One way through the network, in milliseconds, before any condition. `designed`
const LATENCY_MS: i64 = 10;

/// Where the modems are: one address each, and a port for each flow.
const NET_V4: u32 = 10 << 24;
const NET_V6: u128 = 0xfd00 << 112;
const PORT_MIN: u16 = 1024;
const PORTS: u32 = 60_000;

/// The most calls at one moment of virtual time: more is a machine that cannot come to rest.
const CALLS_AT_ONCE_MAX: u32 = 100_000;

/// A modem of a world, as [`World::add_modem`] gives it.
///
/// It belongs to the world that made it; to another it is a stranger (a panic), or another modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModemId(usize);

/// How a modem of the world is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldOptions {
    /// Latencies.
    pub timing: Timing,
    /// IP version of its data connection.
    pub ip: IpVersion,
    /// Whether the security service's name resolves.
    pub service_resolves: bool,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self { timing: Timing::Fast, ip: IpVersion::V4, service_resolves: true }
    }
}

/// Everything there is: modems, the service they talk to, the network between, and the time.
///
/// Nothing happens but in a call: [`World::input`] and [`World::send`] do what follows at once,
/// [`World::run_for`] and its like what follows later.
pub struct World {
    now: Timestamp,
    seed: u64,
    service: Option<Service<MemoryStore>>,
    stored: MemoryStore,
    slots: Vec<Slot>,
    /// When each modem next wants to be called.
    due: BTreeSet<(Timestamp, usize)>,
    air: BinaryHeap<Reverse<Delivery>>,
    sent: u64,
    /// Until when the service hears nothing.
    silent_until: Timestamp,
    /// How many datagrams it did not hear for that.
    unheard: u64,
    /// Ports that have said something since it was last taken.
    said: BTreeSet<(ModemId, PortId)>,
    /// Modems that have booted since that was last taken.
    booted: Vec<ModemId>,
    /// A power cut happened since that was last asked.
    cut: bool,
    /// Phases of bootstraps that have begun since that was last taken.
    begun: Vec<(ModemId, u8)>,
    trace: Option<Trace>,
}

/// A modem and what surrounds it.
#[derive(Debug)]
struct Slot {
    modem: Modem,
    /// Its entry in [`World::due`].
    due: Option<Timestamp>,
    /// The youngest it has sent from.
    flow: Flow,
    profile: Arc<Profile>,
    options: WorldOptions,
    disk: Disk,
    link: Link,
    faults: Vec<Fault>,
    /// What strikes at the next datagram that leaves: the request of a phase.
    at_request: Option<Strike>,
    /// The next answer is lost: that to the request of a phase.
    answer_is_lost: bool,
    counts: Counts,
    /// What each port has said.
    serial: Vec<Vec<u8>>,
    lines: Vec<SerialLine>,
    events: Vec<Event>,
    /// Every memory that was written, where somebody wants them.
    kept_writes: Option<Vec<Nvm>>,
    first_copy_breaks: bool,
}

/// The two copies of a module's memory.
#[derive(Clone, Debug)]
pub struct Disk {
    /// What is read at power-on.
    pub primary: Nvm,
    /// What is read where the first is broken.
    pub backup: Nvm,
}

/// What happened on a modem since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams of its link, in both directions.
    pub datagrams: u32,
    /// Writes of its memory.
    pub nvm_writes: u32,
}

/// A datagram on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delivery {
    at: Timestamp,
    /// Keeps what arrives at one moment in the order it was sent.
    order: u64,
    to: End,
    cut_after: bool,
    /// What answers this is lost.
    answer_is_lost: bool,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Service(SocketAddr),
    Modem(usize, Flow),
    /// A port of a modem, over its serial line.
    Port(usize, PortId),
    /// The host at a port of a modem, over its serial line.
    Host(usize, PortId),
}

impl World {
    /// A world with a service and no modem yet. The same seed and the same calls give the same world.
    pub fn new(seed: u64) -> Self {
        let stored = MemoryStore::new(seed.to_be_bytes());
        let mut world = Self {
            now: BEGINNING,
            seed,
            service: None,
            stored,
            slots: Vec::new(),
            due: BTreeSet::new(),
            air: BinaryHeap::new(),
            sent: 0,
            silent_until: BEGINNING,
            unheard: 0,
            said: BTreeSet::new(),
            booted: Vec::new(),
            cut: false,
            begun: Vec::new(),
            trace: None,
        };
        world.start_service();
        world
    }

    /// The virtual time; [`BEGINNING`] at first.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets so many milliseconds pass.
    pub fn run_for(&mut self, millis: i64) {
        let end = self.now.offset_millis(millis);
        self.run_while(end, |_| true);
        self.now = self.now.max(end);
    }

    /// Lets time pass until `end`, or until a port says something, a modem boots or loses power, or a
    /// phase of a bootstrap begins.
    pub fn run_until_news(&mut self, end: Timestamp) {
        self.run_while(end, |world| !world.has_news());
        if !self.has_news() {
            self.now = self.now.max(end);
        }
    }

    /// What the trace calls a modem.
    pub fn name(&mut self, modem: ModemId, name: &str) {
        if let Some(trace) = &mut self.trace {
            trace.name(modem.0, name);
        }
    }

    /// Lets time pass while something is due by `end` and `going_on` says yes. The clock stays at what
    /// happened last; [`World::run_for`] takes it to the end.
    pub fn run_while(&mut self, end: Timestamp, mut going_on: impl FnMut(&Self) -> bool) {
        let mut calls = 0;
        while going_on(self) {
            let Some(next) = self.next_timeout().filter(|next| *next <= end) else { return };
            calls = if next > self.now { 0 } else { calls + 1 };
            assert!(calls < CALLS_AT_ONCE_MAX, "the world cannot come to rest at {}", self.now);
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let modem = self.due.first().map(|(at, _)| *at);
        let service = self.service.as_ref().map(Service::next_timeout);
        let service = service.and_then(|wakeup| earlier(wakeup.steady, wakeup.system));
        let air = self.air.peek().map(|Reverse(delivery)| delivery.at);
        earlier(earlier(air, modem), service)
    }

    fn step(&mut self) {
        let now = Now::both(self.now);
        if self.air.peek().is_some_and(|Reverse(delivery)| delivery.at <= self.now) {
            if let Some(Reverse(delivery)) = self.air.pop() {
                self.deliver(delivery);
            }
            return;
        }
        let due: Vec<_> = self.due.range(..=(self.now, usize::MAX)).map(|(_, index)| *index).collect();
        for index in due {
            self.slots[index].modem.handle_timeout(now);
            self.drain_modem(index);
        }
        if let Some(service) = self.service.as_mut().filter(|service| service.next_timeout().is_due(now)) {
            service.handle_timeout(now);
            self.drain_service();
        }
    }

    /// The service; none while it is cut.
    pub fn service(&mut self) -> Option<&mut Service<MemoryStore>> {
        self.service.as_mut()
    }

    /// For so many milliseconds from now, nothing reaches the service.
    pub fn silence_service(&mut self, millis: i64) {
        self.silent_until = self.now.offset_millis(millis);
    }

    /// How many datagrams did not reach the service because it was silent.
    pub fn unheard(&self) -> u64 {
        self.unheard
    }

    /// Writes down what happens from now on.
    pub fn begin_trace(&mut self) {
        self.trace = Some(Trace::new(self.now));
    }

    /// What was written down, a line each.
    pub fn take_trace(&mut self) -> String {
        self.trace.as_mut().map(Trace::take).unwrap_or_default()
    }

    /// A line of somebody's own for the trace.
    pub fn note(&mut self, text: &str) {
        if let Some(trace) = &mut self.trace {
            trace.note(self.now, text);
        }
    }

    /// A domain of the service, as its owner sees it; none while the service is cut.
    pub fn account<'a>(&'a mut self, domain: &'a str) -> Option<Account<'a, MemoryStore>> {
        let now = Now::both(self.now);
        self.service.as_mut().map(|service| service.account(domain, now))
    }

    /// What an operator does on the service; none while it is cut.
    pub fn operator(&mut self) -> Option<Operator<'_, MemoryStore>> {
        let now = Now::both(self.now);
        self.service.as_mut().map(|service| service.operator(now))
    }

    /// Power loss of the service: its sessions are gone, what it committed is not.
    pub fn cut_service(&mut self) {
        if let Some(service) = self.service.take() {
            self.stored = service.store().clone();
        }
    }

    /// The service comes up with what it had committed.
    pub fn start_service(&mut self) {
        if self.service.is_some() {
            return;
        }
        self.sent += 1;
        let session = SessionOptions { seed: Some(self.seed ^ self.sent), ..SessionOptions::default() };
        let options = ServiceOptions { session, ..ServiceOptions::default() };
        let random = random_from(self.seed, 1 + (self.sent << 20));
        // A store in memory never fails.
        self.service = Service::new(self.stored.clone(), MasterKey::development(), options, random).ok();
    }

    pub(super) fn drain_service(&mut self) {
        while let Some(output) = self.service.as_mut().and_then(Service::poll_output) {
            match output {
                ServiceOutput::Datagram { peer, bytes } => {
                    if let Some((index, flow)) = self.owner(peer) {
                        self.transmit(index, End::Modem(index, flow), bytes);
                    }
                }
                // Nobody listens: no session of a world is tapped.
                ServiceOutput::Coap { .. } => {}
                ServiceOutput::Event(event) => {
                    if let Some(trace) = &mut self.trace {
                        trace.service_event(self.now, &event);
                    }
                }
                ServiceOutput::Trace(happened) => {
                    if self.trace.is_some() {
                        let who = happened.peer().and_then(|peer| self.owner(peer)).map(|(index, _)| index);
                        if let Some(trace) = &mut self.trace {
                            trace.service(self.now, who, &happened);
                        }
                    }
                }
            }
        }
    }
}

impl Slot {
    fn meet(&mut self, what: Point) -> Option<Strike> {
        Fault::meet_all(self.faults.iter_mut(), what)
    }
}

/// One stream of randomness of a world.
fn random_from(seed: u64, stream: u64) -> ChaCha12Rng {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}
