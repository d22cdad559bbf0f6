//! Certificates of devices: when one is wanted, and who signs it.
//!
//! 1. An answer that provisions says whether the module is to ask for one ([`Registry::wants_certificate`]).
//! 2. Asked, the service has a private CA of the device's domain sign it: the one its device profile
//!    named, or else the newest. A domain that has none gets one then.
//! 3. The report of the module says which certificate is in force.
//!
//! It is renewed by the next heartbeat once less than a third of its time is left, or not enough for
//! two more heartbeats; and when its CA is gone, is not the one wanted, or is another owner's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::authority::{AUTHORITIES_MAX, Authority, AuthorityOrder, draw_serial};
use super::device::{Device, Phase};
use super::exchange::{Denial, Exchange};
use super::registry::Registry;
use super::store::{Store, StoreError, Write};
use crate::protocol::certificate::{CertificateSerial, Subject, requested_key};
use crate::protocol::keys::RotUid;
use crate::protocol::message::{Answer, Certificates, CertificationRequest, Feature, Refusal};
use crate::time::Timestamp;

/// Certificates kept for a root of trust, the newest: enough to see what was in force and when.
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

/// The certificate that was last signed for a device.
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
    /// Whether the device reported it.
    pub in_force: bool,
}

impl DeviceCertificate {
    /// Whether too little of its time is left.
    fn is_to_be_renewed(&self, heartbeat_period_s: u32, now: Timestamp) -> bool {
        let third = self.not_after.millis_since(self.not_before) / 3;
        let two_heartbeats = 2 * 1000 * i64::from(heartbeat_period_s);
        self.not_after.millis_since(now) < third.max(two_heartbeats)
    }
}

impl<S: Store> Registry<S> {
    /// Whether a device is to ask for a certificate.
    pub(super) fn wants_certificate(&self, device: &Device, now: Timestamp) -> Result<bool, StoreError> {
        if !device.provided_now().settings.features.contains(&Feature::ZeroTouchProvisioning) {
            return Ok(false);
        }
        let Some(held) = device.certificate.as_ref().filter(|held| held.in_force) else {
            return Ok(true);
        };
        if held.is_to_be_renewed(device.wanted.heartbeat_period_s, now) {
            return Ok(true);
        }
        let named = self.named_authority(device, now)?;
        let signer = self.store().authority(&held.authority_uid)?;
        let is_right = signer.is_some_and(|signer| {
            device.domain() == Some(&signer.domain) && named.is_none_or(|named| named.uid == signer.uid)
        });
        Ok(!is_right)
    }

    /// Signs a certificate for a device that was told to ask for one.
    pub(super) fn certify(
        &mut self,
        exchange: &mut Exchange<'_>,
        request: &CertificationRequest,
    ) -> Result<Answer, Denial> {
        let key = requested_key(&request.request).map_err(Denial::Request)?;
        let now = exchange.now;
        if !self.wants_certificate(exchange.device(), now)? {
            return Err(Refusal::OutOfOrder.into());
        }
        let (Some(domain), Some(seal)) =
            (exchange.device().domain().map(str::to_owned), exchange.device().seal.clone())
        else {
            return Err(Refusal::OutOfOrder.into());
        };
        let authority = self.authority_for(exchange, &domain)?;
        let (rot, serial, validity) =
            (exchange.device().rot, draw_serial(self.entropy()), authority.validity(now));
        let subject = Subject { rot, serial_number: &seal.serial_number };
        let certificate = authority.issuer().issue(subject, &key, serial, validity);
        let certificate = certificate.map_err(Denial::Request)?;
        exchange.device().certificate = Some(DeviceCertificate {
            serial,
            authority_uid: authority.uid.clone(),
            not_before: validity.not_before,
            not_after: validity.not_after,
            in_force: false,
        });
        exchange.draft.also.push(Write::Certificate(Arc::new(IssuedCertificate {
            serial,
            rot,
            domain,
            authority_uid: authority.uid.clone(),
            device_serial_number: seal.serial_number,
            not_before: validity.not_before,
            not_after: validity.not_after,
            certificate: certificate.clone(),
        })));
        let certificates = Certificates { device: certificate, authority: authority.certificate.clone() };
        let answer = Answer::Certificate(exchange.nonce, certificates);
        // In a bootstrap it is part of phase 3.
        let in_bootstrap = exchange.device().bootstrap.is_some();
        Ok(if in_bootstrap { exchange.end_phase(Phase::Provision, answer) } else { answer })
    }

    /// The CA its device profile named, if that is still one of its domain.
    fn named_authority(&self, device: &Device, now: Timestamp) -> Result<Option<Arc<Authority>>, StoreError> {
        let Some(uid) = &device.wanted.authority_uid else { return Ok(None) };
        let named = self.store().authority(uid)?;
        Ok(named.filter(|named| device.domain() == Some(&named.domain) && named.is_valid(now)))
    }

    /// Who signs for a device of a domain; makes the domain's first CA where there is none.
    fn authority_for(&mut self, exchange: &mut Exchange<'_>, domain: &str) -> Result<Arc<Authority>, Denial> {
        let now = exchange.now;
        if let Some(named) = self.named_authority(exchange.device(), now)? {
            return Ok(named);
        }
        let mine = self.store().authorities(domain)?;
        let newest = mine.iter().filter(|one| one.is_valid(now)).max_by_key(|one| one.not_before);
        if let Some(newest) = newest {
            return Ok(Arc::clone(newest));
        }
        let order = AuthorityOrder::first_of(domain);
        let made = Authority::found(domain, order, self.entropy(), now).map_err(Denial::Request)?;
        let made = Arc::new(made);
        // None of them is valid any more: the oldest makes room.
        if let Some(oldest) =
            mine.iter().min_by_key(|one| one.not_before).filter(|_| mine.len() >= AUTHORITIES_MAX)
        {
            exchange.draft.also.push(Write::AuthorityGone(oldest.uid.clone()));
        }
        exchange.draft.also.push(Write::Authority(Arc::clone(&made)));
        Ok(made)
    }
}

impl Device {
    /// Takes over which certificate is in force; what the device had before is returned.
    pub(super) fn report_certificate(&mut self, reported: Option<CertificateSerial>) -> Option<Timestamp> {
        let known = self.certificate.as_mut()?;
        let was = std::mem::replace(&mut known.in_force, reported == Some(known.serial));
        (known.in_force && !was).then_some(known.not_after)
    }
}
