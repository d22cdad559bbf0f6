//! Tokens: got with an access key, renewed without it.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::GivenName;
use crate::host::run_service::ServiceHost;
use crate::service::store::Store;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Provenance, Shape, from_json, json, read};
use crate::web::token::Purpose;

/// An access key and its secret.
#[derive(Deserialize, ToSchema)]
struct AuthenticateRequest {
    /// The name of the access key.
    #[serde(rename = "APIKey")]
    api_key: GivenName,
    /// Its secret.
    #[serde(rename = "APISecret")]
    api_secret: String,
}

/// A token for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct RefreshRequest {
    /// From an earlier answer.
    refresh_token: String,
}

/// Two tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Tokens {
    /// For calls; good for an hour.
    auth_token: String,
    /// For new tokens; good for 30 days.
    refresh_token: String,
}

/// `{APIKey, APISecret}` → `{AuthToken, RefreshToken}` (published).
async fn authenticate(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let AuthenticateRequest { api_key: GivenName(api_key), api_secret } =
        from_json(&read(request.into_body()).await?)?;
    if !app.may_try_secret(&api_key) {
        return Err(ApiError::too_many("too many wrong secrets for this access key"));
    }
    let name = api_key.clone();
    let key = app.rooms.service.with(move |host: &mut ServiceHost| host.service().store().access_key(&name));
    let hint = "make an access key in the console, or by `vsara ctl accesskey create`";
    let key = key.await??.ok_or_else(|| ApiError::not_found("there is no access key of that name", hint))?;
    if !key.opens_with(&api_secret) {
        app.secret_was_wrong(&api_key);
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "the secret is wrong", hint));
    }
    tokens(&app, &key.domain, &key.api_key)
}

/// A new pair of tokens, for as long as the access key is there.
async fn refresh(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let RefreshRequest { refresh_token } = from_json(&read(request.into_body()).await?)?;
    let now = app.rooms.clock.now().system;
    let claims =
        app.tokens.read(&refresh_token, now).map_err(|error| ApiError::unauthorized(error.to_string()))?;
    if claims.purpose != Purpose::Refresh {
        return Err(ApiError::unauthorized("an AuthToken is good for calls only"));
    }
    let caller = crate::web::app::Caller::from(claims);
    let known = caller.clone();
    app.rooms.service.with(move |host: &mut ServiceHost| known.is_known_to(host)).await??;
    tokens(&app, &caller.domain, &caller.api_key)
}

fn tokens(app: &App, domain: &str, api_key: &str) -> Result<Response, ApiError> {
    let now = app.rooms.clock.now().system;
    let issue = |purpose| {
        let token = app.tokens.issue(purpose, domain, api_key, now);
        token.ok_or_else(|| ApiError::internal("the operating system gives no random numbers"))
    };
    json(&Tokens { auth_token: issue(Purpose::Auth)?, refresh_token: issue(Purpose::Refresh)? })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/v1/authenticate", Shape::of::<Tokens>(), post(authenticate))
            .about("Authentication", "Gives tokens for an access key and its secret")
            .takes(Shape::of::<AuthenticateRequest>())
            .refuses(&[StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND])
            .from(Provenance::Published),
        Operation::new(Method::POST, "/v1/authenticate/refresh", Shape::of::<Tokens>(), post(refresh))
            .about("Authentication", "Gives new tokens for a RefreshToken")
            .takes(Shape::of::<RefreshRequest>())
            .refuses(&[StatusCode::UNAUTHORIZED]),
    ]
}
