//! Faults and clock: what goes wrong on purpose, and system time.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::fields::Fields;
use super::pieces::when;
use super::visit::{self, Content, Next, Page, Visit};
use super::{layout, session};
use crate::host::control::Request as Asked;
use crate::host::run_service::{Condition, FaultState};
use crate::web::admin::clock::{ADVANCE_MAX_S, ask};
use crate::web::admin::faults::{DATAGRAMS_MAX, DELAY_MAX_MS, SILENT_MAX_S};
use crate::web::app::App;
use crate::web::error::ApiError;

pub(super) const PAGE: Page = Page { path: "/world", view, act: Some(act) };

/// How far the clock is moved by one click.
const MOVES: [&str; 4] = ["5m", "1h", "24h", "7d"];

fn view(visit: &mut Visit<'_>) -> Result<Content, ApiError> {
    let pace = visit.host.clock().pace().to_string();
    let now = visit.host.now().system;
    let FaultState { silent_until, link } = visit.host.faults();
    let silent = silent_until.filter(|until| *until > now);
    let body = html! {
        h1 { "Faults and clock" }
        section.card aria-labelledby="clock" {
            h2 #clock { "Clock" }
            p.time { (when(Some(now))) " UTC " span.badge.idle { "pace: " (pace) } }
            p.quiet { "Limits, heartbeats and tokens run on this clock. It only moves forward, and stops at every deadline on the way." }
            @if pace != "virtual" { p.quiet { "Started with " code { "--time virtual" } " it moves only when you move it." } }
            form.line method="post" action="/world/clock" aria-label="Move the clock by" {
                @for by in MOVES { button name="by" value=(by) { "+ " (by) } }
            }
            form.line method="post" action="/world/clock" {
                label for="by" { "Move by" }
                input #by name="by" required size="8" placeholder="36h";
                button { "Move" }
            }
        }
        form.card method="post" action="/world" aria-labelledby="faults" {
            h2 #faults { "Faults" }
            p.quiet { "What goes wrong between this service and its modules from now on." }
            @if let Some(until) = silent { p.note.warn { "The service is silent until " (when(Some(until))) " UTC." } }
            div.grid {
                (number("loss", "Datagrams lost, %", link.loss_percent.into()))
                (number("duplicates", "Arriving twice, %", link.duplicate_percent.into()))
                (number("corrupt", "With a wrong bit, %", link.corrupt_percent.into()))
                (number("delay", "Delay one way, ms", link.delay_ms))
                (number("drop", "Lose the next", link.drop_next.into()))
                (number("duplicate", "Double the next", link.duplicate_next.into()))
                (number("silent", "Silent for, s", 0))
                div.tick { input #reorder name="reorder" type="checkbox" value="yes" checked[link.reorder]; label for="reorder" { "Datagrams overtake each other" } }
            }
            p { button.primary name="do" value="faults" { "Set" } " " button name="do" value="right" formnovalidate { "Nothing wrong" } }
        }
    };
    Ok(Content { title: "Faults and clock".to_owned(), body })
}

fn number(name: &str, label: &str, value: i64) -> Markup {
    html! { div { label for=(name) { (label) } input id=(name) name=(name) type="number" min="0" inputmode="numeric" value=(value); } }
}

fn act(visit: &mut Visit<'_>) -> Result<Next, ApiError> {
    if visit.asked.form.get("do") == "right" {
        visit.host.set_faults(FaultState::default());
        return Ok(Next::done("/world", "right"));
    }
    let link = link(&visit.asked.form)?;
    let silent_s = visit.asked.form.number("silent", "the silence in seconds", SILENT_MAX_S)?;
    let until = visit.host.now().system.offset_millis(i64::from(silent_s) * 1000);
    visit.host.set_faults(FaultState { silent_until: (silent_s > 0).then_some(until), link });
    Ok(Next::done("/world", "faults"))
}

fn link(form: &Fields) -> Result<Condition, ApiError> {
    // Up to 100 fits.
    let percent = |name, what| form.number(name, what, 100).map(|percent| percent as u8);
    Ok(Condition {
        loss_percent: percent("loss", "the loss in percent")?,
        duplicate_percent: percent("duplicates", "the share that arrives twice, in percent,")?,
        corrupt_percent: percent("corrupt", "the share with a wrong bit, in percent,")?,
        reorder: form.is_ticked("reorder"),
        delay_ms: form.number("delay", "the delay in milliseconds", DELAY_MAX_MS)?.into(),
        drop_next: form.number("drop", "the number of datagrams", DATAGRAMS_MAX)?,
        duplicate_next: form.number("duplicate", "the number of datagrams", DATAGRAMS_MAX)?,
    })
}

/// Has whoever owns the clock move it; meanwhile the service's loop goes on.
pub(super) async fn move_clock(State(app): State<App>, request: Request) -> Response {
    let headers = request.headers().clone();
    if !session::is_open(&app, &headers) {
        return layout::locked(session::has_ended(&app, &headers));
    }
    let mut asked = match visit::ask(request).await {
        Ok(asked) => asked,
        Err(refusal) => return layout::refused(&refusal),
    };
    let moved = match by_ms(&asked.form) {
        Ok(by_ms) => ask(&app, Asked::Advance { by_ms }).await,
        Err(refusal) => Err(refusal),
    };
    match moved {
        Ok(()) => Redirect::to("/world?done=clock").into_response(),
        Err(refusal) => {
            asked.refusal = Some(refusal);
            visit::answer(&app, &headers, visit::Asked { path: "/world".to_owned(), ..asked }, PAGE, false)
                .await
        }
    }
}

fn by_ms(form: &Fields) -> Result<i64, ApiError> {
    let by = form.duration("by")?;
    if by.as_secs() > ADVANCE_MAX_S.into() {
        return Err(super::fields::refused("the clock is moved by up to a hundred years at a time"));
    }
    Ok(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}
