//! Refusals and wrong keys, as the owner reads of them.

use std::net::SocketAddr;

use super::device::Device;
use super::event::{EventKind, Reason};
use super::exchange::Contact;
use super::registry::Registry;
use super::store::{Store, StoreError};
use crate::protocol::keys::PskIdentity;
use crate::time::Timestamp;

impl<S: Store> Registry<S> {
    /// Every refusal is a clone event. One that matches the step just before the last accepted
    /// is suspicious too: it is a fresh copy, or an original whose copy was quicker.
    pub(super) fn note_clone(
        &mut self,
        device: &Device,
        contact: &Contact,
        copy_of: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let reason = Reason::ChainBroken { copy_of, key_set: contact.identity.key_set };
        let mut notes = vec![(EventKind::Clone, reason.clone())];
        if copy_of.is_some() {
            notes.push((EventKind::Suspicious, reason));
        }
        self.note(device, contact.peer, notes, now)
    }
    /// Handshake after handshake in the name of a device ended with a wrong key. Who was never seen
    /// is nobody's news.
    pub(super) fn note_wrong_key(
        &mut self,
        identity: PskIdentity,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(device) = self.device(identity.rot)? else { return Ok(()) };
        let reason = Reason::BadMac { key_set: identity.key_set };
        self.note(&device, peer, vec![(EventKind::Suspicious, reason)], now)
    }
}
