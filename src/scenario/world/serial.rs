//! The serial lines of a world: what becomes of bytes between a host and the ports of a modem.

use std::cmp::Reverse;

use crate::modem::{Input, PortId};
use crate::scenario::script::{Direction, LineFault};
use crate::scenario::world::{Delivery, End, ModemId, World};
use crate::time::Now;

impl World {
    /// Orders a fault on every serial line of a modem; returns its number on each.
    pub fn order_line_fault(&mut self, id: ModemId, fault: LineFault) -> Vec<(PortId, u32)> {
        let lines = self.slots[id.0].lines.iter_mut().enumerate();
        lines.map(|(port, line)| (PortId(port), line.order(fault))).collect()
    }

    /// Whether a fault of so many has not struck that often yet.
    pub fn line_fault_waits(&self, id: ModemId, port: PortId, number: u32) -> bool {
        self.slots[id.0].lines.get(port.0).is_some_and(|line| line.is_waiting(number))
    }

    /// A host writes to a port.
    pub(super) fn write_to_port(&mut self, index: usize, port: PortId, bytes: &[u8]) {
        match self.pass_line(index, port, Direction::ToModule, bytes) {
            Some(pieces) => self.send_pieces(End::Port(index, port), pieces),
            None => self.arrive_at_port(index, port, bytes),
        }
    }

    /// A port writes to its host.
    pub(super) fn write_to_host(&mut self, index: usize, port: PortId, bytes: Vec<u8>) {
        match self.pass_line(index, port, Direction::ToHost, &bytes) {
            Some(pieces) => self.send_pieces(End::Host(index, port), pieces),
            None => self.arrive_at_host(index, port, bytes),
        }
    }

    pub(super) fn arrive_at_port(&mut self, index: usize, port: PortId, bytes: &[u8]) {
        if let Some(trace) = &mut self.trace {
            trace.serial(self.now, index, port, '>', bytes);
        }
        self.slots[index].modem.handle_input(Input::Serial { port, bytes }, Now::both(self.now));
        self.drain_modem(index);
    }

    pub(super) fn arrive_at_host(&mut self, index: usize, port: PortId, bytes: Vec<u8>) {
        if let Some(trace) = &mut self.trace {
            trace.serial(self.now, index, port, '<', &bytes);
        }
        if let Some(said) = self.slots[index].serial.get_mut(port.0) {
            said.extend(bytes);
            self.said.insert((ModemId(index), port));
        }
    }

    /// What arrives of bytes, and when; none where they arrive at once as they are.
    fn pass_line(
        &mut self,
        index: usize,
        port: PortId,
        direction: Direction,
        bytes: &[u8],
    ) -> Option<Vec<(crate::time::Timestamp, Vec<u8>)>> {
        let now = self.now;
        let line = self.slots[index].lines.get_mut(port.0)?;
        (!line.is_perfect(direction, now)).then(|| line.pass(direction, bytes, now))
    }

    fn send_pieces(&mut self, to: End, pieces: Vec<(crate::time::Timestamp, Vec<u8>)>) {
        for (at, bytes) in pieces {
            self.sent += 1;
            let order = self.sent;
            self.air.push(Reverse(Delivery {
                at,
                order,
                to,
                cut_after: false,
                answer_is_lost: false,
                bytes,
            }));
        }
    }
}
