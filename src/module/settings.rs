//! Settings of one AT interface that `AT&W` stores and `ATZ` recalls.

use serde::{Deserialize, Serialize};

use crate::at::Settings;
use crate::profile::Profile;

/// What an AT interface has beside V.250's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// `<n>` of `+CREG` (3GPP 27.007 §7.2).
    pub creg: u8,
    /// `<n>` of `+CGREG` (§10.1.20).
    pub cgreg: u8,
    /// `<n>` of `+CEREG` (§10.1.22).
    pub cereg: u8,
    /// `+ICF`. Stored and shown.
    #[serde(default)]
    pub framing: Framing,
    /// `+UPSV`. Stored and shown.
    #[serde(default)]
    pub uart_power_saving: UartPowerSaving,
    /// `+CSCS`.
    #[serde(default)]
    pub character_set: CharacterSet,
    /// `+CMGF`. Stored and shown.
    #[serde(default)]
    pub message_format: u8,
    /// `+CMER`; never kept.
    #[serde(skip)]
    pub indicators: IndicatorReport,
    /// `+IPR`: data rate in bits per second, 0 for autobauding.
    pub rate_bps: u32,
    /// Whether a host chose it: only then it counts.
    #[serde(default)]
    pub rate_chosen: bool,
    /// Whether this interface deregistered the module (`+COPS=2`), which then stays so after the
    /// next power-on (manual).
    #[serde(default)]
    pub deregistered: bool,
    /// Reports of network and packet domain.
    #[serde(default)]
    pub reports: Reports,
}

/// Which URCs of network and packet domain an AT interface wants; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reports {
    /// `<n>` of `+CSCON` (§7.30).
    pub radio_connection: u8,
    /// `<mode>` of `+CGEREP` (§10.1.19).
    pub packet_events: u8,
    /// `<bfr>` of `+CGEREP`.
    pub packet_events_buffer: u8,
    /// `<reporting>` of `+CTZR` (§8.41).
    pub time_zone: u8,
    /// `<mode>` of `+UCGED`.
    pub cell: u8,
}

/// One stored interface profile: what `AT&W` keeps across power cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredProfile {
    /// V.250 parameters.
    pub v250: Settings,
    /// Everything else.
    pub interface: Interface,
}

impl StoredProfile {
    /// What `AT&F` restores.
    pub fn factory(profile: &Profile) -> Self {
        Self {
            v250: Settings::factory(profile.at.cmee_default),
            interface: Interface {
                creg: 0,
                cgreg: 0,
                cereg: 0,
                rate_bps: profile.at.ipr_default,
                rate_chosen: false,
                framing: Framing::default(),
                uart_power_saving: UartPowerSaving::default(),
                character_set: CharacterSet::default(),
                message_format: 0,
                indicators: IndicatorReport::default(),
                deregistered: false,
                reports: Reports::default(),
            },
        }
    }
}

impl Interface {
    /// What `AT&W` keeps of it.
    pub fn kept(self) -> Self {
        Self { indicators: IndicatorReport::default(), ..self }
    }
}

/// Character framing (V.250 §6.2.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framing {
    /// Data and stop bits; 3 is 8N1.
    pub format: u8,
    /// 0 odd, 1 even, where the format has parity.
    pub parity: u8,
}

impl Default for Framing {
    fn default() -> Self {
        Self { format: 3, parity: 1 }
    }
}

/// Power saving of the UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UartPowerSaving {
    /// `<mode>`, 0 is off.
    pub mode: u8,
    /// `<timeout>` in GSM frames of 4.615 ms.
    pub timeout_frames: u16,
}

impl Default for UartPowerSaving {
    fn default() -> Self {
        Self { mode: 0, timeout_frames: 2000 }
    }
}

/// TE character set (3GPP 27.007 §5.5): how text stands on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CharacterSet {
    /// The default alphabet of GSM (3GPP 23.038).
    Gsm,
    /// International reference alphabet (ITU-T T.50).
    #[default]
    Ira,
    /// Four hexadecimal digits a character.
    Ucs2,
}

/// Event reporting (3GPP 27.007 §8.10): which URCs `+CIEV` there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndicatorReport {
    /// `<mode>`.
    pub mode: u8,
    /// `<ind>`: 0 none, otherwise all.
    pub indicators: u8,
    /// `<bfr>`.
    pub flush: u8,
}
