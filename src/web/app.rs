//! [`App`]: what every handler of a door may use.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use tokio::sync::Semaphore;

use super::doors::Attempts;
use super::error::ApiError;
use super::limits::{REQUEST_RATE, STREAMS_MAX, WRONG_SECRET_RATE};
use super::secret::DoorToken;
use super::token::{Claims, Purpose, TokenKey};
use crate::host::doors::Rooms;
use crate::host::run_service::ServiceHost;
use crate::service::store::Store;

/// What the handlers share. Clones are cheap.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

/// What there is one of.
pub(super) struct Shared {
    pub(super) rooms: Rooms,
    pub(super) tokens: TokenKey,
    /// Lets somebody in at this door, where it is the console's or the admin API's.
    pub(super) door_token: Arc<DoorToken>,
    /// Event streams that may still be opened.
    pub(super) streams: Arc<Semaphore>,
    /// Names by which this door may be called, addresses apart.
    pub(super) host_names: Vec<String>,
    requests: Mutex<Attempts<IpAddr>>,
    wrong_secrets: Mutex<Attempts<String>>,
}

/// Who calls, with a token that is good.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) domain: String,
    pub(super) api_key: String,
    /// Until when, in seconds since the Unix epoch.
    pub(super) expires: i64,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// For one door.
    pub(super) fn new(
        rooms: Rooms,
        tokens: TokenKey,
        door_token: Arc<DoorToken>,
        host_names: Vec<String>,
    ) -> Self {
        Self(Arc::new(Shared {
            rooms,
            tokens,
            door_token,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            host_names,
            requests: Mutex::new(Attempts::new(REQUEST_RATE)),
            wrong_secrets: Mutex::new(Attempts::new(WRONG_SECRET_RATE)),
        }))
    }

    /// Who calls, by the token in the request. Whether its access key is still there is found out
    /// by [`Caller::is_known_to`].
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let token = bearer(headers).ok_or_else(|| ApiError::unauthorized("the call has no token"))?;
        let now = self.rooms.clock.now().system;
        let claims =
            self.tokens.read(token, now).map_err(|error| ApiError::unauthorized(error.to_string()))?;
        if claims.purpose != Purpose::Auth {
            return Err(ApiError::unauthorized("a RefreshToken is good for new tokens only"));
        }
        Ok(claims.into())
    }

    /// Whether this address may send one more request.
    pub(super) fn within_rate(&self, address: IpAddr) -> bool {
        let now = self.rooms.clock.now().steady;
        lock(&self.requests).take(&address, now)
    }

    /// Whether one more secret may be tried; only wrong ones are counted.
    pub(super) fn may_try_secret(&self, who: &str) -> bool {
        let now = self.rooms.clock.now().steady;
        lock(&self.wrong_secrets).has_any(who, now)
    }

    /// A secret was wrong.
    pub(super) fn secret_was_wrong(&self, who: &str) {
        let now = self.rooms.clock.now().steady;
        lock(&self.wrong_secrets).take(&who.to_owned(), now);
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Self { domain: claims.sub, api_key: claims.key, expires: claims.exp }
    }
}

impl Caller {
    /// Whether the access key is still there, so that deleting it locks its holder out.
    pub(super) fn is_known_to(&self, host: &ServiceHost) -> Result<(), ApiError> {
        let key = host.service().store().access_key(&self.api_key)?;
        match key.filter(|key| key.domain == self.domain) {
            Some(_) => Ok(()),
            None => Err(ApiError::unauthorized("the access key of this token has been deleted")),
        }
    }
}

/// The token of a request: `Bearer T` and a bare `T` are both accepted (published).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) => return None,
        None => value,
    };
    Some(token).filter(|token| !token.is_empty())
}

/// A count is never left half-changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_comes_behind_bearer_or_bare() {
        let check = |value: &str, expected: Option<&str>| {
            let value = HeaderValue::from_str(value).expect("a header");
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            assert_eq!(bearer(&headers), expected);
        };
        check("Bearer a.b.c", Some("a.b.c"));
        check("bearer  a.b.c", Some("a.b.c"));
        check("a.b.c", Some("a.b.c"));
        check("Basic a.b.c", None);
        check("Bearer ", Some("Bearer"));
        check("", None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
