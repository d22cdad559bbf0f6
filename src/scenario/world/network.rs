//! The network of a world: what becomes of a datagram between a modem and the service.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::modem::Input;
use crate::module::{Flow, IpVersion};
use crate::scenario::fault::{Point, Strike};
use crate::scenario::trace::Fate;
use crate::scenario::world::{Delivery, End, LATENCY_MS, NET_V4, NET_V6, PORT_MIN, PORTS, World};
use crate::time::Now;

impl World {
    pub(super) fn transmit(&mut self, index: usize, to: End, bytes: Vec<u8>) {
        let now = self.now;
        let slot = &mut self.slots[index];
        slot.counts.datagrams += 1;
        let up = matches!(to, End::Service(_));
        let (mut extra_ms, mut copies, mut cut_after) = (0, 1, false);
        let mut bytes = bytes;
        let answer_is_lost = up && slot.at_request == Some(Strike::DropResponse);
        let of_phase = if up { slot.at_request.take() } else { None };
        let met = slot.meet(Point::Datagram(1)).or(of_phase);
        if !up && std::mem::take(&mut slot.answer_is_lost) {
            copies = 0;
        }
        match met {
            None | Some(Strike::DropResponse) => {}
            Some(Strike::Drop | Strike::DropRequest) => copies = 0,
            Some(Strike::Duplicate) => copies = 2,
            Some(Strike::Delay(millis)) => extra_ms = millis,
            Some(Strike::Corrupt) => bytes = slot.link.corrupt(bytes),
            Some(Strike::CutBefore) => return self.cut(index),
            Some(Strike::CutAfter | Strike::CutBetween) => cut_after = true,
        }
        let mut fate = Fate { up, bytes: bytes.len(), arrivals_ms: Vec::new(), met };
        for _ in 0..copies {
            for (at, bytes) in self.slots[index].link.pass(bytes.clone(), now) {
                let at = at.offset_millis(LATENCY_MS + extra_ms);
                fate.arrivals_ms.push(at.millis_since(now));
                self.sent += 1;
                self.air.push(Reverse(Delivery {
                    at,
                    order: self.sent,
                    to,
                    cut_after: cut_after && !up,
                    answer_is_lost,
                    bytes,
                }));
            }
        }
        if let Some(trace) = &mut self.trace {
            trace.datagram(now, index, &fate);
        }
        if cut_after && up {
            self.cut(index);
        }
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) {
        let now = Now::both(self.now);
        match delivery.to {
            End::Service(peer) => {
                if self.now < self.silent_until {
                    self.unheard += 1;
                    return self.note("service: hears nothing");
                }
                if delivery.answer_is_lost
                    && let Some((index, _)) = self.owner(peer)
                {
                    self.slots[index].answer_is_lost = true;
                }
                if let Some(service) = &mut self.service {
                    service.handle_datagram(peer, &delivery.bytes, now);
                    self.drain_service();
                }
            }
            End::Port(index, port) => self.arrive_at_port(index, port, &delivery.bytes),
            End::Host(index, port) => self.arrive_at_host(index, port, delivery.bytes),
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
    pub(super) fn address(&self, index: usize, flow: Flow) -> SocketAddr {
        let number = index as u32 + 1;
        let port = PORT_MIN + (flow.0 % PORTS) as u16;
        let ip = match self.slots[index].options.ip {
            IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(NET_V4 | number)),
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(NET_V6 | u128::from(number))),
        };
        SocketAddr::new(ip, port)
    }

    /// Which modem, and which of its flows, has this address.
    pub(super) fn owner(&self, peer: SocketAddr) -> Option<(usize, Flow)> {
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
}
