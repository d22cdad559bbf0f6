//! IoT security on the module's side: root of trust, seal, and the contacts with the service.
//!
//! A *contact* is one conversation with the service for one [`Purpose`], made of [`Phase`]s, each
//! one request and one answer:
//!
//! | purpose | phases |
//! |---|---|
//! | bootstrap | hello, replace, provision, (certificate,) *new session*, confirm |
//! | registration | register, (certificate,) report |
//! | heartbeat | heartbeat, (certificate,) (replace, *new session*, confirm,) report |
//! | report | report |
//!
//! Where the confirmation of a new key set got no answer, the next contact confirms it before its
//! report.
//!
//! There is one contact at a time. [`schedule`] decides which is due, [`contact`] runs it,
//! [`phase`] says what each phase sends and what its answer changes, [`chain`] holds the nonces
//! that tell the original from a copy, [`heartbeat`] the rules of `AT+USECCONN`,
//! [`chip_to_chip`] the pairings with chips of hosts, and [`service_keys`] makes what all of it is
//! for: the keys of the services. [`certificate`] is zero touch provisioning: what is provisioned is
//! put in force together with the certificate it asks for, or not at all.

pub mod certificate;
pub mod chain;
pub mod chip_to_chip;
pub mod contact;
pub mod heartbeat;
pub mod phase;
pub mod root_of_trust;
pub mod schedule;
pub mod seal;
pub mod service_keys;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::protocol::coap::Code;
use crate::protocol::keys::e2e::E2eVersion;
use crate::protocol::message::{Attention, Feature, Seal, Standing};
use crate::time::Timestamp;

pub use self::certificate::DeviceCertificate;
pub use self::chain::Chain;
pub use self::chip_to_chip::{ChipToChipEvent, Pairings};
pub use self::contact::Contact;
pub use self::heartbeat::{Demand, Outcome};
pub use self::phase::Phase;
pub use self::root_of_trust::Secrets;
pub use self::schedule::Schedule;
pub use self::seal::{DeviceInfo, NotYet};
pub use self::service_keys::{KeyCounters, KeyRefusal};

/// What security contacts left behind; all of it survives a power loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityNvm {
    /// When the bootstrap succeeded, by the real-time clock; absent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrapped_at: Option<Timestamp>,
    /// When the last security heartbeat was sent, by the real-time clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_sent_at: Option<Timestamp>,
    /// When the last security heartbeat was answered, by the real-time clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_answered_at: Option<Timestamp>,
    /// Whether the service has answered for the seal.
    pub registered: bool,
    /// Whether what was applied has still to be reported.
    pub report_pending: bool,
    /// The service announced a change in its last answer.
    pub change_announced: bool,
    /// The service asked for a new key set in its last answer.
    pub new_key_set_wanted: bool,
    /// The contact chain.
    pub chain: Chain,
    /// What the service provisioned, as applied.
    pub applied: Provisioned,
    /// How uplink messages are protected.
    #[serde(default)]
    pub e2e_version: E2eVersion,
    /// Pieces of local data protected.
    #[serde(default)]
    pub local_used: u64,
    /// How often the keys of the committed set were used.
    #[serde(default)]
    pub counters: KeyCounters,
    /// What `AT+USECDEVINFO` sealed, once and for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// What is switched on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisioned {
    /// Features.
    pub features: BTreeSet<Feature>,
    /// Symmetric KMS and E2E Data Protection.
    pub services: bool,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: u32,
    /// Where the device stands with its owner.
    pub standing: Standing,
}

/// Security state in RAM: gone with the power.
#[derive(Debug, Default)]
pub struct Security {
    /// The contact that is going on.
    pub contact: Option<Box<Contact>>,
    /// When what is due is tried.
    pub schedule: Schedule,
    /// A heartbeat somebody waits for.
    pub demand: Option<Demand>,
    /// How the last demanded heartbeat ended.
    pub outcome: Option<Outcome>,
    /// Counts demands.
    pub demands: u32,
    /// Refused as a clone: silent until the next power-on.
    pub refused: bool,
    /// Why the last contact failed.
    pub last_failure: Option<Failure>,
}

/// What a contact is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first contact: replaces the factory secret.
    Bootstrap,
    /// A seal that came after the hello: the second stage of a two-stage bootstrap.
    Registration,
    /// The security heartbeat.
    Heartbeat,
    /// A report that got no answer.
    Report,
}

/// Why a contact failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No data connection, or it went away.
    NoConnection,
    /// The service's name does not resolve.
    Dns,
    /// The service did not answer.
    NoAnswer,
    /// The service refused the key set: it does not know it, or holds another key.
    KeyNotKnown(u32),
    /// The service refused the contact: another module with this root of trust was let in.
    Clone,
    /// The service knows the key set, but no finished bootstrap: it was put back to an older state.
    NotBootstrapped,
    /// The service answered with an error.
    Service(Code),
    /// The answer made no sense.
    BadAnswer,
    /// The blocking exchange reached its time limit.
    Timeout,
    /// The power went, or the module was reset.
    PowerLoss,
}

impl SecurityNvm {
    /// From the factory.
    pub fn factory(profile: &Profile) -> Self {
        let heartbeat_period_s = profile.security.as_ref().map_or(0, |security| security.heartbeat_period_s);
        Self {
            bootstrapped_at: None,
            heartbeat_sent_at: None,
            heartbeat_answered_at: None,
            registered: false,
            report_pending: false,
            change_announced: false,
            new_key_set_wanted: false,
            chain: Chain::default(),
            applied: Provisioned {
                features: BTreeSet::new(),
                services: false,
                heartbeat_period_s,
                standing: Standing::Unowned,
            },
            e2e_version: E2eVersion::default(),
            local_used: 0,
            counters: KeyCounters::default(),
            seal: None,
        }
    }

    /// Whether the bootstrap has succeeded.
    pub fn is_bootstrapped(&self) -> bool {
        self.bootstrapped_at.is_some()
    }

    /// Whether the seal still has to be brought to the service.
    pub fn registration_pending(&self) -> bool {
        self.seal.is_some() && !self.registered
    }

    fn announce(&mut self, attention: Attention) {
        self.change_announced = attention.change;
        self.new_key_set_wanted = attention.new_key_set;
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Bootstrap => "bootstrap",
            Purpose::Registration => "registration",
            Purpose::Heartbeat => "security heartbeat",
            Purpose::Report => "report",
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoConnection => f.write_str("no data connection"),
            Failure::Dns => f.write_str("the name of the security service does not resolve"),
            Failure::NoAnswer => f.write_str("no answer from the security service"),
            Failure::KeyNotKnown(set) => write!(
                f,
                "this service does not know key set {set} of this module, or holds another key; start it \
                 with the service and the --master-key it was bootstrapped with, or make it as new with \
                 `vsara ctl factory-reset`"
            ),
            Failure::Clone => f.write_str(
                "refused: the service let in another module with this root of trust; if this is the \
                 original, have the service forget the root of trust with `vsara ctl forget`",
            ),
            Failure::NotBootstrapped => f.write_str(
                "this service holds no finished bootstrap of this module, as if it had been put back to an \
                 older state; make the module as new with `vsara ctl factory-reset`",
            ),
            Failure::Service(code) => write!(f, "the security service answered {code}"),
            Failure::BadAnswer => f.write_str("an answer of the security service made no sense"),
            Failure::Timeout => f.write_str("the time limit of a blocking heartbeat was reached"),
            Failure::PowerLoss => f.write_str("power lost"),
        }
    }
}
