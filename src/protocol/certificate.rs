//! X.509 certificates for zero touch provisioning (RFC 5280, ECDSA over P-256): what a module asks
//! for, and what a private CA gives it.
//!
//! 1. The module draws a [`PrivateKey`] and signs a certification request (PKCS #10, RFC 2986): that
//!    proves it has the key. Who asks is known from the session, so the request names nobody.
//! 2. The service has the [`Issuer`] of the device's owner sign a certificate for it.
//! 3. The module [checks](check_issued) that it is for its key and by that CA.
//!
//! | field | of a device | of a CA |
//! |---|---|---|
//! | subject | `CN` the device serial number, `serialNumber` the RoT public UID in hex | `CN` its name |
//! | issuer | the subject of the CA | its own subject |
//! | key usage | digital signature, for TLS clients | signs certificates and lists of revoked ones |
//! | basic constraints | – | a CA, of devices only (path length 0) |
//!
//! Signatures are deterministic (RFC 6979), so that a trace with certificates repeats. All of it is
//! `designed`: of the real service only the three PEM documents of `+USECDEVCERT` are known.

mod issue;
mod key;
mod names;

pub use issue::{Issuer, Subject, check_issued, requested_key};
pub use key::{PrivateKey, PublicKey};

use std::fmt;

use minicbor::{CborLen, Decode, Encode};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::time::Timestamp;

/// Longest certification request, in bytes: one over P-256 has about 200.
pub const CERTIFICATION_REQUEST_LEN_MAX: usize = 512;

/// Longest name of a CA, in characters of ASCII, so that a certificate and that of its CA fit into one message.
pub const AUTHORITY_NAME_LEN_MAX: usize = 32;

/// The serial number of a certificate: random, positive, always of this length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct CertificateSerial(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

/// From when to when a certificate holds; whole seconds of both ends are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub not_before: Timestamp,
    /// Not after.
    pub not_after: Timestamp,
}

/// A certificate or request that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(String);

impl CertificateError {
    fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }
}

impl CertificateSerial {
    /// One from random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        // The highest bit would need one byte more, the next keeps it from being a byte less.
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Self(bytes)
    }

    /// The serial number that is in a certificate, if this made it.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        certificate.tbs_certificate().serial_number().as_bytes().try_into().ok().map(Self)
    }
}

/// A DER document as PEM with line feeds; `label` for example `CERTIFICATE`.
pub fn to_pem(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), config)
}

impl fmt::Display for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for CertificateSerial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for CertificateSerial {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(text.as_ref(), &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests;
