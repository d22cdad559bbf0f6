//! [`Operation`]: one call of an API: its route, and its place in the document, made of the very
//! types the handler takes and returns. So no call is undocumented, and none is documented wrongly.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::app::{App, Caller};
use super::error::ApiError;
use super::limits::{BODY_LEN_MAX, BODY_TIME_MAX};
use crate::host::run_service::ServiceHost;
use crate::host::store_sqlite::SqliteStore;
use crate::service::Account;

/// One call.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Chapter of the document.
    pub(super) tag: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    pub(super) provenance: Provenance,
    pub(super) security: Security,
    pub(super) request: Option<Shape>,
    pub(super) response: Shape,
    /// Refusals it can give beyond those that every call can.
    pub(super) refusals: Vec<StatusCode>,
    /// None where another operation of the same path brings it along.
    pub(super) route: Option<MethodRouter<App>>,
    /// What answers it, where it takes and gives JSON; for calls that come by the control socket.
    pub(super) handler: Option<Handler>,
}

/// Where the shape of a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provenance {
    /// It is in what the vendor published.
    Published,
    /// Its path is; the rest is `designed`.
    Seed,
    /// It is vsara's own.
    Designed,
}

/// What a caller must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Nothing.
    Open,
    /// An AuthToken.
    AuthToken,
    /// The token of the admin API.
    AdminToken,
}

/// What a body looks like.
pub(super) struct Shape {
    pub(super) media_type: &'static str,
    /// None where it is no JSON.
    pub(super) name: Option<String>,
    /// The schemas it needs, its own among them.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

/// Handles a call of an owner: who calls, and with what.
pub(super) type OwnerHandler<Q, A> = fn(&mut Owner<'_>, Q) -> Result<A, ApiError>;

/// Handles a call of the admin API.
pub(super) type AdminHandler<Q, A> = fn(&mut ServiceHost, Q) -> Result<A, ApiError>;

/// The same with its types inside, so that all that is asynchronous is there once, not once a call.
type OwnerCall = Arc<dyn Fn(&mut Owner<'_>, &[u8]) -> Result<Vec<u8>, ApiError> + Send + Sync>;
type AdminCall = Arc<dyn Fn(&mut ServiceHost, &[u8]) -> Result<Vec<u8>, ApiError> + Send + Sync>;

/// Answers a call, whichever way it came; who calls is known by then.
#[derive(Clone)]
pub(super) enum Handler {
    /// As the owner of a domain.
    Owner(OwnerCall),
    /// As whoever runs the service.
    Admin(AdminCall),
}

/// An owner's call, between two turns of the service's loop.
pub(super) struct Owner<'a> {
    /// All there is to the caller.
    pub(super) account: Account<'a, SqliteStore>,
    /// The access key of the caller's token.
    pub(super) api_key: &'a str,
}

/// A call without a body.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Nothing {}

/// An answer with nothing to say.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Done {}

impl Operation {
    /// A call of an owner: `POST` with a JSON object, answered with one.
    pub(super) fn owner<Q, A>(path: &'static str, handler: OwnerHandler<Q, A>) -> Self
    where
        Q: DeserializeOwned + ToSchema + 'static,
        A: Serialize + ToSchema + 'static,
    {
        let call: OwnerCall = Arc::new(move |owner, body| to_json(&handler(owner, from_json(body)?)?));
        Self {
            security: Security::AuthToken,
            request: Some(Shape::of::<Q>()),
            ..Self::handled(Method::POST, path, Shape::of::<A>(), Handler::Owner(call))
        }
    }

    /// A call of the admin API without a body.
    pub(super) fn admin_get<A>(path: &'static str, handler: AdminHandler<Nothing, A>) -> Self
    where
        A: Serialize + ToSchema + 'static,
    {
        let call: AdminCall = Arc::new(move |host, _| to_json(&handler(host, Nothing {})?));
        Self {
            security: Security::AdminToken,
            ..Self::handled(Method::GET, path, Shape::of::<A>(), Handler::Admin(call))
        }
    }

    /// A call of the admin API with a JSON object.
    pub(super) fn admin<Q, A>(method: Method, path: &'static str, handler: AdminHandler<Q, A>) -> Self
    where
        Q: DeserializeOwned + ToSchema + 'static,
        A: Serialize + ToSchema + 'static,
    {
        let call: AdminCall = Arc::new(move |host, body| to_json(&handler(host, from_json(body)?)?));
        Self {
            security: Security::AdminToken,
            request: Some(Shape::of::<Q>()),
            ..Self::handled(method, path, Shape::of::<A>(), Handler::Admin(call))
        }
    }

    fn handled(method: Method, path: &'static str, response: Shape, handler: Handler) -> Self {
        let answers = handler.clone();
        let run = move |State(app): State<App>, request: Request| answer(app, request, answers.clone());
        let filter = match method {
            Method::GET => MethodFilter::GET,
            Method::PUT => MethodFilter::PUT,
            _ => MethodFilter::POST,
        };
        Self { handler: Some(handler), ..Self::new(method, path, response, on(filter, run)) }
    }

    /// A call that does its own reading and answering.
    pub(super) fn new(method: Method, path: &'static str, response: Shape, route: MethodRouter<App>) -> Self {
        Self { route: Some(route), ..Self::entry(method, path, response) }
    }

    /// A call whose route another operation of the same path brings along.
    pub(super) fn entry(method: Method, path: &'static str, response: Shape) -> Self {
        Self {
            method,
            path,
            tag: "",
            summary: "",
            provenance: Provenance::Designed,
            security: Security::Open,
            request: None,
            response,
            refusals: Vec::new(),
            route: None,
            handler: None,
        }
    }

    /// Its chapter in the document, and what it does.
    pub(super) fn about(self, tag: &'static str, summary: &'static str) -> Self {
        Self { tag, summary, ..self }
    }

    /// Refusals it can give beyond those that every call can.
    pub(super) fn refuses(self, refusals: &[StatusCode]) -> Self {
        Self { refusals: refusals.to_vec(), ..self }
    }

    /// Where its shape comes from, if it is not vsara's own.
    pub(super) fn from(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    /// With a body of this shape.
    pub(super) fn takes(self, request: Shape) -> Self {
        Self { request: Some(request), ..self }
    }

    /// What a caller must show.
    pub(super) fn shows(self, security: Security) -> Self {
        Self { security, ..self }
    }
}

impl Provenance {
    /// As it stands in the document.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Seed => "seed",
            Self::Designed => "designed",
        }
    }
}

impl Shape {
    /// JSON of this type.
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
        T::schemas(&mut schemas);
        Self { media_type: "application/json", name: Some(T::name().into_owned()), schemas }
    }

    /// Anything else.
    pub(super) fn opaque(media_type: &'static str) -> Self {
        Self { media_type, name: None, schemas: Vec::new() }
    }
}

/// The routes of some operations.
pub(super) fn routes(operations: Vec<Operation>) -> Router<App> {
    let route = |router: Router<App>, operation: Operation| match operation.route {
        Some(route) => router.route(operation.path, route),
        None => router,
    };
    operations.into_iter().fold(Router::new(), route)
}

/// Finds out who calls, and has the call handled between two turns of the service's loop.
async fn answer(app: App, request: Request, handler: Handler) -> Result<Response, ApiError> {
    let service = &app.rooms.service;
    let answered = match handler {
        Handler::Owner(call) => {
            let caller = app.caller(request.headers())?;
            let body = read(request.into_body()).await?;
            let called = service.with(move |host| {
                caller.is_known_to(host)?;
                let Caller { domain, api_key, .. } = &caller;
                call(&mut Owner { account: host.account(domain), api_key }, &body)
            });
            called.await?
        }
        Handler::Admin(call) => {
            app.admit_admin(request.headers())?;
            let body = read(request.into_body()).await?;
            service.with(move |host| call(host, &body)).await?
        }
    };
    answered.map(json_text)
}

/// Reads a JSON object. Fields nobody knows are ignored, and an empty body is an empty object.
pub(super) fn from_json<Q: DeserializeOwned>(body: &[u8]) -> Result<Q, ApiError> {
    let text = if body.is_empty() { b"{}" } else { body };
    let hint = "the document at /docs says what the body looks like";
    // A list would be taken for a structure whose fields have no names.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("the body is not a JSON object", hint));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string());
    let whole = reader.end().map_err(|error| error.to_string());
    read.and_then(|request| whole.map(|()| request)).map_err(|error| ApiError::bad_request(error, hint))
}

/// Reads a body, within its limits.
pub(super) async fn read(body: Body) -> Result<Bytes, ApiError> {
    let read = within(BODY_TIME_MAX, axum::body::to_bytes(body, BODY_LEN_MAX)).await;
    let Some(read) = read else {
        let seconds = BODY_TIME_MAX.as_secs();
        let message = format!("the body did not come within {seconds} s");
        return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message, "send it at once"));
    };
    read.map_err(|error| {
        let too_long = std::error::Error::source(&error)
            .is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if too_long {
            let message = format!("the body is longer than {BODY_LEN_MAX} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message, "send less at a time")
        } else {
            ApiError::bad_request("the body ended early", "send as many bytes as Content-Length says")
        }
    })
}

async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, work).await.ok()
}

/// An answer.
pub(super) fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    to_json(value).map(json_text)
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(value).map_err(ApiError::internal)
}

fn json_text(text: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
