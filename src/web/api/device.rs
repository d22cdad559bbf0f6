//! Things.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::thing::Thing;
use super::values::{
    Count, FeatureName, GivenName, HeartbeatPeriod, Offset, PlanName, Rot, SearchText, StateName, window,
};
use crate::service::account::DeviceEdit;
use crate::service::store::DeviceQuery;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// Part of the Things that fit.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceListRequest {
    /// In this state only.
    state: Option<StateName>,
    /// Of this device profile only.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<GivenName>,
    /// Kept out by a whitelist, or not.
    blacklisted: Option<bool>,
    /// Not heard of for too long, or not.
    overdue: Option<bool>,
    /// With this in the ROTPublicUID or in the serial number.
    search: Option<SearchText>,
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// Things of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceList {
    /// By ROTPublicUID.
    devices: Vec<Thing>,
    /// How many fit.
    total: usize,
}

/// One Thing.
#[derive(Deserialize, ToSchema)]
pub(super) struct DeviceRequest {
    /// Which.
    #[serde(rename = "ROTPublicUID")]
    pub(super) rot: Rot,
}

/// An edit: all that is named is changed, or nothing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceUpdateRequest {
    /// Which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// All features that are to be on, from the next heartbeat.
    features: Option<Vec<FeatureName>>,
    /// Security heartbeat period, from the next heartbeat.
    heartbeat_period: Option<HeartbeatPeriod>,
    /// Price plan; services from the next heartbeat.
    plan: Option<PlanName>,
    /// Suspended, or active again; features and services from the next heartbeat.
    suspended: Option<bool>,
}

/// A feature of a Thing, on or off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct FeatureSetRequest {
    /// Which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// Which feature.
    feature: FeatureName,
    /// On or off, from the next heartbeat.
    enabled: bool,
}

/// The heartbeat period of a Thing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct HeartbeatSetRequest {
    /// Which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// From the next heartbeat.
    heartbeat_period: HeartbeatPeriod,
}

fn list(owner: &mut Owner<'_>, request: DeviceListRequest) -> Result<DeviceList, ApiError> {
    let window = window(request.offset, request.count);
    let query = DeviceQuery {
        domain: None,
        state: request.state.map(|state| state.0),
        profile_uid: request.device_profile_uid.map(|uid| uid.0),
        blacklisted: request.blacklisted,
        overdue: request.overdue,
        text: request.search.map(|text| text.0),
    };
    let page = owner.account.devices(query, window)?;
    Ok(DeviceList {
        devices: page.items.iter().map(|device| (&**device).into()).collect(),
        total: page.total,
    })
}

fn get(owner: &mut Owner<'_>, DeviceRequest { rot }: DeviceRequest) -> Result<Thing, ApiError> {
    Ok((&*owner.account.device(rot.0)?).into())
}

fn update(owner: &mut Owner<'_>, request: DeviceUpdateRequest) -> Result<Thing, ApiError> {
    let edit = DeviceEdit {
        features: request.features.map(|features| features.into_iter().map(|feature| feature.0).collect()),
        heartbeat_period_s: request.heartbeat_period.map(|period| period.0),
        plan: request.plan.map(|plan| plan.0),
        suspended: request.suspended,
    };
    owner.account.edit_device(request.rot.0, &edit)?;
    get(owner, DeviceRequest { rot: request.rot })
}

fn unblock(owner: &mut Owner<'_>, DeviceRequest { rot }: DeviceRequest) -> Result<Thing, ApiError> {
    owner.account.unblock(rot.0)?;
    get(owner, DeviceRequest { rot })
}

fn set_feature(owner: &mut Owner<'_>, request: FeatureSetRequest) -> Result<Thing, ApiError> {
    owner.account.set_feature(request.rot.0, request.feature.0, request.enabled)?;
    get(owner, DeviceRequest { rot: request.rot })
}

fn set_heartbeat(owner: &mut Owner<'_>, request: HeartbeatSetRequest) -> Result<Thing, ApiError> {
    owner.account.set_heartbeat_period(request.rot.0, request.heartbeat_period.0)?;
    get(owner, DeviceRequest { rot: request.rot })
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Things";
    const UNKNOWN: &[StatusCode] = &[StatusCode::NOT_FOUND];
    const UNKNOWN_OR_FULL: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];
    vec![
        Operation::owner("/v1/device/list", list).about(TAG, "Lists Things"),
        Operation::owner("/v1/device/get", get).about(TAG, "Shows a Thing").refuses(UNKNOWN),
        Operation::owner("/v1/device/update", update)
            .about(TAG, "Changes what is wanted of a Thing, suspends it or makes it active")
            .refuses(UNKNOWN_OR_FULL),
        Operation::owner("/v1/device/unblock", unblock)
            .about(TAG, "Makes a blocked or suspended Thing active, whitelisted or not")
            .refuses(UNKNOWN_OR_FULL),
        Operation::owner("/v1/device/feature/set", set_feature)
            .about(TAG, "Switches a feature of a Thing, from its next heartbeat on")
            .refuses(UNKNOWN),
        Operation::owner("/v1/device/heartbeat/set", set_heartbeat)
            .about(TAG, "Sets the heartbeat period of a Thing, from its next heartbeat on")
            .refuses(UNKNOWN),
    ]
}
