//! Events: what the service noted, for the owner to read.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::device::Traffic;
use super::plan::Plan;
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::time::Timestamp;

/// Something the service noted about a root of trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 in the order of happening.
    pub id: u64,
    /// When it first happened, system time.
    pub at: Timestamp,
    /// What sort.
    pub kind: EventKind,
    /// About whom.
    pub rot: RotUid,
    /// Whose event it is; none while the device is nobody's.
    pub domain: Option<String>,
    /// What happened.
    pub reason: Reason,
    /// Where the contact came from; none for what an operator or the clock did.
    pub peer: Option<SocketAddr>,
    /// How often: clone and suspicious events that repeat are counted, not repeated.
    pub count: u32,
    /// When it last happened.
    pub last_at: Timestamp,
}

/// The sorts of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A bootstrap was completed.
    Bootstrap,
    /// A device was assigned to its owner.
    Registration,
    /// A security heartbeat was accepted.
    Heartbeat,
    /// A contact was refused.
    Clone,
    /// A contact should be looked at.
    Suspicious,
    /// A feature was wanted or applied.
    Feature,
    /// Ownership or standing of a device changed.
    Ownership,
    /// The plan or the services of a device changed.
    Plan,
    /// A device has not been heard of for too long.
    Overdue,
}

/// What happened; its text is in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The four phases are through.
    Bootstrapped {
        /// Under which key set, from now on.
        key_set: u32,
        /// What each phase cost.
        traffic: Traffic,
    },
    /// A committed key set was replaced at a heartbeat.
    KeySetReplaced {
        /// The new one.
        key_set: u32,
    },
    /// A sealed device found its owner.
    Registered {
        /// The device serial number.
        serial_number: String,
    },
    /// As due.
    Heartbeat,
    /// The contact does not go on where the last accepted exchange ended.
    ChainBroken {
        /// When the state it is a copy of was current, where that is known.
        copy_of: Option<Timestamp>,
        /// Under which key set the contact authenticated itself.
        key_set: u32,
    },
    /// Sealed with a DeviceProfileUID nobody made.
    UnknownProfile {
        /// Its first characters.
        uid: String,
    },
    /// A device serial number used twice under one profile.
    SerialTwice {
        /// The serial number.
        serial_number: String,
        /// Who has it already.
        holder: RotUid,
    },
    /// Handshake after handshake in its name ended with a wrong key.
    BadMac {
        /// Under which key set.
        key_set: u32,
    },
    /// The first contact after the service was restored from a snapshot.
    AfterRestore,
    /// The whitelist of the profile does not have it.
    NotWhitelisted,
    /// The plan's active devices are all taken.
    OverPlanLimit {
        /// Which plan.
        plan: Plan,
    },
    /// An operator asked for a change, in force from the next heartbeat.
    FeatureWanted {
        /// Which feature.
        feature: Feature,
        /// On or off.
        enabled: bool,
    },
    /// The device reported a change.
    FeatureApplied {
        /// Which feature.
        feature: Feature,
        /// On or off.
        enabled: bool,
    },
    /// The device reported a new certificate.
    CertificateApplied {
        /// Until when it holds.
        until: Timestamp,
    },
    /// An operator changed the plan.
    PlanChanged {
        /// To which.
        plan: Plan,
    },
    /// The device reported its services on or off.
    ServicesApplied {
        /// On or off.
        enabled: bool,
    },
    /// An operator suspended the device.
    Suspended,
    /// An operator made the device active.
    Unblocked,
    /// An operator made the service forget the root of trust.
    Forgotten,
    /// An operator moved the device to another domain.
    Transferred {
        /// From where.
        from: Option<String>,
        /// To where.
        to: String,
    },
    /// No heartbeat within its period and the grace after it.
    Overdue {
        /// When it was due.
        due: Timestamp,
    },
}

impl Event {
    /// Whether another happening is only one more of this one: the same reason from the same
    /// address, told by its port-less part since every session has a port of its own.
    pub fn is_repeated_by(&self, other: &Event) -> bool {
        self.kind.is_counted()
            && self.kind == other.kind
            && self.rot == other.rot
            && self.reason == other.reason
            && self.address() == other.address()
    }

    /// The same event happened once more.
    pub fn repeat(&mut self, at: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.last_at = at;
    }

    fn address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }
}

impl EventKind {
    /// Every sort there is.
    pub const ALL: [Self; 9] = [
        Self::Bootstrap,
        Self::Registration,
        Self::Heartbeat,
        Self::Clone,
        Self::Suspicious,
        Self::Feature,
        Self::Ownership,
        Self::Plan,
        Self::Overdue,
    ];

    /// Whether events of this sort are counted where they repeat.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Clone | Self::Suspicious)
    }

    /// As it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Registration => "registration",
            Self::Heartbeat => "heartbeat",
            Self::Clone => "clone",
            Self::Suspicious => "suspicious",
            Self::Feature => "feature",
            Self::Ownership => "ownership",
            Self::Plan => "plan",
            Self::Overdue => "overdue",
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bootstrapped { key_set, traffic } => {
                write!(f, "bootstrapped under key set {key_set} with {} bytes", traffic.total())
            }
            Self::KeySetReplaced { key_set } => write!(f, "key set {key_set} is in force"),
            Self::Registered { serial_number } => {
                write!(f, "registered with serial number {serial_number:?}")
            }
            Self::Heartbeat => f.write_str("security heartbeat"),
            Self::ChainBroken { copy_of: Some(at), key_set } => {
                write!(f, "contact chain broken under key set {key_set}: copy of the state of {at}")
            }
            Self::ChainBroken { copy_of: None, key_set } => {
                write!(f, "contact chain broken under key set {key_set}: copy of an earlier state")
            }
            Self::UnknownProfile { uid } => write!(f, "unknown device profile UID {uid}"),
            Self::SerialTwice { serial_number, holder } => {
                write!(f, "serial number {serial_number:?} is in use by {holder} already")
            }
            Self::BadMac { key_set } => write!(f, "bad MAC under key set {key_set}"),
            Self::AfterRestore => f.write_str("first contact after the service was restored from a snapshot"),
            Self::NotWhitelisted => f.write_str("not on the whitelist of its device profile"),
            Self::OverPlanLimit { plan } => write!(f, "over the limit of active devices of plan {plan}"),
            Self::FeatureWanted { feature, enabled } => {
                write!(f, "feature {} wanted {}", feature.name(), on_off(*enabled))
            }
            Self::FeatureApplied { feature, enabled } => {
                write!(f, "feature {} applied {}", feature.name(), on_off(*enabled))
            }
            Self::CertificateApplied { until } => write!(f, "certificate in force until {until}"),
            Self::PlanChanged { plan } => write!(f, "plan {plan} wanted"),
            Self::ServicesApplied { enabled } => write!(f, "services applied {}", on_off(*enabled)),
            Self::Suspended => f.write_str("suspended"),
            Self::Unblocked => f.write_str("unblocked"),
            Self::Forgotten => f.write_str("forgotten: the next contact starts anew"),
            Self::Transferred { from: Some(from), to } => write!(f, "transferred from {from} to {to}"),
            Self::Transferred { from: None, to } => write!(f, "transferred to {to}"),
            Self::Overdue { due } => write!(f, "no security heartbeat since it was due at {due}"),
        }
    }
}

const fn on_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, reason: Reason, peer: &str) -> Event {
        let at = Timestamp::from_millis(0);
        let peer = peer.parse().ok();
        Event { id: 1, at, kind, rot: RotUid([1; 8]), domain: None, reason, peer, count: 1, last_at: at }
    }

    #[test]
    fn clone_and_suspicious_events_repeat_by_reason_and_address() {
        let broken = Reason::ChainBroken { copy_of: None, key_set: 1 };
        let first = event(EventKind::Clone, broken.clone(), "10.0.0.1:1000");
        let check = |other: Event, expected: bool| {
            assert_eq!(first.is_repeated_by(&other), expected, "{other:?}");
        };
        check(event(EventKind::Clone, broken.clone(), "10.0.0.1:2000"), true);
        check(event(EventKind::Clone, broken.clone(), "10.0.0.2:1000"), false);
        check(event(EventKind::Suspicious, broken, "10.0.0.1:1000"), false);
        check(
            event(EventKind::Clone, Reason::ChainBroken { copy_of: None, key_set: 2 }, "10.0.0.1:1"),
            false,
        );
        let heartbeat = event(EventKind::Heartbeat, Reason::Heartbeat, "10.0.0.1:1000");
        assert!(!heartbeat.is_repeated_by(&heartbeat));
    }
}
