//! [`TokenKey`]: AuthTokens and RefreshTokens, JSON Web Tokens (RFC 7519) signed with ES256.
//!
//! Their life runs on the service's clock, so under virtual time they end when the time is moved.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};

use super::limits::{AUTH_TOKEN_LIFE, REFRESH_TOKEN_LIFE};
use crate::host::error::HostError;
use crate::host::secret_file;
use crate::time::Timestamp;

/// The header of every token; any other is refused, so that nobody chooses the algorithm.
const HEADER: &str = r#"{"alg":"ES256","typ":"JWT"}"#;

/// Longest token that is read, in bytes.
const TOKEN_LEN_MAX: usize = 1024;

/// Signs tokens, and knows its own signature again.
pub(super) struct TokenKey {
    pair: EcdsaKeyPair,
    public: UnparsedPublicKey<Vec<u8>>,
    random: SystemRandom,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The domain.
    pub(super) sub: String,
    /// The APIKey it was got with.
    pub(super) key: String,
    /// What it is good for.
    #[serde(rename = "use")]
    pub(super) purpose: Purpose,
    /// From when, in seconds since the Unix epoch.
    pub(super) iat: i64,
    /// Until when.
    pub(super) exp: i64,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Purpose {
    /// Calls.
    Auth,
    /// New tokens.
    Refresh,
}

/// Why a token is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// Not one of this service.
    #[error("the token is not one of this service")]
    Invalid,
    /// It was one.
    #[error("the token has expired")]
    Expired,
}

impl TokenKey {
    /// The key in a file of mode 0600, made where there is none yet.
    pub(super) fn kept_in(path: &Path) -> Result<Self, HostError> {
        let random = SystemRandom::new();
        let unusable = || HostError::running(format_args!("{}: not a key", path.display()));
        let draw = || {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
            document.map(|document| document.as_ref().to_vec()).map_err(|_| unusable())
        };
        let document = secret_file::load_or_make(path, draw)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random);
        let pair = pair.map_err(|_| unusable().advise("delete it, and the next start makes a new one"))?;
        let public = pair.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
        Ok(Self { pair, public, random })
    }

    /// A token; none where the system gives no random numbers.
    pub(super) fn issue(
        &self,
        purpose: Purpose,
        domain: &str,
        api_key: &str,
        now: Timestamp,
    ) -> Option<String> {
        let iat = now.as_millis().div_euclid(1000);
        let exp = iat.saturating_add(i64::try_from(purpose.life().as_secs()).unwrap_or(i64::MAX));
        let claims = Claims { sub: domain.to_owned(), key: api_key.to_owned(), purpose, iat, exp };
        let claims = serde_json::to_vec(&claims).ok()?;
        let signed = format!("{}.{}", BASE64URL.encode(HEADER), BASE64URL.encode(claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", BASE64URL.encode(signature)))
    }

    /// What a token says, if it is good at this moment.
    pub(super) fn read(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let claims = self.verify(token).ok_or(TokenError::Invalid)?;
        if now.as_millis().div_euclid(1000) >= claims.exp { Err(TokenError::Expired) } else { Ok(claims) }
    }

    fn verify(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_LEN_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if header != BASE64URL.encode(HEADER) {
            return None;
        }
        self.public.verify(signed.as_bytes(), &BASE64URL.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&BASE64URL.decode(claims).ok()?).ok()
    }
}

impl Purpose {
    fn life(self) -> Duration {
        match self {
            Self::Auth => AUTH_TOKEN_LIFE,
            Self::Refresh => REFRESH_TOKEN_LIFE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn key() -> TokenKey {
        let dir = tempfile::tempdir().expect("a temporary directory");
        TokenKey::kept_in(&dir.path().join("token-key")).expect("made")
    }

    #[test]
    fn a_token_is_good_for_an_hour() {
        let key = key();
        let token = key.issue(Purpose::Auth, "default", "K", NOON).expect("issued");
        let check = |millis: i64, expected: Result<&str, TokenError>| {
            let read = key.read(&token, NOON.offset_millis(millis));
            assert_eq!(read.as_ref().map(|claims| claims.sub.as_str()).map_err(|error| *error), expected);
        };
        check(0, Ok("default"));
        check(3_599_999, Ok("default"));
        check(3_600_000, Err(TokenError::Expired));
    }

    #[test]
    fn a_key_that_is_kept_knows_its_tokens_and_no_other_does() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("token-key");
        let token = TokenKey::kept_in(&path).expect("made").issue(Purpose::Refresh, "d", "K", NOON);
        let token = token.expect("issued");
        let again = TokenKey::kept_in(&path).expect("kept");
        assert_eq!(again.read(&token, NOON).map(|claims| claims.purpose), Ok(Purpose::Refresh));
        assert_eq!(key().read(&token, NOON), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_that_was_changed_is_none() {
        let key = key();
        let token = key.issue(Purpose::Auth, "default", "K", NOON).expect("issued");
        let parts: Vec<_> = token.split('.').collect();
        let claims = BASE64URL.decode(parts[1]).expect("ours");
        let other = String::from_utf8(claims).expect("JSON").replace("default", "another");
        let none = BASE64URL.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for changed in [
            String::new(),
            "..".to_owned(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], BASE64URL.encode(other), parts[2]),
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{token}A"),
            "x".repeat(TOKEN_LEN_MAX + 1),
        ] {
            assert_eq!(key.read(&changed, NOON), Err(TokenError::Invalid), "{changed}");
        }
    }
}
