//! Campaigns: one change for many Things.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{
    Count, FeatureName, GivenName, HeartbeatPeriod, Moment, Offset, OutcomeName, PlanName, Rot, Title, window,
};
use crate::service::campaign::{Campaign, Change, Progress as Counted, Reach};
use crate::service::operator::Targets;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// A feature of many Things, on or off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignFeatureRequest {
    /// What people call the campaign.
    name: Title,
    /// Which feature.
    feature: FeatureName,
    /// On or off, of each Thing from its next heartbeat.
    enabled: bool,
    /// For these Things only.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(min_items = 1, max_items = 1000)]
    rots: Option<Vec<Rot>>,
    /// For the Things of this device profile only.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<GivenName>,
}

/// The heartbeat period of many Things.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignHeartbeatRequest {
    /// What people call the campaign.
    name: Title,
    /// Of each Thing from its next heartbeat.
    heartbeat_period: HeartbeatPeriod,
    /// For these Things only.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(min_items = 1, max_items = 1000)]
    rots: Option<Vec<Rot>>,
    /// For the Things of this device profile only.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<GivenName>,
}

/// The price plan of many Things.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CampaignPlanRequest {
    /// What people call the campaign.
    name: Title,
    /// Services of each Thing from its next heartbeat.
    plan: PlanName,
    /// For these Things only.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(min_items = 1, max_items = 1000)]
    rots: Option<Vec<Rot>>,
    /// For the Things of this device profile only.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<GivenName>,
}

/// One campaign.
#[derive(Deserialize, ToSchema)]
struct CampaignGetRequest {
    /// Which.
    #[serde(rename = "CampaignUID")]
    campaign_uid: GivenName,
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
    campaign_uid: GivenName,
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
    /// The device profile whose Things it is for; null where it is for others.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<String>,
    /// The feature to switch, where it is about one.
    feature: Option<FeatureName>,
    /// On or off.
    enabled: Option<bool>,
    /// The security heartbeat period to set, in seconds, where it is about that.
    heartbeat_period: Option<u32>,
    /// The price plan to set, where it is about that.
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
    /// The newest first.
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
        let switched = campaign.change.features.first_key_value();
        Self {
            campaign_uid: campaign.uid.clone(),
            name: campaign.name.clone(),
            created_at: Moment(campaign.created_at),
            device_profile_uid: campaign.profile_uid.clone(),
            feature: switched.map(|(feature, _)| FeatureName(*feature)),
            enabled: switched.map(|(_, enabled)| *enabled),
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

fn set_feature(owner: &mut Owner<'_>, request: CampaignFeatureRequest) -> Result<CampaignEntry, ApiError> {
    let change = Change { features: [(request.feature.0, request.enabled)].into(), ..Change::default() };
    create(owner, request.name, change, request.rots, request.device_profile_uid)
}

fn set_heartbeat(
    owner: &mut Owner<'_>,
    request: CampaignHeartbeatRequest,
) -> Result<CampaignEntry, ApiError> {
    let change = Change { heartbeat_period_s: Some(request.heartbeat_period.0), ..Change::default() };
    create(owner, request.name, change, request.rots, request.device_profile_uid)
}

fn set_plan(owner: &mut Owner<'_>, request: CampaignPlanRequest) -> Result<CampaignEntry, ApiError> {
    let change = Change { plan: Some(request.plan.0), ..Change::default() };
    create(owner, request.name, change, request.rots, request.device_profile_uid)
}

fn create(
    owner: &mut Owner<'_>,
    name: Title,
    change: Change,
    rots: Option<Vec<Rot>>,
    profile_uid: Option<GivenName>,
) -> Result<CampaignEntry, ApiError> {
    let targets = Targets {
        rots: rots.map(|rots| rots.into_iter().map(|rot| rot.0).collect()),
        profile_uid: profile_uid.map(|uid| uid.0),
    };
    let campaign = owner.account.create_campaign(name.0, change, targets)?;
    get(owner, CampaignGetRequest { campaign_uid: GivenName(campaign.uid.clone()) })
}

fn get(owner: &mut Owner<'_>, request: CampaignGetRequest) -> Result<CampaignEntry, ApiError> {
    let (campaign, progress) = owner.account.campaign(&request.campaign_uid.0)?;
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
    let page = owner.account.campaign_devices(&request.campaign_uid.0, outcome, window)?;
    let device = |(rot, outcome)| CampaignDevice { rot: Rot(rot), outcome: OutcomeName(outcome) };
    Ok(CampaignDeviceList { devices: page.items.into_iter().map(device).collect(), total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Campaigns";
    const UNKNOWN: &[StatusCode] = &[StatusCode::NOT_FOUND];
    const UNKNOWN_OR_OTHER: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];
    vec![
        Operation::owner("/v1/campaign/feature/set", set_feature)
            .about(TAG, "Switches a feature of many Things, of all of the domain if nothing else is said")
            .refuses(UNKNOWN_OR_OTHER),
        Operation::owner("/v1/campaign/heartbeat/set", set_heartbeat)
            .about(TAG, "Sets the heartbeat period of many Things")
            .refuses(UNKNOWN_OR_OTHER),
        Operation::owner("/v1/campaign/plan/set", set_plan)
            .about(TAG, "Sets the price plan of many Things")
            .refuses(UNKNOWN_OR_OTHER),
        Operation::owner("/v1/campaign/get", get)
            .about(TAG, "Shows a campaign and how far it has come")
            .refuses(UNKNOWN),
        Operation::owner("/v1/campaign/list", list).about(TAG, "Lists campaigns"),
        Operation::owner("/v1/campaign/device/list", devices)
            .about(TAG, "Lists the Things of a campaign with what became of it")
            .refuses(UNKNOWN),
    ]
}
