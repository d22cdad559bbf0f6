//! Private CAs: who signs the certificates of devices.

use std::sync::Arc;

use rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::random_text::letters_and_digits;
use crate::protocol::certificate::{
    AUTHORITY_NAME_LEN_MAX, CertificateError, CertificateSerial, Issuer, PrivateKey, Validity,
};
use crate::time::Timestamp;

/// Most private CAs of a domain.
pub const AUTHORITIES_MAX: usize = 15;

/// Length of a CAUID, in characters.
pub const AUTHORITY_UID_LEN: usize = 22;

/// How long a CA and a device certificate may hold, in days: about a century. `designed`
pub const VALIDITY_DAYS_MAX: u32 = 36_500;

/// How long a CA holds where nobody said otherwise, in days: 20 years. `designed`
pub const AUTHORITY_VALIDITY_DAYS: u32 = 7300;

/// How long a device certificate holds where nobody said otherwise, in days. `designed`
pub const CERTIFICATE_VALIDITY_DAYS: u32 = 365;

/// A private CA, as it is stored. Its key never leaves the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// 22 random letters and digits.
    pub uid: String,
    /// Whose it is.
    pub domain: String,
    /// Later ones of a domain have higher numbers.
    #[serde(default)]
    pub number: u32,
    /// Its common name.
    pub name: String,
    /// What it signs with.
    pub key: PrivateKey,
    /// Its own certificate, DER, signed by itself.
    #[serde(with = "crate::protocol::base64_text")]
    pub certificate: Vec<u8>,
    /// From when it holds: when it was made.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// How long a device certificate holds, in days; two periods of the device's heartbeat at least.
    pub certificate_validity_days: u32,
}

/// What a new CA is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityOrder {
    /// Its common name.
    pub name: String,
    /// How long it holds, in days.
    pub validity_days: u32,
    /// How long a device certificate holds, in days.
    pub certificate_validity_days: u32,
}

impl AuthorityOrder {
    /// One with the usual validity.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            validity_days: AUTHORITY_VALIDITY_DAYS,
            certificate_validity_days: CERTIFICATE_VALIDITY_DAYS,
        }
    }

    /// The CA of a domain that has none, or none that holds long enough, when a device needs one.
    pub(super) fn first_of(domain: &str) -> Self {
        const KIND: &str = " device CA";
        // Names of domains are ASCII.
        let end = domain.len().min(AUTHORITY_NAME_LEN_MAX - KIND.len());
        Self::named(format!("{}{KIND}", domain.get(..end).unwrap_or_default()))
    }
}

impl Authority {
    /// Makes a CA: key, UID and serial number are drawn.
    pub(super) fn found(
        domain: &str,
        number: u32,
        order: AuthorityOrder,
        rng: &mut impl Rng,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        let key = PrivateKey::draw(rng);
        let validity = days_from(now, order.validity_days);
        let certificate = Issuer::found(&key, &order.name, draw_serial(rng), validity)?;
        Ok(Self {
            uid: letters_and_digits(rng, AUTHORITY_UID_LEN),
            domain: domain.to_owned(),
            number,
            name: order.name,
            key,
            certificate,
            not_before: validity.not_before,
            not_after: validity.not_after,
            certificate_validity_days: order.certificate_validity_days,
        })
    }

    /// Whether text may be the common name of a CA: 1 to 32 printable ASCII characters, no space at its
    /// ends.
    pub fn is_name(text: &str) -> bool {
        (1..=AUTHORITY_NAME_LEN_MAX).contains(&text.len())
            && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
            && text.trim_matches(' ') == text
    }

    /// Who signs.
    pub(super) fn issuer(&self) -> Issuer<'_> {
        Issuer { key: &self.key, certificate: &self.certificate }
    }

    /// How long a certificate holds that it signs now: until then at least, so that it can be renewed in
    /// time, but never longer than the CA itself.
    pub(super) fn validity(&self, now: Timestamp, at_least_until: Timestamp) -> Validity {
        let Validity { not_before, not_after } = days_from(now, self.certificate_validity_days);
        Validity { not_before, not_after: not_after.max(at_least_until).min(self.not_after) }
    }
}

/// The number of the next CA of a domain that has these.
pub(super) fn next_number(present: &[Arc<Authority>]) -> u32 {
    present.iter().map(|authority| authority.number).max().map_or(1, |number| number.saturating_add(1))
}

/// A serial number for a certificate.
pub(super) fn draw_serial(rng: &mut impl Rng) -> CertificateSerial {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    CertificateSerial::from_random(bytes)
}

fn days_from(now: Timestamp, days: u32) -> Validity {
    Validity { not_before: now, not_after: now.offset_millis(i64::from(days) * 24 * 60 * 60 * 1000) }
}
