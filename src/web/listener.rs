//! A listening socket that becomes a server when the first connection comes.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::doors::Peer;
use super::limits::{CONNECTIONS_MAX, HEAD_LEN_MAX, HEAD_TIME_MAX, HEADERS_MAX};
use crate::host::clock::Clock;
use crate::host::error::HostError;

/// After an accept failed: descriptors ran out, most likely, and some are given back meanwhile.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Binds an address and serves it until the runtime ends. `make` is called when the first
/// connection comes. To be called in a runtime.
pub(super) fn serve(
    address: SocketAddr,
    make: impl FnOnce() -> Result<Router, HostError> + Send + 'static,
) -> Result<SocketAddr, HostError> {
    let failed = |error: io::Error| HostError::running(format_args!("{address}: {error}"));
    let listener = StdTcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let listener = TcpListener::from_std(listener).map_err(failed)?;
    tokio::spawn(accept(listener, make));
    Ok(bound)
}

async fn accept(listener: TcpListener, make: impl FnOnce() -> Result<Router, HostError>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut make = Some(make);
    let mut router: Option<Router> = None;
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "vsara::web", "accept: {error}");
                Clock::wait(Some(PAUSE)).await;
                continue;
            }
        };
        if let Some(make) = make.take() {
            match make() {
                Ok(made) => router = Some(made),
                Err(error) => tracing::error!(target: "vsara::web", "{error}"),
            }
        }
        // Where it could not be made, every connection is closed at once.
        let Some(router) = router.clone() else { continue };
        tokio::spawn(async move {
            converse(stream, peer, router).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, peer: SocketAddr, router: Router) {
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let told = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_LEN_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), told);
    if let Err(error) = served.await {
        tracing::debug!(target: "vsara::web", "{peer}: {error}");
    }
}
