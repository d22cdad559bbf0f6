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
    /// `+IPR`: data rate in bits per second, 0 for autobauding. Stored and shown; a pseudo-terminal
    /// has no rate.
    pub rate_bps: u32,
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
                deregistered: false,
                reports: Reports::default(),
            },
        }
    }
}
