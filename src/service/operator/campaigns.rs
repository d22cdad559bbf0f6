//! Making campaigns, and taking them through their device profile slice by slice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Operator, OperatorError, check_period};
use crate::protocol::keys::RotUid;
use crate::protocol::message::Standing;
use crate::service::campaign::{CAMPAIGN_LIST_MAX, CAMPAIGN_UID_LEN, Campaign, Change, Outcome, Reach};
use crate::service::device::Device;
use crate::service::domain::is_title;
use crate::service::plan::Plan;
use crate::service::random_text::letters_and_digits;
use crate::service::registry::{Draft, Registry};
use crate::service::store::{Batch, Store, StoreError, Write};
use crate::time::Timestamp;

/// Things told of a campaign in one go, so that no call takes long.
const TOLD_AT_ONCE: usize = 256;

/// A campaign, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignOrder {
    /// Whose it is.
    pub domain: String,
    /// What its owner calls it.
    pub name: String,
    /// What is to change.
    pub change: Change,
    /// For whom.
    pub targets: Targets,
}

/// The Things of a campaign: of all there are in the domain, those that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// These only, each of which must be there and fit.
    pub rots: Option<BTreeSet<RotUid>>,
    /// Those of this device profile only.
    pub profile_uid: Option<String>,
}

/// What one slice of a campaign writes.
#[derive(Default)]
struct Slice {
    drafts: Vec<Draft>,
    batch: Batch,
    /// Devices that become active in it, which the store does not know yet.
    activated: BTreeMap<Plan, u64>,
}

impl<S: Store> Operator<'_, S> {
    /// Begins a campaign. The Things on a list are told before this returns, all others from the
    /// next [`handle_timeout`](crate::service::Service::handle_timeout) on.
    pub fn create_campaign(&mut self, order: CampaignOrder) -> Result<Arc<Campaign>, OperatorError> {
        let CampaignOrder { domain, name, change, targets } = order;
        if !is_title(&name) {
            return Err(OperatorError::Title);
        }
        if change.is_empty() {
            return Err(OperatorError::NoChange);
        }
        change.heartbeat_period_s.map_or(Ok(()), check_period)?;
        let Targets { rots, profile_uid } = targets;
        if let Some(uid) = &profile_uid {
            let profile = self.registry.store().profile(uid)?;
            profile.filter(|profile| profile.domain == domain).ok_or(OperatorError::UnknownProfile)?;
        }
        let (devices, reach) = match rots {
            Some(rots) => (self.listed(&domain, profile_uid.as_deref(), &rots)?, Reach::Complete),
            None => (Vec::new(), Reach::Start),
        };
        let uid = letters_and_digits(self.registry.entropy(), CAMPAIGN_UID_LEN);
        let campaign = Campaign { uid, domain, name, change, profile_uid, created_at: self.now, reach };
        let campaign = Arc::new(campaign);
        self.tell(&campaign, devices)?;
        self.registry.look_for_campaigns(self.now);
        Ok(campaign)
    }

    /// Tells the next Things of a campaign.
    fn advance_campaign(&mut self, campaign: &Campaign) -> Result<(), OperatorError> {
        let behind = match campaign.reach {
            Reach::Start => None,
            Reach::UpTo(rot) => Some(rot),
            Reach::Complete => return Ok(()),
        };
        let (domain, uid) = (campaign.domain.as_str(), campaign.profile_uid.as_deref());
        let devices = self.registry.store().devices_behind(domain, uid, behind, TOLD_AT_ONCE)?;
        let reach = match devices.last() {
            Some(last) if devices.len() == TOLD_AT_ONCE => Reach::UpTo(last.rot),
            _ => Reach::Complete,
        };
        self.tell(&Arc::new(Campaign { reach, ..campaign.clone() }), devices)
    }

    fn listed(
        &self,
        domain: &str,
        profile_uid: Option<&str>,
        rots: &BTreeSet<RotUid>,
    ) -> Result<Vec<Arc<Device>>, OperatorError> {
        if rots.is_empty() || rots.len() > CAMPAIGN_LIST_MAX {
            return Err(OperatorError::Count { max: CAMPAIGN_LIST_MAX });
        }
        let mut devices = Vec::with_capacity(rots.len());
        for rot in rots {
            let device = self.registry.device(*rot)?.filter(|device| device.domain() == Some(domain));
            let not_yours = || OperatorError::NotYours { rot: *rot, domain: domain.to_owned() };
            let device = device.ok_or_else(not_yours)?;
            let assigned_by = device.owner.as_ref().map(|owner| owner.profile_uid.as_str());
            if profile_uid.is_some_and(|uid| assigned_by != Some(uid)) {
                return Err(OperatorError::OtherProfile(*rot));
            }
            devices.push(device);
        }
        Ok(devices)
    }

    /// Makes the change wanted of some Things, and writes that down with how far it has come.
    fn tell(&mut self, campaign: &Arc<Campaign>, devices: Vec<Arc<Device>>) -> Result<(), OperatorError> {
        let mut slice = Slice::default();
        slice.batch.push(Write::Campaign(Arc::clone(campaign)));
        for device in devices {
            self.tell_one(campaign, &device, &mut slice)?;
        }
        Ok(self.registry.write_all(slice.drafts, slice.batch, self.now)?)
    }

    fn tell_one(&self, campaign: &Campaign, device: &Device, slice: &mut Slice) -> Result<(), OperatorError> {
        let mut draft = Draft::of(device.clone());
        let outcome = match self.want(&campaign.change, &mut draft, &mut slice.activated) {
            Ok(()) => campaign.change.outcome(&draft.device),
            Err(OperatorError::OverPlanLimit { .. }) => {
                draft = Draft::of(device.clone());
                Outcome::Refused
            }
            Err(error) => return Err(error),
        };
        if outcome == Outcome::Waiting {
            draft.device.campaigns.push(campaign.uid.clone());
        }
        slice.batch.push(Write::CampaignDevice {
            campaign_uid: campaign.uid.clone(),
            rot: device.rot,
            outcome,
        });
        slice.drafts.push(draft);
        Ok(())
    }

    fn want(
        &self,
        change: &Change,
        draft: &mut Draft,
        activated: &mut BTreeMap<Plan, u64>,
    ) -> Result<(), OperatorError> {
        if let Some(plan) = change.plan.filter(|plan| *plan != draft.device.plan) {
            let ahead = activated.entry(plan).or_default();
            self.want_plan(draft, plan, *ahead)?;
            *ahead += u64::from(draft.device.standing == Standing::Active);
        }
        draft.want_features(change.features_of(&draft.device.wanted.features));
        if let Some(period_s) = change.heartbeat_period_s {
            draft.device.wanted.heartbeat_period_s = period_s;
        }
        Ok(())
    }
}

impl<S: Store> Registry<S> {
    /// Takes one slice of the first campaign that is under way.
    pub(in crate::service) fn advance_campaigns(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let running = self.store().running_campaigns()?;
        let Some(campaign) = running.first() else {
            self.no_more_campaigns();
            return Ok(());
        };
        match (Operator { registry: self, now }).advance_campaign(campaign) {
            Ok(()) => {
                self.look_for_campaigns(now);
                Ok(())
            }
            Err(OperatorError::Store(error)) => Err(error),
            // Nothing but the store can fail here: the order was checked, and a plan that is full is an outcome.
            Err(error) => Err(StoreError(error.to_string())),
        }
    }
}
