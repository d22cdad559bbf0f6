//! [`Module`]: the state machine that joins power, network, packet and security.

use std::collections::VecDeque;
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

use crate::module::configuration::InForce;
use crate::module::event::Event;
use crate::module::network::{Network, OPERATORS};
use crate::module::nvm::Nvm;
use crate::module::packet::Packet;
use crate::module::power::{Functionality, Power, Readiness};
use crate::module::power_saving::PowerSaving;
use crate::module::radio::{Direction, Radio};
use crate::module::security::{Failure, Purpose, Security};
use crate::module::sim::SimState;
use crate::profile::Profile;
use crate::time::{Now, Timestamp, Wakeup, earlier};

/// A conversation over UDP: one DTLS session, one local port. Numbers are never used twice while
/// the module object lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(pub u32);

/// The IP version of the data connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

/// Whether the module takes the time a real one takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// No artificial boot, registration and response latency.
    #[default]
    Fast,
    /// The profile's.
    Module,
}

/// How a module is run; nothing here is a fact about its type.
#[derive(Clone, Debug)]
pub struct ModuleOptions {
    /// Latencies.
    pub timing: Timing,
    /// IP version of the data connection.
    pub ip: IpVersion,
    /// Whether the security service's name resolves.
    pub service_resolves: bool,
    /// Makes jitter reproducible.
    pub seed: u64,
    /// Source of the nonces: seeded by the operating system, in a scenario from one generator a
    /// module, which is never copied.
    pub entropy: ChaCha12Rng,
    /// Makes DTLS sessions reproducible; in scenarios only.
    pub session_seed: Option<u64>,
}

/// What a module wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To be on disk, in both copies, before anything that follows leaves.
    Nvm(Box<Nvm>),
    /// A datagram for the security service.
    Datagram {
        /// From which local port.
        flow: Flow,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// For URCs, log and trace.
    Event(Event),
}

/// A cellular module.
#[derive(Debug)]
pub struct Module {
    pub(in crate::module) profile: Arc<Profile>,
    pub(in crate::module) nvm: Nvm,
    pub(in crate::module) power: Power,
    pub(in crate::module) functionality: Functionality,
    pub(in crate::module) readiness: Option<Readiness>,
    pub(in crate::module) network: Network,
    pub(in crate::module) packet: Packet,
    pub(in crate::module) security: Security,
    pub(in crate::module) in_force: InForce,
    pub(in crate::module) power_saving: PowerSaving,
    pub(in crate::module) levels: crate::module::gpio::Levels,
    /// The PIN was given since power-on.
    pub(in crate::module) pin_given: bool,
    pub(in crate::module) radio: Radio,
    pub(in crate::module) timing: Timing,
    pub(in crate::module) ip: IpVersion,
    pub(in crate::module) service_resolves: bool,
    pub(in crate::module) entropy: ChaCha12Rng,
    pub(in crate::module) jitter: ChaCha12Rng,
    pub(in crate::module) flows: u32,
    /// The latest system time seen.
    pub(in crate::module) seen: Timestamp,
    pub(in crate::module) output: VecDeque<Output>,
    session_seed: Option<u64>,
    pub(in crate::module) connected: bool,
    supply_lost: bool,
    off_at: Option<Timestamp>,
}

impl Module {
    /// A module with this memory, powered off.
    pub fn new(profile: Arc<Profile>, nvm: Nvm, options: ModuleOptions, now: Now) -> Self {
        let packet = Packet::new(&nvm.packet);
        Self {
            network: Network::new(&profile, &nvm, true, OPERATORS.iter().collect()),
            profile,
            nvm,
            power: Power::Off,
            functionality: Functionality::Full,
            readiness: None,
            packet,
            security: Security::default(),
            in_force: InForce::default(),
            power_saving: PowerSaving::default(),
            levels: Default::default(),
            pin_given: false,
            radio: Radio::default(),
            timing: options.timing,
            ip: options.ip,
            service_resolves: options.service_resolves,
            entropy: options.entropy,
            jitter: ChaCha12Rng::seed_from_u64(options.seed),
            flows: 0,
            seen: now.system,
            output: VecDeque::new(),
            session_seed: options.session_seed,
            connected: false,
            supply_lost: true,
            off_at: None,
        }
    }

    // ---- what it is -------------------------------------------------------------------------

    /// Facts about its type.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Its memory.
    pub fn nvm(&self) -> &Nvm {
        &self.nvm
    }

    /// Its power state.
    pub fn power(&self) -> Power {
        self.power
    }

    /// `+CFUN`.
    pub fn functionality(&self) -> Functionality {
        self.functionality
    }

    /// Registration.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Packet domain.
    pub fn packet(&self) -> &Packet {
        &self.packet
    }

    /// Security state in RAM.
    pub fn security(&self) -> &Security {
        &self.security
    }

    /// Whether it takes the profile's time.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// The IP version of its data connection.
    pub fn ip(&self) -> IpVersion {
        self.ip
    }

    /// Whether datagrams can pass.
    pub fn is_connected(&self) -> bool {
        self.power == Power::On && self.packet.is_connected()
    }

    /// When the module answers commands, or began to; none while it is off or asleep.
    pub fn booted_at(&self) -> Option<Timestamp> {
        self.readiness.map(|ready| ready.booted)
    }

    /// Whether the SIM answers.
    pub fn is_sim_ready(&self, now: Now) -> bool {
        self.readiness.is_some_and(|ready| ready.sim <= now.system)
    }

    /// Whether the root of trust answers.
    pub fn is_security_ready(&self, now: Now) -> bool {
        self.readiness.is_some_and(|ready| ready.security <= now.system)
    }

    // ---- power ------------------------------------------------------------------------------

    /// The supply is there and PWR_ON was pulsed.
    pub fn power_on(&mut self, now: Now) {
        self.see(now);
        if self.power == Power::Asleep {
            return self.wake(now);
        }
        if self.power != Power::Off {
            return;
        }
        if std::mem::take(&mut self.supply_lost) && !self.profile.power.rtc_survives_power_loss {
            self.lose_clock(now);
        }
        self.boot(self.profile.power.boot_ms, now);
    }

    /// Begins to boot; the parts of the module are ready one after the other.
    pub(in crate::module) fn boot(&mut self, boot_ms: u32, now: Now) {
        self.load_configuration();
        let facts = &self.profile.power;
        let delay = |ms: u32| if self.timing == Timing::Module { i64::from(ms) } else { 0 };
        let booted = now.system.offset_millis(delay(boot_ms));
        self.readiness = Some(Readiness {
            booted,
            sim: booted.offset_millis(delay(facts.sim_ready_ms)),
            security: booted.offset_millis(delay(facts.security_ready_ms)),
        });
        self.power = Power::Booting;
        self.handle_timeout(now);
    }

    /// Power loss at this instant: everything in RAM is gone, and so is what was not yet written.
    pub fn power_cut(&mut self, now: Now) {
        self.see(now);
        self.supply_lost = true;
        self.output.clear();
        self.lose_ram();
    }

    /// What is on the disk of a module that is off, where that is not what it believed.
    pub fn load(&mut self, nvm: Nvm) {
        if self.power == Power::Off {
            self.nvm = nvm;
            self.lose_ram();
        }
    }

    /// `AT+CPWROFF`, or PWR_ON held: an orderly power-off.
    pub fn request_power_off(&mut self, now: Now) {
        self.leave(Power::ShuttingDown, now);
    }

    /// `AT+CFUN=10`: off at once.
    pub fn request_fast_power_off(&mut self, now: Now) {
        self.leave(Power::ShuttingDown, now);
        self.off_at = self.off_at.map(|_| now.system);
    }

    /// `AT+CFUN=15` or `16`: off and on again.
    pub fn request_reset(&mut self, now: Now) {
        self.leave(Power::Resetting, now);
    }

    /// RESET_N: off at this instant, without a word to the network, and on again; some forget the
    /// time. Source: system integration manual UBX-16029218 R20, p. 30.
    pub fn pull_reset(&mut self, now: Now) {
        self.see(now);
        if self.power == Power::Off {
            return;
        }
        self.note(Event::PoweredOff { restart: true });
        self.lose_ram();
        if !self.profile.power.rtc_survives_reset_pin {
            self.lose_clock(now);
        }
        self.boot(self.profile.power.reset_ms, now);
    }

    fn lose_clock(&mut self, now: Now) {
        self.nvm.rtc.lose(now.system);
        self.save();
    }

    /// `AT+CFUN=0`, `1`, `4`.
    pub fn request_functionality(&mut self, level: Functionality, now: Now) {
        self.functionality = level;
        self.follow_functionality(now);
    }

    /// The radio is on at full functionality, with a SIM that is ready.
    pub(in crate::module) fn follow_functionality(&mut self, now: Now) {
        let full = self.functionality == Functionality::Full;
        self.network.wanted = full && self.sim_state() == SimState::Ready;
        self.settle(now);
    }

    fn leave(&mut self, towards: Power, now: Now) {
        if self.power == Power::Off {
            return;
        }
        let delay_ms = match (self.timing, towards) {
            (Timing::Module, Power::ShuttingDown) => self.profile.power.power_off_ms,
            _ => 0,
        };
        self.power = towards;
        self.off_at = Some(now.system.offset_millis(i64::from(delay_ms)));
        self.network.wanted = false;
        self.settle(now);
    }

    pub(in crate::module) fn lose_ram(&mut self) {
        self.power = Power::Off;
        self.functionality = Functionality::Full;
        self.readiness = None;
        let around = std::mem::take(&mut self.network.around);
        self.network = Network::new(&self.profile, &self.nvm, self.network.coverage, around);
        self.packet = Packet::new(&self.nvm.packet);
        self.security = Security { demands: self.security.demands, ..Security::default() };
        self.power_saving = PowerSaving::default();
        self.levels.clear();
        self.pin_given = false;
        self.radio.clear();
        self.connected = false;
        self.off_at = None;
    }

    // ---- settings that are kept -------------------------------------------------------------

    /// Changes what is kept, and writes it before anything that follows leaves.
    pub fn change_settings(&mut self, change: impl FnOnce(&mut Nvm)) {
        change(&mut self.nvm);
        self.save();
    }

    /// Sets the real-time clock.
    pub fn set_clock(&mut self, moment: Timestamp, zone_quarters: Option<i8>, now: Now) {
        self.see(now);
        self.change_settings(|nvm| {
            nvm.rtc.set(moment, now.system);
            nvm.rtc.zone_quarters = zone_quarters.unwrap_or(nvm.rtc.zone_quarters);
        });
        self.note(Event::ClockSet(moment));
        self.begin_due_contact(now);
    }

    // ---- datagrams and time -----------------------------------------------------------------

    /// A datagram of the service arrived at the network's side of the radio.
    pub fn handle_datagram(&mut self, flow: Flow, bytes: &[u8], now: Now) {
        self.see(now);
        self.note_contact(now);
        if !self.is_connected() {
            return;
        }
        self.count_datagram(Direction::Down, bytes.len(), now);
        match self.radio_facts() {
            None => self.contact_datagram(flow, bytes, now),
            Some(facts) => {
                let facts = facts.clone();
                self.radio.send(Direction::Down, &facts, flow, bytes.to_vec(), now.steady);
            }
        }
    }

    /// The name of the service did not resolve for this flow.
    pub fn handle_unresolved(&mut self, flow: Flow, now: Now) {
        self.see(now);
        self.contact_unresolved(flow, now);
    }

    /// A deadline of [`Module::next_timeout`] may have been reached. Calls too many are harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.see(now);
        self.wake_if_due(now);
        self.note_contact(now);
        self.boot_if_due(now);
        self.leave_if_due(now);
        self.search_if_due(now);
        self.release_radio_if_due(now);
        while let Some((flow, bytes)) = self.radio.poll(Direction::Up, now.steady) {
            self.output.push_back(Output::Datagram { flow, bytes });
        }
        while let Some((flow, bytes)) = self.radio.poll(Direction::Down, now.steady) {
            self.contact_datagram(flow, &bytes, now);
        }
        self.contact_timeout(now);
        self.abort_demand_if_due(now);
        self.begin_due_contact(now);
        self.sleep_if_due(now);
    }

    /// When to call [`Module::handle_timeout`] next.
    pub fn next_timeout(&self) -> Wakeup {
        let transport = self.security.contact.as_ref().and_then(|contact| contact.next_timeout());
        let steady = earlier(transport, self.radio.next_timeout());
        let booting = self.booted_at().filter(|_| self.power == Power::Booting);
        let deadlines = [
            booting,
            self.off_at,
            self.network.found_at,
            self.network.connected_until,
            self.security.demand.as_ref().map(|demand| demand.deadline),
            self.next_contact_at(),
            self.sleep_at(),
            self.power_saving.wake_at,
        ];
        Wakeup { steady, system: deadlines.into_iter().flatten().min() }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    fn boot_if_due(&mut self, now: Now) {
        if self.power == Power::Booting && self.readiness.is_some_and(|ready| ready.booted <= now.system) {
            self.power = Power::On;
            self.load_power_saving(now);
            self.note(Event::Booted);
            if std::mem::take(&mut self.power_saving.woken) {
                self.note(Event::PowerSaving(false));
            }
            self.request_functionality(Functionality::Full, now);
        }
    }

    fn leave_if_due(&mut self, now: Now) {
        if self.off_at.is_none_or(|at| at > now.system) {
            return;
        }
        let restart = self.power == Power::Resetting;
        self.note(Event::PoweredOff { restart });
        self.lose_ram();
        if restart {
            self.boot(self.profile.power.reset_ms, now);
        }
    }

    fn abort_demand_if_due(&mut self, now: Now) {
        if self.security.demand.as_ref().is_none_or(|demand| demand.deadline > now.system) {
            return;
        }
        self.end_demand(Err(Failure::Timeout));
        let purpose = self.security.contact.as_ref().map(|contact| contact.purpose());
        if matches!(purpose, Some(Purpose::Heartbeat | Purpose::Report)) {
            self.fail_contact(Failure::Timeout, now);
        }
    }

    /// Hands a datagram to the link.
    pub(in crate::module) fn transmit(&mut self, flow: Flow, bytes: Vec<u8>, now: Now) {
        self.count_datagram(Direction::Up, bytes.len(), now);
        match self.radio_facts() {
            None => self.output.push_back(Output::Datagram { flow, bytes }),
            Some(facts) => {
                let facts = facts.clone();
                self.radio.send(Direction::Up, &facts, flow, bytes, now.steady);
            }
        }
    }

    fn radio_facts(&self) -> Option<&crate::profile::RatFacts> {
        if self.timing == Timing::Fast { None } else { self.network.rat_facts(&self.profile) }
    }

    pub(in crate::module) fn session_seed(&self) -> Option<u64> {
        self.session_seed.map(|seed| seed.wrapping_add(u64::from(self.flows)))
    }

    pub(in crate::module) fn note(&mut self, event: Event) {
        self.output.push_back(Output::Event(event));
    }

    pub(in crate::module) fn see(&mut self, now: Now) {
        self.seen = now.system;
    }
}
