//! Calls of REST and of the admin API that come by the control socket, without a token.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

use super::error::ApiError;
use super::operation::{Handler, Operation, Owner};
use super::{admin, api};
use crate::host::rest_call::{Refusal, RestCall};
use crate::host::run_service::ServiceHost;

/// Every call that takes and gives JSON.
static CALLS: LazyLock<Vec<Call>> =
    LazyLock::new(|| api::operations().into_iter().chain(admin::operations()).filter_map(Call::of).collect());

struct Call {
    path: &'static str,
    /// `GET`, that is.
    only_reads: bool,
    handler: Handler,
}

impl Call {
    fn of(operation: Operation) -> Option<Self> {
        let only_reads = operation.method == Method::GET;
        Some(Self { path: operation.path, only_reads, handler: operation.handler? })
    }
}

/// Answers a call, between two turns of the service's loop.
pub(super) fn answer(host: &mut ServiceHost, call: &RestCall) -> Result<Value, Refusal> {
    handle(host, call)
        .map_err(|error| Refusal { message: error.message().to_owned(), hint: error.hint().to_owned() })
}

fn handle(host: &mut ServiceHost, call: &RestCall) -> Result<Value, ApiError> {
    let found = CALLS.iter().find(|known| known.path == call.path && known.only_reads == call.body.is_none());
    let known = found.ok_or_else(|| unknown(call))?;
    let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
    let answer = match &known.handler {
        Handler::Owner(handle) => {
            let account = host.account(&call.domain);
            account.domain()?;
            handle(&mut Owner { account, api_key: "" }, body.as_bytes())?
        }
        Handler::Admin(handle) => handle(host, body.as_bytes())?,
    };
    serde_json::from_slice(&answer).map_err(ApiError::internal)
}

fn unknown(call: &RestCall) -> ApiError {
    let path = &call.path;
    let hint = "the documents list them: /docs of REST, and of the admin API";
    match CALLS.iter().find(|known| known.path == path) {
        Some(known) if known.only_reads => ApiError::not_found(format!("{path} takes no JSON object"), hint),
        Some(_) => ApiError::not_found(format!("{path} takes a JSON object"), hint),
        None => ApiError::not_found(format!("there is no call {path} of REST or of the admin API"), hint),
    }
}
