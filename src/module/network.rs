//! Registration on the network.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::{Profile, Rat, RatFacts};
use crate::time::Timestamp;

/// The one network there is: the test network of ITU-T E.212. `designed`
pub const OPERATOR_NUMERIC: &str = "00101";
/// Its long name. `designed`
pub const OPERATOR_LONG: &str = "vsara test network";
/// Its short name. `designed`
pub const OPERATOR_SHORT: &str = "vsara";
/// The tracking area code of the serving cell. `designed`
pub const TRACKING_AREA: u16 = 0x0001;
/// The serving cell. `designed`
pub const CELL: u32 = 0x01a2_d001;

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
}

/// The radio and the network it is registered on.
#[derive(Clone, Debug)]
pub struct Network {
    /// Whether there is a cell to hear.
    pub coverage: bool,
    /// Whether the module wants to be registered: radio on and not `+COPS=2`.
    pub wanted: bool,
    /// `+COPS` mode: 0 automatic, 2 deregistered.
    pub operator_mode: u8,
    /// How `+COPS?` shows the operator: 0 long, 1 short, 2 numeric.
    pub operator_format: u8,
    /// Registration state.
    pub state: Registration,
    /// When the search ends, in system time.
    pub found_at: Option<Timestamp>,
    /// The technology in use.
    pub rat: Rat,
}

impl NetworkNvm {
    /// From the factory.
    pub fn factory(profile: &Profile) -> Self {
        Self {
            time_zone_update: profile.network.ctzu_default == 1,
            rats: profile.network.rats.iter().map(|facts| facts.rat).collect(),
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
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Registration::Idle => "not registered",
            Registration::Home => "registered, home network",
            Registration::Searching => "searching",
        })
    }
}

impl Network {
    /// Just powered on, radio still off.
    pub fn new(profile: &Profile, nvm: &NetworkNvm, coverage: bool) -> Self {
        let supported = |rat: &&Rat| profile.network.rats.iter().any(|facts| facts.rat == **rat);
        Self {
            coverage,
            wanted: false,
            operator_mode: 0,
            operator_format: 0,
            state: Registration::Idle,
            found_at: None,
            rat: nvm.rats.iter().find(supported).copied().unwrap_or(Rat::LteM),
        }
    }

    /// Whether the module is registered.
    pub fn is_registered(&self) -> bool {
        self.state == Registration::Home
    }

    /// Follows a change of `coverage`, `wanted` or `operator_mode`; returns the new state if it
    /// changed. `search` is how long a search takes, none where it ends at once.
    pub fn settle(&mut self, search: Option<Timestamp>) -> Option<Registration> {
        let before = self.state;
        let searching = self.wanted && self.operator_mode != 2;
        (self.state, self.found_at) = match (searching, self.coverage, before) {
            (false, _, _) => (Registration::Idle, None),
            (true, true, Registration::Home) => (Registration::Home, None),
            (true, true, _) if search.is_none() => (Registration::Home, None),
            (true, true, _) => (Registration::Searching, self.found_at.or(search)),
            (true, false, _) => (Registration::Searching, None),
        };
        (self.state != before).then_some(self.state)
    }

    /// The search has ended, successfully.
    pub fn registered(&mut self) -> Registration {
        self.found_at = None;
        self.state = Registration::Home;
        self.state
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
