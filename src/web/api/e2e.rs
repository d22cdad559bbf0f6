//! E2E Data Protection.

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::device::DeviceRequest;
use super::thing::Thing;
use super::values::{Rot, UplinkHeaderText};
use crate::protocol::keys::RotUid;
use crate::protocol::keys::e2e::MessageKey;
use crate::protocol::protection::TAG_LEN;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner, Provenance};

/// The only one there is.
const CIPHER_SUITE: &str = "AES_128_CCM";

/// A message that a module has protected.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct UplinkRequest {
    /// What stands before it.
    encrypted_header: UplinkHeaderText,
}

/// How a message is decrypted: behind the header stand ciphertext and MAC. There is no associated data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct ProtectionParameters {
    /// Base64.
    nonce: String,
    /// In bits.
    #[serde(rename = "MACLength")]
    #[schema(example = 128)]
    mac_length: usize,
    /// AES-128 in CCM mode, RFC 3610.
    #[schema(example = "AES_128_CCM")]
    cipher_suite: &'static str,
    /// Base64.
    key: String,
    /// Which Thing has protected it; here in base64.
    #[serde(rename = "ROTPublicUID")]
    #[schema(example = "CgTwCAA8liM=")]
    rot: String,
}

/// How one message to a module is encrypted: what it gets is the header, the ciphertext and the MAC.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DownlinkParameters {
    /// To stand before the ciphertext, in hex.
    #[schema(pattern = "^1102[0-9a-f]{28}$")]
    encrypted_header: String,
    /// How to encrypt.
    #[serde(flatten)]
    parameters: ProtectionParameters,
}

impl ProtectionParameters {
    fn new(rot: RotUid, MessageKey { key, nonce }: &MessageKey) -> Self {
        Self {
            nonce: BASE64_STANDARD.encode(nonce),
            mac_length: TAG_LEN * 8,
            cipher_suite: CIPHER_SUITE,
            key: BASE64_STANDARD.encode(key),
            rot: BASE64_STANDARD.encode(rot.0),
        }
    }
}

fn uplink(owner: &mut Owner<'_>, request: UplinkRequest) -> Result<ProtectionParameters, ApiError> {
    let (rot, key) = owner.account.message_key(&request.encrypted_header.0)?;
    Ok(ProtectionParameters::new(rot, &key))
}

fn downlink(
    owner: &mut Owner<'_>,
    DeviceRequest { rot }: DeviceRequest,
) -> Result<DownlinkParameters, ApiError> {
    let Rot(rot) = rot;
    let (header, key) = owner.account.downlink(rot)?;
    let parameters = ProtectionParameters::new(rot, &key);
    Ok(DownlinkParameters { encrypted_header: hex::encode(header.encode()), parameters })
}

fn rotate(owner: &mut Owner<'_>, DeviceRequest { rot }: DeviceRequest) -> Result<Thing, ApiError> {
    owner.account.rotate_keys(rot.0)?;
    Ok((&*owner.account.device(rot.0)?).into())
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "E2E Data Protection";
    const REFUSALS: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];
    vec![
        Operation::owner("/v1/e2e/uplink/protectionparameters/get", uplink)
            .about(TAG, "Tells how a message of a module is decrypted, without contacting the module")
            .refuses(REFUSALS)
            .from(Provenance::Published),
        Operation::owner("/v1/e2e/downlink/protectionparameters/get", downlink)
            .about(TAG, "Gives what one message to a module is encrypted with; each call gives another")
            .refuses(REFUSALS),
        Operation::owner("/v1/e2e/key/rotate", rotate)
            .about(TAG, "Asks for new keys of a Thing, from its next heartbeat on")
            .refuses(&[StatusCode::NOT_FOUND]),
    ]
}
