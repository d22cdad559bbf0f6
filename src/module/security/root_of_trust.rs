//! The root of trust: the key sets a module holds, and the secrets it shares with other chips.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::module::credentials::Credentials;
use crate::module::security::{DeviceCertificate, Pairings};
use crate::module::tls::TlsNvm;
use crate::protocol::keys::{FACTORY_KEY_SET, Key, KeySet};

/// The secrets of a module. They live in a file of their own, readable by its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The set both ends agreed on: the factory secret until the bootstrap replaced it.
    committed: StoredKeySet,
    /// A set the service offered and has not confirmed yet. Once there is one it is always used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<StoredKeySet>,
    /// The set that was committed before: messages to the module may still be on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<StoredKeySet>,
    /// The key of local data protection, once it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    local: Option<Key>,
    /// Key and certificate of zero touch provisioning, shared by the copies that every write makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<Arc<DeviceCertificate>>,
    /// What it shares with chips of hosts.
    #[serde(default, skip_serializing_if = "Pairings::is_empty")]
    pub(in crate::module) pairings: Pairings,
    /// TLS profiles, shared by the copies that every write makes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Arc<TlsNvm>,
    /// Certificates and keys of `+USECMNG`, shared alike.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credentials: Arc<Credentials>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeySet {
    number: u32,
    key: Key,
}

impl Secrets {
    /// From the factory.
    pub fn factory(secret: KeySet) -> Self {
        Self {
            committed: secret.into(),
            pending: None,
            previous: None,
            local: None,
            certificate: None,
            pairings: Pairings::default(),
            tls: Arc::default(),
            credentials: Arc::default(),
        }
    }

    /// Pairings with chips of hosts.
    pub fn pairings(&self) -> &Pairings {
        &self.pairings
    }

    /// The set that authenticates the next session.
    pub fn in_use(&self) -> KeySet {
        self.pending.as_ref().unwrap_or(&self.committed).clone().into()
    }

    /// The set both ends agreed on, from which service keys are derived.
    pub fn committed(&self) -> KeySet {
        self.committed.clone().into()
    }

    /// The newest set of which this is true, of those held. The factory secret is none of them: no
    /// key of a service is made of it.
    pub fn find(&self, is_meant: impl Fn(&KeySet) -> bool) -> Option<KeySet> {
        let held = [self.pending.as_ref(), Some(&self.committed), self.previous.as_ref()];
        let mut held = held.into_iter().flatten().map(|set| KeySet::from(set.clone()));
        held.find(|set| set.number != FACTORY_KEY_SET && is_meant(set))
    }

    /// The key of local data protection, if there is one yet.
    pub fn local(&self) -> Option<&Key> {
        self.local.as_ref()
    }

    /// The key of local data protection; made at the first call.
    pub fn local_or_make(&mut self, make: impl FnOnce() -> Key) -> &Key {
        self.local.get_or_insert_with(make)
    }

    /// Key and certificate of zero touch provisioning.
    pub fn certificate(&self) -> Option<&DeviceCertificate> {
        self.certificate.as_deref()
    }

    /// Puts a certificate in the place of the one held, if there is one; where there is to be none, the
    /// key goes with it.
    pub(super) fn put_certificate(&mut self, wanted: bool, renewed: Option<DeviceCertificate>) {
        self.certificate =
            if wanted { renewed.map(Arc::new).or_else(|| self.certificate.take()) } else { None };
    }

    /// Whether the set in use has still to be confirmed.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Stores an offer.
    pub fn offer(&mut self, set: KeySet) {
        self.pending = Some(set.into());
    }

    /// The service has confirmed the set in use; whether that is a new one.
    pub fn commit(&mut self) -> bool {
        let Some(set) = self.pending.take() else { return false };
        self.previous = Some(std::mem::replace(&mut self.committed, set));
        true
    }
}

fn is_default<T: Default + PartialEq>(shared: &Arc<T>) -> bool {
    **shared == T::default()
}

impl From<KeySet> for StoredKeySet {
    fn from(KeySet { number, key }: KeySet) -> Self {
        Self { number, key }
    }
}

impl From<StoredKeySet> for KeySet {
    fn from(StoredKeySet { number, key }: StoredKeySet) -> Self {
        Self { number, key }
    }
}

/// A placeholder between reading the two files of a module, never used for a session.
impl Default for Secrets {
    fn default() -> Self {
        Self::factory(KeySet { number: 0, key: Key::from_bytes([0; 32]) })
    }
}
