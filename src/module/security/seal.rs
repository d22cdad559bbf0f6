//! The seal, and what `AT+USECDEVINFO?` says of bootstrap and seal.

use crate::module::security::Purpose;
use crate::module::{Module, Output};
use crate::protocol::message::{Seal, Standing};
use crate::time::Now;

/// The three flags of `+USECDEVINFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The module is registered: bootstrapped.
    pub module_registered: bool,
    /// The device is registered: sealed, and assigned to its owner.
    pub device_registered: bool,
    /// The device is activated: not suspended.
    pub device_activated: bool,
}

/// Why there are no flags yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// The root of trust is not ready yet.
    Busy,
    /// The bootstrap is going on, or its next attempt is pending with a data connection.
    Bootstrapping,
    /// Not bootstrapped, and no data connection to do it over.
    NoConnection,
    /// Refused as a clone.
    Refused,
}

/// What a seal request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// Stored, once and for all.
    Sealed,
    /// The module was sealed before; nothing changed.
    AlreadySealed,
}

impl Module {
    /// `AT+USECDEVINFO=…`: stores the seal if there is none yet.
    ///
    /// Sealed before the hello of a bootstrap leaves, it travels in it; any later the module
    /// registers it by itself.
    pub fn request_seal(&mut self, seal: Seal, now: Now) -> Sealing {
        if self.nvm.security.seal.is_some() {
            return Sealing::AlreadySealed;
        }
        self.nvm.security.seal = Some(seal);
        self.nvm.security.registered = false;
        self.save();
        self.begin_due_contact(now);
        Sealing::Sealed
    }

    /// The flags of `AT+USECDEVINFO?`.
    pub fn device_info(&self, now: Now) -> Result<DeviceInfo, NotYet> {
        if !self.is_security_ready(now) {
            return Err(NotYet::Busy);
        }
        let nvm = &self.nvm.security;
        if nvm.is_bootstrapped() {
            let standing = if nvm.registered { nvm.applied.standing } else { Standing::Unowned };
            return Ok(DeviceInfo {
                module_registered: true,
                device_registered: standing != Standing::Unowned,
                device_activated: standing != Standing::Suspended,
            });
        }
        let bootstrapping =
            self.security.contact.as_ref().is_some_and(|contact| contact.purpose() == Purpose::Bootstrap);
        Err(match (self.security.refused, self.is_connected() || bootstrapping) {
            (true, _) => NotYet::Refused,
            (false, true) => NotYet::Bootstrapping,
            (false, false) => NotYet::NoConnection,
        })
    }

    /// Writes the NVM: queued in order, before whatever is queued next.
    pub(in crate::module) fn save(&mut self) {
        self.output.push_back(Output::Nvm(Box::new(self.nvm.clone())));
    }
}
