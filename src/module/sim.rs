//! The SIM: its PIN, and the files that can be read on it.
//!
//! 1. *Locked*: after power-on of a SIM whose lock is on, until the PIN is given.
//! 2. *Blocked*: after three wrong PINs, until PUK and a new PIN are given.
//! 3. *Dead*: after ten wrong PUKs, for ever.
//! 4. *Ready*.

use serde::{Deserialize, Serialize};

use crate::module::Module;
use crate::module::identity::Identity;
use crate::time::Now;

/// The PIN of a new SIM. `designed`
const PIN: &str = "1234";
/// The PUK of every SIM. `designed`
const PUK: &str = "12345678";
/// Wrong PINs until the SIM asks for the PUK (3GPP 31.101 §9.5).
const PIN_ATTEMPTS: u8 = 3;
/// Wrong PUKs until the SIM is dead.
const PUK_ATTEMPTS: u8 = 10;
/// Forbidden PLMNs on the SIM: ten of three bytes (3GPP 31.102 §4.2.16). `designed`
const FORBIDDEN_PLMNS_LEN: usize = 30;

/// What the SIM keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimNvm {
    /// `+CLCK="SC"`: whether the SIM asks for the PIN after power-on.
    pub lock: bool,
    /// The PIN, 4 to 8 digits.
    pub pin: String,
    /// PINs that may still be wrong.
    pub pin_attempts: u8,
    /// PUKs that may still be wrong.
    pub puk_attempts: u8,
    /// EF FPLMN, in hexadecimal.
    pub forbidden_plmns: String,
    /// EF SMSP: the number of the service centre for short messages, empty where there is none.
    pub service_centre: String,
}

impl Default for SimNvm {
    fn default() -> Self {
        Self {
            lock: false,
            pin: PIN.to_owned(),
            pin_attempts: PIN_ATTEMPTS,
            puk_attempts: PUK_ATTEMPTS,
            forbidden_plmns: "FF".repeat(FORBIDDEN_PLMNS_LEN),
            service_centre: String::new(),
        }
    }
}

/// What the SIM waits for (`+CPIN?`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimState {
    /// The PIN.
    PinRequired,
    /// PUK and a new PIN.
    PukRequired,
    /// Nothing: too many wrong PUKs.
    Dead,
    /// Nothing: it works.
    Ready,
}

/// Why a PIN or PUK was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinRefusal {
    /// It is wrong; one attempt is gone.
    Wrong,
    /// It was the last wrong one: now the PUK is asked for.
    PukRequired,
    /// The SIM is dead.
    Dead,
    /// The SIM asks for none, or its lock is off.
    NotAsked,
}

/// Elementary files that can be read (3GPP 31.102 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimFile {
    /// EF ICCID, 2FE2.
    Iccid,
    /// EF IMSI, 6F07.
    Imsi,
    /// EF AD, administrative data, 6FAD.
    AdministrativeData,
    /// EF FPLMN, forbidden PLMNs, 6F7B; the one that can be written.
    ForbiddenPlmns,
}

impl SimFile {
    /// The file of this identifier.
    pub fn find(id: u16) -> Option<Self> {
        Some(match id {
            0x2fe2 => Self::Iccid,
            0x6f07 => Self::Imsi,
            0x6fad => Self::AdministrativeData,
            0x6f7b => Self::ForbiddenPlmns,
            _ => return None,
        })
    }

    /// Its content.
    pub fn content(self, sim: &SimNvm, identity: &Identity) -> Vec<u8> {
        match self {
            Self::Iccid => swapped(&identity.iccid, 10),
            // Length, then parity and identity type in the low nibble of the first digit's byte.
            Self::Imsi => [vec![8], swapped(&format!("9{}", identity.imsi), 8)].concat(),
            // Normal operation, two digits of MNC.
            Self::AdministrativeData => vec![0, 0, 0, 2],
            Self::ForbiddenPlmns => hex(&sim.forbidden_plmns),
        }
    }
}

/// Digits as a SIM packs them: low nibble first, filled with F.
fn swapped(digits: &str, len: usize) -> Vec<u8> {
    let nibble =
        |place: usize| digits.as_bytes().get(place).map_or(0xf, |digit| digit.wrapping_sub(b'0') & 0xf);
    (0..len).map(|byte| nibble(2 * byte) | nibble(2 * byte + 1) << 4).collect()
}

/// Bytes of a hexadecimal text; what is none reads as FF, as an erased byte does.
fn hex(text: &str) -> Vec<u8> {
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    text.as_bytes().chunks(2).map(|pair| byte(pair).unwrap_or(0xff)).collect()
}

impl Module {
    /// What the SIM waits for.
    pub fn sim_state(&self) -> SimState {
        let sim = &self.nvm.sim;
        match (sim.puk_attempts, sim.pin_attempts) {
            (0, _) => SimState::Dead,
            (_, 0) => SimState::PukRequired,
            _ if sim.lock && !self.pin_given => SimState::PinRequired,
            _ => SimState::Ready,
        }
    }

    /// `AT+CPIN=<pin>`: unlocks the SIM.
    pub fn request_pin(&mut self, pin: &str, now: Now) -> Result<(), PinRefusal> {
        match self.sim_state() {
            SimState::PinRequired => self.check_pin(pin, now)?,
            SimState::PukRequired => return Err(PinRefusal::PukRequired),
            SimState::Dead => return Err(PinRefusal::Dead),
            SimState::Ready => return Err(PinRefusal::NotAsked),
        }
        self.pin_given = true;
        self.follow_functionality(now);
        Ok(())
    }

    /// `AT+CPIN=<puk>,<new pin>`: unblocks the SIM.
    pub fn request_puk(&mut self, puk: &str, pin: &str, now: Now) -> Result<(), PinRefusal> {
        match self.sim_state() {
            SimState::PukRequired => {}
            SimState::Dead => return Err(PinRefusal::Dead),
            SimState::PinRequired | SimState::Ready => return Err(PinRefusal::NotAsked),
        }
        if puk != PUK {
            self.change_settings(|nvm| nvm.sim.puk_attempts -= 1);
            let dead = self.sim_state() == SimState::Dead;
            return Err(if dead { PinRefusal::Dead } else { PinRefusal::Wrong });
        }
        self.change_settings(|nvm| {
            nvm.sim.pin = pin.to_owned();
            nvm.sim.pin_attempts = PIN_ATTEMPTS;
            nvm.sim.puk_attempts = PUK_ATTEMPTS;
        });
        self.pin_given = true;
        self.follow_functionality(now);
        Ok(())
    }

    /// `AT+CLCK="SC"`: switches the lock.
    pub fn request_sim_lock(&mut self, lock: bool, pin: &str, now: Now) -> Result<(), PinRefusal> {
        self.check_pin(pin, now)?;
        self.pin_given = true;
        self.change_settings(|nvm| nvm.sim.lock = lock);
        Ok(())
    }

    /// `AT+CPWD="SC"`: a new PIN; only while the lock is on.
    pub fn request_new_pin(&mut self, old: &str, new: &str, now: Now) -> Result<(), PinRefusal> {
        if !self.nvm.sim.lock {
            return Err(PinRefusal::NotAsked);
        }
        self.check_pin(old, now)?;
        self.change_settings(|nvm| nvm.sim.pin = new.to_owned());
        Ok(())
    }

    /// Counts a wrong PIN; the last one locks the SIM, and so ends the registration.
    fn check_pin(&mut self, pin: &str, now: Now) -> Result<(), PinRefusal> {
        if self.nvm.sim.pin == pin {
            if self.nvm.sim.pin_attempts != PIN_ATTEMPTS {
                self.change_settings(|nvm| nvm.sim.pin_attempts = PIN_ATTEMPTS);
            }
            return Ok(());
        }
        self.change_settings(|nvm| nvm.sim.pin_attempts = nvm.sim.pin_attempts.saturating_sub(1));
        if self.sim_state() == SimState::PukRequired {
            self.pin_given = false;
            self.follow_functionality(now);
            return Err(PinRefusal::PukRequired);
        }
        Err(PinRefusal::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_packed_as_on_a_card() {
        let identity = Identity {
            rot: crate::protocol::keys::RotUid([0; 8]),
            imei: String::new(),
            iccid: "8988001234567890128".to_owned(),
            imsi: "001010123456789".to_owned(),
        };
        let check = |file: SimFile, packed: &str| {
            let content = file.content(&SimNvm::default(), &identity);
            assert_eq!(content.iter().map(|byte| format!("{byte:02X}")).collect::<String>(), packed);
        };
        check(SimFile::Iccid, "988800214365870921F8");
        check(SimFile::Imsi, "080910101032547698");
        check(SimFile::AdministrativeData, "00000002");
        check(SimFile::ForbiddenPlmns, &"FF".repeat(30));
    }
}
