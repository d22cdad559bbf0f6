//! Random lives: weather, power cuts, outages of the service, renewals, seals, and copies of earlier
//! states let loose at any time. No original is ever refused, and no older copy let in.

mod steps;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use steps::*;
use vsara::modem::Input;
use vsara::module::security::Phase;
use vsara::module::{Event, IpVersion, Nvm};
use vsara::scenario::{Condition, ModemId, World, WorldOptions};
use vsara::service::event::EventKind;
use vsara::service::store::Store;

fn seeds() -> std::ops::Range<u64> {
    if std::env::var_os("VSARA_LONG").is_some() { 0..20_000 } else { 0..600 }
}

struct Life {
    seed: u64,
    world: World,
    original: ModemId,
    random: ChaCha12Rng,
    profile: &'static str,
    /// Memories of the original, taken at odd moments.
    copies: Vec<Nvm>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let profile = if seed.is_multiple_of(2) { "sara-r510s" } else { "sara-r410m-83b" };
        let (mut world, original) = world(profile, IpVersion::V4, seed);
        world.input(original, Input::PowerOn);
        let random = ChaCha12Rng::seed_from_u64(seed);
        Self { seed, world, original, random, profile, copies: Vec::new() }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.random.next_u32() % limit
    }

    fn wait(&mut self, up_to: i64) {
        let millis = i64::from(self.random.next_u32()) % up_to;
        self.world.run_for(millis);
    }

    fn deed(&mut self) {
        let Self { world, original, .. } = self;
        let (modem, rot) = (*original, world.rot(*original));
        match self.below(12) {
            0 | 1 => self.world.input(modem, Input::PowerCut),
            2 => self.world.input(modem, Input::Reset),
            3 => self.world.cut_service(),
            4 => {
                let down = self.below(2) == 0;
                self.world.input(modem, Input::Coverage(down));
            }
            5 => self.world.send(modem, SEAL),
            6 | 7 => self.world.send(modem, "AT+USECCONN"),
            8 => {
                // Not known yet, or cut.
                let _asked = self.world.operator().map(|mut operator| operator.ask_for_new_key_set(rot));
            }
            9 => self.wait(DAY),
            _ => {
                let loss_percent = self.below(40) as u8;
                let duplicate_percent = self.below(20) as u8;
                let reorder = self.below(2) == 0;
                self.world.link(modem).condition =
                    Condition { loss_percent, duplicate_percent, reorder, ..Condition::default() };
            }
        }
        let up_to = if self.below(2) == 0 { SECOND } else { 2 * MINUTE };
        self.wait(up_to);
        self.copies.push(self.world.disk(modem).primary.clone());
        self.world.start_service();
        power_on(&mut self.world, modem);
    }

    /// The original comes to rest and makes one more contact: every copy is older now.
    fn contact(&mut self) {
        let Self { world, original, seed, .. } = self;
        let modem = *original;
        world.link(modem).condition = Condition::default();
        world.input(modem, Input::Coverage(true));
        world.run_for(10 * MINUTE);
        settle(world, modem, |world| is_at_rest(world, modem));
        world.run_for(DAY + HOUR);
        world.take_serial(modem);
        world.send(modem, "AT+USECCONN");
        world.run_for(10 * MINUTE);
        assert!(world.take_serial(modem).ends_with("\r\nOK\r\n"), "seed {seed}: a heartbeat");
    }

    fn let_a_copy_loose(&mut self) {
        let chosen = self.random.next_u32() as usize % self.copies.len();
        let nvm = self.copies[chosen].clone();
        let copy = self.world.add_modem_with(&profile(self.profile), WorldOptions::default(), nvm);
        self.world.input(copy, Input::PowerOn);
        self.world.run_for(8 * DAY);
        let accepted = self
            .world
            .events(copy)
            .iter()
            .any(|event| matches!(event, Event::PhaseEnded(phase) if *phase != Phase::Held));
        assert!(!accepted, "seed {}: copy {chosen} was let in", self.seed);
        assert!(
            self.world.modem(copy).module().security().refused,
            "seed {}: copy {chosen} is refused",
            self.seed
        );
        self.world.input(copy, Input::PowerCut);
    }
}

fn live(seed: u64) {
    let mut life = Life::new(seed);
    life.copies.push(life.world.disk(life.original).primary.clone());
    for _ in 0..3 {
        for _ in 0..6 {
            life.deed();
        }
        life.contact();
        let clones = noted(&mut life.world, life.original, EventKind::Clone);
        life.let_a_copy_loose();
        let more = noted(&mut life.world, life.original, EventKind::Clone);
        assert!(more > clones, "seed {seed}: the copy was noted");
    }
    life.contact();
    let Life { mut world, original, .. } = life;
    assert!(!world.modem(original).module().security().refused, "seed {seed}: the original");
    let rot = world.rot(original);
    let device = world.service().expect("it runs").store().device(rot).expect("in memory").expect("known");
    let secrets = &world.modem(original).module().nvm().secrets;
    assert_eq!(secrets.committed().number, device.keys.committed(), "seed {seed}: one key set at both ends");
}

#[test]
fn no_original_is_refused_and_no_older_copy_let_in() {
    for seed in seeds() {
        live(seed);
    }
}
