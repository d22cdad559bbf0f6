//! Root-of-trust identities, key sets and their derivation.
//!
//! Everything is HKDF-SHA256 (RFC 5869) with one label a purpose, so that no two purposes ever
//! share a key. All of it is `designed`: the real service's derivation is not published.
//!
//! | secret | input key | salt | info |
//! |---|---|---|---|
//! | factory secret (key set 0) | master key | RoT public UID, 8 bytes | `vsara factory secret` |
//! | key set *n* | the set that authenticated the session | module nonce ‖ service nonce | `vsara key set` ‖ UID ‖ *n* (4 bytes, big-endian) |
//! | feature authorisation | the set that authenticates the session | feature name | `vsara feature authorisation` ‖ UID |
//! | keys of services | the committed set | see [`psk`], [`e2e`] and [`local`] | |
//!
//! A key set is used as the DTLS pre-shared key as it is.

pub mod e2e;
pub mod local;
pub mod psk;

use std::fmt;
use std::str::FromStr;

use ring::hkdf;

/// Length of every secret, in bytes.
pub const KEY_LEN: usize = 32;

/// The key set number of the factory secret.
pub const FACTORY_KEY_SET: u32 = 0;

/// The master key both programs default to, published in the README as such: nothing to
/// configure and nothing secret, the habit of storage emulators.
const DEVELOPMENT_MASTER_KEY: &[u8; KEY_LEN] = b"vsara development master key 001";

/// The root-of-trust public unique identifier (RoTPublicUID): 8 bytes, 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RotUid(pub [u8; 8]);

/// The last six bytes of a RoT public UID. Those of one factory differ in them, so they find a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidTail(pub [u8; 6]);

/// A secret of 32 bytes that never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_LEN]);

/// A key with the number both ends know it by. Numbers are never used twice for one root of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// 0 is the factory secret.
    pub number: u32,
    /// The secret itself.
    pub key: Key,
}

/// The identity a module presents in the DTLS handshake: `<16 lower-case hex>:<key set number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PskIdentity {
    /// The root of trust.
    pub rot: RotUid,
    /// Which of its key sets authenticates this session.
    pub key_set: u32,
}

/// The key from which every factory secret is derived.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Key);

/// Text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Not 16 hex digits.
    #[error("a root of trust UID is 16 hex digits, for example 0a04f008003c9623")]
    RotUid,
    /// Not 64 hex digits.
    #[error("a key is 64 hex digits (32 bytes)")]
    Key,
    /// Not `uid:number`.
    #[error("a PSK identity is 16 lower-case hex digits, a colon and a key set number")]
    PskIdentity,
}

impl MasterKey {
    /// A private master key.
    pub fn new(key: Key) -> Self {
        Self(key)
    }

    /// The well-known development key.
    pub fn development() -> Self {
        Self(Key(*DEVELOPMENT_MASTER_KEY))
    }

    /// The factory secret of a root of trust: its key set 0.
    pub fn factory_secret(&self, rot: RotUid) -> KeySet {
        let key = self.0.derive(&rot.0, &[b"vsara factory secret"]);
        KeySet { number: FACTORY_KEY_SET, key }
    }
}

impl RotUid {
    /// Its last six bytes.
    pub const fn tail(self) -> UidTail {
        let [_, _, a, b, c, d, e, f] = self.0;
        UidTail([a, b, c, d, e, f])
    }
}

impl KeySet {
    /// The low 16 bits of its number, by which identities of service keys name it. Of two sets with
    /// the same, the newer is meant.
    pub const fn short_number(&self) -> u16 {
        self.number as u16
    }

    /// The key set that replaces this one under `number`.
    pub fn successor(&self, rot: RotUid, number: u32, module_nonce: &[u8], service_nonce: &[u8]) -> KeySet {
        let salt = [module_nonce, service_nonce].concat();
        let key = self.key.derive(&salt, &[b"vsara key set", &rot.0, &number.to_be_bytes()]);
        KeySet { number, key }
    }

    /// What lets a module switch a feature on: only the service and this root of trust can make it.
    pub fn feature_authorisation(&self, rot: RotUid, feature: &str) -> [u8; KEY_LEN] {
        self.key.derive(feature.as_bytes(), &[b"vsara feature authorisation", &rot.0]).0
    }
}

impl Key {
    /// A key from its bytes.
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, for a cipher or a file of mode 0600.
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn derive(&self, salt: &[u8], info: &[&[u8]]) -> Key {
        let mut out = [0; KEY_LEN];
        // expect: HKDF-SHA256 gives up to 255 × 32 bytes, and this asks for 32.
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&self.0)
            .expand(info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .expect("32 bytes are within the limit of HKDF-SHA256");
        Key(out)
    }
}

impl fmt::Display for RotUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 16];
        // Two digits a byte fit, and they are ASCII.
        let written = hex::encode_to_slice(self.0, &mut digits).map_err(drop);
        let text = written.and_then(|()| std::str::from_utf8(&digits).map_err(drop));
        f.write_str(text.map_err(|()| fmt::Error)?)
    }
}

impl fmt::Debug for RotUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RotUid {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut uid = [0; 8];
        hex::decode_to_slice(text, &mut uid).map_err(|_| KeyTextError::RotUid)?;
        Ok(Self(uid))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl FromStr for Key {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = [0; KEY_LEN];
        hex::decode_to_slice(text, &mut key).map_err(|_| KeyTextError::Key)?;
        Ok(Self(key))
    }
}

impl fmt::Display for PskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.rot, self.key_set)
    }
}

impl FromStr for PskIdentity {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rot, number) = text.split_once(':').ok_or(KeyTextError::PskIdentity)?;
        let identity = Self {
            rot: rot.parse().map_err(|_| KeyTextError::PskIdentity)?,
            key_set: number.parse().map_err(|_| KeyTextError::PskIdentity)?,
        };
        // One spelling only: no upper case, no leading zeros or plus sign.
        if identity.to_string() == text { Ok(identity) } else { Err(KeyTextError::PskIdentity) }
    }
}

impl serde::Serialize for RotUid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RotUid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);

    #[test]
    fn identities_have_one_spelling() {
        let check = |text: &str, fine: bool| assert_eq!(text.parse::<PskIdentity>().is_ok(), fine, "{text}");
        check("0a04f008003c9623:0", true);
        check("0a04f008003c9623:4294967295", true);
        check("0A04F008003C9623:0", false);
        check("0a04f008003c9623:00", false);
        check("0a04f008003c9623:+1", false);
        check("0a04f008003c9623", false);
        check("0a04f008003c96:1", false);
        check("", false);
    }

    #[test]
    fn derivations_are_pinned_by_test_vectors() {
        let factory = MasterKey::development().factory_secret(ROT);
        let first = factory.successor(ROT, 1, &[1; 16], &[2; 16]);
        let vectors = [
            hex::encode(factory.key.as_bytes()),
            hex::encode(first.key.as_bytes()),
            hex::encode(first.feature_authorisation(ROT, "ldp")),
        ];
        assert_eq!(vectors, VECTORS);
    }

    /// Computed by an independent HKDF-SHA256 (RFC 5869 on Python's `hmac` and `hashlib`).
    const VECTORS: [&str; 3] = [
        "9a91b0065933f5b376a2e6c7876f268dc92c61778f0d42965d1bea4bae0cd068",
        "3efcbf2e7986df1644ff4a573727c46e32d80bb1eb2a67bf6139e4d120f04d18",
        "d1e0e0f206bf3e9818a95c1b722f2fae29b46aad7bcd00df149bc8bf3f2e2fd7",
    ];

    #[test]
    fn every_text_form_comes_back_as_it_was() {
        let identity = PskIdentity { rot: ROT, key_set: 7 };
        assert_eq!(identity.to_string().parse(), Ok(identity));
        assert_eq!(ROT.to_string().parse(), Ok(ROT));
        let key = Key::from_bytes(std::array::from_fn(|i| i as u8));
        assert_eq!(hex::encode(key.as_bytes()).parse(), Ok(key.clone()));
        let json = serde_json::to_string(&(ROT, &key)).expect("both are strings in JSON");
        assert_eq!(serde_json::from_str::<(RotUid, Key)>(&json).expect("what was just written"), (ROT, key));
    }

    #[test]
    fn a_key_never_shows_itself() {
        let set = MasterKey::development().factory_secret(ROT);
        assert_eq!(format!("{set:?}"), "KeySet { number: 0, key: Key(…) }");
        assert_eq!(format!("{:?}", MasterKey::development()), "MasterKey(…)");
    }

    #[test]
    fn no_two_purposes_share_a_key() {
        let factory = MasterKey::development().factory_secret(ROT);
        let other = MasterKey::development().factory_secret(RotUid([0; 8]));
        let keys = [
            factory.key.clone(),
            other.key.clone(),
            factory.successor(ROT, 1, &[1; 16], &[2; 16]).key,
            factory.successor(ROT, 2, &[1; 16], &[2; 16]).key,
            factory.successor(ROT, 1, &[2; 16], &[1; 16]).key,
            other.successor(ROT, 1, &[1; 16], &[2; 16]).key,
            Key::from_bytes(factory.feature_authorisation(ROT, "ldp")),
            Key::from_bytes(factory.feature_authorisation(ROT, "c2c")),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().map(|key| *key.as_bytes()).collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
