//! The message IDs a peer has used in this session.

/// A set of message IDs that costs 2 bytes an ID while there are few, and never more than 8 KiB.
#[derive(Default)]
pub(super) struct MessageIds {
    few: Vec<u16>,
    many: Option<Box<[u64; WORDS]>>,
}

const WORDS: usize = 1 << 10;
const FEW: usize = 64;

impl MessageIds {
    /// Adds an ID; false where it was there already.
    pub(super) fn insert(&mut self, id: u16) -> bool {
        if let Some(bits) = &mut self.many {
            let (word, bit) = (usize::from(id >> 6), 1 << (id & 63));
            let new = bits[word] & bit == 0;
            bits[word] |= bit;
            return new;
        }
        if self.few.contains(&id) {
            return false;
        }
        if self.few.len() == FEW {
            let few = std::mem::take(&mut self.few);
            self.many = Some(Box::new([0; WORDS]));
            few.into_iter().for_each(|id| _ = self.insert(id));
            return self.insert(id);
        }
        self.few.push(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_id_is_new_once() {
        let mut ids = MessageIds::default();
        for step in 0..=u16::MAX {
            let id = step.wrapping_mul(40_503);
            assert!(ids.insert(id), "{id} is new");
            assert!(!ids.insert(id), "{id} is known");
        }
        assert!((0..=u16::MAX).all(|id| !ids.insert(id)));
    }
}
