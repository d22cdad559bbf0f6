//! The console: pages for people, made on the server. They work without scripts; one small script
//! adds the live events and the copy buttons.
//!
//! Who comes with the token of the ready line in the URL gets a cookie and is sent on without the
//! token, so that it stays in no history and in no referrer. Whatever a page does is a call of the
//! service that REST, the admin API or `vsara ctl` has too.

mod api;
mod authorities;
mod campaigns;
mod events;
mod fields;
mod keys;
mod layout;
mod live;
mod overview;
mod pieces;
mod profiles;
mod session;
mod sign_up;
mod thing;
mod things;
mod visit;
mod whitelist;
mod world;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

pub(super) use layout::refused;

use super::app::App;
use visit::Page;

/// Every page but the clock's form, which waits for the service's loop instead of running in it.
const PAGES: &[Page] = &[
    overview::PAGE,
    sign_up::PAGE,
    things::PAGE,
    thing::PAGE,
    profiles::LIST,
    profiles::NEW,
    profiles::ONE,
    whitelist::PAGE,
    authorities::PAGE,
    campaigns::LIST,
    campaigns::NEW,
    campaigns::ONE,
    events::PAGE,
    keys::PAGE,
    world::PAGE,
    api::PAGE,
];

/// Every page, and what they are dressed in.
pub(super) fn routes() -> Router<App> {
    visit::routes(PAGES)
        .route("/world/clock", post(world::move_clock))
        .route("/live", get(live::stream))
        .route("/signout", post(sign_out))
        .merge(dress())
}

/// Style, script and icon: no page is made of anything else.
pub(super) fn dress() -> Router<App> {
    let file = |media_type: &'static str, text: &'static str| {
        get(move || async move { ([(CONTENT_TYPE, media_type)], text) })
    };
    Router::new()
        .route("/console.css", file("text/css; charset=utf-8", include_str!("console/console.css")))
        .route("/console.js", file("text/javascript; charset=utf-8", include_str!("console/console.js")))
        .route("/favicon.svg", file("image/svg+xml", include_str!("console/favicon.svg")))
}

async fn sign_out(State(app): State<App>) -> Response {
    let gone = session::closing(&app).map(|cookie| (SET_COOKIE, cookie));
    (AppendHeaders(gone), Redirect::to("/")).into_response()
}

/// Whether a refusal is read by a person in a browser.
pub(super) fn is_for_people(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}
