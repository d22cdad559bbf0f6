//! Whitelists: which roots of trust become active under a device profile that asks for it.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{Count, GivenName, Offset, Rot, window};
use crate::protocol::keys::RotUid;
use crate::service::store::Window;
use crate::web::error::ApiError;
use crate::web::limits::ROTS_MAX;
use crate::web::operation::{Operation, Owner};

/// Roots of trust for a whitelist, or off it.
#[derive(Deserialize, ToSchema)]
struct WhitelistChangeRequest {
    /// Whose whitelist.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: GivenName,
    /// Which roots of trust, seen already or not.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(max_items = 10_000)]
    rots: Vec<Rot>,
}

/// Part of a whitelist.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct WhitelistListRequest {
    /// Whose whitelist.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: GivenName,
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// A whitelist, as long as it is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct WhitelistLen {
    /// How many roots of trust are on it.
    total: usize,
}

/// A whitelist.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Whitelist {
    /// In their order.
    #[serde(rename = "ROTPublicUIDs")]
    rots: Vec<Rot>,
    /// How many roots of trust are on it.
    total: usize,
}

fn add(owner: &mut Owner<'_>, request: WhitelistChangeRequest) -> Result<WhitelistLen, ApiError> {
    owner.account.whitelist_add(&request.device_profile_uid.0, &rots(&request)?)?;
    len(owner, &request.device_profile_uid.0)
}

fn remove(owner: &mut Owner<'_>, request: WhitelistChangeRequest) -> Result<WhitelistLen, ApiError> {
    owner.account.whitelist_remove(&request.device_profile_uid.0, &rots(&request)?)?;
    len(owner, &request.device_profile_uid.0)
}

fn list(owner: &mut Owner<'_>, request: WhitelistListRequest) -> Result<Whitelist, ApiError> {
    let window = window(request.offset, request.count);
    let page = owner.account.whitelist(&request.device_profile_uid.0, window)?;
    Ok(Whitelist { rots: page.items.into_iter().map(Rot).collect(), total: page.total })
}

fn rots(request: &WhitelistChangeRequest) -> Result<Vec<RotUid>, ApiError> {
    if request.rots.len() > ROTS_MAX {
        let message = format!("at most {ROTS_MAX} roots of trust at a time");
        return Err(ApiError::bad_request(message, "send the rest in further calls"));
    }
    Ok(request.rots.iter().map(|rot| rot.0).collect())
}

fn len(owner: &mut Owner<'_>, uid: &str) -> Result<WhitelistLen, ApiError> {
    let page = owner.account.whitelist(uid, Window { offset: 0, count: 0 })?;
    Ok(WhitelistLen { total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Device profiles";
    vec![
        Operation::owner("/v1/whitelist/add", add)
            .about(TAG, "Puts roots of trust on the whitelist of a device profile")
            .refuses(&[StatusCode::NOT_FOUND]),
        Operation::owner("/v1/whitelist/list", list)
            .about(TAG, "Lists the whitelist of a device profile")
            .refuses(&[StatusCode::NOT_FOUND]),
        Operation::owner("/v1/whitelist/remove", remove)
            .about(TAG, "Takes roots of trust off; devices that are active stay so")
            .refuses(&[StatusCode::NOT_FOUND]),
    ]
}
