//! What module and security service say to each other: CBOR in CoAP, one request and one answer
//! a step.
//!
//! Every request is a `POST`; its path is the step's name. The bytes are pinned by
//! `fixtures/messages/*`. All of it is `designed`; see the crate's README on why it is ours.
//!
//! | path | request | answer |
//! |---|---|---|
//! | `/bootstrap/hello` | [`Hello`] | [`HelloAnswer`] |
//! | `/bootstrap/replace` | – | [`ReplaceAnswer`] |
//! | `/bootstrap/provision` | – | [`Provision`] |
//! | `/bootstrap/confirm` | [`Applied`] | – |
//! | `/registration` | [`Seal`] | [`Provision`] |
//! | `/heartbeat` | [`KeyNonce`] | [`HeartbeatAnswer`] |
//! | `/certificate` | [`CertificationRequest`] | [`Certificates`] |
//! | `/report` | [`Applied`] | [`Attention`] |
//! | `/held` | – | which of the nonces the service holds |
//!
//! Every request but `/held` is one step of the contact chain: it carries a [`Step`] and its
//! answer the service's nonce. So a request is the CBOR array `[step]` or `[step, body]`, an
//! answer `[nonce]` or `[nonce, body]`, and both halves of `/held` are an array of nonces.
//! Keys of a map that are not known are skipped; anything behind the message is refused.

mod codec;

pub use codec::{MessageError, PATHS};

use minicbor::{CborLen, Decode, Encode};

use super::certificate::CertificateSerial;

/// A nonce of the contact chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct ChainNonce(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 8]);

/// A nonce that goes into the derivation of a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct KeyNonce(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// The most nonces a module holds, and so the most a request may carry.
pub const HELD_NONCES_MAX: usize = 64;

/// The largest message either end accepts, in bytes: 64 nonces and everything else with room, and
/// with CoAP and DTLS around it still one datagram on a link of the smallest IPv6 MTU (1280).
pub const MESSAGE_LEN_MAX: usize = 1120;

/// The longest text in a message, in bytes: a type number, a version, a UID, a serial number.
pub const TEXT_LEN_MAX: usize = 64;

/// The most entries in a list of features.
pub const FEATURES_MAX: usize = 16;

/// The module's half of a step of the contact chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Step {
    /// Drawn for this very exchange.
    #[n(0)]
    pub nonce: ChainNonce,
    /// Everything held before it was drawn, oldest first.
    #[n(1)]
    pub held: Vec<ChainNonce>,
}

/// What was sealed into the root of trust by `AT+USECDEVINFO`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The DeviceProfileUID.
    #[n(0)]
    pub profile_uid: String,
    /// The device serial number the customer chose.
    #[n(1)]
    pub serial_number: String,
}

/// Phase 1 of the bootstrap: who am I.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Hello {
    /// The type number, for example `SARA-R510S-01B-00`.
    #[n(0)]
    pub type_number: String,
    /// Modem and application version, for example `03.15,A00.01`.
    #[n(1)]
    pub firmware: String,
    /// The IMEI, 15 digits.
    #[n(2)]
    pub imei: String,
    /// Present where the module was sealed before this request left.
    #[n(3)]
    pub seal: Option<Seal>,
    /// The module's part of the key set to come.
    #[n(4)]
    pub nonce: KeyNonce,
}

/// Answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct HelloAnswer {
    /// Which service this is: random, drawn when its store was made.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub service_id: [u8; 8],
    /// The service's part of the key set to come.
    #[n(1)]
    pub nonce: KeyNonce,
    /// The service's system time, milliseconds since the Unix epoch.
    #[n(2)]
    pub time_ms: i64,
}

/// Answer to the replacement of the factory secret (phase 2): the number of the offered key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct ReplaceAnswer {
    /// Never used before for this root of trust.
    #[n(0)]
    pub number: u32,
}

/// A security feature that is switched on a device.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    CborLen,
    serde::Serialize,
    serde::Deserialize,
)]
#[cbor(index_only)]
pub enum Feature {
    /// Local Data Protection.
    #[n(0)]
    #[serde(rename = "ldp")]
    LocalDataProtection,
    /// Local Chip-to-Chip security.
    #[n(1)]
    #[serde(rename = "c2c")]
    ChipToChip,
    /// Zero Touch Provisioning.
    #[n(2)]
    #[serde(rename = "ztp")]
    ZeroTouchProvisioning,
    /// Pairing for Chip-to-Chip after the bootstrap (`LocalC2CKeyPairing`).
    #[n(3)]
    #[serde(rename = "c2c-pairing")]
    ChipToChipPairing,
}

impl Feature {
    /// Every feature, in the order of the published list.
    pub const ALL: [Self; 4] =
        [Self::LocalDataProtection, Self::ChipToChip, Self::ZeroTouchProvisioning, Self::ChipToChipPairing];

    /// Its name in files, scenarios, REST and the derivation of its authorisation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalDataProtection => "ldp",
            Self::ChipToChip => "c2c",
            Self::ZeroTouchProvisioning => "ztp",
            Self::ChipToChipPairing => "c2c-pairing",
        }
    }
}

/// Where a device stands with its owner, as the module is told.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Standing {
    /// Nobody's: not sealed, or sealed with a UID the service does not know.
    #[default]
    #[n(0)]
    Unowned,
    /// Assigned to its owner, with features and services.
    #[n(1)]
    Active,
    /// Assigned, but not whitelisted or over the plan's limit: no features, no services.
    #[n(2)]
    Allocated,
    /// Assigned and suspended by its owner.
    #[n(3)]
    Suspended,
}

/// Permission to switch on one feature, made with the key set of the session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct FeatureAuthorisation {
    /// The feature it is for.
    #[n(0)]
    pub feature: Feature,
    /// See [`super::keys::KeySet::feature_authorisation`].
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub code: [u8; 32],
}

/// What the service wants a module to apply.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Provision {
    /// Feature authorisations: present only where there are any.
    #[n(0)]
    pub features: Option<Vec<FeatureAuthorisation>>,
    /// Whether the plan includes Symmetric KMS and E2E Data Protection.
    #[n(1)]
    pub services: bool,
    /// The security heartbeat period, in seconds.
    #[n(2)]
    pub heartbeat_period_s: u32,
    /// Where the device stands with its owner.
    #[n(3)]
    pub standing: Standing,
    /// Whether the module is to ask for another certificate before it puts all of this in force. One
    /// that has none asks anyway.
    #[cbor(n(4), default, skip_if = "is_false")]
    pub certificate: bool,
}

/// Answer to a security heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct HeartbeatAnswer {
    /// What is wanted now.
    #[n(0)]
    pub provision: Provision,
    /// Asks for a new key set at once: phases 2 and 4 before the report.
    #[n(1)]
    pub new_key_set: bool,
    /// The service's part of that key set.
    #[n(2)]
    pub nonce: KeyNonce,
}

/// Asks for a device certificate, once a contact.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct CertificationRequest {
    /// PKCS #10, DER; at most [`super::certificate::CERTIFICATION_REQUEST_LEN_MAX`] bytes.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub request: Vec<u8>,
}

/// Answer to a [`CertificationRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Certificates {
    /// The certificate of the device, X.509, DER.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub device: Vec<u8>,
    /// That of the CA which signed it.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub authority: Vec<u8>,
}

/// What the module has applied: the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Applied {
    /// Features switched on.
    #[n(0)]
    pub features: Vec<Feature>,
    /// Services in use.
    #[n(1)]
    pub services: bool,
    /// The heartbeat period in force, in seconds.
    #[n(2)]
    pub heartbeat_period_s: u32,
    /// The certificate in force, while zero touch provisioning is on.
    #[n(3)]
    pub certificate: Option<CertificateSerial>,
}

/// Answer to a report: whether the next security command is to run a heartbeat first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(map)]
pub struct Attention {
    /// Something changed while the module was reporting.
    #[n(0)]
    pub change: bool,
    /// A new key set is asked for.
    #[n(1)]
    pub new_key_set: bool,
}

/// A request of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Phase 1.
    Hello(Step, Hello),
    /// Phase 2.
    Replace(Step),
    /// Phase 3.
    Provision(Step),
    /// Phase 4, under the new key set.
    Confirm(Step, Applied),
    /// A seal that came after the hello (two-stage bootstrap).
    Register(Step, Seal),
    /// A security heartbeat.
    Heartbeat(Step, KeyNonce),
    /// A device certificate, after an answer that provides zero touch provisioning.
    Certificate(Step, CertificationRequest),
    /// What was applied; the second exchange of a registration or heartbeat.
    Report(Step, Applied),
    /// Which of these does the service hold? Changes nothing but closes older sessions.
    Held(Vec<ChainNonce>),
}

/// An answer of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Hello`].
    Hello(ChainNonce, HelloAnswer),
    /// To [`Request::Replace`].
    Replace(ChainNonce, ReplaceAnswer),
    /// To [`Request::Provision`].
    Provision(ChainNonce, Provision),
    /// To [`Request::Confirm`].
    Confirm(ChainNonce),
    /// To [`Request::Register`].
    Register(ChainNonce, Provision),
    /// To [`Request::Heartbeat`].
    Heartbeat(ChainNonce, HeartbeatAnswer),
    /// To [`Request::Certificate`].
    Certificate(ChainNonce, Certificates),
    /// To [`Request::Report`].
    Report(ChainNonce, Attention),
    /// To [`Request::Held`].
    Held(Vec<ChainNonce>),
}

/// Why the service refuses a well-formed request: the payload of a `4.03 Forbidden`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(index_only)]
pub enum Refusal {
    /// The contact chain says that another module with this root of trust came first.
    #[n(0)]
    Clone,
    /// The service holds no finished bootstrap of this root of trust: begin with the hello.
    #[n(1)]
    NotBootstrapped,
    /// A phase of the bootstrap came without the one before it: begin with the hello.
    #[n(2)]
    OutOfOrder,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// 16 hex digits, as the nonces stand in a module's memory file.
impl serde::Serialize for ChainNonce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> serde::Deserialize<'de> for ChainNonce {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut nonce = [0; 8];
        hex::decode_to_slice(text.as_ref(), &mut nonce).map_err(serde::de::Error::custom)?;
        Ok(Self(nonce))
    }
}
