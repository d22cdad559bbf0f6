//! The overview: how the domain stands, what happens, and what to do first.

use maud::{Markup, html};

use super::pieces::{copied, events, grouped};
use super::visit::{Content, Page, Visit};
use crate::service::device::DeviceState;
use crate::service::event::EventKind;
use crate::service::store::{DeviceQuery, EventQuery, Store, Window};
use crate::web::error::ApiError;

/// Events to begin with.
const EVENTS_LEN: usize = 15;

pub(super) const PAGE: Page = Page { path: "/", view, act: None };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let none = Window { offset: 0, count: 0 };
    let account = visit.account();
    let domain = account.domain()?;
    let devices = |query| account.devices(query, none).map(|page| page.total);
    let total = devices(DeviceQuery::default())?;
    let active = devices(DeviceQuery { state: Some(DeviceState::Active), ..DeviceQuery::default() })?;
    let overdue = devices(DeviceQuery { overdue: Some(true), ..DeviceQuery::default() })?;
    let noted = |kind| {
        let query = EventQuery { kind: Some(kind), ..EventQuery::default() };
        account.noted_devices(query, none).map(|page| page.total)
    };
    let (clones, suspicious) = (noted(EventKind::Clone)?, noted(EventKind::Suspicious)?);
    let newest = EventQuery { newest_first: true, ..EventQuery::default() };
    let latest = account.events(newest, Window { offset: 0, count: EVENTS_LEN })?;
    let title = domain.company.clone().unwrap_or_else(|| domain.name.clone());
    let first_steps = if total == 0 { Some(first_steps(visit)?) } else { None };
    let body = html! {
        h1 { (title) }
        @if let Some(steps) = first_steps { (steps) }
        @else {
            ul.tiles aria-label="How the domain stands" {
                (tile("/things", "Things", total, None))
                (tile("/things?state=ACTIVE", "Active", active, None))
                (tile("/things?overdue=yes", "Overdue", overdue, Some("warn")))
                (tile("/events?kind=clone", "With clones", clones, Some("bad")))
                (tile("/events?kind=suspicious", "Suspicious", suspicious, Some("warn")))
            }
        }
        section aria-labelledby="latest" {
            div.row {
                h2 #latest { "Events" }
                span.live data-live="status" role="status" { "newest first" }
                a.more href="/events" { "All events" }
            }
            @if latest.items.is_empty() { p.quiet data-live="empty" { "Nothing has happened yet. What the service notes appears here by itself." } }
            (events(&latest.items, true))
        }
    };
    Ok(Content { title: "Overview".to_owned(), body })
}

fn tile(href: &str, name: &str, count: usize, alarm: Option<&str>) -> Markup {
    html! {
        li { a href=(href) class={ "tile " (alarm.filter(|_| count > 0).unwrap_or_default()) } {
            strong { (grouped(count as u64)) }
            span { (name) }
        } }
    }
}

/// What somebody without a device types next, with the addresses of this very server.
fn first_steps(visit: &mut Visit<'_>) -> Result<Markup, ApiError> {
    let profiles = visit.account().profiles()?;
    let unowned: u64 = visit
        .host
        .service()
        .store()
        .census()?
        .iter()
        .filter(|(state, _)| state == "UNOWNED")
        .map(|(_, count)| count)
        .sum();
    let start = match visit.host.dtls_address() {
        Some(address) => format!("vsara --service {address} --state module-1"),
        None => "vsara".to_owned(),
    };
    let uid = profiles.first().map(|profile| profile.uid.as_str());
    let seal = format!("AT+USECDEVINFO=\"{}\",\"my-first-device\"", uid.unwrap_or("DEVICE-PROFILE-UID"));
    Ok(html! {
        section.first aria-labelledby="first" {
            h2 #first { "Your first device" }
            ol.steps {
                li class=[uid.map(|_| "is-done")] {
                    h3 { "Make a device profile" }
                    @if let Some(profile) = profiles.first() {
                        p { "There is one: " a href={ "/profiles/" (super::pieces::mark(&profile.uid)) } { (profile.name) } "." }
                    } @else {
                        p { "It says what your devices get when they bootstrap." }
                        p { a.button.primary href="/profiles/new" { "New device profile" } }
                    }
                }
                li class=[(unowned > 0).then_some("is-done")] {
                    h3 { "Start a module" }
                    @if unowned > 0 { p { (grouped(unowned)) " bootstrapped here and " @if unowned == 1 { "belongs" } @else { "belong" } " to nobody yet. One more:" } }
                    (copied("start", &start))
                }
                li {
                    h3 { "Seal the profile into it" }
                    p { "On its serial port, for example with " code { "picocom module-1/tty" } ":" }
                    (copied("seal", &seal))
                }
                li {
                    h3 { "See it here" }
                    p { "The module bootstraps, registers, and is among the " a href="/things" { "Things" } "." }
                }
            }
        }
    })
}
