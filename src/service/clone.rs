//! Refusals, as the owner reads of them.

use super::device::Device;
use super::event::{EventKind, Reason};
use super::exchange::Contact;
use super::registry::Registry;
use super::store::{Store, StoreError};
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
}
