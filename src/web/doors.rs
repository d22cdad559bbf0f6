//! What every request passes before anything of it is read, and every answer on its way out.
//!
//! - An address that asks too often is told so.
//! - `Host` must be an address, `localhost` or a name that was allowed: a page of another site that
//!   has its own name resolve to this address (DNS rebinding) gets nothing.
//! - `Origin`, where a browser sends one, must be this door (CSRF).
//! - A browser runs no script and loads nothing but what comes from this door.
//! - A refusal is a page where a browser asked for one, and JSON elsewhere.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::console;
use super::error::ApiError;
use super::limits::COUNTED_MAX;
use crate::service::Rate;
use crate::service::rate::Bucket;
use crate::time::Timestamp;

/// Where a connection comes from; put into every request by the listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Sent with every answer.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Not `no-referrer`: a browser would call the origin of our own forms `null`.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Guards a door.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let for_people = console::is_for_people(request.headers());
    let mut response = match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    if for_people && let Some(refusal) = response.extensions_mut().remove::<ApiError>() {
        response = console::refused(&refusal);
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

fn check(app: &App, request: &Request) -> Result<(), ApiError> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    if peer.is_some_and(|address| !app.within_rate(address)) {
        return Err(ApiError::too_many("too many requests from this address"));
    }
    let host = called(request.headers(), request.uri()).unwrap_or_default();
    if !is_ours(&host, &app.host_names) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!("this service is not called {:?}", shortened(&host)),
            "call it by its address or localhost, or start it with --host-name NAME",
        ));
    }
    if !comes_from(request.headers(), &host) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "the call comes from a page of another site",
            "only pages of this service may call it from a browser",
        ));
    }
    Ok(())
}

/// By which name and port it is called. Two that differ are nobody.
fn called(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut names = headers.get_all(header::HOST).iter();
    let host = names.next()?.to_str().ok()?;
    let absolute = uri.authority().map(|authority| authority.as_str());
    let agree = names.next().is_none() && absolute.is_none_or(|absolute| absolute == host);
    agree.then(|| host.to_ascii_lowercase())
}

/// Whether a name with or without a port is one of this door. The port may differ: it can be
/// forwarded, and no attacker gains by it.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => match port.parse::<u16>() {
            Ok(_) => name,
            Err(_) => return false,
        },
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match address {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            name.parse::<std::net::Ipv4Addr>().is_ok()
                || name == "localhost"
                || names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
        }
    }
}

/// Whether a page of this very door sent it, or no page at all.
fn comes_from(headers: &HeaderMap, host: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let same = origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&format!("http://{host}")));
    same && origins.next().is_none()
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// How often somebody tried, within a rate. Bounded: whoever has not tried for longest is forgotten,
/// and has by then got the whole burst back.
pub(super) struct Attempts<K> {
    rate: Rate,
    buckets: HashMap<K, Bucket>,
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    /// Of nobody yet.
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, buckets: HashMap::new() }
    }

    /// Whether one more is within the rate.
    pub(super) fn take(&mut self, who: &K, now: Timestamp) -> bool {
        if !self.buckets.contains_key(who) {
            self.make_room();
        }
        let rate = self.rate;
        self.buckets.entry(who.clone()).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }

    /// Whether one more would be; counts nothing.
    pub(super) fn has_any<Q: Hash + Eq + ?Sized>(&self, who: &Q, now: Timestamp) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.buckets.get(who).copied().is_none_or(|mut bucket| bucket.take(self.rate, now))
    }

    fn make_room(&mut self) {
        if self.buckets.len() < COUNTED_MAX {
            return;
        }
        let oldest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.since());
        if let Some(oldest) = oldest.map(|(who, _)| who.clone()) {
            self.buckets.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn several(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_addresses_localhost_and_allowed_names_are_ours() {
        let names = ["vsara".to_owned()];
        let check = |host: &str, expected: bool| assert_eq!(is_ours(host, &names), expected, "{host}");
        check("127.0.0.1:8480", true);
        check("127.0.0.1", true);
        check("localhost:1", true);
        check("[::1]:8480", true);
        check("[::1]", true);
        check("192.168.0.7:80", true);
        check("vsara:8480", true);
        check("evil.example:8480", false);
        check("localhost.evil.example", false);
        check("127.0.0.1.evil.example", false);
        check("127.0.0.1:port", false);
        check("[::1", false);
        check("::1", false);
        check("", false);
    }

    #[test]
    fn a_request_names_one_host() {
        let check = |hosts: &[&'static str], uri: &str, expected: Option<&str>| {
            let headers = several(header::HOST, hosts);
            let uri = uri.parse().expect("a URI");
            assert_eq!(called(&headers, &uri).as_deref(), expected, "{headers:?} {uri}");
        };
        check(&["LOCALHOST:80"], "/", Some("localhost:80"));
        check(&["localhost"], "http://localhost/", Some("localhost"));
        check(&["localhost"], "http://evil.example/", None);
        check(&["localhost", "evil.example"], "/", None);
        check(&[], "/", None);
    }

    #[test]
    fn a_page_of_another_site_is_not_heard() {
        let check = |origins: &[&'static str], expected: bool| {
            let headers = several(header::ORIGIN, origins);
            assert_eq!(comes_from(&headers, "127.0.0.1:8480"), expected, "{headers:?}");
        };
        check(&[], true);
        check(&["http://127.0.0.1:8480"], true);
        check(&["HTTP://127.0.0.1:8480"], true);
        check(&["http://127.0.0.1:8481"], false);
        check(&["https://127.0.0.1:8480"], false);
        check(&["http://evil.example"], false);
        check(&["null"], false);
        check(&["http://127.0.0.1:8480", "http://evil.example"], false);
    }

    #[test]
    fn whoever_asks_too_often_waits_and_no_more_are_counted_than_the_limit() {
        let mut attempts = Attempts::new(Rate { per_s: 1, burst: 2 });
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        assert!(attempts.has_any(&1, at(0)));
        assert!(attempts.take(&1, at(0)) && attempts.take(&1, at(0)) && !attempts.take(&1, at(0)));
        assert!(!attempts.has_any(&1, at(0)) && attempts.has_any(&1, at(1)));
        for who in 2..10_000 {
            assert!(attempts.take(&who, at(2)));
        }
        assert_eq!(attempts.buckets.len(), COUNTED_MAX);
        assert!(!attempts.buckets.contains_key(&1));
    }
}
