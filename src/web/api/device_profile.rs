//! Device profiles.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::values::{Count, FeatureName, GivenName, HeartbeatPeriod, Offset, PlanName, Title, window};
use crate::service::DeviceProfile;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// A new device profile; what is left out is as the published guide has it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceProfileCreateRequest {
    /// What people call it.
    name: Title,
    /// Price plan of its devices; `developer`.
    plan: Option<PlanName>,
    /// Features switched on at the bootstrap; none.
    features: Option<Vec<FeatureName>>,
    /// Whether only whitelisted roots of trust become active; no.
    whitelist: Option<bool>,
    /// Security heartbeat period; a week.
    heartbeat_period: Option<HeartbeatPeriod>,
    /// The private CA that signs the certificates of its devices; the newest of the domain.
    #[serde(rename = "CAUID")]
    ca_uid: Option<GivenName>,
}

/// What a new device profile is known by.
#[derive(Serialize, ToSchema)]
struct NewDeviceProfile {
    /// 22 letters and digits, to be sealed into devices. Keep it secret: who has it can claim.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: String,
}

/// One device profile.
#[derive(Deserialize, ToSchema)]
struct DeviceProfileGetRequest {
    /// Its UID.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: GivenName,
}

/// Part of all of them.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceProfileListRequest {
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// An edit: what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceProfileUpdateRequest {
    /// Its UID.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: GivenName,
    /// What people call it.
    name: Option<Title>,
    /// Price plan of its devices.
    plan: Option<PlanName>,
    /// All features switched on at the bootstrap.
    features: Option<Vec<FeatureName>>,
    /// Whether only whitelisted roots of trust become active.
    whitelist: Option<bool>,
    /// Security heartbeat period.
    heartbeat_period: Option<HeartbeatPeriod>,
    /// The private CA that signs the certificates of its devices; null for the newest of the domain.
    #[serde(rename = "CAUID", default, deserialize_with = "named_or_null")]
    #[schema(value_type = Option<GivenName>)]
    ca_uid: Option<Option<GivenName>>,
}

/// A device profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceProfileEntry {
    /// 22 letters and digits, to be sealed into devices.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: String,
    /// What people call it.
    name: String,
    /// Price plan of its devices.
    plan: PlanName,
    /// Features switched on at the bootstrap.
    features: Vec<FeatureName>,
    /// Whether only whitelisted roots of trust become active.
    whitelist: bool,
    /// Security heartbeat period, in seconds.
    heartbeat_period: u32,
    /// The private CA that signs the certificates of its devices; null for the newest of the domain.
    #[serde(rename = "CAUID")]
    ca_uid: Option<String>,
}

/// Device profiles of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DeviceProfileList {
    /// By UID.
    device_profiles: Vec<DeviceProfileEntry>,
    /// How many there are.
    total: usize,
}

impl From<&DeviceProfile> for DeviceProfileEntry {
    fn from(profile: &DeviceProfile) -> Self {
        Self {
            device_profile_uid: profile.uid.clone(),
            name: profile.name.clone(),
            plan: PlanName(profile.plan),
            features: profile.features.iter().copied().map(FeatureName).collect(),
            whitelist: profile.whitelist,
            heartbeat_period: profile.heartbeat_period_s,
            ca_uid: profile.authority_uid.clone(),
        }
    }
}

fn create(owner: &mut Owner<'_>, request: DeviceProfileCreateRequest) -> Result<NewDeviceProfile, ApiError> {
    // UID and domain are the account's to choose.
    let mut profile = DeviceProfile::new("", request.name.0);
    profile.plan = request.plan.map_or(profile.plan, |plan| plan.0);
    profile.features = request.features.map_or(profile.features, set);
    profile.whitelist = request.whitelist.unwrap_or(profile.whitelist);
    profile.heartbeat_period_s =
        request.heartbeat_period.map_or(profile.heartbeat_period_s, |period| period.0);
    profile.authority_uid = request.ca_uid.map(|uid| uid.0);
    Ok(NewDeviceProfile { device_profile_uid: owner.account.create_profile(profile)? })
}

fn get(owner: &mut Owner<'_>, request: DeviceProfileGetRequest) -> Result<DeviceProfileEntry, ApiError> {
    Ok((&*owner.account.profile(&request.device_profile_uid.0)?).into())
}

fn list(owner: &mut Owner<'_>, request: DeviceProfileListRequest) -> Result<DeviceProfileList, ApiError> {
    let page = window(request.offset, request.count).of(owner.account.profiles()?.into_iter());
    let device_profiles = page.items.iter().map(|profile| (&**profile).into()).collect();
    Ok(DeviceProfileList { device_profiles, total: page.total })
}

fn update(
    owner: &mut Owner<'_>,
    request: DeviceProfileUpdateRequest,
) -> Result<DeviceProfileEntry, ApiError> {
    let GivenName(uid) = request.device_profile_uid;
    owner.account.update_profile(&uid, |profile| {
        if let Some(Title(name)) = request.name {
            profile.name = name;
        }
        if let Some(PlanName(plan)) = request.plan {
            profile.plan = plan;
        }
        if let Some(features) = request.features {
            profile.features = set(features);
        }
        if let Some(whitelist) = request.whitelist {
            profile.whitelist = whitelist;
        }
        if let Some(HeartbeatPeriod(period_s)) = request.heartbeat_period {
            profile.heartbeat_period_s = period_s;
        }
        if let Some(ca_uid) = request.ca_uid {
            profile.authority_uid = ca_uid.map(|uid| uid.0);
        }
    })?;
    Ok((&*owner.account.profile(&uid)?).into())
}

/// A field that is there, null or not.
fn named_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<GivenName>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn set(features: Vec<FeatureName>) -> BTreeSet<crate::protocol::message::Feature> {
    features.into_iter().map(|feature| feature.0).collect()
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Device profiles";
    vec![
        Operation::owner("/v1/deviceprofile/create", create)
            .about(TAG, "Makes a device profile")
            .refuses(&[StatusCode::NOT_FOUND]),
        Operation::owner("/v1/deviceprofile/get", get)
            .about(TAG, "Shows a device profile")
            .refuses(&[StatusCode::NOT_FOUND]),
        Operation::owner("/v1/deviceprofile/list", list).about(TAG, "Lists device profiles"),
        Operation::owner("/v1/deviceprofile/update", update)
            .about(TAG, "Edits a device profile, for later bootstraps only")
            .refuses(&[StatusCode::NOT_FOUND]),
    ]
}
