//! Who is signed in, and which domain is open: two cookies, the first given for the token.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::service::domain::Domain;
use crate::web::app::App;

/// The cookie for who has shown the token. No script can read it, and no other site's page has it
/// sent along.
pub(super) fn cookie(app: &App) -> HeaderValue {
    set(&name(app), &app.door_token.session())
}

/// The cookie that opens a domain; its name needs no quotes.
pub(super) fn domain_cookie(app: &App, domain: &str) -> HeaderValue {
    set(&domain_name(app), domain)
}

/// Takes both cookies away.
pub(super) fn closing(app: &App) -> [HeaderValue; 2] {
    [name(app), domain_name(app)]
        .map(|name| header_value(&format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")))
}

/// Whether a request has the cookie for the token.
pub(super) fn is_open(app: &App, headers: &HeaderMap) -> bool {
    values(headers, &name(app)).any(|value| app.door_token.is_session(value))
}

/// Whether it has one that is good no more.
pub(super) fn has_ended(app: &App, headers: &HeaderMap) -> bool {
    values(headers, &name(app)).next().is_some() && !is_open(app, headers)
}

/// Which domain is open.
pub(super) fn domain(app: &App, headers: &HeaderMap) -> Option<String> {
    let name = domain_name(app);
    values(headers, &name).find(|value| Domain::is_name(value)).map(str::to_owned)
}

fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(move |(found, _)| *found == name)
        .map(|(_, value)| value)
}

fn set(name: &str, value: &str) -> HeaderValue {
    header_value(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict"))
}

/// Names and values are letters, digits, `-`, `_` and `.` only.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Cookies know no ports, so the consoles of several programs on one computer need names of their
/// own.
fn name(app: &App) -> String {
    format!("vsara-{}", app.door_token.mark())
}

fn domain_name(app: &App) -> String {
    format!("vsara-domain-{}", app.door_token.mark())
}
