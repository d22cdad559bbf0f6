//! Device profiles: the list, the wizard, and one of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};

use super::pieces::{copied, empty, feature_title, mark, period, plan_choice};
use super::visit::{Content, Next, Page, Visit};
use crate::protocol::message::Feature;
use crate::service::authority::Authority;
use crate::service::domain::TITLE_LEN_MAX;
use crate::service::{DeviceProfile, OperatorError};
use crate::web::error::ApiError;

pub(super) const LIST: Page = Page { path: "/profiles", view: list, act: None };
pub(super) const NEW: Page = Page { path: "/profiles/new", view: wizard, act: Some(create) };
pub(super) const ONE: Page = Page { path: "/profiles/{mark}", view: one, act: Some(update) };

fn list(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let window = visit.window();
    let page = window.of(visit.account().profiles()?.into_iter());
    let body = html! {
        div.row { h1 { "Device profiles" } a.button.primary.end href="/profiles/new" { "New device profile" } }
        p.lead { "A device profile says what devices get when they bootstrap. Its UID is sealed into them." }
        @if page.total == 0 {
            (empty("No device profile yet", &html! { p { "Make one, and seal its UID into your modules." } }))
        } @else {
            div.table { table.rows aria-label="Device profiles" {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Plan" } th scope="col" { "Features" } th scope="col" { "Whitelist" } th scope="col" { "Heartbeat" } } }
                tbody { @for profile in &page.items { tr {
                    td data-label="Name" { a href={ "/profiles/" (mark(&profile.uid)) } { strong { (profile.name) } } }
                    td data-label="Plan" { (profile.plan) }
                    td data-label="Features" { @if profile.features.is_empty() { span.quiet { "none" } } @else { (profile.features.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(", ")) } }
                    td data-label="Whitelist" { @if profile.whitelist { a href={ "/whitelist?profile=" (mark(&profile.uid)) } { "checked" } } @else { span.quiet { "not checked" } } }
                    td data-label="Heartbeat" { "every " (period(profile.heartbeat_period_s)) }
                } } }
            } }
            (super::pieces::pager(visit, page.items.len(), page.total))
        }
    };
    Ok(Content { title: "Device profiles".to_owned(), body })
}

fn wizard(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let mut profile = DeviceProfile::new("", "");
    // What was filled in stays where the form was refused.
    let form = &visit.asked.form;
    profile.name = form.get("name").to_owned();
    profile.plan = form.plan().unwrap_or_default();
    profile.features = form.features().unwrap_or_default().into_iter().collect();
    profile.whitelist = form.is_ticked("whitelist");
    profile.authority_uid = form.given("ca").map(str::to_owned);
    let given_period = form.given("period").map(str::to_owned);
    let authorities = visit.account().authorities()?;
    let body = html! {
        p.crumbs { a href="/profiles" { "Device profiles" } " / New" }
        h1 { "New device profile" }
        form.wizard method="post" action="/profiles/new" {
            (parts(&profile, given_period.as_deref(), &authorities))
            p { button.primary { "Make device profile" } " " a.button href="/profiles" { "Cancel" } }
        }
    };
    Ok(Content { title: "New device profile".to_owned(), body })
}

fn one(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let profile = find(visit)?;
    let here = format!("/profiles/{}", mark(&profile.uid));
    let authorities = visit.account().authorities()?;
    let body = html! {
        p.crumbs { a href="/profiles" { "Device profiles" } " / " (profile.name) }
        h1 { (profile.name) }
        section.card aria-labelledby="uid-title" {
            h2 #uid-title { "Seal it into a module" }
            p { "The UID, and the AT command with a serial number of your choice:" }
            (copied("uid", &profile.uid))
            (copied("seal", &format!("AT+USECDEVINFO=\"{}\",\"my-first-device\"", profile.uid)))
            p { a href={ "/things?profile=" (mark(&profile.uid)) } { "Things with this profile" } " · " a href={ "/whitelist?profile=" (mark(&profile.uid)) } { "Its whitelist" } }
        }
        form.wizard method="post" action=(here) {
            (parts(&profile, visit.asked.form.given("period"), &authorities))
            p.quiet { "A change is for later bootstraps only." }
            p { button.primary { "Save" } }
        }
    };
    Ok(Content { title: profile.name.clone(), body })
}

/// The four steps of the wizard.
fn parts(profile: &DeviceProfile, given_period: Option<&str>, authorities: &[Arc<Authority>]) -> Markup {
    html! {
        fieldset { legend { "1. Name" }
            label for="name" { "What you call it" }
            input #name name="name" required maxlength=(TITLE_LEN_MAX) autocomplete="off" value=(profile.name);
        }
        fieldset { legend { "2. Plan" } (plan_choice(profile.plan)) }
        fieldset { legend { "3. Features" }
            p.help { "Switched on when a device bootstraps; each device can be changed later." }
            @for feature in Feature::ALL {
                div.tick {
                    input type="checkbox" name="feature" id={ "feature-" (feature.name()) } value=(feature.name()) checked[profile.features.contains(&feature)];
                    label for={ "feature-" (feature.name()) } { (feature_title(feature)) " " code.quiet { (feature.name()) } }
                }
            }
        }
        fieldset { legend { "4. Rules" }
            div.tick {
                input #whitelist type="checkbox" name="whitelist" value="yes" checked[profile.whitelist];
                label for="whitelist" { "Only whitelisted roots of trust become active" }
            }
            label for="period" { "Security heartbeat period" }
            input #period name="period" required value=(given_period.map_or_else(|| period(profile.heartbeat_period_s), str::to_owned)) aria-describedby="period-help";
            p.help #period-help { "Like 7d, 12h or 5m." }
            @if !authorities.is_empty() {
                label for="ca" { "Private CA that signs certificates" }
                select #ca name="ca" {
                    option value="" selected[profile.authority_uid.is_none()] { "The newest" }
                    @for authority in authorities {
                        option value=(authority.uid) selected[profile.authority_uid.as_ref() == Some(&authority.uid)] { (authority.name) }
                    }
                }
            }
        }
    }
}

/// The device profile that the path or the query speaks of.
pub(super) fn find(visit: &mut Visit<'_>) -> Result<Arc<DeviceProfile>, ApiError> {
    let wanted = visit.asked.query.given("profile").unwrap_or(visit.named()).to_owned();
    let profiles = visit.account().profiles()?;
    let found = profiles.into_iter().find(|profile| mark(&profile.uid) == wanted);
    Ok(found.ok_or(OperatorError::UnknownProfile)?)
}

fn create(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let profile = filled_in(visit, &DeviceProfile::new("", ""))?;
    let uid = visit.account().create_profile(profile)?;
    Ok(Next::done(&format!("/profiles/{}", mark(&uid)), "new-profile"))
}

fn update(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let present = find(visit)?;
    let wanted = filled_in(visit, &present)?;
    visit.account().update_profile(&present.uid, |profile| *profile = wanted)?;
    Ok(Next::done(&format!("/profiles/{}", mark(&present.uid)), "profile"))
}

fn filled_in(visit: &Visit<'_>, present: &DeviceProfile) -> Result<DeviceProfile, ApiError> {
    let form = &visit.asked.form;
    Ok(DeviceProfile {
        name: form.get("name").to_owned(),
        plan: form.plan()?,
        features: form.features()?.into_iter().collect::<BTreeSet<_>>(),
        whitelist: form.is_ticked("whitelist"),
        heartbeat_period_s: form.period_s("period")?,
        authority_uid: form.given("ca").map(str::to_owned),
        ..present.clone()
    })
}
