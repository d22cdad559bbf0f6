//! How much of one peer is taken.

use crate::time::Timestamp;

/// A steady rate with room for a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Datagrams or requests a second, in the long run.
    pub per_s: u32,
    /// So many at once.
    pub burst: u32,
}

/// A token bucket, counting thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    millis_left: u64,
    since: Timestamp,
}

impl Bucket {
    /// With its whole burst.
    pub(crate) fn full(rate: Rate, now: Timestamp) -> Self {
        Self { millis_left: u64::from(rate.burst) * 1000, since: now }
    }

    /// When it was last asked.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// Whether one more is within the rate.
    pub(crate) fn take(&mut self, rate: Rate, now: Timestamp) -> bool {
        let elapsed_ms = u64::try_from(now.millis_since(self.since)).unwrap_or(0);
        let refilled = self.millis_left.saturating_add(elapsed_ms.saturating_mul(u64::from(rate.per_s)));
        self.millis_left = refilled.min(u64::from(rate.burst) * 1000);
        self.since = now;
        match self.millis_left.checked_sub(1000) {
            Some(left) => {
                self.millis_left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_its_burst_and_then_its_rate() {
        let rate = Rate { per_s: 10, burst: 3 };
        let mut bucket = Bucket::full(rate, Timestamp::from_millis(0));
        let mut check = |at_ms: i64, expected: &[bool]| {
            let taken: Vec<_> =
                expected.iter().map(|_| bucket.take(rate, Timestamp::from_millis(at_ms))).collect();
            assert_eq!(taken, expected, "at {at_ms} ms");
        };
        check(0, &[true, true, true, false]);
        check(99, &[false]);
        check(200, &[true, true, false]);
        check(60_000, &[true, true, true, false]);
    }
}
