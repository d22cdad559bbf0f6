//! A standing service under a flood of bad datagrams: the modules it serves do not notice.
//!
//! The real program on a real socket; the modules are the library's own, each with ports of its own.
//! Their system time runs ahead by 25 hours a heartbeat, so that none is refused as too early. A
//! heartbeat counts as one where `AT+USECCONN` answers `OK` at the first attempt: what DTLS and CoAP
//! repeat within it is what they are for.
#![allow(clippy::disallowed_methods, reason = "real time on real sockets")]
#![allow(clippy::print_stdout, reason = "what it measured, for whoever reads the log")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use vsara::host::clock::{Clock, Pace};
use vsara::host::store_sqlite::SqliteStore;
use vsara::host::udp::{ModuleSockets, Received, ServiceSpec};
use vsara::modem::{Input, Modem, Output, PortId};
use vsara::module::{self, IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::{FACTORY_KEY_SET, Key, MasterKey, PskIdentity, RotUid};
use vsara::protocol::session::{ClientSession, SessionOptions};
use vsara::service::Store;
use vsara::service::event::{EventKind, Reason};
use vsara::service::store::{EventQuery, Window};
use vsara::time::{Now, Timestamp};

const MODULES: u64 = 100;

/// Bad datagrams a second, all sorts together: a test leaves the machine room for others. A wrong key
/// takes three of them.
const FLOOD_PER_S: u64 = 2_000;

/// The one a module's first bootstrap ends with.
const KEY_SET: u32 = 1;

/// From one heartbeat of a module to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// The handshake and two exchanges, each repeated as often as their timers allow.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// What the flood may add to the service: its half-open sessions at their limit (4,096 of 9 KB), the
/// journal (8 MiB of entries), and the fragments between them.
const GROWTH_MAX: u64 = 72 << 20;

const DAY_AND_AN_HOUR_MS: i64 = 25 * 60 * 60 * 1000;

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(state: &Path) -> Self {
        let any = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_vsara"))
            .args(["server", "--bind", any, "--http", any, "--admin", any, "--log", "warn", "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .expect("vsara starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a ready line");
        let field = line.split_whitespace().find_map(|field| field.strip_prefix("dtls="));
        let address = field.and_then(|address| address.parse().ok()).expect("an address");
        Self { child, address }
    }

    fn resident_bytes(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("it lives");
        let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        pages.expect("proc(5)") * rustix::param::page_size() as u64
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
        assert!(self.child.wait().expect("it is ours").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a stop there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A module with sockets and a host program.
struct Module {
    modem: Modem,
    sockets: ModuleSockets,
    clock: Clock,
    /// How far its system time is ahead.
    ahead_ms: i64,
    said: Vec<u8>,
}

impl Module {
    fn new(number: u64, service: SocketAddr, clock: &Clock, profile: &Arc<Profile>) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(number);
        let nvm = factory::new_module(profile, rot(number), &MasterKey::development(), &mut random);
        let options = ModuleOptions {
            timing: Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: true,
            seed: number,
            entropy: random,
            session_seed: None,
        };
        let modem = Modem::new(Arc::clone(profile), nvm, options, 1, clock.now());
        let sockets = ModuleSockets::new(ServiceSpec::Address(service));
        Self { modem, sockets, clock: clock.clone(), ahead_ms: 0, said: Vec::new() }
    }

    fn now(&self) -> Now {
        let now = self.clock.now();
        Now { system: now.system.offset_millis(self.ahead_ms), ..now }
    }

    async fn bootstrap(&mut self) {
        let now = self.now();
        self.modem.handle_input(Input::PowerOn, now);
        let done = |module: &Self| module.modem.module().nvm().security.is_bootstrapped();
        assert!(self.run_until(done).await, "it never bootstraps");
    }

    /// One heartbeat, as a host asks for it; how long it took.
    async fn heartbeat(&mut self) -> Duration {
        self.ahead_ms += DAY_AND_AN_HOUR_MS;
        self.said.clear();
        let (began, now) = (Instant::now(), self.now());
        self.modem.handle_input(Input::Serial { port: PortId(0), bytes: b"AT+USECCONN\r" }, now);
        let is_final = |module: &Self| {
            let said = String::from_utf8_lossy(&module.said);
            said.contains("\r\nOK\r\n") || said.contains("ERROR")
        };
        assert!(self.run_until(is_final).await, "no answer within {HEARTBEAT:?}");
        let said = String::from_utf8_lossy(&self.said);
        assert!(said.contains("\r\nOK\r\n"), "a heartbeat fails: {said:?}");
        began.elapsed()
    }

    /// Whether it came to that within the time of a heartbeat.
    async fn run_until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + HEARTBEAT;
        let mut buffer = [0; 2048];
        loop {
            while let Some(output) = self.modem.poll_output() {
                match output {
                    Output::Module(module::Output::Datagram { flow, bytes }) => {
                        self.sockets.send(flow, bytes)
                    }
                    Output::Serial { bytes, .. } => self.said.extend(bytes),
                    _ => {}
                }
            }
            if done(self) {
                return true;
            }
            if Instant::now() > end {
                return false;
            }
            let (wait, now) = (self.modem.next_timeout(), self.now());
            let until = |at: Option<Timestamp>, now| at.map(|at: Timestamp| at.millis_since(now));
            let due = [until(wait.steady, now.steady), until(wait.system, now.system)];
            let due_ms = due.into_iter().flatten().min().unwrap_or(1000).clamp(0, 1000);
            tokio::select! {
                received = std::future::poll_fn(|cx| self.sockets.poll_received(cx, &mut buffer)) => {
                    let Received::Datagram(flow, count) = received else { panic!("an address resolves") };
                    let now = self.now();
                    self.modem.handle_input(Input::Datagram { flow, bytes: &buffer[..count] }, now);
                }
                () = tokio::time::sleep(Duration::from_millis(due_ms as u64)) => {
                    let now = self.now();
                    self.modem.handle_timeout(now);
                }
            }
        }
    }
}

/// Whoever floods.
struct Flood {
    service: SocketAddr,
    random: ChaCha12Rng,
    /// Of a session that was whole.
    recorded: Vec<Vec<u8>>,
    /// Ports that stay; hellos come from new ones.
    sockets: Vec<UdpSocket>,
    clock: Clock,
}

impl Flood {
    fn new(service: SocketAddr, clock: Clock) -> Self {
        let sockets = (0..32).map(|n| socket(Ipv4Addr::new(127, 0, 0, 2 + n), service)).collect();
        let mut flood =
            Self { service, random: ChaCha12Rng::seed_from_u64(1), recorded: Vec::new(), sockets, clock };
        let identity = PskIdentity { rot: rot(1_000_000), key_set: FACTORY_KEY_SET };
        let key = MasterKey::development().factory_secret(identity.rot).key;
        flood.recorded = flood.shake_hands(identity, &key, any(0));
        assert!(flood.recorded.len() >= 3, "a handshake was recorded");
        flood
    }

    /// So many datagrams a second until told to stop; how many there were.
    fn run(mut self, stop: &AtomicBool, sent: &AtomicU64) {
        let began = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let due = began.elapsed().as_millis() as u64 * FLOOD_PER_S / 1000;
            while sent.load(Ordering::Relaxed) < due {
                sent.fetch_add(self.one(), Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Something bad of any sort; how many datagrams it took.
    fn one(&mut self) -> u64 {
        let choice = self.random.next_u32();
        let socket = &self.sockets[choice as usize / 64 % self.sockets.len()];
        let mut real = self.recorded[choice as usize / 4096 % self.recorded.len()].clone();
        let at = self.random.next_u32() as usize % real.len();
        let bytes = match choice % 16 {
            0..=2 => {
                let mut bytes = vec![0; self.random.next_u32() as usize % 1400];
                self.random.fill_bytes(&mut bytes);
                bytes
            }
            3..=4 => {
                real.truncate(at);
                real
            }
            5..=7 => {
                real[at] ^= 1 << (choice >> 29);
                real
            }
            8..=10 => real,
            11..=14 => {
                self.hello();
                return 1;
            }
            // In the name of nobody, or of a module: under its factory secret or the key set it has now.
            _ => {
                let number = u64::from(choice) / 32;
                let (rot, key_set, from) = match choice % 32 {
                    15 => {
                        (RotUid((0x0a04_ff00_0000_0000 | number).to_be_bytes()), FACTORY_KEY_SET, any(number))
                    }
                    // Half of them under one key that nobody proves any more: the service speaks of it.
                    _ if number.is_multiple_of(2) => (rot(0), FACTORY_KEY_SET, Ipv4Addr::LOCALHOST),
                    _ => (rot(number / 4 % MODULES), number as u32 / 2 % 2 * KEY_SET, Ipv4Addr::LOCALHOST),
                };
                let identity = PskIdentity { rot, key_set };
                return self.shake_hands(identity, &Key::from_bytes([0x55; 32]), from).len() as u64;
            }
        };
        send(socket, &bytes);
        1
    }

    /// A first hello from an address and port that were never seen.
    fn hello(&mut self) {
        let from = Ipv4Addr::from_bits(0x7f02_0000 | self.random.next_u32() & 0xffff);
        let identity = PskIdentity { rot: rot(2_000_000), key_set: FACTORY_KEY_SET };
        let session = self.session(identity, &Key::from_bytes([1; 32]));
        if let Some(bytes) = { session }.poll_transmit() {
            send(&socket(from, self.service), &bytes);
        }
    }

    /// A handshake as far as this key leads; what was sent.
    fn shake_hands(&self, identity: PskIdentity, key: &Key, from: Ipv4Addr) -> Vec<Vec<u8>> {
        let (socket, mut session) = (socket(from, self.service), self.session(identity, key));
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        let (mut sent, mut buffer) = (Vec::new(), [0; 2048]);
        loop {
            while let Some(bytes) = session.poll_transmit() {
                send(&socket, &bytes);
                sent.push(bytes);
            }
            let Ok(count) = socket.recv(&mut buffer) else { return sent };
            session.handle_datagram(&buffer[..count], self.clock.now().steady);
            if session.poll_event().is_some() {
                return sent;
            }
        }
    }

    fn session(&self, identity: PskIdentity, key: &Key) -> ClientSession {
        ClientSession::new(identity, key, SessionOptions::default(), self.clock.now().steady)
    }
}

/// One of many addresses that no module has.
fn any(number: u64) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x7f03_0000 | number as u32 & 0xffff)
}

fn socket(from: Ipv4Addr, service: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((from, 0)).expect("all of 127/8 is this machine");
    socket.connect(service).expect("loopback");
    socket
}

/// What the system does not take is as good as lost.
fn send(socket: &UdpSocket, bytes: &[u8]) {
    let _ = socket.send(bytes);
}

fn rot(number: u64) -> RotUid {
    RotUid((0x0a04_0000_0000_0000 | number).to_be_bytes())
}

#[test]
fn every_heartbeat_succeeds_under_a_flood_of_bad_datagrams() {
    let length = Duration::from_secs(if std::env::var_os("VSARA_LONG").is_some() { 120 } else { 10 });
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path());
    let clock = Clock::start(Pace::Real, None);
    let profile = Arc::new(Profile::built_in("sara-r510s").expect("built in"));
    let make = |number| Module::new(number, server.address, &clock, &profile);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut modules: Vec<_> = (0..MODULES).map(make).collect();
    runtime.block_on(async {
        for module in &mut modules {
            module.bootstrap().await;
        }
    });

    let before = server.resident_bytes();
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let flood = Flood::new(server.address, clock.clone());
    let mut times = std::thread::scope(|scope| {
        scope.spawn(|| flood.run(&stop, &sent));
        // Where a heartbeat fails, the flood ends too.
        let _end = Stop(&stop);
        runtime.block_on(beat(modules, length))
    });
    times.sort();
    let grown = server.resident_bytes().saturating_sub(before);
    let (count, longest) = (times.len(), times[times.len() - 1]);
    let sent = sent.into_inner();
    println!("{count} heartbeats, {:?} to {longest:?}; {sent} bad datagrams; {grown} bytes more", times[0]);
    assert!(count as u64 >= MODULES * 2, "only {count} heartbeats in {length:?}");
    assert!(sent >= length.as_secs() * FLOOD_PER_S / 4, "only {sent} bad datagrams in {length:?}");
    assert!(grown <= GROWTH_MAX, "the service grew by {grown} bytes");

    runtime.block_on(make(MODULES).bootstrap());
    server.stop();
    let store = SqliteStore::open(&dir.path().join("service.db"), [0; 8]).expect("a store");
    let events = |rot| {
        let query = EventQuery { rot: Some(rot), ..EventQuery::default() };
        store.events(&query, Window::ALL).expect("read").items
    };
    let noted = |kind, rot| events(rot).iter().filter(|event| event.kind == kind).count();
    // What is noted of wrong keys says so, and nothing else is held against a module.
    let is_wrong_key =
        |reason: &Reason| matches!(reason, Reason::BadMac { key_set: FACTORY_KEY_SET | KEY_SET });
    let mut wrong_keys = 0;
    for number in 0..=MODULES {
        assert_eq!(noted(EventKind::Bootstrap, rot(number)), 1);
        assert_eq!(noted(EventKind::Clone, rot(number)), 0);
        let mut suspicious = events(rot(number));
        suspicious.retain(|event| event.kind == EventKind::Suspicious);
        assert!(suspicious.iter().all(|event| is_wrong_key(&event.reason)), "{suspicious:?}");
        assert!(number < MODULES || suspicious.is_empty(), "nobody spoke in the name of this one");
        wrong_keys += suspicious.len();
    }
    assert!(wrong_keys > 0, "wrong keys in the name of a module are noted");
    let heartbeats = (0..MODULES).map(|number| noted(EventKind::Heartbeat, rot(number))).sum::<usize>();
    assert_eq!(heartbeats, count, "heartbeats that were answered");
}

/// Ends the flood with this value.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has every module beat again and again for so long; how long each heartbeat took.
async fn beat(modules: Vec<Module>, length: Duration) -> Vec<Duration> {
    let end = Instant::now() + length;
    let mut beating = tokio::task::JoinSet::new();
    for mut module in modules {
        beating.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                times.push(module.heartbeat().await);
                tokio::time::sleep(PAUSE).await;
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(each) = beating.join_next().await {
        times.extend(each.expect("every heartbeat succeeds"));
    }
    times
}
