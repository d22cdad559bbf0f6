//! What `vsara ctl` does to a running module.

use std::path::Path;

use serde_json::{Value, json};

use super::ModemHost;
use crate::host::control::{Answer, Call, PowerSwitch, Request};
use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::event_log::EventFilter;
use crate::host::state_dir::clone_module;
use crate::modem::Input;
use crate::module::factory;
use crate::module::power::Power;
use crate::protocol::keys::PskIdentity;
use crate::scenario::script::{ClockChange, LineFault, NetworkChange};
use crate::time::Timestamp;

impl ModemHost {
    /// Does what is asked. An error here ends the program; what is merely refused is an answer.
    pub(super) async fn answer(&mut self, call: Call) -> Result<(), HostError> {
        let answer = match call.request {
            Request::Status => Answer::Done(self.status().await),
            Request::Power { to } => self.switch_power(to)?,
            Request::Coverage { up } => self.done(Input::Coverage(up))?,
            Request::Reset => self.done(Input::Reset)?,
            Request::Link { fault } => self.worsen_link(&fault),
            Request::Line { fault } => self.worsen_lines(&fault),
            Request::Clock { change } => self.change_clock(&change)?,
            Request::Advance { by_ms } => {
                let target = self.clock.now().system.offset_millis(by_ms);
                self.advance(target).await?
            }
            Request::AdvanceTo { moment } => self.advance(moment).await?,
            Request::FactoryReset => self.factory_reset().await?,
            Request::Identity { reveal } => Answer::Done(self.identity(reveal)),
            Request::Clone { dir } => self.clone_into(&dir),
            Request::Events { filter, follow } => self.past_events(filter, follow).await,
            request @ (Request::Forget { .. } | Request::Rest(_) | Request::ServiceFault { .. }) => {
                match &self.service {
                    Some(service) => service.ask(request).await,
                    None => Answer::Failed(
                        "the security service is another program; ask it: vsara ctl --state DIR …".to_owned(),
                    ),
                }
            }
        };
        // An error means that who asked has gone.
        let _ = call.answer.send(answer);
        Ok(())
    }

    fn done(&mut self, input: Input<'_>) -> Result<Answer, HostError> {
        self.input(input)?;
        Ok(Answer::Done(Value::Null))
    }

    /// PWR_ON is not heard by a module that is switching off (field report), and nothing says so on
    /// its ports.
    fn switch_power(&mut self, to: PowerSwitch) -> Result<Answer, HostError> {
        if to == PowerSwitch::On && self.modem.module().power() == Power::ShuttingDown {
            let problem =
                "the module is shutting down and does not hear PWR_ON; ask again once its power is off";
            return Ok(Answer::Failed(problem.to_owned()));
        }
        self.done(Input::from(to))
    }

    fn worsen_link(&mut self, fault: &str) -> Answer {
        match fault.parse::<NetworkChange>() {
            Ok(change) => {
                self.air.condition().apply(change);
                Answer::Done(Value::Null)
            }
            Err(error) => failed(error),
        }
    }

    fn worsen_lines(&mut self, fault: &str) -> Answer {
        match fault.parse::<LineFault>() {
            Ok(fault) => {
                for line in &mut self.lines {
                    line.order(fault);
                }
                Answer::Done(Value::Null)
            }
            Err(error) => failed(error),
        }
    }

    fn change_clock(&mut self, change: &str) -> Result<Answer, HostError> {
        let shown = self.modem.module().nvm().rtc.at(self.clock.now().system);
        let moment = match change.parse::<ClockChange>() {
            Ok(change) => change.of(shown),
            Err(error) => return Ok(failed(error)),
        };
        self.input(Input::SetClock(moment))?;
        Ok(Answer::Done(json!({ "clock": moment })))
    }

    async fn advance(&mut self, target: Timestamp) -> Result<Answer, HostError> {
        let now = self.clock.now().system;
        if target < now {
            return Ok(Answer::Failed(format!("time moves forward only, and it is {now} already")));
        }
        self.advance_to(target).await?;
        Ok(Answer::Done(json!({ "time": self.clock.now().system })))
    }

    /// As new, under the same names: key set 0, no seal, no chain.
    pub(super) async fn factory_reset(&mut self) -> Result<Answer, HostError> {
        let was_on = self.modem.module().power() != Power::Off;
        self.input(Input::PowerCut)?;
        let identity = self.modem.module().nvm().identity.clone();
        let rot = identity.rot;
        let mut nvm = factory::new_module(&self.profile, rot, &self.master, &mut entropy::generator()?);
        nvm.identity = identity;
        self.nvm_file.save(&nvm, &nvm.secrets).map_err(|error| {
            HostError::running(format_args!("the module's memory could not be written: {error}"))
        })?;
        self.modem.load(nvm);
        let hint = match &self.service {
            Some(service) => {
                // A service that never saw it has nothing to forget.
                service.ask(Request::Forget { rot }).await;
                Value::Null
            }
            None => format!("have the security service forget it: vsara ctl --state DIR forget {rot}").into(),
        };
        if was_on {
            self.input(Input::PowerOn)?;
        }
        Ok(Answer::Done(json!({ "rot": rot, "next": hint })))
    }

    fn identity(&self, reveal: bool) -> Value {
        let nvm = self.modem.module().nvm();
        let key_set = nvm.secrets.in_use();
        let identity = PskIdentity { rot: nvm.identity.rot, key_set: key_set.number }.to_string();
        if reveal {
            json!({ "identity": identity, "key": hex::encode(key_set.key.as_bytes()) })
        } else {
            json!({ "identity": identity })
        }
    }

    fn clone_into(&self, dir: &Path) -> Answer {
        let facts = match self.state.facts() {
            Ok(Some(facts)) => facts,
            Ok(None) => return Answer::Failed("the state directory has no state.toml".to_owned()),
            Err(error) => return failed(error),
        };
        match clone_module(dir, &facts, self.modem.module().nvm(), self.clock.now().system) {
            Ok(()) => Answer::Done(json!({ "state": dir })),
            Err(error) => failed(error),
        }
    }

    async fn past_events(&self, filter: EventFilter, follow: bool) -> Answer {
        let live = self.events.follow();
        let mut past: Vec<Value> =
            self.events.past().filter(|event| filter.fits_module(event)).cloned().collect();
        if let Some(service) = &self.service {
            let asked = Request::Events { filter: filter.clone(), follow: false };
            match service.ask(asked).await {
                Answer::Done(Value::Array(events)) => past.extend(events),
                Answer::Failed(error) => return Answer::Failed(error),
                _ => {}
            }
        }
        past.sort_by_key(|event| event["time"].as_str().and_then(|at| at.parse::<Timestamp>().ok()));
        if follow { Answer::Follow(past, live, filter) } else { Answer::Done(Value::Array(past)) }
    }

    async fn status(&self) -> Value {
        let module = self.modem.module();
        let (nvm, security) = (module.nvm(), module.security());
        let now = self.clock.now();
        let service = match &self.service {
            Some(service) => match service.ask(Request::Status).await {
                Answer::Done(value) => value,
                _ => Value::Null,
            },
            None => Value::Null,
        };
        let due = nvm.security.is_bootstrapped().then(|| module.heartbeat_due_at()).flatten();
        let key_set = nvm.secrets.in_use().number;
        json!({
            "pid": std::process::id(),
            "profile": self.profile.name,
            "rot": nvm.identity.rot,
            "imei": nvm.identity.imei,
            "iccid": nvm.identity.iccid,
            "imsi": nvm.identity.imsi,
            "ports": self.ports.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "links": self.links.iter().map(crate::host::tty_link::TtyLink::path).collect::<Vec<_>>(),
            "control": self.control_path(),
            "service": self.destination.to_string(),
            "time": now.system,
            "pace": self.clock.pace().to_string(),
            "clock": nvm.rtc.at(now.system),
            "seed": self.seed,
            "power": power(module.power()),
            "functionality": module.functionality().code(),
            "coverage": module.network().coverage,
            "registration": module.network().state.to_string(),
            "data_connection": module.is_connected(),
            "bootstrapped": nvm.security.is_bootstrapped(),
            "sealed": nvm.security.seal.is_some(),
            "registered": nvm.security.registered,
            "standing": nvm.security.applied.standing,
            "features": nvm.security.applied.features,
            "services": nvm.security.applied.services,
            "heartbeat_period_s": nvm.security.applied.heartbeat_period_s,
            "heartbeat_sent": nvm.security.heartbeat_sent_at,
            "heartbeat_answered": nvm.security.heartbeat_answered_at,
            "heartbeat_due": due,
            "key_set": key_set,
            "contact": security.contact.as_ref().map(|contact| {
                json!({ "purpose": contact.purpose().to_string(), "phase": contact.phase().to_string() })
            }),
            "retry_at": security.schedule.retry_at(),
            "refused": security.refused,
            "last_failure": security.last_failure.as_ref().map(ToString::to_string),
            "embedded_service": service,
        })
    }
}

fn power(power: Power) -> &'static str {
    match power {
        Power::Off => "off",
        Power::Booting => "booting",
        Power::On => "on",
        Power::Asleep => "asleep",
        Power::ShuttingDown => "shutting down",
        Power::Resetting => "resetting",
    }
}

fn failed<E: std::fmt::Display>(error: E) -> Answer {
    Answer::Failed(error.to_string())
}
