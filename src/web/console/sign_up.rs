//! The sign-up: a domain with its company name; and the way into those that are there.

use maud::html;

use super::pieces::{grouped, when};
use super::visit::{Content, Next, Page, Visit};
use crate::service::domain::{DOMAIN_NAME_LEN_MAX, TITLE_LEN_MAX};
use crate::service::store::Window;
use crate::web::error::ApiError;

/// Domains to choose from by a click; the others are chosen by their names.
const CHOICE_MAX: usize = 50;

pub(super) const PAGE: Page = Page { path: "/signup", view, act: Some(act) };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let page = visit.host.operator().domains(Window { offset: 0, count: CHOICE_MAX })?;
    let form = &visit.asked.form;
    let body = html! {
        h1 { "Register a domain" }
        p.lead { "A domain holds your Things, device profiles and access keys. No other domain sees them." }
        form.stack.card method="post" action="/signup" {
            label for="company" { "Company name" }
            input #company name="company" required maxlength=(TITLE_LEN_MAX) autocomplete="organization" value=(form.get("company"));
            label for="name" { "Domain" }
            input #name name="name" required maxlength=(DOMAIN_NAME_LEN_MAX) pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="name-help" value=(form.get("name"));
            p.help #name-help { "Letters, digits, hyphens, underscores and dots, for example " code { "acme" } ". No mail is sent." }
            button.primary { "Sign up" }
        }
        section aria-labelledby="there" {
            h2 #there { "Domains that are there" }
            div.table {
                table.rows aria-labelledby="there" {
                    thead { tr { th scope="col" { "Domain" } th scope="col" { "Company" } th scope="col" { "Since" } th scope="col" { span.unseen { "Open" } } } }
                    tbody {
                        @for domain in &page.items {
                            tr {
                                td data-label="Domain" { strong { (domain.name) } @if domain.name == visit.domain { " " span.badge.good { "open" } } }
                                td data-label="Company" { (domain.company.as_deref().unwrap_or("–")) }
                                td data-label="Since" { (when(Some(domain.created_at))) }
                                td.act { form method="post" action="/signup" {
                                    button name="open" value=(domain.name) aria-label={ "Open domain " (domain.name) } { "Open" }
                                } }
                            }
                        }
                    }
                }
            }
            @if page.total > page.items.len() {
                form.line method="post" action="/signup" {
                    label for="open" { "One of all " (grouped(page.total as u64)) }
                    input #open name="open" required;
                    button { "Open" }
                }
            }
        }
    };
    Ok(Content { title: "Register a domain".to_owned(), body })
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    if let Some(domain) = visit.asked.form.given("open") {
        let domain = visit.host.account(domain).domain()?;
        return Ok(Next::Enter(domain.name.clone()));
    }
    let (name, company) = (visit.asked.form.get("name"), visit.asked.form.get("company"));
    let domain = visit.host.operator().create_domain(name, Some(company))?;
    Ok(Next::Enter(domain.name.clone()))
}
