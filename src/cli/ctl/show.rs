//! Answers for people, or as JSON.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::{print_line, stdout_failed};
use crate::host::error::HostError;

/// How an answer is shown.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// A line a field.
    Fields,
    /// As it came, on one line.
    Json,
    /// These fields only, without their names, a line each.
    Values(&'static [&'static str]),
    /// An entry of a list a line.
    Lines(List),
    /// One field of each entry of a list, without a name.
    Each(List, &'static str),
    /// Entries of a list, a row each.
    Table(List, &'static [Column]),
    /// The same of an answer that is one entry.
    Row(&'static [Column]),
    /// A line an event, or JSON lines.
    Events { json: bool },
}

/// A list in an answer.
#[derive(Clone, Copy)]
pub(super) struct List {
    /// The field it is in.
    field: &'static str,
    /// How many entries were left out in front; none where it is never asked for in parts.
    offset: Option<u32>,
}

impl List {
    /// One that comes as a whole.
    pub(super) fn whole(field: &'static str) -> Self {
        Self { field, offset: None }
    }

    /// A part of one, without so many entries in front.
    pub(super) fn part(field: &'static str, offset: u32) -> Self {
        Self { field, offset: Some(offset) }
    }
}

/// A heading, and what stands below it.
pub(super) type Column = (&'static str, fn(&Value) -> String);

/// Prints an answer; nothing where there is nothing to say.
pub(super) fn answer(shown: Shown, value: &Value) -> Result<(), HostError> {
    let text = match shown {
        Shown::Json => value.to_string(),
        Shown::Events { .. } => {
            return items(value).iter().try_for_each(|past| event(shown, past));
        }
        Shown::Values(names) => names.iter().map(|name| plain(&value[name])).collect::<Vec<_>>().join("\n"),
        Shown::Lines(list) => {
            tell_rest(list, value);
            items(&value[list.field]).iter().map(plain).collect::<Vec<_>>().join("\n")
        }
        Shown::Each(list, field) => {
            tell_rest(list, value);
            let values =
                items(&value[list.field]).iter().map(|entry| plain(&entry[field]).trim_end().to_owned());
            values.collect::<Vec<_>>().join("\n")
        }
        Shown::Table(list, columns) => {
            tell_rest(list, value);
            table(columns, items(&value[list.field]))
        }
        Shown::Row(columns) => table(columns, std::slice::from_ref(value)),
        Shown::Fields => match value {
            Value::Object(_) => fields(value, ""),
            value => plain(value),
        },
    };
    match text.trim_end() {
        "" => Ok(()),
        text => print_line(text).map_err(|error| stdout_failed(&error)),
    }
}

/// Prints an event.
pub(super) fn event(shown: Shown, event: &Value) -> Result<(), HostError> {
    let line = if matches!(shown, Shown::Events { json: true }) { event.to_string() } else { told(event) };
    print_line(line).map_err(|error| stdout_failed(&error))
}

/// A value in the words of a table; a dash where there is none.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        value => plain(value),
    }
}

/// A number of seconds, as it is written on the command line.
pub(super) fn period(value: &Value) -> String {
    let Some(seconds) = value.as_u64() else { return cell(value) };
    let text = humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string();
    text.replace("days", "d").replace("day", "d").replace(' ', "")
}

/// Says on stderr, where no script reads it, that a list is empty or goes on.
fn tell_rest(list: List, value: &Value) {
    let Some(total) = value["Total"].as_u64() else { return };
    let shown = items(&value[list.field]).len() as u64;
    let end = u64::from(list.offset.unwrap_or_default()) + shown;
    if shown == 0 {
        eprintln!("nothing to show of {total}");
    } else if end < total {
        let way = match list.offset {
            Some(_) => format!("; --offset {end} shows the next, --count N more at a time"),
            None => String::new(),
        };
        eprintln!("{shown} of {total}{way}");
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn table(columns: &[Column], entries: &[Value]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut rows = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect::<Vec<_>>()];
    rows.extend(entries.iter().map(|entry| columns.iter().map(|(_, cell)| cell(entry)).collect()));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
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
        Value::Null => String::new(),
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

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        const COLUMNS: &[Column] =
            &[("NAME", |entry| cell(&entry["Name"])), ("PERIOD", |entry| period(&entry["Period"]))];
        let entries =
            [json!({ "Name": "Pümpen", "Period": 604_800 }), json!({ "Name": null, "Period": 5400 })];
        assert_eq!(table(COLUMNS, &entries), "NAME    PERIOD\nPümpen  7d\n-       1h30m\n");
        assert_eq!(table(COLUMNS, &[]), "");
    }
}
