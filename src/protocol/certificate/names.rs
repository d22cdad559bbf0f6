//! Distinguished names, made attribute by attribute: text of users is never parsed for structure.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::CertificateError;

/// `CN`, common name (X.520).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// `serialNumber`: of a device, not of a certificate (X.520).
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");

/// `CN=<common name>`, and `serialNumber=<serial number>` where there is one.
pub(super) fn name(common_name: &str, serial_number: Option<&str>) -> Result<Name, CertificateError> {
    let mut sequence = RdnSequence::default();
    let common_name = Utf8StringRef::new(common_name).map_err(CertificateError::new)?;
    sequence.push(single(COMMON_NAME, Any::encode_from(&common_name))?);
    if let Some(serial_number) = serial_number {
        let serial_number = PrintableStringRef::new(serial_number).map_err(CertificateError::new)?;
        sequence.push(single(SERIAL_NUMBER, Any::encode_from(&serial_number))?);
    }
    let der = sequence.to_der().map_err(CertificateError::new)?;
    Name::from_der(&der).map_err(CertificateError::new)
}

fn single(
    oid: ObjectIdentifier,
    value: x509_cert::der::Result<Any>,
) -> Result<RelativeDistinguishedName, CertificateError> {
    let mut attributes = RelativeDistinguishedName::default();
    let value = value.map_err(CertificateError::new)?;
    attributes.insert(AttributeTypeAndValue { oid, value }).map_err(CertificateError::new)?;
    Ok(attributes)
}
