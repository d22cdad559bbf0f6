//! What the service's store on disk costs with many devices in it: start, lists, search, heartbeats.
//!
//! `cargo bench --bench store` takes 1,000,000 devices and some minutes, `-- --quick` a few thousand.
//! It fails where a bound below is passed.
#![allow(missing_docs, reason = "a program of its own")]
#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use vsara::host::store_sqlite::{SqliteStore, save_snapshot};
use vsara::protocol::keys::{MasterKey, RotUid};
use vsara::protocol::message::{Seal, Standing};
use vsara::service::device::{DeviceState, InForce, Owner};
use vsara::service::event::{EventKind, Reason};
use vsara::service::store::{Batch, DeviceQuery, EventQuery, Window, Write};
use vsara::service::{Device, Event, Plan, Service, ServiceOptions, Store};
use vsara::time::Timestamp;

const NOON: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const DOMAIN: &str = "default";
const PROFILE: &str = "AgbCtixjwqLjwV3VWpfPyz";

/// Devices written in one transaction while the store is filled.
const BATCH: usize = 5_000;

/// One measurement: what, how long at most, and how long it took.
struct Row {
    what: &'static str,
    bound: Duration,
    times: Vec<Duration>,
}

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let count: usize = if quick { 20_000 } else { 1_000_000 };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("service.db");
    let filled = Instant::now();
    fill(&path, count);
    let (fill_s, before) = (filled.elapsed().as_secs_f64(), resident_bytes());
    let size = std::fs::metadata(&path).expect("made").len();

    let mut rows = vec![timed("start", 500, 1, |_| drop(started(&path)))];
    let store = SqliteStore::open(&path, [7; 8]).expect("made");
    rows.extend(reads(&store, count));
    drop(store);
    rows.push(heartbeats(&path, count));
    let snapshot = dir.path().join("snapshot.db");
    rows.push(timed("snapshot, beside the service", 120_000, 1, |_| {
        save_snapshot(&path, &snapshot).expect("saved")
    }));

    println!("{count} devices, filled in {fill_s:.0} s; {} bytes a device on disk", size / count as u64);
    println!("resident: {:.1} MiB more than before", mib(resident_bytes().saturating_sub(before)));
    println!("\n| what | median | worst | bound |\n|---|---|---|---|");
    rows.iter_mut().for_each(|row| row.times.sort());
    rows.iter().for_each(Row::print);
    if rows.iter().all(Row::is_within) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What owners and the service look for.
fn reads(store: &SqliteStore, count: usize) -> Vec<Row> {
    let page = |offset: usize| Window { offset, count: 100 };
    let list = |query: &DeviceQuery, window: Window| store.devices(query, window).expect("read");
    let all = DeviceQuery::of(DOMAIN);
    let suspended = DeviceQuery { state: Some(DeviceState::Suspended), ..all.clone() };
    let text = |text: &str| DeviceQuery { text: Some(text.to_owned()), ..all.clone() };
    let mut random = ChaCha12Rng::seed_from_u64(1);
    let mut any = move || rot(random.next_u64() % count as u64);
    let events = EventQuery { domain: Some(DOMAIN.to_owned()), newest_first: true, ..EventQuery::default() };
    vec![
        timed("one device", 50, 1000, |_| assert!(store.device(any()).expect("read").is_some())),
        timed("the first page of all", 500, 10, |_| assert_eq!(list(&all, page(0)).total, count)),
        timed("the last page of all", 500, 10, |_| {
            assert_eq!(list(&all, page(count - 100)).items.len(), 100)
        }),
        timed("the first page of a state", 500, 10, |_| assert!(list(&suspended, page(0)).total > 0)),
        timed("search for one", 2000, 3, |_| assert_eq!(list(&text("0a04000000000123"), page(0)).total, 1)),
        timed("search for many", 2000, 3, |_| assert!(list(&text("serial 1"), page(0)).total > 100)),
        timed("search in vain", 2000, 3, |_| assert_eq!(list(&text("nowhere"), page(0)).total, 0)),
        timed("the newest events", 500, 10, |_| {
            assert_eq!(store.events(&events, page(0)).expect("read").items.len(), 100)
        }),
        timed("active devices of a plan", 500, 10, |_| {
            assert!(store.active_devices(DOMAIN, Plan::Flex).expect("read") > 0);
        }),
        timed("devices by state", 2000, 3, |_| assert_eq!(store.census().expect("read").len(), 2)),
    ]
}

/// A heartbeat and its report: two durable writes of the device, one event.
fn heartbeats(path: &Path, count: usize) -> Row {
    let mut store = SqliteStore::open(path, [7; 8]).expect("made");
    let mut random = ChaCha12Rng::seed_from_u64(2);
    let mut id = store.last_event_id().expect("read");
    timed("heartbeat and report, durably", 200, 500, |n| {
        let rot = rot(random.next_u64() % count as u64);
        let device = store.device(rot).expect("read").expect("there");
        let at = NOON.offset_millis(n as i64);
        id += 1;
        let beaten =
            Device { last_heartbeat: Some(at), heartbeats: device.heartbeats + 1, ..Device::clone(&device) };
        let batch = vec![Write::Event(event(id, rot, at)), Write::Device(Arc::new(beaten.clone()))];
        store.commit(&batch).expect("written");
        store.commit(&vec![Write::Device(Arc::new(beaten))]).expect("written");
    })
}

fn started(path: &Path) -> Service<SqliteStore> {
    let store = SqliteStore::open(path, [7; 8]).expect("made");
    let entropy = ChaCha12Rng::seed_from_u64(1);
    Service::new(store, MasterKey::development(), ServiceOptions::default(), entropy).expect("read")
}

fn fill(path: &Path, count: usize) {
    let mut store = SqliteStore::open(path, [7; 8]).expect("made");
    let mut numbers = 0..count as u64;
    while !numbers.is_empty() {
        let batch: Batch = numbers
            .by_ref()
            .take(BATCH)
            .flat_map(|n| [Write::Device(Arc::new(device(n))), Write::Event(event(n + 1, rot(n), NOON))])
            .collect();
        store.commit(&batch).expect("written");
    }
}

/// A device as it is after its bootstrap.
fn device(n: u64) -> Device {
    let mut device = Device::new(rot(n), 0, NOON);
    let (master, number) = (MasterKey::development(), format!("serial {n}"));
    let _ = device.keys.offer(&master.factory_secret(device.rot), device.rot, (&[1; 16], &[2; 16]));
    device.keys.mark_used(1);
    device.keys.commit(1);
    device.identity.type_number = "SARA-R510S-01B-00".into();
    device.identity.firmware = "03.15,A00.01".into();
    device.identity.imei = "352753090000013".into();
    device.seal = Some(Seal { profile_uid: PROFILE.into(), serial_number: number });
    device.owner = Some(Owner { domain: DOMAIN.into(), profile_uid: PROFILE.into(), profile_revision: 0 });
    device.standing = if n.is_multiple_of(100) { Standing::Suspended } else { Standing::Active };
    device.plan = Plan::Flex;
    device.applied = Some(InForce { services: true, heartbeat_period_s: 604_800, ..InForce::default() });
    (device.registered_at, device.bootstrapped_at) = (Some(NOON), Some(NOON.offset_millis(n as i64)));
    device
}

fn event(id: u64, rot: RotUid, at: Timestamp) -> Event {
    let (kind, reason) = (EventKind::Heartbeat, Reason::Heartbeat);
    let domain = Some(DOMAIN.to_owned());
    let peer = Some(([127, 0, 0, 1], 40_000).into());
    Event { id, at, kind, rot, domain, reason, peer, count: 1, last_at: at }
}

fn rot(n: u64) -> RotUid {
    RotUid((0x0a04_0000_0000_0000 | n).to_be_bytes())
}

/// Does something so often; each time it may take so many milliseconds.
fn timed(what: &'static str, bound_ms: u64, count: usize, mut work: impl FnMut(usize)) -> Row {
    let mut once = |n: usize| {
        let began = Instant::now();
        work(n);
        began.elapsed()
    };
    Row { what, bound: Duration::from_millis(bound_ms), times: (0..count).map(&mut once).collect() }
}

impl Row {
    fn is_within(&self) -> bool {
        self.times.iter().all(|time| *time <= self.bound)
    }

    fn print(&self) {
        let (median, worst) = (self.times[self.times.len() / 2], self.times[self.times.len() - 1]);
        let verdict = if self.is_within() { "" } else { " PASSED" };
        println!("| {} | {median:.2?} | {worst:.2?} | {:?}{verdict} |", self.what, self.bound);
    }
}

/// The resident set of this process (proc(5)).
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("proc(5)");
    pages * rustix::param::page_size()
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
