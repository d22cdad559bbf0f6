//! Power states and functionality (`+CFUN`).

use crate::time::Timestamp;

/// Where the module is between off and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// No supply, or powered off.
    Off,
    /// Powered on, not answering yet.
    Booting,
    /// Answers commands.
    On,
    /// In PSM: silent until it is woken.
    Asleep,
    /// `AT+CPWROFF` was answered, the module still runs.
    ShuttingDown,
    /// A reset was answered, the module still runs.
    Resetting,
}

/// The level of functionality `<fun>` (3GPP 27.007 §8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functionality {
    /// 0: radio off, and what little else there is.
    Minimum,
    /// 1: everything on.
    Full,
    /// 4: radio off.
    Airplane,
}

impl Functionality {
    /// The value `+CFUN` reports.
    pub fn code(self) -> u8 {
        match self {
            Functionality::Minimum => 0,
            Functionality::Full => 1,
            Functionality::Airplane => 4,
        }
    }
}

/// When the parts of a module that need time after power-on are ready, in system time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The module answers commands.
    pub booted: Timestamp,
    /// The SIM answers.
    pub sim: Timestamp,
    /// The root of trust answers.
    pub security: Timestamp,
}
