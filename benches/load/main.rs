//! What a standing security service does for a field of modules: a real `vsara server` with its store
//! on disk, over UDP on the loopback interface, against a bare DTLS server that stores and says nothing.
//!
//! 1. 10,000 virtual modules, fresh from the factory, bootstrap in ten rounds; each round is followed
//!    by as many bare handshakes from the same client loop.
//! 2. 20,000 sessions are opened and left open; the second half is weighed, when what the service keeps
//!    within bounds (its journal, its caches) has grown to them.
//!
//! `cargo bench --bench load` takes about a minute, `-- --quick` some seconds, for a smoke.
#![allow(missing_docs, reason = "a program of its own")]
#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

mod bare;
mod field;
mod process;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use vsara::host::clock::{Clock, Pace};
use vsara::profile::Profile;

use bare::BareServer;
use process::Service;

/// How thoroughly.
struct Effort {
    rounds: u64,
    /// Modules of a round.
    round: u64,
    /// Modules that are on their way at once.
    at_once: usize,
    /// Sessions of one half.
    sessions: u64,
}

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if given(bare::ARGUMENT) {
        return bare::serve();
    }
    let effort = if given("--quick") || given("--test") {
        Effort { rounds: 3, round: 100, at_once: 64, sessions: 500 }
    } else {
        Effort { rounds: 10, round: 1000, at_once: 64, sessions: 10_000 }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let place = tempfile::tempdir().expect("a temporary directory");
    let service = Service::start(place.path());
    let floor = BareServer::start();
    bootstraps(&runtime, &service, &floor, &effort);
    sessions(&runtime, &service, &effort);
    service.stop();
    let devices = effort.rounds * effort.round;
    println!("{:<42}{:>10} bytes", "file of the store, a device", process::store_len(place.path()) / devices);
}

/// Rounds of first contacts and of bare handshakes in turn.
fn bootstraps(runtime: &Runtime, service: &Service, floor: &BareServer, effort: &Effort) {
    let clock = Clock::start(Pace::Real, None);
    let profile = Arc::new(Profile::built_in("sara-r510s").expect("a built-in profile"));
    let at_start = service.resident_bytes();
    let (mut rates, mut floor_rates, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut floor_times) = (Vec::new(), Vec::new());
    let (used, floor_used) = (service.processor_time_s(), floor.processor_time_s());
    for round in 0..effort.rounds {
        let numbers = round * effort.round..(round + 1) * effort.round;
        let address = service.address;
        let (rate, took) = timed(runtime, effort, numbers.clone(), |number| {
            field::bootstrap(number, address, clock.clone(), Arc::clone(&profile))
        });
        rates.push(rate);
        times.extend(took);
        resident.push(service.resident_bytes());
        let address = floor.address;
        let (rate, took) = timed(runtime, effort, numbers, |_| bare::handshake(address));
        floor_rates.push(rate);
        floor_times.extend(took);
    }
    let devices = effort.rounds * effort.round;
    let used = (service.processor_time_s() - used) / devices as f64 * 1e6;
    let floor_used = (floor.processor_time_s() - floor_used) / devices as f64 * 1e6;
    let ratios: Vec<_> = rates.iter().zip(&floor_rates).map(|(rate, floor)| rate / floor).collect();
    let (ratio, rate, floor_rate) = (median(ratios), median(rates), median(floor_rates));
    println!(
        "{} modules at once over loopback; medians of {} rounds of {}.\n",
        effort.at_once, effort.rounds, effort.round
    );
    println!("{:<42}{:>10}{:>12}{:>12}", "", "a second", "p50", "p99");
    print_rate("bare DTLS handshake", floor_rate, floor_times);
    print_rate("bootstrap, from power-on", rate, times);
    println!("\nbootstraps to bare handshakes: {ratio:.2}; two handshakes each, {:.2}", ratio * 2.0);
    println!(
        "processor time: {used:.0} µs a bootstrap, {floor_used:.0} µs a bare handshake, {:.2}\n",
        floor_used / used
    );
    // What the service keeps within bounds has grown to them in the first rounds.
    let (early, last) = (resident[resident.len() / 3], resident[resident.len() - 1]);
    let later = (resident.len() - 1 - resident.len() / 3) as u64 * effort.round;
    println!("{:<42}{:>10} KiB", "service at start, resident", at_start / 1024);
    println!("{:<42}{:>10} KiB", "with all devices", last / 1024);
    println!(
        "{:<42}{:>10} bytes",
        "a stored device, resident, later rounds",
        last.saturating_sub(early) / later
    );
    println!(
        "{:<42}{:>10} bytes",
        "the same, with what grows to its bound",
        last.saturating_sub(at_start) / devices
    );
}

/// What a session costs that stands.
fn sessions(runtime: &Runtime, service: &Service, effort: &Effort) {
    let open = |numbers| timed(runtime, effort, numbers, |number| sessions::open(number, service.address));
    open(0..effort.sessions);
    let before = service.resident_bytes();
    open(effort.sessions..effort.sessions * 2);
    let each = service.resident_bytes().saturating_sub(before) / effort.sessions;
    println!("{:<42}{:>10} bytes", "an open session, resident", each);
}

/// Does something for each number, so many at once; how often a second, and how long each took.
fn timed<F>(
    runtime: &Runtime,
    effort: &Effort,
    numbers: std::ops::Range<u64>,
    work: impl Fn(u64) -> F,
) -> (f64, Vec<Duration>)
where
    F: Future<Output = Duration> + Send + 'static,
{
    let count = numbers.end - numbers.start;
    let began = Instant::now();
    let times = runtime.block_on(async {
        let (mut numbers, mut running, mut times) = (numbers, tokio::task::JoinSet::new(), Vec::new());
        loop {
            while running.len() < effort.at_once
                && let Some(number) = numbers.next()
            {
                running.spawn(work(number));
            }
            match running.join_next().await {
                Some(took) => times.push(took.expect("each comes to its end")),
                None => return times,
            }
        }
    });
    (count as f64 / began.elapsed().as_secs_f64(), times)
}

fn print_rate(what: &str, rate: f64, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{what:<42}{rate:>10.0}{:>9.1} ms{:>9.1} ms", at(0.5), at(0.99));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A socket of its own towards an address, as each module in the field has.
fn socket_to(address: SocketAddr) -> tokio::net::UdpSocket {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(address).expect("loopback");
    socket.set_nonblocking(true).expect("a socket");
    tokio::net::UdpSocket::from_std(socket).expect("a runtime")
}
