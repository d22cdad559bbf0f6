//! Campaigns: one change for many Things, with how far it has come.

use maud::{Markup, html};

use super::fields::{Fields, feature, refused};
use super::pieces::{
    empty, feature_title, grouped, mark, on_off, pager, period, plan_choice, profile_name, when,
};
use super::visit::{Content, Next, Page, Visit};
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::service::Device;
use crate::service::campaign::{CAMPAIGN_LIST_MAX, Campaign, Change, Outcome, Progress, Reach};
use crate::service::domain::TITLE_LEN_MAX;
use crate::service::operator::Targets;
use crate::web::error::ApiError;

pub(super) const LIST: Page = Page { path: "/campaigns", view: list, act: None };
pub(super) const NEW: Page = Page { path: "/campaigns/new", view: form, act: Some(begin) };
pub(super) const ONE: Page = Page { path: "/campaigns/{uid}", view: one, act: None };

fn list(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let window = visit.window();
    let page = visit.account().campaigns(window)?;
    let body = html! {
        div.row { h1 { "Campaigns" } a.button.primary.end href="/campaigns/new" { "New campaign" } }
        p.lead { "A campaign wants one change of many Things. Each of them takes it up at its next security heartbeat." }
        @if page.total == 0 {
            (empty("No campaign yet", &html! { p { "Begin one to switch a feature, set the heartbeat period or change the plan of many Things at once." } }))
        } @else {
            div.table { table.rows aria-label="Campaigns" {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Change" } th scope="col" { "Begun" } th scope="col" { "Progress" } } }
                tbody { @for (campaign, progress) in &page.items { tr {
                    td data-label="Name" { a href={ "/campaigns/" (campaign.uid) } { strong { (campaign.name) } } }
                    td data-label="Change" { (change_words(&campaign.change)) }
                    td data-label="Begun" { (when(Some(campaign.created_at))) }
                    td data-label="Progress" { (progress_bar(campaign, progress)) }
                } } }
            } }
            (pager(visit, page.items.len(), page.total))
        }
    };
    Ok(Content { title: "Campaigns".to_owned(), body })
}

fn one(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let uid = visit.named().to_owned();
    let asked = visit.asked.query.get("outcome").to_owned();
    let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == asked);
    let window = visit.window();
    let account = visit.account();
    let (campaign, progress) = account.campaign(&uid)?;
    let page = account.campaign_devices(&uid, outcome, window)?;
    let profiles = account.profiles()?;
    let things = page.items.iter().map(|(rot, outcome)| {
        // One that has another owner by now is not looked at.
        (*rot, account.device(*rot).ok(), *outcome)
    });
    let things: Vec<_> = things.collect();
    let here = format!("/campaigns/{uid}");
    let body = html! {
        p.crumbs { a href="/campaigns" { "Campaigns" } " / " (campaign.name) }
        div.row { h1 { (campaign.name) } (standing(&campaign, &progress)) a.button.end href=(here) { "Look again" } }
        section.card aria-labelledby="progress" {
            h2 #progress { "Progress" }
            (progress_bar(&campaign, &progress))
            dl.facts {
                dt { "Change" } dd { (change_words(&campaign.change)) }
                dt { "Device profile" } dd { @match &campaign.profile_uid {
                    Some(uid) => a href={ "/profiles/" (mark(uid)) } { (profile_name(&profiles, uid)) },
                    None => "not of one alone",
                } }
                dt { "Begun" } dd { (when(Some(campaign.created_at))) }
                @for outcome in Outcome::ALL {
                    dt { (outcome_title(outcome)) } dd { strong { (grouped(count(&progress, outcome))) } " " span.quiet { (outcome_words(outcome)) } }
                }
            }
        }
        section aria-labelledby="things" {
            h2 #things { "Things" }
            form.filters method="get" action=(here) {
                div { label for="outcome" { "Outcome" } select #outcome name="outcome" {
                    option value="" { "Any" }
                    @for one in Outcome::ALL { option value=(one.name()) selected[outcome == Some(one)] { (outcome_title(one)) } }
                } }
                button { "Show" }
            }
            @if things.is_empty() {
                @if outcome.is_some() { (empty("No Thing of this campaign is like that", &html! { p { a href=(here) { "Show all" } } })) }
                @else if campaign.reach != Reach::Complete { (empty("No Thing is told yet", &html! { p { "The service tells them one after the other. Look again in a moment." } })) }
                @else { (empty("This campaign is about no Thing", &html! { p { "None was there when it began. A Thing is there once it was sealed with a device profile of this domain." } })) }
            } @else {
                div.table { table.rows aria-labelledby="things" {
                    thead { tr { th scope="col" { "Thing" } th scope="col" { "Last heartbeat" } th scope="col" { "Outcome" } } }
                    tbody { @for (rot, device, outcome) in &things { (row(*rot, device.as_deref(), *outcome)) } }
                } }
                (pager(visit, things.len(), page.total))
            }
        }
    };
    Ok(Content { title: campaign.name.clone(), body })
}

fn row(rot: RotUid, device: Option<&Device>, outcome: Outcome) -> Markup {
    let serial = device.and_then(|device| device.seal.as_ref()).map(|seal| seal.serial_number.as_str());
    html! {
        tr {
            td data-label="Thing" { a href={ "/things/" (rot) } { strong { (serial.unwrap_or("no serial number")) } } br; code.quiet { (rot) } }
            td data-label="Last heartbeat" { (when(device.and_then(|device| device.last_heartbeat))) }
            td data-label="Outcome" { span class={ "badge " (outcome_class(outcome)) } { (outcome_title(outcome)) } }
        }
    }
}

/// How far it has come, as a bar and in words.
fn progress_bar(campaign: &Campaign, progress: &Progress) -> Markup {
    let total = progress.total();
    let words = format!("{} of {}", grouped(progress.applied), grouped(total));
    html! {
        progress max=(total.max(1)) value=(progress.applied) aria-label={ "Applied by " (words) } {}
        span { strong { (words) } " applied"
            @if campaign.reach != Reach::Complete { span.quiet { ", more are still to be told" } }
            @if progress.refused > 0 { " " span.badge.bad { (grouped(progress.refused)) " refused" } }
        }
    }
}

fn standing(campaign: &Campaign, progress: &Progress) -> Markup {
    html! {
        @if campaign.reach != Reach::Complete || progress.waiting > 0 { span.badge.busy { "UNDER WAY" } }
        @else { span.badge.good { "DONE" } }
    }
}

fn change_words(change: &Change) -> Markup {
    html! {
        @for (feature, enabled) in &change.features { span { (feature_title(*feature)) " " strong { (on_off(*enabled)) } } }
        @if let Some(period_s) = change.heartbeat_period_s { span { "Heartbeat period " strong { (period(period_s)) } } }
        @if let Some(plan) = change.plan { span { "Plan " strong { (plan) } } }
    }
}

const fn outcome_title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Waiting => "Waiting",
        Outcome::Applied => "Applied",
        Outcome::Superseded => "Superseded",
        Outcome::Refused => "Refused",
    }
}

const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Waiting => "for the next heartbeat, and its report",
        Outcome::Applied => "as reported",
        Outcome::Superseded => "by another change meanwhile, or by another owner",
        Outcome::Refused => "since the plan has no room",
    }
}

const fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Waiting => "busy",
        Outcome::Applied => "good",
        Outcome::Superseded => "idle",
        Outcome::Refused => "bad",
    }
}

const fn count(progress: &Progress, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Waiting => progress.waiting,
        Outcome::Applied => progress.applied,
        Outcome::Superseded => progress.superseded,
        Outcome::Refused => progress.refused,
    }
}

fn form(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let profiles = visit.account().profiles()?;
    // What was filled in stays where the form was refused.
    let form = &visit.asked.form;
    let chosen = |name: &str, first: &'static str| form.given(name).unwrap_or(first).to_owned();
    let whom = chosen("for", if profiles.is_empty() { "all" } else { "profile" });
    let body = html! {
        p.crumbs { a href="/campaigns" { "Campaigns" } " / New" }
        h1 { "New campaign" }
        form.wizard method="post" action="/campaigns/new" {
            fieldset { legend { "1. Name" }
                label for="name" { "What you call it" }
                input #name name="name" required maxlength=(TITLE_LEN_MAX) autocomplete="off" value=(form.get("name"));
            }
            (change_choice(form))
            fieldset.choices { legend { "3. Things" }
                @if !profiles.is_empty() {
                    (choice("for", "profile", &whom, "Those of a device profile", &html! {
                        label for="profile" { "Device profile" }
                        select #profile name="profile" { @for profile in &profiles {
                            option value=(mark(&profile.uid)) selected[form.get("profile") == mark(&profile.uid)] { (profile.name) }
                        } }
                    }))
                }
                (choice("for", "list", &whom, "Those of a list", &html! {
                    label for="rots" { "Roots of trust" }
                    textarea #rots name="rots" rows="4" spellcheck="false" aria-describedby="rots-help" { (form.get("rots")) }
                    p.help #rots-help { "16 hex digits each, apart by spaces, commas or line ends; at most " (grouped(CAMPAIGN_LIST_MAX as u64)) "." }
                }))
                (choice("for", "all", &whom, "All of this domain", &html! { p.help { "Those that are there now; who comes later is not in it." } }))
            }
            p { button.primary { "Begin campaign" } " " a.button href="/campaigns" { "Cancel" } }
        }
    };
    Ok(Content { title: "New campaign".to_owned(), body })
}

fn change_choice(form: &Fields) -> Markup {
    let what = form.given("change").unwrap_or("feature");
    html! {
        fieldset.choices { legend { "2. Change" }
            (choice("change", "feature", what, "Switch a feature", &html! {
                label for="feature" { "Feature" }
                select #feature name="feature" { @for feature in Feature::ALL {
                    option value=(feature.name()) selected[form.get("feature") == feature.name()] { (feature_title(feature)) }
                } }
                label for="enabled" { "To" }
                select #enabled name="enabled" { @for to in ["on", "off"] { option value=(to) selected[form.get("enabled") == to] { (to) } } }
            }))
            (choice("change", "period", what, "Set the heartbeat period", &html! {
                label for="period" { "Security heartbeat period" }
                input #period name="period" value=(form.given("period").unwrap_or("7d")) aria-describedby="period-help";
                p.help #period-help { "Like 7d, 12h or 5m." }
            }))
            (choice("change", "plan", what, "Set the price plan", &plan_choice(form.plan().unwrap_or_default())))
        }
    }
}

/// One of several ways, with what it needs to know.
fn choice(name: &str, value: &str, chosen: &str, title: &str, parts: &Markup) -> Markup {
    let id = format!("{name}-{value}");
    html! {
        div.choice {
            div.tick { input type="radio" id=(id) name=(name) value=(value) checked[value == chosen]; label for=(id) { (title) } }
            div.parts { (parts) }
        }
    }
}

fn begin(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let form = visit.asked.form.clone();
    let change = change(&form)?;
    let targets = targets(visit, &form)?;
    let campaign = visit.account().create_campaign(form.get("name").to_owned(), change, targets)?;
    Ok(Next::done(&format!("/campaigns/{}", campaign.uid), "campaign"))
}

fn change(form: &Fields) -> Result<Change, ApiError> {
    match form.get("change") {
        "feature" => {
            let enabled = form.get("enabled") == "on";
            let features = [(feature(form.get("feature"))?, enabled)].into();
            Ok(Change { features, ..Change::default() })
        }
        "period" => Ok(Change { heartbeat_period_s: Some(form.period_s("period")?), ..Change::default() }),
        "plan" => Ok(Change { plan: Some(form.plan()?), ..Change::default() }),
        _ => Err(refused("choose what is to change")),
    }
}

fn targets(visit: &mut Visit<'_>, form: &Fields) -> Result<Targets, ApiError> {
    match form.get("for") {
        "all" => Ok(Targets::default()),
        "list" => {
            let rots = form.rots("rots", CAMPAIGN_LIST_MAX)?.into_iter().collect();
            Ok(Targets { rots: Some(rots), ..Targets::default() })
        }
        "profile" => {
            let profiles = visit.account().profiles()?;
            let found = profiles.iter().find(|profile| mark(&profile.uid) == form.get("profile"));
            let found = found.ok_or_else(|| refused("choose a device profile that is there"))?;
            Ok(Targets { profile_uid: Some(found.uid.clone()), ..Targets::default() })
        }
        _ => Err(refused("choose for which Things")),
    }
}
