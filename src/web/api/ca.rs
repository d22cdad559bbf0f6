//! Private CAs of a domain.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{AuthorityName, Count, Days, GivenName, Moment, Offset, window};
use crate::protocol::certificate::to_pem;
use crate::service::authority::{Authority, AuthorityOrder};
use crate::web::error::ApiError;
use crate::web::operation::{Done, Operation, Owner};

/// A new private CA; its key never leaves the service. One that ends before two more heartbeats of a Thing
/// signs nothing for it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CaCreateRequest {
    /// Its common name.
    name: AuthorityName,
    /// How long it holds, in days; 20 years.
    validity_days: Option<Days>,
    /// How long the certificates hold that it signs, in days; a year. Two periods of the device's heartbeat
    /// where that is longer, but never longer than the CA.
    certificate_validity_days: Option<Days>,
}

/// Part of all of them.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CaListRequest {
    /// How many to leave out.
    offset: Option<Offset>,
    /// How many to give.
    count: Option<Count>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
struct CaDeleteRequest {
    /// Its UID.
    #[serde(rename = "CAUID")]
    ca_uid: GivenName,
}

/// A private CA.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct CaEntry {
    /// 22 letters and digits.
    #[serde(rename = "CAUID")]
    ca_uid: String,
    /// Its common name.
    name: String,
    /// From when it holds: when it was made.
    not_before: Moment,
    /// Until when it holds.
    not_after: Moment,
    /// How long the certificates hold that it signs, in days; two periods of the device's heartbeat where
    /// that is longer.
    certificate_validity_days: u32,
    /// Its own certificate, PEM: what a server that knows its devices by their certificates trusts.
    certificate: String,
}

/// Private CAs of a domain.
#[derive(Serialize, ToSchema)]
struct CaList {
    /// By UID.
    #[serde(rename = "CAs")]
    cas: Vec<CaEntry>,
    /// How many there are.
    #[serde(rename = "Total")]
    total: usize,
}

impl From<&Authority> for CaEntry {
    fn from(authority: &Authority) -> Self {
        Self {
            ca_uid: authority.uid.clone(),
            name: authority.name.clone(),
            not_before: Moment(authority.not_before),
            not_after: Moment(authority.not_after),
            certificate_validity_days: authority.certificate_validity_days,
            certificate: to_pem("CERTIFICATE", &authority.certificate),
        }
    }
}

fn create(owner: &mut Owner<'_>, request: CaCreateRequest) -> Result<CaEntry, ApiError> {
    let usual = AuthorityOrder::named(request.name.0);
    let order = AuthorityOrder {
        validity_days: request.validity_days.map_or(usual.validity_days, |days| days.0),
        certificate_validity_days: request
            .certificate_validity_days
            .map_or(usual.certificate_validity_days, |days| days.0),
        ..usual
    };
    Ok((&*owner.account.create_authority(order)?).into())
}

fn list(owner: &mut Owner<'_>, request: CaListRequest) -> Result<CaList, ApiError> {
    let page = window(request.offset, request.count).of(owner.account.authorities()?.into_iter());
    Ok(CaList { cas: page.items.iter().map(|authority| (&**authority).into()).collect(), total: page.total })
}

fn delete(owner: &mut Owner<'_>, request: CaDeleteRequest) -> Result<Done, ApiError> {
    owner.account.delete_authority(&request.ca_uid.0)?;
    Ok(Done {})
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Zero touch provisioning";
    vec![
        Operation::owner("/v1/ca/create", create)
            .about(TAG, "Makes a private CA; a domain has at most 15")
            .refuses(&[StatusCode::CONFLICT]),
        Operation::owner("/v1/ca/list", list).about(TAG, "Lists private CAs with their certificates"),
        Operation::owner("/v1/ca/delete", delete)
            .about(TAG, "Deletes a private CA: Things get new certificates at their next heartbeat")
            .refuses(&[StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
    ]
}
