//! What a bootstrap costs: bytes, phases, and with the module's timing the time its technology
//! takes.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::security::Phase;
use vsara::module::{Event, IpVersion, Timing};
use vsara::protocol::message::Feature;
use vsara::scenario::{Condition, ModemId, World, WorldOptions};
use vsara::service::store::Store;

/// What the service counted of the last complete bootstrap, in bytes.
fn bytes(world: &mut World, modem: ModemId) -> u32 {
    let rot = world.rot(modem);
    let service = world.service().expect("the service runs");
    let device = service.store().device(rot).expect("a store in memory").expect("a known device");
    device.traffic.expect("bootstrapped").total()
}

fn bootstrap(ip: IpVersion, features: &[Feature], condition: Condition) -> u32 {
    let (mut world, modem) = world("sara-r510s", ip, 1);
    world
        .operator()
        .expect("the service runs")
        .update_device_profile(PROFILE_UID, |profile| profile.features.extend(features))
        .expect("a known profile");
    world.link(modem).condition = condition;
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    bytes(&mut world, modem)
}

#[test]
fn a_bootstrap_transfers_at_least_1048_bytes_and_more_with_ipv6_authorisations_and_loss() {
    let plain = bootstrap(IpVersion::V4, &[], Condition::default());
    assert!(plain >= 1048, "{plain}");
    assert!(bootstrap(IpVersion::V6, &[], Condition::default()) > plain);
    let features = [Feature::LocalDataProtection, Feature::ChipToChip];
    assert!(bootstrap(IpVersion::V4, &features, Condition::default()) > plain);
    assert!(
        bootstrap(IpVersion::V4, &[], Condition { duplicate_percent: 50, ..Condition::default() }) > plain
    );
}

#[test]
fn a_bootstrap_has_four_phases_in_order() {
    let (mut world, modem) = world("sara-r510s", IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Never);
    let phases: Vec<Phase> = world
        .take_events(modem)
        .into_iter()
        .filter_map(|event| if let Event::PhaseBegan(phase) = event { Some(phase) } else { None })
        .collect();
    assert_eq!(phases, [Phase::Hello, Phase::Replace, Phase::Provision, Phase::Confirm]);
    assert_eq!(phases.iter().filter_map(|phase| phase.number()).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

/// How long a module takes from power-on to its bootstrap, in milliseconds.
fn time_to_bootstrap(technology: u8) -> i64 {
    let (mut world, _) = world("sara-r510s", IpVersion::V4, 1);
    let options = WorldOptions { timing: Timing::Module, ..WorldOptions::default() };
    let modem = world.add_modem(&profile("sara-r510s"), options);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    world.run_for(MINUTE);
    world.send(modem, &format!("AT+CFUN=0;+URAT={technology}"));
    world.run_for(MINUTE);
    world.input(modem, Input::PowerCut);
    world.input(modem, Input::Coverage(true));
    world.input(modem, Input::PowerOn);
    let began = world.now();
    world.run_while(began.offset_millis(DAY), |world| !is_bootstrapped(world, modem));
    world.now().millis_since(began)
}

#[test]
fn with_the_modules_timing_a_bootstrap_takes_the_time_of_its_technology() {
    let (lte_m, nb_iot) = (time_to_bootstrap(7), time_to_bootstrap(8));
    assert!(lte_m > 6 * SECOND, "boot alone takes six seconds: {lte_m} ms");
    assert!(nb_iot > lte_m + 5 * SECOND, "NB-IoT {nb_iot} ms, LTE-M {lte_m} ms");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let (mut world, modem) = world("sara-r510s", IpVersion::V4, seed);
        world.link(modem).condition = Condition { loss_percent: 20, reorder: true, ..Condition::default() };
        live_through_bootstrap(&mut world, modem, Sealed::During);
        world.run_for(30 * DAY);
        (world.take_events(modem), world.counts(modem), world.disk(modem).primary.clone(), world.now())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
