//! `GET /live`: events of the open domain as they happen, for the overview.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::session;
use crate::web::api::stream::{Who, follow};
use crate::web::app::App;
use crate::web::error::ApiError;

pub(super) async fn stream(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let domain = session::domain(&app, &headers).filter(|_| session::is_open(&app, &headers));
    let domain = domain.ok_or_else(|| ApiError::unauthorized("nobody is signed in"))?;
    follow(app, Who::Console { domain }, &headers).await
}
