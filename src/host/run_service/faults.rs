//! [`Faults`]: what goes wrong at a service on purpose.
//!
//! They lie between its socket and its core: a service that is silent neither hears nor answers, and
//! its link loses, repeats, delays and reorders datagrams of both directions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::host::journal::Way;
use crate::scenario::link::{Condition, Link};
use crate::scenario::script::NetworkChange;
use crate::time::{Now, Timestamp, Wakeup};

/// Most datagrams that are delayed at once; what comes on top is lost, as in a router's queue.
const UNDERWAY_MAX: usize = 4096;

/// One fault, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFault {
    /// No datagram is heard or answered for so long, on the system clock.
    Silent(Duration),
    /// Of the link.
    Link(NetworkChange),
    /// So many datagrams in a hundred arrive twice.
    DuplicateShare(u8),
    /// So many in a hundred arrive with a wrong bit.
    Corrupt(u8),
    /// Every fault ends.
    None,
}

/// Text that names no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fault of the service is silent for 10m, loss 30%, corrupt 5%, drop N, delay 2s, duplicate N, duplicate 10% \
     or reorder; none ends them all"
)]
pub struct ServiceFaultError;

/// What is wrong now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultState {
    /// Until when it is silent, on the system clock.
    pub silent_until: Option<Timestamp>,
    /// What is wrong with its link.
    pub link: Condition,
}

/// The faults of one service, and the datagrams they delay.
#[derive(Debug)]
pub(super) struct Faults {
    silent_until: Option<Timestamp>,
    link: Link,
    sequence: u64,
    underway: BTreeMap<(Timestamp, u64), (Way, SocketAddr, Vec<u8>)>,
}

impl Faults {
    /// None yet; the seed makes chances repeatable.
    pub(super) fn new(seed: u64) -> Self {
        Self { silent_until: None, link: Link::new(seed), sequence: 0, underway: BTreeMap::new() }
    }

    /// Whether a datagram passes at once and unharmed.
    pub(super) fn are_none(&self) -> bool {
        self.silent_until.is_none() && self.link.is_perfect() && self.underway.is_empty()
    }

    /// A datagram sets out.
    pub(super) fn carry(&mut self, way: Way, peer: SocketAddr, bytes: Vec<u8>, now: Now) {
        if self.is_silent(now.system) {
            return;
        }
        for (arrives, bytes) in self.link.pass(bytes, now.steady) {
            if self.underway.len() < UNDERWAY_MAX {
                self.sequence += 1;
                self.underway.insert((arrives, self.sequence), (way, peer, bytes));
            }
        }
    }

    /// The next datagram that has arrived.
    pub(super) fn poll(&mut self, now: Now) -> Option<(Way, SocketAddr, Vec<u8>)> {
        let first = self.underway.first_entry()?;
        (first.key().0 <= now.steady).then(|| first.remove())
    }

    /// When [`Faults::poll`] has something.
    pub(super) fn next_timeout(&self) -> Wakeup {
        Wakeup::steady(self.underway.first_key_value().map(|((at, _), _)| *at))
    }

    /// What is wrong now.
    pub(super) fn state(&mut self, now: Now) -> FaultState {
        self.is_silent(now.system);
        FaultState { silent_until: self.silent_until, link: self.link.condition }
    }

    /// This is wrong from now on, and nothing else.
    pub(super) fn set(&mut self, state: FaultState) {
        self.silent_until = state.silent_until;
        self.link.condition = state.link;
    }

    /// One fault more; or none at all.
    pub(super) fn add(&mut self, fault: ServiceFault, now: Now) {
        match fault {
            ServiceFault::Silent(time) => self.silent_until = Some(now.system + time),
            ServiceFault::Link(change) => self.link.condition.apply(change),
            ServiceFault::DuplicateShare(percent) => self.link.condition.duplicate_percent = percent,
            ServiceFault::Corrupt(percent) => self.link.condition.corrupt_percent = percent,
            ServiceFault::None => self.set(FaultState::default()),
        }
    }

    fn is_silent(&mut self, system: Timestamp) -> bool {
        self.silent_until = self.silent_until.filter(|until| system < *until);
        self.silent_until.is_some()
    }
}

impl FromStr for ServiceFault {
    type Err = ServiceFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "none" {
            return Ok(Self::None);
        }
        if let Some(time) = text.strip_prefix("silent for ") {
            let time = humantime::parse_duration(time.trim()).map_err(|_| ServiceFaultError)?;
            return Ok(Self::Silent(time));
        }
        if let Some(share) = text.strip_prefix("corrupt ") {
            return percent(share).map(Self::Corrupt);
        }
        if let Some(share) = text.strip_prefix("duplicate ").filter(|share| share.ends_with('%')) {
            return percent(share).map(Self::DuplicateShare);
        }
        match text.parse() {
            Ok(NetworkChange::Coverage(_)) | Err(_) => Err(ServiceFaultError),
            Ok(change) => Ok(Self::Link(change)),
        }
    }
}

fn percent(text: &str) -> Result<u8, ServiceFaultError> {
    let number = text.trim().strip_suffix('%').ok_or(ServiceFaultError)?;
    number.parse().ok().filter(|percent| *percent <= 100).ok_or(ServiceFaultError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn at(seconds: u64) -> Now {
        Now::both(NOON + Duration::from_secs(seconds))
    }

    #[test]
    fn a_fault_is_written_as_in_a_scenario() {
        let check = |text: &str, expected: Option<ServiceFault>| {
            assert_eq!(text.parse().ok(), expected, "{text}");
        };
        check("silent for 10m", Some(ServiceFault::Silent(Duration::from_secs(600))));
        check("loss 30%", Some(ServiceFault::Link(NetworkChange::Loss(30))));
        check("drop 2", Some(ServiceFault::Link(NetworkChange::Drop(2))));
        check("duplicate 2", Some(ServiceFault::Link(NetworkChange::Duplicate(2))));
        check("duplicate 10%", Some(ServiceFault::DuplicateShare(10)));
        check("corrupt 5%", Some(ServiceFault::Corrupt(5)));
        check("none", Some(ServiceFault::None));
        check("corrupt 5", None);
        check("corrupt 101%", None);
        check("silent", None);
        check("silent for ever", None);
        check("loss 101%", None);
        check("down", None);
        check("", None);
    }

    #[test]
    fn a_silent_service_is_heard_again_when_its_time_is_up() {
        let peer = ([127, 0, 0, 1], 1).into();
        let mut faults = Faults::new(1);
        faults.add(ServiceFault::Silent(Duration::from_secs(10)), at(0));
        assert!(!faults.are_none());
        faults.carry(Way::In, peer, vec![1], at(9));
        assert_eq!(faults.poll(at(99)), None);
        faults.carry(Way::Out, peer, vec![2], at(10));
        assert_eq!(faults.poll(at(10)), Some((Way::Out, peer, vec![2])));
        assert!(faults.are_none());
        assert_eq!(faults.state(at(10)), FaultState::default());
    }

    #[test]
    fn what_is_delayed_comes_later_and_none_ends_it() {
        let peer = ([127, 0, 0, 1], 1).into();
        let mut faults = Faults::new(1);
        faults.add("delay 2s".parse().expect("a fault"), at(0));
        faults.carry(Way::In, peer, vec![1], at(0));
        assert_eq!((faults.poll(at(1)), faults.next_timeout().steady), (None, Some(at(2).steady)));
        faults.add(ServiceFault::None, at(1));
        assert!(!faults.are_none(), "what is under way still comes");
        assert!(faults.poll(at(2)).is_some() && faults.are_none());
    }
}
