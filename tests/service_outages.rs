//! A service that loses its power at any datagram, and outages that last: nothing that was answered
//! is lost, and no original looks like a clone.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::security::Phase;
use vsara::module::{Event, IpVersion};
use vsara::protocol::message::HELD_NONCES_MAX;
use vsara::scenario::{Condition, ModemId, Point, Strike, World};

const R5: &str = "sara-r510s";
const R4: &str = "sara-r410m-83b";

/// Runs until the modem's link has carried so many datagrams more; whether it has.
fn run_to_datagram(world: &mut World, modem: ModemId, count: u32) -> bool {
    let end = world.now().offset_millis(HOUR);
    world.run_while(end, |world| world.counts(modem).datagrams < count);
    world.counts(modem).datagrams >= count
}

fn outage(world: &mut World, millis: i64) {
    world.cut_service();
    world.run_for(millis);
    world.start_service();
}

/// A service cut when the n-th datagram is on its way: a request is lost with it; an answer was
/// stored before, and arrives, or is lost as well.
fn check_bootstrap(profile: &str, sealed: Sealed, n: u32, answer_lost: bool, millis: i64) -> bool {
    let when = (profile, sealed, n, answer_lost, millis);
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    if answer_lost {
        world.place(modem, Point::Datagram(n), Strike::Drop);
    }
    power_on(&mut world, modem);
    if sealed == Sealed::Before {
        assert!(world.at(modem, SEAL).ends_with("OK"));
    }
    if !run_to_datagram(&mut world, modem, n) {
        return false;
    }
    outage(&mut world, millis);
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    live_through_bootstrap(&mut world, modem, if sealed == Sealed::After { sealed } else { Sealed::Never });
    assert!(is_at_rest(&world, modem), "{when:?}: never came to rest");
    assert_unsuspected(&mut world, modem, &when);
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), sealed.flags(), "{when:?}");
    true
}

#[test]
fn a_service_cut_at_any_datagram_of_a_bootstrap_is_harmless() {
    for profile in [R5, R4] {
        for sealed in [Sealed::Before, Sealed::After] {
            for (answer_lost, millis) in [(false, 100), (true, 100), (false, 3 * MINUTE), (true, 3 * MINUTE)]
            {
                let cuts = (1..200).take_while(|n| check_bootstrap(profile, sealed, *n, answer_lost, millis));
                assert!(cuts.count() >= 15, "{profile} {sealed:?}");
            }
        }
    }
}

#[test]
fn a_service_cut_at_any_datagram_of_a_registration_or_heartbeat_is_harmless() {
    for (command, renewal) in [(SEAL, false), ("AT+USECCONN", false), ("AT+USECCONN", true)] {
        for n in 1..60 {
            let (mut world, modem) = world(R5, IpVersion::V4, 1);
            live_through_bootstrap(&mut world, modem, Sealed::Never);
            if renewal {
                let rot = world.rot(modem);
                world.operator().expect("it runs").ask_for_new_key_set(rot).expect("a known device");
            }
            let before = world.counts(modem).datagrams;
            world.send(modem, command);
            if world.counts(modem).datagrams == before {
                assert!(n > 1, "{command} begins a contact");
            }
            let end = world.now().offset_millis(10 * MINUTE);
            world.run_while(end, |world| world.counts(modem).datagrams < before + n);
            if world.counts(modem).datagrams < before + n {
                assert!(n > 10, "{command}: {n} datagrams");
                break;
            }
            outage(&mut world, 2 * SECOND);
            world.run_for(10 * MINUTE);
            settle(&mut world, modem, |world| is_at_rest(world, modem));
            assert!(is_at_rest(&world, modem), "{command} {renewal} {n}: never came to rest");
            assert_unsuspected(&mut world, modem, &(command, renewal, n));
            let flags = if command == SEAL { Sealed::After } else { Sealed::Never }.flags();
            assert_eq!(world.at(modem, "AT+USECDEVINFO?"), flags, "{command} {renewal} {n}");
        }
    }
}

/// So many attempts of which the request leaves, and power goes before the answer is seen. Where
/// `arrives`, the service has accepted them.
fn fail_exchanges(world: &mut World, modem: ModemId, times: usize, arrives: impl Fn(usize) -> bool) {
    for n in 0..times {
        world.input(modem, Input::PowerOn);
        world.take_events(modem);
        let end = world.now().offset_millis(10 * MINUTE);
        world.run_while(end, |world| {
            !world.events(modem).iter().any(|event| matches!(event, Event::PhaseBegan(_)))
        });
        if !arrives(n) {
            world.cut_service();
        }
        world.input(modem, Input::PowerCut);
        world.run_for(SECOND);
        world.start_service();
        let held = world.disk(modem).primary.security.chain.held().len();
        assert!(held <= HELD_NONCES_MAX, "attempt {n}: {held} nonces held");
    }
}

#[test]
fn hundreds_of_failed_exchanges_make_no_original_a_clone() {
    /// Whether the n-th attempt arrives.
    type Arrives = fn(usize) -> bool;
    let sorts: [(&str, Arrives); 4] = [
        ("none arrives", |_| false),
        ("all arrive", |_| true),
        ("the first arrives", |n| n == 0),
        ("every third arrives", |n| n % 3 == 2),
    ];
    for (sort, arrives) in sorts {
        for times in [62, 63, 64, 65, 200] {
            let (mut world, modem) = world(R5, IpVersion::V4, 1);
            fail_exchanges(&mut world, modem, times, arrives);
            live_through_bootstrap(&mut world, modem, Sealed::After);
            assert!(is_at_rest(&world, modem), "{sort}, {times}");
            assert_unsuspected(&mut world, modem, &(sort, times));
        }
    }
}

/// A module whose list of nonces is full, off.
fn full_list() -> (World, ModemId) {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    fail_exchanges(&mut world, modem, HELD_NONCES_MAX, |n| n < 40);
    let held = world.disk(modem).primary.security.chain.held().len();
    assert_eq!(held, HELD_NONCES_MAX);
    world.take_events(modem);
    (world, modem)
}

#[test]
fn a_full_list_is_shortened_first_and_no_fault_in_that_harms() {
    let (mut world, modem) = full_list();
    let before = world.counts(modem);
    live_through_bootstrap(&mut world, modem, Sealed::After);
    assert!(world.events(modem).contains(&Event::PhaseEnded(Phase::Held)), "it asks what the service holds");
    assert_unsuspected(&mut world, modem, &"a full list");
    let after = world.counts(modem);
    let datagrams = (1..=after.datagrams - before.datagrams).map(Point::Datagram);
    let writes = (1..=after.nvm_writes - before.nvm_writes).map(Point::NvmWrite);
    let faults = datagrams
        .flat_map(|point| Strike::AT_DATAGRAM.map(|strike| (point, strike)))
        .chain(writes.flat_map(|point| Strike::AT_NVM_WRITE.map(|strike| (point, strike))));
    for (point, strike) in faults {
        let (mut world, modem) = full_list();
        world.place(modem, point, strike);
        live_through_bootstrap(&mut world, modem, Sealed::After);
        assert!(is_at_rest(&world, modem), "{point:?} {strike:?}");
        assert_unsuspected(&mut world, modem, &(point, strike));
    }
}

#[test]
fn a_copy_with_a_full_list_is_refused_all_the_same() {
    let (mut world, original) = full_list();
    let copy = world.clone_modem(original);
    live_through_bootstrap(&mut world, original, Sealed::After);
    world.input(copy, Input::PowerOn);
    world.run_for(HOUR);
    assert!(world.modem(copy).module().security().refused);
    world.run_for(DAY);
    world.take_serial(original);
    world.send(original, "AT+USECCONN");
    world.run_for(MINUTE);
    assert!(world.take_serial(original).ends_with("\r\nOK\r\n"));
}

#[test]
fn a_network_that_is_lost_for_a_month_costs_nothing() {
    for profile in [R5, R4] {
        let (mut world, modem) = world(profile, IpVersion::V4, 1);
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        world.link(modem).condition = Condition { loss_percent: 60, ..Condition::default() };
        world.run_for(10 * DAY);
        world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
        world.run_for(30 * DAY);
        world.link(modem).condition = Condition::default();
        world.run_for(3 * HOUR);
        assert!(is_at_rest(&world, modem), "{profile}");
        assert_unsuspected(&mut world, modem, &profile);
    }
}
