//! Answers for people, or as JSON.

use std::fmt::Write;

use serde_json::Value;

use super::{AccesskeyVerb, Verb};
use crate::cli::{print_line, stdout_failed};
use crate::host::error::HostError;

/// Prints the answer to a verb; nothing where there is nothing to say.
pub(super) fn answer(verb: &Verb, value: &Value) -> Result<(), HostError> {
    let text = match (verb, value) {
        (Verb::Events { .. }, Value::Array(events)) => {
            return events.iter().try_for_each(|past| event(verb, past));
        }
        (
            Verb::Status { json: true }
            | Verb::Identity { json: true, .. }
            | Verb::Accesskey(AccesskeyVerb::Create { json: true, .. }),
            value,
        ) => value.to_string(),
        (Verb::Identity { .. }, value) => {
            let shown = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            format!("{}\n{}", shown("identity"), shown("key"))
        }
        (_, Value::Object(_)) => fields(value, ""),
        (_, Value::Null) => return Ok(()),
        (_, value) => plain(value),
    };
    print_line(text.trim_end()).map_err(|error| stdout_failed(&error))
}

/// Prints an event.
pub(super) fn event(verb: &Verb, event: &Value) -> Result<(), HostError> {
    let line = if matches!(verb, Verb::Events { json: true, .. }) { event.to_string() } else { told(event) };
    print_line(line).map_err(|error| stdout_failed(&error))
}

fn told(event: &Value) -> String {
    let shown = |name: &str| event[name].as_str().unwrap_or_default();
    let mut line = format!("{} {} {}: {}", shown("time"), shown("kind"), shown("rot"), shown("reason"));
    if let Some(count) = event["count"].as_u64().filter(|count| *count > 1) {
        // Writing to a string cannot fail.
        let _ = write!(line, " ({count} times)");
    }
    line
}

/// A line a field; what is not there is left out.
fn fields(value: &Value, indent: &str) -> String {
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value {
            Value::Null => {}
            Value::Object(_) => {
                let deeper = format!("{indent}  ");
                let _ = write!(text, "{indent}{name}:\n{}", fields(value, &deeper));
            }
            value => {
                let _ = writeln!(text, "{indent}{name}: {}", plain(value));
            }
        }
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_a_line_a_field() {
        let value = json!({ "power": "on", "sealed": false, "retry_at": null, "features": [], "contact": { "phase": "hello" } });
        assert_eq!(fields(&value, ""), "contact:\n  phase: hello\nfeatures: none\npower: on\nsealed: no\n");
    }

    #[test]
    fn an_event_is_told_in_one_line() {
        let event = json!({ "time": "2026-01-01T00:00:00Z", "kind": "clone", "rot": "0a", "reason": "chain broken", "count": 3 });
        assert_eq!(told(&event), "2026-01-01T00:00:00Z clone 0a: chain broken (3 times)");
    }
}
