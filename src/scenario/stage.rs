//! [`Stage`]: a world in memory on which a script is played, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::modem::{Input, PortId};
use crate::module::Nvm;
use crate::profile::Profile;
use crate::scenario::claims::{self, Others};
use crate::scenario::player::{Next, Outcome, Player, Problem, Trouble};
use crate::scenario::script::{
    Act, Claim, ClockChange, EventClaim, ModemIndex, ModemSource, ModemSpec, NetworkChange, Operation,
    PortRef, PowerSwitch, ProfileSpec, Script,
};
use crate::scenario::{Condition, ModemId, World, WorldOptions};
use crate::service::Device;
use crate::service::device_profile::DeviceProfile;
use crate::service::store::{EventQuery, Store, Window};

/// Longest virtual time of a scenario: a hundred years, in milliseconds.
pub const VIRTUAL_TIME_MAX_MS: i64 = 100 * 366 * 24 * 3_600_000;

/// Most steps a scenario may take: sends, acts and waits, repeated reads included.
pub const STEPS_MAX: u32 = 2_000_000;

/// Where a script's profiles and memories are.
pub trait Library: Sync {
    /// A module profile by its name, or by its file as the script names it.
    ///
    /// # Errors
    /// In plain words, why there is none.
    fn profile(&self, name: &str) -> Result<Arc<Profile>, String>;
    /// The memory of a module, by its file.
    ///
    /// # Errors
    /// In plain words, why it cannot be used.
    fn memory(&self, path: &str) -> Result<Nvm, String>;
}

/// Built-in profiles, and no files.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

/// A world and the modems a script made in it.
pub struct Stage<'l> {
    world: World,
    modems: Vec<ModemId>,
    library: &'l dyn Library,
    /// The statements that placed faults, with the number of the fault at its modem.
    placed: Vec<(usize, ModemId, usize)>,
    profiles: BTreeMap<String, Arc<Profile>>,
}

impl<'l> Stage<'l> {
    /// An empty world.
    pub fn new(seed: u64, library: &'l dyn Library) -> Self {
        Self {
            world: World::new(seed),
            modems: Vec::new(),
            library,
            placed: Vec::new(),
            profiles: BTreeMap::new(),
        }
    }

    /// The world.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The modem of a `modem` statement that was played.
    pub fn modem(&self, index: ModemIndex) -> Option<ModemId> {
        self.modems.get(index.0).copied()
    }

    /// Plays a script to its end; how it ended is the player's to tell.
    pub fn play<'s>(&mut self, script: &'s Script) -> Player<'s> {
        let mut player = Player::new(script, self.world.now());
        let latest = self.world.now().offset_millis(VIRTUAL_TIME_MAX_MS);
        for _ in 0..STEPS_MAX {
            let now = self.world.now();
            if now > latest {
                let why = format!("it went on for more than {} years of virtual time", 100);
                player.fail_at(None, Problem::NeverEnds(why), now);
            }
            match player.next(now) {
                Next::Send(port, bytes) => self.send(port, &bytes),
                Next::Act(act) => {
                    let line = player.statement().map_or(0, |statement| statement.line);
                    let outcome = self.act(act, line, script);
                    self.listen(&mut player);
                    player.acted(outcome, self.world.now());
                }
                Next::Wait(until) => self.world.run_until_news(until),
                Next::Ended => {
                    self.check_faults(&mut player);
                    return player;
                }
            }
            self.listen(&mut player);
        }
        let why = format!("it took more than {STEPS_MAX} steps");
        player.fail_at(None, Problem::NeverEnds(why), self.world.now());
        player
    }

    /// Hands what was said, who booted, and where bootstraps are, to the player.
    fn listen(&mut self, player: &mut Player<'_>) {
        let now = self.world.now();
        for modem in self.world.take_booted() {
            if let Some(index) = self.modems.iter().position(|known| *known == modem) {
                player.booted(ModemIndex(index));
            }
        }
        for (modem, phase) in self.world.take_begun() {
            if let Some(index) = self.modems.iter().position(|known| *known == modem) {
                player.phase_began(ModemIndex(index), phase);
            }
        }
        while let Some((modem, port)) = self.world.next_said() {
            let bytes = self.world.take_bytes_of(modem, port);
            if let Some(index) = self.modems.iter().position(|known| *known == modem) {
                player.hear(PortRef { modem: ModemIndex(index), port: port.0 }, &bytes, now);
            }
        }
    }

    /// A fault that never struck fails the scenario at its end.
    fn check_faults(&self, player: &mut Player<'_>) {
        if player.has_passed()
            && let Some((line, ..)) =
                self.placed.iter().find(|(_, modem, number)| !self.world.has_struck(*modem, *number))
        {
            player.fail_at(Some(*line), Problem::NeverStruck, self.world.now());
        }
    }

    fn send(&mut self, port: PortRef, bytes: &[u8]) {
        if let Some(modem) = self.modem(port.modem) {
            self.world.input(modem, Input::Serial { port: PortId(port.port), bytes });
        }
    }

    fn act(&mut self, act: &Act, line: usize, script: &Script) -> Outcome {
        match act {
            Act::DeviceProfile(spec) => self.device_profile(spec)?,
            Act::Modem(index, spec) => self.add(*index, spec, script)?,
            Act::Service(true) => self.world.start_service(),
            Act::Service(false) => self.world.cut_service(),
            Act::ServiceSilent(millis) => self.world.silence_service(*millis),
            Act::Whitelist { uid, modem, listed } => self.whitelist(uid, *modem, *listed)?,
            Act::Power(modem, to) => self.input(*modem, Input::from(*to))?,
            Act::Reset(modem) => self.input(*modem, Input::Reset)?,
            Act::Network(modem, change) => self.network(*modem, *change)?,
            Act::Clock(modem, change) => self.clock(*modem, *change)?,
            Act::Fault(modem, point, strike) => {
                let modem = self.there(*modem)?;
                let number = self.world.place(modem, *point, *strike);
                self.placed.push((line, modem, number));
            }
            Act::Line(..) => {
                return Err(Trouble::Unable("faults of the serial line are not there yet".to_owned()));
            }
            Act::Operate(modem, operation) => self.operate(*modem, operation)?,
            Act::FactoryReset(modem) => self.factory_reset(*modem)?,
            Act::AssertDevice(modem, wanted) => self.assert_device(*modem, wanted)?,
            Act::AssertEvents(modem, claim) => self.assert_events(*modem, claim)?,
        }
        Ok(())
    }

    // ---- modems ------------------------------------------------------------------------------

    fn there(&self, modem: ModemIndex) -> Result<ModemId, Trouble> {
        self.modem(modem).ok_or_else(|| Trouble::Refused("that modem is not there yet".to_owned()))
    }

    fn rot(&self, modem: ModemIndex) -> Result<crate::protocol::keys::RotUid, Trouble> {
        Ok(self.world.rot(self.there(modem)?))
    }

    fn input(&mut self, modem: ModemIndex, input: Input<'_>) -> Outcome {
        let modem = self.there(modem)?;
        self.world.input(modem, input);
        Ok(())
    }

    fn add(&mut self, index: ModemIndex, spec: &ModemSpec, script: &Script) -> Outcome {
        let options =
            WorldOptions { timing: spec.timing, ip: spec.ip, service_resolves: spec.service_resolves };
        let (modem, on) = match &spec.source {
            ModemSource::CloneOf(original) => {
                let original = self.there(*original)?;
                (self.world.clone_modem(original), self.world.is_on(original))
            }
            ModemSource::Factory(profile, rot) => {
                let profile = self.profile(profile)?;
                let nvm = self.world.factory_memory(&profile, *rot);
                (self.world.add_modem_with_ports(&profile, options, nvm, spec.ports), spec.on)
            }
            ModemSource::Memory { profile, path } => {
                let profile = self.profile(profile)?;
                let nvm = self.library.memory(path).map_err(Trouble::Refused)?;
                (self.world.add_modem_with_ports(&profile, options, nvm, spec.ports), spec.on)
            }
        };
        self.modems.push(modem);
        self.world.name(modem, script.name(index));
        if on {
            self.world.input(modem, Input::PowerOn);
        }
        Ok(())
    }

    fn profile(&mut self, name: &str) -> Result<Arc<Profile>, Trouble> {
        if let Some(profile) = self.profiles.get(name) {
            return Ok(profile.clone());
        }
        let profile = self.library.profile(name).map_err(Trouble::Refused)?;
        self.profiles.insert(name.to_owned(), profile.clone());
        Ok(profile)
    }

    fn factory_reset(&mut self, modem: ModemIndex) -> Outcome {
        let modem = self.there(modem)?;
        let rot = self.world.rot(modem);
        // A service that never saw it has nothing to forget.
        if let Some(mut operator) = self.world.operator() {
            let _ = operator.forget(rot);
        }
        self.world.factory_reset(modem);
        Ok(())
    }

    // ---- network and clock -------------------------------------------------------------------

    fn network(&mut self, modem: ModemIndex, change: NetworkChange) -> Outcome {
        if let NetworkChange::Coverage(coverage) = change {
            return self.input(modem, Input::Coverage(coverage));
        }
        let modem = self.there(modem)?;
        self.world.link(modem).condition.apply(change);
        Ok(())
    }

    fn clock(&mut self, modem: ModemIndex, change: ClockChange) -> Outcome {
        let id = self.there(modem)?;
        let shown = self.world.modem(id).module().nvm().rtc.at(self.world.now());
        let moment = match change {
            ClockChange::By(millis) => shown.offset_millis(millis),
            ClockChange::To(moment) => moment,
        };
        self.input(modem, Input::SetClock(moment))
    }

    // ---- service -----------------------------------------------------------------------------

    fn device_profile(&mut self, spec: &ProfileSpec) -> Outcome {
        let mut operator = self.world.operator().ok_or_else(no_service)?;
        let known = operator.device_profile(&spec.uid).map_err(refused)?.is_some();
        if known {
            return operator
                .update_device_profile(&spec.uid, |profile| apply(spec, profile))
                .map_err(refused);
        }
        let mut profile = DeviceProfile::new(spec.uid.clone(), "scenario");
        apply(spec, &mut profile);
        operator.create_device_profile(profile).map_err(refused)
    }

    fn whitelist(&mut self, uid: &str, modem: ModemIndex, listed: bool) -> Outcome {
        let rot = self.rot(modem)?;
        let mut operator = self.world.operator().ok_or_else(no_service)?;
        let done =
            if listed { operator.whitelist_add(uid, &[rot]) } else { operator.whitelist_remove(uid, &[rot]) };
        done.map_err(refused)
    }

    fn operate(&mut self, modem: ModemIndex, operation: &Operation) -> Outcome {
        let rot = self.rot(modem)?;
        let mut operator = self.world.operator().ok_or_else(no_service)?;
        let done = match operation {
            Operation::Feature(feature, enabled) => operator.set_feature(rot, *feature, *enabled),
            Operation::HeartbeatPeriod(period_s) => operator.set_heartbeat_period(rot, *period_s),
            Operation::Plan(plan) => operator.set_plan(rot, *plan),
            Operation::Unblock => operator.unblock(rot),
            Operation::Suspend => operator.suspend(rot),
            Operation::Transfer(domain) => operator.transfer(rot, domain),
            Operation::Forget => operator.forget(rot),
            Operation::NewKeys => operator.ask_for_new_key_set(rot),
        };
        done.map_err(refused)
    }

    fn assert_device(&mut self, modem: ModemIndex, wanted: &[Claim]) -> Outcome {
        let compared = wanted.iter().filter_map(Claim::compared_with);
        let others = compared.map(|other| Ok((other, self.device(other)?)));
        let others: Others = others.collect::<Result<_, Trouble>>()?;
        claims::check(self.device(modem)?.as_deref(), wanted, &others)
    }

    /// What the service knows of a modem; none where it has never heard of it.
    fn device(&mut self, modem: ModemIndex) -> Result<Option<Arc<Device>>, Trouble> {
        let rot = self.rot(modem)?;
        let service = self.world.service().ok_or_else(no_service)?;
        service.store().device(rot).map_err(refused)
    }

    /// Events of contacts that came from this very modem, told by its address; and those that
    /// came from nobody, as an operator's do, about its root of trust.
    fn assert_events(&mut self, modem: ModemIndex, claim: &EventClaim) -> Outcome {
        let id = self.there(modem)?;
        let rot = self.world.rot(id);
        let events = {
            let service = self.world.service().ok_or_else(no_service)?;
            let query = EventQuery { rot: Some(rot), ..EventQuery::default() };
            let found = service.store().events(&query, Window::ALL);
            found.map_err(refused)?.items
        };
        let from_it = |event: &crate::service::Event| match event.peer {
            Some(peer) => self.world.modem_at(peer) == Some(id),
            None => true,
        };
        let own: Vec<_> = events.into_iter().filter(from_it).collect();
        claims::check_events(&own, claim)
    }
}

impl From<PowerSwitch> for Input<'_> {
    fn from(to: PowerSwitch) -> Self {
        match to {
            PowerSwitch::On => Input::PowerOn,
            PowerSwitch::Off => Input::PowerOff,
            PowerSwitch::Cut => Input::PowerCut,
        }
    }
}

fn apply(spec: &ProfileSpec, profile: &mut DeviceProfile) {
    profile.plan = spec.plan.unwrap_or(profile.plan);
    profile.whitelist = spec.whitelist.unwrap_or(profile.whitelist);
    profile.heartbeat_period_s = spec.heartbeat_period_s.unwrap_or(profile.heartbeat_period_s);
    if let Some(features) = &spec.features {
        profile.features.clone_from(features);
    }
    if let Some(domain) = &spec.domain {
        profile.domain.clone_from(domain);
    }
}

fn refused(error: impl std::fmt::Display) -> Trouble {
    Trouble::Refused(error.to_string())
}

fn no_service() -> Trouble {
    Trouble::Refused("the service is cut; `service on` starts it again".to_owned())
}

impl Library for BuiltIn {
    fn profile(&self, name: &str) -> Result<Arc<Profile>, String> {
        Profile::built_in(name).map(Arc::new).ok_or_else(|| {
            let known: Vec<_> = crate::profile::list().map(|(name, _)| name).collect();
            format!("there is no built-in profile {name}; there are {}", known.join(", "))
        })
    }

    fn memory(&self, path: &str) -> Result<Nvm, String> {
        Err(format!("{path}: there are no files here"))
    }
}

impl Condition {
    /// Takes a change; a loss of 0 % ends everything that is wrong.
    pub fn apply(&mut self, change: NetworkChange) {
        match change {
            NetworkChange::Loss(0) => *self = Self::default(),
            NetworkChange::Loss(percent) => self.loss_percent = percent,
            NetworkChange::Drop(count) => self.drop_next = count,
            NetworkChange::Duplicate(count) => self.duplicate_next = count,
            NetworkChange::Reorder => self.reorder = true,
            NetworkChange::Delay(millis) => self.delay_ms = millis,
            NetworkChange::Coverage(_) => {}
        }
    }
}
