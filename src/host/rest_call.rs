//! [`RestCall`]: a call of REST or of the admin API that comes by the control socket.
//!
//! Whoever may use the socket runs the service, so that no token is asked for. The calls are answered
//! by the very handlers of the doors, which are made in the layer above.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::run_service::ServiceHost;

/// What is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestCall {
    /// For example `/v1/device/list`, or `/domains` of the admin API.
    pub path: String,
    /// As the owner of which domain; the admin API is beyond them all.
    pub domain: String,
    /// What it says, as JSON; none where it only reads, as `GET` does.
    pub body: Option<Value>,
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened.
    pub message: String,
    /// What to do about it, in words of REST.
    pub hint: String,
}

/// Answers calls. Clones are cheap.
#[derive(Clone)]
pub struct RestCalls(Arc<Answerer>);

type Answerer = dyn Fn(&mut ServiceHost, &RestCall) -> Result<Value, Refusal> + Send + Sync;

impl RestCalls {
    /// In this way.
    pub fn by(
        answer: impl Fn(&mut ServiceHost, &RestCall) -> Result<Value, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    pub(in crate::host) fn answer(&self, host: &mut ServiceHost, call: &RestCall) -> Result<Value, Refusal> {
        (self.0)(host, call)
    }
}

impl fmt::Debug for RestCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestCalls")
    }
}
