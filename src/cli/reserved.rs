//! Options of the contract that have no effect yet: accepted, so that scripts keep, and said.

use std::net::SocketAddr;

use clap::Args;

/// Where REST, admin API and console will be.
#[derive(Clone, Debug, Args)]
pub(super) struct ReservedArgs {
    /// REST API and console: not there yet
    #[arg(long, value_name = "ADDR", hide = true)]
    http: Option<SocketAddr>,
    /// Admin API: not there yet
    #[arg(long, value_name = "ADDR", hide = true)]
    admin: Option<SocketAddr>,
}

impl ReservedArgs {
    /// Says which options were given in vain. To be called once the log is there.
    pub(super) fn warn(&self) {
        for (option, given) in [("--http", self.http), ("--admin", self.admin)] {
            if given.is_some() {
                tracing::warn!("{option} has no effect: this version has no REST API, admin API or console");
            }
        }
    }
}
