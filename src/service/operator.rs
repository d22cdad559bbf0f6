//! What an operator does: make accounts and profiles, change devices, repair.

mod access_keys;
mod authorities;
mod campaigns;
mod factory;
mod ownership;

pub use campaigns::{CampaignOrder, Targets};
pub use factory::FACTORY_MAX;
pub use ownership::{TRANSFER_MAX, Transfer};

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access_key::ACCESS_KEYS_MAX;
use super::account::DeviceEdit;
use super::authority::{AUTHORITIES_MAX, VALIDITY_DAYS_MAX};
use super::chain::Chain;
use super::device::{Blocked, Device};
use super::device_profile::DeviceProfile;
use super::domain::{DOMAIN_NAME_LEN_MAX, TITLE_LEN_MAX, is_title};
use super::event::{EventKind, Reason};
use super::plan::Plan;
use super::registry::{Draft, Registry};
use super::store::{Store, StoreError, Write};
use crate::protocol::certificate::AUTHORITY_NAME_LEN_MAX;
use crate::protocol::keys::e2e::E2eHeader;
use crate::protocol::keys::{KeySet, RotUid};
use crate::protocol::message::{Feature, Standing};
use crate::time::Timestamp;

/// Shortest security heartbeat period, in seconds (`designed`): the limit of a SARA-R4.
pub const HEARTBEAT_PERIOD_MIN_S: u32 = 5 * 60;

/// Longest security heartbeat period, in seconds (`designed`): a year.
pub const HEARTBEAT_PERIOD_MAX_S: u32 = 365 * 24 * 60 * 60;

/// An operator at work on one service; every change is stored when the call returns.
pub struct Operator<'a, S> {
    pub(super) registry: &'a mut Registry<S>,
    pub(super) now: Timestamp,
}

/// Why an operator's wish is not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// Nothing was ever heard of it.
    #[error("this service has never seen the root of trust {0}")]
    UnknownDevice(RotUid),
    /// Nobody made it.
    #[error("there is no device profile with that UID")]
    UnknownProfile,
    /// It is there already.
    #[error("there is a device profile with that UID already")]
    ProfileExists,
    /// Not 22 letters and digits.
    #[error("a device profile UID is 22 letters and digits")]
    ProfileUid,
    /// The device is nobody's.
    #[error("the device {0} is UNOWNED: seal a device profile UID into it first")]
    Unowned(RotUid),
    /// One more active device would be too many.
    #[error("plan {plan} allows {max} active devices, and they are all taken")]
    OverPlanLimit {
        /// Which plan.
        plan: Plan,
        /// How many it allows.
        max: u64,
    },
    /// No account is called that.
    #[error("there is no domain {0}")]
    UnknownDomain(String),
    /// It is somebody's already.
    #[error("the domain {0} is there already")]
    DomainExists(String),
    /// Not a name.
    #[error(
        "the name of a domain is at most {DOMAIN_NAME_LEN_MAX} letters, digits, hyphens, underscores and dots, \
         with a letter or a digit first"
    )]
    DomainName,
    /// Not a name for people.
    #[error("a name is 1 to {TITLE_LEN_MAX} characters on one line")]
    Title,
    /// As many as there may be.
    #[error("a domain has at most {ACCESS_KEYS_MAX} access keys")]
    AccessKeysMax,
    /// Not one of this domain.
    #[error("there is no access key of that name")]
    UnknownAccessKey,
    /// As many as there may be.
    #[error("a domain has at most {AUTHORITIES_MAX} private CAs")]
    AuthoritiesMax,
    /// Not one of this domain.
    #[error("there is no private CA of that UID")]
    UnknownAuthority,
    /// A device profile names it.
    #[error("the device profile {0:?} names that private CA")]
    AuthorityInUse(String),
    /// Not a name for a CA.
    #[error(
        "the name of a private CA is 1 to {AUTHORITY_NAME_LEN_MAX} printable ASCII characters, with no space at \
         its ends"
    )]
    AuthorityName,
    /// Out of range.
    #[error("a validity is 1 to {VALIDITY_DAYS_MAX} days")]
    Validity,
    /// Not one of this domain.
    #[error("there is no campaign of that UID")]
    UnknownCampaign,
    /// Nothing to do.
    #[error("a campaign changes features, the heartbeat period or the plan")]
    NoChange,
    /// Too many, or none.
    #[error("1 to {max} devices at a time")]
    Count {
        /// How many there may be.
        max: usize,
    },
    /// Somebody else's, or nobody's.
    #[error("the device {rot} is not in the domain {domain}")]
    NotYours {
        /// Which device.
        rot: RotUid,
        /// Not in which domain.
        domain: String,
    },
    /// Sealed with another one.
    #[error("the device {0} was not assigned by that device profile")]
    OtherProfile(RotUid),
    /// No key of a device of this domain is called that.
    #[error("no device of the domain {0} has made a key of that identity")]
    UnknownKey(String),
    /// Its plan does not include them, or it is not active.
    #[error("Symmetric KMS and E2E Data Protection are not in force on the device {0}")]
    NoServices(RotUid),
    /// Very many messages.
    #[error("all keys for messages to the device {0} are used up")]
    DownlinksUsedUp(RotUid),
    /// Out of range.
    #[error("a heartbeat period is {HEARTBEAT_PERIOD_MIN_S} to {HEARTBEAT_PERIOD_MAX_S} seconds")]
    HeartbeatPeriod,
    /// Nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Store> Operator<'_, S> {
    /// A new DeviceProfileUID: 22 random letters and digits.
    pub fn draw_profile_uid(&mut self) -> String {
        DeviceProfile::draw_uid(self.registry.entropy())
    }

    /// A device profile.
    pub fn device_profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, OperatorError> {
        Ok(self.registry.store().profile(uid)?)
    }

    /// Makes a device profile; its UID must be new. A domain that is named for the first time is made.
    pub fn create_device_profile(&mut self, profile: DeviceProfile) -> Result<(), OperatorError> {
        if !DeviceProfile::is_uid(&profile.uid) {
            return Err(OperatorError::ProfileUid);
        }
        self.check_profile(&profile, None)?;
        if self.registry.store().profile(&profile.uid)?.is_some() {
            return Err(OperatorError::ProfileExists);
        }
        let mut batch = self.missing_domain(&profile.domain)?;
        batch.push(Write::Profile(Arc::new(DeviceProfile { revision: 0, ..profile })));
        self.write(batch)
    }

    /// Edits a device profile, for later bootstraps only. Its UID and domain stay.
    pub fn update_device_profile(
        &mut self,
        uid: &str,
        edit: impl FnOnce(&mut DeviceProfile),
    ) -> Result<(), OperatorError> {
        let before = self.registry.store().profile(uid)?.ok_or(OperatorError::UnknownProfile)?;
        let mut profile = DeviceProfile::clone(&before);
        edit(&mut profile);
        profile.uid.clone_from(&before.uid);
        profile.domain.clone_from(&before.domain);
        self.check_profile(&profile, before.authority_uid.as_ref())?;
        profile.revision = before.revision.wrapping_add(1);
        self.write(vec![Write::Profile(Arc::new(profile))])
    }

    /// Puts roots of trust on a profile's whitelist, seen already or not.
    pub fn whitelist_add(&mut self, uid: &str, rots: &[RotUid]) -> Result<(), OperatorError> {
        self.whitelist(uid, rots, true)
    }

    /// Takes roots of trust off a profile's whitelist; devices that are active stay so.
    pub fn whitelist_remove(&mut self, uid: &str, rots: &[RotUid]) -> Result<(), OperatorError> {
        self.whitelist(uid, rots, false)
    }

    /// Wants a feature on or off, from the next heartbeat.
    pub fn set_feature(&mut self, rot: RotUid, feature: Feature, enabled: bool) -> Result<(), OperatorError> {
        let mut draft = self.owned(rot)?;
        let features = &mut draft.device.wanted.features;
        let changed = if enabled { features.insert(feature) } else { features.remove(&feature) };
        if changed {
            draft.note(EventKind::Feature, Reason::FeatureWanted { feature, enabled });
        }
        self.write_device(draft)
    }

    /// Wants a set of features, from the next heartbeat.
    pub fn set_features(&mut self, rot: RotUid, wanted: BTreeSet<Feature>) -> Result<(), OperatorError> {
        self.edit_device(rot, &DeviceEdit { features: Some(wanted), ..DeviceEdit::default() })
    }

    /// Wants another heartbeat period, in seconds, from the next heartbeat.
    pub fn set_heartbeat_period(&mut self, rot: RotUid, period_s: u32) -> Result<(), OperatorError> {
        self.edit_device(rot, &DeviceEdit { heartbeat_period_s: Some(period_s), ..DeviceEdit::default() })
    }

    /// Moves a device to another plan, services from the next heartbeat. One that was blocked by
    /// its plan's limit becomes active if the new plan has room.
    pub fn set_plan(&mut self, rot: RotUid, plan: Plan) -> Result<(), OperatorError> {
        self.edit_device(rot, &DeviceEdit { plan: Some(plan), ..DeviceEdit::default() })
    }

    /// The store does not know of `ahead` devices that are active under the plan.
    fn want_plan(&self, draft: &mut Draft, plan: Plan, ahead: u64) -> Result<(), OperatorError> {
        let before = std::mem::replace(&mut draft.device.plan, plan);
        let full = self.registry.is_plan_full(&draft.device, ahead)?;
        if full && draft.device.standing == Standing::Active {
            draft.device.plan = before;
            return Err(over_limit(plan));
        }
        draft.note(EventKind::Plan, Reason::PlanChanged { plan });
        if !full && draft.device.blocked == Some(Blocked::OverPlanLimit) {
            activate(draft);
        }
        Ok(())
    }

    /// Changes all that is named in one go, or nothing.
    pub fn edit_device(&mut self, rot: RotUid, edit: &DeviceEdit) -> Result<(), OperatorError> {
        edit.heartbeat_period_s.map_or(Ok(()), check_period)?;
        let mut draft = self.owned(rot)?;
        if edit.suspended == Some(true) {
            suspend(&mut draft);
        }
        if let Some(plan) = edit.plan.filter(|plan| *plan != draft.device.plan) {
            self.want_plan(&mut draft, plan, 0)?;
        }
        if edit.suspended == Some(false) && draft.device.standing == Standing::Suspended {
            self.unblock_draft(&mut draft)?;
        }
        if let Some(features) = &edit.features {
            draft.want_features(features.clone());
        }
        if let Some(period_s) = edit.heartbeat_period_s {
            draft.device.wanted.heartbeat_period_s = period_s;
        }
        self.write_device(draft)
    }

    /// Withholds features and services, from the next heartbeat.
    pub fn suspend(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        self.edit_device(rot, &DeviceEdit { suspended: Some(true), ..DeviceEdit::default() })
    }

    /// Makes a suspended or blocked device active, whitelisted or not.
    pub fn unblock(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        let mut draft = self.owned(rot)?;
        self.unblock_draft(&mut draft)?;
        self.write_device(draft)
    }

    fn unblock_draft(&self, draft: &mut Draft) -> Result<(), OperatorError> {
        if draft.device.standing == Standing::Active {
            return Ok(());
        }
        if self.registry.is_plan_full(&draft.device, 0)? {
            return Err(over_limit(draft.device.plan));
        }
        activate(draft);
        Ok(())
    }

    /// Repair: key sets stay, the chain starts anew, the Thing is UNOWNED.
    pub fn forget(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        let mut draft = self.known(rot)?;
        draft.note(EventKind::Ownership, Reason::Forgotten);
        let device = &mut draft.device;
        device.disown();
        device.seal = None;
        device.chain = Chain::default();
        device.generation = self.registry.service().generation;
        device.bootstrap = None;
        device.provided = None;
        device.new_key_set = false;
        self.write_device(draft)
    }

    /// Asks for a new key set at the next heartbeat.
    pub fn ask_for_new_key_set(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        let mut draft = self.known(rot)?;
        draft.device.new_key_set = true;
        self.write_device(draft)
    }

    /// The header of one message to a device, never given before.
    pub(super) fn next_downlink(&mut self, rot: RotUid, set: &KeySet) -> Result<E2eHeader, OperatorError> {
        let mut draft = self.known(rot)?;
        let counter = draft.device.downlinks;
        draft.device.downlinks = counter.checked_add(1).ok_or(OperatorError::DownlinksUsedUp(rot))?;
        self.write_device(draft)?;
        let generation = self.registry.service().generation as u16;
        Ok(E2eHeader::Downlink { tail: rot.tail(), key_set: set.short_number(), counter, generation })
    }

    fn whitelist(&mut self, uid: &str, rots: &[RotUid], listed: bool) -> Result<(), OperatorError> {
        self.registry.store().profile(uid)?.ok_or(OperatorError::UnknownProfile)?;
        let write = |rot: &RotUid| Write::Whitelist { profile_uid: uid.to_owned(), rot: *rot, listed };
        self.write(rots.iter().map(write).collect())
    }

    /// A CA that was named `before` may be gone meanwhile.
    fn check_profile(&self, profile: &DeviceProfile, before: Option<&String>) -> Result<(), OperatorError> {
        if !is_title(&profile.name) {
            return Err(OperatorError::Title);
        }
        if let Some(uid) = profile.authority_uid.as_ref().filter(|uid| Some(*uid) != before) {
            self.known_authority(&profile.domain, uid)?;
        }
        check_period(profile.heartbeat_period_s)
    }

    fn known(&self, rot: RotUid) -> Result<Draft, OperatorError> {
        let device = self.registry.device(rot)?.ok_or(OperatorError::UnknownDevice(rot))?;
        Ok(Draft::of(Device::clone(&device)))
    }

    fn owned(&self, rot: RotUid) -> Result<Draft, OperatorError> {
        let draft = self.known(rot)?;
        if draft.device.owner.is_none() { Err(OperatorError::Unowned(rot)) } else { Ok(draft) }
    }

    fn write_device(&mut self, draft: Draft) -> Result<(), OperatorError> {
        Ok(self.registry.write(draft, self.now)?)
    }

    fn write(&mut self, batch: Vec<Write>) -> Result<(), OperatorError> {
        Ok(self.registry.write_all(Vec::new(), batch, self.now)?)
    }
}

impl Draft {
    fn want_features(&mut self, wanted: BTreeSet<Feature>) {
        let before = std::mem::replace(&mut self.device.wanted.features, wanted.clone());
        for feature in before.symmetric_difference(&wanted) {
            let enabled = wanted.contains(feature);
            self.note(EventKind::Feature, Reason::FeatureWanted { feature: *feature, enabled });
        }
    }
}

fn suspend(draft: &mut Draft) {
    if draft.device.standing != Standing::Suspended {
        draft.device.standing = Standing::Suspended;
        draft.device.blocked = None;
        draft.note(EventKind::Ownership, Reason::Suspended);
    }
}

fn activate(draft: &mut Draft) {
    draft.device.standing = Standing::Active;
    draft.device.blocked = None;
    draft.note(EventKind::Ownership, Reason::Unblocked);
}

fn over_limit(plan: Plan) -> OperatorError {
    OperatorError::OverPlanLimit { plan, max: plan.facts().active_devices_max.unwrap_or(u64::MAX) }
}

fn check_period(period_s: u32) -> Result<(), OperatorError> {
    let range = HEARTBEAT_PERIOD_MIN_S..=HEARTBEAT_PERIOD_MAX_S;
    if range.contains(&period_s) { Ok(()) } else { Err(OperatorError::HeartbeatPeriod) }
}
