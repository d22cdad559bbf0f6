//! [`EventLog`]: what happened, for `vsara ctl events` and whoever follows.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::module;
use crate::protocol::keys::RotUid;
use crate::service;
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

/// An event of the service as it is shown.
pub fn service_event(event: &service::Event) -> Value {
    json!({
        "time": event.last_at, "source": "service", "kind": event.kind, "rot": event.rot,
        "reason": event.reason.to_string(), "count": event.count,
    })
}
