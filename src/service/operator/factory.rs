//! New modules, as far as the service has a hand in them.

use rand_core::Rng;

use super::{Operator, OperatorError};
use crate::protocol::keys::{KeySet, RotUid};
use crate::service::store::Store;

/// Most modules made at once.
pub const FACTORY_MAX: usize = 1000;

/// The first two bytes of every root of trust UID, those of the published example. The last six
/// differ, since they find the module again.
const UID_PREFIX: [u8; 2] = [0x0a, 0x04];

impl<S: Store> Operator<'_, S> {
    /// Makes roots of trust with their factory secrets, which are derived and never stored; puts them
    /// on the whitelist of a device profile, if one is named.
    pub fn make_modules(
        &mut self,
        count: usize,
        whitelist: Option<&str>,
    ) -> Result<Vec<(RotUid, KeySet)>, OperatorError> {
        if !(1..=FACTORY_MAX).contains(&count) {
            return Err(OperatorError::Count { max: FACTORY_MAX });
        }
        let mut rots: Vec<RotUid> = Vec::with_capacity(count);
        while rots.len() < count {
            let rot = self.draw_rot();
            if !rots.contains(&rot) && self.registry.device(rot)?.is_none() {
                rots.push(rot);
            }
        }
        if let Some(uid) = whitelist {
            self.whitelist_add(uid, &rots)?;
        }
        Ok(rots.into_iter().map(|rot| (rot, self.registry.master.factory_secret(rot))).collect())
    }

    fn draw_rot(&mut self) -> RotUid {
        let mut uid = [0; 8];
        self.registry.entropy().fill_bytes(&mut uid);
        uid[..2].copy_from_slice(&UID_PREFIX);
        RotUid(uid)
    }
}
