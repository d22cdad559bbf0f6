//! Registration on the network.
//!
//! 1. With the radio on, the module searches ([`Registration::Searching`]).
//! 2. It finds the [`Operator`] it was told, or the first it may use, and asks to register.
//! 3. The network takes it ([`Registration::Home`], [`Registration::Roaming`]), or refuses with a
//!    [`Cause`] ([`Registration::Denied`]); the module asks again when it is told to, or finds the
//!    network anew.
//! 4. Without coverage it searches; with the radio off or after `+COPS=2` it does not.

mod cause;
mod operator;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::module::Nvm;
use crate::profile::{Profile, Rat, RatFacts};
use crate::time::Timestamp;

pub use cause::Cause;
pub use operator::{OPERATORS, Operator, Standing};

/// Reference signal received power, in dBm, wherever there is coverage. `designed`
pub const RSRP_DBM: i16 = -86;
/// Reference signal received quality, in dB. `designed`
pub const RSRQ_DB: i16 = -14;
/// Received signal strength, in dBm. `designed`
pub const RSSI_DBM: i16 = -73;
/// How long the radio connection outlasts the last datagram. `designed`
pub const INACTIVITY_MS: i64 = 10_000;

/// Network settings that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkNvm {
    /// `+CTZU`: whether the network sets the clock.
    pub time_zone_update: bool,
    /// `+URAT`: technologies in order of preference; the first is in use after the next boot.
    pub rats: Vec<Rat>,
}

/// Registration state `<stat>` (3GPP 27.007 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// 0: not registered, not searching.
    Idle,
    /// 1: registered, home network.
    Home,
    /// 2: not registered, searching.
    Searching,
    /// 3: the network refused.
    Denied,
    /// 5: registered, roaming.
    Roaming,
}

/// The radio and the network it is registered on.
#[derive(Clone, Debug)]
pub struct Network {
    /// Whether there is a cell to hear.
    pub coverage: bool,
    /// The networks that have cells here.
    pub around: Vec<&'static Operator>,
    /// Whether the module wants to be registered: radio on and not `+COPS=2`.
    pub wanted: bool,
    /// `+COPS` mode: 0 automatic, 1 by hand, 2 deregistered, 4 by hand and else automatic.
    pub operator_mode: u8,
    /// The network chosen by hand.
    pub chosen: Option<&'static Operator>,
    /// How `+COPS?` shows the operator: 0 long, 1 short, 2 numeric.
    pub operator_format: u8,
    /// Registration state.
    pub state: Registration,
    /// The network it is registered on.
    pub serving: Option<&'static Operator>,
    /// The network it last asked to register.
    pub asked: Option<&'static Operator>,
    /// When the search ends, in system time.
    pub found_at: Option<Timestamp>,
    /// Whether to ask once more a network that refused.
    pub retry: bool,
    /// Why the network last said no, the outermost cause first (`+CEER`).
    pub causes: Vec<Cause>,
    /// When the radio connection (RRC) is released, in system time; none while there is none.
    pub connected_until: Option<Timestamp>,
    /// The technology in use.
    pub rat: Rat,
}

impl NetworkNvm {
    /// From the factory.
    pub fn factory(profile: &Profile) -> Self {
        Self {
            time_zone_update: profile.network.ctzu_default == 1,
            rats: profile
                .network
                .rats
                .iter()
                .take(profile.network.rats_at_once)
                .map(|facts| facts.rat)
                .collect(),
        }
    }
}

impl Registration {
    /// `<stat>`.
    pub fn code(self) -> u8 {
        match self {
            Registration::Idle => 0,
            Registration::Home => 1,
            Registration::Searching => 2,
            Registration::Denied => 3,
            Registration::Roaming => 5,
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Registration::Idle => "not registered",
            Registration::Home => "registered, home network",
            Registration::Searching => "searching",
            Registration::Denied => "denied",
            Registration::Roaming => "registered, roaming",
        })
    }
}

impl Network {
    /// Just powered on, radio still off.
    pub fn new(profile: &Profile, nvm: &Nvm, coverage: bool, around: Vec<&'static Operator>) -> Self {
        let deregistered = nvm.stored_profile.as_ref().is_some_and(|stored| stored.interface.deregistered);
        let supported = |rat: &&Rat| profile.network.rats.iter().any(|facts| facts.rat == **rat);
        Self {
            coverage,
            around,
            wanted: false,
            operator_mode: if deregistered { 2 } else { 0 },
            chosen: None,
            operator_format: 0,
            state: Registration::Idle,
            serving: None,
            asked: None,
            found_at: None,
            retry: false,
            causes: Vec::new(),
            connected_until: None,
            rat: nvm.network.rats.iter().find(supported).copied().unwrap_or(Rat::LteM),
        }
    }

    /// Whether the module is registered.
    pub fn is_registered(&self) -> bool {
        self.serving.is_some()
    }

    /// Whether the module has found a cell, of whatever network: then it knows how well it hears it.
    pub fn has_cell(&self) -> bool {
        matches!(self.state, Registration::Home | Registration::Roaming | Registration::Denied)
    }

    /// The networks to hear, in any technology.
    pub fn audible(&self) -> impl Iterator<Item = &'static Operator> {
        OPERATORS.iter().filter(|operator| self.coverage && self.around.contains(operator))
    }

    /// The networks to hear in the technology in use.
    pub fn heard(&self) -> impl Iterator<Item = &'static Operator> {
        self.audible().filter(|operator| operator.rats.contains(&self.rat))
    }

    /// Where the module registers, or would: closed networks only where there is nothing else.
    fn target(&self) -> Option<&'static Operator> {
        let open = |operator: &&Operator| operator.standing != Standing::Forbidden;
        let chosen = self.chosen.filter(|chosen| self.heard().any(|heard| heard == *chosen));
        let automatic = || self.heard().find(open).or_else(|| self.heard().next());
        match self.operator_mode {
            1 => chosen,
            4 => chosen.filter(open).or_else(automatic),
            _ => automatic(),
        }
    }

    /// Follows a change of what it depends on; returns the new state if it changed. `search` is
    /// when a search that begins now ends, none where it ends at once; `refusal` is what the
    /// network has against the default context.
    pub fn settle(&mut self, search: Option<Timestamp>, refusal: Option<Cause>) -> Option<Registration> {
        let before = self.state;
        let retry = std::mem::take(&mut self.retry);
        let target = self.target();
        let stays = match before {
            Registration::Home | Registration::Roaming => self.serving == target,
            Registration::Denied => self.asked == target && !retry,
            Registration::Idle | Registration::Searching => false,
        };
        match (self.wanted && self.operator_mode != 2, target, search) {
            (false, ..) => self.enter(Registration::Idle, None),
            (true, None, _) => self.enter(Registration::Searching, None),
            (true, Some(_), _) if stays => self.found_at = None,
            (true, Some(target), None) => self.ask(target, refusal),
            (true, Some(_), Some(_)) => {
                let found_at = self.found_at.or(search);
                self.enter(Registration::Searching, None);
                self.found_at = found_at;
            }
        }
        (self.state != before).then_some(self.state)
    }

    /// The search has ended.
    pub fn finish_search(&mut self, refusal: Option<Cause>) -> Registration {
        match self.target() {
            Some(target) => self.ask(target, refusal),
            None => self.enter(Registration::Searching, None),
        }
        self.state
    }

    /// Asks a network to register. A default context that is refused fails the attach, which in
    /// LTE is the registration; in GSM they are two things.
    fn ask(&mut self, target: &'static Operator, refusal: Option<Cause>) {
        self.asked = Some(target);
        let refusal = refusal.filter(|_| self.rat != Rat::Gsm);
        self.causes = match (target.standing, refusal) {
            (Standing::Forbidden, _) => vec![Cause::PLMN_NOT_ALLOWED],
            (_, Some(cause)) => vec![Cause::ESM_FAILURE, cause],
            (_, None) => Vec::new(),
        };
        match target.standing {
            _ if !self.causes.is_empty() => self.enter(Registration::Denied, None),
            Standing::Home => self.enter(Registration::Home, Some(target)),
            Standing::Partner | Standing::Forbidden => self.enter(Registration::Roaming, Some(target)),
        }
    }

    fn enter(&mut self, state: Registration, serving: Option<&'static Operator>) {
        self.state = state;
        self.serving = serving;
        self.found_at = None;
    }

    /// What the profile says of the technology in use.
    pub fn rat_facts<'a>(&self, profile: &'a Profile) -> Option<&'a RatFacts> {
        profile.network.rats.iter().find(|facts| facts.rat == self.rat)
    }
}

impl Rat {
    /// `<AcT>` (3GPP 27.007 §7.3): 7 E-UTRAN, 9 E-UTRAN (NB-S1 mode), 0 GSM.
    pub fn access_technology(self) -> u8 {
        match self {
            Rat::LteM => 7,
            Rat::NbIot => 9,
            Rat::Gsm => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha12Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::module::factory::new_module;
    use crate::protocol::keys::{MasterKey, RotUid};

    fn step() -> impl Strategy<Value = (u8, u8, bool)> {
        (0..6u8, 0..5u8, any::<bool>())
    }

    proptest! {
        #[test]
        fn a_module_is_registered_where_it_hears_and_may(steps in prop::collection::vec(step(), 0..40)) {
            let profile = Profile::built_in("sara-r510s").expect("a built-in profile");
            let mut random = ChaCha12Rng::seed_from_u64(1);
            let nvm = new_module(&profile, RotUid([1; 8]), &MasterKey::development(), &mut random);
            let mut network = Network::new(&profile, &nvm, true, OPERATORS.iter().collect());
            for (what, mode, yes) in steps {
                let later = yes.then_some(Timestamp::from_millis(1));
                let refusal = (mode == 4 && yes).then_some(Cause::UNKNOWN_APN);
                match what {
                    0 => network.coverage = yes,
                    1 => network.wanted = yes,
                    2 => (network.operator_mode, network.chosen) = (mode, OPERATORS.get(usize::from(mode))),
                    3 => network.retry = yes,
                    4 => network.around = OPERATORS.iter().skip(usize::from(mode)).collect(),
                    _ if network.found_at.is_some() => drop(network.finish_search(refusal)),
                    _ => {}
                }
                network.settle(later, refusal);
                let registered = matches!(network.state, Registration::Home | Registration::Roaming);
                prop_assert_eq!(registered, network.is_registered());
                prop_assert!(network.serving.is_none_or(|serving| network.heard().any(|heard| heard == serving)));
                prop_assert!(network.serving.is_none_or(|serving| serving.standing != Standing::Forbidden));
                prop_assert!(!registered || (network.wanted && network.operator_mode != 2));
                prop_assert!(network.found_at.is_none() || network.state == Registration::Searching);
                prop_assert_eq!(network.state == Registration::Idle, !network.wanted || network.operator_mode == 2);
            }
        }
    }
}
