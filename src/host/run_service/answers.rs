//! What `vsara ctl` asks of a service.

use serde_json::{Value, json};

use super::ServiceHost;
use super::faults::ServiceFaultError;
use crate::host::control::{Answer, Call, Request};
use crate::host::event_log::{EventFilter, service_event};
use crate::protocol::keys::RotUid;
use crate::service::OperatorError;
use crate::service::store::{DeviceQuery, EventQuery, Store, StoreError, Window};

/// Events shown without `--follow`.
const EVENTS_SHOWN: usize = 1000;

impl ServiceHost {
    /// Answers what concerns the service.
    pub fn answer(&mut self, call: Call) {
        let answer = match call.request {
            Request::Forget { rot } => done(self.forget(rot).map(|()| Value::Null)),
            Request::Events { filter, follow: false } => done(self.past_events(&filter).map(Value::Array)),
            Request::Events { filter, follow: true } => match self.past_events(&filter) {
                Ok(past) => Answer::Follow(past, self.events.follow(), filter),
                Err(error) => Answer::Failed(error.to_string()),
            },
            Request::Rest(call) => match self.calls.clone().answer(self, &call) {
                Ok(value) => Answer::Done(value),
                Err(refusal) => Answer::Refused(refusal),
            },
            Request::ServiceFault { fault } => done(self.add_fault(&fault).map(|()| Value::Null)),
            Request::Status => done(self.status()),
            _ => Answer::Failed("a security service has no module; ask the module's own process".to_owned()),
        };
        // An error means that who asked has gone.
        let _ = call.answer.send(answer);
        self.drain();
    }

    fn add_fault(&mut self, fault: &str) -> Result<(), ServiceFaultError> {
        let now = self.now();
        self.faults.add(fault.parse()?, now);
        Ok(())
    }

    fn status(&self) -> Result<Value, StoreError> {
        let (standing, half_open) = self.service.sessions();
        let store = self.service.store();
        let none = Window { offset: 0, count: 0 };
        Ok(json!({
            "devices": store.devices(&DeviceQuery::default(), none)?.total,
            "device_profiles": store.profiles(None)?.len(),
            "sessions": standing,
            "handshakes": half_open,
            "time": self.clock.now().system,
            "pace": self.clock.pace().to_string(),
        }))
    }

    /// The oldest first.
    fn past_events(&self, filter: &EventFilter) -> Result<Vec<Value>, StoreError> {
        let Some(query) = filter.query() else { return Ok(Vec::new()) };
        let query = EventQuery { newest_first: true, ..query };
        let page = self.service.store().events(&query, Window { offset: 0, count: EVENTS_SHOWN })?;
        Ok(page.items.iter().rev().map(service_event).collect())
    }

    pub(super) fn forget(&mut self, rot: RotUid) -> Result<(), OperatorError> {
        self.service.operator(self.clock.now()).forget(rot)
    }
}

fn done(result: Result<Value, impl std::fmt::Display>) -> Answer {
    match result {
        Ok(value) => Answer::Done(value),
        Err(error) => Answer::Failed(error.to_string()),
    }
}
