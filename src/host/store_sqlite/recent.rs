//! [`RecentDevices`]: devices that were read or written a moment ago.

use std::collections::HashMap;
use std::sync::Arc;

use crate::protocol::keys::RotUid;
use crate::service::device::Device;

/// Devices of one generation; of two together at most twice as many are kept, about 1 KiB each.
const GENERATION_MAX: usize = 256;

/// The devices that the open group, and those before it, met last: a bootstrap asks for its device six
/// times. They are as in the file while nobody else writes to it, so they are asked for within a group
/// only, which keeps everybody else from writing.
#[derive(Default)]
pub(super) struct RecentDevices {
    /// What SQLite calls `data_version`: another one means that somebody else has written.
    version: i64,
    young: HashMap<RotUid, Arc<Device>>,
    old: HashMap<RotUid, Arc<Device>>,
}

impl RecentDevices {
    /// A group begins on a file of this version.
    pub(super) fn begin(&mut self, version: i64) {
        if self.version != version {
            self.clear();
            self.version = version;
        }
    }

    pub(super) fn get(&mut self, rot: RotUid) -> Option<Arc<Device>> {
        if let Some(device) = self.young.get(&rot) {
            return Some(Arc::clone(device));
        }
        let device = self.old.remove(&rot)?;
        self.insert(&device);
        Some(device)
    }

    /// Read or written. The generation before the last is forgotten.
    pub(super) fn insert(&mut self, device: &Arc<Device>) {
        if self.young.len() == GENERATION_MAX && !self.young.contains_key(&device.rot) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(device.rot, Arc::clone(device));
    }

    /// What was written is no more, or the file is another.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn device(number: usize) -> Arc<Device> {
        let rot = RotUid((number as u64).to_be_bytes());
        Arc::new(Device::new(rot, 0, Timestamp::from_millis(0)))
    }

    #[test]
    fn it_keeps_what_was_asked_for_last_and_never_more_than_two_generations() {
        let mut recent = RecentDevices::default();
        let asked_for = device(0);
        for number in 0..10 * GENERATION_MAX {
            recent.insert(&device(number));
            assert_eq!(recent.get(asked_for.rot), Some(Arc::clone(&asked_for)));
            assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION_MAX);
        }
        assert_eq!(recent.get(device(1).rot), None);
    }

    #[test]
    fn what_is_written_again_is_found_as_it_was_written_last() {
        let mut recent = RecentDevices::default();
        recent.insert(&device(1));
        (2..=GENERATION_MAX + 1).for_each(|number| recent.insert(&device(number)));
        let changed = Arc::new(Device { heartbeats: 7, ..Device::clone(&device(1)) });
        recent.insert(&changed);
        assert_eq!(recent.get(changed.rot), Some(Arc::clone(&changed)));
        (0..GENERATION_MAX).for_each(|number| recent.insert(&device(1000 + number)));
        assert_eq!(recent.get(changed.rot), Some(changed));
    }
}
