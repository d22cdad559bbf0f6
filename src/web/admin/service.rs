//! How the service stands, and beginning anew.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::run_service::ServiceHost;
use crate::service::store::{DeviceQuery, Store, Window};
use crate::web::api::values::Moment;
use crate::web::error::ApiError;
use crate::web::operation::{Done, Nothing, Operation};

/// How the service stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Health {
    /// `ok`: it answers, and its store does.
    status: &'static str,
    /// Of the program.
    version: &'static str,
    /// System time.
    time: Moment,
    /// Its pace: `real`, `virtual` or a factor.
    pace: String,
    /// Devices that were ever seen.
    devices: usize,
    /// Domains.
    domains: usize,
    /// Sessions that stand.
    sessions: usize,
    /// Handshakes under way.
    handshakes: usize,
}

/// To forget everything.
#[derive(Deserialize, ToSchema)]
struct ResetRequest {}

fn health(host: &mut ServiceHost, _: Nothing) -> Result<Health, ApiError> {
    let (sessions, handshakes) = host.service().sessions();
    let store = host.service().store();
    let none = Window { offset: 0, count: 0 };
    Ok(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        time: Moment(host.now().system),
        pace: host.clock().pace().to_string(),
        devices: store.devices(&DeviceQuery::default(), none)?.total,
        domains: store.domains(none)?.total,
        sessions,
        handshakes,
    })
}

fn reset(host: &mut ServiceHost, _: ResetRequest) -> Result<Done, ApiError> {
    host.reset()?;
    Ok(Done {})
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::admin_get("/health", health).about("Service", "Says how the service stands"),
        Operation::admin(Method::POST, "/reset", reset).about(
            "Service",
            "Forgets everything, as before the first start; modules need a factory reset then",
        ),
    ]
}
