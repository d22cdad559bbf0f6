//! [`Air`]: the way of datagrams between the module and its sockets, with the faults of the link.

use std::collections::BTreeMap;

use crate::module::Flow;
use crate::scenario::link::{Condition, Link};
use crate::time::Timestamp;

/// Most datagrams on their way at once; what comes on top is lost, as in a router's queue.
const UNDERWAY_MAX: usize = 4096;

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the module to the service.
    ToService,
    /// From the service to the module.
    ToModule,
}

/// Datagrams on their way, on the steady clock.
#[derive(Debug)]
pub struct Air {
    link: Link,
    sequence: u64,
    underway: BTreeMap<(Timestamp, u64), (Direction, Flow, Vec<u8>)>,
}

impl Air {
    /// A link with nothing wrong.
    pub fn new(seed: u64) -> Self {
        Self { link: Link::new(seed), sequence: 0, underway: BTreeMap::new() }
    }

    /// What is wrong with the link, to be changed.
    pub fn condition(&mut self) -> &mut Condition {
        &mut self.link.condition
    }

    /// The bytes with one bit wrong.
    pub fn corrupt(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.link.corrupt(bytes)
    }

    /// A datagram sets out.
    pub fn carry(&mut self, direction: Direction, flow: Flow, bytes: Vec<u8>, now: Timestamp) {
        for (arrives, bytes) in self.link.pass(bytes, now) {
            if self.underway.len() < UNDERWAY_MAX {
                self.sequence += 1;
                self.underway.insert((arrives, self.sequence), (direction, flow, bytes));
            }
        }
    }

    /// The next datagram that has arrived.
    pub fn poll(&mut self, now: Timestamp) -> Option<(Direction, Flow, Vec<u8>)> {
        let first = self.underway.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next one arrives.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.underway.first_key_value().map(|((at, _), _)| *at)
    }
}
