//! Text to bodies and back, with the keys of a pairing.

use std::ops::RangeInclusive;

use aes::Aes128;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use ring::{digest, hmac};

use super::pairing::{Pairing, SECRET_LEN, Secret, Version};

/// The block of AES, in bytes; the IV is one too.
const BLOCK_LEN: usize = 16;

/// The SHA-256 of version 1, in bytes.
const DIGEST_LEN: usize = 32;

/// What is sent of the HMAC of version 2, in bytes.
const MAC_LEN: usize = 16;

impl Pairing {
    /// The body that protects a text. The IV is to be random, and never used twice with a key.
    pub fn seal(&self, text: &[u8], iv: &[u8; BLOCK_LEN]) -> Vec<u8> {
        let mut padded = padded(text);
        match &self.hmac_key {
            None => {
                let digest = digest::digest(&digest::SHA256, &padded);
                padded.extend_from_slice(digest.as_ref());
                let mut body = encrypt(&self.key, iv, &padded);
                body.extend_from_slice(iv);
                body
            }
            Some(hmac_key) => {
                let mut body = iv.to_vec();
                body.extend(encrypt(&self.key, iv, &padded));
                let mac = mac(hmac_key, &body, &self.te_secret);
                body.extend_from_slice(&mac);
                body
            }
        }
    }

    /// The text in a body; none where it was not made with these keys.
    pub fn open(&self, body: &[u8]) -> Option<Vec<u8>> {
        match &self.hmac_key {
            None => {
                let (ciphertext, iv) = body.split_last_chunk()?;
                let plain = decrypt(&self.key, iv, ciphertext)?;
                let (padded, sent) = plain.split_last_chunk::<DIGEST_LEN>()?;
                let digest = digest::digest(&digest::SHA256, padded);
                are_equal(digest.as_ref(), sent).then(|| unpadded(padded)).flatten()
            }
            Some(hmac_key) => {
                let (authentic, sent) = body.split_last_chunk::<MAC_LEN>()?;
                if !are_equal(&mac(hmac_key, authentic, &self.te_secret), sent) {
                    return None;
                }
                let (iv, ciphertext) = authentic.split_first_chunk()?;
                unpadded(&decrypt(&self.key, iv, ciphertext)?)
            }
        }
    }
}

impl Version {
    /// How long bodies are in which there is text of at most so many bytes, in bytes.
    pub(super) fn body_len(self, text_max: usize) -> RangeInclusive<usize> {
        let beside = match self {
            Version::One => DIGEST_LEN + BLOCK_LEN,
            Version::Two => BLOCK_LEN + MAC_LEN,
        };
        BLOCK_LEN + beside..=padded_len(text_max) + beside
    }
}

/// There is always padding, so a whole block where none is needed.
fn padded_len(text_len: usize) -> usize {
    (text_len / BLOCK_LEN + 1) * BLOCK_LEN
}

/// RFC 5652, 6.3.
fn padded(text: &[u8]) -> Vec<u8> {
    let length = padded_len(text.len());
    let mut padded = Vec::with_capacity(length + DIGEST_LEN);
    padded.extend_from_slice(text);
    padded.resize(length, (length - text.len()) as u8);
    padded
}

fn unpadded(padded: &[u8]) -> Option<Vec<u8>> {
    let count = usize::from(*padded.last()?);
    let text_len = padded.len().checked_sub(count)?;
    let padding = &padded[text_len..];
    let fine = (1..=BLOCK_LEN).contains(&count) && padding.iter().all(|byte| usize::from(*byte) == count);
    fine.then(|| padded[..text_len].to_vec())
}

fn encrypt(key: &Secret, iv: &[u8; BLOCK_LEN], blocks: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes128>::new(key.as_bytes().into(), iv.into()).encrypt_padded_vec::<NoPadding>(blocks)
}

/// None where these are no whole blocks.
fn decrypt(key: &Secret, iv: &[u8; BLOCK_LEN], blocks: &[u8]) -> Option<Vec<u8>> {
    cbc::Decryptor::<Aes128>::new(key.as_bytes().into(), iv.into())
        .decrypt_padded_vec::<NoPadding>(blocks)
        .ok()
}

fn mac(key: &Secret, authentic: &[u8], te_secret: &Secret) -> [u8; MAC_LEN] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()));
    context.update(authentic);
    context.update(te_secret.as_bytes());
    let mut mac = [0; MAC_LEN];
    mac.copy_from_slice(&context.sign().as_ref()[..MAC_LEN]);
    mac
}

/// In a time that does not tell where they differ.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |wrong, (a, b)| wrong | (a ^ b)) == 0
}

const _: () = assert!(SECRET_LEN == BLOCK_LEN, "a key of AES-128 is as long as a block");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The keys of a public unit test of a host's end.
    fn pairing(version: Version) -> Pairing {
        let secret = |text: &str| text.parse::<Secret>().expect("32 hex digits");
        Pairing {
            te_secret: secret("0001020304050607f8f9fafbfcfdfeff"),
            key: secret("1011121314151617e8e9eaebecedeeef"),
            hmac_key: (version == Version::Two).then(|| secret("2021222324252627d8d9dadbdcdddedf")),
        }
    }

    #[test]
    fn bodies_have_the_published_lengths() {
        let check = |version, text: &[u8], length: usize| {
            assert_eq!(pairing(version).seal(text, &[7; 16]).len(), length, "{version:?} {text:?}");
        };
        check(Version::One, b"Hello world!", 64);
        check(Version::Two, b"Hello world!", 48);
        check(Version::One, b"0123456789abcdef", 80);
        check(Version::Two, b"0123456789abcdef", 64);
        check(Version::Two, b"AT+USECC2C=2\r", 0x30);
        check(Version::One, b"AT+USECC2C=2\r", 0x40);
        assert_eq!(Version::One.body_len(255), 64..=304);
        assert_eq!(Version::Two.body_len(255), 48..=288);
        assert_eq!(Version::One.body_len(1040), 64..=1040 + 48 + 16);
        assert_eq!(Version::Two.body_len(1040), 48..=1040 + 16 + 16 + 16);
    }

    #[test]
    fn one_wrong_bit_anywhere_is_found() {
        for version in [Version::One, Version::Two] {
            let pairing = pairing(version);
            let body = pairing.seal(b"AT+CGMM\r", &[7; 16]);
            for at in 0..body.len() * 8 {
                let mut wrong = body.clone();
                wrong[at / 8] ^= 1 << (at % 8);
                assert_eq!(pairing.open(&wrong), None, "{version:?} bit {at}");
            }
        }
    }

    #[test]
    fn each_secret_counts() {
        for (version, counting) in [(Version::One, 1), (Version::Two, 3)] {
            let own = pairing(version);
            let body = own.seal(b"AT\r", &[7; 16]);
            let other = Secret::from_bytes([9; 16]);
            let changes: [fn(&mut Pairing, Secret); 3] = [
                |pairing, secret| pairing.key = secret,
                |pairing, secret| pairing.te_secret = secret,
                |pairing, secret| pairing.hmac_key = pairing.hmac_key.as_ref().map(|_| secret),
            ];
            let refused = changes.iter().filter(|change| {
                let mut pairing = own.clone();
                change(&mut pairing, other.clone());
                pairing.open(&body) != Some(b"AT\r".to_vec())
            });
            // Another key decrypts to something else in version 2, where it authenticates nothing.
            assert_eq!(refused.count(), counting, "{version:?}");
        }
    }

    #[test]
    fn padding_is_1_to_16_times_its_own_number() {
        let check = |padded: &[u8], text: Option<&[u8]>| {
            assert_eq!(unpadded(padded).as_deref(), text, "{padded:?}");
        };
        check(&[16; 16], Some(b""));
        check(&[b'A', 2, 2], Some(b"A"));
        check(&[b'A', 3, 2], None);
        check(&[b'A', 0], None);
        check(&[17; 32], None);
        check(&[3, 3], None);
        check(&[], None);
    }

    proptest! {
        #[test]
        fn text_comes_back(text in prop::collection::vec(any::<u8>(), 0..1100), iv in any::<[u8; 16]>()) {
            for version in [Version::One, Version::Two] {
                let body = pairing(version).seal(&text, &iv);
                prop_assert!(version.body_len(text.len()).contains(&body.len()));
                prop_assert_eq!(pairing(version).open(&body), Some(text.clone()));
            }
        }

        #[test]
        fn bodies_of_others_are_no_text(body in prop::collection::vec(any::<u8>(), 0..400)) {
            for version in [Version::One, Version::Two] {
                prop_assert_eq!(pairing(version).open(&body), None);
            }
        }
    }
}
