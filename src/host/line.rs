//! [`Line`]: the way of bytes between a port and the module, with the faults of the serial line.

use std::collections::VecDeque;

use crate::scenario::script::{Direction, LineFault};
use crate::scenario::serial_line::SerialLine;
use crate::time::{Timestamp, earlier};

/// Most pieces on their way at once in one direction; what comes on top is lost.
const UNDERWAY_MAX: usize = 4096;

/// The serial line of one port, on the steady clock. Each direction keeps its order.
#[derive(Debug)]
pub struct Line {
    faults: SerialLine,
    to_module: VecDeque<(Timestamp, Vec<u8>)>,
    to_host: VecDeque<(Timestamp, Vec<u8>)>,
}

impl Line {
    /// A line with nothing wrong.
    pub fn new(seed: u64) -> Self {
        Self { faults: SerialLine::new(seed), to_module: VecDeque::new(), to_host: VecDeque::new() }
    }

    /// Orders a fault; returns its number.
    pub fn order(&mut self, fault: LineFault) -> u32 {
        self.faults.order(fault)
    }

    /// Whether a fault of so many has not struck that often yet.
    pub fn is_waiting(&self, number: u32) -> bool {
        self.faults.is_waiting(number)
    }

    /// Whether bytes arrive at once and unharmed: then they need not be carried.
    pub fn is_perfect(&self, direction: Direction, now: Timestamp) -> bool {
        self.underway(direction).is_empty() && self.faults.is_perfect(direction, now)
    }

    /// Bytes that were written in one piece set out.
    pub fn carry(&mut self, direction: Direction, bytes: &[u8], now: Timestamp) {
        let pieces = self.faults.pass(direction, bytes, now);
        let underway = match direction {
            Direction::ToModule => &mut self.to_module,
            Direction::ToHost => &mut self.to_host,
        };
        for (at, bytes) in pieces {
            let full = underway.len() == UNDERWAY_MAX;
            match underway.back_mut() {
                // What arrives at the same moment is one piece: two writes merged.
                Some((last, together)) if *last == at && at > now => together.extend(bytes),
                _ if full => {}
                _ => underway.push_back((at, bytes)),
            }
        }
    }

    /// The next piece that has arrived.
    pub fn poll(&mut self, now: Timestamp) -> Option<(Direction, Vec<u8>)> {
        for (direction, underway) in
            [(Direction::ToModule, &mut self.to_module), (Direction::ToHost, &mut self.to_host)]
        {
            if underway.front().is_some_and(|(at, _)| *at <= now) {
                return underway.pop_front().map(|(_, bytes)| (direction, bytes));
            }
        }
        None
    }

    /// When the next one arrives.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let first = |underway: &VecDeque<(Timestamp, Vec<u8>)>| underway.front().map(|(at, _)| *at);
        earlier(first(&self.to_module), first(&self.to_host))
    }

    fn underway(&self, direction: Direction) -> &VecDeque<(Timestamp, Vec<u8>)> {
        match direction {
            Direction::ToModule => &self.to_module,
            Direction::ToHost => &self.to_host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writes_that_are_merged_arrive_in_one_piece() {
        let now = Timestamp::from_millis(10);
        let mut line = Line::new(1);
        assert!(line.is_perfect(Direction::ToHost, now));
        line.order("merge 2 to-host".parse().expect("a fault"));
        line.carry(Direction::ToHost, b"\r\n+CREG: 1\r\n", now);
        line.carry(Direction::ToHost, b"\r\nOK\r\n", now);
        assert_eq!(line.poll(now), None);
        let at = line.next_timeout().expect("on its way");
        assert_eq!(line.poll(at), Some((Direction::ToHost, b"\r\n+CREG: 1\r\n\r\nOK\r\n".to_vec())));
        assert_eq!(line.next_timeout(), None);
    }
}
