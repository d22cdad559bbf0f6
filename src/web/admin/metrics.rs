//! Numbers, in the text format of Prometheus.

use std::fmt::{Display, Write};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::host::run_service::{Counters, ServiceHost};
use crate::service::StoreError;
use crate::service::store::Store;
use crate::time::Timestamp;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Security, Shape};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is told.
struct Numbers {
    counters: Counters,
    /// Sessions that stand, and handshakes under way.
    sessions: (usize, usize),
    /// Devices by state.
    census: Vec<(String, u64)>,
    time: Timestamp,
}

async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    let numbers = app.rooms.service.with(|host: &mut ServiceHost| {
        Ok::<_, StoreError>(Numbers {
            counters: host.counters().clone(),
            sessions: host.service().sessions(),
            census: host.service().store().census()?,
            time: host.now().system,
        })
    });
    Ok(([(CONTENT_TYPE, TEXT)], render(&numbers.await??)).into_response())
}

fn render(numbers: &Numbers) -> String {
    let Numbers { counters, sessions, census, time } = numbers;
    let mut text = Text::default();
    text.family("vsara_info", "gauge", "The program.");
    text.number("vsara_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("vsara_system_time_seconds", "gauge", "System time, since the Unix epoch.");
    text.number("vsara_system_time_seconds", &[], time.as_millis() as f64 / 1000.0);
    text.family("vsara_devices", "gauge", "Devices, by state.");
    for (state, count) in census {
        text.number("vsara_devices", &[("state", state)], count);
    }
    text.family("vsara_sessions", "gauge", "Sessions that stand.");
    text.number("vsara_sessions", &[], sessions.0);
    text.family("vsara_handshakes", "gauge", "Handshakes under way.");
    text.number("vsara_handshakes", &[], sessions.1);
    let ways = [("in", counters.datagrams_in), ("out", counters.datagrams_out)];
    text.family("vsara_datagrams_total", "counter", "Datagrams from modules (in) and to them (out).");
    ways.iter().for_each(|(way, (count, _))| text.number("vsara_datagrams_total", &[("way", way)], count));
    text.family("vsara_datagram_bytes_total", "counter", "Bytes of these datagrams, without headers.");
    ways.iter()
        .for_each(|(way, (_, bytes))| text.number("vsara_datagram_bytes_total", &[("way", way)], bytes));
    text.family("vsara_handshakes_total", "counter", "Handshakes that were done.");
    text.number("vsara_handshakes_total", &[], counters.handshakes);
    text.family("vsara_session_failures_total", "counter", "Handshakes and sessions that failed.");
    text.number("vsara_session_failures_total", &[], counters.failures);
    text.family(
        "vsara_exchanges_total",
        "counter",
        "Requests that were answered, by path and response code.",
    );
    for ((path, code), count) in &counters.exchanges {
        let code = code.to_string();
        text.number("vsara_exchanges_total", &[("path", path), ("code", &code)], count);
    }
    text.family("vsara_events_total", "counter", "Events that were noted, by kind.");
    for (kind, count) in &counters.events {
        text.number("vsara_events_total", &[("kind", kind.name())], count);
    }
    text.family("vsara_store_failures_total", "counter", "Failures of the store outside of any call.");
    text.number("vsara_store_failures_total", &[], counters.store_failures);
    text.0
}

/// The text format. Writing to a string cannot fail.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn number(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/metrics", Shape::opaque(TEXT), get(metrics))
            .about("Records", "Gives numbers for Prometheus")
            .shows(Security::AdminToken),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_lines_with_labels() {
        let counters = Counters { datagrams_in: (3, 300), ..Counters::default() };
        let sessions = (1, 2);
        let census = vec![("ACTIVE".to_owned(), 7)];
        let text = render(&Numbers { counters, sessions, census, time: Timestamp::from_millis(1500) });
        for line in [
            "vsara_devices{state=\"ACTIVE\"} 7",
            "vsara_datagram_bytes_total{way=\"in\"} 300",
            "vsara_sessions 1",
            "vsara_system_time_seconds 1.5",
            "# TYPE vsara_sessions gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let mut quoted = Text::default();
        quoted.number("n", &[("path", "a\"b\\c\nd")], 1);
        assert_eq!(quoted.0, "n{path=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
