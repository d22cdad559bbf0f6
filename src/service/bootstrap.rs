//! The bootstrap, phase by phase.
//!
//! 1. *hello*: who am I; a seal in it finds the owner.
//! 2. *replace*: a new key set is offered under a number never used before. A heartbeat that
//!    asked for one goes through this phase and the last as well.
//! 3. *provision*: what to put in force.
//! 4. *confirm*: received under the new key set, which commits it.

use super::device::{BootstrapProgress, Device, Identity, Phase, Traffic};
use super::event::{EventKind, Reason};
use super::exchange::{Denial, Exchange};
use super::registry::{Draft, Registry};
use super::store::Store;
use crate::protocol::message::{Answer, Applied, Hello, HelloAnswer, KeyNonce, Refusal, ReplaceAnswer};
use crate::time::Timestamp;

impl<S: Store> Registry<S> {
    /// Phase 1.
    pub(super) fn hello(&mut self, exchange: &mut Exchange<'_>, hello: Hello) -> Result<Answer, Denial> {
        let Hello { type_number, firmware, imei, seal, nonce } = hello;
        // Whatever it had is gone: it is as from the factory.
        exchange.device().certificate = None;
        exchange.device().identity = Identity { type_number, firmware, imei };
        if let Some(seal) = seal {
            self.claim(&mut exchange.draft, seal)?;
        }
        let since = exchange.now;
        exchange.device().bootstrap =
            Some(BootstrapProgress { phase: Phase::Hello, since, traffic: Traffic::default() });
        let ours = KeyNonce(self.draw());
        exchange.contact.key_nonces = Some((nonce, ours));
        let body =
            HelloAnswer { service_id: self.service().service_id, nonce: ours, time_ms: since.as_millis() };
        Ok(exchange.end_phase(Phase::Hello, Answer::Hello(exchange.nonce, body)))
    }

    /// Phase 2.
    pub(super) fn replace(&mut self, exchange: &mut Exchange<'_>) -> Result<Answer, Denial> {
        let (module, service) = exchange.contact.key_nonces.ok_or(Refusal::OutOfOrder)?;
        let Device { rot, keys, .. } = &mut exchange.draft.device;
        let number =
            keys.offer(&exchange.key_set, *rot, (&module.0, &service.0)).ok_or(Refusal::OutOfOrder)?;
        let answer = Answer::Replace(exchange.nonce, ReplaceAnswer { number });
        Ok(exchange.end_phase(Phase::Replace, answer))
    }

    /// Phase 3.
    pub(super) fn provision(&mut self, exchange: &mut Exchange<'_>) -> Result<Answer, Denial> {
        if exchange.contact.phase < Some(Phase::Replace) || exchange.device().bootstrap.is_none() {
            return Err(Refusal::OutOfOrder.into());
        }
        let provision = self.provide(exchange)?;
        let answer = Answer::Provision(exchange.nonce, provision);
        Ok(exchange.end_phase(Phase::Provision, answer))
    }

    /// Phase 4: on receiving it the key set is committed.
    pub(super) fn confirm(
        &mut self,
        exchange: &mut Exchange<'_>,
        applied: Applied,
    ) -> Result<Answer, Denial> {
        let number = exchange.key_set.number;
        let now = exchange.now;
        let answer = exchange.end_phase(Phase::Confirm, Answer::Confirm(exchange.nonce));
        let Draft { device, .. } = &mut exchange.draft;
        let committed = device.keys.committed();
        let progress = device.bootstrap.take();
        let in_order = match &progress {
            Some(progress) => progress.phase == Phase::Confirm && number > committed,
            // A heartbeat's new key set, or a confirmation whose answer was lost.
            None => device.bootstrapped_at.is_some() && number >= committed,
        };
        if !in_order {
            return Err(Refusal::OutOfOrder.into());
        }
        if number > committed {
            device.downlinks = 0;
        }
        device.keys.commit(number);
        device.new_key_set = false;
        if let Some(progress) = progress {
            complete(&mut exchange.draft, &progress, now);
        } else if number > committed {
            exchange.draft.note(EventKind::Heartbeat, Reason::KeySetReplaced { key_set: number });
        }
        self.apply(exchange, applied)?;
        Ok(answer)
    }
}

/// The four phases are through.
fn complete(draft: &mut Draft, progress: &BootstrapProgress, now: Timestamp) {
    let device = &mut draft.device;
    device.traffic = Some(progress.traffic);
    device.bootstrapped_at = Some(now);
    device.overdue = false;
    let reason = Reason::Bootstrapped { key_set: device.keys.committed(), traffic: progress.traffic };
    draft.note(EventKind::Bootstrap, reason);
    draft.register(now);
}

impl Exchange<'_> {
    /// Counts the phase's bytes and takes the bootstrap in progress to it, if its turn has come.
    pub(super) fn end_phase(&mut self, phase: Phase, answer: Answer) -> Answer {
        let bytes = self.contact.meter.end_phase(answer.encode().len());
        self.contact.phase = Some(phase);
        if let Some(progress) = &mut self.draft.device.bootstrap {
            progress.traffic.add(phase, bytes);
            let in_turn = phase <= progress.phase || phase as u8 == progress.phase as u8 + 1;
            progress.phase = if in_turn { phase } else { progress.phase };
        }
        answer
    }
}
