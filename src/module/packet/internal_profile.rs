//! Profiles of the module's own IP stack.

use serde::{Deserialize, Serialize};

use super::DEFAULT_CID;

/// The highest number of a profile. Source: manual.
pub const PROFILE_MAX: u8 = 6;

/// A profile that maps the module's own IP stack to a PDP context (`+UPSD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternalProfile {
    /// Its number, 0 to [`PROFILE_MAX`].
    pub number: u8,
    /// 0 IPv4, 1 IPv6, 2 both, IPv4 preferred, 3 both, IPv6 preferred.
    pub protocol: u8,
    /// The context it uses.
    pub cid: u8,
}

impl InternalProfile {
    /// Whether a context of this `<PDP_type>` carries what the profile asks for.
    pub fn fits(self, pdp_type: &str) -> bool {
        match pdp_type {
            "IP" => self.protocol != 1,
            "IPV6" => self.protocol != 0,
            "IPV4V6" => true,
            _ => false,
        }
    }

    /// From the factory.
    pub fn factory(number: u8) -> Self {
        Self { number, protocol: 0, cid: DEFAULT_CID }
    }
}
