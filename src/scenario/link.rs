//! A link that loses, repeats, delays, reorders and corrupts datagrams: in a world on the virtual
//! clock, in the host between the module and its sockets.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::time::Timestamp;

/// What is wrong with a link; all of it at once, if need be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Datagrams lost, in percent.
    pub loss_percent: u8,
    /// Datagrams that arrive twice, in percent.
    pub duplicate_percent: u8,
    /// Datagrams that arrive with a wrong bit, in percent.
    pub corrupt_percent: u8,
    /// Whether datagrams overtake each other.
    pub reorder: bool,
    /// One way, in milliseconds.
    pub delay_ms: i64,
    /// The next so many datagrams are lost.
    pub drop_next: u32,
    /// The next so many datagrams arrive twice.
    pub duplicate_next: u32,
}

/// How long a datagram may be overtaken under [`Condition::reorder`], in milliseconds. `designed`
const REORDER_SPREAD_MS: u32 = 3_000;

/// One link, both directions.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is wrong with it.
    pub condition: Condition,
    random: ChaCha12Rng,
}

impl Link {
    /// A link with nothing wrong; the seed makes chances repeatable.
    pub fn new(seed: u64) -> Self {
        Self { condition: Condition::default(), random: ChaCha12Rng::seed_from_u64(seed) }
    }

    /// Whether datagrams pass at once and unharmed, so that nothing need be asked.
    pub fn is_perfect(&self) -> bool {
        self.condition == Condition::default()
    }

    /// What becomes of a datagram: when its copies arrive, and with which bytes.
    pub fn pass(&mut self, bytes: Vec<u8>, now: Timestamp) -> Vec<(Timestamp, Vec<u8>)> {
        if take_one(&mut self.condition.drop_next) || self.chance(self.condition.loss_percent) {
            return Vec::new();
        }
        let twice =
            take_one(&mut self.condition.duplicate_next) || self.chance(self.condition.duplicate_percent);
        let bytes = if self.chance(self.condition.corrupt_percent) { self.corrupt(bytes) } else { bytes };
        let mut copies = Vec::with_capacity(1 + usize::from(twice));
        if twice {
            copies.push((self.arrival(now), bytes.clone()));
        }
        copies.push((self.arrival(now), bytes));
        copies
    }

    /// The bytes with one bit wrong.
    pub fn corrupt(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let bits = u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX);
        let bit = self.random.next_u32().checked_rem(bits).unwrap_or(0) as usize;
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        bytes
    }

    fn arrival(&mut self, now: Timestamp) -> Timestamp {
        let spread = if self.condition.reorder { self.random.next_u32() % REORDER_SPREAD_MS } else { 0 };
        now.offset_millis(self.condition.delay_ms + i64::from(spread))
    }

    fn chance(&mut self, percent: u8) -> bool {
        percent > 0 && self.random.next_u32() % 100 < u32::from(percent)
    }
}

fn take_one(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_does_what_it_says() {
        let check = |condition: Condition, copies: usize, at: i64| {
            let mut link = Link::new(1);
            link.condition = condition;
            let passed = link.pass(vec![0; 8], Timestamp::from_millis(0));
            assert_eq!(passed.len(), copies, "{condition:?}");
            assert!(passed.iter().all(|(arrives, _)| arrives.as_millis() == at), "{condition:?}");
            passed.concat_bytes()
        };
        assert_eq!(check(Condition::default(), 1, 0), vec![0; 8]);
        check(Condition { loss_percent: 100, ..Condition::default() }, 0, 0);
        check(Condition { drop_next: 1, ..Condition::default() }, 0, 0);
        check(Condition { duplicate_next: 1, delay_ms: 5, ..Condition::default() }, 2, 5);
        check(Condition { duplicate_percent: 100, ..Condition::default() }, 2, 0);
        let wrong = check(Condition { corrupt_percent: 100, ..Condition::default() }, 1, 0);
        assert_eq!(wrong.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }

    #[test]
    fn what_is_counted_ends() {
        let mut link = Link::new(1);
        link.condition.drop_next = 2;
        let passed: Vec<_> = (0..3).map(|_| link.pass(vec![1], Timestamp::from_millis(0)).len()).collect();
        assert_eq!(passed, [0, 0, 1]);
        assert!(link.is_perfect());
    }

    trait ConcatBytes {
        fn concat_bytes(self) -> Vec<u8>;
    }

    impl ConcatBytes for Vec<(Timestamp, Vec<u8>)> {
        fn concat_bytes(self) -> Vec<u8> {
            self.into_iter().flat_map(|(_, bytes)| bytes).collect()
        }
    }
}
