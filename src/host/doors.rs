//! Doors of a service for people and programs: REST, admin, console. They are made in the layer
//! above, and opened in the service's own event loop.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::host::clock::Clock;
use crate::host::control::Call;
use crate::host::error::HostError;
use crate::host::rest_call::RestCalls;
use crate::host::run_service::{ServiceHandle, ServiceHost};

/// Opens the doors, once the service answers. Called in its runtime.
#[derive(Clone)]
pub struct OpenDoors {
    open: Arc<Opener>,
    calls: RestCalls,
}

type Opener = dyn Fn(&Rooms) -> Result<Doors, HostError> + Send + Sync;

/// What the doors lead to.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The service.
    pub service: ServiceHandle,
    /// Whoever answers `vsara ctl`: the module's loop, or the server's.
    pub control: mpsc::Sender<Call>,
    /// The clock of both.
    pub clock: Clock,
    /// Where tokens and keys are kept.
    pub state_dir: PathBuf,
}

/// The doors that are open, for the ready line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// REST and console.
    pub http: Option<SocketAddr>,
    /// Lets the console in.
    pub console_token: Option<String>,
    /// The admin API.
    pub admin: Option<SocketAddr>,
    /// Lets the admin API's client in.
    pub admin_token: Option<String>,
}

impl OpenDoors {
    /// In this way; `calls` are those of the doors, for the control socket.
    pub fn by(
        open: impl Fn(&Rooms) -> Result<Doors, HostError> + Send + Sync + 'static,
        calls: RestCalls,
    ) -> Self {
        Self { open: Arc::new(open), calls }
    }

    /// What the doors do, for whoever comes by the control socket.
    pub(in crate::host) fn calls(&self) -> RestCalls {
        self.calls.clone()
    }

    pub(in crate::host) fn open(&self, rooms: &Rooms) -> Result<Doors, HostError> {
        (self.open)(rooms)
    }
}

impl fmt::Debug for OpenDoors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenDoors")
    }
}

impl Rooms {
    /// The rooms of a service.
    pub(in crate::host) fn of(
        host: &ServiceHost,
        service: ServiceHandle,
        control: mpsc::Sender<Call>,
    ) -> Self {
        Self { service, control, clock: host.clock().clone(), state_dir: host.state_dir().to_owned() }
    }
}

impl Doors {
    /// Where the console is, and what lets a browser in.
    pub fn console(&self) -> Option<String> {
        let (address, token) = self.http.zip(self.console_token.as_ref())?;
        Some(format!("http://{address}/?token={token}"))
    }

    /// `http=…`, `admin=…`, `console=…`, as far as they are open.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let url = |address: SocketAddr| format!("http://{address}");
        let fields = [
            ("http", self.http.map(url)),
            ("admin", self.admin.map(url)),
            ("console", self.console()),
            ("admin-token", self.admin_token.clone()),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_doors_are_told() {
        assert_eq!(Doors::default().fields(), []);
        let address = |port: u16| Some(([127, 0, 0, 1], port).into());
        let doors = Doors {
            http: address(8480),
            console_token: Some("T".to_owned()),
            admin: address(8481),
            admin_token: Some("A".to_owned()),
        };
        let told: Vec<_> =
            doors.fields().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "http=http://127.0.0.1:8480",
            "admin=http://127.0.0.1:8481",
            "console=http://127.0.0.1:8480/?token=T",
            "admin-token=A",
        ];
        assert_eq!(told, expected);
    }
}
