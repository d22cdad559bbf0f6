//! Local data protection: the key of data that stays with the host, and the nonce of each piece of it.
//!
//! The key is made once, when it is first needed: HKDF-SHA256 of the key set committed then, with 32
//! random bytes of the module as the salt and `vsara local` ‖ UID as the info. The salt is never
//! stored nor sent, so nobody can make the key again, the service included; it is kept for good, since
//! data at rest outlives key sets. All of it is `designed`.
//!
//! A protected piece is header ‖ ciphertext ‖ tag, n + 28 bytes, AES-128-CCM under the first 16 bytes
//! of the key. The header, 12 bytes, is the nonce: `31 01 00 00` ‖ a counter of 64 bits.

use super::e2e::MessageKey;
use super::{Key, KeySet, RotUid};

/// Length of the header, in bytes.
pub const LOCAL_HEADER_LEN: usize = 12;

const PREFIX: [u8; 4] = [0x31, 0x01, 0, 0];

/// What stands before a protected piece of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalHeader {
    /// Never twice under one key.
    pub counter: u64,
}

impl LocalHeader {
    /// As it stands before the data.
    pub fn encode(&self) -> [u8; LOCAL_HEADER_LEN] {
        let mut bytes = [0; LOCAL_HEADER_LEN];
        bytes[..4].copy_from_slice(&PREFIX);
        bytes[4..].copy_from_slice(&self.counter.to_be_bytes());
        bytes
    }

    /// The header of a protected piece, and what follows it.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let rest = bytes.strip_prefix(&PREFIX)?;
        let (counter, sealed) = rest.split_first_chunk()?;
        Some((Self { counter: u64::from_be_bytes(*counter) }, sealed))
    }

    /// Key and nonce of this piece.
    pub fn message_key(&self, local: &Key) -> MessageKey {
        let mut key = [0; 16];
        key.copy_from_slice(&local.as_bytes()[..16]);
        MessageKey { key, nonce: self.encode() }
    }
}

impl KeySet {
    /// A key that only whoever knows `salt` can make.
    pub fn local_key(&self, rot: RotUid, salt: &[u8; 32]) -> Key {
        self.key.derive(salt, &[b"vsara local", &rot.0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::MasterKey;
    use super::*;
    use crate::protocol::protection::seal;

    const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);

    #[test]
    fn a_protected_piece_is_pinned_by_a_test_vector() {
        let set = MasterKey::development().factory_secret(ROT).successor(ROT, 1, &[1; 16], &[2; 16]);
        let local = set.local_key(ROT, &[3; 32]);
        let header = LocalHeader { counter: 5 };
        let sealed = seal(&header.message_key(&local), b"a secret");
        // Computed by Python's `hmac` and AES-128-CCM of its package `cryptography`.
        assert_eq!(
            hex::encode([&header.encode()[..], &sealed].concat()),
            "310100000000000000000005e96e4683e49ae1612df2b01fc3868bf143f4a75588f24005"
        );
    }

    #[test]
    fn every_header_comes_back_as_it_was() {
        for counter in [0, 1, u64::MAX] {
            let header = LocalHeader { counter };
            let bytes = [&header.encode()[..], b"rest"].concat();
            assert_eq!(LocalHeader::split(&bytes), Some((header, &b"rest"[..])));
        }
        for wrong in [&b""[..], &[0x31, 1, 0, 0], &[0x31, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(LocalHeader::split(wrong), None);
        }
    }
}
