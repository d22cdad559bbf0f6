//! What `vsara ctl` asks of a service.

use serde_json::{Value, json};

use super::ServiceHost;
use super::faults::ServiceFaultError;
use crate::host::control::{Answer, Call, Request};
use crate::host::event_log::service_event;
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
            Request::Events { follow: false } => done(self.past_events().map(Value::Array)),
            Request::Events { follow: true } => match self.past_events() {
                Ok(past) => Answer::Follow(past, self.events.follow()),
                Err(error) => Answer::Failed(error.to_string()),
            },
            Request::DomainCreate { name, company } => {
                let created = self.operator().create_domain(&name, company.as_deref());
                done(created.map(|domain| json!({ "name": domain.name, "company": domain.company })))
            }
            Request::AccesskeyCreate { domain } => done(self.create_access_key(&domain)),
            Request::ServiceFault { fault } => done(self.add_fault(&fault).map(|()| Value::Null)),
            Request::Status => done(self.status()),
            _ => Answer::Failed("a security service has no module; ask the module's own process".to_owned()),
        };
        // An error means that who asked has gone.
        let _ = call.answer.send(answer);
        self.drain();
    }

    /// The secret is in this answer and nowhere else.
    fn create_access_key(&mut self, domain: &str) -> Result<Value, OperatorError> {
        let (key, secret) = self.operator().create_access_key(domain)?;
        Ok(json!({ "APIKey": key.api_key, "APISecret": secret.reveal() }))
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

    fn past_events(&self) -> Result<Vec<Value>, StoreError> {
        let store = self.service.store();
        let last = store.last_event_id()?;
        let query = EventQuery { after: last.saturating_sub(EVENTS_SHOWN as u64), ..EventQuery::default() };
        Ok(store.events(&query, Window::ALL)?.items.iter().map(service_event).collect())
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
