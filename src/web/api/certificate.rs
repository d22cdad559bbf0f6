//! Certificates of Things.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{Count, GivenName, Moment, Offset, Rot, window};
use crate::protocol::certificate::to_pem;
use crate::service::certificate::IssuedCertificate;
use crate::service::store::CertificateQuery;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// Part of the certificates that fit.
#[derive(Deserialize, ToSchema)]
struct CertificateListRequest {
    /// Of this Thing only.
    #[serde(rename = "ROTPublicUID")]
    rot: Option<Rot>,
    /// Signed by this private CA only, deleted or not.
    #[serde(rename = "CAUID")]
    ca_uid: Option<GivenName>,
    /// How many to leave out.
    #[serde(rename = "Offset")]
    offset: Option<Offset>,
    /// How many to give.
    #[serde(rename = "Count")]
    count: Option<Count>,
}

/// Certificates of the Things of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CertificateList {
    /// The newest first; of each Thing the one in force is kept, and the last eight beside it.
    certificates: Vec<CertificateEntry>,
    /// How many fit.
    total: usize,
}

/// A certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CertificateEntry {
    /// Its serial number, hex.
    certificate_serial_number: String,
    /// The Thing, and `serialNumber` of the subject.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// The serial number sealed into the Thing, and `CN` of the subject.
    serial_number: String,
    /// Who signed it.
    #[serde(rename = "CAUID")]
    ca_uid: String,
    /// From when it holds: when it was signed.
    not_before: Moment,
    /// Until when it holds.
    not_after: Moment,
    /// Whether it is the one in force on the Thing, as that has reported.
    in_force: bool,
    /// PEM.
    certificate: String,
}

impl CertificateEntry {
    fn new(issued: &IssuedCertificate, in_force: bool) -> Self {
        Self {
            certificate_serial_number: issued.serial.to_string(),
            rot: Rot(issued.rot),
            serial_number: issued.device_serial_number.clone(),
            ca_uid: issued.authority_uid.clone(),
            not_before: Moment(issued.not_before),
            not_after: Moment(issued.not_after),
            in_force,
            certificate: to_pem("CERTIFICATE", &issued.certificate),
        }
    }
}

fn list(owner: &mut Owner<'_>, request: CertificateListRequest) -> Result<CertificateList, ApiError> {
    let query = CertificateQuery {
        domain: None,
        rot: request.rot.map(|rot| rot.0),
        authority_uid: request.ca_uid.map(|uid| uid.0),
    };
    let page = owner.account.certificates(query, window(request.offset, request.count))?;
    let mut certificates = Vec::with_capacity(page.items.len());
    for issued in &page.items {
        let in_force = owner.account.is_in_force(issued)?;
        certificates.push(CertificateEntry::new(issued, in_force));
    }
    Ok(CertificateList { certificates, total: page.total })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::owner("/v1/certificate/list", list)
            .about("Zero touch provisioning", "Lists certificates of Things"),
    ]
}
