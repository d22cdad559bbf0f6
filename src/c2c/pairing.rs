//! [`Pairing`]: what two chips know of each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Length of every secret, in bytes.
pub(super) const SECRET_LEN: usize = 16;

/// 16 bytes that never show themselves in a log: a TE secret, a key or a confirmation tag.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(#[serde(with = "hex::serde")] [u8; SECRET_LEN]);

/// Text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is 32 hex digits (16 bytes)")]
pub struct SecretTextError;

/// How frames are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// MAC, then encryption.
    One,
    /// Encryption, then MAC.
    Two,
}

/// The secrets of one host chip and one module. Both ends keep them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The TE secret, which the host chose; it also names the pairing.
    pub te_secret: Secret,
    /// Encrypts.
    pub key: Secret,
    /// Authenticates; in version 2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_key: Option<Secret>,
}

impl Pairing {
    /// How it protects frames.
    pub fn version(&self) -> Version {
        if self.hmac_key.is_some() { Version::Two } else { Version::One }
    }
}

impl Secret {
    /// A secret from its bytes.
    pub const fn from_bytes(bytes: [u8; SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    /// As 32 hex digits, for the one it is told to.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// Digits of either case.
impl FromStr for Secret {
    type Err = SecretTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; SECRET_LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SecretTextError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_32_hex_digits_of_either_case() {
        let check = |text: &str, fine: bool| assert_eq!(text.parse::<Secret>().is_ok(), fine, "{text}");
        check("0001020304050607f8f9fafbfcfdfeff", true);
        check("0001020304050607F8F9FAFBFCFDFEFF", true);
        check("0001020304050607f8f9fafbfcfdfef", false);
        check("0001020304050607f8f9fafbfcfdfeff00", false);
        check("0001020304050607f8f9fafbfcfdfefg", false);
        check("", false);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::from_bytes([0xab; 16]);
        assert!(!format!("{secret:?}").to_lowercase().contains("ab"));
        assert_eq!(secret.to_hex(), "ab".repeat(16));
    }
}
