//! Private CAs: who signs the certificates of zero touch provisioning.

use maud::html;

use super::pieces::{copied, empty, when};
use super::visit::{Content, Next, Page, Visit};
use crate::protocol::certificate::{AUTHORITY_NAME_LEN_MAX, to_pem};
use crate::service::authority::{
    AUTHORITIES_MAX, AUTHORITY_VALIDITY_DAYS, AuthorityOrder, CERTIFICATE_VALIDITY_DAYS, VALIDITY_DAYS_MAX,
};
use crate::web::error::ApiError;

pub(super) const PAGE: Page = Page { path: "/cas", view, act: Some(act) };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let mut authorities = visit.account().authorities()?;
    authorities.sort_by_key(|authority| std::cmp::Reverse((authority.number, authority.not_before)));
    let form = visit.asked.form.clone();
    let body = html! {
        h1 { "Private CAs" }
        p.lead { "A private CA signs the certificates of Things with zero touch provisioning: the newest one, unless their device profile names another. One that ends before two more heartbeats of a Thing leaves it to another, and a certificate holds for two heartbeats at least. A domain has at most " (AUTHORITIES_MAX) "; this one has " (authorities.len()) "." }
        form.filters method="post" action="/cas" {
            div { label for="name" { "Name" } input #name name="name" required maxlength=(AUTHORITY_NAME_LEN_MAX) autocomplete="off" value=(form.get("name")); }
            div { label for="validity" { "Holds, in days" } input #validity name="validity" type="number" required min="1" max=(VALIDITY_DAYS_MAX) value=(form.given("validity").map_or_else(|| AUTHORITY_VALIDITY_DAYS.to_string(), str::to_owned)); }
            div { label for="certificates" { "Its certificates hold, in days" } input #certificates name="certificates" type="number" required min="1" max=(VALIDITY_DAYS_MAX) value=(form.given("certificates").map_or_else(|| CERTIFICATE_VALIDITY_DAYS.to_string(), str::to_owned)); }
            button.primary name="do" value="create" { "New private CA" }
        }
        @if authorities.is_empty() {
            (empty("No private CA yet", &html! { p { "The first Thing that gets zero touch provisioning makes one by itself. Make one here to choose its name and how long it holds." } }))
        } @else {
            @for authority in &authorities {
                section.card aria-labelledby={ "ca-" (authority.uid) } {
                    div.row { h2 id={ "ca-" (authority.uid) } { (authority.name) }
                        form.end method="post" action="/cas" {
                            input type="hidden" name="do" value="delete";
                            button.danger name="ca" value=(authority.uid) aria-label={ "Delete private CA " (authority.name) } { "Delete" }
                        }
                    }
                    dl.facts {
                        dt { "CAUID" } dd { code { (authority.uid) } }
                        dt { "Holds" } dd { (when(Some(authority.not_before))) " until " (when(Some(authority.not_after))) }
                        dt { "Its certificates hold" } dd { (authority.certificate_validity_days) " days" }
                    }
                    details { summary { "Certificate, for servers that are to trust its Things" }
                        (copied(&format!("pem-{}", authority.uid), &to_pem("CERTIFICATE", &authority.certificate)))
                    }
                }
            }
        }
    };
    Ok(Content { title: "Private CAs".to_owned(), body })
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let form = visit.asked.form.clone();
    let mut account = visit.account();
    if form.get("do") == "delete" {
        account.delete_authority(form.get("ca"))?;
        return Ok(Next::done("/cas", "ca-gone"));
    }
    account.create_authority(AuthorityOrder {
        name: form.get("name").to_owned(),
        validity_days: form.number("validity", "a validity in days", VALIDITY_DAYS_MAX)?,
        certificate_validity_days: form.number("certificates", "a validity in days", VALIDITY_DAYS_MAX)?,
    })?;
    Ok(Next::done("/cas", "ca"))
}
