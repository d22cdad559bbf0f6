//! What a script does on a security service and asserts of it, whatever the service's store is: one
//! in memory in a world, the embedded one beside a real host program.

use crate::protocol::keys::RotUid;
use crate::scenario::claims::{self, Others};
use crate::scenario::key_claims;
use crate::scenario::player::{Outcome, Trouble};
use crate::scenario::script::{Act, Operation, ProfileSpec};
use crate::service::event::Event;
use crate::service::store::{EventQuery, Store, Window};
use crate::service::{DeviceProfile, Operator, Service};
use crate::time::Now;

/// Does an act of an operator, or holds what is asserted against what the service says; `rot` is
/// the root of trust of the modem it is about, `others` the devices it is compared with.
///
/// # Errors
/// Refused, or not as asserted; [`Trouble::Unable`] for an act that is not the service's.
pub fn perform<S: Store>(
    service: &mut Service<S>,
    act: &Act,
    rot: Option<RotUid>,
    others: &Others,
    now: Now,
) -> Outcome {
    let Some(rot) = rot else {
        return match act {
            Act::DeviceProfile(spec) => device_profile(&mut service.operator(now), spec),
            _ => Err(Trouble::Unable("this is nothing a security service does".to_owned())),
        };
    };
    match act {
        Act::Whitelist { uid, listed: true, .. } => {
            service.operator(now).whitelist_add(uid, &[rot]).map_err(refused)
        }
        Act::Whitelist { uid, listed: false, .. } => {
            service.operator(now).whitelist_remove(uid, &[rot]).map_err(refused)
        }
        Act::Operate(_, operation) => operate(&mut service.operator(now), rot, operation),
        Act::AssertDevice(_, wanted) => {
            let device = service.store().device(rot).map_err(refused)?;
            claims::check(device.as_deref(), wanted, others)
        }
        Act::AssertKey(_, claim) => key_claims::check(service, rot, claim, now),
        Act::AssertEvents(_, claim) => claims::check_events(&events(service, rot)?, claim),
        _ => Err(Trouble::Unable("this is nothing a security service does".to_owned())),
    }
}

/// Everything the service has noted of a root of trust.
///
/// # Errors
/// The store failed.
pub fn events<S: Store>(service: &Service<S>, rot: RotUid) -> Result<Vec<Event>, Trouble> {
    let query = EventQuery { rot: Some(rot), ..EventQuery::default() };
    let found = service.store().events(&query, Window::ALL);
    Ok(found.map_err(refused)?.items)
}

fn device_profile<S: Store>(operator: &mut Operator<'_, S>, spec: &ProfileSpec) -> Outcome {
    if operator.device_profile(&spec.uid).map_err(refused)?.is_some() {
        return operator.update_device_profile(&spec.uid, |profile| apply(spec, profile)).map_err(refused);
    }
    let mut profile = DeviceProfile::new(spec.uid.clone(), "scenario");
    apply(spec, &mut profile);
    operator.create_device_profile(profile).map_err(refused)
}

fn operate<S: Store>(operator: &mut Operator<'_, S>, rot: RotUid, operation: &Operation) -> Outcome {
    let done = match operation {
        Operation::Feature(feature, enabled) => operator.set_feature(rot, *feature, *enabled),
        Operation::HeartbeatPeriod(period_s) => operator.set_heartbeat_period(rot, *period_s),
        Operation::Plan(plan) => operator.set_plan(rot, *plan),
        Operation::Unblock => operator.unblock(rot),
        Operation::Suspend => operator.suspend(rot),
        Operation::Transfer(domain) => operator.transfer(rot, domain),
        Operation::Forget => operator.forget(rot),
        Operation::NewKeys => operator.ask_for_new_key_set(rot),
    };
    done.map_err(refused)
}

fn apply(spec: &ProfileSpec, profile: &mut DeviceProfile) {
    profile.plan = spec.plan.unwrap_or(profile.plan);
    profile.whitelist = spec.whitelist.unwrap_or(profile.whitelist);
    profile.heartbeat_period_s = spec.heartbeat_period_s.unwrap_or(profile.heartbeat_period_s);
    if let Some(features) = &spec.features {
        profile.features.clone_from(features);
    }
    if let Some(domain) = &spec.domain {
        profile.domain.clone_from(domain);
    }
}

fn refused(error: impl std::fmt::Display) -> Trouble {
    Trouble::Refused(error.to_string())
}
