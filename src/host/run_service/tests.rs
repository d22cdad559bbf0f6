//! What leaves a service is on disk before.

use std::net::UdpSocket;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::host::clock::Pace;
use crate::protocol::coap::Code;
use crate::protocol::keys::{FACTORY_KEY_SET, PskIdentity};
use crate::protocol::message::{ChainNonce, Hello, KeyNonce, Request, Step};
use crate::protocol::session::{ClientEvent, ClientSession};

/// Has every commit fail, though not the writes before it.
const BREAK: &str = "
    CREATE TABLE broken (id INTEGER PRIMARY KEY, wanted REFERENCES broken (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER breaks AFTER INSERT ON device BEGIN INSERT INTO broken (wanted) VALUES (-1); END;";

/// Has SQLite give up the whole transaction at what the second module brings, as on a full disk.
const GIVE_UP: &str = "
    CREATE TRIGGER gives_up BEFORE INSERT ON device WHEN NEW.rot = x'0202020202020202'
    BEGIN SELECT RAISE(ROLLBACK, 'given up'); END;";

struct World {
    runtime: Runtime,
    host: ServiceHost,
    dir: TempDir,
}

struct Module {
    rot: RotUid,
    socket: UdpSocket,
    session: ClientSession,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let setup = ServiceSetup {
            state_dir: dir.path().to_owned(),
            master: MasterKey::development(),
            clock: Clock::start(Pace::Real, None),
            events: EventLog::default(),
            seed: 1,
            journal: false,
            calls: RestCalls::by(|_, _| unreachable!("nobody calls")),
        };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let within = runtime.enter();
        let host = ServiceHost::open(setup, socket).expect("a service");
        drop(within);
        Self { runtime, host, dir }
    }

    fn database(&self) -> Connection {
        Connection::open(self.dir.path().join("service.db")).expect("a store")
    }

    fn devices_on_disk(&self) -> i64 {
        self.database().query_row("SELECT count(*) FROM device", [], |row| row.get(0)).expect("read")
    }

    fn module(&self, number: u8) -> Module {
        let rot = RotUid([number; 8]);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(self.host.dtls_address().expect("bound")).expect("loopback");
        socket.set_nonblocking(true).expect("a socket");
        Module { rot, socket, session: self.session(rot) }
    }

    fn session(&self, rot: RotUid) -> ClientSession {
        let key = MasterKey::development().factory_secret(rot).key;
        let identity = PskIdentity { rot, key_set: FACTORY_KEY_SET };
        ClientSession::new(identity, &key, SessionOptions::default(), self.host.now().steady)
    }

    /// Hands over what all modules have to say in one turn of the service; how many datagrams came
    /// back.
    fn turn(&mut self, modules: &mut [Module]) -> usize {
        for module in modules.iter_mut() {
            while let Some(bytes) = module.session.poll_transmit() {
                module.socket.send(&bytes).expect("loopback");
            }
        }
        self.runtime.block_on(self.host.step());
        let (now, mut heard) = (self.host.now().steady, 0);
        for module in modules {
            let mut buffer = [0; 2048];
            while let Ok(count) = module.socket.recv(&mut buffer) {
                module.session.handle_datagram(&buffer[..count], now);
                heard += 1;
            }
        }
        heard
    }

    fn connect(&mut self, modules: &mut [Module]) {
        for module in modules.iter_mut() {
            module.session = self.session(module.rot);
        }
        let mut connected = 0;
        while connected < modules.len() {
            assert!(self.turn(modules) > 0, "a handshake goes on");
            connected += modules.iter_mut().filter_map(|module| module.session.poll_event()).count();
        }
    }

    fn check_that_all_are_answered(&mut self, modules: &mut [Module]) {
        self.connect(modules);
        self.say_hello(modules);
        assert_eq!(self.turn(modules), modules.len(), "an answer for each");
        assert_eq!(self.devices_on_disk(), 3);
        for module in modules {
            let event = module.session.poll_event();
            assert!(matches!(event, Some(ClientEvent::Answer { code: Code::CHANGED, .. })), "{event:?}");
        }
    }

    fn say_hello(&self, modules: &mut [Module]) {
        for module in modules {
            let hello = Hello {
                type_number: "SARA-R510S-01B-00".into(),
                firmware: "03.15,A00.01".into(),
                imei: "352753090000013".into(),
                seal: None,
                nonce: KeyNonce([1; 16]),
            };
            let request = Request::Hello(Step { nonce: ChainNonce([1; 8]), held: Vec::new() }, hello);
            let posted = module.session.request(request.path(), request.encode(), self.host.now().steady);
            posted.expect("a session stands");
        }
    }
}

#[test]
fn what_was_answered_is_on_disk_though_several_wait_for_it_together() {
    let mut world = World::new();
    let mut modules = [world.module(1), world.module(2), world.module(3)];
    world.connect(&mut modules);
    world.database().execute_batch(BREAK).expect("broken");
    world.say_hello(&mut modules);
    assert_eq!(world.turn(&mut modules), 0, "no answer leaves that is not on disk");
    assert_eq!(world.devices_on_disk(), 0);
    assert_eq!(world.host.counters().store_failures, 1, "one transaction for all");

    world.database().execute_batch("DROP TRIGGER breaks").expect("mended");
    world.check_that_all_are_answered(&mut modules);
}

#[test]
fn nothing_leaves_of_a_transaction_that_sqlite_gave_up() {
    let mut world = World::new();
    let mut modules = [world.module(1), world.module(2), world.module(3)];
    world.connect(&mut modules);
    world.database().execute_batch(GIVE_UP).expect("broken");
    world.say_hello(&mut modules);
    assert_eq!(world.turn(&mut modules), 0, "the first answer was of what is gone");
    assert_eq!(world.devices_on_disk(), 1, "what came behind it, as if its answer had been lost");
    assert!(world.host.counters().store_failures > 0);

    world.database().execute_batch("DROP TRIGGER gives_up").expect("mended");
    world.check_that_all_are_answered(&mut modules);
}
