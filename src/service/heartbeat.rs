//! The security heartbeat and the report that ends it.

use std::collections::BTreeSet;

use super::device::InForce;
use super::event::{EventKind, Reason};
use super::exchange::{Denial, Exchange};
use super::registry::Registry;
use super::store::{Store, StoreError};
use crate::protocol::message::{Answer, Applied, Attention, HeartbeatAnswer, KeyNonce, Provision};

impl<S: Store> Registry<S> {
    /// A heartbeat: the answer says what is wanted now.
    pub(super) fn heartbeat(
        &mut self,
        exchange: &mut Exchange<'_>,
        nonce: KeyNonce,
    ) -> Result<Answer, Denial> {
        exchange.require_bootstrapped()?;
        let ours = KeyNonce(self.draw());
        exchange.contact.key_nonces = Some((nonce, ours));
        let now = exchange.now;
        let device = exchange.device();
        // A module that sends heartbeats has its bootstrap behind it.
        device.bootstrap = None;
        device.last_heartbeat = Some(now);
        device.heartbeats = device.heartbeats.saturating_add(1);
        device.overdue = false;
        let new_key_set = device.new_key_set;
        exchange.draft.note(EventKind::Heartbeat, Reason::Heartbeat);
        let provision = self.provide(exchange)?;
        Ok(Answer::Heartbeat(exchange.nonce, HeartbeatAnswer { provision, new_key_set, nonce: ours }))
    }

    /// What the module has applied; by this alone *applied* changes.
    pub(super) fn report(&mut self, exchange: &mut Exchange<'_>, applied: Applied) -> Result<Answer, Denial> {
        exchange.require_bootstrapped()?;
        self.apply(exchange, applied)?;
        let device = exchange.device();
        let change = device.provided.as_ref() != Some(&device.provided_now());
        let attention = Attention { change, new_key_set: device.new_key_set };
        Ok(Answer::Report(exchange.nonce, attention))
    }
}

impl<S: Store> Registry<S> {
    /// What the device is to put in force, remembered so that a later change is told.
    pub(super) fn provide(&self, exchange: &mut Exchange<'_>) -> Result<Provision, StoreError> {
        let device = &mut exchange.draft.device;
        let certificate = self.wants_certificate(device, exchange.now)?;
        device.provided = Some(device.provided_now());
        Ok(device.provision(&exchange.key_set, certificate))
    }

    /// Takes over what the module says is in force, and notes what is new.
    pub(super) fn apply(&self, exchange: &mut Exchange<'_>, applied: Applied) -> Result<(), StoreError> {
        if let Some(until) = self.report_certificate(exchange, applied.certificate)? {
            exchange.draft.note(EventKind::Feature, Reason::CertificateApplied { until });
        }
        exchange.apply(applied);
        Ok(())
    }
}

impl Exchange<'_> {
    fn apply(&mut self, applied: Applied) {
        let applied = InForce::from(applied);
        let before = self.device().applied.replace(applied.clone()).unwrap_or_default();
        let switched: BTreeSet<_> = before.features.symmetric_difference(&applied.features).collect();
        for feature in switched {
            let enabled = applied.features.contains(feature);
            self.draft.note(EventKind::Feature, Reason::FeatureApplied { feature: *feature, enabled });
        }
        if before.services != applied.services {
            self.draft.note(EventKind::Plan, Reason::ServicesApplied { enabled: applied.services });
        }
    }
}
