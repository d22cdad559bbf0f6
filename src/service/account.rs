//! [`Account`]: a domain as its owner sees it. Nothing outside of it is there.

use std::sync::Arc;

use super::access_key::{AccessKey, ApiSecret};
use super::authority::{Authority, AuthorityOrder};
use super::campaign::{Campaign, Outcome, Progress};
use super::certificate::IssuedCertificate;
use super::device::Device;
use super::device_profile::DeviceProfile;
use super::domain::Domain;
use super::event::Event;
use super::operator::{CampaignOrder, Operator, OperatorError, Targets};
use super::plan::Plan;
use super::store::{CertificateQuery, DeviceQuery, EventQuery, NotedDevice, Page, Store, Window};
use crate::protocol::keys::{RotUid, UidTail};
use crate::protocol::message::Feature;

/// An owner at work on one domain. What belongs to another domain, or to nobody, is as unknown as
/// what does not exist.
pub struct Account<'a, S> {
    operator: Operator<'a, S>,
    domain: &'a str,
}

/// What an owner wants to be otherwise on a device: what is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceEdit {
    /// All features that are to be on.
    pub features: Option<std::collections::BTreeSet<Feature>>,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: Option<u32>,
    /// Price plan.
    pub plan: Option<Plan>,
    /// Suspended, or active again.
    pub suspended: Option<bool>,
}

impl<'a, S: Store> Account<'a, S> {
    pub(super) fn new(operator: Operator<'a, S>, domain: &'a str) -> Self {
        Self { operator, domain }
    }

    /// The account itself.
    pub fn domain(&self) -> Result<Arc<Domain>, OperatorError> {
        self.operator.known_domain(self.domain)
    }

    /// One of its devices.
    pub fn device(&self, rot: RotUid) -> Result<Arc<Device>, OperatorError> {
        let device = self.operator.registry.device(rot)?;
        let mine = device.filter(|device| device.domain() == Some(self.domain));
        mine.ok_or_else(|| OperatorError::NotYours { rot, domain: self.domain.to_owned() })
    }

    /// Those of its devices whose RoT UID ends so.
    pub(super) fn devices_with_tail(&self, tail: UidTail) -> Result<Vec<Arc<Device>>, OperatorError> {
        let mut devices = self.operator.registry.store().devices_with_tail(tail)?;
        devices.retain(|device| device.domain() == Some(self.domain));
        Ok(devices)
    }

    /// No device of this domain has made such a key.
    pub(super) fn unknown_key(&self) -> OperatorError {
        OperatorError::UnknownKey(self.domain.to_owned())
    }

    /// Its devices, by RoT UID.
    pub fn devices(&self, query: DeviceQuery, window: Window) -> Result<Page<Arc<Device>>, OperatorError> {
        let query = DeviceQuery { domain: Some(self.domain.to_owned()), ..query };
        Ok(self.operator.registry.store().devices(&query, window)?)
    }

    /// How many of its devices are active under a plan.
    pub fn active_devices(&self, plan: Plan) -> Result<u64, OperatorError> {
        Ok(self.operator.registry.store().active_devices(self.domain, plan)?)
    }

    /// Switches a feature from the next heartbeat on.
    pub fn set_feature(&mut self, rot: RotUid, feature: Feature, enabled: bool) -> Result<(), OperatorError> {
        self.mine(rot)?.set_feature(rot, feature, enabled)
    }

    /// Wants another heartbeat period, in seconds, from the next heartbeat on.
    pub fn set_heartbeat_period(&mut self, rot: RotUid, period_s: u32) -> Result<(), OperatorError> {
        self.mine(rot)?.set_heartbeat_period(rot, period_s)
    }

    /// Makes a blocked or suspended device active.
    pub fn unblock(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        self.mine(rot)?.unblock(rot)
    }

    /// Changes a device: all that is named, or nothing.
    pub fn edit_device(&mut self, rot: RotUid, edit: &DeviceEdit) -> Result<(), OperatorError> {
        self.mine(rot)?.edit_device(rot, edit)
    }

    /// One of its device profiles.
    pub fn profile(&self, uid: &str) -> Result<Arc<DeviceProfile>, OperatorError> {
        let profile = self.operator.device_profile(uid)?;
        profile.filter(|profile| profile.domain == self.domain).ok_or(OperatorError::UnknownProfile)
    }

    /// Its device profiles, by UID.
    pub fn profiles(&self) -> Result<Vec<Arc<DeviceProfile>>, OperatorError> {
        Ok(self.operator.registry.store().profiles(Some(self.domain))?)
    }

    /// Makes a device profile under a new UID, which is returned.
    pub fn create_profile(&mut self, profile: DeviceProfile) -> Result<String, OperatorError> {
        let uid = self.operator.draw_profile_uid();
        let profile = DeviceProfile { uid: uid.clone(), domain: self.domain.to_owned(), ..profile };
        self.operator.create_device_profile(profile)?;
        Ok(uid)
    }

    /// Edits a device profile, for later bootstraps only.
    pub fn update_profile(
        &mut self,
        uid: &str,
        edit: impl FnOnce(&mut DeviceProfile),
    ) -> Result<(), OperatorError> {
        self.profile(uid)?;
        self.operator.update_device_profile(uid, edit)
    }

    /// The whitelist of a device profile, by RoT UID.
    pub fn whitelist(&self, uid: &str, window: Window) -> Result<Page<RotUid>, OperatorError> {
        self.profile(uid)?;
        Ok(self.operator.registry.store().whitelist(uid, window)?)
    }

    /// Puts roots of trust on a whitelist, seen already or not.
    pub fn whitelist_add(&mut self, uid: &str, rots: &[RotUid]) -> Result<(), OperatorError> {
        self.profile(uid)?;
        self.operator.whitelist_add(uid, rots)
    }

    /// Takes roots of trust off a whitelist; devices that are active stay so.
    pub fn whitelist_remove(&mut self, uid: &str, rots: &[RotUid]) -> Result<(), OperatorError> {
        self.profile(uid)?;
        self.operator.whitelist_remove(uid, rots)
    }

    /// Its events.
    pub fn events(&self, query: EventQuery, window: Window) -> Result<Page<Event>, OperatorError> {
        Ok(self.operator.registry.store().events(&self.narrow(query), window)?)
    }

    /// Roots of trust it has events about, by RoT UID.
    pub fn noted_devices(
        &self,
        query: EventQuery,
        window: Window,
    ) -> Result<Page<NotedDevice>, OperatorError> {
        Ok(self.operator.registry.store().noted_devices(&self.narrow(query), window)?)
    }

    /// Its access keys.
    pub fn access_keys(&self) -> Result<Vec<Arc<AccessKey>>, OperatorError> {
        Ok(self.operator.registry.store().access_keys(self.domain)?)
    }

    /// Makes an access key. The secret is shown now or never.
    pub fn create_access_key(&mut self) -> Result<(Arc<AccessKey>, ApiSecret), OperatorError> {
        self.operator.create_access_key(self.domain)
    }

    /// Deletes an access key: whoever holds it is locked out.
    pub fn delete_access_key(&mut self, api_key: &str) -> Result<(), OperatorError> {
        self.operator.delete_access_key(self.domain, api_key)
    }

    /// Its private CAs, by UID.
    pub fn authorities(&self) -> Result<Vec<Arc<Authority>>, OperatorError> {
        Ok(self.operator.registry.store().authorities(self.domain)?)
    }

    /// Makes a private CA.
    pub fn create_authority(&mut self, order: AuthorityOrder) -> Result<Arc<Authority>, OperatorError> {
        self.operator.create_authority(self.domain, order)
    }

    /// Deletes a private CA that no device profile names.
    pub fn delete_authority(&mut self, uid: &str) -> Result<(), OperatorError> {
        self.operator.delete_authority(self.domain, uid)
    }

    /// Certificates its private CAs have signed, the newest first.
    pub fn certificates(
        &self,
        query: CertificateQuery,
        window: Window,
    ) -> Result<Page<Arc<IssuedCertificate>>, OperatorError> {
        let query = CertificateQuery { domain: Some(self.domain.to_owned()), ..query };
        Ok(self.operator.registry.store().certificates(&query, window)?)
    }

    /// Whether a certificate is the one in force on its device, as that has reported.
    pub fn is_in_force(&self, issued: &IssuedCertificate) -> Result<bool, OperatorError> {
        let device = self.operator.registry.device(issued.rot)?;
        let held = device.as_deref().and_then(|device| device.certificate.as_ref());
        Ok(held.is_some_and(|held| held.serial == issued.serial))
    }

    /// Begins a campaign.
    pub fn create_campaign(
        &mut self,
        name: String,
        change: super::campaign::Change,
        targets: Targets,
    ) -> Result<Arc<Campaign>, OperatorError> {
        let domain = self.domain.to_owned();
        self.operator.create_campaign(CampaignOrder { domain, name, change, targets })
    }

    /// One of its campaigns, and how far it has come.
    pub fn campaign(&self, uid: &str) -> Result<(Arc<Campaign>, Progress), OperatorError> {
        let store = self.operator.registry.store();
        let campaign = store.campaign(uid)?.filter(|campaign| campaign.domain == self.domain);
        let campaign = campaign.ok_or(OperatorError::UnknownCampaign)?;
        Ok((campaign, store.campaign_progress(uid)?))
    }

    /// Its campaigns, the newest first.
    pub fn campaigns(&self, window: Window) -> Result<Page<(Arc<Campaign>, Progress)>, OperatorError> {
        let store = self.operator.registry.store();
        let page = store.campaigns(self.domain, window)?;
        let mut items = Vec::with_capacity(page.items.len());
        for campaign in page.items {
            let progress = store.campaign_progress(&campaign.uid)?;
            items.push((campaign, progress));
        }
        Ok(Page { items, total: page.total })
    }

    /// The Things of a campaign, by RoT UID.
    pub fn campaign_devices(
        &self,
        uid: &str,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Page<(RotUid, Outcome)>, OperatorError> {
        self.campaign(uid)?;
        Ok(self.operator.registry.store().campaign_devices(uid, outcome, window)?)
    }

    fn narrow(&self, query: EventQuery) -> EventQuery {
        EventQuery { domain: Some(self.domain.to_owned()), ..query }
    }

    pub(super) fn operator(&mut self) -> &mut Operator<'a, S> {
        &mut self.operator
    }

    fn mine(&mut self, rot: RotUid) -> Result<&mut Operator<'a, S>, OperatorError> {
        self.device(rot)?;
        Ok(&mut self.operator)
    }
}
