use std::net::SocketAddr;

use super::*;
use crate::protocol::message::{Seal, Standing};
use crate::service::device::Owner;
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
    let first = device(1, "A", Standing::Active);
    let second = device(0xf2, "A", Standing::Active);
    let third = device(3, "B", Standing::Allocated);
    let devices = [&first, &second, &third].map(|device| Write::Device(Arc::new(device.clone())));
    put(store, devices.into());
    assert_eq!(store.device(rot(1)), Ok(Some(Arc::new(first.clone()))));
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
        let page = store.devices(domain, Window { offset, count }).expect("the list is read");
        (page.items.iter().map(|device| device.rot).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(names(None, 0, usize::MAX), (vec![rot(1), rot(3), rot(0xf2)], 3));
    assert_eq!(names(Some("acme"), 1, 1), (vec![rot(3)], 3));
    assert_eq!(names(Some("other"), 0, 9), (vec![], 0));
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
    let second = store.events(&EventQuery::default(), Window { offset: 1, count: 1 });
    assert_eq!(second.map(|page| (page.items[0].id, page.total)), Ok((2, 3)));
    assert_eq!(store.repeated_event(&event(9, 1, EventKind::Clone)), Ok(Some(repeated)));
}
