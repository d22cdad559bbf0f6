//! The security heartbeat: its limit, its period, its time limit, and what they survive.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::module::security::Purpose;
use vsara::scenario::{Condition, ModemId, Point, Strike, World};

const R5: &str = "sara-r510s";
const R4: &str = "sara-r410m-83b";

fn sealed_module(profile: &str) -> (World, ModemId) {
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_eq!(world.at(modem, "AT+CMEE=2"), "OK");
    (world, modem)
}

/// What `AT+USECCONN` answers, and after how many milliseconds.
fn connect(world: &mut World, modem: ModemId) -> (String, i64) {
    let began = world.now();
    let mut answer = world.at(modem, "AT+USECCONN");
    if answer.is_empty() {
        let end = began.offset_millis(10 * MINUTE);
        world.run_while(end, |world| !world.serial(modem).ends_with(b"\r\n"));
        answer = world.take_serial(modem).trim().to_owned();
    }
    (answer, world.now().millis_since(began))
}

const OK: &str = "OK";
const TOO_SOON: &str = "+CME ERROR: SEC busy";

#[test]
fn a_second_heartbeat_within_the_limit_is_refused() {
    for (profile, limit) in [(R4, 5 * MINUTE), (R5, DAY)] {
        let (mut world, modem) = sealed_module(profile);
        assert_eq!(connect(&mut world, modem).0, OK, "{profile}: the bootstrap starts no limit");
        let sent = world.modem(modem).module().nvm().security.heartbeat_sent_at.expect("it was sent");
        world.run_for(sent.offset_millis(limit - SECOND).millis_since(world.now()));
        assert_eq!(connect(&mut world, modem).0, TOO_SOON, "{profile}: one second before");
        world.run_for(SECOND);
        assert_eq!(connect(&mut world, modem).0, OK, "{profile}: at the limit");
    }
}

#[test]
fn the_limit_survives_a_power_cut() {
    for (profile, limit) in [(R4, 5 * MINUTE), (R5, DAY)] {
        let (mut world, modem) = sealed_module(profile);
        assert_eq!(connect(&mut world, modem).0, OK);
        world.input(modem, Input::PowerCut);
        world.run_for(MINUTE);
        world.input(modem, Input::PowerOn);
        world.at(modem, "AT+CMEE=2");
        assert_eq!(connect(&mut world, modem).0, TOO_SOON, "{profile}");
        world.run_for(limit - MINUTE);
        assert_eq!(connect(&mut world, modem).0, OK, "{profile}");
    }
}

#[test]
fn moving_the_real_time_clock_forward_ends_the_wait() {
    let (mut world, modem) = sealed_module(R5);
    assert_eq!(connect(&mut world, modem).0, OK);
    assert_eq!(connect(&mut world, modem).0, TOO_SOON);
    let now = world.now();
    world.input(modem, Input::SetClock(now.offset_millis(DAY + SECOND)));
    assert_eq!(connect(&mut world, modem).0, OK);
}

#[test]
fn a_negative_elapsed_time_is_not_valid_for_a_heartbeat_by_command() {
    let (mut world, modem) = sealed_module(R5);
    assert_eq!(connect(&mut world, modem).0, OK);
    // The automatic one counts as due at once; let it fail and wait for its next attempt.
    world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
    let now = world.now();
    world.input(modem, Input::SetClock(now.offset_millis(-30 * DAY)));
    world.run_for(MINUTE);
    assert_eq!(connect(&mut world, modem), (TOO_SOON.into(), 0));
}

#[test]
fn a_clock_once_wrong_starves_no_automatic_heartbeat() {
    let (mut world, modem) = sealed_module(R5);
    world.at(modem, "AT+CTZU=0");
    let now = world.now();
    world.input(modem, Input::SetClock(now.offset_millis(365 * DAY)));
    world.run_for(HOUR);
    world.take_events(modem);
    world.input(modem, Input::SetClock(world.now()));
    world.run_for(HOUR);
    assert_eq!(
        contacts_begun(&world, modem, Purpose::Heartbeat),
        1,
        "the last one in the future counts as due"
    );
}

#[test]
fn the_heartbeat_comes_by_itself_once_a_week() {
    for profile in [R4, R5] {
        let (mut world, modem) = sealed_module(profile);
        world.take_events(modem);
        world.run_for(7 * DAY - HOUR);
        assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 0, "{profile}");
        world.run_for(2 * HOUR);
        assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1, "{profile}");
        world.run_for(9 * 7 * DAY);
        assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 10, "{profile}");
        assert_unsuspected(&mut world, modem, &profile);
    }
}

#[test]
fn a_heartbeat_without_answer_is_aborted_at_its_time_limit() {
    for (profile, limit) in [(R5, 5 * MINUTE), (R4, 150 * SECOND)] {
        let (mut world, modem) = sealed_module(profile);
        world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
        let (answer, after) = connect(&mut world, modem);
        assert_eq!((answer.as_str(), after), ("+CME ERROR: SEC timeout", limit), "{profile}");
        world.link(modem).condition = Condition::default();
        assert_eq!(connect(&mut world, modem).0, OK, "{profile}: a failed handshake starts no limit");
    }
}

#[test]
fn a_heartbeat_goes_on_through_a_gap_in_the_network() {
    let (mut world, modem) = sealed_module(R5);
    world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
    world.send(modem, "AT+USECCONN");
    world.run_for(4 * MINUTE);
    world.link(modem).condition = Condition::default();
    world.run_for(MINUTE);
    assert!(world.take_serial(modem).ends_with("\r\nOK\r\n"));
    assert_unsuspected(&mut world, modem, &"a gap");
}

#[test]
fn without_coverage_it_fails_at_once() {
    let (mut world, modem) = sealed_module(R5);
    world.input(modem, Input::Coverage(false));
    assert_eq!(connect(&mut world, modem), ("+CME ERROR: SEC loss of connectivity".into(), 0));
}

#[test]
fn a_module_that_is_not_bootstrapped_has_no_heartbeat() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    world.at(modem, "AT+CMEE=2");
    assert_eq!(connect(&mut world, modem), ("+CME ERROR: SEC remote object wrong state".into(), 0));
}

#[test]
fn no_fault_during_a_heartbeat_harms_a_module() {
    for profile in [R5, R4] {
        let (mut world, modem) = sealed_module(profile);
        let before = world.counts(modem);
        assert_eq!(connect(&mut world, modem).0, OK);
        let after = world.counts(modem);
        let datagrams = (1..=after.datagrams - before.datagrams).map(Point::Datagram);
        let writes = (1..=after.nvm_writes - before.nvm_writes).map(Point::NvmWrite);
        let faults = datagrams
            .flat_map(|point| Strike::AT_DATAGRAM.map(|strike| (point, strike)))
            .chain(writes.flat_map(|point| Strike::AT_NVM_WRITE.map(|strike| (point, strike))));
        for (point, strike) in faults {
            let (mut world, modem) = sealed_module(profile);
            world.place(modem, point, strike);
            world.send(modem, "AT+USECCONN");
            world.run_for(10 * MINUTE);
            settle(&mut world, modem, |world| is_at_rest(world, modem));
            assert!(world.faults_struck(modem), "{profile} {point:?} {strike:?}");
            assert_unsuspected(&mut world, modem, &(profile, point, strike));
            world.run_for(DAY);
            world.take_serial(modem);
            assert_eq!(connect(&mut world, modem).0, OK, "{profile} {point:?} {strike:?}");
        }
    }
}

#[test]
fn r4_blocks_and_r5_answers_an_error_while_bootstrapping() {
    let (mut world, modem) = world(R4, IpVersion::V4, 1);
    world.input(modem, Input::PowerOn);
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "", "blocks");
    world.run_for(MINUTE);
    assert!(world.take_serial(modem).contains("+USECDEVINFO: 1,0,1"));

    let (mut world, modem) = steps::world(R5, IpVersion::V4, 1);
    world.input(modem, Input::PowerOn);
    world.at(modem, "AT+CMEE=2");
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+CME ERROR: SEC busy");
    world.run_for(MINUTE);
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,0,1|OK");
}

#[test]
fn an_r4_that_cannot_bootstrap_answers_an_error() {
    let (mut world, modem) = world(R4, IpVersion::V4, 1);
    world.input(modem, Input::PowerOn);
    world.send(modem, "AT+CMEE=2");
    world.send(modem, "AT+USECDEVINFO?");
    world.take_serial(modem);
    world.input(modem, Input::Coverage(false));
    assert!(world.take_serial(modem).contains("+CME ERROR: SEC loss of connectivity"));
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+CME ERROR: SEC loss of connectivity");
}

#[test]
fn a_name_that_does_not_resolve_is_an_error_at_once() {
    for profile in [R4, R5] {
        let (mut world, modem) = sealed_module(profile);
        world.send(modem, "AT+USECCONN");
        let flow = world.modem(modem).module().security().contact.as_ref().expect("a contact").flow();
        world.take_serial(modem);
        world.input(modem, Input::Unresolved { flow });
        assert!(
            world.take_serial(modem).contains("+CME ERROR: SEC connection failed due to a DNS"),
            "{profile}"
        );
    }
}

#[test]
fn coverage_that_goes_ends_the_wait_at_once() {
    let (mut world, modem) = sealed_module(R5);
    world.link(modem).condition = Condition { loss_percent: 100, ..Condition::default() };
    world.send(modem, "AT+USECCONN");
    world.run_for(10 * SECOND);
    world.take_serial(modem);
    world.input(modem, Input::Coverage(false));
    assert!(world.take_serial(modem).contains("+CME ERROR: SEC loss of connectivity"));
}

#[test]
fn bootstrap_and_registration_start_no_limit() {
    for profile in [R4, R5] {
        for sealed in Sealed::ALL {
            let (mut world, modem) = world(profile, IpVersion::V4, 1);
            live_through_bootstrap(&mut world, modem, sealed);
            assert_eq!(world.modem(modem).module().nvm().security.heartbeat_sent_at, None);
            assert_eq!(connect(&mut world, modem).0, OK, "{profile} {sealed:?}");
        }
    }
}

#[test]
fn the_limit_counts_from_the_last_one_sent_even_if_nothing_answered() {
    for (profile, limit) in [(R4, 5 * MINUTE), (R5, DAY)] {
        let (mut world, modem) = sealed_module(profile);
        world.take_events(modem);
        world.send(modem, "AT+USECCONN");
        let end = world.now().offset_millis(MINUTE);
        let sent = |world: &World| world.modem(modem).module().nvm().security.heartbeat_sent_at;
        world.run_while(end, |world| sent(world).is_none());
        // It was handed to the link, and power goes before anybody sees it.
        world.cut_service();
        world.input(modem, Input::PowerCut);
        world.run_for(SECOND);
        world.start_service();
        world.input(modem, Input::PowerOn);
        world.at(modem, "AT+CMEE=2");
        assert_eq!(connect(&mut world, modem).0, TOO_SOON, "{profile}");
        world.run_for(limit);
        assert_eq!(connect(&mut world, modem).0, OK, "{profile}");
        assert_unsuspected(&mut world, modem, &profile);
    }
}

#[test]
fn an_automatic_heartbeat_ignores_the_limit_and_moves_it() {
    let (mut world, modem) = sealed_module(R5);
    world.run_for(7 * DAY - 2 * HOUR);
    assert_eq!(connect(&mut world, modem).0, OK);
    // The clock says a week has passed; the heartbeat is due though the limit has not ended.
    world.at(modem, "AT+CTZU=0");
    world.take_events(modem);
    let before = world.modem(modem).module().nvm().security.heartbeat_sent_at;
    world.input(modem, Input::SetClock(world.now().offset_millis(-HOUR)));
    world.run_for(MINUTE);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1);
    assert!(world.modem(modem).module().nvm().security.heartbeat_sent_at < before, "by the clock as it is");
    assert_eq!(connect(&mut world, modem).0, TOO_SOON);
}

#[test]
fn heartbeats_never_run_out_of_ports() {
    let (mut world, modem) = sealed_module(R5);
    // More sessions than a world has ports: twelve centuries.
    world.run_for(63_000 * 7 * DAY);
    let begun = contacts_begun(&world, modem, Purpose::Heartbeat);
    assert!((62_900..=63_000).contains(&begun), "{begun}");
    let answered = world.modem(modem).module().nvm().security.heartbeat_answered_at;
    assert!(answered.is_some_and(|at| world.now().millis_since(at) <= 7 * DAY));
}
