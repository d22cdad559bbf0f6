//! [`LossyLink`]: the way between a module and the service, with every fault a network has.
//!
//! Without IO and clock: datagrams are handed in with the time, and come out when they arrive. What
//! happens to which datagram depends on the seed and on the order of calls alone.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::time::Timestamp;

/// Longest extra way of a datagram while the link reorders; `designed`.
pub const REORDER_SPREAD: Duration = Duration::from_millis(200);

/// Most datagrams on their way at once; what comes on top is lost, as in a router's queue.
pub const UNDERWAY_MAX: usize = 4096;

/// A link both directions share. `T` says where a datagram goes.
#[derive(Clone, Debug)]
pub struct LossyLink<T> {
    rng: ChaCha12Rng,
    weather: Weather,
    aimed: Vec<AimedFault>,
    carried: u64,
    sequence: u64,
    underway: BTreeMap<(Timestamp, u64), (T, Vec<u8>)>,
}

/// What `network NAME …` and `vsara ctl network …` ask of the link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LinkFault {
    /// So many of a hundred datagrams are lost; `0` makes the link whole again in every respect.
    Loss(f64),
    /// The next so many datagrams are lost.
    Drop(u32),
    /// Every datagram takes so much longer, until told otherwise.
    Delay(Duration),
    /// The next so many datagrams arrive twice.
    Duplicate(u32),
    /// From now on datagrams overtake each other.
    Reorder,
    /// One bit of each of the next so many datagrams is flipped.
    Corrupt(u32),
}

/// What happens to one chosen datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramFault {
    /// It is lost.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives so much later.
    Delay(Duration),
    /// One bit of it is flipped.
    Corrupt,
}

/// Text that names no link fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a link fault is loss 30%, drop N, delay 2s, duplicate N, reorder or corrupt N")]
pub struct LinkFaultError;

#[derive(Clone, Debug, Default)]
struct Weather {
    loss_percent: f64,
    drop_next: u32,
    delay: Duration,
    duplicate_next: u32,
    corrupt_next: u32,
    reorder: bool,
}

#[derive(Clone, Copy, Debug)]
struct AimedFault {
    at: u64,
    fault: DatagramFault,
}

impl<T: Clone> LossyLink<T> {
    /// A whole link.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha12Rng::seed_from_u64(seed),
            weather: Weather::default(),
            aimed: Vec::new(),
            carried: 0,
            sequence: 0,
            underway: BTreeMap::new(),
        }
    }

    /// Makes the link worse, or whole again.
    pub fn set(&mut self, fault: LinkFault) {
        let weather = &mut self.weather;
        match fault {
            LinkFault::Loss(percent) if percent <= 0.0 => *weather = Weather::default(),
            LinkFault::Loss(percent) => weather.loss_percent = percent,
            LinkFault::Drop(count) => weather.drop_next = count,
            LinkFault::Delay(delay) => weather.delay = delay,
            LinkFault::Duplicate(count) => weather.duplicate_next = count,
            LinkFault::Reorder => weather.reorder = true,
            LinkFault::Corrupt(count) => weather.corrupt_next = count,
        }
    }

    /// Aims at one datagram, the `nth` from now on (from 1).
    pub fn strike(&mut self, nth: u64, fault: DatagramFault) {
        self.aimed.push(AimedFault { at: self.carried + nth, fault });
    }

    /// How many aimed faults have not struck yet.
    pub fn unstruck(&self) -> usize {
        self.aimed.len()
    }

    /// How many datagrams were handed in so far.
    pub fn carried(&self) -> u64 {
        self.carried
    }

    /// A datagram sets out.
    pub fn carry(&mut self, to: T, mut bytes: Vec<u8>, now: Timestamp) {
        self.carried += 1;
        let fault = self.take_aimed();
        if fault == Some(DatagramFault::Drop) || self.is_lost() {
            return;
        }
        if fault == Some(DatagramFault::Corrupt) || take_one(&mut self.weather.corrupt_next) {
            self.corrupt(&mut bytes);
        }
        if fault == Some(DatagramFault::Duplicate) || take_one(&mut self.weather.duplicate_next) {
            self.set_out(to.clone(), bytes.clone(), now);
        }
        let late = if let Some(DatagramFault::Delay(late)) = fault { late } else { Duration::ZERO };
        self.set_out(to, bytes, now + late);
    }

    /// The next datagram that has arrived, in the order of arrival.
    pub fn poll_arrival(&mut self, now: Timestamp) -> Option<(T, Vec<u8>)> {
        let first = self.underway.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next datagram arrives.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.underway.first_key_value().map(|((at, _), _)| *at)
    }

    /// Everything on its way is lost.
    pub fn clear(&mut self) {
        self.underway.clear();
    }

    fn take_aimed(&mut self) -> Option<DatagramFault> {
        let carried = self.carried;
        let index = self.aimed.iter().position(|aimed| aimed.at == carried)?;
        Some(self.aimed.swap_remove(index).fault)
    }

    fn is_lost(&mut self) -> bool {
        if take_one(&mut self.weather.drop_next) {
            return true;
        }
        // No draw without loss: a link made worse and whole again is as it was.
        let loss = self.weather.loss_percent;
        loss > 0.0 && self.fraction() * 100.0 < loss
    }

    fn corrupt(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let bit = self.rng.next_u64() as usize % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    fn set_out(&mut self, to: T, bytes: Vec<u8>, now: Timestamp) {
        if self.underway.len() >= UNDERWAY_MAX {
            return;
        }
        let mut at = now + self.weather.delay;
        if self.weather.reorder {
            at = at + REORDER_SPREAD.mul_f64(self.fraction());
        }
        self.sequence += 1;
        self.underway.insert((at, self.sequence), (to, bytes));
    }

    /// From 0 to just below 1.
    fn fraction(&mut self) -> f64 {
        f64::from(self.rng.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }
}

impl FromStr for LinkFault {
    type Err = LinkFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, value) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let value = value.trim();
        let count = || value.parse::<u32>().map_err(|_| LinkFaultError);
        match word {
            "loss" => value
                .strip_suffix('%')
                .and_then(|percent| percent.parse::<f64>().ok())
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(Self::Loss)
                .ok_or(LinkFaultError),
            "drop" => count().map(Self::Drop),
            "delay" => humantime::parse_duration(value).map(Self::Delay).map_err(|_| LinkFaultError),
            "duplicate" => count().map(Self::Duplicate),
            "reorder" if value.is_empty() => Ok(Self::Reorder),
            "corrupt" => count().map(Self::Corrupt),
            _ => Err(LinkFaultError),
        }
    }
}

impl std::fmt::Display for LinkFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loss(percent) => write!(f, "loss {percent}%"),
            Self::Drop(count) => write!(f, "drop {count}"),
            Self::Delay(delay) => write!(f, "delay {}", humantime::format_duration(*delay)),
            Self::Duplicate(count) => write!(f, "duplicate {count}"),
            Self::Reorder => f.write_str("reorder"),
            Self::Corrupt(count) => write!(f, "corrupt {count}"),
        }
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

    const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
    const LATER: Timestamp = Timestamp::from_millis(1_767_225_600_000 + 60_000);

    fn arrivals(link: &mut LossyLink<u8>, now: Timestamp) -> Vec<u8> {
        std::iter::from_fn(|| link.poll_arrival(now)).map(|(_, bytes)| bytes[0]).collect()
    }

    fn carried(link: &mut LossyLink<u8>, numbers: std::ops::Range<u8>) -> Vec<u8> {
        for number in numbers {
            link.carry(0, vec![number], START);
        }
        arrivals(link, LATER)
    }

    #[test]
    fn a_whole_link_delivers_at_once_and_in_order() {
        let mut link = LossyLink::new(1);
        link.carry(0, vec![1], START);
        link.carry(0, vec![2], START);
        assert_eq!(link.next_timeout(), Some(START));
        assert_eq!(arrivals(&mut link, START), [1, 2]);
        assert_eq!(link.next_timeout(), None);
    }

    #[test]
    fn each_fault_does_what_it_says() {
        let check = |fault: &str, expected: &[u8]| {
            let mut link = LossyLink::new(1);
            link.set(fault.parse().expect("a link fault"));
            assert_eq!(carried(&mut link, 0..4), expected, "{fault}");
        };
        check("loss 100%", &[]);
        check("loss 0%", &[0, 1, 2, 3]);
        check("drop 2", &[2, 3]);
        check("delay 2s", &[0, 1, 2, 3]);
        check("duplicate 1", &[0, 0, 1, 2, 3]);
    }

    #[test]
    fn loss_is_as_heavy_as_asked_for_and_ends_with_zero() {
        let mut link = LossyLink::new(7);
        link.set(LinkFault::Loss(30.0));
        let arrived = (0..1000).filter(|_| !carried(&mut link, 0..1).is_empty()).count();
        assert!((650..750).contains(&arrived), "{arrived}");
        link.set(LinkFault::Delay(Duration::from_secs(5)));
        link.set(LinkFault::Loss(0.0));
        link.carry(0, vec![9], START);
        assert_eq!(arrivals(&mut link, START), [9]);
    }

    #[test]
    fn a_delayed_datagram_arrives_when_it_is_due() {
        let mut link = LossyLink::new(1);
        link.set(LinkFault::Delay(Duration::from_secs(2)));
        link.carry(0, vec![1], START);
        assert_eq!(arrivals(&mut link, START + Duration::from_millis(1999)), []);
        assert_eq!(link.next_timeout(), Some(START + Duration::from_secs(2)));
        assert_eq!(arrivals(&mut link, START + Duration::from_secs(2)), [1]);
    }

    #[test]
    fn a_reordering_link_loses_nothing() {
        let mut link = LossyLink::new(3);
        link.set(LinkFault::Reorder);
        let mut arrived = carried(&mut link, 0..50);
        assert_ne!(arrived, (0..50).collect::<Vec<_>>());
        arrived.sort_unstable();
        assert_eq!(arrived, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_corrupted_datagram_differs_in_one_bit() {
        let mut link = LossyLink::new(1);
        link.set(LinkFault::Corrupt(1));
        link.carry(0, vec![0; 40], START);
        let (_, bytes) = link.poll_arrival(START).expect("it arrives");
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }

    #[test]
    fn an_aimed_fault_strikes_once_and_says_so() {
        let check = |fault, expected: &[u8]| {
            let mut link = LossyLink::new(1);
            carried(&mut link, 0..5);
            link.strike(2, fault);
            assert_eq!(link.unstruck(), 1);
            assert_eq!(carried(&mut link, 0..3), expected, "{fault:?}");
            assert_eq!(link.unstruck(), 0);
        };
        check(DatagramFault::Drop, &[0, 2]);
        check(DatagramFault::Duplicate, &[0, 1, 1, 2]);
        check(DatagramFault::Delay(Duration::from_secs(9)), &[0, 2, 1]);
    }

    #[test]
    fn the_same_seed_gives_the_same_link() {
        let run = |seed| {
            let mut link = LossyLink::new(seed);
            link.set(LinkFault::Loss(50.0));
            link.set(LinkFault::Reorder);
            carried(&mut link, 0..100)
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }

    #[test]
    fn a_fault_reads_back_as_it_is_written() {
        for text in ["loss 30%", "drop 2", "delay 2s", "duplicate 1", "reorder", "corrupt 3"] {
            assert_eq!(text.parse::<LinkFault>().map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
        for text in
            ["", "loss", "loss 101%", "loss -1%", "loss 30", "drop", "drop -1", "delay", "reorder 3", "rain"]
        {
            assert_eq!(text.parse::<LinkFault>(), Err(LinkFaultError), "{text}");
        }
    }
}
