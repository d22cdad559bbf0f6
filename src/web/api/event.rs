//! Events.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{Count, KindName, Moment, Offset, Rot, window};
use crate::service::Event;
use crate::service::store::EventQuery;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// Part of the events that fit.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct EventListRequest {
    /// About this Thing only.
    #[serde(rename = "ROTPublicUID")]
    rot: Option<Rot>,
    /// Of this sort only.
    kind: Option<KindName>,
    /// That last happened then or later.
    since: Option<Moment>,
    /// The newest first; no.
    newest_first: Option<bool>,
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// Events of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct EventList {
    /// The oldest first, unless asked otherwise.
    events: Vec<EventEntry>,
    /// How many fit.
    total: usize,
}

/// Something the service noted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventEntry {
    /// Counts up in the order of happening.
    #[serde(rename = "ID")]
    id: u64,
    /// When it first happened.
    time: Moment,
    /// What sort.
    kind: KindName,
    /// About which Thing.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// What happened, in plain words.
    reason: String,
    /// From where the contact came.
    address: Option<String>,
    /// How often: clone and suspicious events that repeat are counted, not repeated.
    count: u32,
    /// When it last happened.
    last_time: Moment,
}

impl From<&Event> for EventEntry {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            time: Moment(event.at),
            kind: KindName(event.kind),
            rot: Rot(event.rot),
            reason: event.reason.to_string(),
            address: event.peer.map(|peer| peer.to_string()),
            count: event.count,
            last_time: Moment(event.last_at),
        }
    }
}

fn list(owner: &mut Owner<'_>, request: EventListRequest) -> Result<EventList, ApiError> {
    let query = EventQuery {
        rot: request.rot.map(|rot| rot.0),
        kind: request.kind.map(|kind| kind.0),
        since: request.since.map(|since| since.0),
        newest_first: request.newest_first.unwrap_or(false),
        ..EventQuery::default()
    };
    let page = owner.account.events(query, window(request.offset, request.count))?;
    Ok(EventList { events: page.items.iter().map(EventEntry::from).collect(), total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::owner("/v1/event/list", list).about("Events", "Lists events"), super::stream::operation()]
}
