//! Access keys: a name and a secret, for programs that use a domain by REST.

use std::fmt;

use rand_core::Rng;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::random_text::letters_and_digits;
use crate::time::Timestamp;

/// Most access keys of a domain (published).
pub const ACCESS_KEYS_MAX: usize = 5;

/// Length of an APIKey, in characters.
pub const API_KEY_LEN: usize = 20;

/// Length of an APISecret, in characters.
pub const API_SECRET_LEN: usize = 40;

/// An access key, as it is stored. Its secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The APIKey: random letters and digits.
    pub api_key: String,
    /// Whose it is.
    pub domain: String,
    /// Drawn for this key alone.
    #[serde(with = "hex")]
    salt: [u8; 16],
    /// HMAC-SHA256 of the secret under the salt. A slow hash would protect nothing: the secret is
    /// 238 random bits, so nobody guesses it, however fast.
    #[serde(with = "hex")]
    hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
}

/// An APISecret, which never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiSecret(String);

impl AccessKey {
    /// A new key, and the secret that is shown once.
    pub(super) fn draw(domain: &str, rng: &mut impl Rng, now: Timestamp) -> (Self, ApiSecret) {
        let secret = letters_and_digits(rng, API_SECRET_LEN);
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salt), secret.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        let api_key = letters_and_digits(rng, API_KEY_LEN);
        let key = Self { api_key, domain: domain.to_owned(), salt, hash, created_at: now };
        (key, ApiSecret(secret))
    }

    /// Whether this is the secret, found out in constant time.
    pub fn opens_with(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.salt);
        hmac::verify(&key, secret.as_bytes(), &self.hash).is_ok()
    }
}

impl ApiSecret {
    /// The secret itself, for the one answer it is in.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn only_its_secret_opens_a_key_and_the_secret_is_nowhere_in_it() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let now = Timestamp::from_millis(0);
        let (key, secret) = AccessKey::draw("default", &mut rng, now);
        let (other, _) = AccessKey::draw("default", &mut rng, now);
        assert_eq!(format!("{secret:?}"), "ApiSecret(…)");
        let secret = secret.reveal();
        assert_eq!((key.api_key.len(), secret.len()), (API_KEY_LEN, API_SECRET_LEN));
        assert!(key.opens_with(&secret));
        assert!(!key.opens_with(""));
        assert!(!key.opens_with(&secret[1..]));
        assert!(!other.opens_with(&secret));
        let stored = serde_json::to_string(&key).expect("a record of text and numbers");
        assert!(!stored.contains(&secret), "{stored}");
        assert_eq!(serde_json::from_str::<AccessKey>(&stored).ok(), Some(key));
    }
}
