//! Random owners: features switched, Things suspended, forgotten and transferred, private CAs made and
//! deleted at any time, under weather, power cuts and outages of the service. The feature *zero touch
//! provisioning* never stands without its certificate, and after a heartbeat both ends agree on it.

mod steps;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::protocol::certificate::check_issued;
use vsara::protocol::message::Feature;
use vsara::scenario::{Condition, ModemId, World};
use vsara::service::OperatorError;
use vsara::service::authority::AuthorityOrder;
use vsara::service::device::DeviceState;
use vsara::service::store::Store;

const DOMAINS: [&str; 2] = ["default", "acme"];

const ZTP: Feature = Feature::ZeroTouchProvisioning;

fn seeds() -> std::ops::Range<u64> {
    if std::env::var_os("VSARA_LONG").is_some() { 0..8_000 } else { 0..400 }
}

struct Life {
    seed: u64,
    world: World,
    modem: ModemId,
    random: ChaCha12Rng,
    /// What owners did that was not refused.
    done: usize,
}

impl Life {
    fn new(seed: u64) -> Self {
        let profile = if seed.is_multiple_of(2) { "sara-r510s" } else { "sara-r410m-83b" };
        let (mut world, modem) = world(profile, IpVersion::V4, seed);
        let mut operator = world.operator().expect("it runs");
        operator.create_domain(DOMAINS[1], None).expect("new");
        let with_feature = seed % 4 < 2;
        operator
            .update_device_profile(PROFILE_UID, |profile| {
                if with_feature {
                    profile.features.insert(ZTP);
                }
            })
            .expect("known");
        world.input(modem, Input::PowerOn);
        world.send(modem, SEAL);
        Self { seed, world, modem, random: ChaCha12Rng::seed_from_u64(seed), done: 0 }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.random.next_u32() % limit
    }

    /// Time passes, and at no moment of it is there the one without the other.
    fn run_for(&mut self, millis: i64) {
        let (modem, seed) = (self.modem, self.seed);
        let end = self.world.now().offset_millis(millis);
        self.world.run_while(end, |world| {
            let has = (has_feature(world, modem, ZTP), held(world, modem).is_some());
            assert_eq!(has.0, has.1, "seed {seed}: feature and certificate");
            true
        });
        // What is left of it passes with nothing to do.
        let left = end.millis_since(self.world.now());
        self.world.run_for(left);
    }

    fn weather(&mut self) {
        let modem = self.modem;
        match self.below(8) {
            0 | 1 => self.world.input(modem, Input::PowerCut),
            2 => self.world.cut_service(),
            3 => {
                let covered = self.below(2) == 0;
                self.world.input(modem, Input::Coverage(covered));
            }
            4 => {
                let loss_percent = self.below(40) as u8;
                let reorder = self.below(2) == 0;
                self.world.link(modem).condition =
                    Condition { loss_percent, reorder, ..Condition::default() };
            }
            5 => self.world.send(modem, SEAL),
            // The power goes somewhere in the contact.
            6 => {
                self.run_for(DAY + HOUR);
                self.world.send(modem, "AT+USECCONN");
                let millis = i64::from(self.below(400));
                self.run_for(millis);
                self.world.input(modem, Input::PowerCut);
            }
            _ => self.world.send(modem, "AT+USECCONN"),
        }
        let up_to = [SECOND, MINUTE, DAY, 5 * DAY][self.below(4) as usize];
        let millis = i64::from(self.random.next_u32()) % up_to;
        self.run_for(millis);
        self.world.start_service();
        power_on(&mut self.world, modem);
    }

    /// Refused where there is nothing to do it to.
    fn deed(&mut self) {
        let rot = self.world.rot(self.modem);
        let domain = DOMAINS[self.below(2) as usize];
        let (choice, enabled) = (self.below(10), self.below(2) == 0);
        let validity_days = 1 + self.below(60);
        let chosen = self.below(4) as usize;
        let mut operator = self.world.operator().expect("it runs");
        let outcome: Result<(), OperatorError> = match choice {
            0 | 1 => operator.set_feature(rot, ZTP, enabled),
            2 => operator.set_feature(rot, Feature::LocalDataProtection, enabled),
            3 => operator.suspend(rot),
            4 => operator.unblock(rot),
            5 => operator.forget(rot),
            6 => operator.transfer(rot, domain),
            7 => {
                let order = AuthorityOrder { validity_days, ..AuthorityOrder::named("some CA") };
                operator.create_authority(domain, order).map(drop)
            }
            8 if enabled => operator.ask_for_new_key_set(rot),
            _ => {
                let uid = self.authority(domain, chosen).unwrap_or_default();
                let mut operator = self.world.operator().expect("it runs");
                if choice == 8 {
                    operator.delete_authority(domain, &uid)
                } else {
                    let named = Some(uid).filter(|_| enabled);
                    operator.update_device_profile(PROFILE_UID, |profile| profile.authority_uid = named)
                }
            }
        };
        self.done += usize::from(outcome.is_ok());
    }

    fn authority(&mut self, domain: &str, index: usize) -> Option<String> {
        let authorities = self.world.account(domain).expect("it runs").authorities().expect("read");
        authorities.get(index).map(|authority| authority.uid.clone())
    }

    fn contact(&mut self) {
        let modem = self.modem;
        self.world.link(modem).condition = Condition::default();
        self.world.input(modem, Input::Coverage(true));
        power_on(&mut self.world, modem);
        self.run_for(10 * MINUTE);
        settle(&mut self.world, modem, |world| is_at_rest(world, modem));
        // Where the weekly one was due within the day, the first has to wait.
        let is_accepted = (0..2).any(|_| {
            self.run_for(DAY + HOUR);
            self.world.take_serial(modem);
            self.world.send(modem, "AT+USECCONN");
            self.run_for(10 * MINUTE);
            self.world.take_serial(modem).ends_with("\r\nOK\r\n")
        });
        assert!(is_accepted, "seed {}: a heartbeat", self.seed);
        settle(&mut self.world, modem, |world| is_at_rest(world, modem));
    }

    /// Nothing is on its way any more.
    fn assert_agreed(&mut self) {
        let Self { seed, world, modem, .. } = self;
        let (rot, now) = (world.rot(*modem), world.now());
        let store = world.service().expect("it runs").store().clone();
        let device = store.device(rot).expect("in memory").expect("known");
        let known = device.certificate.as_ref();
        let wanted = device.state() == DeviceState::Active && device.wanted.features.contains(&ZTP);
        let held = held(world, *modem);
        assert_eq!(held.is_some(), wanted, "seed {seed}: {:?}", device.state());
        assert_eq!(held.map(|held| held.serial), known.map(|known| known.serial), "seed {seed}");
        let (Some(held), Some(known)) = (held, known) else { return };
        let issued = check_issued(&held.certificate, &held.authority, &held.key);
        assert_eq!(issued, Ok(held.serial), "seed {seed}");
        let authority = store.authority(&known.authority_uid).expect("in memory");
        let authority = authority.unwrap_or_else(|| panic!("seed {seed}: its CA is not there"));
        assert_eq!(Some(authority.domain.as_str()), device.domain(), "seed {seed}: of its owner");
        assert_eq!(authority.certificate, held.authority, "seed {seed}");
        assert!(known.not_after > now.offset_millis(7 * DAY), "seed {seed}: it holds until it is renewed");
    }
}

#[test]
fn the_feature_never_stands_alone_and_after_a_heartbeat_both_ends_agree() {
    let mut done = 0;
    for seed in seeds() {
        let mut life = Life::new(seed);
        for _ in 0..4 {
            for _ in 0..5 {
                life.weather();
                life.deed();
            }
            life.contact();
            life.assert_agreed();
        }
        done += life.done;
    }
    assert!(done > seeds().count() * 8, "{done} deeds of owners");
}
