//! Accounts, and the first access keys.

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::run_service::ServiceHost;
use crate::service::domain::Domain;
use crate::service::store::Window;
use crate::web::api::values::{GivenName, Moment, Title};
use crate::web::error::ApiError;
use crate::web::limits::PAGE_LEN_MAX;
use crate::web::operation::{Nothing, Operation};

/// A new domain.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DomainCreateRequest {
    /// By which it is known everywhere: letters, digits, hyphens, underscores and dots.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$", example = "acme")]
    name: String,
    /// Who registers it.
    company: Option<Title>,
}

/// A domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DomainEntry {
    /// By which it is known everywhere.
    name: String,
    /// Who registered it.
    company: Option<String>,
    /// When it was made.
    created_at: Moment,
}

/// Domains.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DomainList {
    /// By name, at most 1000.
    domains: Vec<DomainEntry>,
    /// How many there are.
    total: usize,
}

/// An access key for a domain.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct DomainAccessKeyRequest {
    /// Which domain; `default`.
    domain: Option<GivenName>,
}

/// An access key with its secret.
#[derive(Serialize, ToSchema)]
struct DomainAccessKey {
    /// Its name.
    #[serde(rename = "APIKey")]
    api_key: String,
    /// Its secret, in this answer and nowhere else.
    #[serde(rename = "APISecret")]
    api_secret: String,
}

impl From<&Domain> for DomainEntry {
    fn from(domain: &Domain) -> Self {
        Self {
            name: domain.name.clone(),
            company: domain.company.clone(),
            created_at: Moment(domain.created_at),
        }
    }
}

fn list(host: &mut ServiceHost, _: Nothing) -> Result<DomainList, ApiError> {
    let page = host.operator().domains(Window { offset: 0, count: PAGE_LEN_MAX })?;
    Ok(DomainList {
        domains: page.items.iter().map(|domain| (&**domain).into()).collect(),
        total: page.total,
    })
}

fn create(host: &mut ServiceHost, request: DomainCreateRequest) -> Result<DomainEntry, ApiError> {
    let company = request.company.as_ref().map(|company| company.0.as_str());
    Ok((&*host.operator().create_domain(&request.name, company)?).into())
}

fn create_access_key(
    host: &mut ServiceHost,
    request: DomainAccessKeyRequest,
) -> Result<DomainAccessKey, ApiError> {
    let domain = request.domain.as_ref().map_or(crate::service::domain::DEFAULT_DOMAIN, |domain| &domain.0);
    let (key, secret) = host.operator().create_access_key(domain)?;
    Ok(DomainAccessKey { api_key: key.api_key.clone(), api_secret: secret.reveal() })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::admin_get("/domains", list).about("Accounts", "Lists domains"),
        Operation::admin(Method::POST, "/domains", create)
            .about("Accounts", "Makes a domain")
            .refuses(&[StatusCode::CONFLICT]),
        Operation::admin(Method::POST, "/accesskeys", create_access_key)
            .about("Accounts", "Makes an access key for a domain")
            .refuses(&[StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
    ]
}
