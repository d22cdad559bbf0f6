//! Protected messages: AES-128-CCM (RFC 3610) with a tag of 16 bytes, a nonce of 12 and no associated
//! data, and the shapes of end-to-end encrypted messages around it ([`super::keys::e2e`]).

use aes::Aes128;
use ccm::aead::{Aead, KeyInit};
use ccm::consts::{U12, U16};

use super::keys::e2e::{E2eHeader, E2eVersion, MessageKey};

/// Length of a tag, in bytes.
pub const TAG_LEN: usize = 16;

/// Closes the plaintext of version 2.
const END: u8 = 0;

type Cipher = ccm::Ccm<Aes128, U16, U12>;

/// A message that was changed on its way, or was never protected with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message was changed, or is of another key")]
pub struct NotGenuine;

/// Encrypts; returns ciphertext and tag. A key and a nonce are used together once.
pub fn seal(key: &MessageKey, plaintext: &[u8]) -> Vec<u8> {
    // expect: CCM refuses 16 MB and more with a nonce of 12 bytes; no data phase is that long.
    Cipher::new(&key.key.into())
        .encrypt(&key.nonce.into(), plaintext)
        .expect("a message is shorter than 16 MB")
}

/// Decrypts ciphertext and tag.
pub fn open(key: &MessageKey, sealed: &[u8]) -> Result<Vec<u8>, NotGenuine> {
    Cipher::new(&key.key.into()).decrypt(&key.nonce.into(), sealed).map_err(|_| NotGenuine)
}

/// A message as it leaves: header, ciphertext, tag.
pub fn protect(header: &E2eHeader, key: &MessageKey, message: &[u8]) -> Vec<u8> {
    let mut bytes = header.encode();
    match header {
        E2eHeader::Uplink { version: E2eVersion::Two, .. } => {
            bytes.extend(seal(key, &[message, &[END]].concat()));
        }
        _ => bytes.extend(seal(key, message)),
    }
    bytes
}

/// The header of a protected message, and what follows it.
pub fn split_header(bytes: &[u8]) -> Result<(E2eHeader, &[u8]), NotGenuine> {
    use super::keys::e2e::{HEADER_1_LEN, HEADER_2_LEN};
    let length = if bytes.first().is_some_and(|first| first >> 4 == 2) { HEADER_2_LEN } else { HEADER_1_LEN };
    let (header, sealed) = bytes.split_at_checked(length).ok_or(NotGenuine)?;
    Ok((E2eHeader::decode(header).map_err(|_| NotGenuine)?, sealed))
}

/// The message behind a header.
pub fn unprotect(header: &E2eHeader, key: &MessageKey, sealed: &[u8]) -> Result<Vec<u8>, NotGenuine> {
    let mut message = open(key, sealed)?;
    if matches!(header, E2eHeader::Uplink { version: E2eVersion::Two, .. }) && message.pop() != Some(END) {
        return Err(NotGenuine);
    }
    Ok(message)
}
