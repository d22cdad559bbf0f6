//! What a script says of a device and of events, held against what the service says.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::protocol::message::Feature;
use crate::scenario::player::{Outcome, Trouble};
use crate::scenario::script::{Claim, Comparison, EventClaim, ModemIndex, Operator};
use crate::service::Device;
use crate::service::device::DeviceState;
use crate::service::event::Event;

/// The devices that others are compared with.
pub type Others = BTreeMap<ModemIndex, Option<Arc<Device>>>;

/// Whether a device is as claimed, claim by claim; none: the service never heard of it.
pub fn check(device: Option<&Device>, claims: &[Claim], others: &Others) -> Outcome {
    let shown = |claim: &Claim| shown(claim, others);
    let Some(device) = device else {
        return match claims {
            [Claim::State(state)] if state == "NONE" => Ok(()),
            _ => Err(differs(claims.iter().map(shown), "the service has never heard of it".to_owned())),
        };
    };
    let wrong: Vec<_> = claims.iter().filter(|claim| !holds(device, claim, others)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let seen: Vec<_> = wrong.iter().map(|claim| actual(device, claim)).collect();
    Err(differs(wrong.into_iter().map(shown), seen.join(" ")))
}

/// Whether events were noted as claimed.
pub fn check_events(events: &[Event], claim: &EventClaim) -> Outcome {
    let wanted: Vec<_> = events.iter().filter(|event| claim.kinds.contains(&event.kind)).collect();
    let count: u64 = wanted.iter().map(|event| u64::from(event.count)).sum();
    if claim.count.holds(count) {
        return Ok(());
    }
    let kinds: Vec<_> = claim.kinds.iter().map(|kind| kind.name()).collect();
    let expected = format!("{} events: count{}", kinds.join(" and "), claim.count);
    let reasons: Vec<_> = wanted.iter().map(|event| format!("{}: {}", event.kind, event.reason)).collect();
    let seen =
        if reasons.is_empty() { "none".to_owned() } else { format!("{count}: {}", reasons.join("; ")) };
    Err(Trouble::Differs { expected, seen })
}

fn differs(expected: impl Iterator<Item = String>, seen: String) -> Trouble {
    Trouble::Differs { expected: expected.collect::<Vec<_>>().join(" "), seen }
}

fn holds(device: &Device, claim: &Claim, others: &Others) -> bool {
    let applied = device.applied.as_ref();
    match claim {
        Claim::State(state) => device.state().name() == state,
        Claim::Owner(domain) => device.domain().unwrap_or_default() == domain,
        Claim::Profile(uid) => profile_of(device) == uid,
        Claim::Serial(serial) => serial_of(device) == serial,
        Claim::Plan(plan) => device.plan == *plan,
        Claim::Applied(features) => {
            applied.map_or(features.is_empty(), |applied| applied.features == *features)
        }
        Claim::Wanted(features) => device.wanted.features == *features,
        Claim::Services(on) => applied.is_some_and(|applied| applied.services) == *on,
        Claim::Certificate(on) => has_certificate(device) == *on,
        Claim::Blacklisted(on) => device.is_blacklisted() == *on,
        Claim::Overdue(on) => device.overdue == *on,
        Claim::Period(period_s) => device.wanted.heartbeat_period_s == *period_s,
        Claim::Heartbeats(wanted) => wanted.holds(u64::from(device.heartbeats)),
        Claim::Bytes(wanted) => wanted.holds(bytes_of(device)),
        Claim::BytesOf(operator, other) => {
            with_bytes_of(*operator, *other, others).is_some_and(|wanted| wanted.holds(bytes_of(device)))
        }
        Claim::KeySet(wanted) => wanted.holds(u64::from(device.keys.committed())),
    }
}

fn actual(device: &Device, claim: &Claim) -> String {
    let applied = device.applied.as_ref();
    match claim {
        Claim::State(_) => match device.state() {
            DeviceState::Bootstrapping(phase) => format!("state=BOOTSTRAPPING (after {phase:?})"),
            state => format!("state={state}"),
        },
        Claim::Owner(_) => format!("owner={}", device.domain().unwrap_or_default()),
        Claim::Profile(_) => format!("profile={}", profile_of(device)),
        Claim::Serial(_) => format!("serial={}", serial_of(device)),
        Claim::Plan(_) => format!("plan={}", device.plan),
        Claim::Applied(_) => {
            format!("features={}", names(applied.into_iter().flat_map(|applied| &applied.features)))
        }
        Claim::Wanted(_) => format!("wanted={}", names(&device.wanted.features)),
        Claim::Services(_) => format!("services={}", on_off(applied.is_some_and(|applied| applied.services))),
        Claim::Certificate(_) => format!("certificate={}", on_off(has_certificate(device))),
        Claim::Blacklisted(_) => format!("blacklisted={}", on_off(device.is_blacklisted())),
        Claim::Overdue(_) => format!("overdue={}", on_off(device.overdue)),
        Claim::Period(_) => format!("period={}s", device.wanted.heartbeat_period_s),
        Claim::Heartbeats(_) => format!("heartbeats={}", device.heartbeats),
        Claim::Bytes(_) | Claim::BytesOf(..) => format!("bytes={}", bytes_of(device)),
        Claim::KeySet(_) => format!("key-set={}", device.keys.committed()),
    }
}

fn shown(claim: &Claim, others: &Others) -> String {
    match claim {
        Claim::State(state) => format!("state={state}"),
        Claim::Owner(domain) => format!("owner={domain}"),
        Claim::Profile(uid) => format!("profile={uid}"),
        Claim::Serial(serial) => format!("serial={serial}"),
        Claim::Plan(plan) => format!("plan={plan}"),
        Claim::Applied(features) => format!("features={}", names(features)),
        Claim::Wanted(features) => format!("wanted={}", names(features)),
        Claim::Services(on) => format!("services={}", on_off(*on)),
        Claim::Certificate(on) => format!("certificate={}", on_off(*on)),
        Claim::Blacklisted(on) => format!("blacklisted={}", on_off(*on)),
        Claim::Overdue(on) => format!("overdue={}", on_off(*on)),
        Claim::Period(period_s) => format!("period={period_s}s"),
        Claim::Heartbeats(wanted) => format!("heartbeats{wanted}"),
        Claim::Bytes(wanted) => format!("bytes{wanted}"),
        Claim::BytesOf(operator, other) => match with_bytes_of(*operator, *other, others) {
            Some(wanted) => format!("bytes{wanted}"),
            None => format!("bytes{operator} those of a complete bootstrap, which there is not"),
        },
        Claim::KeySet(wanted) => format!("key-set{wanted}"),
    }
}

fn names<'f>(features: impl IntoIterator<Item = &'f Feature>) -> String {
    features.into_iter().map(|feature| feature.name()).collect::<Vec<_>>().join(",")
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn profile_of(device: &Device) -> &str {
    device.owner.as_ref().map_or("", |owner| owner.profile_uid.as_str())
}

fn serial_of(device: &Device) -> &str {
    device.seal.as_ref().map_or("", |seal| seal.serial_number.as_str())
}

fn has_certificate(device: &Device) -> bool {
    device.certificate.is_some()
}

/// `bytes>OTHER` with the number of that other; none where it has no complete bootstrap.
fn with_bytes_of(operator: Operator, other: ModemIndex, others: &Others) -> Option<Comparison> {
    let traffic = others.get(&other)?.as_deref()?.traffic?;
    Some(Comparison { operator, number: u64::from(traffic.total()) })
}

fn bytes_of(device: &Device) -> u64 {
    device.traffic.map_or(0, |traffic| u64::from(traffic.total()))
}
