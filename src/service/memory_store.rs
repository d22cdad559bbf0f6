//! A store in memory, for scenarios: cloning it is a snapshot, and cheap.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::access_key::AccessKey;
use super::authority::Authority;
use super::campaign::{Campaign, Outcome, Progress, Reach};
use super::certificate::IssuedCertificate;
use super::device::Device;
use super::device_profile::DeviceProfile;
use super::domain::Domain;
use super::event::Event;
use super::plan::Plan;
use super::store::{
    Batch, CertificateQuery, DeviceQuery, EventQuery, NotedDevice, Page, ServiceRecord, Store, StoreError,
    Window, Write,
};
use crate::protocol::certificate::CertificateSerial;
use crate::protocol::keys::{RotUid, UidTail};
use crate::protocol::message::Standing;
use crate::time::Timestamp;

/// Everything in memory. A clone is a snapshot, and restoring is putting the clone back.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    service: ServiceRecord,
    devices: BTreeMap<RotUid, Arc<Device>>,
    profiles: BTreeMap<String, Arc<DeviceProfile>>,
    whitelist: BTreeSet<(String, RotUid)>,
    events: BTreeMap<u64, Arc<Event>>,
    /// Ids of clone and suspicious events, which may repeat.
    counted: HashMap<RotUid, Vec<u64>>,
    overdue: BTreeSet<(Timestamp, RotUid)>,
    active: HashMap<(String, Plan), u64>,
    serials: BTreeSet<(String, String, RotUid)>,
    domains: BTreeMap<String, Arc<Domain>>,
    access_keys: BTreeMap<String, Arc<AccessKey>>,
    campaigns: BTreeMap<String, Arc<Campaign>>,
    campaign_devices: BTreeMap<(String, RotUid), Outcome>,
    authorities: BTreeMap<String, Arc<Authority>>,
    /// By the moment they were signed.
    certificates: BTreeMap<(Timestamp, CertificateSerial), Arc<IssuedCertificate>>,
}

impl MemoryStore {
    /// An empty store of a service that calls itself this.
    pub fn new(service_id: [u8; 8]) -> Self {
        Self {
            service: ServiceRecord { service_id, generation: 0 },
            devices: BTreeMap::new(),
            profiles: BTreeMap::new(),
            whitelist: BTreeSet::new(),
            events: BTreeMap::new(),
            counted: HashMap::new(),
            overdue: BTreeSet::new(),
            active: HashMap::new(),
            serials: BTreeSet::new(),
            domains: BTreeMap::new(),
            access_keys: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            campaign_devices: BTreeMap::new(),
            authorities: BTreeMap::new(),
            certificates: BTreeMap::new(),
        }
    }

    /// Most changes of a device touch none of what is searched for.
    fn put_device(&mut self, device: &Arc<Device>) {
        let before = self.devices.insert(device.rot, Arc::clone(device));
        let before = before.as_deref();
        let (was, is) = (before.and_then(Device::overdue_at), device.overdue_at());
        if was != is {
            was.map(|at| self.overdue.remove(&(at, device.rot)));
            self.overdue.extend(is.map(|at| (at, device.rot)));
        }
        let (was, is) = (before.and_then(active_key), active_key(device));
        if was != is {
            if let Some(count) =
                was.and_then(|(domain, plan)| self.active.get_mut(&(domain.to_owned(), plan)))
            {
                *count -= 1;
            }
            if let Some((domain, plan)) = is {
                *self.active.entry((domain.to_owned(), plan)).or_default() += 1;
            }
        }
        if before.and_then(|before| before.seal.as_ref()) != device.seal.as_ref() {
            before.and_then(serial_key).map(|key| self.serials.remove(&key));
            self.serials.extend(serial_key(device));
        }
    }

    fn devices_of(&self, campaign_uid: &str) -> impl Iterator<Item = (RotUid, Outcome)> {
        let first = (campaign_uid.to_owned(), RotUid([0; 8]));
        let last = (campaign_uid.to_owned(), RotUid([0xff; 8]));
        self.campaign_devices.range(first..=last).map(|((_, rot), outcome)| (*rot, *outcome))
    }

    fn put_event(&mut self, event: &Event) {
        let is_new = self.events.insert(event.id, Arc::new(event.clone())).is_none();
        if is_new && event.kind.is_counted() {
            self.counted.entry(event.rot).or_default().push(event.id);
        }
    }
}

fn active_key(device: &Device) -> Option<(&str, Plan)> {
    let active = device.standing == Standing::Active;
    device.domain().filter(|_| active).map(|domain| (domain, device.plan))
}

fn serial_key(device: &Device) -> Option<(String, String, RotUid)> {
    device.seal.as_ref().map(|seal| (seal.profile_uid.clone(), seal.serial_number.clone(), device.rot))
}

impl Store for MemoryStore {
    fn service(&self) -> Result<ServiceRecord, StoreError> {
        Ok(self.service.clone())
    }

    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError> {
        Ok(self.devices.get(&rot).cloned())
    }

    fn devices_with_tail(&self, tail: UidTail) -> Result<Vec<Arc<Device>>, StoreError> {
        Ok(self.devices.values().filter(|device| device.rot.tail() == tail).cloned().collect())
    }

    fn profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, StoreError> {
        Ok(self.profiles.get(uid).cloned())
    }

    fn is_whitelisted(&self, profile_uid: &str, rot: RotUid) -> Result<bool, StoreError> {
        Ok(self.whitelist.contains(&(profile_uid.to_owned(), rot)))
    }

    fn active_devices(&self, domain: &str, plan: Plan) -> Result<u64, StoreError> {
        Ok(self.active.get(&(domain.to_owned(), plan)).copied().unwrap_or(0))
    }

    fn serial_holder(
        &self,
        profile_uid: &str,
        serial: &str,
        rot: RotUid,
    ) -> Result<Option<RotUid>, StoreError> {
        let first = (profile_uid.to_owned(), serial.to_owned(), RotUid([0; 8]));
        let last = (profile_uid.to_owned(), serial.to_owned(), RotUid([0xff; 8]));
        Ok(self.serials.range(first..=last).map(|(_, _, holder)| *holder).find(|holder| *holder != rot))
    }

    fn next_overdue(&self) -> Result<Option<(Timestamp, RotUid)>, StoreError> {
        Ok(self.overdue.first().copied())
    }

    fn overdue_by(&self, at: Timestamp, max: usize) -> Result<Vec<RotUid>, StoreError> {
        let due = self.overdue.range(..=(at, RotUid([0xff; 8])));
        Ok(due.map(|(_, rot)| *rot).take(max).collect())
    }

    fn repeated_event(&self, event: &Event) -> Result<Option<Event>, StoreError> {
        let ids = self.counted.get(&event.rot).map_or(&[][..], Vec::as_slice);
        let mut events = ids.iter().rev().filter_map(|id| self.events.get(id));
        Ok(events.find(|stored| stored.is_repeated_by(event)).map(|stored| Event::clone(stored)))
    }

    fn last_event_id(&self) -> Result<u64, StoreError> {
        Ok(self.events.last_key_value().map_or(0, |(id, _)| *id))
    }

    fn profiles(&self, domain: Option<&str>) -> Result<Vec<Arc<DeviceProfile>>, StoreError> {
        let wanted = |profile: &&Arc<DeviceProfile>| domain.is_none_or(|domain| domain == profile.domain);
        Ok(self.profiles.values().filter(wanted).cloned().collect())
    }

    fn devices(&self, query: &DeviceQuery, window: Window) -> Result<Page<Arc<Device>>, StoreError> {
        let page = window.of(self.devices.values().filter(|device| query.matches(device)));
        Ok(Page { items: page.items.into_iter().cloned().collect(), total: page.total })
    }

    fn devices_behind(
        &self,
        domain: &str,
        profile_uid: Option<&str>,
        behind: Option<RotUid>,
        max: usize,
    ) -> Result<Vec<Arc<Device>>, StoreError> {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        let profile_uid = profile_uid.map(str::to_owned);
        let query = DeviceQuery { profile_uid, ..DeviceQuery::of(domain) };
        let devices = self.devices.range((from, Bound::Unbounded)).map(|(_, device)| device);
        Ok(devices.filter(|device| query.matches(device)).take(max).cloned().collect())
    }

    fn whitelist(&self, profile_uid: &str, window: Window) -> Result<Page<RotUid>, StoreError> {
        let from = (profile_uid.to_owned(), RotUid([0; 8]));
        let listed = self.whitelist.range(from..).take_while(|(uid, _)| uid == profile_uid);
        Ok(window.of(listed.map(|(_, rot)| *rot)))
    }

    fn events(&self, query: &EventQuery, window: Window) -> Result<Page<Event>, StoreError> {
        let newer = self.events.range(query.after.saturating_add(1)..).map(|(_, event)| event);
        let wanted = newer.filter(|event| query.matches(event));
        let page = if query.newest_first { window.of(wanted.rev()) } else { window.of(wanted) };
        let items = page.items.into_iter().map(|event| Event::clone(event)).collect();
        Ok(Page { items, total: page.total })
    }

    fn noted_devices(&self, query: &EventQuery, window: Window) -> Result<Page<NotedDevice>, StoreError> {
        let mut noted: BTreeMap<RotUid, NotedDevice> = BTreeMap::new();
        for event in self.events.values().filter(|event| query.matches(event)) {
            let count = u64::from(event.count);
            let about = noted.entry(event.rot).or_insert_with(|| NotedDevice {
                rot: event.rot,
                count: 0,
                first_at: event.at,
                last: Event::clone(event),
            });
            about.count += count;
            about.first_at = about.first_at.min(event.at);
            if event.last_at >= about.last.last_at {
                about.last = Event::clone(event);
            }
        }
        Ok(window.of(noted.into_values()))
    }

    fn domain(&self, name: &str) -> Result<Option<Arc<Domain>>, StoreError> {
        Ok(self.domains.get(name).cloned())
    }

    fn domains(&self, window: Window) -> Result<Page<Arc<Domain>>, StoreError> {
        Ok(window.of(self.domains.values().cloned()))
    }

    fn access_key(&self, api_key: &str) -> Result<Option<Arc<AccessKey>>, StoreError> {
        Ok(self.access_keys.get(api_key).cloned())
    }

    fn access_keys(&self, domain: &str) -> Result<Vec<Arc<AccessKey>>, StoreError> {
        Ok(self.access_keys.values().filter(|key| key.domain == domain).cloned().collect())
    }

    fn campaign(&self, uid: &str) -> Result<Option<Arc<Campaign>>, StoreError> {
        Ok(self.campaigns.get(uid).cloned())
    }

    fn campaigns(&self, domain: &str, window: Window) -> Result<Page<Arc<Campaign>>, StoreError> {
        let found = self.campaigns.values().filter(|campaign| campaign.domain == domain);
        let mut found: Vec<_> = found.cloned().collect();
        found.sort_by_key(|campaign| std::cmp::Reverse(campaign.created_at));
        Ok(window.of(found.into_iter()))
    }

    fn running_campaigns(&self) -> Result<Vec<Arc<Campaign>>, StoreError> {
        let running = self.campaigns.values().filter(|campaign| campaign.reach != Reach::Complete);
        Ok(running.cloned().collect())
    }

    fn campaign_progress(&self, uid: &str) -> Result<Progress, StoreError> {
        let mut progress = Progress::default();
        self.devices_of(uid).for_each(|(_, outcome)| progress.add(outcome, 1));
        Ok(progress)
    }

    fn campaign_devices(
        &self,
        uid: &str,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Page<(RotUid, Outcome)>, StoreError> {
        Ok(window.of(self.devices_of(uid).filter(|(_, found)| outcome.is_none_or(|wanted| wanted == *found))))
    }

    fn authority(&self, uid: &str) -> Result<Option<Arc<Authority>>, StoreError> {
        Ok(self.authorities.get(uid).cloned())
    }

    fn authorities(&self, domain: &str) -> Result<Vec<Arc<Authority>>, StoreError> {
        Ok(self.authorities.values().filter(|authority| authority.domain == domain).cloned().collect())
    }

    fn certificates(
        &self,
        query: &CertificateQuery,
        window: Window,
    ) -> Result<Page<Arc<IssuedCertificate>>, StoreError> {
        let newest_first = self.certificates.values().rev();
        Ok(window.of(newest_first.filter(|certificate| query.matches(certificate)).cloned()))
    }

    fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut census: BTreeMap<String, u64> = BTreeMap::new();
        for device in self.devices.values() {
            *census.entry(device.state().name().to_owned()).or_default() += 1;
        }
        Ok(census.into_iter().collect())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        for write in batch {
            match write {
                Write::Service(record) => self.service = record.clone(),
                Write::Device(device) => self.put_device(device),
                Write::Profile(profile) => {
                    self.profiles.insert(profile.uid.clone(), Arc::clone(profile));
                }
                Write::Whitelist { profile_uid, rot, listed: true } => {
                    self.whitelist.insert((profile_uid.clone(), *rot));
                }
                Write::Whitelist { profile_uid, rot, listed: false } => {
                    self.whitelist.remove(&(profile_uid.clone(), *rot));
                }
                Write::Event(event) => self.put_event(event),
                Write::Domain(domain) => {
                    self.domains.insert(domain.name.clone(), Arc::clone(domain));
                }
                Write::AccessKey(key) => {
                    self.access_keys.insert(key.api_key.clone(), Arc::clone(key));
                }
                Write::AccessKeyGone(api_key) => {
                    self.access_keys.remove(api_key);
                }
                Write::Campaign(campaign) => {
                    self.campaigns.insert(campaign.uid.clone(), Arc::clone(campaign));
                }
                Write::CampaignDevice { campaign_uid, rot, outcome } => {
                    self.campaign_devices.insert((campaign_uid.clone(), *rot), *outcome);
                }
                Write::Authority(authority) => {
                    self.authorities.insert(authority.uid.clone(), Arc::clone(authority));
                }
                Write::AuthorityGone(uid) => {
                    self.authorities.remove(uid);
                }
                Write::Certificate(certificate) => {
                    let key = (certificate.not_before, certificate.serial);
                    self.certificates.insert(key, Arc::clone(certificate));
                }
                Write::CertificateGone(certificate) => {
                    self.certificates.remove(&(certificate.not_before, certificate.serial));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::store::contract;

    #[test]
    fn it_keeps_what_every_store_promises() {
        contract::check(&mut MemoryStore::new([7; 8]));
    }

    #[test]
    fn a_clone_is_a_snapshot() {
        let mut store = MemoryStore::new([7; 8]);
        let snapshot = store.clone();
        contract::check(&mut store);
        assert_eq!(snapshot.devices(&DeviceQuery::default(), Window::ALL).map(|page| page.total), Ok(0));
    }
}
