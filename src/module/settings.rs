//! Settings of one AT interface that `AT&W` stores and `ATZ` recalls.

use serde::{Deserialize, Serialize};

use crate::at::Settings;
use crate::profile::Profile;

/// Which URCs an interface wants: the `<n>` of each registration report (3GPP 27.007 §7.2, §10.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// `+CREG`.
    pub creg: u8,
    /// `+CGREG`.
    pub cgreg: u8,
    /// `+CEREG`.
    pub cereg: u8,
}

/// One stored interface profile: what `AT&W` keeps across power cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredProfile {
    /// V.250 parameters.
    pub v250: Settings,
    /// Registration reports.
    pub reports: Reports,
}

impl StoredProfile {
    /// What `AT&F` restores.
    pub fn factory(profile: &Profile) -> Self {
        Self { v250: Settings::factory(profile.at.cmee_default), reports: Reports::default() }
    }
}
