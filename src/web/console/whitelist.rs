//! The whitelist of a device profile.

use maud::html;

use super::pieces::{empty, grouped, mark, pager};
use super::profiles;
use super::visit::{Content, Next, Page, Visit};
use crate::web::error::ApiError;
use crate::web::limits::ROTS_MAX;

pub(super) const PAGE: Page = Page { path: "/whitelist", view, act: Some(act) };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let all = visit.account().profiles()?;
    let Some(first) = all.first() else {
        let body = html! {
            h1 { "Whitelist" }
            (empty("No device profile yet", &html! { p { "A whitelist belongs to a device profile. " a href="/profiles/new" { "Make one" } "." } }))
        };
        return Ok(Content { title: "Whitelist".to_owned(), body });
    };
    let profile = match visit.asked.query.given("profile") {
        Some(_) => profiles::find(visit)?,
        None => first.clone(),
    };
    let window = visit.window();
    let page = visit.account().whitelist(&profile.uid, window)?;
    let here = format!("/whitelist?profile={}", mark(&profile.uid));
    let body = html! {
        h1 { "Whitelist" }
        form.filters method="get" action="/whitelist" {
            div { label for="profile" { "Device profile" } select #profile name="profile" {
                @for one in &all { option value=(mark(&one.uid)) selected[one.uid == profile.uid] { (one.name) } }
            } }
            button { "Show" }
        }
        @if !profile.whitelist {
            p.note.warn { "This device profile does not check its whitelist: every root of trust becomes active. " a href={ "/profiles/" (mark(&profile.uid)) } { "Change that" } "." }
        }
        form.stack.card method="post" action=(here) {
            label for="rots" { "Roots of trust to add" }
            textarea #rots name="rots" rows="4" required spellcheck="false" aria-describedby="rots-help" { (visit.asked.form.get("rots")) }
            p.help #rots-help { "16 hex digits each, apart by spaces, commas or line ends; at most " (grouped(ROTS_MAX as u64)) " at a time. They need not have been seen yet." }
            button.primary name="do" value="add" { "Add" }
        }
        @if page.total == 0 {
            (empty("Nobody is on this whitelist", &html! {}))
        } @else {
            div.table { table.rows aria-label="Whitelist" {
                thead { tr { th scope="col" { "Root of trust" } th scope="col" { span.unseen { "Remove" } } } }
                tbody { @for rot in &page.items { tr {
                    td data-label="Root of trust" { a href={ "/things/" (rot) } { code { (rot) } } }
                    td.act { form method="post" action=(here) {
                        input type="hidden" name="rots" value=(rot);
                        button name="do" value="remove" aria-label={ "Remove " (rot) } { "Remove" }
                    } }
                } } }
            } }
            (pager(visit, page.items.len(), page.total))
        }
    };
    Ok(Content { title: "Whitelist".to_owned(), body })
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let profile = profiles::find(visit)?;
    let here = format!("/whitelist?profile={}", mark(&profile.uid));
    let rots = visit.asked.form.rots("rots", ROTS_MAX)?;
    if visit.asked.form.get("do") == "remove" {
        visit.account().whitelist_remove(&profile.uid, &rots)?;
        return Ok(Next::done(&here, "unlisted"));
    }
    visit.account().whitelist_add(&profile.uid, &rots)?;
    Ok(Next::done(&here, "listed"))
}
