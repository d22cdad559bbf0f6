//! What is configured once: MNO profile, bands, greeting, interfaces.
//!
//! An absent value is the factory's, so that a module that was never configured has none here.

use serde::{Deserialize, Serialize};

use crate::module::Module;
use crate::module::gpio::GpioNvm;
use crate::module::network::NetworkNvm;
use crate::module::packet::PacketNvm;
use crate::module::power_saving::PowerSavingNvm;
use crate::profile::{Rat, RatFacts};

/// Configuration that is written at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigurationNvm {
    /// `+UMNOPROF`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mno_profile: Option<u16>,
    /// `+USIO`: the variant after the next boot.
    pub usio: u8,
    /// `+UCTS`: what the CTS pin does.
    pub cts: u8,
    /// `+UDCONF=1`: HEX mode, where it is kept.
    pub hex_mode: bool,
    /// `+ULWM2M`: whether the LwM2M client is off, where it is kept.
    pub lwm2m_off: bool,
    /// `+UFACTORY`: the next boot restores the factory's settings.
    pub restore_factory: bool,
    /// `+UEMBPF`.
    pub port_filter: PortFilter,
    /// `+UGPRF`.
    pub gnss: GnssProfile,
    /// `+CSGT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
    /// `+UBANDMASK`, where it was set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<BandMask>,
}

/// Which source ports belong to the module's own applications while a dial-up connection is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortFilter {
    /// Whether others are kept from them.
    pub on: bool,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

/// Where the data of the GNSS receiver go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GnssProfile {
    /// `<GNSS_I/O_configuration>`.
    pub bits: u8,
    /// Port of the server.
    pub port: u16,
    /// Name of the server, none where it is empty.
    pub server: String,
}

/// The greeting text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    /// Whether it is shown at boot.
    pub on: bool,
    /// The text.
    pub text: String,
}

/// The bands of a technology that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandMask {
    /// Of which technology.
    pub rat: Rat,
    /// Bands 1 to 64, or GSM: bit 8 1800, 9 900, 20 850, 22 1900 MHz.
    #[serde(with = "mask")]
    pub low: u64,
    /// Bands 65 to 128.
    #[serde(with = "mask")]
    pub high: u64,
}

/// What of the configuration is in force until the next boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct InForce {
    /// `+USIO`.
    pub usio: u8,
    /// HEX mode.
    pub hex_mode: bool,
    /// LwM2M client off.
    pub lwm2m_off: bool,
    /// `+UMNOPROF`.
    pub mno_profile: u16,
    /// `+UTEMP`: degrees Fahrenheit instead of Celsius.
    pub fahrenheit: bool,
}

impl Default for PortFilter {
    fn default() -> Self {
        Self { on: false, first: 9999, last: 19_999 }
    }
}

impl PortFilter {
    /// Reads `<first port>-<last port>`.
    pub fn parse(on: bool, range: &str) -> Option<Self> {
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(Self { on, first, last })
    }
}

impl BandMask {
    /// All bands the technology has.
    pub fn factory(facts: &RatFacts) -> Self {
        let mut mask = Self { rat: facts.rat, low: 0, high: 0 };
        for band in &facts.bands {
            match (facts.rat, *band) {
                (Rat::Gsm, 850) => mask.low |= 1 << 20,
                (Rat::Gsm, 900) => mask.low |= 1 << 9,
                (Rat::Gsm, 1800) => mask.low |= 1 << 8,
                (Rat::Gsm, 1900) => mask.low |= 1 << 22,
                (Rat::LteM | Rat::NbIot, band @ 1..=64) => mask.low |= 1 << (band - 1),
                (Rat::LteM | Rat::NbIot, band @ 65..=128) => mask.high |= 1 << (band - 65),
                _ => {}
            }
        }
        mask
    }
}

impl Module {
    /// What is in force until the next boot.
    pub fn in_force(&self) -> &InForce {
        &self.in_force
    }

    /// Changes what is in force until the next boot, and is forgotten then.
    pub fn change_until_boot(&mut self, change: impl FnOnce(&mut InForce)) {
        change(&mut self.in_force);
    }

    /// `+UMNOPROF`.
    pub fn mno_profile(&self) -> u16 {
        self.nvm.configuration.mno_profile.unwrap_or(self.profile.network.mno_profile_default)
    }

    /// `AT+UMNOPROF`: another MNO profile, with the factory's bands and what it switches on.
    pub fn request_mno_profile(&mut self, number: u16) {
        let psm_on = self.profile.power_saving.psm_on_under.contains(&number);
        self.change_settings(|nvm| {
            nvm.configuration.mno_profile = Some(number);
            nvm.configuration.bands.clear();
            if psm_on {
                nvm.power_saving.switch_on(Rat::LteM);
            }
        });
    }

    /// `+UBANDMASK` of a technology.
    pub fn band_mask(&self, facts: &RatFacts) -> BandMask {
        let set = self.nvm.configuration.bands.iter().find(|mask| mask.rat == facts.rat);
        set.copied().unwrap_or_else(|| BandMask::factory(facts))
    }

    /// At boot: restores the factory's settings if `+UFACTORY` asked for it, and takes over what
    /// was configured. Identity, SIM, clock and everything of security stay.
    pub(in crate::module) fn load_configuration(&mut self) {
        if self.nvm.configuration.restore_factory {
            let profile = self.profile.clone();
            self.change_settings(|nvm| {
                nvm.configuration = ConfigurationNvm::default();
                nvm.power_saving = PowerSavingNvm::default();
                nvm.gpio = GpioNvm::default();
                *nvm.network_mut() = NetworkNvm::factory(&profile);
                *nvm.packet_mut() = PacketNvm::factory(&profile);
                nvm.stored_profile = None;
                nvm.secrets.tls = Default::default();
            });
        }
        let kept = &self.nvm.configuration;
        let facts = &self.profile.system;
        self.in_force = InForce {
            usio: kept.usio,
            hex_mode: kept.hex_mode && facts.hex_mode_kept,
            lwm2m_off: kept.lwm2m_off && facts.lwm2m_kept,
            mno_profile: self.mno_profile(),
            fahrenheit: false,
        };
    }
}

/// A mask as a hexadecimal text: TOML has no integers of 64 bits without a sign.
mod mask {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(mask: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mask:#x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        u64::from_str_radix(digits, 16).map_err(serde::de::Error::custom)
    }
}
