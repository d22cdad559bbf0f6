//! Symmetric KMS.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{PskIdentityText, Rot};
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// A pre-shared key that a module has made.
#[derive(Deserialize, ToSchema)]
struct PskRequest {
    /// What the module said with the key, and a client presents in its handshake.
    #[serde(rename = "PSKIdentity")]
    identity: PskIdentityText,
}

/// A pre-shared key.
#[derive(Serialize, ToSchema)]
struct PskAnswer {
    /// 16 or 32 bytes in hex.
    #[serde(rename = "PSK")]
    #[schema(pattern = "^([0-9a-f]{32}|[0-9a-f]{64})$")]
    psk: String,
    /// Which Thing has made it.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
}

fn get(owner: &mut Owner<'_>, PskRequest { identity }: PskRequest) -> Result<PskAnswer, ApiError> {
    let (rot, psk) = owner.account.psk(&identity.0)?;
    Ok(PskAnswer { psk: hex::encode(psk.as_bytes()), rot: Rot(rot) })
}

pub(super) fn operations() -> Vec<Operation> {
    const REFUSALS: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];
    vec![
        Operation::owner("/v1/psk/get", get)
            .about("Symmetric KMS", "Finds the key of an identity, without contacting the module")
            .refuses(REFUSALS),
    ]
}
