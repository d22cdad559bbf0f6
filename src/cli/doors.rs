//! Where the doors of a service are: REST, console, admin API.

use std::net::SocketAddr;

use clap::Args;

use crate::web::Front;

/// Names the doors answer to.
#[derive(Clone, Debug, Args)]
pub(super) struct DoorArgs {
    /// Another name by which --http and --admin may be called; addresses and localhost always may
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
}

impl DoorArgs {
    /// Doors at these addresses.
    pub(super) fn front(self, http: SocketAddr, admin: Option<SocketAddr>) -> Front {
        Front { http, admin, host_names: self.host_name }
    }
}
