//! End-to-end data protection: what stands before a protected message, and the keys that follow from it.
//!
//! The header is the *key identity*: with it alone the service finds device, key set, key and nonce.
//! Shapes are those seen of real modules and of the vendor's own decryption script; how the bytes
//! behind the UID are used is `designed`. Everything is AES-128-CCM (RFC 3610) with a tag of 16 bytes,
//! a nonce of 12 and no associated data, keys by HKDF-SHA256 of the key set ([`super`]).
//!
//! | | header | key and nonce | message |
//! |---|---|---|---|
//! | uplink, version 1 | `11 01` ‖ UID tail (6) ‖ key set (2) ‖ counter (4) ‖ `00 00` | a key a message: salt header, info `vsara e2e uplink 1` ‖ UID; 16 bytes of key, then 12 of nonce | header ‖ ciphertext ‖ tag: n + 32 |
//! | uplink, version 2 | `2` ‖ key set (12 bits) ‖ UID tail (6) … see below | one key a key set: no salt, info `vsara e2e uplink 2` ‖ UID, 16 bytes; the nonce is header ‖ `00` | header ‖ ciphertext ‖ tag: n + 28 |
//! | downlink | `11 02` ‖ UID tail (6) ‖ key set (2) ‖ counter (4) ‖ service generation (2) | as version 1 with `vsara e2e downlink` | n + 32 |
//!
//! The 11 bytes of version 2: the digit 2 and the high 4 of 12 bits of the key set in the first byte,
//! the UID tail, the low 8 bits of the key set, a counter of 24 bits. What is encrypted is the message
//! and one byte `00` behind it, which closes it as the content type closes one of TLS 1.3 (RFC 8446,
//! 5.4); so the tag has all of its 16 bytes in an overhead of 28.

use super::psk::ID_PREFIX;
use super::{KeySet, RotUid, UidTail};

/// Length of the header of version 1 and of the downlink, in bytes.
pub const HEADER_1_LEN: usize = 16;

/// Length of the header of version 2, in bytes.
pub const HEADER_2_LEN: usize = 11;

/// How many messages of version 2 there are of one key set.
pub const MESSAGES_2_MAX: u32 = 1 << 24;

/// How many messages of version 1 there are of one key set.
pub const MESSAGES_1_MAX: u32 = u32::MAX;

const DOWNLINK_PREFIX: [u8; 2] = [0x11, 0x02];

/// How an uplink message is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum E2eVersion {
    /// A key of its own for every message.
    #[default]
    One,
    /// One key until the key set is replaced.
    Two,
}

/// What stands before a protected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum E2eHeader {
    /// From the module.
    Uplink {
        /// How it is protected.
        version: E2eVersion,
        /// Whose it is.
        tail: UidTail,
        /// The low bits of the number of the key set: 16 in version 1, 12 in version 2.
        key_set: u16,
        /// Never twice under one key set and version.
        counter: u32,
    },
    /// To the module.
    Downlink {
        /// Whose it is.
        tail: UidTail,
        /// The low 16 bits of the number of the key set.
        key_set: u16,
        /// Never twice under one key set and generation.
        counter: u32,
        /// The low 16 bits of the generation of the service's store.
        generation: u16,
    },
}

/// The key and the nonce of one message.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageKey {
    /// AES-128.
    pub key: [u8; 16],
    /// Of this message alone.
    pub nonce: [u8; 12],
}

/// Bytes that are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the header is what stands before a protected message: 16 bytes that begin with 1101 (1102 downlink), or 11 \
     whose first digit is 2"
)]
pub struct NotAHeader;

impl E2eHeader {
    /// As it stands before the message.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Uplink { version: E2eVersion::One, tail, key_set, counter } => {
                header_1(ID_PREFIX, tail, key_set, counter, 0)
            }
            Self::Uplink { version: E2eVersion::Two, tail, key_set, counter } => {
                let [high, low] = key_set.to_be_bytes();
                let [_, counter @ ..] = counter.to_be_bytes();
                [&[0x20 | high & 0x0f][..], &tail.0, &[low], &counter].concat()
            }
            Self::Downlink { tail, key_set, counter, generation } => {
                header_1(DOWNLINK_PREFIX, tail, key_set, counter, generation)
            }
        }
    }

    /// From the bytes of a header, and no more.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAHeader> {
        match *bytes {
            [0x11, kind, a, b, c, d, e, f, s, t, i, j, k, l, g, h] => {
                let (tail, key_set) = (UidTail([a, b, c, d, e, f]), u16::from_be_bytes([s, t]));
                let counter = u32::from_be_bytes([i, j, k, l]);
                match (kind, u16::from_be_bytes([g, h])) {
                    (0x01, 0) => Ok(Self::Uplink { version: E2eVersion::One, tail, key_set, counter }),
                    (0x02, generation) => Ok(Self::Downlink { tail, key_set, counter, generation }),
                    _ => Err(NotAHeader),
                }
            }
            [first @ 0x20..=0x2f, a, b, c, d, e, f, low, i, j, k] => Ok(Self::Uplink {
                version: E2eVersion::Two,
                tail: UidTail([a, b, c, d, e, f]),
                key_set: u16::from_be_bytes([first & 0x0f, low]),
                counter: u32::from_be_bytes([0, i, j, k]),
            }),
            _ => Err(NotAHeader),
        }
    }

    /// Whose it is.
    pub const fn tail(&self) -> UidTail {
        match *self {
            Self::Uplink { tail, .. } | Self::Downlink { tail, .. } => tail,
        }
    }

    /// Whether this set is meant, as far as the bits of its number tell.
    pub const fn names(&self, set: &KeySet) -> bool {
        match *self {
            Self::Uplink { version: E2eVersion::Two, key_set, .. } => set.short_number() & 0x0fff == key_set,
            Self::Uplink { key_set, .. } | Self::Downlink { key_set, .. } => set.short_number() == key_set,
        }
    }
}

impl KeySet {
    /// Key and nonce of the message with this header, which has to name this set and root of trust.
    pub fn message_key(&self, rot: RotUid, header: &E2eHeader) -> MessageKey {
        let bytes = header.encode();
        let label: &[u8] = match header {
            E2eHeader::Uplink { version: E2eVersion::One, .. } => b"vsara e2e uplink 1",
            E2eHeader::Uplink { version: E2eVersion::Two, .. } => {
                let key = self.key.derive(&[], &[b"vsara e2e uplink 2", &rot.0]);
                return MessageKey { key: part(&key.0, 0), nonce: part(&bytes, 0) };
            }
            E2eHeader::Downlink { .. } => b"vsara e2e downlink",
        };
        let key = self.key.derive(&bytes, &[label, &rot.0]);
        MessageKey { key: part(&key.0, 0), nonce: part(&key.0, 16) }
    }
}

impl std::fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageKey(…)")
    }
}

fn header_1(prefix: [u8; 2], tail: UidTail, key_set: u16, counter: u32, last: u16) -> Vec<u8> {
    [&prefix[..], &tail.0, &key_set.to_be_bytes(), &counter.to_be_bytes(), &last.to_be_bytes()].concat()
}

/// Bytes from a place on; zeros where there are no more.
fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes.get(from + index).copied().unwrap_or(0))
}

#[cfg(test)]
#[path = "e2e_tests.rs"]
mod tests;
