//! [`EventLog`]: what happened, for `vsara ctl events` and whoever follows.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::module;
use crate::protocol::keys::RotUid;
use crate::service;
use crate::service::event::EventKind;
use crate::service::store::EventQuery;
use crate::time::Timestamp;

/// How many events of the module are remembered; those of the service are in its store.
const REMEMBERED: usize = 1000;

/// How far behind a follower may fall before it loses events.
const BEHIND_MAX: usize = 256;

/// Events of one process; clones share their followers.
#[derive(Clone, Debug)]
pub struct EventLog {
    live: broadcast::Sender<Noted>,
    past: VecDeque<Arc<Value>>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Noted {
    /// In the module, as it is shown.
    Module(Arc<Value>),
    /// At the service.
    Service(Arc<service::Event>),
}

/// Which events are asked for: all of them, as far as nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFilter {
    /// About this root of trust only.
    pub rot: Option<RotUid>,
    /// Of this sort only.
    pub kind: Option<Sort>,
    /// Of this domain only.
    pub domain: Option<String>,
    /// That last happened then or later.
    pub since: Option<Timestamp>,
}

/// The sorts of events of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Sort {
    /// In the module.
    Module,
    /// At the service.
    Service(EventKind),
}

/// Text that names no sort of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such sort of events")]
pub struct UnknownSort;

impl Default for EventLog {
    fn default() -> Self {
        Self { live: broadcast::channel(BEHIND_MAX).0, past: VecDeque::new() }
    }
}

impl EventLog {
    /// Something happened in the module.
    pub fn note_module(&mut self, event: &module::Event, rot: RotUid, system: Timestamp) {
        tracing::info!(target: "vsara::module", "{event}");
        let event = json!({
            "time": system, "source": "module", "kind": "module", "rot": rot, "reason": event.to_string(),
        });
        if self.past.len() == REMEMBERED {
            self.past.pop_front();
        }
        let event = Arc::new(event);
        self.past.push_back(Arc::clone(&event));
        self.tell(Noted::Module(event));
    }

    /// The service noted something.
    pub fn note_service(&self, event: Arc<service::Event>) {
        tracing::info!(target: "vsara::service", "{} {}: {}", event.kind, event.rot, event.reason);
        self.tell(Noted::Service(event));
    }

    /// Events of the module so far.
    pub fn past(&self) -> impl Iterator<Item = &Value> {
        self.past.iter().map(Arc::as_ref)
    }

    /// What happens from now on.
    pub fn follow(&self) -> broadcast::Receiver<Noted> {
        self.live.subscribe()
    }

    fn tell(&self, event: Noted) {
        // An error means that nobody follows.
        let _ = self.live.send(event);
    }
}

impl Noted {
    /// As it is shown.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Module(event) => Value::clone(event),
            Self::Service(event) => service_event(event),
        }
    }
}

impl EventFilter {
    /// Whether an event is asked for.
    pub fn fits(&self, event: &Noted) -> bool {
        match event {
            Noted::Module(event) => self.fits_module(event),
            Noted::Service(event) => self.query().is_some_and(|query| query.matches(event)),
        }
    }

    /// Whether an event of the module is asked for, as it is shown.
    pub fn fits_module(&self, event: &Value) -> bool {
        let is_of = |name: &str, wanted: Option<String>| wanted.is_none_or(|wanted| event[name] == wanted);
        let at = event["time"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        self.domain.is_none()
            && self.kind.is_none_or(|kind| kind == Sort::Module)
            && is_of("rot", self.rot.map(|rot| rot.to_string()))
            && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
    }

    /// The same for the service; none where its events are not asked for.
    pub fn query(&self) -> Option<EventQuery> {
        let kind = match self.kind {
            Some(Sort::Module) => return None,
            Some(Sort::Service(kind)) => Some(kind),
            None => None,
        };
        let Self { rot, domain, since, .. } = self.clone();
        Some(EventQuery { rot, kind, domain, since, ..EventQuery::default() })
    }
}

impl Sort {
    /// Every sort there is.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Module).chain(EventKind::ALL.map(Self::Service))
    }

    /// As it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Service(kind) => kind.name(),
        }
    }
}

impl std::str::FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|sort| sort.name() == text).ok_or(UnknownSort)
    }
}

impl TryFrom<String> for Sort {
    type Error = UnknownSort;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Sort> for String {
    fn from(sort: Sort) -> Self {
        sort.name().to_owned()
    }
}

/// An event of the service as it is shown.
pub fn service_event(event: &service::Event) -> Value {
    json!({
        "time": event.last_at, "source": "service", "kind": event.kind, "rot": event.rot,
        "reason": event.reason.to_string(), "count": event.count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_through_what_is_asked_for() {
        let rot: RotUid = "0a04f008003c9623".parse().expect("a UID");
        let other = "0a04f008003c9624".parse().expect("a UID");
        let noon = Timestamp::from_millis(1_767_225_600_000);
        let event = json!({ "time": noon, "kind": "module", "rot": rot });
        let check = |filter: EventFilter, expected: bool| {
            assert_eq!(filter.fits_module(&event), expected, "{filter:?}");
        };
        let all = EventFilter::default();
        check(all.clone(), true);
        check(EventFilter { rot: Some(rot), ..all.clone() }, true);
        check(EventFilter { rot: Some(other), ..all.clone() }, false);
        check(EventFilter { kind: Some(Sort::Module), ..all.clone() }, true);
        check(EventFilter { kind: Some(Sort::Service(EventKind::Clone)), ..all.clone() }, false);
        check(EventFilter { domain: Some("default".to_owned()), ..all.clone() }, false);
        check(EventFilter { since: Some(noon), ..all.clone() }, true);
        check(EventFilter { since: Some(noon.offset_millis(1)), ..all }, false);
    }

    #[test]
    fn a_sort_reads_back_as_itself() {
        for sort in Sort::all() {
            assert_eq!(sort.name().parse(), Ok(sort));
        }
        assert!("gadget".parse::<Sort>().is_err());
    }
}
