//! Who is signed in: a cookie, given for the token.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::web::app::App;

/// The cookie for who has shown the token. No script can read it, and no other site's page has it
/// sent along.
pub(super) fn cookie(app: &App) -> HeaderValue {
    let (name, value) = (name(app), app.door_token.session());
    // Letters, digits, `-` and `_` only.
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict"))
        .unwrap_or(HeaderValue::from_static(""))
}

/// Whether a request has the cookie.
pub(super) fn is_open(app: &App, headers: &HeaderMap) -> bool {
    let name = name(app);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies =
        lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.any(|(found, value)| found == name && app.door_token.is_session(value))
}

/// Cookies know no ports, so the consoles of several programs on one computer need names of their
/// own.
fn name(app: &App) -> String {
    format!("vsara-{}", app.door_token.mark())
}
