//! A Thing, as its owner reads of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{FeatureName, Moment, PlanName, Rot, StateName};
use crate::service::Device;
use crate::service::certificate::DeviceCertificate;
use crate::service::device::{Blocked, DeviceState, Phase, Traffic};

/// A Thing: what is wanted of it and what it has reported, side by side. What it was asked for takes
/// effect at its next security heartbeat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(in crate::web) struct Thing {
    /// Its root of trust.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// The device profile sealed into it.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<String>,
    /// The serial number sealed into it.
    serial_number: Option<String>,
    /// Where it stands.
    state: StateName,
    /// The last phase of a bootstrap that is under way.
    phase: Option<PhaseName>,
    /// What keeps it from being active.
    blocked_by: Option<BlockedBy>,
    /// Whether the whitelist of its device profile keeps it out.
    blacklisted: bool,
    /// When it was assigned to its owner.
    registered_at: Option<Moment>,
    /// When its last complete bootstrap ended.
    bootstrapped_at: Option<Moment>,
    /// When the service first accepted it.
    first_seen: Moment,
    /// Its price plan.
    plan: PlanName,
    /// Features.
    features: Features,
    /// Symmetric KMS and E2E Data Protection.
    services: Services,
    /// Security heartbeat period.
    heartbeat_period: Period,
    /// When its last security heartbeat was.
    last_heartbeat: Option<Moment>,
    /// When the next one is due.
    heartbeat_due: Option<Moment>,
    /// How many there were.
    heartbeats: u32,
    /// Whether it has not been heard of for too long.
    overdue: bool,
    /// What it is, for example `SARA-R510S-01B-00`.
    type_number: String,
    /// Modem and application version.
    firmware: String,
    /// 15 digits.
    #[serde(rename = "IMEI")]
    imei: String,
    /// The number of the key set both ends agreed on last; 0 is the factory secret.
    key_set: u32,
    /// The numbers of all that authenticate.
    key_sets: Vec<u32>,
    /// Bytes of its last complete bootstrap, headers and handshakes counted, both directions.
    bootstrap_bytes: Option<PhaseBytes>,
    /// The certificate in force on it, as it has reported.
    certificate: Option<ThingCertificate>,
    /// Campaigns that wait for its report.
    #[serde(rename = "CampaignUIDs")]
    campaign_uids: Vec<String>,
}

/// The certificate of a Thing; `POST /v1/certificate/list` has it whole.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct ThingCertificate {
    /// Its serial number, hex.
    certificate_serial_number: String,
    /// Who signed it.
    #[serde(rename = "CAUID")]
    ca_uid: String,
    /// From when it holds.
    not_before: Moment,
    /// Until when it holds.
    not_after: Moment,
}

/// Features of a Thing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Features {
    /// To be on while it is active.
    wanted: Vec<FeatureName>,
    /// On, as it reported.
    applied: Vec<FeatureName>,
}

/// Services of a Thing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Services {
    /// Whether its plan includes them.
    wanted: bool,
    /// Whether it uses them, as it reported.
    applied: bool,
}

/// Security heartbeat period of a Thing, in seconds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Period {
    /// From its next heartbeat on.
    wanted: u32,
    /// As it reported.
    applied: Option<u32>,
}

/// Bytes of the phases of a bootstrap.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct PhaseBytes {
    /// With the first handshake.
    hello: u32,
    /// The key set's offer.
    replace: u32,
    /// Features, services, period.
    provision: u32,
    /// With the second handshake.
    confirm: u32,
    /// All four.
    total: u32,
}

/// Phases of a bootstrap.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PhaseName {
    Hello,
    Replace,
    Provision,
    Confirm,
}

/// What keeps a Thing from being active.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum BlockedBy {
    /// It is not on the whitelist of its device profile.
    Whitelist,
    /// The active devices of its plan are all taken.
    Plan,
}

impl From<&Device> for Thing {
    fn from(device: &Device) -> Self {
        let seal = device.seal.as_ref();
        let applied = device.applied.as_ref();
        let names =
            |features: &std::collections::BTreeSet<_>| features.iter().copied().map(FeatureName).collect();
        Self {
            rot: Rot(device.rot),
            device_profile_uid: seal.map(|seal| seal.profile_uid.clone()),
            serial_number: seal.map(|seal| seal.serial_number.clone()),
            state: StateName(device.state()),
            phase: match device.state() {
                DeviceState::Bootstrapping(phase) => Some(phase.into()),
                _ => None,
            },
            blocked_by: device.blocked.map(BlockedBy::from),
            blacklisted: device.is_blacklisted(),
            registered_at: device.registered_at.map(Moment),
            bootstrapped_at: device.bootstrapped_at.map(Moment),
            first_seen: Moment(device.first_seen),
            plan: PlanName(device.plan),
            features: Features {
                wanted: names(&device.wanted.features),
                applied: applied.map(|applied| names(&applied.features)).unwrap_or_default(),
            },
            services: Services {
                wanted: device.plan.facts().services,
                applied: applied.is_some_and(|applied| applied.services),
            },
            heartbeat_period: Period {
                wanted: device.wanted.heartbeat_period_s,
                applied: applied.map(|applied| applied.heartbeat_period_s),
            },
            last_heartbeat: device.last_heartbeat.map(Moment),
            heartbeat_due: device.heartbeat_due().map(Moment),
            heartbeats: device.heartbeats,
            overdue: device.overdue,
            type_number: device.identity.type_number.clone(),
            firmware: device.identity.firmware.clone(),
            imei: device.identity.imei.clone(),
            key_set: device.keys.committed(),
            key_sets: device.keys.numbers().collect(),
            bootstrap_bytes: device.traffic.map(PhaseBytes::from),
            certificate: device.certificate.as_ref().map(ThingCertificate::from),
            campaign_uids: device.campaigns.clone(),
        }
    }
}

impl From<&DeviceCertificate> for ThingCertificate {
    fn from(certificate: &DeviceCertificate) -> Self {
        Self {
            certificate_serial_number: certificate.serial.to_string(),
            ca_uid: certificate.authority_uid.clone(),
            not_before: Moment(certificate.not_before),
            not_after: Moment(certificate.not_after),
        }
    }
}

impl From<Traffic> for PhaseBytes {
    fn from(traffic: Traffic) -> Self {
        let Traffic { hello, replace, provision, confirm } = traffic;
        Self { hello, replace, provision, confirm, total: traffic.total() }
    }
}

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Hello => Self::Hello,
            Phase::Replace => Self::Replace,
            Phase::Provision => Self::Provision,
            Phase::Confirm => Self::Confirm,
        }
    }
}

impl From<Blocked> for BlockedBy {
    fn from(blocked: Blocked) -> Self {
        match blocked {
            Blocked::NotWhitelisted => Self::Whitelist,
            Blocked::OverPlanLimit => Self::Plan,
        }
    }
}
