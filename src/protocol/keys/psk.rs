//! Pre-shared keys of Symmetric KMS (`AT+USECPSK`), which the service derives again from their identity.
//!
//! The identity has the shape of those seen of real modules; what its last six bytes are is `designed`:
//!
//! | bytes | |
//! |---|---|
//! | 0–1 | `11 01` |
//! | 2–7 | the last six bytes of the RoT public UID, which find the module again |
//! | 8–9 | the key set, the low 16 bits of its number |
//! | 10–13 | a counter of 31 bits; in front of it a bit that is 1 for a key of 32 bytes, 0 for one of 16 |
//!
//! The key is made of the key set both ends agreed on (HKDF-SHA256, see [`super`]): the salt is the
//! identity, the info `vsara psk` ‖ UID. A key of 16 bytes is the first half of the output. Since the
//! length is part of the identity, no key is the beginning of another.

use std::fmt;

use super::{KeySet, RotUid, UidTail};

/// Length of an identity, in bytes.
pub const PSK_ID_LEN: usize = 14;

/// How many keys there are of one key set.
pub const PSKS_MAX: u32 = 1 << 31;

/// What every identity begins with, and every header of an end-to-end encrypted message of version 1.
pub(super) const ID_PREFIX: [u8; 2] = [0x11, 0x01];

/// The bit of the last four bytes that says 32 bytes.
const LONG: u32 = 1 << 31;

/// How long a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PskLength {
    /// 16 bytes.
    Bytes16,
    /// 32 bytes.
    Bytes32,
}

/// By what a key is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PskId {
    /// Whose it is.
    pub tail: UidTail,
    /// Of which key set: the low 16 bits of its number.
    pub key_set: u16,
    /// How long the key is.
    pub length: PskLength,
    /// Never twice under one key set; less than [`PSKS_MAX`].
    pub counter: u32,
}

/// A key of 16 or 32 bytes that never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Psk {
    bytes: [u8; 32],
    length: PskLength,
}

/// Bytes that are no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the identity of a PSK is {PSK_ID_LEN} bytes that begin with 1101")]
pub struct NotAPskId;

impl PskLength {
    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bytes16 => 16,
            Self::Bytes32 => 32,
        }
    }
}

impl PskId {
    /// As the module says it.
    pub fn encode(&self) -> [u8; PSK_ID_LEN] {
        let long = if self.length == PskLength::Bytes32 { LONG } else { 0 };
        let mut id = [0; PSK_ID_LEN];
        id[..2].copy_from_slice(&ID_PREFIX);
        id[2..8].copy_from_slice(&self.tail.0);
        id[8..10].copy_from_slice(&self.key_set.to_be_bytes());
        id[10..].copy_from_slice(&(self.counter & !LONG | long).to_be_bytes());
        id
    }

    /// As a client of the owner's server presents it.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAPskId> {
        let bytes: [u8; PSK_ID_LEN] = bytes.try_into().map_err(|_| NotAPskId)?;
        let [0x11, 0x01, a, b, c, d, e, f, high, low, word @ ..] = bytes else { return Err(NotAPskId) };
        let word = u32::from_be_bytes(word);
        Ok(Self {
            tail: UidTail([a, b, c, d, e, f]),
            key_set: u16::from_be_bytes([high, low]),
            length: if word & LONG == 0 { PskLength::Bytes16 } else { PskLength::Bytes32 },
            counter: word & !LONG,
        })
    }
}

impl Psk {
    /// The key, 16 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.bytes()]
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(…)")
    }
}

impl KeySet {
    /// The key of this identity, which has to be one of this root of trust and key set.
    pub fn psk(&self, rot: RotUid, id: &PskId) -> Psk {
        let key = self.key.derive(&id.encode(), &[b"vsara psk", &rot.0]);
        Psk { bytes: key.0, length: id.length }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MasterKey;
    use super::*;

    const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);

    fn id(length: PskLength, counter: u32) -> PskId {
        PskId { tail: ROT.tail(), key_set: 1, length, counter }
    }

    fn first_set() -> KeySet {
        MasterKey::development().factory_secret(ROT).successor(ROT, 1, &[1; 16], &[2; 16])
    }

    #[test]
    fn identities_and_keys_are_pinned_by_test_vectors() {
        let check = |length, counter, expected: [&str; 2]| {
            let id = id(length, counter);
            let found = [hex::encode(id.encode()), hex::encode(first_set().psk(ROT, &id).as_bytes())];
            assert_eq!(found, expected);
        };
        // The keys were computed by an independent HKDF-SHA256 (RFC 5869 on Python's `hmac`).
        check(PskLength::Bytes16, 0, ["1101f008003c9623000100000000", "37692b9bc756e1aced81fe04e8116a9e"]);
        check(
            PskLength::Bytes32,
            1,
            [
                "1101f008003c9623000180000001",
                "b4cb0582985cbc87d1feec992a54a7bf965b4d6347ece1c60773c32b90f981c2",
            ],
        );
    }

    #[test]
    fn every_identity_comes_back_as_it_was() {
        for length in [PskLength::Bytes16, PskLength::Bytes32] {
            for counter in [0, 1, 255, PSKS_MAX - 1] {
                let id = id(length, counter);
                assert_eq!(PskId::decode(&id.encode()), Ok(id));
            }
        }
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        let fine = id(PskLength::Bytes32, 7).encode();
        let other_version = [&[0x21, 0x01], &fine[2..]].concat();
        for wrong in [&[][..], &fine[..13], &[&fine[..], &[0]].concat(), &other_version] {
            assert_eq!(PskId::decode(wrong), Err(NotAPskId), "{}", hex::encode(wrong));
        }
    }

    #[test]
    fn a_short_key_is_not_the_beginning_of_a_long_one() {
        let key = |length| first_set().psk(ROT, &id(length, 5));
        let (short, long) = (key(PskLength::Bytes16), key(PskLength::Bytes32));
        assert_eq!((short.as_bytes().len(), long.as_bytes().len()), (16, 32));
        assert_ne!(short.as_bytes(), &long.as_bytes()[..16]);
        assert_eq!(format!("{long:?}"), "Psk(…)");
    }
}
