//! The contact chain: who goes on where the last accepted exchange ended, and who is a copy.
//!
//! One step for every exchange. The module draws a nonce, stores it and sends it with all it
//! holds; the service, if it accepts, stores that nonce and one of its own before it answers;
//! the answer's nonce replaces all the module held. So the last accepted nonce, or the one it
//! was answered with, is always among those an original sends, whatever was lost on the way;
//! a copy made before that nonce was drawn has neither.

use serde::{Deserialize, Serialize};

use crate::protocol::message::{ChainNonce, Step};
use crate::time::Timestamp;

/// The service's end of the contact chain of one root of trust.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The last exchange that was accepted; none where nothing was seen yet.
    last: Option<Link>,
    /// The one before it, by which a recent copy is told from an old one.
    previous: Option<Link>,
}

/// One accepted exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The module's nonce.
    #[serde(with = "nonce_hex")]
    pub accepted: ChainNonce,
    /// The service's nonce.
    #[serde(with = "nonce_hex")]
    pub answered: ChainNonce,
    /// When, on the service's system clock.
    pub at: Timestamp,
}

/// What the chain says of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was seen of this root of trust: the first one wins.
    First,
    /// It goes on where the last accepted exchange ended.
    Continues,
    /// A copy: refused.
    Clone {
        /// When the copied step was accepted, where it is the one just before the last.
        copy_of: Option<Timestamp>,
    },
}

impl Chain {
    /// Judges a contact; changes nothing.
    pub fn verdict(&self, step: &Step) -> Verdict {
        let Some(last) = &self.last else { return Verdict::First };
        if last.is_among(step) {
            return Verdict::Continues;
        }
        let previous = self.previous.as_ref().filter(|link| link.is_among(step));
        Verdict::Clone { copy_of: previous.map(|link| link.at) }
    }

    /// Takes an accepted exchange into the chain.
    pub fn accept(&mut self, link: Link) {
        self.previous = self.last.replace(link);
    }

    /// Which of these nonces the service holds.
    pub fn held_among(&self, sent: &[ChainNonce]) -> Vec<ChainNonce> {
        let Some(last) = &self.last else { return Vec::new() };
        sent.iter().copied().filter(|nonce| last.has(*nonce)).collect()
    }

    /// The last accepted exchange.
    pub fn last(&self) -> Option<&Link> {
        self.last.as_ref()
    }
}

impl Link {
    fn has(&self, nonce: ChainNonce) -> bool {
        nonce == self.accepted || nonce == self.answered
    }

    fn is_among(&self, step: &Step) -> bool {
        self.has(step.nonce) || step.held.iter().any(|nonce| self.has(*nonce))
    }
}

/// A chain nonce as 16 hex digits.
mod nonce_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::protocol::message::ChainNonce;

    pub(super) fn serialize<S: Serializer>(nonce: &ChainNonce, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(nonce.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ChainNonce, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut nonce = [0; 8];
        hex::decode_to_slice(text.as_ref(), &mut nonce).map_err(serde::de::Error::custom)?;
        Ok(ChainNonce(nonce))
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
