//! Zero touch provisioning: the device key, its certificate, and that of the CA.
//!
//! 1. An answer of the service provides the feature, and there is no certificate or another is wanted.
//! 2. The module draws a new key and asks for one, in the same contact.
//! 3. What it gets is checked, and stored with the key and with all that the answer provided.
//! 4. The report names the certificate in force.
//!
//! The key is gone when the feature is switched off.

use serde::{Deserialize, Serialize};

use super::phase::has_zero_touch;
use super::{Contact, Failure, KeyRefusal};
use crate::module::Module;
use crate::protocol::certificate::{CertificateSerial, PrivateKey, check_issued, to_pem};
use crate::protocol::message::{Certificates, CertificationRequest, Feature, Provision};
use crate::time::Now;

/// A key with its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertificate {
    /// The serial number of the certificate.
    pub serial: CertificateSerial,
    /// The private key.
    pub key: PrivateKey,
    /// The certificate, DER.
    #[serde(with = "crate::protocol::base64_text")]
    pub certificate: Vec<u8>,
    /// The certificate of the CA, DER.
    #[serde(with = "crate::protocol::base64_text")]
    pub authority: Vec<u8>,
}

/// What `AT+USECDEVCERT` reads, by rising `<type>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceDocument {
    /// 0: the private key.
    PrivateKey,
    /// 1: the public certificate of the device.
    Certificate,
    /// 2: certificate authorities.
    Authorities,
}

impl DeviceDocument {
    /// Each of them, at the place of its number.
    pub const ALL: [Self; 3] = [Self::PrivateKey, Self::Certificate, Self::Authorities];
}

impl Module {
    /// `AT+USECDEVCERT`: one of the documents, as PEM with line feeds.
    pub fn device_document(&self, document: DeviceDocument, now: Now) -> Result<String, KeyRefusal> {
        self.check_feature(Feature::ZeroTouchProvisioning, now)?;
        // Only a memory file of before there were certificates has the feature alone.
        let held = self.nvm.secrets.certificate().ok_or(KeyRefusal::NoFeature)?;
        Ok(match document {
            DeviceDocument::PrivateKey => held.key.to_pem(),
            DeviceDocument::Certificate => to_pem("CERTIFICATE", &held.certificate),
            DeviceDocument::Authorities => to_pem("CERTIFICATE", &held.authority),
        })
    }

    /// Whether a certificate has to be there before this is put in force: whatever the service believes,
    /// the feature is not without one.
    pub(super) fn needs_certificate(&self, provision: &Provision) -> bool {
        has_zero_touch(provision) && (provision.certificate || self.nvm.secrets.certificate().is_none())
    }

    /// Draws the key a certificate is asked for.
    pub(super) fn ask_for_certificate(&mut self, contact: &mut Contact) -> CertificationRequest {
        let key = PrivateKey::draw(&mut self.entropy);
        let request = key.certification_request();
        contact.device_key = Some(key);
        CertificationRequest { request }
    }
}

/// The certificate that was asked for; any other is a bad answer.
pub(super) fn certified(
    contact: &mut Contact,
    certificates: Certificates,
) -> Result<DeviceCertificate, Failure> {
    let key = contact.device_key.take().ok_or(Failure::BadAnswer)?;
    let Certificates { device: certificate, authority } = certificates;
    let serial = check_issued(&certificate, &authority, &key).map_err(|_| Failure::BadAnswer)?;
    Ok(DeviceCertificate { serial, key, certificate, authority })
}
