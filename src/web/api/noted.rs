//! Things with clone events, and Things with suspicious ones.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{Count, Moment, Offset, Rot, window};
use crate::service::event::EventKind;
use crate::service::store::EventQuery;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner, Provenance};

/// Part of the Things that fit.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct NotedDevicesRequest {
    /// This Thing only.
    #[serde(rename = "ROTPublicUID")]
    rot: Option<Rot>,
    /// What happened then or later.
    since: Option<Moment>,
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// Things with such events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct NotedDeviceList {
    /// By ROTPublicUID.
    devices: Vec<NotedDeviceEntry>,
    /// How many fit.
    total: usize,
}

/// A Thing with such events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct NotedDeviceEntry {
    /// Which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// How often it happened.
    count: u64,
    /// When it first happened.
    first_time: Moment,
    /// When it last happened.
    last_time: Moment,
    /// Why, the last time.
    reason: String,
    /// From where, the last time.
    address: Option<String>,
}

fn clones(owner: &mut Owner<'_>, request: NotedDevicesRequest) -> Result<NotedDeviceList, ApiError> {
    noted(owner, request, EventKind::Clone)
}

fn suspicious(owner: &mut Owner<'_>, request: NotedDevicesRequest) -> Result<NotedDeviceList, ApiError> {
    noted(owner, request, EventKind::Suspicious)
}

fn noted(
    owner: &mut Owner<'_>,
    request: NotedDevicesRequest,
    kind: EventKind,
) -> Result<NotedDeviceList, ApiError> {
    let query = EventQuery {
        rot: request.rot.map(|rot| rot.0),
        kind: Some(kind),
        since: request.since.map(|since| since.0),
        ..EventQuery::default()
    };
    let page = owner.account.noted_devices(query, window(request.offset, request.count))?;
    let devices = page.items.into_iter().map(|noted| NotedDeviceEntry {
        rot: Rot(noted.rot),
        count: noted.count,
        first_time: Moment(noted.first_at),
        last_time: Moment(noted.last.last_at),
        reason: noted.last.reason.to_string(),
        address: noted.last.peer.map(|peer| peer.to_string()),
    });
    Ok(NotedDeviceList { devices: devices.collect(), total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Events";
    vec![
        Operation::owner("/v1/device/clone/get", clones)
            .about(TAG, "Lists Things of which a clone was refused")
            .from(Provenance::Seed),
        Operation::owner("/v1/device/suspicious/get", suspicious)
            .about(TAG, "Lists Things with suspicious contacts")
            .from(Provenance::Seed),
    ]
}
