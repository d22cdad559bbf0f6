//! A private CA at work, and the module's look at what it gave.

use std::time::Duration;

use p256::ecdsa::DerSignature;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::{Certificate, TbsCertificate};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{DateTime, Decode, Encode};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::request::CertReq;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Time;

use super::names;
use super::{
    CERTIFICATION_REQUEST_LEN_MAX, CertificateError, CertificateSerial, PrivateKey, PublicKey, Validity,
};
use crate::protocol::keys::RotUid;
use crate::time::Timestamp;

/// Use of a key to prove a client in TLS (RFC 5280, 4.2.1.12).
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// Who signs: a private CA.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Its key.
    pub key: &'a PrivateKey,
    /// Its own certificate, DER.
    pub certificate: &'a [u8],
}

/// Whom a device certificate names.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The root of trust.
    pub rot: RotUid,
    /// What its owner calls the device.
    pub serial_number: &'a str,
}

/// The two kinds of certificate there are.
enum Kind {
    Authority { subject: Name },
    Device { subject: Name, issuer: Name },
}

impl Issuer<'_> {
    /// The certificate of a new CA, signed by itself, in DER.
    pub fn found(
        key: &PrivateKey,
        name: &str,
        serial: CertificateSerial,
        validity: Validity,
    ) -> Result<Vec<u8>, CertificateError> {
        let kind = Kind::Authority { subject: names::name(name, None)? };
        sign(kind, &key.public_key(), serial, validity, key)
    }

    /// A certificate for the key of a device, in DER.
    pub fn issue(
        &self,
        subject: Subject<'_>,
        key: &PublicKey,
        serial: CertificateSerial,
        validity: Validity,
    ) -> Result<Vec<u8>, CertificateError> {
        let ours = decode(self.certificate)?;
        let issuer = ours.tbs_certificate().subject().clone();
        let subject = names::name(subject.serial_number, Some(&subject.rot.to_string()))?;
        sign(Kind::Device { subject, issuer }, key, serial, validity, self.key)
    }
}

/// The public key a certification request asks a certificate for; the request proves that its sender
/// has the private one.
pub fn requested_key(request: &[u8]) -> Result<PublicKey, CertificateError> {
    if request.len() > CERTIFICATION_REQUEST_LEN_MAX {
        let problem = format!("a certification request is at most {CERTIFICATION_REQUEST_LEN_MAX} bytes");
        return Err(CertificateError(problem));
    }
    let request = CertReq::from_der(request).map_err(CertificateError::new)?;
    let signed = request.info.to_der().map_err(CertificateError::new)?;
    let key = PublicKey(request.info.public_key);
    key.verify(&signed, &request.algorithm, &request.signature)?;
    Ok(key)
}

/// Whether a certificate is for this key and signed by the CA of the other.
pub fn check_issued(
    certificate: &[u8],
    authority: &[u8],
    key: &PrivateKey,
) -> Result<CertificateSerial, CertificateError> {
    let (issued, authority) = (decode(certificate)?, decode(authority)?);
    let (tbs, by) = (issued.tbs_certificate(), authority.tbs_certificate());
    if *tbs.subject_public_key_info() != key.public_key().0 {
        return Err(CertificateError("the certificate is for another key".into()));
    }
    if tbs.issuer() != by.subject() {
        return Err(CertificateError("the certificate names another CA".into()));
    }
    let signed = tbs.to_der().map_err(CertificateError::new)?;
    let signer = PublicKey(by.subject_public_key_info().clone());
    signer.verify(&signed, issued.signature_algorithm(), issued.signature())?;
    let serial = tbs.serial_number().as_bytes().try_into();
    serial.map(CertificateSerial).map_err(|_| CertificateError("its serial number is not ours".into()))
}

fn sign(
    kind: Kind,
    key: &PublicKey,
    serial: CertificateSerial,
    validity: Validity,
    signer: &PrivateKey,
) -> Result<Vec<u8>, CertificateError> {
    let serial = SerialNumber::new(&serial.0).map_err(CertificateError::new)?;
    let validity = x509_cert::time::Validity::new(date(validity.not_before)?, date(validity.not_after)?);
    let builder = CertificateBuilder::new(kind, serial, validity, key.0.clone());
    let built = builder.and_then(|builder| builder.build::<_, DerSignature>(signer.signer()));
    built.map_err(CertificateError::new)?.to_der().map_err(CertificateError::new)
}

fn decode(certificate: &[u8]) -> Result<Certificate, CertificateError> {
    Certificate::from_der(certificate).map_err(CertificateError::new)
}

fn date(at: Timestamp) -> Result<Time, CertificateError> {
    let seconds = u64::try_from(at.as_millis() / 1000).map_err(CertificateError::new)?;
    DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from).map_err(CertificateError::new)
}

impl BuilderProfile for Kind {
    fn get_issuer(&self, subject: &Name) -> Name {
        match self {
            Kind::Authority { .. } => subject.clone(),
            Kind::Device { issuer, .. } => issuer.clone(),
        }
    }

    fn get_subject(&self) -> Name {
        match self {
            Kind::Authority { subject } | Kind::Device { subject, .. } => subject.clone(),
        }
    }

    fn build_extensions(
        &self,
        subject_key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut extensions = Vec::new();
        let mut add = |extension: x509_cert::der::Result<Extension>| {
            extension.map(|extension| extensions.push(extension))
        };
        let subject = tbs.subject();
        match self {
            Kind::Authority { .. } => {
                let ca = BasicConstraints { ca: true, path_len_constraint: Some(0) };
                let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
                add((&ca).to_extension(subject, &[]))?;
                add((&usage).to_extension(subject, &[]))?;
            }
            Kind::Device { .. } => {
                let usage = KeyUsage(KeyUsages::DigitalSignature.into());
                let client = ExtendedKeyUsage(vec![CLIENT_AUTHENTICATION]);
                let issuer = AuthorityKeyIdentifier::try_from(issuer_key)?;
                add((&usage).to_extension(subject, &[]))?;
                add((&client).to_extension(subject, &[]))?;
                add((&issuer).to_extension(subject, &[]))?;
            }
        }
        add((&SubjectKeyIdentifier::try_from(subject_key)?).to_extension(subject, &[]))?;
        Ok(extensions)
    }
}
