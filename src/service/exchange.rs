//! One exchange: the verdict, what the step changes, and the answer.

use std::net::SocketAddr;
use std::sync::Arc;

use super::chain::{Link, Verdict};
use super::device::{Device, Phase};
use super::event::{EventKind, Reason};
use super::registry::{Draft, Registry};
use super::store::{Store, StoreError};
use super::traffic::Meter;
use crate::protocol::certificate::CertificateError;
use crate::protocol::keys::{KeySet, PskIdentity};
use crate::protocol::message::{Answer, ChainNonce, KeyNonce, Refusal, Request, Step};
use crate::time::Timestamp;

/// What the service knows of the session a request came in, and forgets with it.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    /// Who proved its key.
    pub(super) identity: PskIdentity,
    /// From where.
    pub(super) peer: SocketAddr,
    /// The key set that authenticated it, once it was needed: deriving it takes longer than all else.
    pub(super) key_set: Option<KeySet>,
    /// Drawn by a hello or a heartbeat, used by the replacement that follows.
    pub(super) key_nonces: Option<(KeyNonce, KeyNonce)>,
    /// The last phase of a bootstrap that was answered in this session.
    pub(super) phase: Option<Phase>,
    /// A certificate was signed in it.
    pub(super) certified: bool,
    /// Bytes on the link.
    pub(super) meter: Meter,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Denial {
    /// Said to the module.
    Refused(Refusal),
    /// The request is not what it should be.
    Request(CertificateError),
    /// The service could not sign what it was asked for.
    Signing(CertificateError),
    /// Nothing was changed.
    Store(StoreError),
}

/// A step in the making: what a handler may look at and change.
pub(super) struct Exchange<'a> {
    pub(super) draft: Draft,
    /// Changed only once the draft is written.
    pub(super) contact: &'a mut Contact,
    /// The key set that authenticated the session.
    pub(super) key_set: KeySet,
    /// The service's half of this step.
    pub(super) nonce: ChainNonce,
    pub(super) now: Timestamp,
}

impl From<StoreError> for Denial {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<S: Store> Registry<S> {
    /// Judges a request and, if it is accepted, has everything stored before this returns.
    ///
    /// 1. The contact chain decides alone; a refusal changes nothing but events.
    /// 2. The step's handler changes a draft.
    /// 3. The step is taken into the chain and all of it written in one transaction.
    pub(super) fn exchange(
        &mut self,
        contact: &mut Contact,
        request: Request,
        now: Timestamp,
    ) -> Result<Answer, Denial> {
        let device = self.device(contact.identity.rot)?;
        let Some(step) = request.step().cloned() else {
            return Ok(Answer::Held(held(device.as_deref(), &request)));
        };
        let generation = self.service().generation;
        let device = device.unwrap_or_else(|| Arc::new(Device::new(contact.identity.rot, generation, now)));
        let mut draft = self.judge(&device, contact, &step, now)?;
        draft.device.generation = generation;

        let number = contact.identity.key_set;
        let known = contact.key_set.take();
        let key_set = known.or_else(|| device.keys.get(number, device.rot, &self.master));
        // Only an offer that was dropped since the handshake is missing here.
        let key_set = key_set.ok_or(Refusal::OutOfOrder)?;
        contact.key_set = Some(key_set.clone());
        draft.device.keys.mark_used(number);
        let nonce = ChainNonce(self.draw());
        draft.device.chain.accept(Link { accepted: step.nonce, answered: nonce, at: now });

        let mut ahead = contact.clone();
        let mut exchange = Exchange { draft, contact: &mut ahead, key_set, nonce, now };
        let answer = self.step(&mut exchange, request)?;
        let draft = exchange.draft;
        self.write(draft, now)?;
        *contact = ahead;
        Ok(answer)
    }

    /// The verdict of the contact chain, as a draft of the device that goes on.
    fn judge(
        &mut self,
        device: &Arc<Device>,
        contact: &Contact,
        step: &Step,
        now: Timestamp,
    ) -> Result<Draft, Denial> {
        let mut draft = Draft { peer: Some(contact.peer), ..Draft::of(Device::clone(device)) };
        if device.generation != self.service().generation {
            draft.note(EventKind::Suspicious, Reason::AfterRestore);
            return Ok(draft);
        }
        match device.chain.verdict(step) {
            Verdict::First | Verdict::Continues => Ok(draft),
            Verdict::Clone { copy_of } => {
                self.note_clone(device, contact, copy_of, now)?;
                Err(Refusal::Clone.into())
            }
        }
    }

    fn step(&mut self, exchange: &mut Exchange<'_>, request: Request) -> Result<Answer, Denial> {
        match request {
            Request::Hello(_, hello) => self.hello(exchange, hello),
            Request::Replace(_) => self.replace(exchange),
            Request::Provision(_) => self.provision(exchange),
            Request::Confirm(_, applied) => self.confirm(exchange, applied),
            Request::Register(_, seal) => self.register(exchange, seal),
            Request::Heartbeat(_, nonce) => self.heartbeat(exchange, nonce),
            Request::Certificate(_, request) => self.certify(exchange, &request),
            Request::Report(_, applied) => self.report(exchange, applied),
            // Answered before the chain was asked.
            Request::Held(_) => Err(Refusal::OutOfOrder.into()),
        }
    }
}

impl Exchange<'_> {
    /// The device being changed.
    pub(super) fn device(&mut self) -> &mut Device {
        &mut self.draft.device
    }

    /// Only a module that was bootstrapped once has what this step is about.
    pub(super) fn require_bootstrapped(&self) -> Result<(), Refusal> {
        self.draft.device.bootstrapped_at.map(drop).ok_or(Refusal::NotBootstrapped)
    }
}

fn held(device: Option<&Device>, request: &Request) -> Vec<ChainNonce> {
    match (device, request) {
        (Some(device), Request::Held(sent)) => device.chain.held_among(sent),
        _ => Vec::new(),
    }
}
