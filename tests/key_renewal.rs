//! A heartbeat that renews the key set: no fault, no copy and no cut leaves the two ends with
//! different sets.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::security::{Phase, Purpose};
use vsara::module::{Event, IpVersion, Nvm};
use vsara::scenario::{ModemId, Point, Strike, World, WorldOptions};
use vsara::service::event::EventKind;
use vsara::service::store::Store;

const PROFILES: [&str; 2] = ["sara-r510s", "sara-r410m-83b"];

/// A sealed module whose next heartbeat asks for a new key set.
fn before_renewal(profile: &str) -> (World, ModemId) {
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let rot = world.rot(modem);
    world.operator().expect("the service runs").ask_for_new_key_set(rot).expect("a known device");
    world.take_events(modem);
    (world, modem)
}

fn heartbeat(world: &mut World, modem: ModemId) {
    world.take_serial(modem);
    world.send(modem, "AT+USECCONN");
    world.run_for(10 * MINUTE);
    settle(world, modem, |world| is_at_rest(world, modem));
}

/// The number of the set both ends derive service keys from.
#[track_caller]
fn common_key_set(world: &mut World, modem: ModemId, when: &dyn std::fmt::Debug) -> u32 {
    let rot = world.rot(modem);
    let device = world.service().expect("it runs").store().device(rot).expect("in memory");
    let theirs = device.expect("a known device").keys.committed();
    let secrets = &world.modem(modem).module().nvm().secrets;
    assert_eq!(secrets.committed().number, theirs, "{when:?}: both ends use the same set");
    assert!(!secrets.is_pending(), "{when:?}: nothing is left to confirm");
    theirs
}

#[test]
fn a_heartbeat_renews_the_key_set_when_the_service_asks() {
    for profile in PROFILES {
        let (mut world, modem) = before_renewal(profile);
        let before = common_key_set(&mut world, modem, &profile);
        heartbeat(&mut world, modem);
        assert!(world.take_serial(modem).ends_with("\r\nOK\r\n"), "{profile}");
        assert!(common_key_set(&mut world, modem, &profile) > before, "{profile}");
        let phases: Vec<_> = world
            .take_events(modem)
            .into_iter()
            .filter_map(|event| match event {
                Event::PhaseEnded(phase) => Some(phase),
                _ => None,
            })
            .collect();
        let expected = [Phase::Heartbeat, Phase::Replace, Phase::Confirm, Phase::Report];
        assert_eq!(phases, expected, "{profile}");
        assert_unsuspected(&mut world, modem, &profile);
    }
}

#[test]
fn no_fault_in_a_renewal_leaves_the_ends_with_different_key_sets() {
    for profile in PROFILES {
        let (mut world, modem) = before_renewal(profile);
        let before = world.counts(modem);
        heartbeat(&mut world, modem);
        let after = world.counts(modem);
        let datagrams = (1..=after.datagrams - before.datagrams).map(Point::Datagram);
        let writes = (1..=after.nvm_writes - before.nvm_writes).map(Point::NvmWrite);
        let faults = datagrams
            .flat_map(|point| Strike::AT_DATAGRAM.map(|strike| (point, strike)))
            .chain(writes.flat_map(|point| Strike::AT_NVM_WRITE.map(|strike| (point, strike))));
        for (point, strike) in faults {
            let when = (profile, point, strike);
            let (mut world, modem) = before_renewal(profile);
            let first = common_key_set(&mut world, modem, &when);
            world.place(modem, point, strike);
            heartbeat(&mut world, modem);
            assert!(world.faults_struck(modem), "{when:?}");
            // What the service still wants it says in the heartbeat after.
            world.run_for(DAY);
            heartbeat(&mut world, modem);
            assert!(common_key_set(&mut world, modem, &when) > first, "{when:?}: renewed in the end");
            assert_unsuspected(&mut world, modem, &when);
            world.take_events(modem);
            power_cycle(&mut world, modem);
            assert_eq!(contacts_begun(&world, modem, Purpose::Bootstrap), 0, "{when:?}");
        }
    }
}

fn power_cycle(world: &mut World, modem: ModemId) {
    world.input(modem, Input::PowerCut);
    world.run_for(MINUTE);
    world.input(modem, Input::PowerOn);
    world.run_for(MINUTE);
}

/// The memory of the module before and after each write of the renewal.
fn states(profile: &str) -> Vec<Nvm> {
    let (mut world, modem) = before_renewal(profile);
    let mut states = vec![world.disk(modem).primary.clone()];
    world.keep_every_write(modem);
    heartbeat(&mut world, modem);
    states.extend(world.take_kept_writes(modem));
    states
}

#[test]
fn a_copy_made_at_any_step_of_a_renewal_is_refused() {
    for profile_name in PROFILES {
        let states = states(profile_name);
        assert!(states.len() >= 9, "{profile_name}: {} states", states.len());
        for (step, nvm) in states.into_iter().enumerate() {
            let (mut world, original) = before_renewal(profile_name);
            heartbeat(&mut world, original);
            world.run_for(DAY);
            heartbeat(&mut world, original);
            let copy = world.add_modem_with(&profile(profile_name), WorldOptions::default(), nvm);
            world.input(copy, Input::PowerOn);
            world.run_for(DAY);
            heartbeat(&mut world, copy);
            assert!(world.modem(copy).module().security().refused, "{profile_name} {step}: let in");
            assert!(noted(&mut world, original, EventKind::Clone) >= 1, "{profile_name} {step}: no event");
            heartbeat(&mut world, original);
            assert!(!world.modem(original).module().security().refused, "{profile_name} {step}");
        }
    }
}

#[test]
fn a_copy_that_renews_first_wins_and_the_original_falls_out() {
    let states = states("sara-r510s");
    for step in 1..states.len() {
        let (mut world, original) = before_renewal("sara-r510s");
        let n = u32::try_from(step).expect("few steps");
        world.place(original, Point::NvmWrite(n), Strike::CutAfter);
        world.send(original, "AT+USECCONN");
        world.run_while(world.now().offset_millis(HOUR), |world| world.is_on(original));
        assert!(!world.is_on(original), "step {step}: the cut struck");
        let copy = world.clone_modem(original);
        world.input(copy, Input::PowerOn);
        world.run_for(DAY + HOUR);
        heartbeat(&mut world, copy);
        assert!(!world.modem(copy).module().security().refused, "step {step}: the first to contact");
        common_key_set(&mut world, copy, &step);
        world.input(original, Input::PowerOn);
        world.run_for(DAY + HOUR);
        world.send(original, "AT+USECCONN");
        world.run_for(10 * MINUTE);
        assert!(world.modem(original).module().security().refused, "step {step}: the second to contact");
        assert!(noted(&mut world, copy, EventKind::Clone) >= 1, "step {step}: no event");
    }
}
