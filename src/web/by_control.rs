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
    let of_path: Vec<_> = CALLS.iter().filter(|known| known.path == path).collect();
    let answered = of_path.iter().filter_map(|known| Some((known.only_reads, known.handler.as_ref()?)));
    let answered: Vec<_> = answered.collect();
    if let Some((_, handler)) = answered.iter().find(|(only_reads, _)| *only_reads == call.body.is_none()) {
        return Ok(handler);
    }
    let hint = "the documents list them: /docs of REST, and of the admin API";
    Err(match (answered.first(), of_path.is_empty()) {
        (Some((true, _)), _) => ApiError::not_found(format!("{path} takes no JSON object"), hint),
        (Some((false, _)), _) => ApiError::not_found(format!("{path} takes a JSON object"), hint),
        (None, true) => {
            ApiError::not_found(format!("there is no call {path} of REST or of the admin API"), hint)
        }
        (None, false) => {
            let hint = "make it by HTTP, at the port of `vsara server --http` or `--admin`";
            ApiError::not_found(format!("{path} is not answered by the control socket"), hint)
        }
    })
}
