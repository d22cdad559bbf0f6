//! Calls of REST and of the admin API that come by the control socket, without a token.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

use super::error::ApiError;
use super::operation::{Handler, Operation, Owner};
use super::{admin, api};
use crate::host::rest_call::{Refusal, RestCall};
use crate::host::run_service::ServiceHost;

/// Every call there is.
static CALLS: LazyLock<Vec<Call>> =
    LazyLock::new(|| api::operations().into_iter().chain(admin::operations()).map(Call::from).collect());

struct Call {
    path: &'static str,
    /// `GET`, that is.
    only_reads: bool,
    /// None where it takes or gives something else than JSON: that comes by HTTP alone.
    handler: Option<Handler>,
}

impl From<Operation> for Call {
    fn from(operation: Operation) -> Self {
        let only_reads = operation.method == Method::GET;
        Self { path: operation.path, only_reads, handler: operation.handler }
    }
}

/// Answers a call, between two turns of the service's loop.
pub(super) fn answer(host: &mut ServiceHost, call: &RestCall) -> Result<Value, Refusal> {
    handle(host, call)
        .map_err(|error| Refusal { message: error.message().to_owned(), hint: error.hint().to_owned() })
}

fn handle(host: &mut ServiceHost, call: &RestCall) -> Result<Value, ApiError> {
    let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
    let answer = match find(call)? {
        Handler::Owner(handle) => {
            let account = host.account(&call.domain);
            account.domain()?;
            handle(&mut Owner { account, api_key: "" }, body.as_bytes())?
        }
        Handler::Admin(handle) => handle(host, body.as_bytes())?,
    };
    serde_json::from_slice(&answer).map_err(ApiError::internal)
}

fn find(call: &RestCall) -> Result<&'static Handler, ApiError> {
    let path = &call.path;
    let of_path = || CALLS.iter().filter(|known| known.path == path);
    let answered = || of_path().filter_map(|known| Some((known.only_reads, known.handler.as_ref()?)));
    if let Some((_, handler)) = answered().find(|(only_reads, _)| *only_reads == call.body.is_none()) {
        return Ok(handler);
    }
    let hint = "the documents list them: /docs of REST, and of the admin API";
    Err(match answered().next() {
        Some((true, _)) => ApiError::not_found(format!("{path} takes no JSON object"), hint),
        Some((false, _)) => ApiError::not_found(format!("{path} takes a JSON object"), hint),
        None if of_path().next().is_none() => {
            ApiError::not_found(format!("there is no call {path} of REST or of the admin API"), hint)
        }
        None => {
            let hint = "make it by HTTP: --http opens REST, --admin the admin API";
            ApiError::not_found(format!("{path} is not answered by the control socket"), hint)
        }
    })
}
