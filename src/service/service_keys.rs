//! Keys of the services, derived again from what a device was heard to say of them.

use std::sync::Arc;

use super::account::Account;
use super::device::Device;
use super::operator::OperatorError;
use super::store::Store;
use crate::protocol::keys::psk::{Psk, PskId};
use crate::protocol::keys::{KeySet, RotUid, UidTail};

impl<S: Store> Account<'_, S> {
    /// A pre-shared key of one of its devices, without contacting it.
    pub fn psk(&self, id: &PskId) -> Result<(RotUid, Psk), OperatorError> {
        let (device, set) = self.maker_of_key(id.tail, id.key_set)?;
        Ok((device.rot, set.psk(device.rot, id)))
    }

    /// The device whose UID ends so, and the set of it whose number ends so. One that has the set
    /// but no services is told so.
    fn maker_of_key(&self, tail: UidTail, key_set: u16) -> Result<(Arc<Device>, KeySet), OperatorError> {
        let mine = self.devices_with_tail(tail)?;
        let with_set = |device: Arc<Device>| device.keys.newest_held(key_set).map(|set| (device, set));
        let mut found = mine.into_iter().filter_map(with_set);
        let (device, set) = found.next().ok_or_else(|| self.unknown_key())?;
        if device.has_services() { Ok((device, set)) } else { Err(OperatorError::NoServices(device.rot)) }
    }
}
