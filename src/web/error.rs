//! [`ApiError`]: why a call is refused, and what to do about it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::host::run_service::Ended;
use crate::service::{OperatorError, StoreError};

/// A refusal, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    message: String,
    hint: String,
}

/// The body of every refusal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failure {
    /// What went wrong.
    error: FailureBody,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailureBody {
    /// One word, for programs.
    #[schema(example = "NotFound")]
    code: &'static str,
    /// What happened, for people.
    #[schema(example = "there is no device profile with that UID")]
    message: String,
    /// What to do about it.
    #[schema(example = "POST /v1/deviceprofile/list names the device profiles of this domain")]
    hint: String,
}

impl ApiError {
    /// A refusal.
    pub(super) fn new(status: StatusCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: hint.into() }
    }

    /// The request cannot be read.
    pub(super) fn bad_request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, hint)
    }

    /// Who calls is not known.
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        let hint = "POST /v1/authenticate with {APIKey, APISecret} gives an AuthToken; \
                    send it as Authorization: Bearer <AuthToken>";
        Self::new(StatusCode::UNAUTHORIZED, message, hint)
    }

    /// Who calls is not the admin.
    pub(super) fn unauthorized_admin() -> Self {
        let hint = "send the token in <state>/admin-token as Authorization: Bearer <token>";
        Self::new(StatusCode::UNAUTHORIZED, "the call has no admin token, or a wrong one", hint)
    }

    /// It is not there, or not for this caller.
    pub(super) fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message, hint)
    }

    /// Not as things stand.
    pub(super) fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message, hint)
    }

    /// Too often.
    pub(super) fn too_many(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, message, "wait a second, then try again")
    }

    /// It failed here; the log says how, the caller need not know.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(target: "vsara::web", "{error}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed",
            "its log says why; try again later",
        )
    }

    /// What happened, for people.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> &str {
        &self.hint
    }

    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "InvalidRequest",
            StatusCode::UNAUTHORIZED => "Unauthorized",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "NotFound",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
            StatusCode::CONFLICT => "Conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "TooLarge",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            _ => "Internal",
        }
    }
}

impl From<OperatorError> for ApiError {
    fn from(error: OperatorError) -> Self {
        use OperatorError as E;
        let message = error.to_string();
        match error {
            E::UnknownDevice(_) | E::NotYours { .. } => Self::not_found(
                message,
                "POST /v1/device/list names the devices of this domain; a new one is there once it has \
                 bootstrapped with a device profile of this domain",
            ),
            E::UnknownKey(_) => Self::not_found(
                message,
                "the identity is what the module said with the key; the device has to be in this domain",
            ),
            E::DownlinksUsedUp(_) => Self::conflict(message, "POST /v1/e2e/key/rotate asks for new ones"),
            E::NoServices(_) => Self::conflict(
                message,
                "POST /v1/device/get shows its state, its plan, and its services as wanted and as applied",
            ),
            E::UnknownProfile => Self::not_found(
                message,
                "POST /v1/deviceprofile/list names the device profiles of this domain",
            ),
            E::UnknownCampaign => {
                Self::not_found(message, "POST /v1/campaign/list names the campaigns of this domain")
            }
            E::UnknownAuthority => {
                Self::not_found(message, "POST /v1/ca/list names the private CAs of this domain")
            }
            E::UnknownAccessKey => {
                Self::not_found(message, "POST /v1/accesskey/list names the access keys of this domain")
            }
            E::UnknownDomain(_) => Self::not_found(message, "the admin API lists the domains: GET /domains"),
            E::OverPlanLimit { .. } => {
                Self::conflict(message, "suspend another device, or choose a plan with more room")
            }
            E::AccessKeysMax => {
                Self::conflict(message, "delete one that is not needed any more: POST /v1/accesskey/delete")
            }
            E::AuthoritiesMax => {
                Self::conflict(message, "delete one that is not needed any more: POST /v1/ca/delete")
            }
            E::AuthorityInUse(_) => {
                Self::conflict(message, "name another CA, or none, with POST /v1/deviceprofile/update first")
            }
            E::Unowned(_) => Self::conflict(message, "AT+USECDEVINFO seals it"),
            E::OtherProfile(_) => Self::conflict(message, "POST /v1/device/get says by which it was"),
            E::ProfileExists | E::DomainExists(_) => Self::conflict(message, "choose another"),
            E::ProfileUid
            | E::DomainName
            | E::Title
            | E::NoChange
            | E::Count { .. }
            | E::HeartbeatPeriod
            | E::AuthorityName
            | E::Validity => Self::bad_request(message, "the document at /docs says what is allowed"),
            E::Store(error) => Self::internal(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<Ended> for ApiError {
    fn from(ended: Ended) -> Self {
        Self::internal(ended)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = (self.status, self.code());
        let refusal = self.clone();
        let error = FailureBody { code, message: self.message, hint: self.hint };
        let mut response = (status, Json(Failure { error })).into_response();
        // A browser is shown a page instead.
        response.extensions_mut().insert(refusal);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
