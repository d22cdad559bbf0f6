//! Access keys: the secret is shown once.

use maud::html;

use super::pieces::{copied, empty, when};
use super::visit::{Content, Next, Page, Visit};
use crate::service::access_key::ACCESS_KEYS_MAX;
use crate::web::error::ApiError;

pub(super) const PAGE: Page = Page { path: "/keys", view, act: Some(act) };

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let keys = visit.account().access_keys()?;
    let body = html! {
        div.row { h1 { "Access keys" }
            form.end method="post" action="/keys" { button.primary name="do" value="create" { "New access key" } }
        }
        p.lead { "Programs sign in with an access key. A domain has at most " (ACCESS_KEYS_MAX) "; this one has " (keys.len()) "." }
        @if keys.is_empty() {
            (empty("No access key yet", &html! { p { "Make one for REST, or on the command line: " code { "vsara ctl accesskey create" } "." } }))
        } @else {
            div.table { table.rows aria-label="Access keys" {
                thead { tr { th scope="col" { "APIKey" } th scope="col" { "Made" } th scope="col" { span.unseen { "Delete" } } } }
                tbody { @for key in &keys { tr {
                    td data-label="APIKey" { code { (key.api_key) } }
                    td data-label="Made" { (when(Some(key.created_at))) }
                    td.act { form method="post" action="/keys" {
                        input type="hidden" name="do" value="delete";
                        button.danger name="key" value=(key.api_key) aria-label={ "Delete access key " (key.api_key) } { "Delete" }
                    } }
                } } }
            } }
        }
    };
    Ok(Content { title: "Access keys".to_owned(), body })
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    let form = visit.asked.form.clone();
    let mut account = visit.account();
    if form.get("do") == "delete" {
        account.delete_access_key(form.get("key"))?;
        return Ok(Next::done("/keys", "key-gone"));
    }
    let (key, secret) = account.create_access_key()?;
    let body = html! {
        p.crumbs { a href="/keys" { "Access keys" } " / New" }
        h1 { "Your new access key" }
        p.note.warn { strong { "The secret is shown now and never again." } " The service keeps only a salted hash of it." }
        section.card {
            h2 { "APIKey" } (copied("api-key", &key.api_key))
            h2 { "APISecret" } (copied("api-secret", &secret.reveal()))
        }
        p { a.button.primary href="/keys" { "I have kept it" } }
    };
    Ok(Next::Page(Content { title: "Your new access key".to_owned(), body }))
}
