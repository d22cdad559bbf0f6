//! [`Stage`]: a world in memory on which a script is played, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::modem::{Input, PortId};
use crate::module::Nvm;
use crate::profile::Profile;
use crate::scenario::claims::{self, Others};
use crate::scenario::player::{Next, Outcome, Player, Problem, Trouble};
use crate::scenario::script::{
    Act, Aftermath, Claim, ClockChange, ModemIndex, ModemSource, ModemSpec, NetworkChange, PortRef,
    PowerSwitch, Script,
};
use crate::scenario::service_acts;
use crate::scenario::sweep::PlannedFault;
use crate::scenario::world::Counts;
use crate::scenario::{Condition, ModemId, World, WorldOptions};
use crate::service::store::Store;
use crate::time::Now;

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
    /// The memory of a module of this profile, by its file.
    ///
    /// # Errors
    /// In plain words, why it cannot be used.
    fn memory(&self, path: &str, profile: &str) -> Result<Nvm, String>;
}

/// Built-in profiles, and no files.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

/// How long a module that a fault of a sweep cut off stays without power, in milliseconds.
/// `designed`
const WITHOUT_POWER_MS: i64 = 60_000;

/// A world and the modems a script made in it.
pub struct Stage<'l> {
    world: World,
    modems: Vec<ModemId>,
    library: &'l dyn Library,
    /// A fault that is placed as soon as its modem is there.
    planned: Option<PlannedFault>,
    /// Faults after which power comes back, with their numbers at their modems.
    recoverable: Vec<(ModemIndex, usize)>,
    /// What had happened on each modem when each statement began, by its line.
    marks: Vec<(usize, Vec<Counts>)>,
    /// The statements that placed faults, with the number of the fault at its modem.
    placed: Vec<(usize, ModemId, usize)>,
    /// The same for faults of serial lines: which port, and the number there.
    ordered: Vec<(usize, ModemId, (PortId, u32))>,
    /// Silences of the service, with how much it had not heard before each.
    silences: Vec<(usize, u64)>,
    profiles: BTreeMap<String, Arc<Profile>>,
}

impl<'l> Stage<'l> {
    /// An empty world.
    pub fn new(seed: u64, library: &'l dyn Library) -> Self {
        Self {
            world: World::new(seed),
            modems: Vec::new(),
            library,
            planned: None,
            recoverable: Vec::new(),
            marks: Vec::new(),
            placed: Vec::new(),
            ordered: Vec::new(),
            silences: Vec::new(),
            profiles: BTreeMap::new(),
        }
    }

    /// Places one fault of a sweep as soon as its modem is made. Where it cuts the power, that comes
    /// back after a minute, and the player does what a host program does then.
    pub fn plan(&mut self, fault: PlannedFault) {
        self.planned = Some(fault);
    }

    /// What had happened on each modem when each statement began, by its line.
    pub fn marks(&self) -> &[(usize, Vec<Counts>)] {
        &self.marks
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
            self.restore_power(&mut player);
            self.mark(&player);
            match player.next(self.world.now()) {
                Next::Send(port, bytes) => self.send(port, &bytes),
                Next::Act(act) => {
                    let line = player.statement().map_or(0, |statement| statement.line);
                    let outcome = self.act(&act.resolved(player.variables()), line, script);
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

    /// After a recoverable fault cut a module off: power again, and the host program goes on.
    fn restore_power(&mut self, player: &mut Player<'_>) {
        let struck = |&(index, number): &(ModemIndex, usize)| {
            self.modem(index).is_some_and(|modem| self.world.has_struck(modem, number))
        };
        let Some(at) = self.recoverable.iter().position(struck) else { return };
        let (index, _) = self.recoverable.swap_remove(at);
        let Some(modem) = self.modem(index) else { return };
        self.world.run_for(WITHOUT_POWER_MS);
        self.world.input(modem, Input::PowerOn);
        let end = self.world.now().offset_millis(WITHOUT_POWER_MS);
        self.world.run_while(end, |world| !world.answers(modem));
        self.listen(player);
        player.recover(index);
    }

    fn mark(&mut self, player: &Player<'_>) {
        let Some(line) = player.statement().map(|statement| statement.line) else { return };
        if self.marks.last().is_none_or(|(last, _)| *last != line) {
            self.marks.push((line, self.modems.iter().map(|modem| self.world.counts(*modem)).collect()));
        }
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
        if !player.has_passed() {
            return;
        }
        let placed = self.placed.iter().find(|(_, modem, number)| !self.world.has_struck(*modem, *number));
        // A fault of all lines of a modem has struck once it has on one of them.
        let waits = |(line, modem, _): &&(usize, ModemId, (PortId, u32))| {
            let mut same = self.ordered.iter().filter(|(other, ..)| other == line);
            same.all(|(.., (port, number))| self.world.line_fault_waits(*modem, *port, *number))
        };
        let ordered = self.ordered.iter().find(waits).map(|(line, ..)| *line);
        let silence = self.silences.iter().find(|(_, before)| self.world.unheard() == *before);
        let silence = silence.map(|(line, _)| *line);
        if let Some(line) = placed.map(|(line, ..)| *line).or(ordered).or(silence) {
            player.fail_at(Some(line), Problem::NeverStruck, self.world.now());
        }
    }

    fn send(&mut self, port: PortRef, bytes: &[u8]) {
        if let Some(modem) = self.modem(port.modem) {
            self.world.input(modem, Input::Serial { port: PortId(port.port), bytes });
        }
    }

    fn act(&mut self, act: &Act, line: usize, script: &Script) -> Outcome {
        match act {
            Act::Modem(index, spec) => self.add(*index, spec, script)?,
            Act::Service(true) => self.world.start_service(),
            Act::Service(false) => self.world.cut_service(),
            Act::ServiceSilent(millis) => {
                self.silences.push((line, self.world.unheard()));
                self.world.silence_service(*millis);
            }
            Act::Power(modem, to) => self.input(*modem, Input::from(*to))?,
            Act::Reset(modem) => self.input(*modem, Input::Reset)?,
            Act::Network(modem, change) => self.network(*modem, *change)?,
            Act::Clock(modem, change) => self.clock(*modem, *change)?,
            Act::Fault(index, point, strike, aftermath) => {
                let modem = self.there(*index)?;
                let number = self.world.place(modem, *point, *strike);
                self.placed.push((line, modem, number));
                if *aftermath == Aftermath::Recovers {
                    self.recoverable.push((*index, number));
                }
            }
            Act::Line(modem, fault) => {
                let modem = self.there(*modem)?;
                for number in self.world.order_line_fault(modem, *fault) {
                    self.ordered.push((line, modem, number));
                }
            }
            Act::FactoryReset(modem) => self.factory_reset(*modem)?,
            Act::DeviceProfile(_)
            | Act::Whitelist { .. }
            | Act::Operate(..)
            | Act::AssertDevice(..)
            | Act::AssertEvents(..)
            | Act::AssertKey(..) => self.act_on_service(act)?,
        }
        Ok(())
    }

    // ---- modems ------------------------------------------------------------------------------

    fn there(&self, modem: ModemIndex) -> Result<ModemId, Trouble> {
        self.modem(modem).ok_or_else(|| Trouble::Refused("that modem is not there yet".to_owned()))
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
                let nvm = self.library.memory(path, profile).map_err(Trouble::Refused)?;
                let profile = self.profile(profile)?;
                (self.world.add_modem_with_ports(&profile, options, nvm, spec.ports), spec.on)
            }
        };
        self.modems.push(modem);
        if let Some(fault) = self.planned.filter(|fault| fault.modem == index) {
            let number = self.world.place(modem, fault.point, fault.strike);
            if fault.strike.is_cut() {
                self.recoverable.push((index, number));
            }
        }
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
        self.input(modem, Input::SetClock(change.of(shown)))
    }

    // ---- service -----------------------------------------------------------------------------

    /// What happens on the service, or is asserted of it.
    fn act_on_service(&mut self, act: &Act) -> Outcome {
        let modem = act.modem().map(|modem| self.there(modem)).transpose()?;
        let rot = modem.map(|modem| self.world.rot(modem));
        let now = Now::both(self.world.now());
        // Events of contacts that came from this very modem, told by its address; and those that
        // came from nobody, as an operator's do.
        if let Act::AssertEvents(_, claim) = act {
            let events = match rot {
                Some(rot) => service_acts::events(self.world.service().ok_or_else(no_service)?, rot)?,
                None => Vec::new(),
            };
            let own: Vec<_> = events
                .into_iter()
                .filter(|event| event.peer.is_none_or(|peer| self.world.modem_at(peer) == modem))
                .collect();
            return claims::check_events(&own, claim);
        }
        let others = self.compared_with(act)?;
        service_acts::perform(self.world.service().ok_or_else(no_service)?, act, rot, &others, now)
    }

    /// What the service knows of the modems that an assertion compares with.
    fn compared_with(&mut self, act: &Act) -> Result<Others, Trouble> {
        let Act::AssertDevice(_, wanted) = act else { return Ok(Others::new()) };
        let compared = wanted.iter().filter_map(Claim::compared_with);
        let devices = compared.map(|other| {
            let rot = self.world.rot(self.there(other)?);
            let service = self.world.service().ok_or_else(no_service)?;
            let device = service.store().device(rot);
            Ok((other, device.map_err(|error| Trouble::Refused(error.to_string()))?))
        });
        devices.collect()
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

    fn memory(&self, path: &str, _: &str) -> Result<Nvm, String> {
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
