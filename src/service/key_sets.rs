//! Every key set a root of trust ever held, or was offered.

use serde::{Deserialize, Serialize};

use crate::protocol::keys::{FACTORY_KEY_SET, Key, KeySet, MasterKey, RotUid};

/// Most offers kept that were never used; the oldest go first.
pub const OFFERS_MAX: usize = 64;

/// The key sets of one root of trust. The factory secret is not among them: it is derived from
/// the master key whenever it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySets {
    /// By rising number.
    sets: Vec<StoredKeySet>,
    /// The number of the next offer; none is ever used twice.
    next: u32,
    /// The set both ends agreed on last; 0 before the first bootstrap.
    committed: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredKeySet {
    number: u32,
    key: Key,
    /// An accepted exchange was authenticated by it, so the module holds it.
    used: bool,
}

impl Default for KeySets {
    fn default() -> Self {
        Self { sets: Vec::new(), next: FACTORY_KEY_SET + 1, committed: FACTORY_KEY_SET }
    }
}

impl KeySets {
    /// The key set of a number, where this root of trust has it.
    pub fn get(&self, number: u32, rot: RotUid, master: &MasterKey) -> Option<KeySet> {
        if number == FACTORY_KEY_SET {
            return Some(master.factory_secret(rot));
        }
        let index = self.sets.binary_search_by_key(&number, |set| set.number).ok()?;
        self.sets.get(index).map(|set| KeySet { number, key: set.key.clone() })
    }

    /// The newest set of which this is true, of those the module was seen to hold. No service key is
    /// ever made of the factory secret.
    pub fn newest_held(&self, is_meant: impl Fn(&KeySet) -> bool) -> Option<KeySet> {
        let held = self.sets.iter().rev().filter(|set| set.used);
        held.map(|set| KeySet { number: set.number, key: set.key.clone() }).find(is_meant)
    }

    /// Offers the successor of a set under a number never used before; none once the numbers
    /// are used up.
    pub fn offer(&mut self, present: &KeySet, rot: RotUid, nonces: (&[u8], &[u8])) -> Option<u32> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        let KeySet { key, .. } = present.successor(rot, number, nonces.0, nonces.1);
        self.sets.push(StoredKeySet { number, key, used: false });
        if self.sets.iter().filter(|set| !set.used).count() > OFFERS_MAX {
            // The sets are in the order they were offered, so the first unused one is the oldest.
            let oldest = self.sets.iter().position(|set| !set.used);
            oldest.map(|index| self.sets.remove(index));
        }
        Some(number)
    }

    /// An accepted exchange was authenticated by this set.
    pub fn mark_used(&mut self, number: u32) {
        if let Ok(index) = self.sets.binary_search_by_key(&number, |set| set.number) {
            self.sets[index].used = true;
        }
    }

    /// Both ends agreed on this set.
    pub fn commit(&mut self, number: u32) {
        self.committed = number;
    }

    /// The set both ends agreed on last; 0 before the first bootstrap.
    pub fn committed(&self) -> u32 {
        self.committed
    }

    /// The numbers that authenticate, the factory secret's first.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        std::iter::once(FACTORY_KEY_SET).chain(self.sets.iter().map(|set| set.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROT: RotUid = RotUid([1; 8]);

    fn offer(keys: &mut KeySets, from: u32) -> Option<u32> {
        let present = keys.get(from, ROT, &MasterKey::development())?;
        keys.offer(&present, ROT, (&[1; 16], &[2; 16]))
    }

    #[test]
    fn a_number_is_never_offered_twice_and_every_used_set_stays() {
        let mut keys = KeySets::default();
        assert_eq!(offer(&mut keys, 0), Some(1));
        keys.mark_used(1);
        keys.commit(1);
        for number in 2..300 {
            assert_eq!(offer(&mut keys, 1), Some(number));
        }
        let expected: Vec<u32> = [0, 1].into_iter().chain(300 - OFFERS_MAX as u32..300).collect();
        assert_eq!(keys.numbers().collect::<Vec<_>>(), expected);
        assert_eq!(keys.committed(), 1);
    }

    #[test]
    fn an_offer_is_derived_from_the_set_that_authenticated() {
        let (mut from_factory, mut from_first) = (KeySets::default(), KeySets::default());
        offer(&mut from_factory, 0);
        offer(&mut from_first, 0);
        assert_eq!(offer(&mut from_factory, 0), offer(&mut from_first, 1));
        let second = |keys: &KeySets| keys.get(2, ROT, &MasterKey::development());
        assert_ne!(second(&from_factory), second(&from_first));
        assert_eq!(from_factory.get(3, ROT, &MasterKey::development()), None);
    }

    #[test]
    fn of_the_sets_that_were_used_the_newest_that_is_meant_is_found() {
        let mut keys = KeySets::default();
        assert_eq!(
            (offer(&mut keys, 0), offer(&mut keys, 0), offer(&mut keys, 0)),
            (Some(1), Some(2), Some(3))
        );
        let found = |keys: &KeySets, numbers: std::ops::RangeInclusive<u32>| {
            keys.newest_held(|set| numbers.contains(&set.number)).map(|set| set.number)
        };
        assert_eq!(found(&keys, 0..=3), None, "none was used");
        keys.mark_used(1);
        keys.mark_used(2);
        assert_eq!(found(&keys, 0..=3), Some(2));
        assert_eq!(found(&keys, 1..=1), Some(1));
        assert_eq!(found(&keys, 0..=0), None, "not the factory secret");
    }

    #[test]
    fn numbers_that_are_used_up_make_no_offer() {
        let mut keys = KeySets { next: u32::MAX, ..KeySets::default() };
        assert_eq!(offer(&mut keys, 0), None);
    }
}
