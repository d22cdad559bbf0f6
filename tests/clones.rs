//! Invariant 3: of modules with the same root of trust, only the first that communicates is let in.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::{Event, IpVersion, Nvm};
use vsara::profile::Profile;
use vsara::scenario::{ModemId, Point, Strike, World, WorldOptions};
use vsara::service::event::EventKind;

const SEALED: [Sealed; 3] = [Sealed::Before, Sealed::During, Sealed::After];

/// The memory of the module after each of its writes.
fn states(profile: &str, sealed: Sealed) -> Vec<Nvm> {
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    let mut states = vec![world.disk(modem).primary.clone()];
    world.keep_every_write(modem);
    live_through_bootstrap(&mut world, modem, sealed);
    states.extend(world.take_kept_writes(modem));
    states
}

/// A copy with this memory, powered on.
fn let_loose(world: &mut World, profile: &std::sync::Arc<Profile>, nvm: Nvm) -> ModemId {
    let copy = world.add_modem_with(profile, WorldOptions::default(), nvm);
    world.input(copy, Input::PowerOn);
    copy
}

/// Whether the module was refused, or would be at its next contact.
fn is_let_in(world: &mut World, modem: ModemId) -> bool {
    world.run_for(MINUTE);
    if is_bootstrapped(world, modem) && !world.modem(modem).module().security().refused {
        world.run_for(DAY + HOUR);
        world.take_serial(modem);
        world.send(modem, "AT+USECCONN");
        world.run_for(10 * MINUTE);
        return world.take_serial(modem).contains("OK");
    }
    world.run_for(HOUR);
    !world.modem(modem).module().security().refused
}

#[test]
fn a_copy_made_at_any_step_is_refused_after_the_original_went_on() {
    for name in ["sara-r510s", "sara-r410m-83b"] {
        for sealed in SEALED {
            for (step, nvm) in states(name, sealed).into_iter().enumerate() {
                let (mut world, original) = world(name, IpVersion::V4, 1);
                live_through_bootstrap(&mut world, original, sealed);
                // One more contact: a copy of the very last state could not be told apart.
                assert!(is_let_in(&mut world, original), "{name} {sealed:?} {step}: the original");
                let copy = let_loose(&mut world, &profile(name), nvm);
                assert!(!is_let_in(&mut world, copy), "{name} {sealed:?}: copy of step {step} let in");
                assert!(
                    noted(&mut world, original, EventKind::Clone) >= 1,
                    "{name} {sealed:?} {step}: no event"
                );
                world.run_for(DAY);
                assert!(
                    is_let_in(&mut world, original),
                    "{name} {sealed:?} {step}: the original, afterwards"
                );
            }
        }
    }
}

#[test]
fn a_copy_let_loose_before_the_original_comes_first_and_wins() {
    for sealed in SEALED {
        let steps = states("sara-r510s", sealed).len();
        for step in 1..steps {
            let (mut world, original) = world("sara-r510s", IpVersion::V4, 1);
            let n = u32::try_from(step).expect("few steps");
            world.place(original, Point::NvmWrite(n), Strike::CutAfter);
            power_on(&mut world, original);
            world.run_while(world.now().offset_millis(HOUR), |world| world.is_on(original));
            if world.is_on(original) {
                // A write that only a seal makes: those steps are another test's.
                continue;
            }
            let copy = world.clone_modem(original);
            world.input(copy, Input::PowerOn);
            assert!(is_let_in(&mut world, copy), "{sealed:?}: the copy of step {step} came first");
            world.input(original, Input::PowerOn);
            assert!(!is_let_in(&mut world, original), "{sealed:?}: the second of step {step} let in");
            assert!(noted(&mut world, original, EventKind::Clone) >= 1, "{sealed:?} {step}: no event");
            world.run_for(DAY);
            assert!(is_let_in(&mut world, copy), "{sealed:?} {step}: the first, afterwards");
        }
    }
}

#[test]
fn a_refused_module_stops_until_the_next_power_on() {
    let (mut world, original) = world("sara-r510s", IpVersion::V4, 1);
    let factory = world.disk(original).primary.clone();
    live_through_bootstrap(&mut world, original, Sealed::Before);
    let copy = let_loose(&mut world, &profile("sara-r510s"), factory);
    world.run_for(HOUR);
    assert_eq!(world.at(copy, "AT+CMEE=2"), "OK");
    assert_eq!(world.at(copy, "AT+USECDEVINFO?"), "+CME ERROR: SEC service not authorized");
    let (datagrams, events) = (world.counts(copy).datagrams, noted(&mut world, copy, EventKind::Clone));
    world.run_for(30 * DAY);
    assert_eq!(world.counts(copy).datagrams, datagrams, "silent for a month");
    world.input(copy, Input::PowerCut);
    world.input(copy, Input::PowerOn);
    world.run_for(HOUR);
    assert!(noted(&mut world, copy, EventKind::Clone) > events, "tried again after power-on");
}

#[test]
fn a_module_the_service_forgot_is_let_in_again() {
    let (mut world, original) = world("sara-r510s", IpVersion::V4, 1);
    live_through_bootstrap(&mut world, original, Sealed::Before);
    let copy = world.clone_modem(original);
    world.input(copy, Input::PowerOn);
    assert!(is_let_in(&mut world, copy), "the first to contact wins");
    assert!(!is_let_in(&mut world, original));
    let rot = world.rot(original);
    world.operator().expect("the service runs").forget(rot).expect("a known device");
    world.input(original, Input::PowerCut);
    world.input(original, Input::PowerOn);
    assert!(is_let_in(&mut world, original), "the chain starts anew");
    assert!(!is_let_in(&mut world, copy), "and the copy falls out");
}

/// The original makes one exchange more, of which the answer is not seen.
fn one_exchange(world: &mut World, original: ModemId) {
    world.take_events(original);
    world.input(original, Input::PowerOn);
    let end = world.now().offset_millis(HOUR);
    let has_sent = |world: &World| world.events(original).iter().any(|e| matches!(e, Event::PhaseBegan(_)));
    world.run_while(end, |world| !has_sent(world));
    assert!(has_sent(world), "a request left");
    world.input(original, Input::PowerCut);
    world.run_for(SECOND);
}

#[test]
fn one_exchange_of_the_original_shuts_out_every_copy_made_before_it() {
    let steps = states("sara-r510s", Sealed::Never).len() - 1;
    for step in 1..steps {
        let (mut world, original) = world("sara-r510s", IpVersion::V4, 1);
        let n = u32::try_from(step).expect("few steps");
        world.place(original, Point::NvmWrite(n), Strike::CutAfter);
        world.input(original, Input::PowerOn);
        world.run_while(world.now().offset_millis(HOUR), |world| world.is_on(original));
        assert!(!world.is_on(original), "step {step}: the cut struck");
        let nvm = world.disk(original).primary.clone();
        one_exchange(&mut world, original);
        let copy = let_loose(&mut world, &profile("sara-r510s"), nvm);
        world.run_for(HOUR);
        assert!(world.modem(copy).module().security().refused, "step {step}: the copy");
        // Two exchanges have been accepted once the first answer is stored: the copy has the first.
        let suspicious = noted(&mut world, original, EventKind::Suspicious);
        assert_eq!(suspicious > 0, step > 1, "step {step}: one that matches the step before the last");
        world.input(original, Input::PowerOn);
        world.run_for(HOUR);
        assert!(is_bootstrapped(&world, original), "step {step}: the original goes on");
        assert!(!world.modem(original).module().security().refused, "step {step}: the original");
    }
}
