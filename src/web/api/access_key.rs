//! Access keys of a domain.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::{GivenName, Moment};
use crate::web::error::ApiError;
use crate::web::operation::{Done, Operation, Owner};

/// A new access key of the caller's domain.
#[derive(Deserialize, ToSchema)]
struct AccessKeyCreateRequest {}

/// An access key with its secret.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct NewAccessKey {
    /// Its name.
    #[serde(rename = "APIKey")]
    pub(in crate::web) api_key: String,
    /// Its secret, in this answer and nowhere else.
    #[serde(rename = "APISecret")]
    pub(in crate::web) api_secret: String,
}

/// All of them.
#[derive(Deserialize, ToSchema)]
struct AccessKeyListRequest {}

/// The access keys of a domain.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct AccessKeyList {
    /// By name.
    access_keys: Vec<AccessKeyEntry>,
    /// How many there are.
    total: usize,
}

/// An access key without its secret.
#[derive(Serialize, ToSchema)]
struct AccessKeyEntry {
    /// Its name.
    #[serde(rename = "APIKey")]
    api_key: String,
    /// When it was made.
    #[serde(rename = "CreatedAt")]
    created_at: Moment,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
struct AccessKeyDeleteRequest {
    /// Its name.
    #[serde(rename = "APIKey")]
    api_key: GivenName,
}

fn create(owner: &mut Owner<'_>, _: AccessKeyCreateRequest) -> Result<NewAccessKey, ApiError> {
    let (key, secret) = owner.account.create_access_key()?;
    Ok(NewAccessKey { api_key: key.api_key.clone(), api_secret: secret.reveal() })
}

fn list(owner: &mut Owner<'_>, _: AccessKeyListRequest) -> Result<AccessKeyList, ApiError> {
    let keys = owner.account.access_keys()?;
    let entry = |key: &crate::service::access_key::AccessKey| AccessKeyEntry {
        api_key: key.api_key.clone(),
        created_at: Moment(key.created_at),
    };
    Ok(AccessKeyList { total: keys.len(), access_keys: keys.iter().map(|key| entry(key)).collect() })
}

fn delete(owner: &mut Owner<'_>, request: AccessKeyDeleteRequest) -> Result<Done, ApiError> {
    if request.api_key.0 == owner.api_key {
        let hint = "authenticate with another access key first";
        return Err(ApiError::conflict("this very call was made with that access key", hint));
    }
    owner.account.delete_access_key(&request.api_key.0)?;
    Ok(Done {})
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::owner("/v1/accesskey/create", create)
            .about("Authentication", "Makes an access key; a domain has at most 5")
            .refuses(&[StatusCode::CONFLICT]),
        Operation::owner("/v1/accesskey/list", list)
            .about("Authentication", "Lists access keys, never secrets"),
        Operation::owner("/v1/accesskey/delete", delete)
            .about("Authentication", "Deletes an access key: whoever holds it is locked out")
            .refuses(&[StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
    ]
}
