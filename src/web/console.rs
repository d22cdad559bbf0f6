//! The console: pages for people, made on the server.
//!
//! Who comes with the token of the ready line in the URL gets a cookie and is sent on without the
//! token, so that it stays in no history and in no referrer.

mod session;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::app::App;

/// What the first visit brings.
#[derive(Deserialize)]
struct FirstVisit {
    token: Option<String>,
}

/// Every page.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(entrance))
}

async fn entrance(
    State(app): State<App>,
    Query(FirstVisit { token }): Query<FirstVisit>,
    headers: HeaderMap,
) -> Response {
    match token {
        Some(token) if app.door_token.is(&token) => {
            ([(SET_COOKIE, session::cookie(&app))], Redirect::to("/")).into_response()
        }
        None if session::is_open(&app, &headers) => page(&signed_in()).into_response(),
        _ => (StatusCode::UNAUTHORIZED, page(&locked())).into_response(),
    }
}

fn page(body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "vsara security service" }
                link rel="stylesheet" href="/docs.css";
            }
            body { main { (body) } }
        }
    };
    Html(page.into_string())
}

fn signed_in() -> Markup {
    html! {
        h1 { "vsara security service" }
        p { "This version has no pages yet. What they will do, REST does: " a href="/docs" { "the documentation" } "." }
        p { "An access key to begin with: " code { "vsara ctl accesskey create" } }
    }
}

fn locked() -> Markup {
    html! {
        h1 { "vsara security service" }
        p { "This page needs the address that the program printed when it started: " code { "console=http://…/?token=…" } "." }
        p { "REST does not: " a href="/docs" { "the documentation" } "." }
    }
}
