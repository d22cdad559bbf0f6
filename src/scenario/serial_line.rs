//! A serial line that loses, spoils, cuts up, joins and delays what passes it: in a world on the
//! virtual clock, in the host between the module and its ports.

use std::collections::BTreeSet;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::scenario::script::{Amount, Direction, LineFault, LineMischief};
use crate::time::Timestamp;

/// How long after the first the second piece of something that was split arrives, in milliseconds.
/// `designed`
const SPLIT_GAP_MS: i64 = 30;

/// What is merged arrives at the next full multiple of this, in milliseconds. `designed`
const MERGE_GRID_MS: i64 = 100;

/// Most faults of one line; the oldest end where more are ordered.
const FAULTS_MAX: usize = 64;

/// The faults of one serial line, both directions. Order is kept whatever happens.
#[derive(Clone, Debug)]
pub struct SerialLine {
    faults: Vec<Active>,
    /// Those that were ended before they had struck as often as they were to.
    unfinished: BTreeSet<u32>,
    /// When the latest piece of each direction arrives.
    busy_until: [Timestamp; 2],
    random: ChaCha12Rng,
    ordered: u32,
}

/// A fault and what is left of it.
#[derive(Clone, Copy, Debug)]
struct Active {
    number: u32,
    fault: LineFault,
}

impl SerialLine {
    /// A line with nothing wrong; the seed makes chances repeatable.
    pub fn new(seed: u64) -> Self {
        Self {
            faults: Vec::new(),
            unfinished: BTreeSet::new(),
            busy_until: [Timestamp::from_millis(i64::MIN); 2],
            random: ChaCha12Rng::seed_from_u64(seed),
            ordered: 0,
        }
    }

    /// Orders a fault; returns its number. [`LineMischief::None`] ends those of its direction.
    pub fn order(&mut self, fault: LineFault) -> u32 {
        self.ordered += 1;
        if fault.mischief == LineMischief::None {
            let stays =
                |active: &Active| fault.direction.is_some() && active.fault.direction != fault.direction;
            let ended = self.faults.iter().filter(|active| !stays(active) && active.is_waiting());
            self.unfinished.extend(ended.map(|active| active.number));
            self.faults.retain(stays);
            return self.ordered;
        }
        if self.faults.len() == FAULTS_MAX {
            self.faults.remove(0);
        }
        self.faults.push(Active { number: self.ordered, fault });
        self.ordered
    }

    /// Whether a fault that was ordered for so many has not struck that often yet.
    pub fn is_waiting(&self, number: u32) -> bool {
        self.unfinished.contains(&number)
            || self.faults.iter().any(|active| active.number == number && active.is_waiting())
    }

    /// Whether what passes in a direction arrives at once and unharmed, so that nothing need be
    /// asked.
    pub fn is_perfect(&self, direction: Direction, now: Timestamp) -> bool {
        self.busy_until[direction as usize] < now
            && !self.faults.iter().any(|active| active.is_for(direction))
    }

    /// What becomes of bytes that were written in one piece: the pieces that arrive, and when.
    pub fn pass(&mut self, direction: Direction, bytes: &[u8], now: Timestamp) -> Vec<(Timestamp, Vec<u8>)> {
        let bytes = self.harm(direction, bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        let mut at = now.offset_millis(self.delay(direction).unwrap_or(0));
        if self.strikes(direction, |mischief| mischief == LineMischief::Merge) {
            let millis = at.as_millis();
            at = Timestamp::from_millis(millis - millis.rem_euclid(MERGE_GRID_MS) + MERGE_GRID_MS);
        }
        at = at.max(self.busy_until[direction as usize]);
        let split = bytes.len() > 1 && self.strikes(direction, |mischief| mischief == LineMischief::Split);
        let mut pieces = vec![(at, bytes)];
        if split {
            let length = u32::try_from(pieces[0].1.len()).unwrap_or(u32::MAX);
            let place = 1 + self.random.next_u32() % (length - 1);
            let second = pieces[0].1.split_off(place as usize);
            pieces.push((at.offset_millis(SPLIT_GAP_MS), second));
        }
        self.busy_until[direction as usize] = pieces.last().map_or(at, |(at, _)| *at);
        pieces
    }

    /// Byte by byte: lost, or with a wrong bit.
    fn harm(&mut self, direction: Direction, bytes: &[u8]) -> Vec<u8> {
        let mut left = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.strikes(direction, |mischief| mischief == LineMischief::Drop) {
                continue;
            }
            let wrong = self.strikes(direction, |mischief| mischief == LineMischief::Corrupt);
            let bit = if wrong { 1 << (self.random.next_u32() % 8) } else { 0 };
            left.push(byte ^ bit);
        }
        left
    }

    fn delay(&mut self, direction: Direction) -> Option<i64> {
        let place = self.struck(direction, |mischief| matches!(mischief, LineMischief::Delay(_)))?;
        match self.faults[place].fault.mischief {
            LineMischief::Delay(millis) => Some(millis),
            _ => None,
        }
    }

    fn strikes(&mut self, direction: Direction, which: impl Fn(LineMischief) -> bool) -> bool {
        self.struck(direction, which).is_some()
    }

    /// The first fault of a sort that strikes now; one of so many is used up by that.
    fn struck(&mut self, direction: Direction, which: impl Fn(LineMischief) -> bool) -> Option<usize> {
        for place in 0..self.faults.len() {
            let active = &mut self.faults[place];
            if !active.is_for(direction) || !which(active.fault.mischief) {
                continue;
            }
            let strikes = match &mut active.fault.amount {
                Amount::Next(0) => false,
                Amount::Next(left) => {
                    *left -= 1;
                    true
                }
                Amount::Percent(percent) => {
                    *percent == 100 || self.random.next_u32() % 100 < u32::from(*percent)
                }
            };
            if strikes {
                return Some(place);
            }
        }
        None
    }
}

impl Active {
    fn is_waiting(&self) -> bool {
        matches!(self.fault.amount, Amount::Next(left) if left > 0)
    }

    fn is_for(&self, direction: Direction) -> bool {
        self.fault.direction.is_none_or(|wanted| wanted == direction)
            && self.fault.amount != Amount::Next(0)
            && self.fault.amount != Amount::Percent(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_010);

    fn line(faults: &[&str]) -> SerialLine {
        let mut line = SerialLine::new(1);
        for fault in faults {
            line.order(fault.parse().expect("a fault"));
        }
        line
    }

    fn check(faults: &[&str], writes: &[&str], expected: &[(i64, &str)]) {
        let mut line = line(faults);
        let mut arrived = Vec::new();
        for bytes in writes {
            arrived.extend(line.pass(Direction::ToHost, bytes.as_bytes(), NOW));
        }
        let shown: Vec<_> = arrived
            .iter()
            .map(|(at, bytes)| (at.millis_since(NOW), String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
        assert_eq!(shown, expected, "{faults:?}");
    }

    #[test]
    fn each_fault_does_what_it_says() {
        check(&[], &["OK", "NO"], &[(0, "OK"), (0, "NO")]);
        check(&["drop 3"], &["abcd", "ef"], &[(0, "d"), (0, "ef")]);
        check(&["drop 100%"], &["abcd", "ef"], &[]);
        check(&["drop 100% to-module"], &["abcd"], &[(0, "abcd")]);
        check(&["delay 200ms"], &["a", "b"], &[(200, "a"), (200, "b")]);
        check(&["delay 200ms 1"], &["a", "b"], &[(200, "a"), (200, "b")]);
        check(&["merge 2"], &["a", "b", "c"], &[(90, "a"), (90, "b"), (90, "c")]);
        check(&["drop 100%", "none"], &["abcd"], &[(0, "abcd")]);
        check(&["drop 100% to-host", "none to-module"], &["abcd"], &[]);
    }

    #[test]
    fn what_is_split_arrives_in_two_pieces_and_in_order() {
        let mut line = line(&["split 1"]);
        let mut pieces = line.pass(Direction::ToHost, b"+CREG: 1", NOW);
        pieces.extend(line.pass(Direction::ToHost, b"OK", NOW));
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), b"+CREG: 1OK");
        assert!(pieces.is_sorted_by_key(|(at, _)| *at));
        assert!(!line.is_perfect(Direction::ToHost, NOW), "what comes now has to wait");
        assert!(line.is_perfect(Direction::ToHost, NOW.offset_millis(SPLIT_GAP_MS + 1)));
    }

    #[test]
    fn a_corrupt_byte_has_one_wrong_bit() {
        let mut line = line(&["corrupt 1"]);
        let pieces = line.pass(Direction::ToModule, &[0; 4], NOW);
        let wrong: Vec<_> = pieces[0].1.iter().map(|byte| byte.count_ones()).collect();
        assert_eq!(wrong, [1, 0, 0, 0]);
    }

    #[test]
    fn a_fault_of_so_many_waits_until_it_has_struck_so_often() {
        let mut line = SerialLine::new(1);
        let number = line.order("drop 2".parse().expect("a fault"));
        assert!(line.is_waiting(number));
        line.pass(Direction::ToHost, b"a", NOW);
        assert!(line.is_waiting(number));
        line.pass(Direction::ToHost, b"b", NOW);
        assert!(!line.is_waiting(number));
        assert!(!line.is_waiting(line.ordered + 1));
    }
}
