//! The document of an API: as JSON, as YAML, and as a page for people that is one with the binary.

mod page;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::app::App;
use super::document::{Title, document};
use super::error::ApiError;
use super::operation::Operation;

/// Style of the page.
const STYLE: &str = include_str!("documentation/docs.css");

/// `/openapi.json`, `/openapi.yaml` and `/docs`. The document is made anew for each call: it is not
/// asked for often enough to keep it in memory.
pub(super) fn routes(title: &'static Title, operations: fn() -> Vec<Operation>) -> Router<App> {
    let json = move || async move {
        match document(title, &operations()).to_pretty_json() {
            Ok(text) => typed("application/json", text),
            Err(error) => ApiError::internal(error).into_response(),
        }
    };
    let yaml = move || async move {
        match document(title, &operations()).to_yaml() {
            Ok(text) => typed("application/yaml", text),
            Err(error) => ApiError::internal(error).into_response(),
        }
    };
    let page = move || async move {
        match serde_json::to_value(document(title, &operations())) {
            Ok(document) => Html(page::render(&document).into_string()).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    };
    Router::new()
        .route("/openapi.json", get(json))
        .route("/openapi.yaml", get(yaml))
        .route("/docs", get(page))
        .route("/docs.css", get(|| async { typed("text/css; charset=utf-8", STYLE) }))
}

fn typed(content_type: &'static str, body: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, content_type)], body).into_response()
}
