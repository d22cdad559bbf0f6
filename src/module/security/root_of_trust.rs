//! The root of trust: the key sets a module holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::module::tls::TlsNvm;
use crate::protocol::keys::{Key, KeySet};

/// The secrets of a module. They live in a file of their own, readable by its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The set both ends agreed on: the factory secret until the bootstrap replaced it.
    committed: StoredKeySet,
    /// A set the service offered and has not confirmed yet. Once there is one it is always used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<StoredKeySet>,
    /// TLS profiles, shared by the copies that every write makes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Arc<TlsNvm>,
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
        Self { committed: secret.into(), pending: None, tls: Arc::default() }
    }

    /// The set that authenticates the next session.
    pub fn in_use(&self) -> KeySet {
        self.pending.as_ref().unwrap_or(&self.committed).clone().into()
    }

    /// The set both ends agreed on, from which service keys are derived.
    pub fn committed(&self) -> KeySet {
        self.committed.clone().into()
    }

    /// Whether the set in use has still to be confirmed.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Stores an offer.
    pub fn offer(&mut self, set: KeySet) {
        self.pending = Some(set.into());
    }

    /// The service has confirmed the set in use.
    pub fn commit(&mut self) {
        if let Some(set) = self.pending.take() {
            self.committed = set;
        }
    }
}

fn is_default(tls: &TlsNvm) -> bool {
    *tls == TlsNvm::default()
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
