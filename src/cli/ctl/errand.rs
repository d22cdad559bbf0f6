//! [`Errand`]: what a verb asks of a running program, and how the answer is shown.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::same;
use super::show::{self, Shown};
use crate::host::control::Request;
use crate::host::error::HostError;
use crate::host::rest_call::RestCall;

/// What a verb asks, and how the answer is shown.
pub(super) struct Errand {
    pub(super) request: Request,
    pub(super) shown: Shown,
}

impl Errand {
    /// Asks this; what comes back is a line a field, or JSON where that is wished.
    pub(super) fn new(request: Request, json: bool) -> Self {
        Self { request, shown: if json { Shown::Json } else { Shown::Fields } }
    }

    /// Has the service's admin API do something; without a body it reads.
    pub(super) fn admin(path: &str, body: Option<Value>, shown: Shown) -> Self {
        let domain = crate::service::domain::DEFAULT_DOMAIN.to_owned();
        let request = Request::Rest(RestCall { path: path.to_owned(), domain, body });
        Self { request, shown }
    }

    /// Asks whoever is at the other end.
    pub(super) fn run(&self, mut stream: UnixStream) -> Result<(), HostError> {
        let lost = |error: io::Error| HostError::running(format_args!("control socket: {error}"));
        let line = serde_json::to_string(&self.request).map_err(HostError::running)?;
        writeln!(stream, "{line}").map_err(lost)?;
        let mut lines = BufReader::new(stream).lines();
        let answer: Value = match lines.next() {
            Some(line) => serde_json::from_str(&line.map_err(lost)?).map_err(HostError::running)?,
            None => return Err(HostError::running("control socket: the program ended without an answer")),
        };
        if answer["ok"] != true {
            return Err(refused(&answer));
        }
        show::answer(self.shown, &answer["value"])?;
        if let Request::Events { follow: true, .. } = self.request {
            for line in lines {
                let event = serde_json::from_str(&line.map_err(lost)?).map_err(HostError::running)?;
                show::event(self.shown, &event)?;
            }
        }
        Ok(())
    }
}

fn refused(answer: &Value) -> HostError {
    let error = HostError::running(answer["error"].as_str().unwrap_or("refused"));
    match answer["hint"].as_str().filter(|hint| !hint.is_empty()) {
        Some(hint) => error.advise(same::in_words_of_ctl(hint)),
        None => error,
    }
}
