//! How programs do what the pages do.

use maud::html;

use super::pieces::copied;
use super::visit::{Content, Page, Visit};
use crate::web::error::ApiError;

pub(super) const PAGE: Page = Page { path: "/api", view, act: None };

/// What a page does, and how else it is done.
const WAYS: [(&str, &str, &str); 13] = [
    ("Sign up", "admin API: GET, POST /domains", "vsara ctl domain create, list"),
    ("Access keys", "POST /v1/accesskey/create, list, delete", "vsara ctl accesskey create, list, delete"),
    (
        "Device profiles",
        "POST /v1/deviceprofile/create, get, list, update",
        "vsara ctl device-profile create, show, list, update",
    ),
    ("Whitelist", "POST /v1/whitelist/add, list, remove", "vsara ctl whitelist add, list, remove"),
    ("Private CAs", "POST /v1/ca/create, list, delete", "vsara ctl ca create, list, delete"),
    ("Things", "POST /v1/device/list, get", "vsara ctl things, thing ROT"),
    ("Features", "POST /v1/device/feature/set", "vsara ctl feature ROT ldp on"),
    ("Heartbeat period", "POST /v1/device/heartbeat/set", "vsara ctl heartbeat-period ROT 1d"),
    (
        "Plan, suspend, unblock",
        "POST /v1/device/update, unblock",
        "vsara ctl plan ROT flex, suspend ROT, resume ROT, unblock ROT",
    ),
    (
        "Campaigns",
        "POST /v1/campaign/feature/set, heartbeat/set, plan/set, get, list, device/list",
        "vsara ctl campaign create, show, list, things",
    ),
    ("Events", "POST /v1/event/list, GET /v1/event/stream", "vsara ctl events --follow"),
    ("Faults", "admin API: GET, PUT /faults", "vsara ctl fault service …"),
    ("Clock", "admin API: GET, PUT /clock", "vsara ctl time advance 24h"),
];

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let base = format!("http://{}", visit.asked.here);
    let sign_in = format!("curl {base}/v1/authenticate -d '{{\"APIKey\": \"…\", \"APISecret\": \"…\"}}'");
    let list = format!(
        "curl {base}/v1/device/list -H \"Authorization: Bearer $TOKEN\" -d '{{\"State\": \"ACTIVE\"}}'"
    );
    let follow = format!("curl -N {base}/v1/event/stream -H \"Authorization: Bearer $TOKEN\"");
    let body = html! {
        h1 { "API" }
        p.lead { "Whatever these pages do, programs can do by REST, and scripts by " code { "vsara ctl" } "." }
        p { a.button.primary href="/docs" { "Documentation" } " " a.button href="/openapi.json" { "OpenAPI, JSON" } " " a.button href="/openapi.yaml" { "OpenAPI, YAML" } }
        section.card aria-labelledby="begin" {
            h2 #begin { "To begin with" }
            p { "Make an " a href="/keys" { "access key" } ", and get a token for it, which is good for an hour:" }
            (copied("sign-in", &sign_in))
            p { "Call something:" }
            (copied("list", &list))
            p { "See events as they happen:" }
            (copied("follow", &follow))
        }
        section aria-labelledby="ways" {
            h2 #ways { "The same by other ways" }
            div.table { table.rows aria-labelledby="ways" {
                thead { tr { th scope="col" { "Page" } th scope="col" { "REST" } th scope="col" { "Command line" } } }
                tbody { @for (page, rest, command) in WAYS { tr {
                    td data-label="Page" { (page) } td data-label="REST" { code { (rest) } } td data-label="Command line" { code { (command) } }
                } } }
            } }
        }
    };
    Ok(Content { title: "API".to_owned(), body })
}
