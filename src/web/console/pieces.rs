//! What several pages are made of.

use maud::{Markup, html};

use super::visit::{PAGE_LEN, Visit};
use crate::protocol::message::Feature;
use crate::service::device::DeviceState;
use crate::service::event::EventKind;
use crate::service::{Device, DeviceProfile, Event, Plan};
use crate::time::Timestamp;

/// Characters of a DeviceProfileUID that stand for it in an address: enough to find it by, too few
/// to seal it into a module, since addresses stay in histories.
const MARK_LEN: usize = 8;

/// A moment, in UTC.
pub(super) fn when(at: Option<Timestamp>) -> Markup {
    let Some(at) = at else { return html! { span.quiet { "never" } } };
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    html! { time datetime=(text) { (day) " " (time.get(..8).unwrap_or(time)) } }
}

/// A length of time in its two largest units.
pub(super) fn span(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1000;
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, length) in units {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / length));
            rest %= length;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A heartbeat period as it is filled in.
pub(super) fn period(seconds: u32) -> String {
    humantime::format_duration(std::time::Duration::from_secs(seconds.into()))
        .to_string()
        .replace("days", "d")
        .replace("day", "d")
}

/// A count with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The state of a Thing.
pub(super) fn state(device: &Device) -> Markup {
    let state = device.state();
    html! {
        span class={ "badge " (state_class(state)) } { (state.name()) }
        @if device.is_blacklisted() { " " span.badge.bad { "BLACKLISTED" } }
        @if device.overdue { " " span.badge.warn { "OVERDUE" } }
    }
}

fn state_class(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Active => "good",
        DeviceState::Bootstrapping(_) => "busy",
        DeviceState::Suspended => "warn",
        DeviceState::Allocated => "bad",
        DeviceState::Unowned => "idle",
    }
}

/// The sort of an event.
pub(super) fn kind(kind: EventKind) -> Markup {
    let class = match kind {
        EventKind::Clone => "bad",
        EventKind::Suspicious | EventKind::Overdue => "warn",
        EventKind::Bootstrap | EventKind::Registration => "good",
        EventKind::Feature | EventKind::Plan | EventKind::Ownership => "busy",
        EventKind::Heartbeat => "idle",
    };
    html! { span class={ "badge " (class) } { (kind.name()) } }
}

/// Rows of events, the way the live stream adds them too.
pub(super) fn events(events: &[Event], live: bool) -> Markup {
    html! {
        div.table {
            table.rows aria-label="Events" {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Event" } th scope="col" { "Thing" } th scope="col" { "What happened" } } }
                tbody data-live=[live.then_some("rows")] {
                    @for event in events {
                        tr data-event=(event.id) {
                            td data-label="Time" { (when(Some(event.last_at))) }
                            td data-label="Event" { (kind(event.kind)) @if event.count > 1 { " " span.quiet { "× " (event.count) } } }
                            td data-label="Thing" { a href={ "/things/" (event.rot) } { code { (event.rot) } } }
                            td data-label="What happened" {
                                (event.reason)
                                @if let Some(peer) = event.peer { " " span.quiet { "from " (peer) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a list has nothing to show.
pub(super) fn empty(title: &str, more: &Markup) -> Markup {
    html! { div.empty { h2 { (title) } (more) } }
}

/// A switch in a word.
pub(super) const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Which part of a list this is, and the way to its neighbours.
pub(super) fn pager(visit: &Visit<'_>, shown: usize, total: usize) -> Markup {
    let page = visit.page();
    let first = (page - 1) * PAGE_LEN;
    let link = |page: usize| {
        format!("{}?{}", visit.asked.path, visit.asked.query.query_with("page", &page.to_string()))
    };
    html! {
        nav.pager aria-label="Pages" {
            span {
                @if shown == 0 { "Nothing here of " (grouped(total as u64)) }
                @else { (grouped(first as u64 + 1)) "–" (grouped((first + shown) as u64)) " of " (grouped(total as u64)) }
            }
            @if page > 1 { a.button rel="prev" href=(link(page - 1)) { "Previous" } }
            @if first + shown < total { a.button rel="next" href=(link(page + 1)) { "Next" } }
        }
    }
}

/// Text with a button that copies it, where scripts run.
pub(super) fn copied(id: &str, text: &str) -> Markup {
    html! {
        div.copied {
            pre { code id=(id) { (text) } }
            button type="button" hidden data-copy=(id) { "Copy" }
        }
    }
}

/// What a feature is called.
pub(super) fn feature_title(feature: Feature) -> &'static str {
    match feature {
        Feature::LocalDataProtection => "Local data protection",
        Feature::ChipToChip => "Chip-to-chip security",
        Feature::ZeroTouchProvisioning => "Zero touch provisioning",
        Feature::ChipToChipPairing => "Chip-to-chip pairing",
    }
}

/// Price plans to choose from.
pub(super) fn plan_choice(chosen: Plan) -> Markup {
    html! {
        label for="plan" { "Price plan" }
        select #plan name="plan" {
            @for plan in Plan::all() {
                option value=(plan) selected[plan == chosen] { (plan) " – " (plan_words(plan)) }
            }
        }
    }
}

/// What a plan brings.
pub(super) fn plan_words(plan: Plan) -> String {
    let facts = plan.facts();
    let services = if facts.services { "with KMS and E2E" } else { "without services" };
    match facts.active_devices_max {
        Some(max) => format!("{services}, up to {max} active devices"),
        None => services.to_owned(),
    }
}

/// What stands for a device profile in an address.
pub(super) fn mark(uid: &str) -> String {
    uid.chars().take(MARK_LEN).collect()
}

/// What a device profile is called; its UID's first characters where it is gone.
pub(super) fn profile_name(profiles: &[std::sync::Arc<DeviceProfile>], uid: &str) -> String {
    let found = profiles.iter().find(|profile| profile.uid == uid);
    found.map_or_else(|| crate::service::device_profile::short_uid(uid), |profile| profile.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_are_written_for_people() {
        let check = |millis: i64, expected: &str| assert_eq!(span(millis), expected);
        check(0, "0 s");
        check(-61_000, "1 min 1 s");
        check(86_400_000 + 5_000, "1 d");
        check(90_000_000, "1 d 1 h");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([period(604_800), period(86_400), period(300)], ["7d", "1d", "5m"]);
    }
}
