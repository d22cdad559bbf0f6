//! The admin API: the service as a whole, for tests and those who run it. Its own port, its own
//! token.

pub(in crate::web) mod clock;
mod domains;
pub(in crate::web) mod faults;
mod journal;
mod metrics;
mod modules;
mod service;
mod snapshot;

use axum::http::HeaderMap;

use super::app::{App, bearer};
use super::document::Title;
use super::error::ApiError;
use super::operation::Operation;

/// What the document says of all of it.
pub(super) const TITLE: Title = Title {
    title: "vsara admin API",
    description: "The security service as a whole. Every call needs the token that was printed at the start and \
                  is kept in `<state>/admin-token`. None of it is published: the real service has a support desk.",
    tags: &[
        ("Service", "How it stands; beginning anew; snapshots."),
        ("Time and faults", "The clock, and what goes wrong on purpose."),
        ("Accounts", "Domains and their first access keys."),
        ("Modules", "The factory, ownership, repair."),
        ("Records", "What passed, and numbers."),
    ],
};

impl App {
    /// Lets in who shows the admin token.
    pub(super) fn admit_admin(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let shown = bearer(headers).unwrap_or_default();
        if self.door_token.is(shown) { Ok(()) } else { Err(ApiError::unauthorized_admin()) }
    }
}

/// Every call the admin has.
pub(super) fn operations() -> Vec<Operation> {
    [
        service::operations(),
        snapshot::operations(),
        clock::operations(),
        faults::operations(),
        domains::operations(),
        modules::operations(),
        journal::operations(),
        metrics::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
