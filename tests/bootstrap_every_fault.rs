//! Invariants 1 and 2: no fault at any datagram or NVM write bricks a module, makes it look like a
//! clone, or makes it bootstrap twice.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::module::security::Purpose;
use vsara::scenario::{Point, Strike, World};

#[derive(Clone, Copy, Debug)]
struct Case {
    profile: &'static str,
    ip: IpVersion,
    sealed: Sealed,
    fault: Option<(Point, Strike)>,
}

/// Lives through a bootstrap with one fault and checks everything the invariants promise.
/// Returns how many datagrams and writes there were.
fn check(case: Case) -> (u32, u32) {
    let (mut world, modem) = world(case.profile, case.ip, 1);
    if let Some((point, strike)) = case.fault {
        world.place(modem, point, strike);
    }
    live_through_bootstrap(&mut world, modem, case.sealed);
    let counts = world.counts(modem);
    assert!(is_at_rest(&world, modem), "{case:?}: never came to rest");
    assert!(world.faults_struck(modem), "{case:?}: the fault never struck");
    assert_unsuspected(&mut world, modem, &case);
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), case.sealed.flags(), "{case:?}");
    power_cycles_change_nothing(&mut world, modem, case);
    (counts.datagrams, counts.nvm_writes)
}

fn power_cycles_change_nothing(world: &mut World, modem: vsara::scenario::ModemId, case: Case) {
    for _ in 0..2 {
        world.input(modem, Input::PowerCut);
        world.take_events(modem);
        world.run_for(MINUTE);
        world.input(modem, Input::PowerOn);
        world.run_for(HOUR);
        assert_eq!(contacts_begun(world, modem, Purpose::Bootstrap), 0, "{case:?}: bootstrapped twice");
        assert_eq!(world.at(modem, "AT+USECDEVINFO?"), case.sealed.flags(), "{case:?}");
    }
}

fn every_fault(profile: &'static str, ip: IpVersion) {
    for sealed in Sealed::ALL {
        let case = Case { profile, ip, sealed, fault: None };
        let (datagrams, writes) = check(case);
        assert!(datagrams >= 20 && writes >= 8, "{case:?}: {datagrams} datagrams, {writes} writes");
        for n in 1..=datagrams {
            for strike in Strike::AT_DATAGRAM {
                check(Case { fault: Some((Point::Datagram(n), strike)), ..case });
            }
        }
        for n in 1..=writes {
            for strike in Strike::AT_NVM_WRITE {
                check(Case { fault: Some((Point::NvmWrite(n), strike)), ..case });
            }
        }
    }
}

#[test]
fn no_fault_harms_an_r5_over_ipv4() {
    every_fault("sara-r510s", IpVersion::V4);
}

#[test]
fn no_fault_harms_an_r5_over_ipv6() {
    every_fault("sara-r510s", IpVersion::V6);
}

#[test]
fn no_fault_harms_an_r4_over_ipv4() {
    every_fault("sara-r410m-83b", IpVersion::V4);
}

#[test]
fn no_fault_harms_an_r4_over_ipv6() {
    every_fault("sara-r410m-83b", IpVersion::V6);
}

#[test]
fn a_module_whose_first_copy_breaks_after_any_write_goes_on_with_the_second() {
    for sealed in Sealed::ALL {
        let (mut world, modem) = world("sara-r510s", IpVersion::V4, 1);
        live_through_bootstrap(&mut world, modem, sealed);
        let writes = world.counts(modem).nvm_writes;
        for n in 1..=writes {
            for strike in Strike::AT_NVM_WRITE {
                let (mut world, modem) = steps::world("sara-r510s", IpVersion::V4, 1);
                world.break_first_copy_at_next_power_on(modem);
                world.place(modem, Point::NvmWrite(n), strike);
                live_through_bootstrap(&mut world, modem, sealed);
                assert!(is_at_rest(&world, modem), "{sealed:?}, write {n}, {strike:?}");
                assert_unsuspected(&mut world, modem, &(sealed, n, strike));
                assert_eq!(world.at(modem, "AT+USECDEVINFO?"), sealed.flags(), "{sealed:?} {n} {strike:?}");
            }
        }
    }
}
