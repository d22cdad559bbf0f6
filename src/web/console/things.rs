//! Things: searched and paged on the server, however many there are.

use maud::{Markup, html};

use super::pieces::{empty, mark, pager, profile_name, span, state, when};
use super::visit::{Content, Page, Visit};
use crate::service::Device;
use crate::service::device::DeviceState;
use crate::service::store::DeviceQuery;
use crate::time::Timestamp;
use crate::web::error::ApiError;

/// Longest text to search for, in characters.
const SEARCH_LEN_MAX: usize = 64;

pub(super) const PAGE: Page = Page { path: "/things", view, act: None };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let now = visit.host.now().system;
    let asked = visit.asked.query.clone();
    let window = visit.window();
    let account = visit.account();
    let profiles = account.profiles()?;
    let (of, in_state) = (asked.get("profile"), asked.get("state"));
    let query = DeviceQuery {
        state: DeviceState::from_name(in_state),
        profile_uid: profiles
            .iter()
            .find(|profile| mark(&profile.uid) == of)
            .map(|profile| profile.uid.clone()),
        overdue: asked.is_ticked("overdue").then_some(true),
        text: asked.given("q").map(|text| text.chars().take(SEARCH_LEN_MAX).collect()),
        ..DeviceQuery::default()
    };
    let is_narrowed = query != DeviceQuery::default();
    let page = account.devices(query, window)?;
    let body = html! {
        h1 { "Things" }
        form.filters method="get" action="/things" role="search" {
            div { label for="q" { "Search" } input #q name="q" type="search" maxlength=(SEARCH_LEN_MAX) placeholder="Root of trust or serial number" value=(asked.get("q")); }
            div { label for="state" { "State" } select #state name="state" {
                option value="" { "Any" }
                @for state in DeviceState::ALL { option selected[in_state == state.name()] { (state.name()) } }
            } }
            div { label for="profile" { "Device profile" } select #profile name="profile" {
                option value="" { "Any" }
                @for profile in &profiles { option value=(mark(&profile.uid)) selected[of == mark(&profile.uid)] { (profile.name) } }
            } }
            div.tick { input #overdue name="overdue" type="checkbox" value="yes" checked[asked.is_ticked("overdue")]; label for="overdue" { "Overdue only" } }
            button { "Show" }
        }
        @if page.items.is_empty() && is_narrowed {
            (empty("No Thing is like that", &html! { p { a href="/things" { "Show all" } } }))
        } @else if page.total == 0 {
            (empty("No Things yet", &html! { p { "A module is here once it has bootstrapped and was sealed with a device profile of this domain. " a href="/" { "The overview says how" } "." } }))
        } @else {
            div.table { table.rows aria-label="Things" {
                thead { tr {
                    th scope="col" { "Thing" } th scope="col" { "State" } th scope="col" { "Device profile" }
                    th scope="col" { "Features" } th scope="col" { "Last heartbeat" } th scope="col" { "Due" }
                } }
                tbody { @for device in &page.items { (row(device, &profiles, now)) } }
            } }
            (pager(visit, page.items.len(), page.total))
        }
    };
    Ok(Content { title: "Things".to_owned(), body })
}

fn row(
    device: &Device,
    profiles: &[std::sync::Arc<crate::service::DeviceProfile>],
    now: Timestamp,
) -> Markup {
    let serial = device.seal.as_ref().map(|seal| seal.serial_number.as_str());
    let profile = device.owner.as_ref().map(|owner| profile_name(profiles, &owner.profile_uid));
    html! {
        tr {
            td data-label="Thing" { a href={ "/things/" (device.rot) } { strong { (serial.unwrap_or("no serial number")) } } br; code.quiet { (device.rot) } }
            td data-label="State" { (state(device)) }
            td data-label="Device profile" { (profile.as_deref().unwrap_or("–")) }
            td data-label="Features" { (feature_names(device)) }
            td data-label="Last heartbeat" { (when(device.last_heartbeat)) }
            td data-label="Due" { (due(device, now)) }
        }
    }
}

/// Features in force, and whether others are wanted.
fn feature_names(device: &Device) -> Markup {
    let applied = device.applied.as_ref().map(|applied| &applied.features);
    let names: Vec<_> = applied.into_iter().flatten().map(|feature| feature.name()).collect();
    let changes = device.provided_now().settings.features != applied.cloned().unwrap_or_default();
    html! {
        @if names.is_empty() { span.quiet { "none" } } @else { (names.join(", ")) }
        @if changes { " " span.badge.busy { "change waits" } }
    }
}

/// When its next heartbeat is due, as seen from now.
pub(super) fn due(device: &Device, now: Timestamp) -> Markup {
    let Some(due) = device.heartbeat_due() else { return html! { span.quiet { "–" } } };
    let left = due.millis_since(now);
    html! {
        span title=(due) {
            @if left >= 0 { "in " (span(left)) } @else { (span(left)) " ago" }
        }
    }
}
