//! Handshakes that end with a wrong key: told from bad luck by their number.
//!
//! One alone is no sign: a datagram that was damaged on the way looks the same. Many in a row from
//! one address, with nothing proved in between, are somebody who has the wrong key.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::protocol::keys::{PskIdentity, RotUid};

/// So many in a row are suspicious, and so are so many more (`designed`). A link that damages every
/// tenth datagram spoils one handshake in six at worst, and so many in a row once in 10⁸.
const SUSPICIOUS: u32 = 10;

/// Most attempts that are remembered; the oldest are forgotten first.
const REMEMBERED_MAX: usize = 1024;

/// Who failed, and how often in a row.
#[derive(Debug, Default)]
pub(super) struct WrongKeys {
    failures: HashMap<Attempt, u32>,
    order: VecDeque<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    rot: RotUid,
    key_set: u32,
    address: IpAddr,
}

impl WrongKeys {
    /// One more; whether that is suspicious now.
    pub(super) fn failed(&mut self, identity: PskIdentity, peer: SocketAddr) -> bool {
        let attempt = Attempt { rot: identity.rot, key_set: identity.key_set, address: peer.ip() };
        if !self.failures.contains_key(&attempt) {
            if self.order.len() == REMEMBERED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.failures.remove(&oldest);
            }
            self.order.push_back(attempt);
        }
        let failures = self.failures.entry(attempt).or_default();
        *failures = failures.saturating_add(1);
        failures.is_multiple_of(SUSPICIOUS)
    }

    /// The right key was proved.
    pub(super) fn proved(&mut self, identity: PskIdentity, peer: SocketAddr) {
        if self.order.is_empty() {
            return;
        }
        let attempt = Attempt { rot: identity.rot, key_set: identity.key_set, address: peer.ip() };
        if self.failures.remove(&attempt).is_some() {
            self.order.retain(|other| *other != attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(n: u8, key_set: u32) -> PskIdentity {
        PskIdentity { rot: RotUid([n; 8]), key_set }
    }

    fn peer(n: u8, port: u16) -> SocketAddr {
        ([10, 0, 0, n], port).into()
    }

    #[test]
    fn many_in_a_row_from_one_address_are_suspicious() {
        let mut wrong = WrongKeys::default();
        for round in 1..=3 {
            for n in 1..SUSPICIOUS as u16 {
                assert!(!wrong.failed(identity(1, 2), peer(1, n)), "{round} {n}");
                assert!(!wrong.failed(identity(1, 3 + u32::from(n)), peer(1, n)), "another key set");
                assert!(!wrong.failed(identity(2, 2 + round), peer(n as u8, n)), "other addresses");
            }
            assert!(wrong.failed(identity(1, 2), peer(1, 99)), "{round}");
        }
    }

    #[test]
    fn a_key_that_is_proved_starts_the_count_anew() {
        let mut wrong = WrongKeys::default();
        for _ in 0..10 {
            for _ in 1..SUSPICIOUS {
                assert!(!wrong.failed(identity(1, 1), peer(1, 1)));
            }
            wrong.proved(identity(1, 1), peer(1, 9));
        }
        assert!(wrong.order.is_empty() && wrong.failures.is_empty());
    }

    #[test]
    fn no_more_are_remembered_than_the_limit() {
        let mut wrong = WrongKeys::default();
        for key_set in 0..10_000 {
            wrong.failed(identity(1, key_set), peer(1, 1));
        }
        assert_eq!((wrong.order.len(), wrong.failures.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
    }
}
