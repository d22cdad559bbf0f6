//! Certificates of devices: when one is wanted, and who signs it.
//!
//! 1. An answer that provisions says whether the module is to ask for another
//!    ([`Registry::wants_certificate`]). A module that holds none asks whatever it says.
//! 2. Asked, the service has a private CA of the device's domain sign it: the one its device profile
//!    named, or else the newest. Where there is none, or none that holds long enough, it makes one. Among
//!    15 one that has ended makes room; where none has, the one that ends last signs.
//! 3. The report of the module says which certificate is in force; until then the one before is.
//!
//! It is renewed by the next heartbeat once less than a third of its time is left, or not enough for
//! two more heartbeats; and when its CA is gone, is not the one wanted, or is another owner's.

use std::cmp::Reverse;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::authority::{AUTHORITIES_MAX, Authority, AuthorityOrder, draw_serial, next_number};
use super::device::{Device, Phase};
use super::exchange::{Denial, Exchange};
use super::registry::Registry;
use super::store::{CertificateQuery, Store, StoreError, Window, Write};
use crate::protocol::certificate::{CertificateSerial, Subject, requested_key};
use crate::protocol::keys::RotUid;
use crate::protocol::message::{Answer, Certificates, CertificationRequest, Feature, Refusal};
use crate::time::Timestamp;

/// Certificates kept of a device under one owner beside the one in force, the newest: enough to see
/// what was signed lately.
pub const CERTIFICATES_KEPT_MAX: usize = 8;

/// A certificate that was signed, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// For which root of trust.
    pub rot: RotUid,
    /// Whose the device was.
    pub domain: String,
    /// Which CA signed it.
    pub authority_uid: String,
    /// The device serial number it names.
    pub device_serial_number: String,
    /// From when it holds: when it was signed.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// The certificate, DER.
    #[serde(with = "crate::protocol::base64_text")]
    pub certificate: Vec<u8>,
}

/// The certificate in force on a device, as it reported, signed under its present owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// Which CA signed it.
    pub authority_uid: String,
    /// From when it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
}

impl From<&IssuedCertificate> for DeviceCertificate {
    fn from(issued: &IssuedCertificate) -> Self {
        Self {
            serial: issued.serial,
            authority_uid: issued.authority_uid.clone(),
            not_before: issued.not_before,
            not_after: issued.not_after,
        }
    }
}

impl DeviceCertificate {
    /// Whether too little of its time is left.
    fn is_to_be_renewed(&self, two_heartbeats: Timestamp, now: Timestamp) -> bool {
        let third = self.not_after.millis_since(self.not_before) / 3;
        self.not_after < two_heartbeats || self.not_after.millis_since(now) < third
    }
}

impl Device {
    fn has_zero_touch(&self) -> bool {
        self.provided_now().settings.features.contains(&Feature::ZeroTouchProvisioning)
    }

    /// When two more heartbeats will have been: a certificate that is renewed at a heartbeat, and who
    /// signs it, hold at least so long.
    fn two_heartbeats_from(&self, now: Timestamp) -> Timestamp {
        now.offset_millis(2 * 1000 * i64::from(self.longest_period_s()))
    }
}

impl<S: Store> Registry<S> {
    /// Whether a device is to ask for another certificate than it has reported.
    pub(super) fn wants_certificate(&self, device: &Device, now: Timestamp) -> Result<bool, StoreError> {
        if !device.has_zero_touch() {
            return Ok(false);
        }
        let Some(held) = &device.certificate else { return Ok(true) };
        if held.is_to_be_renewed(device.two_heartbeats_from(now), now) {
            return Ok(true);
        }
        if let Some(named) = self.named_authority(device, now)? {
            return Ok(named.uid != held.authority_uid);
        }
        Ok(self.store().authority(&held.authority_uid)?.is_none())
    }

    /// Signs a certificate for a device with zero touch provisioning, once a contact; in a bootstrap as
    /// part of phase 3.
    pub(super) fn certify(
        &mut self,
        exchange: &mut Exchange<'_>,
        request: &CertificationRequest,
    ) -> Result<Answer, Denial> {
        let key = requested_key(&request.request).map_err(Denial::Request)?;
        let in_bootstrap = exchange.device().bootstrap.is_some();
        if !in_bootstrap {
            exchange.require_bootstrapped()?;
        }
        let in_order = !in_bootstrap || exchange.contact.phase == Some(Phase::Provision);
        let is_granted = in_order && !exchange.contact.certified && exchange.device().has_zero_touch();
        let owner = exchange.device().domain().map(str::to_owned).zip(exchange.device().seal.clone());
        let Some((domain, seal)) = owner.filter(|_| is_granted) else {
            return Err(Refusal::OutOfOrder.into());
        };
        exchange.contact.certified = true;
        let (rot, now) = (exchange.device().rot, exchange.now);
        let authority = self.authority_for(exchange, &domain)?;
        let long_enough = exchange.device().two_heartbeats_from(now);
        let (serial, validity) = (draw_serial(self.entropy()), authority.validity(now, long_enough));
        let subject = Subject { rot, serial_number: &seal.serial_number };
        let certificate = authority.issuer().issue(subject, &key, serial, validity);
        let issued = Arc::new(IssuedCertificate {
            serial,
            rot,
            domain,
            authority_uid: authority.uid.clone(),
            device_serial_number: seal.serial_number,
            not_before: validity.not_before,
            not_after: validity.not_after,
            certificate: certificate.map_err(Denial::Signing)?,
        });
        self.keep(exchange, &issued)?;
        let certificates =
            Certificates { device: issued.certificate.clone(), authority: authority.certificate.clone() };
        let answer = Answer::Certificate(exchange.nonce, certificates);
        // In a bootstrap it is part of phase 3.
        Ok(if in_bootstrap { exchange.end_phase(Phase::Provision, answer) } else { answer })
    }

    /// Takes over which certificate a device has reported; what is new is returned.
    pub(super) fn report_certificate(
        &self,
        exchange: &mut Exchange<'_>,
        reported: Option<CertificateSerial>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let known = exchange.device().certificate.as_ref().map(|certificate| certificate.serial);
        if known == reported {
            return Ok(None);
        }
        let signed = self.signed_for(exchange.device())?;
        let found = signed.iter().find(|one| Some(one.serial) == reported);
        exchange.device().certificate = found.map(|one| (&**one).into());
        Ok(found.map(|one| one.not_after))
    }

    /// Stores a certificate, and lets go of the oldest of its device; never of the one in force.
    fn keep(&self, exchange: &mut Exchange<'_>, issued: &Arc<IssuedCertificate>) -> Result<(), StoreError> {
        let in_force = exchange.device().certificate.as_ref().map(|certificate| certificate.serial);
        let signed = self.signed_for(exchange.device())?;
        let others = signed.into_iter().filter(|one| Some(one.serial) != in_force);
        let also = &mut exchange.draft.also;
        also.extend(others.skip(CERTIFICATES_KEPT_MAX - 1).map(Write::CertificateGone));
        also.push(Write::Certificate(Arc::clone(issued)));
        Ok(())
    }

    /// What was signed for a device under its present owner, the newest first.
    fn signed_for(&self, device: &Device) -> Result<Vec<Arc<IssuedCertificate>>, StoreError> {
        let Some(domain) = device.domain() else { return Ok(Vec::new()) };
        let query = CertificateQuery {
            domain: Some(domain.to_owned()),
            rot: Some(device.rot),
            ..CertificateQuery::default()
        };
        Ok(self.store().certificates(&query, Window::ALL)?.items)
    }

    /// The CA its device profile named, if that is still one of its domain and holds long enough.
    fn named_authority(&self, device: &Device, now: Timestamp) -> Result<Option<Arc<Authority>>, StoreError> {
        let Some(uid) = &device.wanted.authority_uid else { return Ok(None) };
        let named = self.store().authority(uid)?.filter(|named| device.domain() == Some(&named.domain));
        Ok(named.filter(|named| named.not_after >= device.two_heartbeats_from(now)))
    }

    /// Who signs for a device of a domain; made where there is nobody.
    fn authority_for(&mut self, exchange: &mut Exchange<'_>, domain: &str) -> Result<Arc<Authority>, Denial> {
        let now = exchange.now;
        if let Some(named) = self.named_authority(exchange.device(), now)? {
            return Ok(named);
        }
        let long_enough = exchange.device().two_heartbeats_from(now);
        let mut mine = self.store().authorities(domain)?;
        // Those that were stored before they had numbers have none.
        mine.sort_by_key(|authority| Reverse((authority.number, authority.not_before)));
        if let Some(newest) = mine.iter().find(|authority| authority.not_after >= long_enough) {
            return Ok(Arc::clone(newest));
        }
        let is_full = mine.len() >= AUTHORITIES_MAX;
        let ended = mine.iter().find(|authority| is_full && authority.not_after <= now);
        let last = mine.iter().max_by_key(|authority| authority.not_after);
        if let Some(last) = last.filter(|_| is_full && ended.is_none()) {
            // Each heartbeat renews what ends with it.
            return Ok(Arc::clone(last));
        }
        let order = AuthorityOrder::first_of(domain);
        let made = Authority::found(domain, next_number(&mine), order, self.entropy(), now);
        let made = Arc::new(made.map_err(Denial::Signing)?);
        let also = &mut exchange.draft.also;
        also.extend(ended.map(|authority| Write::AuthorityGone(authority.uid.clone())));
        also.push(Write::Authority(Arc::clone(&made)));
        Ok(made)
    }
}
