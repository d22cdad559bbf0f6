//! Accounts: domains, their access keys, campaigns, changes of ownership, and that nobody sees
//! what is somebody else's.

#[path = "service/world.rs"]
#[allow(dead_code)]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use vsara::protocol::keys::{MasterKey, PskIdentity, RotUid};
use vsara::protocol::message::{Feature, Standing};
use vsara::protocol::session::SessionFailure;
use vsara::service::access_key::ACCESS_KEYS_MAX;
use vsara::service::account::DeviceEdit;
use vsara::service::campaign::{Change, Outcome, Progress};
use vsara::service::device::DeviceState;
use vsara::service::operator::{CampaignOrder, Targets, Transfer};
use vsara::service::store::{DeviceQuery, EventQuery, Window};
use vsara::service::{DeviceProfile, MemoryStore, OperatorError, Plan, Store};
use world::{Module, PROFILE, Trouble, World};

const FLEX_PROFILE: &str = "FlexCtixjwqLjwV3VWpfPy";
const LDP: Feature = Feature::LocalDataProtection;

fn refused<T: std::fmt::Debug>(result: Result<T, OperatorError>) -> OperatorError {
    result.expect_err("this is refused")
}

/// A world with a device profile that any number of devices may be active under.
fn flexible() -> World<MemoryStore> {
    let mut world = World::new();
    world.profile(DeviceProfile { plan: Plan::Flex, ..DeviceProfile::new(FLEX_PROFILE, "many") });
    world
}

fn listed(rots: impl IntoIterator<Item = RotUid>) -> Targets {
    Targets { rots: Some(rots.into_iter().collect()), profile_uid: None }
}

fn of_profile(uid: &str) -> Targets {
    Targets { rots: None, profile_uid: Some(uid.into()) }
}

/// A bootstrapped module of the flexible profile, one of many.
fn one_of_many(world: &mut World<MemoryStore>, n: u16) -> Module {
    let mut module = Module::sealed((n % 250) as u8, FLEX_PROFILE, &format!("serial {n}"));
    let [high, low] = n.to_be_bytes();
    module.rot = RotUid([0x0a, 4, 0, 0, 0, 0, high, low]);
    module.key_set = MasterKey::development().factory_secret(module.rot);
    world.bootstrap(&mut module).expect("nothing is lost");
    module
}

#[test]
fn a_domain_has_at_most_five_access_keys_each_with_a_secret_of_its_own() {
    let mut world = World::new();
    let unknown = OperatorError::UnknownDomain("nobody".into());
    assert_eq!(refused(world.operator().create_access_key("nobody")), unknown);
    let mut keys = BTreeMap::new();
    for _ in 0..ACCESS_KEYS_MAX {
        let (key, secret) = world.operator().create_access_key("default").expect("there is room");
        keys.insert(key.api_key.clone(), secret.reveal());
    }
    assert_eq!(refused(world.operator().create_access_key("default")), OperatorError::AccessKeysMax);
    for name in keys.keys() {
        let key = world.service.store().access_key(name).expect("read").expect("stored");
        let opened: Vec<_> = keys.iter().filter(|(_, secret)| key.opens_with(secret)).collect();
        assert_eq!(opened, [(name, &keys[name])]);
    }
    world.operator().create_domain("acme", None).expect("the name is new");
    let (name, _) = keys.pop_first().expect("five");
    assert_eq!(refused(world.operator().delete_access_key("acme", &name)), OperatorError::UnknownAccessKey);
    world.operator().delete_access_key("default", &name).expect("it is there");
    assert_eq!(
        refused(world.operator().delete_access_key("default", &name)),
        OperatorError::UnknownAccessKey
    );
    world.operator().create_access_key("default").expect("there is room again");
}

#[test]
fn a_company_signs_up_once_and_a_name_is_one_domain() {
    let mut world = World::new();
    world.operator().create_domain("acme", Some("Acme Pumps")).expect("the name is new");
    let there = |name: &str| OperatorError::DomainExists(name.to_owned());
    assert_eq!(refused(world.operator().create_domain("acme", None)), there("acme"));
    assert_eq!(refused(world.operator().create_domain("a b", None)), OperatorError::DomainName);
    assert_eq!(refused(world.operator().create_domain("b", Some("\n"))), OperatorError::Title);
    let default = world.operator().sign_up("default", "Widgets").expect("nobody has yet");
    assert_eq!(default.company.as_deref(), Some("Widgets"));
    assert_eq!(refused(world.operator().sign_up("default", "Others")), there("default"));
    let domains = world.operator().domains(Window::ALL).expect("the list is read");
    assert_eq!(
        domains.items.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(),
        ["acme", "default"]
    );
}

#[test]
fn an_owner_sees_nothing_of_another_domain() {
    let mut world = flexible();
    let module = one_of_many(&mut world, 1);
    let rot = module.rot;
    world.operator().create_domain("other", None).expect("the name is new");
    let campaign = CampaignOrder {
        domain: "default".into(),
        name: "hourly".into(),
        change: Change { heartbeat_period_s: Some(3600), ..Change::default() },
        targets: listed([rot]),
    };
    let campaign = world.operator().create_campaign(campaign).expect("the device is theirs");
    let (key, _) = world.operator().create_access_key("default").expect("there is room");
    let (before, events) = (world.device(rot), world.events(rot));

    let now = world.now;
    let mut other = world.service.account("other", now);
    let not_yours = OperatorError::NotYours { rot, domain: "other".into() };
    let unseen = OperatorError::NotYours { rot: RotUid([9; 8]), domain: "other".into() };
    assert_eq!(refused(other.device(rot)), not_yours);
    assert_eq!(refused(other.device(RotUid([9; 8]))), unseen);
    assert_eq!(refused(other.set_feature(rot, LDP, true)), not_yours);
    assert_eq!(refused(other.set_heartbeat_period(rot, 600)), not_yours);
    assert_eq!(refused(other.unblock(rot)), not_yours);
    assert_eq!(refused(other.edit_device(rot, &DeviceEdit::default())), not_yours);
    assert_eq!(refused(other.profile(FLEX_PROFILE)), OperatorError::UnknownProfile);
    assert_eq!(refused(other.update_profile(FLEX_PROFILE, |_| {})), OperatorError::UnknownProfile);
    assert_eq!(refused(other.whitelist(FLEX_PROFILE, Window::ALL)), OperatorError::UnknownProfile);
    assert_eq!(refused(other.whitelist_add(FLEX_PROFILE, &[rot])), OperatorError::UnknownProfile);
    assert_eq!(refused(other.whitelist_remove(FLEX_PROFILE, &[rot])), OperatorError::UnknownProfile);
    assert_eq!(refused(other.campaign(&campaign.uid)), OperatorError::UnknownCampaign);
    let devices = other.campaign_devices(&campaign.uid, None, Window::ALL);
    assert_eq!(refused(devices), OperatorError::UnknownCampaign);
    assert_eq!(refused(other.delete_access_key(&key.api_key)), OperatorError::UnknownAccessKey);
    let change = Change { heartbeat_period_s: Some(600), ..Change::default() };
    let theirs = other.create_campaign("theirs".into(), change.clone(), listed([rot]));
    assert_eq!(refused(theirs), not_yours);
    let profile = of_profile(FLEX_PROFILE);
    assert_eq!(
        refused(other.create_campaign("theirs".into(), change, profile)),
        OperatorError::UnknownProfile
    );
    let everything = DeviceQuery { domain: Some("default".into()), ..DeviceQuery::default() };
    assert_eq!(other.devices(everything, Window::ALL).map(|page| page.total), Ok(0));
    let theirs = EventQuery { domain: Some("default".into()), ..EventQuery::default() };
    assert_eq!(other.events(theirs.clone(), Window::ALL).map(|page| page.total), Ok(0));
    assert_eq!(other.noted_devices(theirs, Window::ALL).map(|page| page.total), Ok(0));
    assert_eq!(other.profiles(), Ok(vec![]));
    assert_eq!(other.access_keys(), Ok(vec![]));
    assert_eq!(other.campaigns(Window::ALL).map(|page| page.total), Ok(0));
    assert_eq!((world.device(rot), world.events(rot)), (before, events), "nothing was changed");
}

#[test]
fn an_edit_changes_all_that_is_named_or_nothing() {
    let mut world = flexible();
    for n in 1..=10 {
        let mut module = Module::sealed(n, PROFILE, &n.to_string());
        world.bootstrap(&mut module).expect("nothing is lost");
    }
    let rot = one_of_many(&mut world, 1).rot;
    let before = world.device(rot);
    let all = DeviceEdit {
        features: Some([LDP].into()),
        heartbeat_period_s: Some(3600),
        plan: Some(Plan::Developer),
        suspended: None,
    };
    let full = OperatorError::OverPlanLimit { plan: Plan::Developer, max: 10 };
    assert_eq!(refused(world.operator().edit_device(rot, &all)), full);
    let short = DeviceEdit { heartbeat_period_s: Some(1), plan: Some(Plan::Daily), ..all.clone() };
    assert_eq!(refused(world.operator().edit_device(rot, &short)), OperatorError::HeartbeatPeriod);
    assert_eq!(world.device(rot), before);

    let suspended = DeviceEdit { suspended: Some(true), ..all };
    world.operator().edit_device(rot, &suspended).expect("a suspended device takes nobody's place");
    let device = world.device(rot);
    assert_eq!((device.plan, device.state()), (Plan::Developer, DeviceState::Suspended));
    assert_eq!(device.wanted.features, BTreeSet::from([LDP]));
    let active = DeviceEdit { suspended: Some(false), plan: Some(Plan::Basic), ..DeviceEdit::default() };
    world.operator().edit_device(rot, &active).expect("that plan has room");
    let device = world.device(rot);
    assert_eq!(
        (device.plan, device.state(), device.wanted.heartbeat_period_s),
        (Plan::Basic, DeviceState::Active, 3600)
    );
}

#[test]
fn devices_change_their_owner_together_or_not_at_all() {
    let mut world = World::new();
    let rots: Vec<_> = (1..=3)
        .map(|n| {
            let mut module = Module::sealed(n, PROFILE, &n.to_string());
            world.bootstrap(&mut module).expect("nothing is lost");
            module.rot
        })
        .collect();
    world.operator().create_domain("acme", None).expect("the name is new");
    let order = |rots: &[RotUid], from: &str, to: &str| Transfer {
        profile_uid: PROFILE.into(),
        rots: rots.iter().copied().collect(),
        from: from.into(),
        to: to.into(),
    };
    let stranger = RotUid([9; 8]);
    let check = |world: &mut World<MemoryStore>, transfer: Transfer, expected: OperatorError| {
        assert_eq!(refused(world.operator().transfer_all(&transfer)), expected, "{transfer:?}");
        assert!(rots.iter().all(|rot| world.device(*rot).domain() == Some("default")), "{transfer:?}");
    };
    let w = &mut world;
    check(w, order(&rots, "default", "nobody"), OperatorError::UnknownDomain("nobody".into()));
    check(w, order(&[rots[0], stranger], "default", "acme"), OperatorError::UnknownDevice(stranger));
    let not_theirs = OperatorError::NotYours { rot: rots[0], domain: "acme".into() };
    check(w, order(&rots, "acme", "default"), not_theirs);
    let other_profile = Transfer { profile_uid: FLEX_PROFILE.into(), ..order(&rots, "default", "acme") };
    check(w, other_profile, OperatorError::OtherProfile(rots[0]));
    check(w, order(&[], "default", "acme"), OperatorError::Count { max: 1000 });

    world.operator().transfer_all(&order(&rots[..2], "default", "acme")).expect("both are theirs");
    let domains: Vec<_> = rots.iter().map(|rot| world.device(*rot).domain().map(str::to_owned)).collect();
    assert_eq!(domains, [Some("acme".into()), Some("acme".into()), Some("default".into())]);
    let now = world.now;
    let reasons = |world: &mut World<MemoryStore>, domain: &str| {
        let events = world.service.account(domain, now).events(EventQuery::default(), Window::ALL);
        events.expect("read").items.iter().map(|event| event.reason.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&mut world, "acme"), ["transferred from default to acme"; 2]);
}

#[test]
fn a_transfer_over_the_plans_limit_allocates_what_is_too_much() {
    let mut world = World::new();
    let theirs = "TheirsixjwqLjwV3VWpfPy";
    world.profile(DeviceProfile { domain: "acme".into(), ..DeviceProfile::new(theirs, "theirs") });
    let mut rots = BTreeSet::new();
    for n in 1..=8 {
        let mut module = Module::sealed(n, PROFILE, &n.to_string());
        world.bootstrap(&mut module).expect("nothing is lost");
        let mut other = Module::sealed(100 + n, theirs, &n.to_string());
        world.bootstrap(&mut other).expect("nothing is lost");
        rots.insert(other.rot);
    }
    let (profile_uid, from, to) = (theirs.to_owned(), "acme".to_owned(), "default".to_owned());
    world.operator().transfer_all(&Transfer { profile_uid, rots, from, to }).expect("all are acme's");
    let active = world.service.store().active_devices("default", Plan::Developer);
    assert_eq!(active, Ok(10));
    let state = DeviceState::from_name("ALLOCATED");
    let blocked = DeviceQuery { state, ..DeviceQuery::of("default") };
    let page = world.service.store().devices(&blocked, Window::ALL).expect("read");
    assert_eq!(page.total, 6);
}

#[test]
fn a_campaign_is_applied_where_the_things_report_it() {
    let mut world = flexible();
    let mut modules: Vec<_> = (1..=4).map(|n| one_of_many(&mut world, n)).collect();
    let targets = listed(modules.iter().take(3).map(|module| module.rot));
    let change = Change { features: [(LDP, true)].into(), heartbeat_period_s: Some(3600), plan: None };
    let now = world.now;
    let campaign = world
        .service
        .account("default", now)
        .create_campaign("hourly".into(), change, targets)
        .expect("theirs");
    let progress = |world: &mut World<MemoryStore>| {
        world.service.account("default", now).campaign(&campaign.uid).expect("theirs").1
    };
    assert_eq!(progress(&mut world), Progress { waiting: 3, ..Progress::default() });
    assert!(world.device(modules[0].rot).applied.is_some_and(|applied| applied.features.is_empty()));

    world.heartbeat(&mut modules[0]).expect("nothing is lost");
    world.heartbeat(&mut modules[3]).expect("nothing is lost");
    assert_eq!(progress(&mut world), Progress { waiting: 2, applied: 1, ..Progress::default() });
    assert_eq!(world.device(modules[3].rot).wanted.heartbeat_period_s, 604_800, "it was not on the list");
    assert_eq!(world.device(modules[0].rot).campaigns, [] as [String; 0]);

    // The owner thinks otherwise about one of them, and sells another.
    world.operator().set_feature(modules[1].rot, LDP, false).expect("theirs");
    assert_eq!(progress(&mut world).waiting, 2, "the module does not know yet");
    world.heartbeat(&mut modules[1]).expect("nothing is lost");
    world.operator().transfer(modules[2].rot, "acme").expect("theirs");
    let expected = Progress { waiting: 0, applied: 1, superseded: 2, refused: 0 };
    assert_eq!(progress(&mut world), expected);
    let mut account = world.service.account("default", now);
    let page = account.campaign_devices(&campaign.uid, Some(Outcome::Applied), Window::ALL).expect("theirs");
    assert_eq!(page.items, [(modules[0].rot, Outcome::Applied)]);
    assert_eq!(
        refused(account.create_campaign("".into(), Change::default(), listed([]))),
        OperatorError::Title
    );
    let nothing = account.create_campaign("nothing".into(), Change::default(), listed([]));
    assert_eq!(refused(nothing), OperatorError::NoChange);
}

#[test]
fn a_campaign_goes_through_a_device_profile_in_slices_and_over_a_restart() {
    let mut world = flexible();
    let count = 600;
    for n in 1..=count {
        one_of_many(&mut world, n);
    }
    assert_eq!(
        world.service.next_timeout().system,
        world.service.store().next_overdue().expect("read").map(|(at, _)| at)
    );
    let change = Change { plan: Some(Plan::Developer), ..Change::default() };
    let targets = of_profile(FLEX_PROFILE);
    let now = world.now;
    let campaign = world
        .service
        .account("default", now)
        .create_campaign("cheap".into(), change, targets)
        .expect("theirs");
    assert_eq!(world.service.next_timeout().system, Some(now.system), "the first slice is due at once");
    world.pass(0);
    let told =
        |world: &World<MemoryStore>| world.service.store().campaign_progress(&campaign.uid).expect("read");
    assert_eq!(told(&world).total(), 256);

    let mut world = {
        let store = world.service.store().clone();
        World { now, ..World::on(store) }
    };
    for _ in 0..10 {
        world.pass(0);
    }
    // Services are the same under both plans, so there is nothing to wait for.
    assert_eq!(told(&world), Progress { applied: 10, refused: 590, ..Progress::default() });
    let active = world.service.store().active_devices("default", Plan::Developer);
    assert_eq!(active, Ok(10));
    assert_ne!(world.service.next_timeout().system, Some(now.system), "nothing is left to do");
}

#[test]
fn ten_handshakes_in_a_row_with_a_wrong_key_are_suspicious() {
    let mut world = World::new();
    let mut module = Module::sealed(1, PROFILE, "pump 1");
    world.bootstrap(&mut module).expect("nothing is lost");
    let attempt = |world: &mut World<MemoryStore>, from: &mut Module| {
        let identity = PskIdentity { rot: module.rot, key_set: 1 };
        let tried = world.open_as(from, identity).map(drop);
        assert_eq!(tried, Err(Trouble::Session(SessionFailure::KeyRefused)));
    };
    let mut stranger = Module::new(9);
    let suspicious = |world: &World<MemoryStore>| {
        let events = world.events(module.rot).into_iter().filter(|event| event.kind.name() == "suspicious");
        events.map(|event| (event.reason.to_string(), event.count)).collect::<Vec<_>>()
    };
    for _ in 0..9 {
        attempt(&mut world, &mut stranger);
    }
    assert_eq!(suspicious(&world), []);
    attempt(&mut world, &mut stranger);
    assert_eq!(suspicious(&world), [("bad MAC under key set 1".to_owned(), 1)]);
    for _ in 0..10 {
        attempt(&mut world, &mut stranger);
    }
    assert_eq!(suspicious(&world), [("bad MAC under key set 1".to_owned(), 2)]);
    // Of a root of trust that was never seen there is nobody to tell.
    let unseen = PskIdentity { rot: RotUid([9; 8]), key_set: 0 };
    for _ in 0..20 {
        world.open_as(&mut stranger, unseen).map(drop).expect_err("a wrong key");
    }
    assert_eq!(world.events(RotUid([9; 8])), []);
    let provision = world.heartbeat(&mut module).expect("the module itself goes on").0;
    assert_eq!(provision.standing, Standing::Active);
}
