//! [`World`]: modems, one service, the network between them, one virtual clock.
//!
//! 1. Everybody is asked when they next want to be called, and the clock jumps to the earliest.
//! 2. Whoever is due is called; what they want done is done in order: a write changes the disk, a
//!    datagram goes over the module's link, where faults and conditions await it.
//! 3. A power cut drops what was not done yet, and the module finds on its disk what was.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

use crate::modem::{Input, Modem, Output, PortId};
use crate::module::{self, Event, Flow, IpVersion, ModuleOptions, Nvm, Timing, factory};
use crate::profile::Profile;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::protocol::session::SessionOptions;
use crate::scenario::fault::{Fault, Point, Strike};
use crate::scenario::link::Link;
use crate::service::{MemoryStore, Operator, Service, ServiceOptions, ServiceOutput};
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

/// A modem of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModemId(pub usize);

/// How a modem of the world is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldOptions {
    /// Latencies.
    pub timing: Timing,
    /// IP version of its data connection.
    pub ip: IpVersion,
}

/// Everything there is.
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
    counts: Counts,
    /// What each port has said.
    serial: Vec<Vec<u8>>,
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
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Service(SocketAddr),
    Modem(usize, Flow),
}

impl World {
    /// A world with a service and no modem yet.
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
        };
        world.start_service();
        world
    }

    // ---- time -------------------------------------------------------------------------------

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets so many milliseconds pass.
    pub fn run_for(&mut self, millis: i64) {
        let end = self.now.offset_millis(millis);
        self.run_while(end, |_| true);
        self.now = self.now.max(end);
    }

    /// Lets time pass until `end`, or until `going_on` says no.
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

    // ---- modems -----------------------------------------------------------------------------

    /// A modem fresh from the factory, powered off.
    pub fn add_modem(&mut self, profile: &Arc<Profile>, options: WorldOptions) -> ModemId {
        let mut random = random_from(self.seed, 2 + 2 * self.slots.len() as u64);
        let rot = factory::new_rot(&mut random);
        let nvm = factory::new_module(profile, rot, &MasterKey::development(), &mut random);
        self.add_modem_with(profile, options, nvm)
    }

    /// A modem with this memory, powered off. Its nonces are its own, whatever the memory.
    pub fn add_modem_with(&mut self, profile: &Arc<Profile>, options: WorldOptions, nvm: Nvm) -> ModemId {
        self.add_modem_with_ports(profile, options, nvm, 1)
    }

    /// A modem with this memory and so many ports, powered off.
    pub fn add_modem_with_ports(
        &mut self,
        profile: &Arc<Profile>,
        options: WorldOptions,
        nvm: Nvm,
        ports: usize,
    ) -> ModemId {
        let index = self.slots.len();
        let stream = 3 + 2 * index as u64;
        let module_options = ModuleOptions {
            timing: options.timing,
            ip: options.ip,
            service_resolves: true,
            seed: self.seed ^ stream,
            entropy: random_from(self.seed, stream),
            session_seed: Some(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(stream << 32)),
        };
        let modem = Modem::new(profile.clone(), nvm.clone(), module_options, ports, Now::both(self.now));
        self.slots.push(Slot {
            modem,
            due: None,
            flow: Flow(0),
            profile: profile.clone(),
            options,
            disk: Disk { primary: nvm.clone(), backup: nvm },
            link: Link::new(self.seed ^ (stream << 16)),
            faults: Vec::new(),
            counts: Counts::default(),
            serial: vec![Vec::new(); ports],
            events: Vec::new(),
            kept_writes: None,
            first_copy_breaks: false,
        });
        ModemId(index)
    }

    /// A second modem with a copy of the memory of the first as it is on its disk now.
    pub fn clone_modem(&mut self, original: ModemId) -> ModemId {
        let slot = &self.slots[original.0];
        let (profile, options, nvm) = (slot.profile.clone(), slot.options, slot.disk.primary.clone());
        self.add_modem_with(&profile, options, nvm)
    }

    /// A modem.
    pub fn modem(&self, id: ModemId) -> &Modem {
        &self.slots[id.0].modem
    }

    /// The root of trust of a modem.
    pub fn rot(&self, id: ModemId) -> RotUid {
        self.slots[id.0].disk.primary.identity.rot
    }

    /// What is on the disk of a modem.
    pub fn disk(&self, id: ModemId) -> &Disk {
        &self.slots[id.0].disk
    }

    /// What happened on a modem since it was made.
    pub fn counts(&self, id: ModemId) -> Counts {
        self.slots[id.0].counts
    }

    /// The link of a modem.
    pub fn link(&mut self, id: ModemId) -> &mut Link {
        &mut self.slots[id.0].link
    }

    /// Places a fault; its point is counted from now.
    pub fn place(&mut self, id: ModemId, point: Point, strike: Strike) {
        self.slots[id.0].faults.push(Fault::new(point, strike));
    }

    /// Whether every fault that was placed has struck.
    pub fn faults_struck(&self, id: ModemId) -> bool {
        self.slots[id.0].faults.iter().all(|fault| fault.struck)
    }

    /// The events of a modem since they were last taken.
    pub fn events(&self, id: ModemId) -> &[Event] {
        &self.slots[id.0].events
    }

    /// Takes the events of a modem.
    pub fn take_events(&mut self, id: ModemId) -> Vec<Event> {
        std::mem::take(&mut self.slots[id.0].events)
    }

    /// Whether the module answers.
    pub fn is_on(&self, id: ModemId) -> bool {
        self.slots[id.0].modem.module().power() != module::power::Power::Off
    }

    /// Something happens to a modem.
    pub fn input(&mut self, id: ModemId, input: Input<'_>) {
        match input {
            Input::PowerCut => return self.cut(id.0),
            Input::PowerOn => self.read_disk(id.0),
            _ => {}
        }
        self.slots[id.0].modem.handle_input(input, Now::both(self.now));
        self.drain_modem(id.0);
    }

    /// At its next power-on, once, the first copy of the memory is broken and the second is read.
    pub fn break_first_copy_at_next_power_on(&mut self, id: ModemId) {
        self.slots[id.0].first_copy_breaks = true;
    }

    /// Keeps a copy of every memory the modem writes from now on.
    pub fn keep_every_write(&mut self, id: ModemId) {
        self.slots[id.0].kept_writes = Some(Vec::new());
    }

    /// The memories that were kept.
    pub fn take_kept_writes(&mut self, id: ModemId) -> Vec<Nvm> {
        self.slots[id.0].kept_writes.take().unwrap_or_default()
    }

    /// Sends a command line on the first port.
    pub fn send(&mut self, id: ModemId, line: &str) {
        self.send_to(id, PortId(0), line);
    }

    /// Sends a command line on a port.
    pub fn send_to(&mut self, id: ModemId, port: PortId, line: &str) {
        let bytes = [line.as_bytes(), b"\r"].concat();
        self.input(id, Input::Serial { port, bytes: &bytes });
    }

    /// What the first port has said since it was last taken.
    pub fn serial(&self, id: ModemId) -> &[u8] {
        self.slots[id.0].serial.first().map_or(&[], Vec::as_slice)
    }

    /// Takes what the first port has said.
    pub fn take_serial(&mut self, id: ModemId) -> String {
        self.take_serial_of(id, PortId(0))
    }

    /// Takes what a port has said.
    pub fn take_serial_of(&mut self, id: ModemId, port: PortId) -> String {
        let bytes = self.slots[id.0].serial.get_mut(port.0).map(std::mem::take).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends a command line and returns what is answered at once: the lines, joined by `|`.
    pub fn at(&mut self, id: ModemId, line: &str) -> String {
        self.take_serial(id);
        self.send(id, line);
        let said = self.take_serial(id);
        let said = said.strip_prefix(&format!("{line}\r")).unwrap_or(&said);
        said.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }

    fn cut(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.modem.handle_input(Input::PowerCut, Now::both(self.now));
        self.plan(index);
    }

    /// Keeps [`World::due`] true; after every call of a modem.
    fn plan(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let wakeup = slot.modem.next_timeout();
        let due = earlier(wakeup.steady, wakeup.system);
        let before = std::mem::replace(&mut slot.due, due);
        if before != due {
            before.map(|at| self.due.remove(&(at, index)));
            self.due.extend(due.map(|at| (at, index)));
        }
    }

    /// What a module finds at power-on.
    fn read_disk(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if std::mem::take(&mut slot.first_copy_breaks) {
            slot.disk.primary = slot.disk.backup.clone();
        }
        slot.modem.load(slot.disk.primary.clone());
    }

    fn drain_modem(&mut self, index: usize) {
        while let Some(output) = self.slots[index].modem.poll_output() {
            let slot = &mut self.slots[index];
            match output {
                Output::Serial { port, bytes } => {
                    slot.serial.get_mut(port.0).map_or((), |said| said.extend(bytes))
                }
                Output::Module(module::Output::Event(event)) => slot.events.push(event),
                Output::Module(module::Output::Nvm(nvm)) => self.write(index, *nvm),
                Output::Module(module::Output::Datagram { flow, bytes }) => {
                    slot.flow = slot.flow.max(flow);
                    let to = End::Service(self.address(index, flow));
                    self.transmit(index, to, bytes);
                }
            }
        }
        self.plan(index);
    }

    fn write(&mut self, index: usize, nvm: Nvm) {
        let slot = &mut self.slots[index];
        slot.counts.nvm_writes += 1;
        if let Some(kept) = &mut slot.kept_writes {
            kept.push(nvm.clone());
        }
        match slot.meet(Point::NvmWrite(1)) {
            Some(Strike::CutBefore) => return self.cut(index),
            Some(Strike::CutBetween) => slot.disk.primary = nvm,
            Some(_) => slot.disk = Disk { primary: nvm.clone(), backup: nvm },
            None => {
                slot.disk.primary.clone_from(&nvm);
                slot.disk.backup = nvm;
                return;
            }
        }
        self.cut(index);
    }

    // ---- network ----------------------------------------------------------------------------

    fn transmit(&mut self, index: usize, to: End, bytes: Vec<u8>) {
        let now = self.now;
        let slot = &mut self.slots[index];
        slot.counts.datagrams += 1;
        let up = matches!(to, End::Service(_));
        let (mut extra_ms, mut copies, mut cut_after) = (0, 1, false);
        let mut bytes = bytes;
        match slot.meet(Point::Datagram(1)) {
            None => {}
            Some(Strike::Drop) => copies = 0,
            Some(Strike::Duplicate) => copies = 2,
            Some(Strike::Delay(millis)) => extra_ms = millis,
            Some(Strike::Corrupt) => bytes = slot.link.corrupt(bytes),
            Some(Strike::CutBefore) => return self.cut(index),
            Some(Strike::CutAfter | Strike::CutBetween) => cut_after = true,
        }
        for _ in 0..copies {
            for (at, bytes) in self.slots[index].link.pass(bytes.clone(), now) {
                let at = at.offset_millis(LATENCY_MS + extra_ms);
                self.sent += 1;
                self.air.push(Reverse(Delivery {
                    at,
                    order: self.sent,
                    to,
                    cut_after: cut_after && !up,
                    bytes,
                }));
            }
        }
        if cut_after && up {
            self.cut(index);
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let now = Now::both(self.now);
        match delivery.to {
            End::Service(peer) => {
                if let Some(service) = &mut self.service {
                    service.handle_datagram(peer, &delivery.bytes, now);
                    self.drain_service();
                }
            }
            End::Modem(index, flow) => {
                let input = Input::Datagram { flow, bytes: &delivery.bytes };
                self.slots[index].modem.handle_input(input, now);
                self.drain_modem(index);
                if delivery.cut_after {
                    self.cut(index);
                }
            }
        }
    }

    /// The address a modem's flow has at the service.
    fn address(&self, index: usize, flow: Flow) -> SocketAddr {
        let number = index as u32 + 1;
        let port = PORT_MIN + (flow.0 % PORTS) as u16;
        let ip = match self.slots[index].options.ip {
            IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(NET_V4 | number)),
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(NET_V6 | u128::from(number))),
        };
        SocketAddr::new(ip, port)
    }

    /// Which modem, and which of its flows, has this address.
    fn owner(&self, peer: SocketAddr) -> Option<(usize, Flow)> {
        let number = match peer.ip() {
            IpAddr::V4(ip) => ip.to_bits() ^ NET_V4,
            IpAddr::V6(ip) => u32::try_from(ip.to_bits() ^ NET_V6).ok()?,
        };
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        // Ports come again after a while: it is the youngest flow that has this one.
        let youngest = self.slots.get(index)?.flow.0;
        let port = u32::from(peer.port().checked_sub(PORT_MIN)?);
        let behind = (youngest % PORTS + PORTS - port) % PORTS;
        Some((index, Flow(youngest.checked_sub(behind)?)))
    }

    // ---- service ----------------------------------------------------------------------------

    /// The service; none while it is cut.
    pub fn service(&mut self) -> Option<&mut Service<MemoryStore>> {
        self.service.as_mut()
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

    fn drain_service(&mut self) {
        while let Some(output) = self.service.as_mut().and_then(Service::poll_output) {
            if let ServiceOutput::Datagram { peer, bytes } = output
                && let Some((index, flow)) = self.owner(peer)
            {
                self.transmit(index, End::Modem(index, flow), bytes);
            }
        }
    }
}

impl Slot {
    fn meet(&mut self, what: Point) -> Option<Strike> {
        self.faults.iter_mut().find_map(|fault| fault.meets(what).then_some(fault.strike))
    }
}

/// One stream of randomness of a world.
fn random_from(seed: u64, stream: u64) -> ChaCha12Rng {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}
