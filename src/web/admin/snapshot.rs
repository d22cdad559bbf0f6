//! Snapshots of the running service: its whole store, out and in.

use std::io;
use std::path::Path;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{StreamExt, unfold};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::host::run_service::ServiceHost;
use crate::host::store_sqlite::{check_snapshot, save_snapshot};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Done, Operation, Security, Shape, json};

const SQLITE: &str = "application/vnd.sqlite3";

/// Longest snapshot that is taken in, in bytes.
const SNAPSHOT_LEN_MAX: u64 = 16 << 30;

/// Read from the disk at once, in bytes.
const PIECE_LEN: usize = 64 * 1024;

async fn save(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    let state_dir = app.rooms.state_dir.clone();
    let snapshot = aside(move || {
        let snapshot = temporary(&state_dir)?;
        save_snapshot(&state_dir.join("service.db"), snapshot.path())?;
        Ok(snapshot)
    });
    let snapshot = snapshot.await?;
    let file = tokio::fs::File::open(snapshot.path()).await.map_err(ApiError::internal)?;
    // The file is removed when the last of it has been read.
    let pieces = unfold((file, snapshot), |(mut file, snapshot)| async move {
        let mut piece = vec![0; PIECE_LEN];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some((Ok::<_, io::Error>(piece), (file, snapshot)))
            }
            Err(error) => Some((Err(error), (file, snapshot))),
        }
    });
    Ok(([(CONTENT_TYPE, SQLITE)], Body::from_stream(pieces)).into_response())
}

async fn load(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    app.admit_admin(request.headers())?;
    let snapshot = temporary(&app.rooms.state_dir)?;
    receive(request.into_body(), snapshot.path()).await?;
    let path = snapshot.path().to_owned();
    let checked = aside(move || {
        check_snapshot(&path).map_err(|error| ApiError::bad_request(error.0, "GET /snapshot makes one"))
    });
    checked.await?;
    app.rooms.service.with(move |host: &mut ServiceHost| host.restore(snapshot.path())).await??;
    json(&Done {})
}

async fn receive(body: Body, path: &Path) -> Result<(), ApiError> {
    let mut file = tokio::fs::File::create(path).await.map_err(ApiError::internal)?;
    let mut pieces = body.into_data_stream();
    let mut len = 0_u64;
    while let Some(piece) = pieces.next().await {
        let hint = "send as many bytes as Content-Length says";
        let piece = piece.map_err(|_| ApiError::bad_request("the body ended early", hint))?;
        len += piece.len() as u64;
        if len > SNAPSHOT_LEN_MAX {
            let message = format!("the snapshot is longer than {SNAPSHOT_LEN_MAX} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message, "this is no snapshot"));
        }
        file.write_all(&piece).await.map_err(ApiError::internal)?;
    }
    file.sync_all().await.map_err(ApiError::internal)
}

/// Readable for its owner only, and gone with the value.
fn temporary(state_dir: &Path) -> Result<NamedTempFile, ApiError> {
    tempfile::Builder::new().prefix("snapshot-").tempfile_in(state_dir).map_err(ApiError::internal)
}

/// Does what takes long on a thread of its own, so that the service goes on meanwhile.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}

pub(super) fn operations() -> Vec<Operation> {
    let both = get(save).put(load);
    vec![
        Operation::new(Method::GET, "/snapshot", Shape::opaque(SQLITE), both)
            .about("Service", "Gives a copy of all that is stored, as it is at one moment")
            .shows(Security::AdminToken),
        Operation::entry(Method::PUT, "/snapshot", Shape::of::<Done>())
            .about(
                "Service",
                "Puts a copy in the place of all that is stored; each root of trust is accepted once then, \
                 and marked suspicious",
            )
            .takes(Shape::opaque(SQLITE))
            .shows(Security::AdminToken),
    ]
}
