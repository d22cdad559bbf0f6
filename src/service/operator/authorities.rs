//! Private CAs of a domain, and the certificates they have signed.

use std::sync::Arc;

use super::{Operator, OperatorError};
use crate::service::authority::{AUTHORITIES_MAX, Authority, AuthorityOrder, VALIDITY_DAYS_MAX, next_number};
use crate::service::store::{Store, StoreError, Write};

impl<S: Store> Operator<'_, S> {
    /// Makes a private CA. Devices get their certificates from the newest that holds for two more
    /// heartbeats, unless their device profile names another that does.
    pub fn create_authority(
        &mut self,
        domain: &str,
        order: AuthorityOrder,
    ) -> Result<Arc<Authority>, OperatorError> {
        self.known_domain(domain)?;
        if !Authority::is_name(&order.name) {
            return Err(OperatorError::AuthorityName);
        }
        let days = 1..=VALIDITY_DAYS_MAX;
        if !days.contains(&order.validity_days) || !days.contains(&order.certificate_validity_days) {
            return Err(OperatorError::Validity);
        }
        let present = self.registry.store().authorities(domain)?;
        if present.len() >= AUTHORITIES_MAX {
            return Err(OperatorError::AuthoritiesMax);
        }
        let made = Authority::found(domain, next_number(&present), order, self.registry.entropy(), self.now);
        let made = Arc::new(made.map_err(|error| StoreError(error.to_string()))?);
        self.write(vec![Write::Authority(Arc::clone(&made))])?;
        Ok(made)
    }

    /// Deletes a private CA of a domain. Its certificates hold on; devices get new ones from another CA
    /// at their next heartbeat.
    pub fn delete_authority(&mut self, domain: &str, uid: &str) -> Result<(), OperatorError> {
        self.known_authority(domain, uid)?;
        let profiles = self.registry.store().profiles(Some(domain))?;
        let names_it = |authority: &Option<String>| authority.as_deref() == Some(uid);
        if let Some(profile) = profiles.iter().find(|profile| names_it(&profile.authority_uid)) {
            return Err(OperatorError::AuthorityInUse(profile.name.clone()));
        }
        self.write(vec![Write::AuthorityGone(uid.to_owned())])
    }

    pub(super) fn known_authority(&self, domain: &str, uid: &str) -> Result<Arc<Authority>, OperatorError> {
        let stored = self.registry.store().authority(uid)?;
        stored.filter(|authority| authority.domain == domain).ok_or(OperatorError::UnknownAuthority)
    }
}
