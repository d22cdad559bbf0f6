//! A service in memory and modules that are no more than their half of the protocol.

use std::net::SocketAddr;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use vsara::protocol::coap::Code;
use vsara::protocol::keys::{KeySet, MasterKey, PskIdentity, RotUid};
use vsara::protocol::message::{
    Answer, Applied, Attention, ChainNonce, Hello, KeyNonce, Provision, Refusal, Request, Seal, Step,
};
use vsara::protocol::session::{ClientEvent, ClientSession, SessionFailure, SessionOptions};
use vsara::service::store::{EventQuery, Window};
use vsara::service::{
    Device, DeviceProfile, Event, MemoryStore, Operator, Service, ServiceOptions, ServiceOutput, Store,
};
use vsara::time::{Now, Timestamp};

pub(crate) const PROFILE: &str = "AgbCtixjwqLjwV3VWpfPyz";

pub(crate) struct World<S> {
    pub(crate) service: Service<S>,
    pub(crate) now: Now,
    /// Everything a module sent, to be sent again.
    pub(crate) sent: Vec<(SocketAddr, Vec<u8>)>,
    /// Bytes on the link, IP and UDP headers not counted, and datagrams.
    pub(crate) bytes: (usize, usize),
}

/// A module: what its NVM holds.
#[derive(Clone)]
pub(crate) struct Module {
    pub(crate) rot: RotUid,
    pub(crate) key_set: KeySet,
    pub(crate) held: Vec<ChainNonce>,
    pub(crate) seal: Option<Seal>,
    pub(crate) bootstrapped: bool,
    pub(crate) address: SocketAddr,
    pub(crate) entropy: u64,
}

/// A session of a module.
pub(crate) struct Link {
    session: ClientSession,
    pub(crate) peer: SocketAddr,
    number: u32,
}

/// Why a request has no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Refused(Refusal),
    Code(Code),
    Session(SessionFailure),
    Silence,
}

impl World<MemoryStore> {
    pub(crate) fn new() -> Self {
        let mut world = World::on(MemoryStore::new([7; 8]));
        world.profile(DeviceProfile::new(PROFILE, "pumps"));
        world
    }
}

impl<S: Store> World<S> {
    pub(crate) fn on(store: S) -> Self {
        let entropy = ChaCha12Rng::seed_from_u64(1);
        let options = ServiceOptions::default();
        let service = Service::new(store, MasterKey::development(), options, entropy);
        let now = Now::both(Timestamp::from_millis(1_767_225_600_000));
        let service = service.expect("a store in memory never fails");
        World { service, now, sent: Vec::new(), bytes: (0, 0) }
    }

    pub(crate) fn operator(&mut self) -> Operator<'_, S> {
        self.service.operator(self.now)
    }

    pub(crate) fn profile(&mut self, profile: DeviceProfile) {
        self.operator().create_device_profile(profile).expect("the test's profile is valid");
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = Now::both(self.now.system.offset_millis(seconds * 1000));
        self.service.handle_timeout(self.now);
    }

    pub(crate) fn device(&self, rot: RotUid) -> Device {
        let device = self.service.store().device(rot).expect("the store is read");
        Device::clone(&device.expect("the device was seen"))
    }

    pub(crate) fn events(&self, rot: RotUid) -> Vec<Event> {
        let query = EventQuery { rot: Some(rot), ..EventQuery::default() };
        self.service.store().events(&query, Window::ALL).expect("the store is read").items
    }

    /// Kinds and counts of the events about a root of trust.
    pub(crate) fn kinds(&self, rot: RotUid) -> Vec<(&'static str, u32)> {
        self.events(rot).iter().map(|event| (event.kind.name(), event.count)).collect()
    }

    /// Carries everything between a link and the service until both are quiet.
    pub(crate) fn pump(&mut self, link: &mut Link) -> Vec<ClientEvent> {
        let mut events = Vec::new();
        loop {
            let mut quiet = true;
            while let Some(datagram) = link.session.poll_transmit() {
                quiet = false;
                self.count(&datagram);
                self.service.handle_datagram(link.peer, &datagram, self.now);
                self.sent.push((link.peer, datagram));
            }
            while let Some(output) = self.service.poll_output() {
                if let ServiceOutput::Datagram { peer, bytes } = output
                    && peer == link.peer
                {
                    quiet = false;
                    self.count(&bytes);
                    link.session.handle_datagram(&bytes, self.now.steady);
                }
            }
            while let Some(event) = link.session.poll_event() {
                events.push(event);
            }
            if quiet {
                return events;
            }
        }
    }

    fn count(&mut self, datagram: &[u8]) {
        self.bytes = (self.bytes.0 + datagram.len(), self.bytes.1 + 1);
    }

    /// A handshake with the module's key set.
    pub(crate) fn open(&mut self, module: &mut Module) -> Result<Link, Trouble> {
        let identity = PskIdentity { rot: module.rot, key_set: module.key_set.number };
        self.open_as(module, identity)
    }

    pub(crate) fn open_as(&mut self, module: &mut Module, identity: PskIdentity) -> Result<Link, Trouble> {
        let peer = module.next_port();
        let options = SessionOptions::default();
        let session = ClientSession::new(identity, &module.key_set.key, options, self.now.steady);
        let mut link = Link { session, peer, number: module.key_set.number };
        match self.pump(&mut link).first() {
            Some(ClientEvent::Connected) => Ok(link),
            Some(ClientEvent::Failed(failure)) => Err(Trouble::Session(failure.clone())),
            _ => Err(Trouble::Silence),
        }
    }

    /// One exchange; the module's chain goes on with the answer.
    pub(crate) fn exchange(
        &mut self,
        module: &mut Module,
        link: &mut Link,
        request: impl FnOnce(Step) -> Request,
    ) -> Result<Answer, Trouble> {
        let request = request(module.step());
        let (code, payload) = self.post(link, request.path(), request.encode())?;
        if code == Code::FORBIDDEN {
            return Err(Trouble::Refused(Refusal::decode(&payload).expect("a refusal has a reason")));
        }
        if code != Code::CHANGED {
            return Err(Trouble::Code(code));
        }
        let answer = Answer::decode(request.path(), &payload).expect("the service's answers are valid");
        if let Some(nonce) = answer.nonce() {
            module.held = vec![nonce];
        }
        Ok(answer)
    }

    pub(crate) fn post(
        &mut self,
        link: &mut Link,
        path: &str,
        payload: Vec<u8>,
    ) -> Result<(Code, Vec<u8>), Trouble> {
        link.session.request(path, payload, self.now.steady).expect("the link stands and is free");
        match self.pump(link).pop() {
            Some(ClientEvent::Answer { code, payload }) => Ok((code, payload)),
            Some(ClientEvent::Failed(failure)) => Err(Trouble::Session(failure)),
            _ => Err(Trouble::Silence),
        }
    }

    /// All four phases. Both links are left open.
    pub(crate) fn bootstrap(&mut self, module: &mut Module) -> Result<Provision, Trouble> {
        let mut first = self.open(module)?;
        let (mine, theirs) = self.hello(module, &mut first)?;
        let Answer::Replace(_, replaced) = self.exchange(module, &mut first, Request::Replace)? else {
            panic!("the answer to a replacement")
        };
        module.key_set = module.key_set.successor(module.rot, replaced.number, &mine.0, &theirs.0);
        let Answer::Provision(_, provision) = self.exchange(module, &mut first, Request::Provision)? else {
            panic!("the answer to a provision")
        };
        let applied = applied(&provision);
        let mut second = self.open(module)?;
        self.exchange(module, &mut second, |step| Request::Confirm(step, applied))?;
        module.bootstrapped = true;
        Ok(provision)
    }

    pub(crate) fn hello(
        &mut self,
        module: &mut Module,
        link: &mut Link,
    ) -> Result<(KeyNonce, KeyNonce), Trouble> {
        let nonce = KeyNonce([module.draw() as u8; 16]);
        let hello = Hello {
            type_number: "SARA-R510S-01B-00".into(),
            firmware: "03.15,A00.01".into(),
            imei: "352753090000013".into(),
            seal: module.seal.clone(),
            nonce,
        };
        match self.exchange(module, link, |step| Request::Hello(step, hello))? {
            Answer::Hello(_, answer) => Ok((nonce, answer.nonce)),
            other => panic!("{other:?} to a hello"),
        }
    }

    /// Heartbeat and report, with a new key set where the service asks for one.
    pub(crate) fn heartbeat(&mut self, module: &mut Module) -> Result<(Provision, Attention), Trouble> {
        let mut link = self.open(module)?;
        let nonce = KeyNonce([module.draw() as u8; 16]);
        let answer = self.exchange(module, &mut link, |step| Request::Heartbeat(step, nonce))?;
        let Answer::Heartbeat(_, answer) = answer else { panic!("{answer:?} to a heartbeat") };
        let applied = applied(&answer.provision);
        if answer.new_key_set {
            let Answer::Replace(_, replaced) = self.exchange(module, &mut link, Request::Replace)? else {
                panic!("the answer to a replacement")
            };
            module.key_set = module.key_set.successor(module.rot, replaced.number, &nonce.0, &answer.nonce.0);
            link = self.open(module)?;
            self.exchange(module, &mut link, |step| Request::Confirm(step, applied.clone()))?;
        }
        match self.exchange(module, &mut link, |step| Request::Report(step, applied))? {
            Answer::Report(_, attention) => Ok((answer.provision, attention)),
            other => panic!("{other:?} to a report"),
        }
    }

    pub(crate) fn register(&mut self, module: &mut Module) -> Result<Provision, Trouble> {
        let seal = module.seal.clone().expect("the module was sealed before it registers");
        let mut link = self.open(module)?;
        let answer = self.exchange(module, &mut link, |step| Request::Register(step, seal))?;
        let Answer::Register(_, provision) = answer else { panic!("{answer:?} to a registration") };
        let applied = applied(&provision);
        self.exchange(module, &mut link, |step| Request::Report(step, applied))?;
        Ok(provision)
    }
}

pub(crate) fn applied(provision: &Provision) -> Applied {
    let features = provision.features.iter().flatten().map(|authorisation| authorisation.feature);
    Applied {
        features: features.collect(),
        services: provision.services,
        heartbeat_period_s: provision.heartbeat_period_s,
        certificate: None,
    }
}

impl Module {
    pub(crate) fn new(n: u8) -> Self {
        let rot = RotUid([0x0a, 4, 0xf0, 8, 0, 0x3c, 0x96, n]);
        Module {
            rot,
            key_set: MasterKey::development().factory_secret(rot),
            held: Vec::new(),
            seal: None,
            bootstrapped: false,
            address: ([10, 0, 0, n], 40_000).into(),
            entropy: u64::from(n) << 32,
        }
    }

    pub(crate) fn sealed(n: u8, profile_uid: &str, serial: &str) -> Self {
        let seal = Seal { profile_uid: profile_uid.into(), serial_number: serial.into() };
        Module { seal: Some(seal), ..Module::new(n) }
    }

    /// A copy of its state, with an address and entropy of its own.
    pub(crate) fn copy(&self, n: u8) -> Self {
        let address = ([10, 9, 9, n], 40_000).into();
        Module { address, entropy: self.entropy ^ u64::from(n) << 48, ..self.clone() }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.entropy += 1;
        ChaCha12Rng::seed_from_u64(self.entropy).next_u64()
    }

    pub(crate) fn step(&mut self) -> Step {
        let nonce = ChainNonce(self.draw().to_be_bytes());
        let held = self.held.clone();
        self.held.push(nonce);
        Step { nonce, held }
    }

    fn next_port(&mut self) -> SocketAddr {
        self.address.set_port(self.address.port() + 1);
        self.address
    }
}

impl Link {
    pub(crate) fn key_set(&self) -> u32 {
        self.number
    }
}
