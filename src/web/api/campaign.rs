//! Campaigns: one change for many Things.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{
    Count, FeatureName, HeartbeatPeriod, Moment, Offset, OutcomeName, PlanName, Rot, Title, window,
};
use crate::service::campaign::{Campaign, Change, Progress as Counted, Reach};
use crate::service::operator::Targets;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// A change for the Things on a list, or for those of a device profile.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignCreateRequest {
    /// What people call it.
    name: Title,
    /// For these Things, at most 1000; or else `DeviceProfileUID`.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(min_items = 1, max_items = 1000)]
    rots: Option<Vec<Rot>>,
    /// For the Things of this device profile; or else `ROTPublicUIDs`.
    #[serde(rename = "DeviceProfileUID")]
    #[schema(max_length = 100)]
    device_profile_uid: Option<String>,
    /// Features to switch on.
    features_on: Option<Vec<FeatureName>>,
    /// Features to switch off.
    features_off: Option<Vec<FeatureName>>,
    /// Security heartbeat period.
    heartbeat_period: Option<HeartbeatPeriod>,
    /// Price plan.
    plan: Option<PlanName>,
}

/// One campaign.
#[derive(Deserialize, ToSchema)]
struct CampaignGetRequest {
    /// Which.
    #[serde(rename = "CampaignUID")]
    #[schema(max_length = 100)]
    campaign_uid: String,
}

/// Part of all campaigns.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignListRequest {
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// Part of the Things of a campaign.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignDevicesRequest {
    /// Of which campaign.
    #[serde(rename = "CampaignUID")]
    #[schema(max_length = 100)]
    campaign_uid: String,
    /// Of this outcome only.
    outcome: Option<OutcomeName>,
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// A campaign, and how far it has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignEntry {
    /// 22 letters and digits.
    #[serde(rename = "CampaignUID")]
    campaign_uid: String,
    /// What people call it.
    name: String,
    /// When it was made.
    created_at: Moment,
    /// The device profile whose Things it is for; null for a list.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<String>,
    /// Features to switch on.
    features_on: Vec<FeatureName>,
    /// Features to switch off.
    features_off: Vec<FeatureName>,
    /// Security heartbeat period, in seconds.
    heartbeat_period: Option<u32>,
    /// Price plan.
    plan: Option<PlanName>,
    /// How far it has come.
    progress: CampaignProgress,
}

/// How far a campaign has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignProgress {
    /// Whether more Things are still to be told.
    running: bool,
    /// Things that were told so far.
    total: u64,
    /// The change is wanted of these, and not reported yet.
    waiting: u64,
    /// These have reported it.
    applied: u64,
    /// Something else was wanted of these meanwhile, or they have another owner.
    superseded: u64,
    /// The plan has no room for these.
    refused: u64,
}

/// Campaigns of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignList {
    /// By UID.
    campaigns: Vec<CampaignEntry>,
    /// How many there are.
    total: usize,
}

/// The Things of a campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignDeviceList {
    /// By ROTPublicUID.
    devices: Vec<CampaignDevice>,
    /// How many fit.
    total: usize,
}

/// A Thing of a campaign.
#[derive(Serialize, ToSchema)]
struct CampaignDevice {
    /// Which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// What became of the campaign on it.
    #[serde(rename = "Outcome")]
    outcome: OutcomeName,
}

impl CampaignEntry {
    fn new(campaign: &Campaign, progress: &Counted) -> Self {
        let switched = |on: bool| {
            let features = campaign.change.features.iter().filter(move |(_, enabled)| **enabled == on);
            features.map(|(feature, _)| FeatureName(*feature)).collect()
        };
        Self {
            campaign_uid: campaign.uid.clone(),
            name: campaign.name.clone(),
            created_at: Moment(campaign.created_at),
            device_profile_uid: campaign.profile_uid.clone(),
            features_on: switched(true),
            features_off: switched(false),
            heartbeat_period: campaign.change.heartbeat_period_s,
            plan: campaign.change.plan.map(PlanName),
            progress: CampaignProgress {
                running: campaign.reach != Reach::Complete,
                total: progress.total(),
                waiting: progress.waiting,
                applied: progress.applied,
                superseded: progress.superseded,
                refused: progress.refused,
            },
        }
    }
}

fn create(owner: &mut Owner<'_>, request: CampaignCreateRequest) -> Result<CampaignEntry, ApiError> {
    let targets = match (request.rots, request.device_profile_uid) {
        (Some(rots), None) => Targets::Listed(rots.into_iter().map(|rot| rot.0).collect()),
        (None, Some(uid)) => Targets::Profile(uid),
        _ => {
            let message = "a campaign is for ROTPublicUIDs or for a DeviceProfileUID";
            return Err(ApiError::bad_request(message, "name one of them, and not both"));
        }
    };
    let on = request.features_on.into_iter().flatten().map(|feature| (feature.0, true));
    let off = request.features_off.into_iter().flatten().map(|feature| (feature.0, false));
    let features: Vec<_> = on.chain(off).collect();
    let by_name: BTreeMap<_, _> = features.iter().copied().collect();
    if features.iter().any(|(feature, enabled)| by_name.get(feature) != Some(enabled)) {
        let message = "a feature is to be switched on and off";
        return Err(ApiError::bad_request(message, "name it in one of the two lists"));
    }
    let change = Change {
        features: by_name,
        heartbeat_period_s: request.heartbeat_period.map(|period| period.0),
        plan: request.plan.map(|plan| plan.0),
    };
    let campaign = owner.account.create_campaign(request.name.0, change, targets)?;
    get(owner, CampaignGetRequest { campaign_uid: campaign.uid.clone() })
}

fn get(owner: &mut Owner<'_>, request: CampaignGetRequest) -> Result<CampaignEntry, ApiError> {
    let (campaign, progress) = owner.account.campaign(&request.campaign_uid)?;
    Ok(CampaignEntry::new(&campaign, &progress))
}

fn list(owner: &mut Owner<'_>, request: CampaignListRequest) -> Result<CampaignList, ApiError> {
    let page = owner.account.campaigns(window(request.offset, request.count))?;
    let campaigns = page.items.iter().map(|(campaign, progress)| CampaignEntry::new(campaign, progress));
    Ok(CampaignList { campaigns: campaigns.collect(), total: page.total })
}

fn devices(owner: &mut Owner<'_>, request: CampaignDevicesRequest) -> Result<CampaignDeviceList, ApiError> {
    let window = window(request.offset, request.count);
    let outcome = request.outcome.map(|outcome| outcome.0);
    let page = owner.account.campaign_devices(&request.campaign_uid, outcome, window)?;
    let device = |(rot, outcome)| CampaignDevice { rot: Rot(rot), outcome: OutcomeName(outcome) };
    Ok(CampaignDeviceList { devices: page.items.into_iter().map(device).collect(), total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Campaigns";
    const UNKNOWN: &[StatusCode] = &[StatusCode::NOT_FOUND];
    vec![
        Operation::owner("/v1/campaign/create", create)
            .about(TAG, "Wants one change of many Things, each from its next heartbeat on")
            .refuses(UNKNOWN),
        Operation::owner("/v1/campaign/get", get)
            .about(TAG, "Shows a campaign and how far it has come")
            .refuses(UNKNOWN),
        Operation::owner("/v1/campaign/list", list).about(TAG, "Lists campaigns"),
        Operation::owner("/v1/campaign/device/list", devices)
            .about(TAG, "Lists the Things of a campaign with what became of it")
            .refuses(UNKNOWN),
    ]
}
