//! Zero touch provisioning: a certificate comes with the feature, or the feature does not come.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::module::security::Phase;
use vsara::module::{Event, security::DeviceCertificate};
use vsara::protocol::certificate::{CertificateSerial, check_issued};
use vsara::protocol::message::Feature;
use vsara::scenario::{ModemId, Point, Strike, World, WorldOptions};
use vsara::service::DeviceProfile;
use vsara::service::authority::{AUTHORITIES_MAX, AuthorityOrder};
use vsara::service::certificate::CERTIFICATES_KEPT_MAX;
use vsara::service::device::Device;
use vsara::service::operator::HEARTBEAT_PERIOD_MAX_S;
use vsara::service::store::{CertificateQuery, Window};

const DOMAIN: &str = "default";

const ZTP: Feature = Feature::ZeroTouchProvisioning;

/// A world whose device profile switches the feature on.
fn touchless(profile_name: &str, ip: IpVersion) -> (World, ModemId) {
    let mut world = World::new(1);
    let mut devices = DeviceProfile::new(PROFILE_UID, "tests");
    devices.features.insert(ZTP);
    world.operator().expect("the service runs").create_device_profile(devices).expect("a new profile");
    let modem = world.add_modem(&profile(profile_name), WorldOptions { ip, ..WorldOptions::default() });
    (world, modem)
}

fn device(world: &mut World, modem: ModemId) -> std::sync::Arc<Device> {
    let rot = world.rot(modem);
    world.account(DOMAIN).expect("the service runs").device(rot).expect("registered")
}

/// Serial numbers of what was signed under a domain, the newest first.
fn listed(world: &mut World, domain: &str) -> Vec<CertificateSerial> {
    let account = world.account(domain).expect("the service runs");
    let page = account.certificates(CertificateQuery::default(), Window::ALL).expect("it reads");
    page.items.iter().map(|one| one.serial).collect()
}

/// A CA whose certificates hold for so many days.
fn found_ca(world: &mut World, name: &str, certificate_validity_days: u32) -> String {
    found(world, AuthorityOrder { certificate_validity_days, ..AuthorityOrder::named(name) })
}

/// A CA that holds for so many days itself.
fn found_lasting(world: &mut World, name: &str, validity_days: u32) -> String {
    found(world, AuthorityOrder { validity_days, ..AuthorityOrder::named(name) })
}

fn found(world: &mut World, order: AuthorityOrder) -> String {
    let mut operator = world.operator().expect("the service runs");
    operator.create_authority(DOMAIN, order).expect("there is room").uid.clone()
}

/// The module holds what the service believes to be in force, and it is whole.
#[track_caller]
fn assert_in_force(world: &mut World, modem: ModemId, when: &dyn std::fmt::Debug) {
    let known = device(world, modem).certificate.clone().expect("one was signed");
    let held = held(world, modem).unwrap_or_else(|| panic!("no certificate: {when:?}"));
    assert_eq!(known.serial, held.serial, "{when:?}");
    assert_eq!(check_issued(&held.certificate, &held.authority, &held.key), Ok(held.serial), "{when:?}");
}

#[test]
fn no_fault_separates_the_feature_from_its_certificate() {
    let live = |sealed: Sealed, profile_name: &str, ip, fault: Option<(Point, Strike)>| {
        let (mut world, modem) = touchless(profile_name, ip);
        if let Some((point, strike)) = fault {
            world.place(modem, point, strike);
        }
        live_through_bootstrap(&mut world, modem, sealed);
        let when = (sealed, profile_name, fault);
        assert!(is_at_rest(&world, modem) && world.faults_struck(modem), "{when:?}");
        assert_unsuspected(&mut world, modem, &when);
        assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK", "{when:?}");
        assert_in_force(&mut world, modem, &when);
        world.counts(modem)
    };
    for (sealed, profile_name, ip) in [
        (Sealed::Before, "sara-r510s", IpVersion::V4),
        (Sealed::After, "sara-r510s", IpVersion::V6),
        (Sealed::During, "sara-r410m-83b", IpVersion::V4),
    ] {
        let counts = live(sealed, profile_name, ip, None);
        for n in 1..=counts.datagrams {
            for strike in Strike::AT_DATAGRAM {
                live(sealed, profile_name, ip, Some((Point::Datagram(n), strike)));
            }
        }
        for n in 1..=counts.nvm_writes {
            for strike in Strike::AT_NVM_WRITE {
                live(sealed, profile_name, ip, Some((Point::NvmWrite(n), strike)));
            }
        }
    }
}

#[test]
fn no_fault_at_the_heartbeat_that_brings_it_separates_them() {
    let live = |fault: Option<(Point, Strike)>| {
        let (mut world, modem) = world("sara-r510s", IpVersion::V4, 1);
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        let rot = world.rot(modem);
        let mut operator = world.operator().expect("the service runs");
        operator.set_feature(rot, ZTP, true).expect("owned");
        operator.ask_for_new_key_set(rot).expect("owned");
        let before = world.counts(modem);
        if let Some((point, strike)) = fault {
            world.place(modem, point, strike);
        }
        world.run_for(DAY);
        world.take_serial(modem);
        world.at_within(modem, "AT+USECCONN", 10 * MINUTE);
        for _ in 0..3 {
            let has_feature = |world: &World| has_feature(world, modem, ZTP);
            assert_eq!(has_feature(&world), held(&world, modem).is_some(), "{fault:?}");
            settle(&mut world, modem, |world| is_at_rest(world, modem) && has_feature(world));
            world.run_for(DAY);
            if !has_feature(&world) {
                world.at_within(modem, "AT+USECCONN", 10 * MINUTE);
            }
        }
        assert!(world.faults_struck(modem), "{fault:?}");
        assert_unsuspected(&mut world, modem, &fault);
        assert_in_force(&mut world, modem, &fault);
        let counts = world.counts(modem);
        (counts.datagrams - before.datagrams, counts.nvm_writes - before.nvm_writes)
    };
    let (datagrams, writes) = live(None);
    assert!(datagrams >= 20 && writes >= 5, "{datagrams} datagrams, {writes} writes");
    for n in 1..=datagrams {
        for strike in Strike::AT_DATAGRAM {
            live(Some((Point::Datagram(n), strike)));
        }
    }
    for n in 1..=writes {
        for strike in Strike::AT_NVM_WRITE {
            live(Some((Point::NvmWrite(n), strike)));
        }
    }
}

/// How the feature of a device is taken away, and given back.
#[derive(Clone, Copy, Debug)]
enum Taken {
    Off,
    Suspended,
    Forgotten,
}

#[test]
fn no_fault_while_the_feature_is_taken_away_brings_it_back_alone() {
    let live = |taken: Taken, pause: i64, fault: Option<(Point, Strike)>| {
        let when = (taken, pause, fault);
        let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        let rot = world.rot(modem);
        let mut operator = world.operator().expect("the service runs");
        match taken {
            Taken::Off => operator.set_feature(rot, ZTP, false),
            Taken::Suspended => operator.suspend(rot),
            Taken::Forgotten => operator.forget(rot),
        }
        .expect("owned");
        world.run_for(DAY);
        let before = world.counts(modem);
        if let Some((point, strike)) = fault {
            world.place(modem, point, strike);
        }
        world.take_serial(modem);
        world.at_within(modem, "AT+USECCONN", 10 * MINUTE);
        let counts = world.counts(modem);
        let mut operator = world.operator().expect("the service runs");
        match taken {
            Taken::Off => operator.set_feature(rot, ZTP, true).expect("owned"),
            Taken::Suspended => operator.unblock(rot).expect("owned"),
            Taken::Forgotten => {}
        }
        world.run_for(pause);
        for _ in 0..3 {
            settle(&mut world, modem, |world| is_at_rest(world, modem));
            assert_eq!(has_feature(&world, modem, ZTP), held(&world, modem).is_some(), "{when:?}");
            world.run_for(DAY);
            world.at_within(modem, "AT+USECCONN", 10 * MINUTE);
        }
        settle(&mut world, modem, |world| is_at_rest(world, modem));
        assert!(world.faults_struck(modem) && has_feature(&world, modem, ZTP), "{when:?}");
        assert_in_force(&mut world, modem, &when);
        assert_unsuspected(&mut world, modem, &when);
        (counts.datagrams - before.datagrams, counts.nvm_writes - before.nvm_writes)
    };
    for taken in [Taken::Off, Taken::Suspended, Taken::Forgotten] {
        let (datagrams, writes) = live(taken, MINUTE, None);
        assert!(datagrams >= 8 && writes >= 4, "{taken:?}: {datagrams} datagrams, {writes} writes");
        for pause in [MINUTE, 8 * DAY] {
            for n in 1..=datagrams {
                for strike in Strike::AT_DATAGRAM {
                    live(taken, pause, Some((Point::Datagram(n), strike)));
                }
            }
            for n in 1..=writes {
                for strike in Strike::AT_NVM_WRITE {
                    live(taken, pause, Some((Point::NvmWrite(n), strike)));
                }
            }
        }
    }
}

#[test]
fn a_device_is_not_activated_before_its_certificate_is_there() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    live_through_bootstrap(&mut world, modem, Sealed::Never);
    assert_eq!(world.at(modem, SEAL), "OK");
    let end = world.now().offset_millis(HOUR);
    world.run_while(end, |world| !world.events(modem).contains(&Event::PhaseBegan(Phase::Certificate)));
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,0,1|OK");
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    assert_eq!(world.at(modem, "AT+USECDEVCERT=1"), "+CME ERROR: 1671");
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK");
    assert!(world.at(modem, "AT+USECDEVCERT=1").starts_with("+USECDEVCERT: 1,\"-----BEGIN CERTIFICATE-----"));
}

/// Lives for days of nothing but the heartbeats that are due; gives the certificates that were in force.
#[track_caller]
fn live_without_a_gap(world: &mut World, modem: ModemId, days: u32) -> Vec<DeviceCertificate> {
    let mut certificates = vec![held(world, modem).expect("applied").clone()];
    for day in 1..=days {
        let until = device(world, modem).certificate.clone().expect("in force").not_after;
        world.run_for(DAY);
        let now = held(world, modem).expect("never without").clone();
        let known = device(world, modem).certificate.clone().expect("in force");
        assert!(known.not_before < until, "day {day}: there was a gap");
        assert!(world.now() < known.not_after, "day {day}: expired");
        assert_in_force(world, modem, &day);
        if certificates.last() != Some(&now) {
            certificates.push(now);
        }
    }
    certificates
}

#[test]
fn it_is_renewed_with_a_new_key_before_it_expires() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    found_ca(&mut world, "monthly", 30);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let certificates = live_without_a_gap(&mut world, modem, 120);
    // Two weeks before its end, which the weekly heartbeat meets after 21 days at the latest.
    assert!((5..=8).contains(&certificates.len()), "{} certificates", certificates.len());
    let keys: Vec<_> = certificates.iter().map(|it| &it.key).collect();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a renewed certificate has a new key");
    assert_eq!(listed(&mut world, DOMAIN)[0], certificates.last().expect("one").serial, "the newest first");
    assert_eq!(listed(&mut world, DOMAIN).len(), certificates.len().min(CERTIFICATES_KEPT_MAX + 1));
}

#[test]
fn where_its_ca_ends_first_another_signs_in_time() {
    let check = |validity_days: u32, is_named: bool, other: Option<u32>| {
        let when = (validity_days, is_named, other);
        let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
        let other = other.map(|days| found_lasting(&mut world, "other", days));
        let short = found_lasting(&mut world, "short", validity_days);
        let mut operator = world.operator().expect("it runs");
        let name = |profile: &mut DeviceProfile| profile.authority_uid = is_named.then(|| short.clone());
        operator.update_device_profile(PROFILE_UID, name).expect("known");
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        let first = device(&mut world, modem).certificate.clone().expect("in force").authority_uid;
        // Two heartbeats of a week: who ends before them signs nothing.
        assert_eq!(first == short, validity_days > 14, "{when:?}");
        let changes = live_without_a_gap(&mut world, modem, 90).len() - 1;
        let last = device(&mut world, modem).certificate.clone().expect("in force");
        assert_ne!(last.authority_uid, short, "{when:?}");
        assert!(other.is_none_or(|other| other == last.authority_uid), "{when:?}");
        assert!(last.not_after > world.now().offset_millis(200 * DAY), "{when:?}");
        assert!(changes <= 3, "{when:?}: {changes} certificates for one CA that ends");
    };
    for validity_days in [1, 7, 13, 15, 20, 22, 29, 43, 60] {
        for is_named in [false, true] {
            check(validity_days, is_named, None);
            check(validity_days, is_named, Some(3650));
        }
    }
}

/// As many CAs as there may be; they hold for these days in turn.
fn found_all(world: &mut World, days: &[u32]) -> Vec<String> {
    let days = days.iter().cycle().take(AUTHORITIES_MAX);
    days.map(|days| found_lasting(world, "some CA", *days)).collect()
}

fn authorities(world: &mut World) -> Vec<String> {
    let mine = world.account(DOMAIN).expect("it runs").authorities().expect("it reads");
    mine.iter().map(|authority| authority.uid.clone()).collect()
}

#[test]
fn where_every_ca_ends_too_soon_one_that_has_ended_makes_room_and_no_other() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    let uids = found_all(&mut world, &[9, 2, 11]);
    let signer =
        |world: &mut World| device(world, modem).certificate.clone().expect("in force").authority_uid;
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_in_force(&mut world, modem, &"fifteen that end");
    let mut sorted = uids.clone();
    sorted.sort();
    assert_eq!(authorities(&mut world), sorted, "nobody asked for one to go");
    assert_eq!(
        uids.iter().position(|uid| *uid == signer(&mut world)).map(|at| at % 3),
        Some(2),
        "the last to end"
    );
    world.run_for(2 * DAY);
    heartbeat(&mut world, modem);
    let left = authorities(&mut world);
    assert_eq!((left.len(), left.contains(&signer(&mut world))), (AUTHORITIES_MAX, true));
    let gone: Vec<_> = (0..AUTHORITIES_MAX).filter(|at| !left.contains(&uids[*at])).collect();
    assert_eq!(gone.iter().map(|at| at % 3).collect::<Vec<_>>(), [1], "one that had ended");
    assert!(!uids.contains(&signer(&mut world)), "made in its place");
    live_without_a_gap(&mut world, modem, 60);
}

#[test]
fn the_longest_period_is_renewed_in_time_whoever_signs() {
    for own in [None, Some(1), Some(365), Some(800)] {
        let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
        if let Some(days) = own {
            found_ca(&mut world, "own", days);
        }
        let mut operator = world.operator().expect("it runs");
        operator
            .update_device_profile(PROFILE_UID, |it| it.heartbeat_period_s = HEARTBEAT_PERIOD_MAX_S)
            .expect("known");
        live_through_bootstrap(&mut world, modem, Sealed::Before);
        let certificates = live_without_a_gap(&mut world, modem, 3 * 366).len();
        assert!((3..=4).contains(&certificates), "{own:?}: {certificates} certificates");
    }
}

#[test]
fn a_renewal_that_is_lost_leaves_the_one_in_force_and_its_record() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    let mut authority = found_ca(&mut world, "first", 3650);
    // No heartbeat but those of the test.
    let mut operator = world.operator().expect("it runs");
    operator.update_device_profile(PROFILE_UID, |it| it.heartbeat_period_s = 100 * 86_400).expect("known");
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let first = held(&world, modem).expect("applied").serial;
    for turn in 0..2 * CERTIFICATES_KEPT_MAX {
        // Who signed is gone: the next heartbeat is to bring another.
        let next = found_ca(&mut world, &format!("CA {turn}"), 3650);
        let before = std::mem::replace(&mut authority, next);
        world.operator().expect("it runs").delete_authority(DOMAIN, &before).expect("not named");
        world.run_for(DAY);
        let before = listed(&mut world, DOMAIN);
        world.take_serial(modem);
        // It is signed, and does not arrive.
        lose_a_certificate(&mut world, modem);
        settle(&mut world, modem, |world| is_at_rest(world, modem));
        let now = listed(&mut world, DOMAIN);
        assert_ne!(now[0], before[0], "turn {turn}: another was signed");
        assert_eq!(held(&world, modem).expect("still").serial, first, "turn {turn}");
        assert_in_force(&mut world, modem, &turn);
        assert!(now.contains(&first), "turn {turn}: what is in force is listed");
        assert_eq!(now.len(), (turn + 2).min(CERTIFICATES_KEPT_MAX + 1), "turn {turn}");
    }
    heartbeat(&mut world, modem);
    assert_ne!(held(&world, modem).expect("renewed").serial, first);
    assert_in_force(&mut world, modem, &"in the end");
    assert_eq!(device(&mut world, modem).certificate.clone().expect("one").authority_uid, authority);
}

/// A heartbeat whose certificate is lost with the power, just before it would be stored.
fn lose_a_certificate(world: &mut World, modem: ModemId) {
    world.take_events(modem);
    world.send(modem, "AT+USECCONN");
    let asked = |world: &World| world.events(modem).contains(&Event::PhaseBegan(Phase::Certificate));
    let end = world.now().offset_millis(HOUR);
    world.run_while(end, |world| !asked(world));
    assert!(asked(world), "no certificate was asked for");
    world.place(modem, Point::NvmWrite(1), Strike::CutBefore);
    world.run_while(end, |world| world.is_on(modem));
    assert!(!world.is_on(modem), "nothing was to be stored");
}

#[test]
fn one_that_holds_long_is_left_alone() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let first = held(&world, modem).expect("applied").serial;
    for _ in 0..4 {
        heartbeat(&mut world, modem);
    }
    assert_eq!(held(&world, modem).expect("still").serial, first);
}

#[test]
fn who_signs_is_the_newest_of_the_domain_or_the_one_the_profile_names() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    let first = found_ca(&mut world, "first", 365);
    let newest = found_ca(&mut world, "newest", 365);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let signer =
        |world: &mut World, modem| device(world, modem).certificate.clone().expect("one").authority_uid;
    assert_eq!(signer(&mut world, modem), newest);

    let mut operator = world.operator().expect("it runs");
    operator.update_device_profile(PROFILE_UID, |it| it.authority_uid = Some(first.clone())).expect("there");
    let edit = operator.update_device_profile(PROFILE_UID, |it| it.authority_uid = Some("nobody".into()));
    assert_eq!(edit.expect_err("unknown").to_string(), "there is no private CA of that UID");
    let deleted = operator.delete_authority(DOMAIN, &first).expect_err("named");
    assert_eq!(deleted.to_string(), "the device profile \"tests\" names that private CA");
    heartbeat(&mut world, modem);
    assert_eq!(signer(&mut world, modem), newest, "an edit of the profile is for later bootstraps");
    let later = world.add_modem(&profile("sara-r510s"), WorldOptions::default());
    live_through_bootstrap(&mut world, later, Sealed::Before);
    assert_eq!(signer(&mut world, later), first);

    world.operator().expect("it runs").delete_authority(DOMAIN, &newest).expect("not named");
    assert_eq!(signer(&mut world, modem), newest, "until the next heartbeat");
    heartbeat(&mut world, modem);
    assert_eq!(signer(&mut world, modem), first);
    assert_in_force(&mut world, modem, &"another CA");
}

#[test]
fn a_new_owner_signs_anew_and_neither_sees_what_the_other_signed() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let old = held(&world, modem).expect("applied").clone();
    let rot = world.rot(modem);
    // A report of the old one that comes late.
    world.run_for(DAY);
    world.place(modem, Point::NvmWrite(3), Strike::CutBefore);
    world.send(modem, "AT+USECCONN");
    world.run_for(MINUTE);
    assert!(!world.is_on(modem) && world.modem(modem).module().nvm().security.report_pending);
    world.operator().expect("it runs").create_domain("acme", None).expect("new");
    world.operator().expect("it runs").transfer(rot, "acme").expect("owned");
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    let known = |world: &mut World| {
        let device = world.account("acme").expect("it runs").device(rot).expect("its own now");
        device.certificate.as_ref().map(|certificate| certificate.serial)
    };
    assert_eq!(known(&mut world), None, "what the owner before has signed");
    assert_eq!((listed(&mut world, DOMAIN), listed(&mut world, "acme")), (vec![old.serial], vec![]));
    // The power goes before the new certificate is stored: the old one is reported.
    world.run_for(DAY);
    world.take_serial(modem);
    lose_a_certificate(&mut world, modem);
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    assert_eq!(held(&world, modem), Some(&old));
    assert_eq!(known(&mut world), None, "reported, and not its owner's");

    heartbeat(&mut world, modem);
    let now = held(&world, modem).expect("still").clone();
    assert_ne!(now.authority, old.authority, "the CA is its owner's");
    assert_eq!(known(&mut world), Some(now.serial));
    assert_eq!(listed(&mut world, DOMAIN), [old.serial]);
    assert_eq!(listed(&mut world, "acme")[0], now.serial);
    assert!(world.account(DOMAIN).expect("it runs").device(rot).is_err(), "it has another owner");
}

#[test]
fn switched_off_the_key_is_gone_and_a_factory_reset_begins_anew() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V4);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let first = held(&world, modem).expect("applied").serial;
    let rot = world.rot(modem);
    let switch = |world: &mut World, enabled| {
        let mut operator = world.operator().expect("it runs");
        operator.set_feature(rot, ZTP, enabled).expect("owned");
        world.run_for(HOUR);
        assert_eq!(held(world, modem).is_some(), !enabled, "not before the next heartbeat");
        heartbeat(world, modem);
    };
    switch(&mut world, false);
    assert_eq!(held(&world, modem), None);
    assert_eq!(device(&mut world, modem).certificate, None);
    switch(&mut world, true);
    let second = held(&world, modem).expect("applied again").serial;
    assert_ne!(second, first);
    world.factory_reset(modem);
    world.operator().expect("it runs").forget(rot).expect("known");
    assert_eq!(held(&world, modem), None);
    let nobodys = world.device(modem).expect("its contact chain is kept");
    assert_eq!((nobodys.domain(), &nobodys.certificate), (None, &None), "it is nobody's");
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_in_force(&mut world, modem, &"after a factory reset");
    assert_ne!(held(&world, modem).expect("applied").serial, second);
}

#[test]
fn a_domain_has_at_most_fifteen_cas_and_they_have_names() {
    let (mut world, _) = touchless("sara-r510s", IpVersion::V4);
    for n in 0..AUTHORITIES_MAX {
        found_ca(&mut world, &format!("CA {n}"), 365);
    }
    let check = |world: &mut World, order: AuthorityOrder, expected: &str| {
        let refused = world.operator().expect("it runs").create_authority(DOMAIN, order);
        assert_eq!(refused.expect_err(expected).to_string(), expected);
    };
    check(&mut world, AuthorityOrder::named("one more"), "a domain has at most 15 private CAs");
    let name = "the name of a private CA is 1 to 32 printable ASCII characters, with no space at its ends";
    for wrong in ["", " ", "a ", "two\nlines", "Größe", &"a".repeat(33)] {
        check(&mut world, AuthorityOrder::named(wrong), name);
    }
    let days = "a validity is 1 to 36500 days";
    for wrong in [0, 36_501, u32::MAX] {
        check(&mut world, AuthorityOrder { validity_days: wrong, ..AuthorityOrder::named("a") }, days);
        let order = AuthorityOrder { certificate_validity_days: wrong, ..AuthorityOrder::named("a") };
        check(&mut world, order, days);
    }
}

#[test]
fn the_longest_names_fit_into_one_message() {
    let (mut world, modem) = touchless("sara-r510s", IpVersion::V6);
    found_ca(&mut world, &"W".repeat(32), 365);
    world.input(modem, Input::Coverage(false));
    power_on(&mut world, modem);
    let seal = format!("AT+USECDEVINFO=\"{PROFILE_UID}\",\"{}\"", "W".repeat(16));
    assert_eq!(world.at(modem, &seal), "OK");
    world.input(modem, Input::Coverage(true));
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    assert_in_force(&mut world, modem, &"the longest names");
}
