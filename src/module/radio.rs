//! The air between module and network: with `--timing module` a datagram takes the latency of the
//! radio access technology, and its length at the technology's rate.

use std::collections::VecDeque;

use crate::module::Flow;
use crate::profile::RatFacts;
use crate::time::{Timestamp, earlier};

/// The most datagrams on the air in one direction; more are lost.
const ON_THE_AIR_MAX: usize = 64;

/// A datagram on its way.
#[derive(Clone, Debug)]
struct OnTheAir {
    arrives: Timestamp,
    flow: Flow,
    bytes: Vec<u8>,
}

/// One direction.
#[derive(Clone, Debug, Default)]
struct Lane {
    free_at: Timestamp,
    queue: VecDeque<OnTheAir>,
}

/// Both directions, on the steady clock.
#[derive(Clone, Debug, Default)]
pub struct Radio {
    up: Lane,
    down: Lane,
}

/// Who a datagram was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the module to the network.
    Up,
    /// From the network to the module.
    Down,
}

impl Radio {
    /// Puts a datagram on the air.
    pub fn send(
        &mut self,
        direction: Direction,
        facts: &RatFacts,
        flow: Flow,
        bytes: Vec<u8>,
        steady: Timestamp,
    ) {
        let (lane, bps) = match direction {
            Direction::Up => (&mut self.up, facts.uplink_bps),
            Direction::Down => (&mut self.down, facts.downlink_bps),
        };
        if lane.queue.len() >= ON_THE_AIR_MAX {
            return;
        }
        let bits = i64::try_from(bytes.len()).unwrap_or(i64::MAX / 8000) * 8;
        let sending_ms = bits * 1000 / i64::from(bps.max(1));
        lane.free_at = lane.free_at.max(steady).offset_millis(sending_ms);
        let arrives = lane.free_at.offset_millis(i64::from(facts.latency_ms));
        lane.queue.push_back(OnTheAir { arrives, flow, bytes });
    }

    /// A datagram that has arrived.
    pub fn poll(&mut self, direction: Direction, steady: Timestamp) -> Option<(Flow, Vec<u8>)> {
        let lane = match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        };
        lane.queue.front().filter(|datagram| datagram.arrives <= steady)?;
        lane.queue.pop_front().map(|arrived| (arrived.flow, arrived.bytes))
    }

    /// When the next datagram arrives, at either end.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let next = |lane: &Lane| lane.queue.front().map(|datagram| datagram.arrives);
        earlier(next(&self.up), next(&self.down))
    }

    /// Coverage is gone, and what was on the air with it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
