//! [`EventLog`]: what happened, for `vsara ctl events` and whoever follows.

use std::collections::VecDeque;

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
    live: broadcast::Sender<Value>,
    past: VecDeque<Value>,
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
        self.past.push_back(event.clone());
        self.tell(event);
    }

    /// The service noted something.
    pub fn note_service(&self, event: &service::Event) {
        tracing::info!(target: "vsara::service", "{} {}: {}", event.kind, event.rot, event.reason);
        self.tell(service_event(event));
    }

    /// Events of the module so far.
    pub fn past(&self) -> impl Iterator<Item = &Value> {
        self.past.iter()
    }

    /// What happens from now on.
    pub fn follow(&self) -> broadcast::Receiver<Value> {
        self.live.subscribe()
    }

    fn tell(&self, event: Value) {
        // An error means that nobody follows.
        let _ = self.live.send(event);
    }
}

/// An event of the service as it is shown.
pub fn service_event(event: &service::Event) -> Value {
    json!({
        "time": event.last_at, "source": "service", "kind": event.kind, "rot": event.rot,
        "reason": event.reason.to_string(), "count": event.count,
    })
}
