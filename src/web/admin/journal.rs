//! What passed: as JSON lines, and as a packet capture.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::host::run_service::ServiceHost;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Security, Shape};

const JSON_LINES: &str = "application/x-ndjson";
const PCAPNG: &str = "application/x-pcapng";

async fn lines(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    let entries = app.rooms.service.with(|host: &mut ServiceHost| {
        host.journal().map(|journal| journal.entries().cloned().collect::<Vec<_>>())
    });
    let entries = entries.await?.unwrap_or_default();
    let text: String = entries.iter().map(|entry| format!("{}\n", entry.to_json())).collect();
    Ok(([(CONTENT_TYPE, JSON_LINES)], text).into_response())
}

async fn capture(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    let capture = app.rooms.service.with(|host: &mut ServiceHost| host.capture()).await?;
    Ok(([(CONTENT_TYPE, PCAPNG)], capture).into_response())
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Records";
    vec![
        Operation::new(Method::GET, "/journal", Shape::opaque(JSON_LINES), get(lines))
            .about(TAG, "Lists what passed last: datagrams, the CoAP in them, events, traces")
            .shows(Security::AdminToken),
        Operation::new(Method::GET, "/journal.pcapng", Shape::opaque(PCAPNG), get(capture))
            .about(
                TAG,
                "Gives the datagrams, and the decoded CoAP beside them as UDP port 5683, for Wireshark",
            )
            .shows(Security::AdminToken),
    ]
}
