//! Events, with filters.

use maud::html;

use super::fields::refused;
use super::pieces::{empty, events, pager};
use super::visit::{Content, Page, Visit};
use crate::service::event::EventKind;
use crate::service::store::EventQuery;
use crate::time::Timestamp;
use crate::web::error::ApiError;

pub(super) const PAGE: Page = Page { path: "/events", view, act: None };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let asked = visit.asked.query.clone();
    // What cannot be read is said, and left out.
    let rot = asked.rot("rot").unwrap_or_else(|refusal| {
        visit.asked.refusal = Some(refusal);
        None
    });
    let since = since(asked.get("since")).unwrap_or_else(|refusal| {
        visit.asked.refusal = Some(refusal);
        None
    });
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == asked.get("kind"));
    let query = EventQuery { rot, kind, since, newest_first: true, ..EventQuery::default() };
    let is_narrowed = rot.is_some() || kind.is_some() || since.is_some();
    let window = visit.window();
    let page = visit.account().events(query, window)?;
    let body = html! {
        h1 { "Events" }
        form.filters method="get" action="/events" {
            div { label for="kind" { "Sort" } select #kind name="kind" {
                option value="" { "Any" }
                @for one in EventKind::ALL { option selected[kind == Some(one)] { (one.name()) } }
            } }
            div { label for="rot" { "Root of trust" } input #rot name="rot" maxlength="16" spellcheck="false" value=(asked.get("rot")); }
            div { label for="since" { "Since (UTC)" } input #since name="since" type="datetime-local" step="1" value=(asked.get("since")); }
            button { "Show" }
        }
        @if page.items.is_empty() {
            @if is_narrowed { (empty("No event is like that", &html! { p { a href="/events" { "Show all" } } })) }
            @else { (empty("Nothing has happened yet", &html! { p { "Bootstraps, heartbeats, clones and everything else the service notes will be here." } })) }
        } @else {
            (events(&page.items, false))
            (pager(visit, page.items.len(), page.total))
        }
    };
    Ok(Content { title: "Events".to_owned(), body })
}

/// A moment as browsers send it, in UTC, or as RFC 3339.
fn since(text: &str) -> Result<Option<Timestamp>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let written = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    let read = written.iter().find_map(|text| text.parse().ok());
    read.map(Some).ok_or_else(|| refused("the time to begin at is not one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_browsers_send_it() {
        let at = "2026-01-01T00:00:00Z".parse::<Timestamp>().ok();
        for text in ["2026-01-01T00:00", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z"] {
            assert_eq!(since(text), Ok(at), "{text}");
        }
        assert_eq!(since(""), Ok(None));
        assert!(since("yesterday").is_err());
    }
}
