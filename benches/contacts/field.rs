//! Modules and the service with nothing between them: a datagram arrives as it leaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::modem::{Input, Modem, Output};
use vsara::module::{self, Flow, IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::MasterKey;
use vsara::service::{MemoryStore, Service, ServiceOptions, ServiceOutput};
use vsara::time::{Now, Timestamp};

use super::rounds::Work;

const BEGINNING: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// First contacts of modules fresh from the factory.
pub(crate) struct Bootstrap {
    field: Field,
    modems: Vec<Modem>,
}

/// Weekly heartbeats of one module.
pub(crate) struct Heartbeat {
    field: Field,
    modem: Modem,
}

/// The service, and a way to make modules for it.
struct Field {
    service: Service<MemoryStore>,
    profile: Arc<Profile>,
    random: ChaCha12Rng,
    now: Now,
}

impl Bootstrap {
    pub(crate) fn new() -> Self {
        Self { field: Field::new(), modems: Vec::new() }
    }
}

impl Work for Bootstrap {
    fn prepare(&mut self, times: usize) {
        self.modems = (0..times).map(|_| self.field.make_modem()).collect();
    }

    fn run(&mut self, _times: usize) {
        for modem in &mut self.modems {
            modem.handle_input(Input::PowerOn, self.field.now);
            self.field.settle(modem);
            assert!(modem.module().nvm().security.is_bootstrapped());
        }
    }
}

impl Heartbeat {
    pub(crate) fn new() -> Self {
        let mut field = Field::new();
        let mut modem = field.make_modem();
        modem.handle_input(Input::PowerOn, field.now);
        field.settle(&mut modem);
        Self { field, modem }
    }
}

impl Work for Heartbeat {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            self.field.now = Now::both(self.field.now.system.offset_millis(WEEK_MS));
            self.modem.handle_timeout(self.field.now);
            self.field.settle(&mut self.modem);
        }
        let answered = self.modem.module().nvm().security.heartbeat_answered_at;
        assert_eq!(answered, Some(self.field.now.system));
    }
}

impl Field {
    fn new() -> Self {
        let random = ChaCha12Rng::seed_from_u64(7);
        let service = Service::new(
            MemoryStore::new([7; 8]),
            MasterKey::development(),
            ServiceOptions::default(),
            random.clone(),
        );
        Self {
            service: service.expect("a store in memory"),
            profile: Arc::new(Profile::built_in("sara-r510s").expect("a built-in profile")),
            random,
            now: Now::both(BEGINNING),
        }
    }

    fn make_modem(&mut self) -> Modem {
        let rot = factory::new_rot(&mut self.random);
        let nvm = factory::new_module(&self.profile, rot, &MasterKey::development(), &mut self.random);
        let options = ModuleOptions {
            timing: Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: true,
            seed: 1,
            entropy: ChaCha12Rng::from_rng(&mut self.random),
            session_seed: None,
        };
        Modem::new(Arc::clone(&self.profile), nvm, options, 1, self.now)
    }

    /// Carries datagrams until nobody has anything to say.
    fn settle(&mut self, modem: &mut Modem) {
        while let Some(output) = modem.poll_output() {
            let Output::Module(module::Output::Datagram { flow, bytes }) = output else { continue };
            self.service.handle_datagram(address(flow), &bytes, self.now);
            while let Some(output) = self.service.poll_output() {
                if let ServiceOutput::Datagram { bytes, .. } = output {
                    modem.handle_input(Input::Datagram { flow, bytes: &bytes }, self.now);
                }
            }
        }
    }
}

/// A flow is a port of its module, and there is one module at a time.
fn address(flow: Flow) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 1024 + (flow.0 % 60_000) as u16).into()
}
