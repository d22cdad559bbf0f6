//! PSM beside the security service: what is due holds a module awake, and wakes with it.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::module::power::Power;
use vsara::module::security::Purpose;
use vsara::scenario::{ModemId, World};

const R5: &str = "sara-r510s";

/// Awake for 20 s, asleep for an hour.
const PSM: &str = "AT+CPSMS=1,,,\"00100001\",\"00001010\"";

fn is_asleep(world: &World, modem: ModemId) -> bool {
    world.modem(modem).module().power() == Power::Asleep
}

#[test]
fn a_heartbeat_that_is_due_while_asleep_is_sent_at_the_next_waking() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_eq!(world.at(modem, PSM), "OK");
    world.run_for(MINUTE);
    assert!(is_asleep(&world, modem));
    world.take_events(modem);
    world.run_for(6 * DAY + 23 * HOUR);
    assert_eq!(completed(&world, modem, Purpose::Heartbeat), 0);
    world.run_for(3 * HOUR);
    assert_eq!(completed(&world, modem, Purpose::Heartbeat), 1);
    assert!(is_asleep(&world, modem) || world.at(modem, "AT") == "OK");
}

#[test]
fn a_bootstrap_is_finished_before_the_module_sleeps() {
    let (mut world, modem) = world(R5, IpVersion::V4, 1);
    world.input(modem, Input::Coverage(false));
    power_on(&mut world, modem);
    assert_eq!(world.at(modem, "AT+CPSMS=1,,,\"00100001\",\"00000000\""), "OK");
    world.run_for(MINUTE);
    assert!(!is_asleep(&world, modem), "without registration there is no PSM");
    world.input(modem, Input::Coverage(true));
    let end = world.now().offset_millis(HOUR);
    world.run_while(end, |world| !is_asleep(world, modem));
    assert!(world.modem(modem).module().nvm().security.is_bootstrapped());
    assert!(is_asleep(&world, modem));
}

fn completed(world: &World, modem: ModemId, purpose: Purpose) -> usize {
    let ended = vsara::module::Event::ContactEnded(purpose);
    world.events(modem).iter().filter(|event| **event == ended).count()
}
