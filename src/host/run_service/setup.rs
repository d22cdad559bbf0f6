//! What a service does at its start: `service.toml`, and what was asked of it while nobody ran.

use super::ServiceHost;
use crate::host::error::HostError;
use crate::host::service_file::Listed;
use crate::service::OperatorError;
use crate::service::store::Store;

impl ServiceHost {
    /// Makes what every service has: the domain `default`, and what `service.toml` lists.
    pub(super) fn begin(&mut self, listed: &[Listed]) -> Result<(), OperatorError> {
        self.operator().ensure_default_domain()?;
        self.apply(listed)
    }

    /// Brings the store in line with `service.toml`.
    fn apply(&mut self, listed: &[Listed]) -> Result<(), OperatorError> {
        let now = self.clock.now();
        for Listed { profile, whitelisted } in listed {
            let stored = self.service.store().profile(&profile.uid)?;
            match stored {
                None => self.service.operator(now).create_device_profile(profile.clone())?,
                Some(stored) => {
                    let mut wanted = profile.clone();
                    wanted.revision = stored.revision;
                    wanted.domain.clone_from(&stored.domain);
                    if wanted != *stored {
                        self.service
                            .operator(now)
                            .update_device_profile(&profile.uid, |stored| *stored = wanted)?;
                    }
                }
            }
            let mut missing = whitelisted.clone();
            let store = self.service.store();
            missing.retain(|rot| !store.is_whitelisted(&profile.uid, *rot).unwrap_or(false));
            drop(store);
            if !missing.is_empty() {
                self.service.operator(now).whitelist_add(&profile.uid, &missing)?;
            }
        }
        Ok(())
    }

    /// A module was made as new while nobody ran: `forget` names its root of trust.
    pub(super) fn forget_as_asked(&mut self) -> Result<(), HostError> {
        let path = self.state_dir.join("forget");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        let rot = text
            .trim()
            .parse()
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
        match self.forget(rot) {
            Ok(()) | Err(OperatorError::UnknownDevice(_)) => {}
            Err(error) => return Err(HostError::running(format_args!("{}: {error}", path.display()))),
        }
        std::fs::remove_file(&path)
            .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))
    }
}
