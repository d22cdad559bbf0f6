use std::net::SocketAddr;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

use super::*;
use crate::protocol::certificate::CertificateSerial;
use crate::protocol::message::{Seal, Standing};
use crate::service::authority::{Authority, AuthorityOrder};
use crate::service::campaign::{Change, Reach};
use crate::service::device::{Blocked, BootstrapProgress, Owner, Phase, Traffic};
use crate::service::event::Reason;

const NOON: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn rot(n: u8) -> RotUid {
    RotUid([n, 0, 0, 0, 0, 0, 0, n])
}

fn device(n: u8, serial: &str, standing: Standing) -> Device {
    let mut device = Device::new(rot(n), 0, NOON);
    device.standing = standing;
    device.seal = Some(Seal { profile_uid: "P".into(), serial_number: serial.into() });
    device.owner = Some(Owner { domain: "acme".into(), profile_uid: "P".into(), profile_revision: 0 });
    device.bootstrapped_at = Some(NOON.offset_millis(i64::from(n)));
    device
}

fn event(id: u64, n: u8, kind: EventKind) -> Event {
    let peer: SocketAddr = ([10, 0, 0, n], 40_000).into();
    let reason = Reason::ChainBroken { copy_of: None, key_set: 1 };
    Event { id, at: NOON, kind, rot: rot(n), domain: None, reason, peer: Some(peer), count: 1, last_at: NOON }
}

fn put(store: &mut impl Store, batch: Batch) {
    store.commit(&batch).expect("the test's store takes this batch");
}

/// Runs every promise against an empty store.
pub(crate) fn check(store: &mut impl Store) {
    keeps_the_service_record(store);
    keeps_devices_and_their_indexes(store);
    keeps_profiles_and_whitelists(store);
    keeps_events(store);
    finds_devices(store);
    keeps_domains_and_their_keys(store);
    keeps_campaigns(store);
    keeps_authorities_and_what_they_signed(store);
}

fn keeps_the_service_record(store: &mut impl Store) {
    let mut record = store.service().expect("a new store knows its service");
    record.generation += 3;
    put(store, vec![Write::Service(record.clone())]);
    assert_eq!(store.service(), Ok(record));
}

fn keeps_devices_and_their_indexes(store: &mut impl Store) {
    assert_eq!(store.device(rot(1)), Ok(None));
    assert_eq!(store.next_overdue(), Ok(None));
    assert_eq!(store.devices_with_tail(rot(1).tail()), Ok(Vec::new()));
    let first = device(1, "A", Standing::Active);
    let second = device(0xf2, "A", Standing::Active);
    let third = device(3, "B", Standing::Allocated);
    let devices = [&first, &second, &third].map(|device| Write::Device(Arc::new(device.clone())));
    put(store, devices.into());
    assert_eq!(store.device(rot(1)), Ok(Some(Arc::new(first.clone()))));
    assert_eq!(store.devices_with_tail(rot(1).tail()), Ok(vec![Arc::new(first.clone())]));
    assert_eq!(store.devices_with_tail(UidTail([0, 0, 0, 0, 0, 9])), Ok(Vec::new()));
    assert_eq!(store.active_devices("acme", Plan::Developer), Ok(2));
    assert_eq!(store.active_devices("acme", Plan::Flex), Ok(0));
    assert_eq!(store.active_devices("other", Plan::Developer), Ok(0));
    assert_eq!(store.serial_holder("P", "A", rot(1)), Ok(Some(rot(0xf2))));
    assert_eq!(store.serial_holder("P", "B", rot(3)), Ok(None));
    assert_eq!(store.next_overdue(), Ok(first.overdue_at().map(|at| (at, rot(1)))));

    let overdue = [&first, &third].map(|device| device.overdue_at().expect("a bootstrapped device"));
    assert_eq!(store.overdue_by(overdue[0].offset_millis(-1), 9), Ok(vec![]));
    assert_eq!(store.overdue_by(overdue[0], 9), Ok(vec![rot(1)]));
    assert_eq!(store.overdue_by(overdue[1], 9), Ok(vec![rot(1), rot(3)]));
    assert_eq!(store.overdue_by(overdue[1], 1), Ok(vec![rot(1)]));

    let changed = Device { overdue: true, standing: Standing::Suspended, ..first };
    put(store, vec![Write::Device(Arc::new(changed.clone()))]);
    assert_eq!(store.device(rot(1)), Ok(Some(Arc::new(changed))));
    assert_eq!(store.active_devices("acme", Plan::Developer), Ok(1));
    assert_eq!(store.next_overdue(), Ok(third.overdue_at().map(|at| (at, rot(3)))));

    let names = |domain: Option<&str>, offset, count| {
        let query = DeviceQuery { domain: domain.map(str::to_owned), ..DeviceQuery::default() };
        let page = store.devices(&query, Window { offset, count }).expect("the list is read");
        (page.items.iter().map(|device| device.rot).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(names(None, 0, usize::MAX), (vec![rot(1), rot(3), rot(0xf2)], 3));
    assert_eq!(names(Some("acme"), 1, 1), (vec![rot(3)], 3));
    assert_eq!(names(Some("other"), 0, 9), (vec![], 0));
}

/// Goes on where `keeps_devices_and_their_indexes` ended: 1 is suspended and overdue, 3 allocated,
/// f2 active.
fn finds_devices(store: &mut impl Store) {
    let mut blocked = device(4, "Ab-77", Standing::Allocated);
    blocked.blocked = Some(Blocked::NotWhitelisted);
    let mut starting = Device::new(rot(5), 0, NOON);
    let (phase, since) = (Phase::Provision, NOON);
    starting.bootstrap = Some(BootstrapProgress { phase, since, traffic: Traffic::default() });
    let mut elsewhere = device(6, "A", Standing::Active);
    elsewhere.owner = Some(Owner { domain: "other".into(), profile_uid: "Q".into(), profile_revision: 0 });
    put(store, [blocked, starting, elsewhere].map(|device| Write::Device(Arc::new(device))).into());

    let check = |query: DeviceQuery, expected: &[u8]| {
        let page = store.devices(&query, Window::ALL).expect("the list is read");
        let found: Vec<_> = page.items.iter().map(|device| device.rot).collect();
        assert_eq!(found, expected.iter().map(|n| rot(*n)).collect::<Vec<_>>(), "{query:?}");
        assert_eq!(page.total, expected.len(), "{query:?}");
    };
    let all = DeviceQuery::default;
    let text = |text: &str| DeviceQuery { text: Some(text.into()), ..all() };
    let state = |name: &str| DeviceQuery { state: DeviceState::from_name(name), ..all() };
    check(all(), &[1, 3, 4, 5, 6, 0xf2]);
    check(state("SUSPENDED"), &[1]);
    check(state("ALLOCATED"), &[3, 4]);
    check(state("ACTIVE"), &[6, 0xf2]);
    check(state("BOOTSTRAPPING"), &[5]);
    check(state("UNOWNED"), &[]);
    check(DeviceQuery { blacklisted: Some(true), ..all() }, &[4]);
    check(DeviceQuery { blacklisted: Some(false), ..DeviceQuery::of("acme") }, &[1, 3, 0xf2]);
    check(DeviceQuery { overdue: Some(true), ..all() }, &[1]);
    check(DeviceQuery { overdue: Some(false), ..DeviceQuery::of("acme") }, &[3, 4, 0xf2]);
    check(DeviceQuery { profile_uid: Some("Q".into()), ..all() }, &[6]);
    check(text("F20000"), &[0xf2]);
    check(text("ab-"), &[4]);
    check(text("%"), &[]);
    check(text("000003\n"), &[3]);
    check(DeviceQuery { text: Some("a".into()), ..DeviceQuery::of("acme") }, &[1, 4, 0xf2]);

    let all_behind = store.devices_behind("other", None, None, 9).expect("the list is read");
    assert_eq!(all_behind.iter().map(|device| device.rot).collect::<Vec<_>>(), [rot(6)]);
    let behind = |behind: Option<u8>, max: usize| {
        let devices =
            store.devices_behind("acme", Some("P"), behind.map(rot), max).expect("the list is read");
        devices.iter().map(|device| device.rot).collect::<Vec<_>>()
    };
    assert_eq!(behind(None, 2), [rot(1), rot(3)]);
    assert_eq!(behind(Some(3), 9), [rot(4), rot(0xf2)]);
    assert_eq!(behind(Some(0xf2), 9), []);
    let census = store.census().expect("the devices are counted");
    let expected = [("ACTIVE", 2), ("ALLOCATED", 2), ("BOOTSTRAPPING", 1), ("SUSPENDED", 1)];
    assert_eq!(census, expected.map(|(state, count)| (state.to_owned(), count)));
}

fn keeps_domains_and_their_keys(store: &mut impl Store) {
    assert_eq!(store.domain("acme"), Ok(None));
    let acme = Arc::new(Domain { company: Some("Acme".into()), ..Domain::new("acme", NOON) });
    let other = Arc::new(Domain::new("other", NOON));
    let domains = [&other, &acme].map(|domain| Write::Domain(Arc::clone(domain)));
    put(store, domains.into());
    assert_eq!(store.domain("acme"), Ok(Some(Arc::clone(&acme))));
    let second = store.domains(Window { offset: 1, count: 5 });
    assert_eq!(second, Ok(Page { items: vec![other], total: 2 }));

    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let mut key = |domain: &str| Arc::new(AccessKey::draw(domain, &mut rng, NOON).0);
    let (mut first, mut second, foreign) = (key("acme"), key("acme"), key("other"));
    if second.api_key < first.api_key {
        std::mem::swap(&mut first, &mut second);
    }
    put(store, [&second, &foreign, &first].map(|key| Write::AccessKey(Arc::clone(key))).into());
    assert_eq!(store.access_key(&first.api_key), Ok(Some(Arc::clone(&first))));
    assert_eq!(store.access_keys("acme"), Ok(vec![Arc::clone(&first), Arc::clone(&second)]));
    put(store, vec![Write::AccessKeyGone(first.api_key.clone())]);
    assert_eq!(store.access_key(&first.api_key), Ok(None));
    assert_eq!(store.access_keys("acme"), Ok(vec![second]));
}

fn keeps_campaigns(store: &mut impl Store) {
    let campaign = |uid: &str, reach: Reach, millis: i64| {
        Arc::new(Campaign {
            uid: uid.into(),
            domain: "acme".into(),
            name: "all of them".into(),
            change: Change { heartbeat_period_s: Some(3600), ..Change::default() },
            profile_uid: Some("P".into()),
            created_at: NOON.offset_millis(millis),
            reach,
        })
    };
    let running = campaign("A", Reach::UpTo(rot(1)), 0);
    let (complete, newest) = (campaign("B", Reach::Complete, -1), campaign("D", Reach::Complete, 500));
    let all = [&complete, &newest, &running];
    put(store, all.map(|campaign| Write::Campaign(Arc::clone(campaign))).into());
    assert_eq!(store.campaign("A"), Ok(Some(Arc::clone(&running))));
    assert_eq!(store.campaign("C"), Ok(None));
    let all = Page { items: vec![newest, Arc::clone(&running), complete], total: 3 };
    assert_eq!(store.campaigns("acme", Window::ALL), Ok(all));
    assert_eq!(store.campaigns("other", Window::ALL), Ok(Page { items: vec![], total: 0 }));
    assert_eq!(store.running_campaigns(), Ok(vec![running]));

    let put_outcome =
        |n: u8, outcome: Outcome| Write::CampaignDevice { campaign_uid: "A".into(), rot: rot(n), outcome };
    let outcomes =
        [(2, Outcome::Waiting), (1, Outcome::Waiting), (3, Outcome::Refused), (2, Outcome::Applied)];
    put(store, outcomes.map(|(n, outcome)| put_outcome(n, outcome)).into());
    let progress = Progress { waiting: 1, applied: 1, refused: 1, superseded: 0 };
    assert_eq!(store.campaign_progress("A"), Ok(progress));
    assert_eq!(store.campaign_progress("B"), Ok(Progress::default()));
    let all = [(rot(1), Outcome::Waiting), (rot(2), Outcome::Applied), (rot(3), Outcome::Refused)];
    assert_eq!(store.campaign_devices("A", None, Window::ALL), Ok(Page { items: all.into(), total: 3 }));
    let applied = store.campaign_devices("A", Some(Outcome::Applied), Window::ALL);
    assert_eq!(applied, Ok(Page { items: vec![all[1]], total: 1 }));
}

fn keeps_authorities_and_what_they_signed(store: &mut impl Store) {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let mut found = |domain: &str| {
        let made = Authority::found(domain, 1, AuthorityOrder::named("CA"), &mut rng, NOON);
        Arc::new(made.expect("a name as it may be"))
    };
    let (mine, other) = (found("acme"), found("other"));
    put(store, [&mine, &other].map(|authority| Write::Authority(Arc::clone(authority))).into());
    assert_eq!(store.authority(&mine.uid), Ok(Some(Arc::clone(&mine))));
    assert_eq!(store.authorities("acme"), Ok(vec![Arc::clone(&mine)]));
    put(store, vec![Write::AuthorityGone(mine.uid.clone())]);
    assert_eq!(store.authority(&mine.uid), Ok(None));
    assert_eq!(store.authorities("acme"), Ok(vec![]));

    let signed = |n: u8, of: u8, domain: &str| {
        Arc::new(IssuedCertificate {
            serial: CertificateSerial::from_random([n; 16]),
            rot: rot(of),
            domain: domain.into(),
            authority_uid: format!("CA of {domain}"),
            device_serial_number: "A".into(),
            not_before: NOON.offset_millis(i64::from(n)),
            not_after: NOON.offset_millis(1000),
            certificate: vec![n; 3],
        })
    };
    let all: Vec<_> = (3..=10)
        .map(|n| signed(n, 1, "acme"))
        .chain([signed(11, 2, "acme"), signed(12, 1, "other")])
        .collect();
    put(store, all.iter().map(|one| Write::Certificate(Arc::clone(one))).collect());
    put(store, vec![Write::CertificateGone(Arc::clone(&all[0]))]);
    let check = |query: CertificateQuery, window: Window, expected: &[u8], total: usize| {
        let page = store.certificates(&query, window).expect("it reads");
        let found: Vec<_> = page.items.iter().map(|one| one.certificate[0]).collect();
        assert_eq!((&found[..], page.total), (expected, total), "{query:?}");
    };
    let everything = CertificateQuery::default();
    check(everything.clone(), Window::ALL, &[12, 11, 10, 9, 8, 7, 6, 5, 4], 9);
    check(everything.clone(), Window { offset: 1, count: 2 }, &[11, 10], 9);
    check(CertificateQuery { domain: Some("other".into()), ..everything.clone() }, Window::ALL, &[12], 1);
    check(CertificateQuery { rot: Some(rot(2)), ..everything.clone() }, Window::ALL, &[11], 1);
    let of_ca = CertificateQuery { authority_uid: Some("CA of other".into()), ..everything };
    check(of_ca, Window::ALL, &[12], 1);
}

fn keeps_profiles_and_whitelists(store: &mut impl Store) {
    let profile = Arc::new(DeviceProfile { domain: "acme".into(), ..DeviceProfile::new("P", "pumps") });
    put(store, vec![Write::Profile(Arc::clone(&profile))]);
    assert_eq!(store.profile("P"), Ok(Some(Arc::clone(&profile))));
    assert_eq!(store.profile("Q"), Ok(None));
    assert_eq!(store.profiles(Some("acme")), Ok(vec![profile]));
    assert_eq!(store.profiles(Some("other")), Ok(vec![]));

    let listed = |n: u8, listed: bool| Write::Whitelist { profile_uid: "P".into(), rot: rot(n), listed };
    put(store, vec![listed(2, true), listed(1, true), listed(1, true), listed(3, true), listed(2, false)]);
    assert_eq!(store.is_whitelisted("P", rot(1)), Ok(true));
    assert_eq!(store.is_whitelisted("P", rot(2)), Ok(false));
    assert_eq!(store.is_whitelisted("Q", rot(1)), Ok(false));
    let page = Page { items: vec![rot(1), rot(3)], total: 2 };
    assert_eq!(store.whitelist("P", Window::ALL), Ok(page));
}

fn keeps_events(store: &mut impl Store) {
    assert_eq!(store.last_event_id(), Ok(0));
    let events =
        [event(1, 1, EventKind::Clone), event(2, 1, EventKind::Heartbeat), event(3, 2, EventKind::Clone)];
    put(store, events.clone().map(Write::Event).into());
    assert_eq!(store.last_event_id(), Ok(3));
    assert_eq!(store.repeated_event(&event(9, 2, EventKind::Clone)), Ok(Some(events[2].clone())));
    assert_eq!(store.repeated_event(&event(9, 1, EventKind::Heartbeat)), Ok(None));
    assert_eq!(store.repeated_event(&event(9, 1, EventKind::Suspicious)), Ok(None));

    let mut repeated = events[0].clone();
    repeated.repeat(NOON.offset_millis(5));
    put(store, vec![Write::Event(repeated.clone())]);
    let ids = |query: EventQuery| {
        let page = store.events(&query, Window::ALL).expect("the list is read");
        assert_eq!(page.total, page.items.len());
        page.items.iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(EventQuery::default()), [1, 2, 3]);
    assert_eq!(ids(EventQuery { rot: Some(rot(1)), ..EventQuery::default() }), [1, 2]);
    assert_eq!(ids(EventQuery { kind: Some(EventKind::Clone), ..EventQuery::default() }), [1, 3]);
    assert_eq!(ids(EventQuery { after: 2, ..EventQuery::default() }), [3]);
    assert_eq!(ids(EventQuery { since: Some(NOON.offset_millis(1)), ..EventQuery::default() }), [1]);
    assert_eq!(ids(EventQuery { domain: Some("acme".into()), ..EventQuery::default() }), [] as [u64; 0]);
    assert_eq!(ids(EventQuery { newest_first: true, ..EventQuery::default() }), [3, 2, 1]);
    let second = store.events(&EventQuery::default(), Window { offset: 1, count: 1 });
    assert_eq!(second.map(|page| (page.items[0].id, page.total)), Ok((2, 3)));
    assert_eq!(store.repeated_event(&event(9, 1, EventKind::Clone)), Ok(Some(repeated.clone())));

    let elsewhere = Event { at: NOON.offset_millis(3), peer: None, ..event(4, 1, EventKind::Clone) };
    put(store, vec![Write::Event(elsewhere)]);
    let clones = EventQuery { kind: Some(EventKind::Clone), ..EventQuery::default() };
    let page = store.noted_devices(&clones, Window { offset: 0, count: 1 }).expect("the list is read");
    let first = NotedDevice { rot: rot(1), count: 3, first_at: NOON, last: repeated };
    assert_eq!((page.items, page.total), (vec![first], 2));
    let later = EventQuery { since: Some(NOON.offset_millis(1)), ..clones };
    let page = store.noted_devices(&later, Window::ALL).expect("the list is read");
    assert_eq!(page.items.iter().map(|noted| (noted.rot, noted.count)).collect::<Vec<_>>(), [(rot(1), 2)]);
}
