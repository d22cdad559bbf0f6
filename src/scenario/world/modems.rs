//! The modems of a world: made, powered, spoken to, and their memory on disk.

use std::sync::Arc;

use crate::modem::{Input, Modem, Output, PortId};
use crate::module::{self, Event, Flow, ModuleOptions, Nvm, factory};
use crate::profile::Profile;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::scenario::fault::{Fault, Point, Strike};
use crate::scenario::link::Link;
use crate::scenario::world::{Counts, Disk, End, ModemId, Slot, World, WorldOptions, random_from};
use crate::time::{Now, earlier};

impl World {
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

    pub(super) fn cut(&mut self, index: usize) {
        let slot = &mut self.slots[index];
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
                Output::Serial { port, bytes } => {
                    slot.serial.get_mut(port.0).map_or((), |said| said.extend(bytes))
                }
                Output::Line { .. } => {}
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

    pub(super) fn write(&mut self, index: usize, nvm: Nvm) {
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
}
