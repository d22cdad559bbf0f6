//! [`DoorToken`]: what lets somebody in at the console or the admin API.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;

use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::secret_file;

/// Length of a token, in random bytes.
const TOKEN_LEN: usize = 24;

/// A secret somebody must show. It is compared in constant time, and never shows itself in a log.
pub(super) struct DoorToken {
    text: String,
    key: hmac::Key,
    tag: hmac::Tag,
}

impl DoorToken {
    /// The token in a file of mode 0600, made where there is none yet.
    pub(super) fn kept_in(path: &Path) -> Result<Self, HostError> {
        let draw = || {
            let bytes: [u8; TOKEN_LEN] = entropy::draw()?;
            Ok(format!("{}\n", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into_bytes())
        };
        let kept = secret_file::load_or_make(path, draw)?;
        let text = String::from_utf8(kept).unwrap_or_default().trim().to_owned();
        if text.len() < TOKEN_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = format!("{}: not a token", path.display());
            return Err(HostError::running(problem).advise("delete it, and the next start makes a new one"));
        }
        Self::new(text)
    }

    fn new(text: String) -> Result<Self, HostError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &entropy::draw::<32>()?);
        let tag = hmac::sign(&key, text.as_bytes());
        Ok(Self { text, key, tag })
    }

    /// Whether this is the token.
    pub(super) fn is(&self, shown: &str) -> bool {
        hmac::verify(&self.key, shown.as_bytes(), self.tag.as_ref()).is_ok()
    }

    /// What a browser keeps in the token's place: of it the token cannot be found out.
    pub(super) fn session(&self) -> String {
        self.derived("console session")
    }

    /// Whether this is what a browser keeps.
    pub(super) fn is_session(&self, shown: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.text.as_bytes());
        let shown = BASE64_URL_SAFE_NO_PAD.decode(shown).unwrap_or_default();
        hmac::verify(&key, b"console session", &shown).is_ok()
    }

    /// A few characters that tell this token from others; no secret.
    pub(super) fn mark(&self) -> String {
        self.derived("mark").chars().filter(char::is_ascii_alphanumeric).take(8).collect()
    }

    fn derived(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.text.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose.as_bytes()))
    }

    /// The token itself, for the ready line.
    pub(super) fn reveal(&self) -> String {
        self.text.clone()
    }
}

impl std::fmt::Debug for DoorToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoorToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_and_only_it_opens_the_door() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("admin-token");
        let token = DoorToken::kept_in(&path).expect("made");
        let text = token.reveal();
        assert!(token.is(&text) && !token.is("") && !token.is(&text[1..]));
        assert_eq!(DoorToken::kept_in(&path).expect("kept").reveal(), text);
        assert_eq!(format!("{token:?}"), "DoorToken(…)");
        let again = DoorToken::kept_in(&path).expect("kept");
        assert!(again.is_session(&token.session()) && !again.is_session(&text) && !again.is_session(""));
        assert!(!again.is(&token.session()) && again.mark() == token.mark());
        std::fs::write(&path, "short").expect("written");
        assert!(DoorToken::kept_in(&path).is_err());
    }
}
