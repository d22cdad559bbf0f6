//! What the service keeps, and the promise of whoever keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::device::Device;
use super::device_profile::DeviceProfile;
use super::event::{Event, EventKind};
use super::plan::Plan;
use crate::protocol::keys::RotUid;
use crate::time::Timestamp;

/// The service's memory. Reads see every commit that returned.
pub trait Store: Send + 'static {
    /// Which service this is.
    fn service(&self) -> Result<ServiceRecord, StoreError>;
    /// One device.
    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError>;
    /// One device profile.
    fn profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, StoreError>;
    /// Whether a profile's whitelist has this root of trust.
    fn is_whitelisted(&self, profile_uid: &str, rot: RotUid) -> Result<bool, StoreError>;
    /// How many devices of a domain stand ACTIVE under a plan.
    fn active_devices(&self, domain: &str, plan: Plan) -> Result<u64, StoreError>;
    /// A device other than `rot` that was sealed with this profile and serial number.
    fn serial_holder(
        &self,
        profile_uid: &str,
        serial: &str,
        rot: RotUid,
    ) -> Result<Option<RotUid>, StoreError>;
    /// The device to become overdue next, and when ([`Device::overdue_at`]).
    fn next_overdue(&self) -> Result<Option<(Timestamp, RotUid)>, StoreError>;
    /// Devices that became overdue by a moment, the longest overdue first.
    fn overdue_by(&self, at: Timestamp, max: usize) -> Result<Vec<RotUid>, StoreError>;
    /// The stored event that `event` repeats ([`Event::is_repeated_by`]).
    fn repeated_event(&self, event: &Event) -> Result<Option<Event>, StoreError>;
    /// The highest event id; 0 where there is none.
    fn last_event_id(&self) -> Result<u64, StoreError>;
    /// Device profiles, of one domain or of all, by UID.
    fn profiles(&self, domain: Option<&str>) -> Result<Vec<Arc<DeviceProfile>>, StoreError>;
    /// Devices, of one domain or of all, by RoT UID.
    fn devices(&self, domain: Option<&str>, window: Window) -> Result<Page<Arc<Device>>, StoreError>;
    /// The whitelist of a profile, by RoT UID.
    fn whitelist(&self, profile_uid: &str, window: Window) -> Result<Page<RotUid>, StoreError>;
    /// Events, oldest first.
    fn events(&self, query: &EventQuery, window: Window) -> Result<Page<Event>, StoreError>;

    /// Makes a batch durable, whole or not at all: once this returned, no crash loses it.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;
}

/// What is written together.
pub type Batch = Vec<Write>;

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// The service's own record.
    Service(ServiceRecord),
    /// A device, new or changed.
    Device(Arc<Device>),
    /// A device profile, new or changed.
    Profile(Arc<DeviceProfile>),
    /// A root of trust on or off the whitelist of a profile.
    Whitelist {
        /// Of which profile.
        profile_uid: String,
        /// Which root of trust.
        rot: RotUid,
        /// On or off.
        listed: bool,
    },
    /// An event, new or repeated, by its id.
    Event(Event),
}

/// Which service this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// Random, drawn when the store was made.
    pub service_id: [u8; 8],
    /// One more after every restore of a snapshot; devices behind it are accepted once.
    pub generation: u32,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out in front.
    pub offset: usize,
    /// How many to give at most.
    pub count: usize,
}

/// Part of a list, and how long the whole is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Those within the window.
    pub items: Vec<T>,
    /// How many there are.
    pub total: usize,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// About this root of trust only.
    pub rot: Option<RotUid>,
    /// Of this sort only.
    pub kind: Option<EventKind>,
    /// Of this domain only.
    pub domain: Option<String>,
    /// That last happened then or later.
    pub since: Option<Timestamp>,
    /// With a higher id.
    pub after: u64,
}

/// The store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

impl Window {
    /// Everything.
    pub const ALL: Self = Self { offset: 0, count: usize::MAX };

    /// The part of `items` within the window, and their number.
    pub fn of<T>(self, items: impl Iterator<Item = T>) -> Page<T> {
        let mut page = Page { items: Vec::new(), total: 0 };
        for item in items {
            if page.total >= self.offset && page.items.len() < self.count {
                page.items.push(item);
            }
            page.total += 1;
        }
        page
    }
}

impl EventQuery {
    /// Whether an event is asked for.
    pub fn matches(&self, event: &Event) -> bool {
        event.id > self.after
            && self.rot.is_none_or(|rot| rot == event.rot)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.domain.as_ref().is_none_or(|domain| Some(domain) == event.domain.as_ref())
            && self.since.is_none_or(|since| event.last_at >= since)
    }
}

/// What every store promises, as a test each of them runs.
#[cfg(test)]
#[path = "store_contract.rs"]
pub(crate) mod contract;
