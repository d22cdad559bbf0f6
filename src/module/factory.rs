//! The factory: a new module, never powered on, with a secret of its own.

use std::sync::Arc;

use rand_core::Rng;

use crate::module::configuration::ConfigurationNvm;
use crate::module::gpio::GpioNvm;
use crate::module::identity::{Identity, check_digit};
use crate::module::network::NetworkNvm;
use crate::module::nvm::Nvm;
use crate::module::packet::PacketNvm;
use crate::module::power_saving::PowerSavingNvm;
use crate::module::rtc::RtcNvm;
use crate::module::security::{Secrets, SecurityNvm};
use crate::module::sim::SimNvm;
use crate::profile::Profile;
use crate::protocol::keys::{MasterKey, RotUid};

/// Issuer prefix of the SIM: telecommunications, test country and issuer. `designed`
const ICCID_PREFIX: &str = "898800";

/// Test network 001-01 (ITU-T E.212). `designed`
const IMSI_PREFIX: &str = "00101";

/// Makes a module of this type with this root of trust.
pub fn new_module(profile: &Profile, rot: RotUid, master: &MasterKey, random: &mut impl Rng) -> Nvm {
    let imei = with_check_digit(format!("{}{}", profile.identity.tac, digits(random, 6)));
    let iccid = with_check_digit(format!("{ICCID_PREFIX}{}", digits(random, 12)));
    let imsi = format!("{IMSI_PREFIX}{}", digits(random, 10));
    Nvm {
        identity: Arc::new(Identity { rot, imei, iccid, imsi }),
        rtc: RtcNvm::default(),
        network: Arc::new(NetworkNvm::factory(profile)),
        packet: Arc::new(PacketNvm::factory(profile)),
        security: SecurityNvm::factory(profile),
        sim: SimNvm::default(),
        configuration: ConfigurationNvm::default(),
        power_saving: PowerSavingNvm::default(),
        gpio: GpioNvm::default(),
        stored_profile: None,
        secrets: Secrets::factory(master.factory_secret(rot)),
    }
}

/// A root of trust UID; UIDs of one factory differ in their last 6 bytes, since those find the
/// module again. The first two are those of the published example.
pub fn new_rot(random: &mut impl Rng) -> RotUid {
    let mut uid = [0x0a, 0x04, 0, 0, 0, 0, 0, 0];
    random.fill_bytes(&mut uid[2..]);
    RotUid(uid)
}

fn digits(random: &mut impl Rng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + (random.next_u32() % 10) as u8)).collect()
}

fn with_check_digit(mut number: String) -> String {
    number.push(check_digit(&number));
    number
}
