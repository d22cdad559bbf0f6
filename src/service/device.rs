//! A device: everything the service knows of one root of trust.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::certificate::DeviceCertificate;
use super::chain::Chain;
use super::device_profile::{DeviceProfile, HEARTBEAT_PERIOD_S};
use super::key_sets::KeySets;
use super::operator::HEARTBEAT_PERIOD_MAX_S;
use super::plan::Plan;
use crate::protocol::keys::{KeySet, RotUid};
use crate::protocol::message::{Applied, Feature, FeatureAuthorisation, Provision, Seal, Standing};
use crate::time::Timestamp;

/// Least time after a due heartbeat before the device counts as overdue, in seconds: the longest
/// pause between two automatic attempts of a module (`designed`).
const OVERDUE_GRACE_MIN_S: u32 = 2 * 60 * 60;

/// One device, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Who it is.
    pub rot: RotUid,
    /// Every key set it ever held.
    pub keys: KeySets,
    /// Who goes on where the last accepted exchange ended.
    pub chain: Chain,
    /// Behind the store's generation: accepted once, and marked, after a restore.
    pub generation: u32,
    /// What its last hello said.
    pub identity: Identity,
    /// What was sealed into it, known to the service or not.
    pub seal: Option<Seal>,
    /// Whose it is; none while it is UNOWNED.
    pub owner: Option<Owner>,
    /// Where it stands with its owner.
    pub standing: Standing,
    /// Why it is ALLOCATED, where it is.
    pub blocked: Option<Blocked>,
    /// The bootstrap in progress.
    pub bootstrap: Option<BootstrapProgress>,
    /// What the last complete bootstrap cost.
    pub traffic: Option<Traffic>,
    /// Price plan it is wanted under.
    pub plan: Plan,
    /// What its owner wants of it.
    pub wanted: Wanted,
    /// What the last answer asked of it, by which a change since is told.
    pub provided: Option<Provided>,
    /// What it last reported.
    pub applied: Option<InForce>,
    /// The certificate in force on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<DeviceCertificate>,
    /// An operator asked for a new key set.
    pub new_key_set: bool,
    /// Messages to it that keys of the committed set were given for.
    #[serde(default)]
    pub downlinks: u32,
    /// Campaigns that wait for its report, the oldest first.
    #[serde(default)]
    pub campaigns: Vec<String>,
    /// First accepted contact.
    pub first_seen: Timestamp,
    /// When it was assigned to its owner.
    pub registered_at: Option<Timestamp>,
    /// When its last complete bootstrap ended.
    pub bootstrapped_at: Option<Timestamp>,
    /// When its last accepted heartbeat was.
    pub last_heartbeat: Option<Timestamp>,
    /// How many heartbeats were accepted.
    pub heartbeats: u32,
    /// The overdue event was noted, and no heartbeat came since.
    pub overdue: bool,
}

/// What a hello says of the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// For example `SARA-R510S-01B-00`.
    pub type_number: String,
    /// Modem and application version.
    pub firmware: String,
    /// 15 digits.
    pub imei: String,
}

/// The owner of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The domain; moved by a transfer.
    pub domain: String,
    /// The device profile it was sealed with.
    pub profile_uid: String,
    /// The revision of the profile its values were copied from.
    pub profile_revision: u32,
}

/// Why an assigned device is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocked {
    /// The whitelist of its profile does not have it: blacklisted.
    NotWhitelisted,
    /// The active devices of its plan are all taken.
    OverPlanLimit,
}

/// Phases of a bootstrap, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Who am I.
    Hello,
    /// The factory secret is replaced.
    Replace,
    /// Features, services, period.
    Provision,
    /// Under the new key set.
    Confirm,
}

/// A bootstrap in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootstrapProgress {
    /// The last phase that was answered.
    pub phase: Phase,
    /// When its hello came.
    pub since: Timestamp,
    /// What it cost so far.
    pub traffic: Traffic,
}

/// Bytes a bootstrap transferred in each phase: IP and UDP headers and handshakes counted, both
/// directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// With the first handshake.
    pub hello: u32,
    /// The key set's offer.
    pub replace: u32,
    /// Features, services, period.
    pub provision: u32,
    /// With the second handshake.
    pub confirm: u32,
}

/// What an owner wants of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Features switched on while it is ACTIVE.
    pub features: BTreeSet<Feature>,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: u32,
    /// The private CA that is to sign its certificate; else the newest of its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_uid: Option<String>,
}

/// What is in force on a device, or was asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Features switched on.
    pub features: BTreeSet<Feature>,
    /// Symmetric KMS and E2E Data Protection in use.
    pub services: bool,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: u32,
}

/// What an answer asked of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provided {
    /// What to put in force.
    pub settings: InForce,
    /// Where it stood.
    pub standing: Standing,
}

/// The state of a device, as everybody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// A bootstrap is in progress; the last phase that was answered.
    Bootstrapping(Phase),
    /// Bootstrapped, nobody's.
    Unowned,
    /// Assigned, with features and services.
    Active,
    /// Assigned, without.
    Allocated,
    /// Suspended by its owner.
    Suspended,
}

impl Device {
    /// A root of trust that was never seen.
    pub fn new(rot: RotUid, generation: u32, now: Timestamp) -> Self {
        Self {
            rot,
            keys: KeySets::default(),
            chain: Chain::default(),
            generation,
            identity: Identity::default(),
            seal: None,
            owner: None,
            standing: Standing::Unowned,
            blocked: None,
            bootstrap: None,
            traffic: None,
            plan: Plan::default(),
            wanted: Wanted::default(),
            provided: None,
            applied: None,
            certificate: None,
            new_key_set: false,
            downlinks: 0,
            campaigns: Vec::new(),
            first_seen: now,
            registered_at: None,
            bootstrapped_at: None,
            last_heartbeat: None,
            heartbeats: 0,
            overdue: false,
        }
    }

    /// Its state in one word.
    pub fn state(&self) -> DeviceState {
        match (&self.bootstrap, self.standing) {
            (Some(progress), _) => DeviceState::Bootstrapping(progress.phase),
            (None, Standing::Unowned) => DeviceState::Unowned,
            (None, Standing::Active) => DeviceState::Active,
            (None, Standing::Allocated) => DeviceState::Allocated,
            (None, Standing::Suspended) => DeviceState::Suspended,
        }
    }

    /// Whose it is.
    pub fn domain(&self) -> Option<&str> {
        self.owner.as_ref().map(|owner| owner.domain.as_str())
    }

    /// Whether its profile's whitelist keeps it out.
    pub fn is_blacklisted(&self) -> bool {
        self.blocked == Some(Blocked::NotWhitelisted)
    }

    /// What a search looks into: the RoT UID, a line end, the serial number, in small letters.
    pub fn search_text(&self) -> String {
        let serial = self.seal.as_ref().map_or("", |seal| &seal.serial_number);
        format!("{}\n{serial}", self.rot).to_ascii_lowercase()
    }

    /// What it is to put in force now: nothing but the period unless it is ACTIVE.
    pub fn provided_now(&self) -> Provided {
        let active = self.standing == Standing::Active;
        let features = if active { self.wanted.features.clone() } else { BTreeSet::new() };
        let services = active && self.plan.facts().services;
        let heartbeat_period_s = self.wanted.heartbeat_period_s;
        Provided { settings: InForce { features, services, heartbeat_period_s }, standing: self.standing }
    }

    /// Whether Symmetric KMS and E2E Data Protection are in force on it, as it reported or may have
    /// applied since.
    pub fn has_services(&self) -> bool {
        self.applied.as_ref().is_some_and(|applied| applied.services)
            || self.provided.as_ref().is_some_and(|provided| provided.settings.services)
    }

    /// The same as an answer says it, authorised with the key set of the session; `certificate`: it is to
    /// ask for one.
    pub fn provision(&self, key_set: &KeySet, certificate: bool) -> Provision {
        let Provided { settings, standing } = self.provided_now();
        let authorise = |feature: Feature| FeatureAuthorisation {
            feature,
            code: key_set.feature_authorisation(self.rot, feature.name()),
        };
        let features: Vec<_> = settings.features.into_iter().map(authorise).collect();
        Provision {
            features: (!features.is_empty()).then_some(features),
            services: settings.services,
            heartbeat_period_s: settings.heartbeat_period_s,
            standing,
            certificate,
        }
    }

    /// Copies what a profile gives. Its domain moves to the profile's.
    pub fn copy_profile(&mut self, profile: &DeviceProfile) {
        self.plan = profile.plan;
        self.wanted = Wanted {
            features: profile.features.clone(),
            heartbeat_period_s: profile.heartbeat_period_s,
            authority_uid: profile.authority_uid.clone(),
        };
        self.owner = Some(Owner {
            domain: profile.domain.clone(),
            profile_uid: profile.uid.clone(),
            profile_revision: profile.revision,
        });
    }

    /// When its next heartbeat is due, as the service sees it.
    pub fn heartbeat_due(&self) -> Option<Timestamp> {
        let last = self.last_heartbeat.max(self.bootstrapped_at)?;
        Some(last.offset_millis(i64::from(self.longest_period_s()) * 1000))
    }

    /// When to note that it is overdue; none where that was noted, or nothing is expected.
    pub fn overdue_at(&self) -> Option<Timestamp> {
        if self.overdue {
            return None;
        }
        let grace_s = (self.longest_period_s() / 4).max(OVERDUE_GRACE_MIN_S);
        Some(self.heartbeat_due()?.offset_millis(i64::from(grace_s) * 1000))
    }

    /// The period in force may still be the old one until the next heartbeat has been answered. What a
    /// device reports is not believed beyond what it can be given.
    pub(super) fn longest_period_s(&self) -> u32 {
        let applied = self.applied.as_ref().map_or(0, |applied| applied.heartbeat_period_s);
        let applied = applied.min(HEARTBEAT_PERIOD_MAX_S);
        self.wanted.heartbeat_period_s.max(applied)
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self { features: BTreeSet::new(), heartbeat_period_s: HEARTBEAT_PERIOD_S, authority_uid: None }
    }
}

impl From<Applied> for InForce {
    fn from(applied: Applied) -> Self {
        Self {
            features: applied.features.into_iter().collect(),
            services: applied.services,
            heartbeat_period_s: applied.heartbeat_period_s,
        }
    }
}

impl Traffic {
    /// All four phases.
    pub fn total(&self) -> u32 {
        let phases = [self.hello, self.replace, self.provision, self.confirm];
        phases.into_iter().fold(0, u32::saturating_add)
    }

    /// Counts bytes to a phase.
    pub fn add(&mut self, phase: Phase, bytes: u32) {
        let counted = match phase {
            Phase::Hello => &mut self.hello,
            Phase::Replace => &mut self.replace,
            Phase::Provision => &mut self.provision,
            Phase::Confirm => &mut self.confirm,
        };
        *counted = counted.saturating_add(bytes);
    }
}

impl DeviceState {
    /// Every state there is, BOOTSTRAPPING in its first phase.
    pub const ALL: [Self; 5] =
        [Self::Bootstrapping(Phase::Hello), Self::Unowned, Self::Active, Self::Allocated, Self::Suspended];

    /// The state of a name; of BOOTSTRAPPING in its first phase.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The state's name, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootstrapping(_) => "BOOTSTRAPPING",
            Self::Unowned => "UNOWNED",
            Self::Active => "ACTIVE",
            Self::Allocated => "ALLOCATED",
            Self::Suspended => "SUSPENDED",
        }
    }
}

impl std::fmt::Display for DeviceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
