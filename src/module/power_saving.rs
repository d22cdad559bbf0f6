//! Power saving mode (PSM, 3GPP 23.682 §4.5.4) in system time; eDRX is only kept.
//!
//! 1. With PSM on, a registered module stays awake for its Active Time (T3324) after the last
//!    contact, and for six seconds after the last character on a port.
//! 2. Then it is [`Power::Asleep`]: it answers nothing, and everything in RAM is gone.
//! 3. It wakes by PWR_ON, or when its periodic tracking area update (T3412) is due, boots, and
//!    begins anew.

use serde::{Deserialize, Serialize};

use crate::module::power::Power;
use crate::module::{Event, Module};
use crate::profile::Rat;
use crate::time::{Now, Timestamp};

/// Requested periodic TAU from the factory. Source: AT manual UBX-17003787 R16, p. 184.
const PERIODIC_TAU: TimerBits = TimerBits(0b0001_1000);
/// Requested Active Time from the factory. Source: AT manual UBX-17003787 R16, p. 184.
const ACTIVE_TIME: TimerBits = TimerBits(0b0000_1010);
/// No sleep so soon after the last character. Source: driver, the fixed timeout of `+UPSV=4`.
const AWAKE_AFTER_INPUT_MS: i64 = 6000;
/// Shortest sleep, whatever T3412 says. `designed`
const SLEEP_MIN_MS: i64 = 10_000;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PowerSavingNvm {
    /// `+CPSMS`.
    pub psm: Psm,
    /// `+UPSMR`: whether URCs tell of PSM.
    pub psm_report: bool,
    /// `+UPSMVER`.
    pub psm_version: u8,
    /// `+CEDRXS`, one entry a technology that ever had it on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edrx: Vec<Edrx>,
}

/// A request for PSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Psm {
    /// Whether PSM is asked for.
    pub on: bool,
    /// T3412 extended, as GPRS timer 3 (3GPP 24.008 §10.5.7.4a).
    pub periodic_tau: TimerBits,
    /// T3324, as GPRS timer 2 (§10.5.7.3).
    pub active_time: TimerBits,
}

/// A request for eDRX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edrx {
    /// For which technology.
    pub rat: Rat,
    /// `<mode>`: 0 off, 1 on, 2 on with URC.
    pub mode: u8,
    /// Requested cycle, 4 bits (3GPP 24.008 §10.5.5.32).
    pub cycle: u8,
    /// Requested paging time window, 4 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u8>,
}

impl PowerSavingNvm {
    /// PSM and eDRX on, with the timers there are.
    pub fn switch_on(&mut self, rat: Rat) {
        self.psm.on = true;
        let edrx = Edrx { mode: 1, ..self.edrx(rat).unwrap_or(Edrx::factory(rat)) };
        self.set_edrx(edrx);
    }

    /// eDRX of a technology, if it ever had it on.
    pub fn edrx(&self, rat: Rat) -> Option<Edrx> {
        self.edrx.iter().find(|edrx| edrx.rat == rat).copied()
    }

    /// Changes eDRX of a technology.
    pub fn set_edrx(&mut self, edrx: Edrx) {
        self.edrx.retain(|other| other.rat != edrx.rat);
        self.edrx.push(edrx);
    }
}

impl Edrx {
    /// Off, with the shortest cycle of LTE-M and NB-IoT, 20.48 s. `designed`
    pub fn factory(rat: Rat) -> Self {
        Self { rat, mode: 0, cycle: 0b0010, window: None }
    }

    /// Whether it is asked for.
    pub fn is_on(self) -> bool {
        self.mode > 0
    }
}

/// A timer of 3GPP 24.008: three bits of unit, five of value. Shown as eight binary digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerBits(pub u8);

/// PSM in RAM.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerSaving {
    /// The request in use since boot.
    pub psm: Option<Psm>,
    /// Since when nothing was to do.
    pub idle_since: Timestamp,
    /// The last character on a port.
    pub last_input: Timestamp,
    /// When T3412 ends the sleep.
    pub wake_at: Option<Timestamp>,
    /// Whether the last boot was a waking up.
    pub woken: bool,
}

impl Default for Psm {
    fn default() -> Self {
        Self { on: false, periodic_tau: PERIODIC_TAU, active_time: ACTIVE_TIME }
    }
}

impl TimerBits {
    /// Reads eight binary digits.
    pub fn parse(text: &str) -> Option<Self> {
        let binary = text.len() == 8 && text.bytes().all(|digit| matches!(digit, b'0' | b'1'));
        u8::from_str_radix(text, 2).ok().filter(|_| binary).map(Self)
    }

    /// As GPRS timer 2, in milliseconds; none where it is deactivated.
    fn timer_2_ms(self) -> Option<i64> {
        let unit_s = match self.0 >> 5 {
            0b000 => 2,
            0b010 => 360,
            0b111 => return None,
            _ => 60,
        };
        Some(i64::from(self.0 & 31) * unit_s * 1000)
    }

    /// As GPRS timer 3, in milliseconds; none where it is deactivated.
    fn timer_3_ms(self) -> Option<i64> {
        let unit_s = match self.0 >> 5 {
            0b000 => 600,
            0b001 => 3600,
            0b010 => 36_000,
            0b011 => 2,
            0b100 => 30,
            0b101 => 60,
            0b110 => 1_152_000,
            _ => return None,
        };
        Some(i64::from(self.0 & 31) * unit_s * 1000)
    }
}

impl std::fmt::Display for TimerBits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08b}", self.0)
    }
}

impl Module {
    /// PSM as the network granted it: as it was asked for, since boot or since it was changed.
    pub fn granted_psm(&self) -> Option<Psm> {
        self.power_saving.psm.filter(|psm| psm.on && self.network.is_registered())
    }

    /// `AT+CPSMS`: asks for PSM, or not any more.
    pub fn request_psm(&mut self, psm: Psm, now: Now) {
        self.change_settings(|nvm| nvm.power_saving.psm = psm);
        if !self.profile.power_saving.psm_after_reboot {
            self.power_saving.psm = Some(psm);
            self.power_saving.idle_since = now.system;
        }
    }

    /// eDRX as the network granted it to the technology in use: as it was asked for.
    pub fn granted_edrx(&self) -> Option<Edrx> {
        let asked = self.nvm.power_saving.edrx(self.network.rat);
        asked.filter(|edrx| edrx.is_on() && self.network.is_registered())
    }

    /// `AT+CEDRXS`: asks for eDRX of a technology, or not any more.
    pub fn request_edrx(&mut self, edrx: Edrx) {
        self.change_settings(|nvm| nvm.power_saving.set_edrx(edrx));
        if self.granted_edrx() == Some(edrx) {
            self.note(Event::EdrxGranted);
        }
    }

    /// `AT+CEDRXS=3`: forgets eDRX of a technology, or of all.
    pub fn forget_edrx(&mut self, rat: Option<Rat>) {
        self.change_settings(|nvm| {
            nvm.power_saving.edrx.retain(|edrx| rat.is_some_and(|rat| edrx.rat != rat))
        });
    }

    /// Characters arrived on a port.
    pub fn note_input(&mut self, now: Now) {
        self.power_saving.last_input = now.system;
    }

    /// When PSM begins, if nothing else happens. A SIM with a lock keeps the module awake
    /// (AT manual UBX-17003787 R16, p. 182).
    pub(in crate::module) fn sleep_at(&self) -> Option<Timestamp> {
        let busy = self.security.contact.is_some() || self.security.demand.is_some();
        if self.power != Power::On || busy || self.nvm.sim.lock {
            return None;
        }
        let active_ms = self.granted_psm()?.active_time.timer_2_ms()?;
        let idle = self.power_saving.idle_since.offset_millis(active_ms);
        Some(idle.max(self.power_saving.last_input.offset_millis(AWAKE_AFTER_INPUT_MS)))
    }

    /// Nothing was idle before this.
    pub(in crate::module) fn note_contact(&mut self, now: Now) {
        if self.security.contact.is_some() {
            self.power_saving.idle_since = now.system;
        }
    }

    /// At boot: takes the request over, which the network grants.
    pub(in crate::module) fn load_power_saving(&mut self, now: Now) {
        self.power_saving = PowerSaving {
            psm: Some(self.nvm.power_saving.psm),
            idle_since: now.system,
            last_input: now.system,
            ..self.power_saving
        };
    }

    pub(in crate::module) fn sleep_if_due(&mut self, now: Now) {
        if self.sleep_at().is_none_or(|at| at > now.system) {
            return;
        }
        let tau_ms = self.granted_psm().and_then(|psm| psm.periodic_tau.timer_3_ms());
        self.note(Event::PowerSaving(true));
        self.lose_ram();
        self.power = Power::Asleep;
        self.power_saving.wake_at = tau_ms.map(|ms| now.system.offset_millis(ms.max(SLEEP_MIN_MS)));
    }

    pub(in crate::module) fn wake_if_due(&mut self, now: Now) {
        if self.power == Power::Asleep && self.power_saving.wake_at.is_some_and(|at| at <= now.system) {
            self.wake(now);
        }
    }

    /// Leaves PSM: the module boots.
    pub(in crate::module) fn wake(&mut self, now: Now) {
        self.power_saving.wake_at = None;
        self.power_saving.woken = true;
        self.boot(self.profile.power.boot_ms, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_read_as_3gpp_24_008_says() {
        let check = |text: &str, timer_2_s: Option<i64>, timer_3_s: Option<i64>| {
            let timer = TimerBits::parse(text).expect("eight digits");
            assert_eq!(timer.timer_2_ms(), timer_2_s.map(|s| s * 1000), "{text} as timer 2");
            assert_eq!(timer.timer_3_ms(), timer_3_s.map(|s| s * 1000), "{text} as timer 3");
            assert_eq!(timer.to_string(), text);
        };
        check("00001010", Some(20), Some(6000));
        check("00100001", Some(60), Some(3600));
        check("01000010", Some(720), Some(72_000));
        check("01100101", Some(300), Some(10));
        check("10010100", Some(1200), Some(600));
        check("10110100", Some(1200), Some(1200));
        check("11000001", Some(60), Some(1_152_000));
        check("11100000", None, None);
    }

    #[test]
    fn only_eight_binary_digits_are_a_timer() {
        for text in ["", "0000000", "000000000", "00000002", "+0000001"] {
            assert_eq!(TimerBits::parse(text), None, "{text}");
        }
    }
}
