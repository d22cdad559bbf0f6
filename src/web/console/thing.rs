//! One Thing: what is wanted of it and what it has reported, side by side.

use std::sync::Arc;

use maud::{Markup, html};

use super::fields::{feature, refused};
use super::pieces::{
    events, feature_title, grouped, on_off, period, plan_choice, plan_words, profile_name, state, when,
};
use super::visit::{Content, Next, Page, Visit};
use crate::protocol::message::{Feature, Standing};
use crate::service::Device;
use crate::service::account::DeviceEdit;
use crate::service::authority::Authority;
use crate::service::device::{Blocked, DeviceState, Traffic};
use crate::service::store::{EventQuery, Window};
use crate::web::error::ApiError;

/// Events of a Thing on its page; the rest is under Events.
const EVENTS_LEN: usize = 20;

pub(super) const PAGE: Page = Page { path: "/things/{rot}", view, act: Some(act) };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let rot = visit.rot()?;
    let now = visit.host.now().system;
    let account = visit.account();
    let device = account.device(rot)?;
    let profiles = account.profiles()?;
    let authorities = account.authorities()?;
    let waiting = device.campaigns.iter().filter_map(|uid| account.campaign(uid).ok());
    let campaigns: Vec<_> = waiting.map(|(campaign, _)| campaign).collect();
    let query = EventQuery { rot: Some(rot), newest_first: true, ..EventQuery::default() };
    let noted = account.events(query, Window { offset: 0, count: EVENTS_LEN })?;
    let serial = device.seal.as_ref().map_or("no serial number", |seal| seal.serial_number.as_str());
    let profile = device
        .owner
        .as_ref()
        .map(|owner| (super::pieces::mark(&owner.profile_uid), profile_name(&profiles, &owner.profile_uid)));
    let body = html! {
        p.crumbs { a href="/things" { "Things" } " / " code { (rot) } }
        div.row { h1 { (serial) } (state(&device)) (standing_form(&device)) }
        @if let Some(blocked) = device.blocked {
            p.note.warn { (match blocked {
                Blocked::NotWhitelisted => "It is not on the whitelist of its device profile, so it has no features and no services. Unblock it, or whitelist it before its next bootstrap.",
                Blocked::OverPlanLimit => "The active devices of its plan are all taken. Suspend another device, or choose a plan with more room.",
            }) }
        }
        div.columns {
            section.card aria-labelledby="about" {
                h2 #about { "About" }
                dl.facts {
                    dt { "Root of trust" } dd { code { (rot) } }
                    dt { "Type" } dd { (device.identity.type_number) }
                    dt { "Firmware" } dd { (device.identity.firmware) }
                    dt { "IMEI" } dd { (device.identity.imei) }
                    dt { "Device profile" } dd { @if let Some((mark, name)) = &profile { a href={ "/profiles/" (mark) } { (name) } } @else { "–" } }
                    dt { "Registered" } dd { (when(device.registered_at)) }
                    dt { "Last heartbeat" } dd { (when(device.last_heartbeat)) @if device.heartbeats > 0 { span.quiet { " · " (grouped(device.heartbeats.into())) " in all" } } }
                    dt { "Next due" } dd { (super::things::due(&device, now)) }
                    @if let Some(certificate) = &device.certificate {
                        dt { "Certificate" } dd { "in force until " (when(Some(certificate.not_after)))
                            span.quiet { " · signed by " (authority_name(&authorities, &certificate.authority_uid)) } }
                    }
                    @if !campaigns.is_empty() { dt { "Campaigns" } dd { @for (index, campaign) in campaigns.iter().enumerate() {
                        @if index > 0 { ", " } a href={ "/campaigns/" (campaign.uid) } { (campaign.name) }
                    } span.quiet { " wait for its next heartbeat" } } }
                    dt { "Key set" } dd { "number " strong { (device.keys.committed()) } " is agreed on"
                        span.quiet { " · these authenticate: " (device.keys.numbers().map(|number| number.to_string()).collect::<Vec<_>>().join(", ")) } }
                }
            }
            section.card aria-labelledby="bootstrap" {
                h2 #bootstrap { "Bootstrap" }
                (bootstrap(&device))
            }
        }
        section.card aria-labelledby="features" {
            h2 #features { "Features" }
            p.quiet { "A switch says what is wanted. The module puts it in force at its next security heartbeat." }
            ul.switches { @for feature in Feature::ALL { (switch(&device, feature)) } }
            p.quiet { "KMS and E2E: the plan " @if device.plan.facts().services { "includes" } @else { "does not include" } " them, the module "
                @if device.applied.as_ref().is_some_and(|applied| applied.services) { "uses" } @else { "does not use" } " them." }
        }
        section.card aria-labelledby="settings" {
            h2 #settings { "Heartbeat and plan" }
            div.columns {
                form.stack method="post" {
                    label for="period" { "Heartbeat period wanted" }
                    input #period name="period" required value=(period(device.wanted.heartbeat_period_s)) aria-describedby="period-help";
                    p.help #period-help { "Like 7d, 12h or 5m. In force: " (device.applied.as_ref().map_or("none".to_owned(), |applied| period(applied.heartbeat_period_s))) "." }
                    button name="do" value="period" { "Save period" }
                }
                form.stack method="post" {
                    (plan_choice(device.plan))
                    p.help { "Now " (device.plan) ", " (plan_words(device.plan)) "." }
                    button name="do" value="plan" { "Save plan" }
                }
            }
        }
        section aria-labelledby="noted" {
            div.row { h2 #noted { "Events" } @if noted.total > noted.items.len() { a.more href={ "/events?rot=" (rot) } { "All " (grouped(noted.total as u64)) } } }
            (events(&noted.items, false))
        }
    };
    Ok(Content { title: serial.to_owned(), body })
}

fn authority_name<'a>(authorities: &'a [Arc<Authority>], uid: &str) -> &'a str {
    let found = authorities.iter().find(|authority| authority.uid == uid);
    found.map_or("a private CA that is not here any more", |authority| authority.name.as_str())
}

fn standing_form(device: &Device) -> Markup {
    html! {
        form.end method="post" {
            @match device.standing {
                Standing::Active => button name="do" value="suspend" { "Suspend" },
                Standing::Allocated => button.primary name="do" value="unblock" { "Unblock" },
                Standing::Suspended => button.primary name="do" value="unblock" { "Make active again" },
                Standing::Unowned => {}
            }
        }
    }
}

/// One feature: wanted, in force, and its switch.
fn switch(device: &Device, feature: Feature) -> Markup {
    let wanted = device.wanted.features.contains(&feature);
    let applied = device.applied.as_ref().is_some_and(|applied| applied.features.contains(&feature));
    let title = feature_title(feature);
    html! {
        li {
            div { strong #{ "feature-" (feature.name()) } { (title) } " " code.quiet { (feature.name()) } }
            div.states {
                span { "wanted " strong { (on_off(wanted)) } }
                span { "in force " strong { (on_off(applied)) } }
                @if wanted != applied { span.badge.busy { @if device.standing == Standing::Active { "at the next heartbeat" } @else { "not while it is " (device.state()) } } }
            }
            form method="post" {
                input type="hidden" name="feature" value=(feature.name());
                input type="hidden" name="do" value="feature";
                button.switch type="submit" role="switch" name="enabled" value=(on_off(!wanted)) aria-checked=(wanted) aria-labelledby={ "feature-" (feature.name()) } { span.unseen { "Switch " (on_off(!wanted)) } }
            }
        }
    }
}

/// The phases in their order, with what each of them cost.
fn bootstrap(device: &Device) -> Markup {
    let (traffic, reached) = match (&device.bootstrap, device.traffic) {
        (Some(progress), _) => (progress.traffic, progress.phase as usize),
        (None, Some(traffic)) => (traffic, 3),
        (None, None) => return html! { p.quiet { "No bootstrap has come to its end yet." } },
    };
    let Traffic { hello, replace, provision, confirm } = traffic;
    let phases = [
        ("Hello", "who am I, with the first handshake", hello),
        ("Replace", "a new key set in the factory secret's place", replace),
        ("Provision", "features, services, period", provision),
        ("Confirm", "under the new key set, with the second handshake", confirm),
    ];
    let most = phases.iter().map(|(_, _, bytes)| *bytes).max().unwrap_or_default().max(1);
    html! {
        ol.timeline {
            @for (index, (name, what, bytes)) in phases.into_iter().enumerate() {
                li class=[(index <= reached).then_some("is-done")] {
                    div { strong { (name) } span.bytes { (grouped(bytes.into())) " bytes" } }
                    svg.bar width="100%" height="6" aria-hidden="true" { rect width={ (bytes * 100 / most) "%" } height="6" rx="3" {} }
                    span.quiet { (what) }
                }
            }
        }
        p { strong { (grouped(traffic.total().into())) " bytes" } " in all"
            @if let DeviceState::Bootstrapping(_) = device.state() { " so far" } @else { span.quiet { " · ended " (when(device.bootstrapped_at)) } } }
    }
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let rot = visit.rot()?;
    let here = format!("/things/{rot}");
    let form = visit.asked.form.clone();
    let mut account = visit.account();
    let what = form.get("do");
    match what {
        "feature" => account.set_feature(rot, feature(form.get("feature"))?, form.get("enabled") == "on")?,
        "period" => account.set_heartbeat_period(rot, form.period_s("period")?)?,
        "plan" => {
            account.edit_device(rot, &DeviceEdit { plan: Some(form.plan()?), ..DeviceEdit::default() })?
        }
        "suspend" => {
            account.edit_device(rot, &DeviceEdit { suspended: Some(true), ..DeviceEdit::default() })?
        }
        "unblock" => account.unblock(rot)?,
        _ => return Err(refused("the form does not say what to do")),
    }
    Ok(Next::done(&here, what))
}
