//! What an operator wants of a device, and when the device has it: flags, features, period, plan,
//! ownership.

mod steps;

use std::collections::BTreeSet;

use steps::*;
use vsara::modem::Input;
use vsara::module::Event;
use vsara::module::IpVersion;
use vsara::module::security::{Phase, Purpose};
use vsara::protocol::keys::RotUid;
use vsara::protocol::message::Feature;
use vsara::scenario::{Condition, ModemId, World};
use vsara::service::event::EventKind;
use vsara::service::store::Store;
use vsara::service::{Device, DeviceProfile, MemoryStore, Operator, OperatorError, Plan};

const R5: &str = "sara-r510s";
const R4: &str = "sara-r410m-83b";
const LDP: Feature = Feature::LocalDataProtection;

type Deed = fn(&mut Operator<'_, MemoryStore>, RotUid) -> Result<(), OperatorError>;

fn operate(
    world: &mut World,
    deed: impl FnOnce(&mut Operator<'_, MemoryStore>) -> Result<(), OperatorError>,
) {
    let mut operator = world.operator().expect("the service runs");
    deed(&mut operator).expect("the operator may");
}

fn device(world: &mut World, modem: ModemId) -> Device {
    let rot = world.rot(modem);
    let service = world.service().expect("it runs");
    let device = service.store().device(rot).expect("in memory").expect("known");
    Device::clone(&device)
}

/// A heartbeat, and the registration that may follow it.
fn heartbeat(world: &mut World, modem: ModemId) {
    world.run_for(DAY);
    world.take_serial(modem);
    world.send(modem, "AT+USECCONN");
    world.run_for(10 * MINUTE);
    assert!(world.take_serial(modem).ends_with("\r\nOK\r\n"));
}

fn applied(world: &World, modem: ModemId) -> &BTreeSet<Feature> {
    &world.modem(modem).module().nvm().security.applied.features
}

#[test]
fn flags_follow_the_standing_at_the_next_heartbeat() {
    let table: [(&str, Deed, &str, &str); 4] = [
        ("suspended", |operator, rot| operator.suspend(rot), "1,1,0", "SUSPENDED"),
        ("moved", |operator, rot| operator.transfer(rot, "other"), "1,1,1", "ACTIVE"),
        ("forgotten, and registered again", |operator, rot| operator.forget(rot), "1,1,1", "ACTIVE"),
        ("another plan", |operator, rot| operator.set_plan(rot, Plan::Basic), "1,1,1", "ACTIVE"),
    ];
    for profile in [R4, R5] {
        for (deed, work, flags, state) in table {
            let (mut world, modem) = world(profile, IpVersion::V4, 1);
            live_through_bootstrap(&mut world, modem, Sealed::Before);
            let rot = world.rot(modem);
            operate(&mut world, |operator| work(operator, rot));
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK", "{deed}: not yet");
            heartbeat(&mut world, modem);
            let expected = format!("+USECDEVINFO: {flags}|OK");
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), expected, "{profile} {deed}");
            assert_eq!(device(&mut world, modem).state().name(), state, "{profile} {deed}");
            assert_unsuspected(&mut world, modem, &(profile, deed));
        }
    }
}

#[test]
fn a_suspended_device_has_nothing_until_it_is_unblocked() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let rot = world.rot(modem);
    operate(&mut world, |operator| operator.set_feature(rot, LDP, true));
    assert!(applied(&world, modem).is_empty(), "at the next heartbeat");
    heartbeat(&mut world, modem);
    assert!(applied(&world, modem).contains(&LDP));
    for (suspended, flags) in [(true, "1,1,0"), (false, "1,1,1")] {
        operate(&mut world, |operator| if suspended { operator.suspend(rot) } else { operator.unblock(rot) });
        heartbeat(&mut world, modem);
        assert_eq!(applied(&world, modem).contains(&LDP), !suspended);
        assert_eq!(world.modem(modem).module().nvm().security.applied.services, !suspended);
        assert_eq!(world.at(modem, "AT+USECDEVINFO?"), format!("+USECDEVINFO: {flags}|OK"));
        let theirs = device(&mut world, modem).applied.expect("it reported");
        assert_eq!(theirs.features.contains(&LDP), !suspended, "as it reported");
    }
}

#[test]
fn applied_changes_only_by_the_report() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let rot = world.rot(modem);
    operate(&mut world, |operator| operator.set_feature(rot, LDP, true));
    world.run_for(DAY);
    world.take_events(modem);
    world.send(modem, "AT+USECCONN");
    let end = world.now().offset_millis(MINUTE);
    world.run_while(end, |world| !world.events(modem).contains(&Event::PhaseEnded(Phase::Heartbeat)));
    world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
    // The report is on its way already: power goes, and with it what was in the air is of no use.
    world.cut_service();
    world.input(modem, Input::PowerCut);
    world.run_for(MINUTE);
    world.start_service();
    let reported = |world: &mut World| device(world, modem).applied.expect("a bootstrap").features;
    assert!(reported(&mut world).is_empty(), "not reported yet");
    assert!(applied(&world, modem).contains(&LDP), "but applied");
    let sent = world.disk(modem).primary.security.heartbeat_sent_at;
    // A report that got no answer is sent at the next connection, and is no heartbeat.
    world.link(modem).condition = Condition::default();
    world.take_events(modem);
    world.input(modem, Input::PowerOn);
    world.run_for(MINUTE);
    assert!(reported(&mut world).contains(&LDP));
    assert_eq!(contacts_begun(&world, modem, Purpose::Report), 1);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 0);
    assert_eq!(world.modem(modem).module().nvm().security.heartbeat_sent_at, sent);
    assert_eq!(device(&mut world, modem).heartbeats, 1);
}

#[test]
fn a_device_that_is_not_let_in_by_its_profile_is_allocated() {
    for whitelist in [true, false] {
        let (mut world, modem) = world(R5, IpVersion::V4, 1);
        operate(&mut world, |operator| {
            operator.update_device_profile(PROFILE_UID, |profile| {
                profile.features.insert(LDP);
                profile.whitelist = whitelist;
            })
        });
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK");
        let state = device(&mut world, modem).state().name();
        assert_eq!(state, if whitelist { "ALLOCATED" } else { "ACTIVE" });
        assert_eq!(applied(&world, modem).contains(&LDP), !whitelist);
        assert_eq!(world.modem(modem).module().nvm().security.applied.services, !whitelist);
    }
}

#[test]
fn a_seal_nobody_knows_is_suspicious_and_leaves_the_device_unowned() {
    for profile in [R4, R5] {
        for sealed_before in [true, false] {
            let (mut world, modem) = world(profile, IpVersion::V4, 1);
            let seal = "AT+USECDEVINFO=\"bbbbbbbbbbbbbbbbbbbbbb\",\"1\"";
            world.input(modem, Input::Coverage(!sealed_before));
            world.input(modem, Input::PowerOn);
            if !sealed_before {
                settle(&mut world, modem, |world| is_at_rest(world, modem));
            }
            assert_eq!(world.at(modem, seal), "OK");
            world.input(modem, Input::Coverage(true));
            world.run_for(HOUR);
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,0,1|OK", "{profile}");
            assert_eq!(noted(&mut world, modem, EventKind::Suspicious), 1);
            world.run_for(30 * DAY);
            assert_eq!(noted(&mut world, modem, EventKind::Suspicious), 1, "said once");
            // Somebody makes the profile after all.
            let late = DeviceProfile::new("bbbbbbbbbbbbbbbbbbbbbb", "late");
            operate(&mut world, |operator| operator.create_device_profile(late));
            world.run_for(8 * DAY);
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK", "{profile}");
            assert_eq!(noted(&mut world, modem, EventKind::Clone), 0);
        }
    }
}

#[test]
fn an_edited_profile_concerns_later_bootstraps_only() {
    let (mut world, first) = world(R5, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, first, Sealed::Before);
    operate(&mut world, |operator| {
        operator.update_device_profile(PROFILE_UID, |profile| {
            profile.features.insert(LDP);
            profile.heartbeat_period_s = 86_400;
        })
    });
    heartbeat(&mut world, first);
    assert!(applied(&world, first).is_empty(), "bootstrapped before the edit");
    assert_eq!(world.modem(first).module().nvm().security.applied.heartbeat_period_s, 604_800);
    let second = world.add_modem(&profile(R5), vsara::scenario::WorldOptions::default());
    live_through_bootstrap(&mut world, second, Sealed::Before);
    assert!(applied(&world, second).contains(&LDP), "bootstrapped after it");
    assert_eq!(world.modem(second).module().nvm().security.applied.heartbeat_period_s, 86_400);
}

#[test]
fn a_new_period_counts_from_the_next_heartbeat() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let rot = world.rot(modem);
    operate(&mut world, |operator| operator.set_heartbeat_period(rot, 86_400));
    world.take_events(modem);
    world.run_for(6 * DAY);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 0, "weekly still");
    world.run_for(DAY + HOUR);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1);
    world.run_for(10 * DAY);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 11, "daily now");
}

#[test]
fn a_seal_in_any_phase_is_registered_in_the_end() {
    for profile in [R4, R5] {
        for phase in [Phase::Hello, Phase::Replace, Phase::Provision, Phase::Confirm] {
            for ended in [false, true] {
                let (mut world, modem) = world(profile, IpVersion::V4, 1);
                world.input(modem, Input::PowerOn);
                let event = if ended { Event::PhaseEnded(phase) } else { Event::PhaseBegan(phase) };
                let end = world.now().offset_millis(MINUTE);
                world.run_while(end, |world| !world.events(modem).contains(&event));
                assert!(world.events(modem).contains(&event), "{event:?}");
                assert_eq!(world.at(modem, SEAL), "OK", "{event:?}");
                assert_eq!(world.at(modem, "AT+USECDEVINFO=\"other\",\"other\""), "OK", "ignored");
                world.run_for(MINUTE);
                assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK", "{event:?}");
                assert_eq!(contacts_begun(&world, modem, Purpose::Registration), 1, "{event:?}");
                let seal = device(&mut world, modem).seal.expect("registered");
                assert_eq!(
                    (seal.profile_uid.as_str(), seal.serial_number.as_str()),
                    (PROFILE_UID, "serial-1")
                );
                assert_unsuspected(&mut world, modem, &event);
            }
        }
    }
}

#[test]
fn sealed_and_not_answered_yet_is_1_0_1_without_blocking() {
    for profile in [R4, R5] {
        let (mut world, modem) = world(profile, IpVersion::V4, 1);
        live_through_bootstrap(&mut world, modem, Sealed::Never);
        world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
        assert_eq!(world.at(modem, SEAL), "OK");
        for _ in 0..3 {
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,0,1|OK", "{profile}");
            world.run_for(HOUR);
        }
        world.link(modem).condition = Condition::default();
        world.input(modem, Input::PowerCut);
        world.input(modem, Input::PowerOn);
        world.run_for(MINUTE);
        assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK", "{profile}: by itself");
    }
}

#[test]
fn back_off_doubles_to_an_hour_and_restarts_at_power_on() {
    for profile in [R4, R5] {
        let (mut world, modem) = world(profile, IpVersion::V4, 1);
        world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
        for power_on in ["first", "second"] {
            world.take_events(modem);
            world.input(modem, Input::PowerOn);
            let mut failures = Vec::new();
            while failures.len() < 10 {
                let end = world.now().offset_millis(DAY);
                let is_failure = |event: &Event| matches!(event, Event::ContactFailed { .. });
                world.run_while(end, |world| !world.events(modem).iter().any(is_failure));
                let now = world.now();
                failures.extend(world.take_events(modem).into_iter().filter_map(|event| match event {
                    Event::ContactFailed { retry_at: Some(at), .. } => Some(at.millis_since(now)),
                    _ => None,
                }));
            }
            for (n, pause) in failures.iter().enumerate() {
                let least = ((30 * SECOND) << n).min(HOUR);
                assert!(
                    (least..=least + least / 4).contains(pause),
                    "{profile}, {power_on}, {n}: {pause} ms"
                );
            }
            world.input(modem, Input::PowerCut);
        }
    }
}
