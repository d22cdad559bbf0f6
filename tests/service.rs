//! The service core from end to end, over real DTLS sessions in memory.

#[path = "service/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use vsara::protocol::certificate::PrivateKey;
use vsara::protocol::coap::Code;
use vsara::protocol::keys::{MasterKey, PskIdentity, RotUid, UidTail};
use vsara::protocol::message::{
    Answer, Applied, CertificationRequest, ChainNonce, Feature, KeyNonce, Refusal, Request, Standing, Step,
};
use vsara::protocol::session::SessionFailure;
use vsara::service::access_key::AccessKey;
use vsara::service::authority::{AUTHORITIES_MAX, Authority, AuthorityOrder};
use vsara::service::campaign::{Campaign, Outcome, Progress};
use vsara::service::certificate::IssuedCertificate;
use vsara::service::device::DeviceState;
use vsara::service::domain::Domain;
use vsara::service::store::{
    Batch, CertificateQuery, DeviceQuery, EventQuery, NotedDevice, Page, ServiceRecord, Window, Write,
};
use vsara::service::{
    Device, DeviceProfile, Event, MemoryStore, OperatorError, Plan, Service, ServiceOptions, ServiceOutput,
    Store, StoreError,
};
use vsara::time::Timestamp;
use world::{Link, Module, PROFILE, Trouble, World};

const DAY_S: i64 = 24 * 60 * 60;

const CLONE: Trouble = Trouble::Refused(Refusal::Clone);

fn ldp_profile(uid: &str) -> DeviceProfile {
    let features = BTreeSet::from([Feature::LocalDataProtection]);
    DeviceProfile { features, ..DeviceProfile::new(uid, "with LDP") }
}

#[test]
fn a_bootstrap_replaces_the_factory_secret_and_finds_the_owner() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    let provision = world.bootstrap(&mut module).expect("nothing is lost");
    assert_eq!((provision.standing, provision.services), (Standing::Active, true));
    assert_eq!(provision.features, None);

    let device = world.device(module.rot);
    assert_eq!(device.state(), DeviceState::Active);
    assert_eq!(device.keys.committed(), 1);
    assert_eq!(
        (device.registered_at, device.bootstrapped_at),
        (Some(world.now.system), Some(world.now.system))
    );
    assert_eq!(device.identity.imei, "352753090000013");
    assert_eq!(world.kinds(module.rot), [("bootstrap", 1), ("registration", 1), ("plan", 1)]);
}

#[test]
fn every_byte_of_a_bootstrap_is_counted_to_its_phase() {
    let check = |address: &str, headers: usize| {
        let mut world = World::new();
        let mut module = Module::sealed(1, PROFILE, "pump 1");
        module.address = address.parse().expect("an address");
        world.bootstrap(&mut module).expect("nothing is lost");
        let traffic = world.device(module.rot).traffic.expect("the bootstrap is complete");
        let (bytes, datagrams) = world.bytes;
        assert_eq!(traffic.total() as usize, bytes + datagrams * headers, "{traffic:?}");
        assert!(traffic.total() >= 1048 && traffic.provision > 100, "{traffic:?}");
        traffic.total()
    };
    let v4 = check("10.0.0.1:40000", 28);
    let v6 = check("[fd00::1]:40000", 48);
    assert!(v6 > v4);
}

#[test]
fn an_unsealed_module_is_unowned_until_it_registers() {
    let mut world = World::new();
    world.profile(ldp_profile("LdpCtixjwqLjwV3VWpfPyz"));
    let mut module = Module::new(1);
    assert_eq!(world.bootstrap(&mut module).map(|provision| provision.standing), Ok(Standing::Unowned));
    assert_eq!(world.device(module.rot).state(), DeviceState::Unowned);
    assert_eq!(world.device(module.rot).registered_at, None);

    world.pass(3600);
    module.seal = Module::sealed(1, "LdpCtixjwqLjwV3VWpfPyz", "pump 1").seal;
    let provision = world.register(&mut module).expect("nothing is lost");
    let authorised = provision.features.expect("the profile has a feature");
    let feature = Feature::LocalDataProtection;
    assert_eq!(authorised[0].code, module.key_set.feature_authorisation(module.rot, "ldp"));
    let device = world.device(module.rot);
    assert_eq!((device.state(), device.registered_at), (DeviceState::Active, Some(world.now.system)));
    assert_eq!(device.applied.map(|applied| applied.features), Some(BTreeSet::from([feature])));
}

#[test]
fn an_unknown_profile_uid_leaves_the_device_unowned_and_is_suspicious_once() {
    let mut world = World::new();
    let mut module = Module::sealed(1, "NobodyMadeThisUID12345", "pump 1");
    assert_eq!(world.bootstrap(&mut module).map(|provision| provision.standing), Ok(Standing::Unowned));
    world.register(&mut module).expect("nothing is lost");
    assert_eq!(world.kinds(module.rot), [("suspicious", 1), ("bootstrap", 1)]);
    assert_eq!(world.events(module.rot)[0].reason.to_string(), "unknown device profile UID Nobo…");
}

#[test]
fn a_serial_number_used_twice_under_one_profile_is_suspicious() {
    let mut world = World::new();
    world.profile(DeviceProfile::new("OtherixjwqLjwV3VWpfPyz", "other"));
    for (n, uid, serial, expected) in [
        (1, PROFILE, "A", 0),
        (2, PROFILE, "B", 0),
        (3, "OtherixjwqLjwV3VWpfPyz", "A", 0),
        (4, PROFILE, "A", 1),
    ] {
        let mut module = Module::sealed(n, uid, serial);
        world.bootstrap(&mut module).expect("nothing is lost");
        let suspicious = world.kinds(module.rot).iter().filter(|(kind, _)| *kind == "suspicious").count();
        assert_eq!(suspicious, expected, "module {n}");
    }
}

#[test]
fn only_whitelisted_devices_become_active_where_the_profile_asks_for_it() {
    let mut world = World::new();
    let uid = "WhiteixjwqLjwV3VWpfPyz";
    world.profile(DeviceProfile { whitelist: true, ..ldp_profile(uid) });
    let (mut listed, mut other) = (Module::sealed(1, uid, "A"), Module::sealed(2, uid, "B"));
    world.operator().whitelist_add(uid, &[listed.rot]).expect("the profile is known");
    assert_eq!(world.bootstrap(&mut listed).map(|provision| provision.standing), Ok(Standing::Active));
    let provision = world.bootstrap(&mut other).expect("nothing is lost");
    assert_eq!(
        (provision.standing, provision.services, provision.features),
        (Standing::Allocated, false, None)
    );
    assert!(world.device(other.rot).is_blacklisted());

    world.operator().unblock(other.rot).expect("the plan has room");
    let (provision, _) = world.heartbeat(&mut other).expect("nothing is lost");
    assert_eq!((provision.standing, provision.services), (Standing::Active, true));
    assert_eq!(provision.features.map(|features| features.len()), Some(1));
    assert!(!world.device(other.rot).is_blacklisted());
}

#[test]
fn the_eleventh_active_device_of_the_developer_plan_is_allocated() {
    let mut world = World::new();
    let standing = |world: &mut World<MemoryStore>, n: u8| {
        let mut module = Module::sealed(n, PROFILE, &n.to_string());
        world.bootstrap(&mut module).map(|provision| provision.standing).expect("nothing is lost")
    };
    for n in 1..=10 {
        assert_eq!(standing(&mut world, n), Standing::Active, "device {n}");
    }
    assert_eq!(standing(&mut world, 11), Standing::Allocated);
    let (first, eleventh) = (Module::new(1).rot, Module::new(11).rot);
    let full = Err(OperatorError::OverPlanLimit { plan: Plan::Developer, max: 10 });
    assert_eq!(world.operator().unblock(eleventh), full);
    world.operator().suspend(first).expect("the device is known");
    assert_eq!(world.operator().unblock(eleventh), Ok(()));
    assert_eq!(world.operator().unblock(first), full);
    world.operator().set_plan(first, Plan::Flex).expect("flex has room");
    assert_eq!(world.operator().unblock(first), Ok(()));
}

#[test]
fn a_full_copy_that_comes_second_is_refused_and_named() {
    let mut world = World::new();
    let mut original = Module::sealed(1, PROFILE, "pump 1");
    let mut fresh = original.copy(1);
    world.bootstrap(&mut original).expect("nothing is lost");
    let (mut late, before) = (original.copy(2), world.device(original.rot));

    assert_eq!(world.bootstrap(&mut fresh), Err(CLONE));
    assert_eq!(world.bootstrap(&mut fresh), Err(CLONE));
    assert_eq!(world.device(original.rot), before, "a refusal changes nothing but events");
    let clones: Vec<_> = world.kinds(original.rot).into_iter().filter(|(kind, _)| *kind != "plan").collect();
    assert_eq!(clones, [("bootstrap", 1), ("registration", 1), ("clone", 2)]);

    world.heartbeat(&mut original).expect("the original goes on");
    assert_eq!(world.heartbeat(&mut late).map(drop), Err(CLONE));
    // A copy of the state just before the last step.
    let mut last = original.copy(3);
    let mut link = world.open(&mut original).expect("every key set authenticates");
    let nonce = KeyNonce([1; 16]);
    world.exchange(&mut original, &mut link, |step| Request::Heartbeat(step, nonce)).expect("accepted");
    assert_eq!(world.heartbeat(&mut last).map(drop), Err(CLONE));
    let last_two: Vec<_> = world.kinds(original.rot).into_iter().rev().take(2).collect();
    assert_eq!(last_two, [("suspicious", 1), ("clone", 1)]);
    world.heartbeat(&mut original).expect("the original goes on");
}

#[test]
fn replayed_datagrams_change_nothing() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let (before, events) = (world.device(module.rot), world.events(module.rot));
    let sent = world.sent.clone();
    for (peer, datagram) in sent.iter().chain(sent.iter().rev()) {
        world.service.handle_datagram(*peer, datagram, world.now);
    }
    let other = ([10, 0, 0, 99], 9).into();
    for (_, datagram) in &sent {
        world.service.handle_datagram(other, datagram, world.now);
    }
    while world.service.poll_output().is_some() {}
    assert_eq!((world.device(module.rot), world.events(module.rot)), (before, events));
    world.heartbeat(&mut module).expect("the module goes on");
}

#[test]
fn any_datagram_is_survived() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let before = world.device(module.rot);
    for (index, (peer, datagram)) in world.sent.clone().iter().enumerate() {
        for at in 0..datagram.len() {
            let mut corrupt = datagram.clone();
            corrupt[at] ^= 1 << (at % 8);
            world.service.handle_datagram(*peer, &corrupt, world.now);
            let stranger = ([10, 1, index as u8, at as u8], 1).into();
            world.service.handle_datagram(stranger, &corrupt[..at], world.now);
            world.service.handle_datagram(stranger, &corrupt, world.now);
        }
        while world.service.poll_output().is_some() {}
    }
    assert_eq!(world.device(module.rot), before);
    assert!(world.service.sessions().1 <= 4_096);
    world.pass(3600);
    assert_eq!(world.service.sessions(), (0, 0), "what is idle goes");
    world.heartbeat(&mut module).expect("the module goes on");
}

#[test]
fn unknown_identities_and_wrong_keys_fail_alike() {
    let mut world = World::new();
    let mut module = Module::new(1);
    let mut try_as = |key_set: u32, key_of: RotUid| {
        let key_set_of = MasterKey::development().factory_secret(key_of);
        let mut impostor = Module { key_set: key_set_of, ..module.clone() };
        world.bytes = (0, 0);
        let failure = world.open_as(&mut impostor, PskIdentity { rot: module.rot, key_set }).err();
        module.address = impostor.address;
        (failure, world.bytes)
    };
    let (unknown, wrong) = (try_as(7, Module::new(1).rot), try_as(0, RotUid([9; 8])));
    assert_eq!(unknown, wrong);
    assert_eq!(unknown.0, Some(Trouble::Session(SessionFailure::KeyRefused)));
}

#[test]
fn steps_out_of_their_order_change_nothing() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    let mut link = world.open(&mut module).expect("the factory secret authenticates");
    let mut refused = |world: &mut World<MemoryStore>, request: fn(_) -> Request| {
        world.exchange(&mut module, &mut link, request).err()
    };
    let not_bootstrapped = Some(Trouble::Refused(Refusal::NotBootstrapped));
    let out_of_order = Some(Trouble::Refused(Refusal::OutOfOrder));
    let confirm: fn(_) -> _ = |step| Request::Confirm(step, Default::default());
    assert_eq!(refused(&mut world, |step| Request::Heartbeat(step, KeyNonce([0; 16]))), not_bootstrapped);
    assert_eq!(refused(&mut world, |step| Request::Report(step, Default::default())), not_bootstrapped);
    assert_eq!(refused(&mut world, Request::Replace), out_of_order);
    assert_eq!(refused(&mut world, Request::Provision), out_of_order);
    assert_eq!(refused(&mut world, confirm), out_of_order);
    assert_eq!(world.service.store().device(Module::new(1).rot), Ok(None));
    world.hello(&mut module, &mut link).expect("nothing was changed");
    let provision = world.exchange(&mut module, &mut link, Request::Provision).err();
    assert_eq!(provision, out_of_order);
    world.exchange(&mut module, &mut link, Request::Replace).expect("in its order");
    assert_eq!(world.exchange(&mut module, &mut link, confirm).err(), out_of_order, "under the old key set");
    world.bootstrap(&mut module).expect("a bootstrap starts again from the beginning");
}

/// A device profile with zero touch provisioning; its UID.
fn touchless(world: &mut World<MemoryStore>) -> &'static str {
    let features = BTreeSet::from([Feature::ZeroTouchProvisioning]);
    world.profile(DeviceProfile { features, ..DeviceProfile::new("TouchixjwqLjwV3VWpfPyz", "touchless") });
    "TouchixjwqLjwV3VWpfPyz"
}

fn certification_request() -> CertificationRequest {
    let key = PrivateKey::from_bytes(&[7; 32]).expect("a scalar");
    CertificationRequest { request: key.certification_request() }
}

#[test]
fn a_certificate_is_signed_where_it_is_provided_in_its_order_and_once_a_contact() {
    let mut world = World::new();
    let uid = touchless(&mut world);
    let ask = |step: Step| Request::Certificate(step, certification_request());
    let is_signed = |world: &mut World<MemoryStore>, module: &mut Module, link: &mut Link| match world
        .exchange(module, link, ask)
    {
        Ok(Answer::Certificate(..)) => true,
        Err(Trouble::Refused(Refusal::OutOfOrder | Refusal::NotBootstrapped)) => false,
        other => panic!("{other:?} to the request for a certificate"),
    };
    let mut module = Module::sealed(1, uid, "pump 1");
    let mut link = world.open(&mut module).expect("the factory secret authenticates");
    assert!(!is_signed(&mut world, &mut module, &mut link), "before anything");
    let (mine, theirs) = world.hello(&mut module, &mut link).expect("accepted");
    assert!(!is_signed(&mut world, &mut module, &mut link), "after phase 1");
    world.exchange(&mut module, &mut link, Request::Replace).expect("accepted");
    module.key_set = module.key_set.successor(module.rot, 1, &mine.0, &theirs.0);
    assert!(!is_signed(&mut world, &mut module, &mut link), "after phase 2");
    world.exchange(&mut module, &mut link, Request::Provision).expect("accepted");
    assert!(is_signed(&mut world, &mut module, &mut link), "as part of phase 3");
    assert!(!is_signed(&mut world, &mut module, &mut link), "a second time");
    let mut link = world.open(&mut module).expect("the new key set authenticates");
    assert!(!is_signed(&mut world, &mut module, &mut link), "in another contact, of no phase");
    world.exchange(&mut module, &mut link, |step| Request::Confirm(step, Default::default())).expect("done");

    for (enabled, expected) in [(true, [true, false]), (false, [false, false])] {
        let mut operator = world.operator();
        operator.set_feature(module.rot, Feature::ZeroTouchProvisioning, enabled).expect("owned");
        world.pass(DAY_S);
        let mut link = world.open(&mut module).expect("connected");
        let nonce = KeyNonce([1; 16]);
        world.exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce)).expect("accepted");
        let signed = [(); 2].map(|()| is_signed(&mut world, &mut module, &mut link));
        assert_eq!(signed, expected, "at a heartbeat, enabled: {enabled}");
    }
}

#[test]
fn no_report_of_a_device_costs_its_domain_a_private_ca() {
    let mut world = World::new();
    let uid = touchless(&mut world);
    for _ in 0..AUTHORITIES_MAX {
        world.operator().create_authority("default", AuthorityOrder::named("CA")).expect("there is room");
    }
    let uids = |world: &World<MemoryStore>| {
        let authorities = world.service.store().authorities("default").expect("read");
        authorities.iter().map(|authority| authority.uid.clone()).collect::<Vec<_>>()
    };
    let before = uids(&world);
    let mut module = Module::sealed(1, uid, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let request = certification_request();
    for _ in 0..3 {
        world.pass(DAY_S);
        let mut link = world.open(&mut module).expect("connected");
        let nonce = KeyNonce([1; 16]);
        world.exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce)).expect("accepted");
        let signed =
            world.exchange(&mut module, &mut link, |step| Request::Certificate(step, request.clone()));
        assert!(matches!(signed, Ok(Answer::Certificate(..))), "{signed:?}");
        let applied = Applied { heartbeat_period_s: u32::MAX, ..Applied::default() };
        world.exchange(&mut module, &mut link, |step| Request::Report(step, applied)).expect("accepted");
    }
    assert_eq!(uids(&world), before);
    let overdue_at = world.device(module.rot).overdue_at().expect("a heartbeat is due");
    assert!(overdue_at < world.now.system.offset_millis(2 * 365 * DAY_S * 1000), "{overdue_at}");
}

#[test]
fn of_cas_that_have_no_numbers_the_newest_signs() {
    let mut world = World::new();
    let uid = touchless(&mut world);
    let made = world.operator().create_authority("default", AuthorityOrder::named("CA")).expect("made");
    world.operator().delete_authority("default", &made.uid).expect("not named");
    for (name, days_ago) in [("0", 2), ("z", 1), ("5", 3)] {
        let not_before = made.not_before.offset_millis(-days_ago * DAY_S * 1000);
        let uid = name.repeat(22);
        let stored = Authority { uid, number: 0, not_before, ..Authority::clone(&made) };
        world.service.store().commit(&vec![Write::Authority(Arc::new(stored))]).expect("in memory");
    }
    let mut module = Module::sealed(1, uid, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    world.pass(DAY_S);
    let mut link = world.open(&mut module).expect("connected");
    let nonce = KeyNonce([1; 16]);
    world.exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce)).expect("accepted");
    let request = certification_request();
    world.exchange(&mut module, &mut link, |step| Request::Certificate(step, request)).expect("signed");
    let signed = world.service.store().certificates(&CertificateQuery::default(), Window::ALL).expect("read");
    assert_eq!(signed.items[0].authority_uid, "z".repeat(22));
}

#[test]
fn whoever_registers_is_in_no_other_bootstrap_and_gets_a_certificate() {
    let mut world = World::new();
    let uid = touchless(&mut world);
    let mut module = Module::new(1);
    world.bootstrap(&mut module).expect("nothing is lost");
    // As the store of before says, if a snapshot of the middle of a second bootstrap was restored.
    let mut link = world.open(&mut module).expect("connected");
    world.hello(&mut module, &mut link).expect("accepted");
    let seal = Module::sealed(1, uid, "pump 1").seal.expect("sealed");
    let mut link = world.open(&mut module).expect("connected");
    world.exchange(&mut module, &mut link, |step| Request::Register(step, seal)).expect("accepted");
    let request = certification_request();
    let signed = world.exchange(&mut module, &mut link, |step| Request::Certificate(step, request));
    assert!(matches!(signed, Ok(Answer::Certificate(..))), "{signed:?}");
}

#[test]
fn an_interrupted_bootstrap_starts_again_with_the_pending_key_set() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    let mut link = world.open(&mut module).expect("the factory secret authenticates");
    let (mine, theirs) = world.hello(&mut module, &mut link).expect("accepted");
    world.exchange(&mut module, &mut link, Request::Replace).expect("accepted");
    assert_eq!(world.device(module.rot).state().name(), "BOOTSTRAPPING");
    module.key_set = module.key_set.successor(module.rot, 1, &mine.0, &theirs.0);
    world.bootstrap(&mut module).expect("the pending key set authenticates");
    assert_eq!(module.key_set.number, 2);
    let device = world.device(module.rot);
    assert_eq!((device.keys.committed(), device.state()), (2, DeviceState::Active));
}

#[test]
fn an_accepted_exchange_closes_older_sessions() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let mut older = world.open(&mut module).expect("connected");
    let mut newer = world.open(&mut module).expect("connected");
    let mut held = module.held.clone();
    held.push(ChainNonce([0xee; 8]));
    let asked = Request::Held(held);
    let (code, payload) = world.post(&mut newer, asked.path(), asked.encode()).expect("answered");
    let answer = Answer::decode("/held", &payload).expect("a list");
    assert_eq!((code, answer), (Code::CHANGED, Answer::Held(module.held.clone())));
    let nonce = KeyNonce([1; 16]);
    let dropped = world.exchange(&mut module, &mut older, |step| Request::Heartbeat(step, nonce));
    assert_eq!(dropped, Err(Trouble::Silence), "without a verdict");
    world.exchange(&mut module, &mut newer, |step| Request::Heartbeat(step, nonce)).expect("still open");
    assert_eq!(world.kinds(module.rot).iter().filter(|(kind, _)| *kind == "clone").count(), 0);
    assert_eq!((older.key_set(), newer.key_set()), (1, 1));
}

#[test]
fn a_heartbeat_carries_what_is_wanted_and_the_report_says_what_is_applied() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let features = BTreeSet::from([Feature::ChipToChip]);
    world.operator().set_feature(module.rot, Feature::ChipToChip, true).expect("the device is owned");
    world.operator().set_heartbeat_period(module.rot, 86_400).expect("a day is in range");
    world.operator().ask_for_new_key_set(module.rot).expect("the device is known");
    world.pass(DAY_S);
    let applied =
        |world: &World<MemoryStore>| world.device(module.rot).applied.map(|applied| applied.features);
    assert_eq!(applied(&world), Some(BTreeSet::new()));

    let mut module = module.clone();
    let (provision, attention) = world.heartbeat(&mut module).expect("nothing is lost");
    assert_eq!(
        (provision.heartbeat_period_s, attention.change, attention.new_key_set),
        (86_400, false, false)
    );
    let device = world.device(module.rot);
    assert_eq!(device.applied.as_ref().map(|applied| &applied.features), Some(&features));
    assert_eq!((device.keys.committed(), module.key_set.number, device.new_key_set), (2, 2, false));
    assert_eq!((device.heartbeats, device.last_heartbeat), (1, Some(world.now.system)));

    let mut link = world.open(&mut module).expect("connected");
    let nonce = KeyNonce([1; 16]);
    world.exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce)).expect("accepted");
    world.operator().set_feature(module.rot, Feature::ChipToChip, false).expect("the device is owned");
    let report = world::applied(&provision);
    let answer = world.exchange(&mut module, &mut link, |step| Request::Report(step, report));
    let Ok(Answer::Report(_, attention)) = answer else { panic!("{answer:?}") };
    assert!(attention.change, "something changed while the module was reporting");
}

#[test]
fn a_profile_edit_applies_to_later_bootstraps_only() {
    let mut world = World::new();
    let (mut early, mut late) = (Module::sealed(1, PROFILE, "A"), Module::sealed(2, PROFILE, "B"));
    world.bootstrap(&mut early).expect("nothing is lost");
    let mut link = world.open(&mut late).expect("connected");
    world.hello(&mut late, &mut link).expect("accepted");
    let edit = |profile: &mut DeviceProfile| profile.heartbeat_period_s = 86_400;
    world.operator().update_device_profile(PROFILE, edit).expect("the profile is known");
    let period = |provision: vsara::protocol::message::Provision| provision.heartbeat_period_s;
    assert_eq!(world.heartbeat(&mut early).map(|(provision, _)| period(provision)), Ok(604_800));
    assert_eq!(world.bootstrap(&mut late).map(period), Ok(86_400));
}

#[test]
fn suspended_devices_and_transferred_ones_are_told_at_the_next_heartbeat() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    world.operator().transfer(module.rot, "acme").expect("the device is owned");
    assert_eq!(world.device(module.rot).domain(), Some("acme"));
    world.operator().suspend(module.rot).expect("the device is owned");
    let (provision, _) = world.heartbeat(&mut module).expect("nothing is lost");
    assert_eq!((provision.standing, provision.services), (Standing::Suspended, false));
    world.operator().unblock(module.rot).expect("the plan has room");
    let (provision, _) = world.heartbeat(&mut module).expect("nothing is lost");
    assert_eq!((provision.standing, provision.services), (Standing::Active, true));
}

#[test]
fn a_forgotten_root_of_trust_starts_anew_and_keeps_its_key_sets() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let unseen = world.operator().forget(RotUid([9; 8]));
    assert_eq!(unseen, Err(OperatorError::UnknownDevice(RotUid([9; 8]))));
    world.operator().forget(module.rot).expect("the device is known");
    assert_eq!(world.device(module.rot).state(), DeviceState::Unowned);

    let mut as_new = Module::sealed(1, PROFILE, "pump 1");
    as_new.address = module.address;
    world.bootstrap(&mut as_new).expect("the factory secret authenticates");
    assert_eq!(as_new.key_set.number, 2, "no number is used twice");
    assert_eq!(world.device(module.rot).state(), DeviceState::Active);
    assert_eq!(world.heartbeat(&mut module).map(drop), Err(CLONE), "key set 1 still authenticates");
}

#[test]
fn a_restored_snapshot_accepts_each_root_of_trust_once_and_marks_it() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let mut snapshot = world.service.store().clone();
    let mut copy = module.copy(1);
    world.heartbeat(&mut module).expect("nothing is lost");

    let mut record = snapshot.service().expect("the store is in memory");
    record.generation += 1;
    snapshot.commit(&vec![Write::Service(record)]).expect("the store is in memory");
    let mut world = World::on(snapshot);
    world.heartbeat(&mut module).expect("accepted once");
    world.heartbeat(&mut module).expect("it goes on");
    assert_eq!(world.heartbeat(&mut copy).map(drop), Err(CLONE));
    let marked: Vec<_> =
        world.events(module.rot).into_iter().filter(|event| event.kind.is_counted()).collect();
    assert_eq!(marked[0].reason.to_string(), "first contact after the service was restored from a snapshot");
    assert_eq!(marked.iter().filter(|event| event.kind.name() == "suspicious").count(), 1);
}

#[test]
fn a_device_that_keeps_silent_becomes_overdue_once() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    assert_eq!(world.service.next_timeout().system, None);
    world.bootstrap(&mut module).expect("nothing is lost");
    let overdue = |world: &World<MemoryStore>| {
        world.kinds(module.rot).iter().filter(|(kind, _)| *kind == "overdue").count()
    };
    world.pass(8 * DAY_S);
    assert_eq!(overdue(&world), 0, "there is a grace");
    world.pass(DAY_S);
    world.pass(30 * DAY_S);
    assert_eq!((overdue(&world), world.service.next_timeout().system), (1, None));
    let mut going_on = module.clone();
    world.heartbeat(&mut going_on).expect("nothing is lost");
    assert!(!world.device(module.rot).overdue);
    world.pass(9 * DAY_S);
    assert_eq!(overdue(&world), 2);
}

#[test]
fn a_session_answers_discovery_and_names_what_is_wrong() {
    let mut world = World::new();
    let mut module = Module::new(1);
    let mut link = world.open(&mut module).expect("connected");
    let mut check = |path: &str, payload: &[u8], expected: Code| {
        let answered = world.post(&mut link, path, payload.to_vec()).map(|(code, _)| code);
        assert_eq!(answered, Ok(expected), "{path}");
    };
    check("/nowhere", &[], Code::NOT_FOUND);
    check("/heartbeat", &[0xff, 1, 2], Code::BAD_REQUEST);
    check("/.well-known/core", &[], Code::METHOD_NOT_ALLOWED);
}

/// A store that fails while it is told to.
struct Failing(MemoryStore, Arc<std::sync::atomic::AtomicBool>);

#[test]
fn a_store_that_fails_is_said_and_nothing_is_changed() {
    let fails = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut world = World::on(Failing(MemoryStore::new([7; 8]), Arc::clone(&fails)));
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let before = world.device(module.rot);
    let mut link = world.open(&mut module).expect("connected");
    fails.store(true, std::sync::atomic::Ordering::Relaxed);
    let nonce = KeyNonce([1; 16]);
    let failed = world.exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce));
    assert_eq!(failed, Err(Trouble::Code(Code::INTERNAL_SERVER_ERROR)));
    fails.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(world.device(module.rot), before);
    world
        .exchange(&mut module, &mut link, |step| Request::Heartbeat(step, nonce))
        .expect("the chain goes on");
}

impl Store for Failing {
    fn service(&self) -> Result<ServiceRecord, StoreError> {
        self.0.service()
    }
    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError> {
        self.0.device(rot)
    }
    fn devices_with_tail(&self, tail: UidTail) -> Result<Vec<Arc<Device>>, StoreError> {
        self.0.devices_with_tail(tail)
    }
    fn profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, StoreError> {
        self.0.profile(uid)
    }
    fn is_whitelisted(&self, profile_uid: &str, rot: RotUid) -> Result<bool, StoreError> {
        self.0.is_whitelisted(profile_uid, rot)
    }
    fn active_devices(&self, domain: &str, plan: Plan) -> Result<u64, StoreError> {
        self.0.active_devices(domain, plan)
    }
    fn serial_holder(
        &self,
        profile_uid: &str,
        serial: &str,
        rot: RotUid,
    ) -> Result<Option<RotUid>, StoreError> {
        self.0.serial_holder(profile_uid, serial, rot)
    }
    fn next_overdue(&self) -> Result<Option<(Timestamp, RotUid)>, StoreError> {
        self.0.next_overdue()
    }
    fn overdue_by(&self, at: Timestamp, max: usize) -> Result<Vec<RotUid>, StoreError> {
        self.0.overdue_by(at, max)
    }
    fn repeated_event(&self, event: &Event) -> Result<Option<Event>, StoreError> {
        self.0.repeated_event(event)
    }
    fn last_event_id(&self) -> Result<u64, StoreError> {
        self.0.last_event_id()
    }
    fn profiles(&self, domain: Option<&str>) -> Result<Vec<Arc<DeviceProfile>>, StoreError> {
        self.0.profiles(domain)
    }
    fn devices(&self, query: &DeviceQuery, window: Window) -> Result<Page<Arc<Device>>, StoreError> {
        self.0.devices(query, window)
    }
    fn devices_behind(
        &self,
        domain: &str,
        profile_uid: Option<&str>,
        behind: Option<RotUid>,
        max: usize,
    ) -> Result<Vec<Arc<Device>>, StoreError> {
        self.0.devices_behind(domain, profile_uid, behind, max)
    }
    fn whitelist(&self, profile_uid: &str, window: Window) -> Result<Page<RotUid>, StoreError> {
        self.0.whitelist(profile_uid, window)
    }
    fn events(&self, query: &EventQuery, window: Window) -> Result<Page<Event>, StoreError> {
        self.0.events(query, window)
    }
    fn noted_devices(&self, query: &EventQuery, window: Window) -> Result<Page<NotedDevice>, StoreError> {
        self.0.noted_devices(query, window)
    }
    fn domain(&self, name: &str) -> Result<Option<Arc<Domain>>, StoreError> {
        self.0.domain(name)
    }
    fn domains(&self, window: Window) -> Result<Page<Arc<Domain>>, StoreError> {
        self.0.domains(window)
    }
    fn access_key(&self, api_key: &str) -> Result<Option<Arc<AccessKey>>, StoreError> {
        self.0.access_key(api_key)
    }
    fn access_keys(&self, domain: &str) -> Result<Vec<Arc<AccessKey>>, StoreError> {
        self.0.access_keys(domain)
    }
    fn campaign(&self, uid: &str) -> Result<Option<Arc<Campaign>>, StoreError> {
        self.0.campaign(uid)
    }
    fn campaigns(&self, domain: &str, window: Window) -> Result<Page<Arc<Campaign>>, StoreError> {
        self.0.campaigns(domain, window)
    }
    fn running_campaigns(&self) -> Result<Vec<Arc<Campaign>>, StoreError> {
        self.0.running_campaigns()
    }
    fn campaign_progress(&self, uid: &str) -> Result<Progress, StoreError> {
        self.0.campaign_progress(uid)
    }
    fn campaign_devices(
        &self,
        uid: &str,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Page<(RotUid, Outcome)>, StoreError> {
        self.0.campaign_devices(uid, outcome, window)
    }
    fn authority(&self, uid: &str) -> Result<Option<Arc<Authority>>, StoreError> {
        self.0.authority(uid)
    }
    fn authorities(&self, domain: &str) -> Result<Vec<Arc<Authority>>, StoreError> {
        self.0.authorities(domain)
    }
    fn certificates(
        &self,
        query: &CertificateQuery,
        window: Window,
    ) -> Result<Page<Arc<IssuedCertificate>>, StoreError> {
        self.0.certificates(query, window)
    }
    fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.0.census()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.1.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StoreError("the disk is full".into()));
        }
        self.0.commit(batch)
    }
}

#[test]
fn outputs_come_in_the_order_they_must_be_done() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let options = ServiceOptions::default();
    let entropy = rand_core::SeedableRng::seed_from_u64(2);
    let mut service = Service::new(world.service.store().clone(), MasterKey::development(), options, entropy)
        .expect("a store in memory never fails");
    service.operator(world.now).suspend(module.rot).expect("the device is owned");
    let first = service.poll_output();
    assert!(matches!(first, Some(ServiceOutput::Event(event)) if event.id > 3), "ids go on after a restart");
}
