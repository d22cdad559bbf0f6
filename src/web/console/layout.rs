//! What every page has around its content.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::pieces::when;
use super::visit::{Content, Visit};
use crate::web::error::ApiError;

/// Where the navigation leads.
const SECTIONS: [(&str, &str); 10] = [
    ("/", "Overview"),
    ("/things", "Things"),
    ("/profiles", "Device profiles"),
    ("/whitelist", "Whitelist"),
    ("/cas", "Private CAs"),
    ("/campaigns", "Campaigns"),
    ("/events", "Events"),
    ("/keys", "Access keys"),
    ("/world", "Faults and clock"),
    ("/api", "API"),
];

/// What a page says once after a form was carried out. The address names an entry, so that no
/// address makes a page say anything else.
pub(super) const DONE: [(&str, &str); 16] = [
    ("feature", "Saved. The module puts it in force at its next security heartbeat."),
    ("period", "The heartbeat period is saved. It is in force from the next heartbeat on."),
    ("plan", "The plan is changed."),
    ("suspend", "The Thing is suspended. Its features end at its next heartbeat."),
    ("unblock", "The Thing is active again."),
    (
        "profile",
        "The device profile is saved. Later bootstraps get it; devices that are there keep what they have.",
    ),
    ("listed", "The whitelist has them now."),
    ("unlisted", "Taken off the whitelist. A device that is active stays so."),
    ("key-gone", "The access key is deleted. Whoever held it is locked out."),
    ("ca", "The private CA is made. It signs from now on, unless a device profile names another."),
    (
        "ca-gone",
        "The private CA is deleted. Its Things get new certificates at their next security heartbeat.",
    ),
    ("faults", "The faults are in force."),
    ("right", "Nothing goes wrong on purpose any more."),
    ("clock", "The clock is moved."),
    ("campaign", "The campaign has begun. Each Thing takes up the change at its next security heartbeat."),
    ("new-profile", "The device profile is made. Seal its UID into your modules."),
];

/// A page of the open domain.
pub(super) fn page(status: StatusCode, visit: &Visit<'_>, content: &Content) -> Response {
    let domain = Some(visit.domain.as_str()).filter(|domain| !domain.is_empty());
    let done = visit.asked.query.get("done");
    let done = DONE.iter().find(|(name, _)| *name == done).map(|(_, text)| *text);
    let body = html! {
        header.top {
            a.brand href="/" { (logo()) span { "vsara" } }
            @if let Some(domain) = domain {
                a.domain href="/signup" { span.quiet { "Domain " } strong { (domain) } }
            }
        }
        @if domain.is_some() {
            nav.sections aria-label="Sections" {
                ul {
                    @for (path, name) in SECTIONS {
                        li { a href=(path) aria-current=[is_in(&visit.asked.path, path).then_some("page")] { (name) } }
                    }
                }
                form.leave method="post" action="/signout" { button.plain { "Sign out" } }
            }
        }
        main #main tabindex="-1" {
            @if let Some(text) = done { p.note.good role="status" { (text) } }
            @if let Some(refusal) = &visit.asked.refusal { (banner(refusal)) }
            (content.body)
            footer.foot { "Service time " (when(Some(visit.host.now().system))) " UTC" }
        }
    };
    (status, frame(&content.title, domain.is_some(), &body)).into_response()
}

/// Why a page is not there.
pub(super) fn refusal(refusal: &ApiError) -> Content {
    let title = match refusal.status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::UNAUTHORIZED => "Not signed in",
        StatusCode::FORBIDDEN => "Not from there",
        StatusCode::TOO_MANY_REQUESTS => "Too fast",
        status if status.is_server_error() => "The service failed",
        _ => "That did not work",
    };
    let body = html! {
        h1 { (title) }
        (banner(refusal))
        p { a href="/" { "To the overview" } }
    };
    Content { title: title.to_owned(), body }
}

/// The same where there is no visit yet.
pub(in crate::web) fn refused(error: &ApiError) -> Response {
    let content = refusal(error);
    (error.status, frame(&content.title, false, &bare(&content.body))).into_response()
}

/// Nobody is signed in.
pub(super) fn locked(has_ended: bool) -> Response {
    let body = html! {
        h1 { @if has_ended { "Your session has ended" } @else { "Sign in" } }
        p.lead { "The console opens with the address that the program printed when it started." }
        pre { code { "console=http://…/?token=…" } }
        p { "Copy it from the terminal into this browser, or paste its token here." }
        form.stack method="get" action="/" {
            label for="token" { "Console token" }
            input #token name="token" type="password" autocomplete="off" required;
            button.primary { "Sign in" }
        }
        p.quiet { "The token is also in the state directory, in the file " code { "console-token" } ". Programs use "
            a href="/docs" { "REST" } " with an access key instead: " code { "vsara ctl accesskey create" } "." }
    };
    (StatusCode::UNAUTHORIZED, frame("Sign in", false, &bare(&body))).into_response()
}

/// The token was wrong.
pub(super) fn wrong_token() -> Response {
    let error = ApiError::new(
        StatusCode::UNAUTHORIZED,
        "That token does not open this console.",
        "Take the address from the last start of the program: console=http://…/?token=…",
    );
    refused(&error)
}

fn bare(body: &Markup) -> Markup {
    html! {
        header.top { a.brand href="/" { (logo()) span { "vsara" } } }
        main #main tabindex="-1" { (body) }
    }
}

fn banner(refusal: &ApiError) -> Markup {
    // What a program should do next is no help here.
    let hint = Some(refusal.hint())
        .filter(|hint| !hint.is_empty() && !hint.contains("/v1/") && !hint.contains("/docs"));
    html! {
        div.note.bad role="alert" {
            strong { (capitalised(refusal.message())) }
            @if let Some(hint) = hint { p { (capitalised(hint)) } }
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if text.ends_with(['.', '…', '?', '!']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

fn frame(title: &str, has_nav: bool, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · vsara" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/console.css";
                script src="/console.js" defer {}
            }
            body.with-nav[has_nav] {
                a.skip href="#main" { "Skip to the content" }
                (body)
            }
        }
    };
    Html(page.into_string())
}

/// A chip with a keyhole.
fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            path d="M8 1v4M12 1v4M16 1v4M8 19v4M12 19v4M16 19v4M1 8h4M1 12h4M1 16h4M19 8h4M19 12h4M19 16h4" {}
            rect x="5" y="5" width="14" height="14" rx="3" {}
            circle cx="12" cy="11" r="2" {}
            path d="M12 13v3" {}
        }
    }
}

/// Whether a path is in a section.
fn is_in(path: &str, section: &str) -> bool {
    path == section
        || (section != "/" && path.strip_prefix(section).is_some_and(|rest| rest.starts_with('/')))
}
