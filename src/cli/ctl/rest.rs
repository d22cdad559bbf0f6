//! Any call of REST or of the admin API, without a token.

use clap::Args;
use serde_json::Value;

use super::errand::Errand;
use super::show::Shown;
use crate::host::control::Request;
use crate::host::rest_call::RestCall;
use crate::service::domain::DEFAULT_DOMAIN;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara ctl rest /v1/device/list '{\"State\": \"ACTIVE\"}'
  vsara ctl rest /factory '{\"Count\": 3}'
  vsara ctl rest /health";

#[derive(Clone, Debug, Args)]
pub(super) struct RestArgs {
    /// As /docs of the door has it, for example /v1/device/list
    path: String,
    /// A JSON object, where the call takes one [default: {} for a path in /v1/]
    #[arg(value_name = "JSON", value_parser = object)]
    body: Option<Value>,
    /// As the owner of which domain
    #[arg(long, value_name = "D", default_value = DEFAULT_DOMAIN)]
    domain: String,
}

impl RestArgs {
    pub(super) fn errand(&self) -> Errand {
        let is_owners = self.path.starts_with("/v1/");
        let body = self.body.clone().or_else(|| is_owners.then(|| Value::Object(serde_json::Map::new())));
        let call = RestCall { path: self.path.clone(), domain: self.domain.clone(), body };
        Errand { request: Request::Rest(call), shown: Shown::Json }
    }
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err("not a JSON object, which is {…}".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}
