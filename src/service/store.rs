//! What the service keeps, and the promise of whoever keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access_key::AccessKey;
use super::authority::Authority;
use super::campaign::{Campaign, Outcome, Progress};
use super::certificate::IssuedCertificate;
use super::device::{Device, DeviceState};
use super::device_profile::DeviceProfile;
use super::domain::Domain;
use super::event::{Event, EventKind};
use super::plan::Plan;
use crate::protocol::keys::{RotUid, UidTail};
use crate::time::Timestamp;

/// The service's memory. Reads see every commit that returned.
pub trait Store: Send + 'static {
    /// Which service this is.
    fn service(&self) -> Result<ServiceRecord, StoreError>;
    /// One device.
    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError>;
    /// Devices whose RoT UID ends so, by RoT UID.
    fn devices_with_tail(&self, tail: UidTail) -> Result<Vec<Arc<Device>>, StoreError>;
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
    /// Devices, by RoT UID.
    fn devices(&self, query: &DeviceQuery, window: Window) -> Result<Page<Arc<Device>>, StoreError>;
    /// The first devices of a domain, of one device profile or of all, behind a RoT UID, by RoT UID.
    fn devices_behind(
        &self,
        domain: &str,
        profile_uid: Option<&str>,
        behind: Option<RotUid>,
        max: usize,
    ) -> Result<Vec<Arc<Device>>, StoreError>;
    /// The whitelist of a profile, by RoT UID.
    fn whitelist(&self, profile_uid: &str, window: Window) -> Result<Page<RotUid>, StoreError>;
    /// Events, oldest first unless asked otherwise.
    fn events(&self, query: &EventQuery, window: Window) -> Result<Page<Event>, StoreError>;
    /// Roots of trust with events, by RoT UID.
    fn noted_devices(&self, query: &EventQuery, window: Window) -> Result<Page<NotedDevice>, StoreError>;
    /// One domain.
    fn domain(&self, name: &str) -> Result<Option<Arc<Domain>>, StoreError>;
    /// Domains, by name.
    fn domains(&self, window: Window) -> Result<Page<Arc<Domain>>, StoreError>;
    /// One access key, by its APIKey.
    fn access_key(&self, api_key: &str) -> Result<Option<Arc<AccessKey>>, StoreError>;
    /// The access keys of a domain, by APIKey.
    fn access_keys(&self, domain: &str) -> Result<Vec<Arc<AccessKey>>, StoreError>;
    /// One campaign.
    fn campaign(&self, uid: &str) -> Result<Option<Arc<Campaign>>, StoreError>;
    /// The campaigns of a domain, the newest first.
    fn campaigns(&self, domain: &str, window: Window) -> Result<Page<Arc<Campaign>>, StoreError>;
    /// Campaigns that have not come through all their Things yet.
    fn running_campaigns(&self) -> Result<Vec<Arc<Campaign>>, StoreError>;
    /// How far a campaign has come.
    fn campaign_progress(&self, uid: &str) -> Result<Progress, StoreError>;
    /// The Things of a campaign, of one outcome or of all, by RoT UID.
    fn campaign_devices(
        &self,
        uid: &str,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Page<(RotUid, Outcome)>, StoreError>;
    /// One private CA.
    fn authority(&self, uid: &str) -> Result<Option<Arc<Authority>>, StoreError>;
    /// The private CAs of a domain, by UID.
    fn authorities(&self, domain: &str) -> Result<Vec<Arc<Authority>>, StoreError>;
    /// Certificates of devices, the newest first.
    fn certificates(
        &self,
        query: &CertificateQuery,
        window: Window,
    ) -> Result<Page<Arc<IssuedCertificate>>, StoreError>;
    /// How many devices are in which state, by the state's name.
    fn census(&self) -> Result<Vec<(String, u64)>, StoreError>;

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
    /// A domain, new or changed.
    Domain(Arc<Domain>),
    /// An access key.
    AccessKey(Arc<AccessKey>),
    /// This access key is no more.
    AccessKeyGone(String),
    /// A campaign, new or changed.
    Campaign(Arc<Campaign>),
    /// What became of a campaign on a Thing.
    CampaignDevice {
        /// Of which campaign.
        campaign_uid: String,
        /// Which Thing.
        rot: RotUid,
        /// What.
        outcome: Outcome,
    },
    /// A private CA.
    Authority(Arc<Authority>),
    /// This private CA is no more.
    AuthorityGone(String),
    /// A certificate that was signed.
    Certificate(Arc<IssuedCertificate>),
    /// This certificate is listed no more.
    CertificateGone(Arc<IssuedCertificate>),
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

/// Which devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceQuery {
    /// Of this domain only.
    pub domain: Option<String>,
    /// In this state only, whatever the phase of a bootstrap.
    pub state: Option<DeviceState>,
    /// Assigned by this device profile only.
    pub profile_uid: Option<String>,
    /// Kept out by a whitelist, or not.
    pub blacklisted: Option<bool>,
    /// Overdue, or not.
    pub overdue: Option<bool>,
    /// With this in the RoT UID or in the serial number; capitals of ASCII are as good as small letters.
    pub text: Option<String>,
}

/// A root of trust with events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedDevice {
    /// About whom.
    pub rot: RotUid,
    /// How often it happened, repetitions counted.
    pub count: u64,
    /// When it happened first.
    pub first_at: Timestamp,
    /// The event that happened last.
    pub last: Event,
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
    /// The newest first.
    pub newest_first: bool,
}

/// Which certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateQuery {
    /// Of this domain only.
    pub domain: Option<String>,
    /// For this root of trust only.
    pub rot: Option<RotUid>,
    /// Signed by this private CA only.
    pub authority_uid: Option<String>,
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

impl DeviceQuery {
    /// Every device of a domain.
    pub fn of(domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..Self::default() }
    }

    /// Whether a device is asked for.
    pub fn matches(&self, device: &Device) -> bool {
        let owner = device.owner.as_ref();
        self.domain.as_ref().is_none_or(|domain| owner.is_some_and(|owner| owner.domain == *domain))
            && self.state.is_none_or(|state| state.name() == device.state().name())
            && self
                .profile_uid
                .as_ref()
                .is_none_or(|uid| owner.is_some_and(|owner| owner.profile_uid == *uid))
            && self.blacklisted.is_none_or(|blacklisted| blacklisted == device.is_blacklisted())
            && self.overdue.is_none_or(|overdue| overdue == device.overdue)
            && self.text.as_ref().is_none_or(|text| device.search_text().contains(&text.to_ascii_lowercase()))
    }
}

impl CertificateQuery {
    /// Whether a certificate is asked for.
    pub fn matches(&self, certificate: &IssuedCertificate) -> bool {
        self.domain.as_ref().is_none_or(|domain| *domain == certificate.domain)
            && self.rot.is_none_or(|rot| rot == certificate.rot)
            && self.authority_uid.as_ref().is_none_or(|uid| *uid == certificate.authority_uid)
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
