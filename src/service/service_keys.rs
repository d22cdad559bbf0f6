//! Keys of the services, derived again from what a device was heard to say of them.

use std::sync::Arc;

use super::account::Account;
use super::device::Device;
use super::operator::OperatorError;
use super::store::Store;
use crate::protocol::keys::e2e::{E2eHeader, MessageKey};
use crate::protocol::keys::psk::{Psk, PskId};
use crate::protocol::keys::{KeySet, RotUid, UidTail};

impl<S: Store> Account<'_, S> {
    /// A pre-shared key of one of its devices, without contacting it.
    pub fn psk(&self, id: &PskId) -> Result<(RotUid, Psk), OperatorError> {
        let (device, set) = self.maker_of_key(id.tail, |set| set.short_number() == id.key_set)?;
        Ok((device.rot, set.psk(device.rot, id)))
    }

    /// Key and nonce of a message that one of its devices has protected.
    pub fn message_key(&self, header: &E2eHeader) -> Result<(RotUid, MessageKey), OperatorError> {
        let (device, set) = self.maker_of_key(header.tail(), |set| header.names(set))?;
        Ok((device.rot, set.message_key(device.rot, header)))
    }

    /// Header, key and nonce of one message to a device. They are stored as used before this returns,
    /// and never come again.
    pub fn downlink(&mut self, rot: RotUid) -> Result<(E2eHeader, MessageKey), OperatorError> {
        let device = self.device(rot)?;
        if !device.has_services() {
            return Err(OperatorError::NoServices(rot));
        }
        let committed = device.keys.committed();
        let set = device.keys.newest_held(|set| set.number == committed);
        let set = set.ok_or(OperatorError::NoServices(rot))?;
        let header = self.operator().next_downlink(rot, &set)?;
        let key = set.message_key(rot, &header);
        Ok((header, key))
    }

    /// Asks for a new key set at the next heartbeat of a device, and with it for new keys of all
    /// services.
    pub fn rotate_keys(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        self.device(rot)?;
        self.operator().ask_for_new_key_set(rot)
    }

    /// The device whose UID ends so, and the set of it that is meant. One that has the set but no
    /// services is told so.
    fn maker_of_key(
        &self,
        tail: UidTail,
        is_meant: impl Fn(&KeySet) -> bool,
    ) -> Result<(Arc<Device>, KeySet), OperatorError> {
        let with_set = |device: Arc<Device>| device.keys.newest_held(&is_meant).map(|set| (device, set));
        let mut found = self.devices_with_tail(tail)?.into_iter().filter_map(with_set);
        let (device, set) = found.next().ok_or_else(|| self.unknown_key())?;
        if device.has_services() { Ok((device, set)) } else { Err(OperatorError::NoServices(device.rot)) }
    }
}
