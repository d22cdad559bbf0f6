//! `GET /v1/event/stream`: events as they happen, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use super::event::EventEntry;
use crate::host::event_log::Noted;
use crate::host::run_service::ServiceHost;
use crate::service::Event;
use crate::service::store::{EventQuery, Window};
use crate::web::app::{App, Caller};
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Security, Shape};

/// A comment is sent where nothing happened for so long, so that who has gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Most events that are sent again to somebody who was away.
const CAUGHT_UP_MAX: usize = 10_000;

/// Whose events.
#[derive(Clone)]
pub(in crate::web) enum Who {
    /// Of whoever has this token, as long as it is good.
    Caller(Caller),
    /// Of the domain that is open in a browser.
    Console {
        /// Which.
        domain: String,
    },
}

/// One stream.
struct Following {
    app: App,
    who: Who,
    missed: VecDeque<Event>,
    live: broadcast::Receiver<Noted>,
    _place: OwnedSemaphorePermit,
}

/// Events from now on; behind `Last-Event-ID`, where that is sent.
async fn stream(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.caller(&headers)?;
    follow(app, Who::Caller(caller), &headers).await
}

/// The same for somebody who may see them.
pub(in crate::web) async fn follow(app: App, who: Who, headers: &HeaderMap) -> Result<Response, ApiError> {
    let place = Arc::clone(&app.streams).try_acquire_owned();
    let place = place.map_err(|_| ApiError::too_many("too many event streams are open"))?;
    let after = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let id = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            let hint = "send the ID of the last event you have seen";
            Some(id.ok_or_else(|| ApiError::bad_request("Last-Event-ID is no number", hint))?)
        }
    };
    let reader = who.clone();
    let begun = app.rooms.service.with(move |host: &mut ServiceHost| {
        reader.may_follow(host)?;
        // Between these two nothing happens, so that no event is missing and none comes twice.
        let live = host.events().follow();
        let missed = match after {
            Some(after) => {
                let query = EventQuery { after, ..EventQuery::default() };
                host.account(reader.domain()).events(query, Window { offset: 0, count: CAUGHT_UP_MAX })?.items
            }
            None => Vec::new(),
        };
        Ok::<_, ApiError>((live, missed))
    });
    let (live, missed) = begun.await??;
    let following = Following { app, who, missed: missed.into(), live, _place: place };
    Ok(Sse::new(messages(following)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn messages(following: Following) -> impl Stream<Item = Result<Message, Infallible>> {
    unfold(following, |mut following| async move {
        let event = following.next().await?;
        let entry = serde_json::to_string(&EventEntry::from(&event)).ok()?;
        let message = Message::default().id(event.id.to_string()).event(event.kind.name()).data(entry);
        Some((Ok(message), following))
    })
}

impl Who {
    fn domain(&self) -> &str {
        match self {
            Self::Caller(caller) => &caller.domain,
            Self::Console { domain } => domain,
        }
    }

    fn may_follow(&self, host: &mut ServiceHost) -> Result<(), ApiError> {
        match self {
            Self::Caller(caller) => caller.is_known_to(host),
            Self::Console { domain } => Ok(host.account(domain).domain().map(drop)?),
        }
    }
}

impl Following {
    /// The next event of the domain; none once the token is good no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let event = match self.missed.pop_front() {
                Some(event) => event,
                None => match self.live.recv().await {
                    Ok(Noted::Service(event)) => Event::clone(&event),
                    Ok(Noted::Module(_)) => continue,
                    // Whoever reads too slowly begins again with Last-Event-ID.
                    Err(_) => return None,
                },
            };
            if event.domain.as_deref() != Some(self.who.domain()) {
                continue;
            }
            let now_s = self.app.rooms.clock.now().system.as_millis().div_euclid(1000);
            if matches!(&self.who, Who::Caller(caller) if now_s >= caller.expires) {
                return None;
            }
            let who = self.who.clone();
            let known = self.app.rooms.service.with(move |host: &mut ServiceHost| who.may_follow(host)).await;
            return matches!(known, Ok(Ok(()))).then_some(event);
        }
    }
}

pub(super) fn operation() -> Operation {
    let response = Shape::opaque("text/event-stream");
    Operation::new(Method::GET, "/v1/event/stream", response, get(stream))
        .about(
            "Events",
            "Sends events as they happen, as server-sent events; Last-Event-ID goes on behind one",
        )
        .shows(Security::AuthToken)
}
