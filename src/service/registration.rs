//! Ownership: a sealed device finds its owner, in the hello or in a registration.

use std::sync::Arc;

use super::device::{Blocked, Device};
use super::device_profile::{DeviceProfile, short_uid};
use super::event::{EventKind, Reason};
use super::exchange::{Denial, Exchange};
use super::registry::{Draft, Registry};
use super::store::{Store, StoreError};
use crate::protocol::message::{Answer, Seal, Standing};
use crate::time::Timestamp;

impl<S: Store> Registry<S> {
    /// A seal that came after the hello (two-stage bootstrap); the answer carries all of
    /// *provision*.
    pub(super) fn register(&mut self, exchange: &mut Exchange<'_>, seal: Seal) -> Result<Answer, Denial> {
        exchange.require_bootstrapped()?;
        // Whoever registers is not in the middle of another bootstrap.
        exchange.draft.device.bootstrap = None;
        self.claim(&mut exchange.draft, seal)?;
        let now = exchange.now;
        exchange.draft.register(now);
        let provision = self.provide(exchange)?;
        Ok(Answer::Register(exchange.nonce, provision))
    }

    /// Assigns a sealed device to the owner of its profile.
    pub(super) fn claim(&self, draft: &mut Draft, seal: Seal) -> Result<(), StoreError> {
        let known = self.store().profile(&seal.profile_uid)?;
        let is_news = draft.device.seal.as_ref() != Some(&seal);
        if is_news {
            self.look_at_seal(draft, &seal, known.is_some())?;
        }
        draft.device.seal = Some(seal);
        let Some(profile) = known else {
            draft.device.disown();
            return Ok(());
        };
        self.assign(draft, &profile)
    }

    /// What is suspicious about a seal seen for the first time.
    fn look_at_seal(&self, draft: &mut Draft, seal: &Seal, known: bool) -> Result<(), StoreError> {
        if !known {
            let uid = short_uid(&seal.profile_uid);
            draft.note(EventKind::Suspicious, Reason::UnknownProfile { uid });
            return Ok(());
        }
        let rot = draft.device.rot;
        if let Some(holder) = self.store().serial_holder(&seal.profile_uid, &seal.serial_number, rot)? {
            let serial_number = seal.serial_number.clone();
            draft.note(EventKind::Suspicious, Reason::SerialTwice { serial_number, holder });
        }
        Ok(())
    }

    fn assign(&self, draft: &mut Draft, profile: &Arc<DeviceProfile>) -> Result<(), StoreError> {
        let device = &mut draft.device;
        match device.owner.as_mut().filter(|owner| owner.profile_uid == profile.uid) {
            None => {
                device.disown();
                device.copy_profile(profile);
            }
            // A bootstrap that was interrupted takes the newest values and keeps what an operator
            // did meanwhile; one that was completed keeps all.
            Some(owner) if device.bootstrapped_at.is_none() && owner.profile_revision != profile.revision => {
                let domain = owner.domain.clone();
                device.copy_profile(profile);
                device.owner.iter_mut().for_each(|owner| owner.domain.clone_from(&domain));
            }
            Some(_) => {}
        }
        match device.standing {
            Standing::Unowned | Standing::Allocated => self.admit(draft, profile),
            Standing::Active | Standing::Suspended => Ok(()),
        }
    }

    /// Whitelist and plan limit decide whether an assigned device becomes active.
    fn admit(&self, draft: &mut Draft, profile: &DeviceProfile) -> Result<(), StoreError> {
        let device = &mut draft.device;
        let blocked = if profile.whitelist && !self.store().is_whitelisted(&profile.uid, device.rot)? {
            Some(Blocked::NotWhitelisted)
        } else if self.is_plan_full(device, 0)? {
            Some(Blocked::OverPlanLimit)
        } else {
            None
        };
        let is_news = device.blocked != blocked;
        device.standing = if blocked.is_some() { Standing::Allocated } else { Standing::Active };
        device.blocked = blocked;
        let plan = device.plan;
        match blocked.filter(|_| is_news) {
            Some(Blocked::NotWhitelisted) => draft.note(EventKind::Ownership, Reason::NotWhitelisted),
            Some(Blocked::OverPlanLimit) => draft.note(EventKind::Plan, Reason::OverPlanLimit { plan }),
            None => {}
        }
        Ok(())
    }

    /// Whether one more active device would be over the limit of its domain's plan, where so many
    /// more than the store knows are active already.
    pub(super) fn is_plan_full(&self, device: &Device, ahead: u64) -> Result<bool, StoreError> {
        let (Some(max), Some(domain)) = (device.plan.facts().active_devices_max, device.domain()) else {
            return Ok(false);
        };
        Ok(self.store().active_devices(domain, device.plan)?.saturating_add(ahead) >= max)
    }
}

impl Draft {
    /// Sets the registration date of a device that has an owner and no date yet.
    pub(super) fn register(&mut self, now: Timestamp) {
        let device = &mut self.device;
        if device.owner.is_none() || device.registered_at.is_some() {
            return;
        }
        device.registered_at = Some(now);
        let serial_number = device.seal.as_ref().map(|seal| seal.serial_number.clone()).unwrap_or_default();
        self.note(EventKind::Registration, Reason::Registered { serial_number });
    }
}

impl Device {
    /// Nobody's again: what its owner wanted of it goes with the owner.
    pub(super) fn disown(&mut self) {
        self.owner = None;
        self.standing = Standing::Unowned;
        self.blocked = None;
        self.registered_at = None;
        self.plan = Default::default();
        self.wanted = Default::default();
        self.certificate = None;
    }
}
