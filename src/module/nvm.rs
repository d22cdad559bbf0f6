//! Everything that survives a power loss.
//!
//! One value, written as a whole: a copy of it is a copy of the module. What belongs to the
//! contact chain changes only together with the exchange it belongs to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::module::configuration::ConfigurationNvm;
use crate::module::gpio::GpioNvm;
use crate::module::identity::Identity;
use crate::module::network::NetworkNvm;
use crate::module::packet::PacketNvm;
use crate::module::power_saving::PowerSavingNvm;
use crate::module::rtc::RtcNvm;
use crate::module::security::{Secrets, SecurityNvm};
use crate::module::settings::StoredProfile;
use crate::module::sim::SimNvm;

/// The non-volatile memory of a module.
///
/// It is copied for every write, so the parts that hardly ever change are shared by the copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nvm {
    /// What the factory gave it; never changes.
    pub identity: Arc<Identity>,
    /// The real-time clock.
    pub rtc: RtcNvm,
    /// Network settings.
    pub network: Arc<NetworkNvm>,
    /// PDP contexts.
    pub packet: Arc<PacketNvm>,
    /// What security contacts left behind.
    pub security: SecurityNvm,
    /// The SIM.
    #[serde(default)]
    pub sim: SimNvm,
    /// Configuration.
    #[serde(default)]
    pub configuration: ConfigurationNvm,
    /// PSM and eDRX.
    #[serde(default)]
    pub power_saving: PowerSavingNvm,
    /// General purpose pins.
    #[serde(default)]
    pub gpio: GpioNvm,
    /// What `AT&W` stored, if it ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_profile: Option<StoredProfile>,
    /// Key sets; they live in a file of their own.
    #[serde(skip)]
    pub secrets: Secrets,
}

impl Nvm {
    /// Network settings, to be changed.
    pub fn network_mut(&mut self) -> &mut NetworkNvm {
        Arc::make_mut(&mut self.network)
    }

    /// PDP contexts, to be changed.
    pub fn packet_mut(&mut self) -> &mut PacketNvm {
        Arc::make_mut(&mut self.packet)
    }
}
