//! Campaigns: one change for many Things.
//!
//! 1. The change becomes what is *wanted* of each Thing: of those on a list at once, of those of a
//!    device profile or of the whole domain a slice at a time, in the order of their UIDs, so that
//!    no call takes long.
//! 2. Each Thing learns of it at its next security heartbeat, and reports what it has put in force.
//! 3. By that report its outcome is known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::device::{Device, InForce};
use super::plan::Plan;
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::time::Timestamp;

/// Most Things a campaign may list one by one.
pub const CAMPAIGN_LIST_MAX: usize = 1000;

/// Length of a CampaignUID, in characters.
pub const CAMPAIGN_UID_LEN: usize = 22;

/// A campaign, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// 22 random letters and digits.
    pub uid: String,
    /// Whose it is.
    pub domain: String,
    /// What its owner calls it.
    pub name: String,
    /// What is to change.
    pub change: Change,
    /// The device profile whose Things it is about; none where it is about others too.
    pub profile_uid: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far it has come through the Things.
    pub reach: Reach,
}

/// How far a campaign has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// No Thing has been told yet.
    Start,
    /// The Things up to this one have the change among what is wanted of them.
    UpTo(RotUid),
    /// All of them have.
    Complete,
}

/// One change: what it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Features to switch on or off.
    pub features: BTreeMap<Feature, bool>,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: Option<u32>,
    /// Price plan.
    pub plan: Option<Plan>,
}

/// What became of a campaign on one Thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The change is wanted; the Thing has not reported it yet.
    Waiting,
    /// The Thing reported it.
    Applied,
    /// The Thing reported all that is wanted of it, and by then that was something else.
    Superseded,
    /// Not even wanted: the plan's active devices are all taken.
    Refused,
}

/// How many Things have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// [`Outcome::Waiting`].
    pub waiting: u64,
    /// [`Outcome::Applied`].
    pub applied: u64,
    /// [`Outcome::Superseded`].
    pub superseded: u64,
    /// [`Outcome::Refused`].
    pub refused: u64,
}

impl Change {
    /// Whether there is anything to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Features after the change.
    pub(super) fn features_of(&self, before: &BTreeSet<Feature>) -> BTreeSet<Feature> {
        let mut after = before.clone();
        for (feature, enabled) in &self.features {
            if *enabled {
                after.insert(*feature);
            } else {
                after.remove(feature);
            }
        }
        after
    }

    /// Whether a Thing's report says that the change is in force.
    fn is_in_force(&self, applied: &InForce) -> bool {
        let features = self.features.iter().all(|(feature, on)| applied.features.contains(feature) == *on);
        let period = self.heartbeat_period_s.is_none_or(|period| period == applied.heartbeat_period_s);
        let services = self.plan.is_none_or(|plan| plan.facts().services == applied.services);
        features && period && services
    }

    /// What became of the change on a Thing.
    pub(super) fn outcome(&self, device: &Device) -> Outcome {
        let Some(applied) = &device.applied else { return Outcome::Waiting };
        if self.is_in_force(applied) && self.plan.is_none_or(|plan| plan == device.plan) {
            return Outcome::Applied;
        }
        let up_to_date = *applied == device.provided_now().settings;
        if up_to_date && !self.is_wanted(device) { Outcome::Superseded } else { Outcome::Waiting }
    }

    /// Whether it is still among what is wanted of a Thing.
    fn is_wanted(&self, device: &Device) -> bool {
        self.features_of(&device.wanted.features) == device.wanted.features
            && self.heartbeat_period_s.is_none_or(|period| period == device.wanted.heartbeat_period_s)
            && self.plan.is_none_or(|plan| plan == device.plan)
    }
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Applied, Self::Superseded, Self::Refused];

    /// As it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
        }
    }
}

impl Progress {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.waiting + self.applied + self.superseded + self.refused
    }

    /// Counts more Things to an outcome.
    pub fn add(&mut self, outcome: Outcome, count: u64) {
        *match outcome {
            Outcome::Waiting => &mut self.waiting,
            Outcome::Applied => &mut self.applied,
            Outcome::Superseded => &mut self.superseded,
            Outcome::Refused => &mut self.refused,
        } += count;
    }
}
