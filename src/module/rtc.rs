//! The real-time clock: the "system time" against which limits and heartbeat periods are held.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the clock shows after it was lost, until it is set: 2015-01-01. `designed`
const LOST_EPOCH: Timestamp = Timestamp::from_millis(1_420_070_400_000);

/// The clock as an offset to the emulator's system time, which goes on while the power is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RtcNvm {
    /// Clock minus system time, in milliseconds.
    pub offset_ms: i64,
    /// Local time zone in quarters of an hour east of UTC, as `+CCLK` shows it.
    pub zone_quarters: i8,
    /// The clock was lost with the power and not set since: nothing is due by it.
    pub lost: bool,
}

impl RtcNvm {
    /// What the clock shows at this system time, UTC.
    pub fn at(&self, system: Timestamp) -> Timestamp {
        system.offset_millis(self.offset_ms)
    }

    /// The system time at which the clock will show `moment`.
    pub fn system_at(&self, moment: Timestamp) -> Timestamp {
        moment.offset_millis(self.offset_ms.saturating_neg())
    }

    /// Sets the clock.
    pub fn set(&mut self, moment: Timestamp, system: Timestamp) {
        self.offset_ms = moment.millis_since(system);
        self.lost = false;
    }

    /// The supply failed and the clock had nothing to live on.
    pub fn lose(&mut self, system: Timestamp) {
        self.offset_ms = LOST_EPOCH.millis_since(system);
        self.lost = true;
    }
}
