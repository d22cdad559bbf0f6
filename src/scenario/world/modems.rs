//! The modems of a world: made, powered, spoken to, and their memory on disk.

use std::sync::Arc;

use crate::modem::{Input, Modem, Output, PortId};
use crate::module::{self, Event, Flow, ModuleOptions, Nvm, factory};
use crate::profile::Profile;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::scenario::fault::{Fault, Point, Strike};
use crate::scenario::link::Link;
use crate::scenario::serial_line::SerialLine;
use crate::scenario::world::{Counts, Disk, End, ModemId, Slot, World, WorldOptions, random_from};
use crate::time::{Now, earlier};

impl World {
    /// A modem fresh from the factory, powered off.
    pub fn add_modem(&mut self, profile: &Arc<Profile>, options: WorldOptions) -> ModemId {
        let nvm = self.factory_memory(profile, None);
        self.add_modem_with(profile, options, nvm)
    }

    /// The memory of the next modem, fresh from the factory; its root of trust is drawn where none
    /// is given.
    pub fn factory_memory(&self, profile: &Profile, rot: Option<RotUid>) -> Nvm {
        let mut random = random_from(self.seed, 2 + 2 * self.slots.len() as u64);
        let drawn = factory::new_rot(&mut random);
        factory::new_module(profile, rot.unwrap_or(drawn), &MasterKey::development(), &mut random)
    }

    /// Makes a modem as new, under the same names: key set 0, no seal, no chain. The service is to
    /// forget it too.
    pub fn factory_reset(&mut self, id: ModemId) {
        let was_on = self.is_on(id);
        self.cut(id.0);
        let slot = &mut self.slots[id.0];
        let identity = slot.disk.primary.identity.clone();
        let mut random = random_from(self.seed, (self.now.as_millis() as u64) << 20 | id.0 as u64);
        let mut nvm =
            factory::new_module(&slot.profile, identity.rot, &MasterKey::development(), &mut random);
        nvm.identity = identity;
        slot.disk = Disk { primary: nvm.clone(), backup: nvm };
        self.read_disk(id.0);
        if was_on {
            self.input(id, Input::PowerOn);
        }
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
            service_resolves: options.service_resolves,
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
            at_request: None,
            answer_is_lost: false,
            counts: Counts::default(),
            serial: vec![Vec::new(); ports],
            lines: (0..ports as u64).map(|port| SerialLine::new(self.seed ^ (stream << 24) ^ port)).collect(),
            events: Vec::new(),
            kept_writes: None,
            first_copy_breaks: false,
        });
        ModemId(index)
    }

    /// A second modem with a copy of the memory of the first as it is on its disk now, powered off.
    pub fn clone_modem(&mut self, original: ModemId) -> ModemId {
        let slot = &self.slots[original.0];
        let (profile, options, nvm) = (slot.profile.clone(), slot.options, slot.disk.primary.clone());
        let ports = slot.serial.len();
        self.add_modem_with_ports(&profile, options, nvm, ports)
    }

    /// Every modem, in the order of their making.
    pub fn modems(&self) -> impl Iterator<Item = ModemId> + use<> {
        (0..self.slots.len()).map(ModemId)
    }

    /// The façade of a modem: `modem(id).module()` is everything the module knows.
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

    /// Places a fault; its point is counted from now, and a count of 0 is the next one too. Returns its
    /// number at this modem, for [`World::has_struck`].
    pub fn place(&mut self, id: ModemId, point: Point, strike: Strike) -> usize {
        let faults = &mut self.slots[id.0].faults;
        faults.push(Fault::new(point, strike));
        faults.len() - 1
    }

    /// Whether a fault has struck.
    pub fn has_struck(&self, id: ModemId, number: usize) -> bool {
        self.slots[id.0].faults.get(number).is_some_and(|fault| fault.struck)
    }

    /// Whether every fault that was placed has struck: one at a point that never came has tested nothing.
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

    /// Whether the module has power.
    pub fn is_on(&self, id: ModemId) -> bool {
        self.slots[id.0].modem.module().power() != module::power::Power::Off
    }

    /// Whether the module answers commands.
    pub fn answers(&self, id: ModemId) -> bool {
        self.slots[id.0].modem.module().power() == module::power::Power::On
    }

    /// Something happens to a modem.
    pub fn input(&mut self, id: ModemId, input: Input<'_>) {
        match input {
            Input::PowerCut => return self.cut(id.0),
            Input::PowerOn => self.read_disk(id.0),
            Input::Serial { port, bytes } => return self.write_to_port(id.0, port, bytes),
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
        String::from_utf8_lossy(&self.take_bytes_of(id, port)).into_owned()
    }

    /// Takes the bytes a port has said.
    pub fn take_bytes_of(&mut self, id: ModemId, port: PortId) -> Vec<u8> {
        self.said.remove(&(id, port));
        self.slots[id.0].serial.get_mut(port.0).map(std::mem::take).unwrap_or_default()
    }

    /// A port that has said something that was not taken yet.
    pub fn next_said(&self) -> Option<(ModemId, PortId)> {
        self.said.first().copied()
    }

    /// Takes the modems that have booted.
    pub fn take_booted(&mut self) -> Vec<ModemId> {
        self.cut = false;
        std::mem::take(&mut self.booted)
    }

    /// Takes the phases of bootstraps that have begun, by modem and number.
    pub fn take_begun(&mut self) -> Vec<(ModemId, u8)> {
        std::mem::take(&mut self.begun)
    }

    /// Whether a port has said something, a modem has booted or lost power, or a phase has begun, that
    /// was not taken yet.
    pub fn has_news(&self) -> bool {
        self.cut || !self.said.is_empty() || !self.booted.is_empty() || !self.begun.is_empty()
    }

    /// The modem whose flow has this address at the service.
    pub fn modem_at(&self, peer: std::net::SocketAddr) -> Option<ModemId> {
        self.owner(peer).map(|(index, _)| ModemId(index))
    }

    pub(super) fn cut(&mut self, index: usize) {
        if let Some(trace) = &mut self.trace {
            trace.cut(self.now, index);
        }
        let slot = &mut self.slots[index];
        slot.at_request = None;
        self.cut = true;
        slot.modem.handle_input(Input::PowerCut, Now::both(self.now));
        self.plan(index);
    }

    /// Keeps [`World::due`] true; after every call of a modem.
    pub(super) fn plan(&mut self, index: usize) {
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
    pub(super) fn read_disk(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if std::mem::take(&mut slot.first_copy_breaks) {
            slot.disk.primary = slot.disk.backup.clone();
        }
        slot.modem.load(slot.disk.primary.clone());
    }

    pub(super) fn drain_modem(&mut self, index: usize) {
        while let Some(output) = self.slots[index].modem.poll_output() {
            let slot = &mut self.slots[index];
            match output {
                Output::Serial { port, bytes } => self.write_to_host(index, port, bytes),
                // A host of a scenario speaks and listens, and looks at no circuit.
                Output::Line { .. } => {}
                Output::Module(module::Output::Event(event)) => self.happened(index, event),
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

    /// Something happened in a module; the request of a phase may be struck.
    fn happened(&mut self, index: usize, event: Event) {
        if let Some(trace) = &mut self.trace {
            trace.module_event(self.now, index, &event);
        }
        if event == Event::Booted {
            self.booted.push(ModemId(index));
        }
        let slot = &mut self.slots[index];
        let phase = match event {
            Event::PhaseBegan(phase) => phase.number(),
            _ => None,
        };
        slot.events.push(event);
        self.begun.extend(phase.map(|phase| (ModemId(index), phase)));
        match phase.and_then(|phase| slot.meet(Point::Phase(phase))) {
            Some(Strike::CutBefore) => self.cut(index),
            strike => slot.at_request = strike.or(slot.at_request),
        }
    }

    pub(super) fn write(&mut self, index: usize, nvm: Nvm) {
        let slot = &mut self.slots[index];
        slot.counts.nvm_writes += 1;
        if let Some(trace) = &mut self.trace {
            trace.nvm_write(self.now, index, slot.counts.nvm_writes, &slot.disk.primary, &nvm);
        }
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
}
