//! Domains and their access keys.

use std::sync::Arc;

use super::{Operator, OperatorError};
use crate::service::access_key::{ACCESS_KEYS_MAX, AccessKey, ApiSecret};
use crate::service::domain::{DEFAULT_DOMAIN, Domain, is_title};
use crate::service::store::{Store, Window, Write};

impl<S: Store> Operator<'_, S> {
    /// Makes the domain `default`, if it is not there.
    pub fn ensure_default_domain(&mut self) -> Result<(), OperatorError> {
        let missing = self.missing_domain(DEFAULT_DOMAIN)?;
        if missing.is_empty() { Ok(()) } else { self.write(missing) }
    }

    /// Makes a domain; its name must be new.
    pub fn create_domain(&mut self, name: &str, company: Option<&str>) -> Result<Arc<Domain>, OperatorError> {
        if !Domain::is_name(name) {
            return Err(OperatorError::DomainName);
        }
        if self.registry.store().domain(name)?.is_some() {
            return Err(OperatorError::DomainExists(name.to_owned()));
        }
        self.put_domain(Domain { company: checked(company)?, ..Domain::new(name, self.now) })
    }

    /// Signs a company up for a domain that nobody has signed up for.
    pub fn sign_up(&mut self, name: &str, company: &str) -> Result<Arc<Domain>, OperatorError> {
        let domain = self.known_domain(name)?;
        if domain.company.is_some() {
            return Err(OperatorError::DomainExists(name.to_owned()));
        }
        self.put_domain(Domain { company: checked(Some(company))?, ..Domain::clone(&domain) })
    }

    /// Domains, by name.
    pub fn domains(&self, window: Window) -> Result<crate::service::store::Page<Arc<Domain>>, OperatorError> {
        Ok(self.registry.store().domains(window)?)
    }

    /// Makes an access key. The secret is shown now or never.
    pub fn create_access_key(&mut self, domain: &str) -> Result<(Arc<AccessKey>, ApiSecret), OperatorError> {
        self.known_domain(domain)?;
        if self.registry.store().access_keys(domain)?.len() >= ACCESS_KEYS_MAX {
            return Err(OperatorError::AccessKeysMax);
        }
        let (key, secret) = AccessKey::draw(domain, self.registry.entropy(), self.now);
        let key = Arc::new(key);
        self.write(vec![Write::AccessKey(Arc::clone(&key))])?;
        Ok((key, secret))
    }

    /// Deletes an access key of a domain: whoever holds it is locked out.
    pub fn delete_access_key(&mut self, domain: &str, api_key: &str) -> Result<(), OperatorError> {
        let stored = self.registry.store().access_key(api_key)?;
        match stored.filter(|key| key.domain == domain) {
            Some(key) => self.write(vec![Write::AccessKeyGone(key.api_key.clone())]),
            None => Err(OperatorError::UnknownAccessKey),
        }
    }

    pub(in crate::service) fn known_domain(&self, name: &str) -> Result<Arc<Domain>, OperatorError> {
        let stored = self.registry.store().domain(name)?;
        stored.ok_or_else(|| OperatorError::UnknownDomain(name.to_owned()))
    }

    /// What makes a domain that is named for the first time; nothing where it is there.
    pub(super) fn missing_domain(&self, name: &str) -> Result<Vec<Write>, OperatorError> {
        if self.registry.store().domain(name)?.is_some() {
            return Ok(Vec::new());
        }
        if !Domain::is_name(name) {
            return Err(OperatorError::DomainName);
        }
        Ok(vec![Write::Domain(Arc::new(Domain::new(name, self.now)))])
    }

    fn put_domain(&mut self, domain: Domain) -> Result<Arc<Domain>, OperatorError> {
        let domain = Arc::new(domain);
        self.write(vec![Write::Domain(Arc::clone(&domain))])?;
        Ok(domain)
    }
}

fn checked(company: Option<&str>) -> Result<Option<String>, OperatorError> {
    match company {
        Some(company) if !is_title(company) => Err(OperatorError::Title),
        company => Ok(company.map(str::to_owned)),
    }
}
