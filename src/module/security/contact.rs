//! One conversation with the security service.
//!
//! 1. A session is opened under the key set in use, on a flow (a local UDP port) of its own.
//! 2. It stands: the next phase draws a nonce, stores it, and its request leaves.
//! 3. The answer counts only for the last nonce drawn, in the session still open. What it changes
//!    is stored, with its nonce in place of all that were held, before anything else leaves.
//! 4. So on to the last phase; after the key set was replaced, in a new session under it.
//! 5. Any failure ends the contact; it is tried again from its first phase.

use rand_core::Rng;

use crate::module::security::phase::{Next, Phase};
use crate::module::security::{DeviceCertificate, Failure, Purpose};
use crate::module::{Event, Flow, Module};
use crate::protocol::certificate::PrivateKey;
use crate::protocol::coap::Code;
use crate::protocol::keys::{KeySet, PskIdentity};
use crate::protocol::message::{Answer, ChainNonce, KeyNonce, Provision, Refusal, Step};
use crate::protocol::session::{ClientEvent, ClientSession, SessionFailure, SessionOptions};
use crate::time::{Now, Timestamp};

/// The contact that is going on.
#[derive(Debug)]
pub struct Contact {
    purpose: Purpose,
    /// The phase that is next, or whose answer is awaited.
    pub(super) phase: Phase,
    /// The request that waits for its answer, and its path: the phase itself or, before it,
    /// [`Phase::Held`].
    awaiting: Option<(Phase, &'static str)>,
    flow: Flow,
    session: ClientSession,
    /// The key set that authenticates the session.
    pub(super) key_set: KeySet,
    /// Both ends' parts of a key set to come.
    pub(super) module_nonce: KeyNonce,
    pub(super) service_nonce: Option<KeyNonce>,
    /// What phase 3 answered, until phase 4 makes it true.
    pub(super) provision: Option<Provision>,
    /// Whether the seal travelled in the hello.
    pub(super) seal_sent: bool,
    /// The answer that told to ask for a certificate first, until that is there.
    pub(super) interrupted: Option<Answer>,
    /// The key a certificate was asked for.
    pub(super) device_key: Option<PrivateKey>,
    /// What was asked for is there.
    pub(super) certificate: Option<DeviceCertificate>,
}

impl Contact {
    /// What the contact is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The phase that is next, or whose answer is awaited.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The flow of the session that is open.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    pub(in crate::module) fn next_timeout(&self) -> Option<Timestamp> {
        self.session.next_timeout()
    }
}

impl Module {
    /// Opens a contact.
    pub(super) fn begin_contact(&mut self, purpose: Purpose, now: Now) {
        let mut module_nonce = KeyNonce([0; 16]);
        self.entropy.fill_bytes(&mut module_nonce.0);
        let key_set = self.nvm.secrets.in_use();
        let (flow, session) = self.open_session(&key_set, now);
        self.security.contact = Some(Box::new(Contact {
            purpose,
            phase: if purpose == Purpose::Report { self.report_phase() } else { Phase::first(purpose) },
            awaiting: None,
            flow,
            session,
            key_set,
            module_nonce,
            service_nonce: None,
            provision: None,
            seal_sent: false,
            interrupted: None,
            device_key: None,
            certificate: None,
        }));
        self.note(Event::ContactBegan(purpose));
        self.progress_contact(now);
    }

    fn open_session(&mut self, key_set: &KeySet, now: Now) -> (Flow, ClientSession) {
        self.flows += 1;
        let identity = PskIdentity { rot: self.nvm.identity.rot, key_set: key_set.number };
        let options = SessionOptions { seed: self.session_seed(), ..SessionOptions::default() };
        (Flow(self.flows), ClientSession::new(identity, &key_set.key, options, now.steady))
    }

    /// A datagram of the service arrived, on this flow.
    pub(in crate::module) fn contact_datagram(&mut self, flow: Flow, bytes: &[u8], now: Now) {
        if let Some(contact) = self.security.contact.as_mut().filter(|contact| contact.flow == flow) {
            contact.session.handle_datagram(bytes, now.steady);
            self.progress_contact(now);
        }
    }

    /// A transport timer may have expired.
    pub(in crate::module) fn contact_timeout(&mut self, now: Now) {
        if let Some(contact) = &mut self.security.contact
            && contact.next_timeout().is_some_and(|at| at <= now.steady)
        {
            contact.session.handle_timeout(now.steady);
            self.progress_contact(now);
        }
    }

    /// The service's name does not resolve.
    pub(in crate::module) fn contact_unresolved(&mut self, flow: Flow, now: Now) {
        if self.security.contact.as_ref().is_some_and(|contact| contact.flow == flow) {
            self.fail_contact(Failure::Dns, now);
        }
    }

    /// Drains the session: datagrams to the link, events to the phases.
    fn progress_contact(&mut self, now: Now) {
        loop {
            let Some(contact) = &mut self.security.contact else { return };
            if let Some(bytes) = contact.session.poll_transmit() {
                let flow = contact.flow;
                self.transmit(flow, bytes, now);
                continue;
            }
            match contact.session.poll_event() {
                None => return,
                Some(ClientEvent::Connected) => self.send_phase(now),
                Some(ClientEvent::Answer { code, payload }) => self.handle_answer(code, &payload, now),
                Some(ClientEvent::Failed(failure)) => {
                    let failure = match failure {
                        SessionFailure::KeyRefused => Failure::KeyNotKnown(contact.key_set.number),
                        _ => Failure::NoAnswer,
                    };
                    self.fail_contact(failure, now);
                }
            }
        }
    }

    /// Sends the request of the present phase: its nonce is stored before it leaves.
    fn send_phase(&mut self, now: Now) {
        let Some(mut contact) = self.security.contact.take() else { return };
        let phase = if self.nvm.security.chain.is_full() { Phase::Held } else { contact.phase };
        let step = if phase == Phase::Held { self.held_step() } else { self.draw_step() };
        if phase == Phase::Heartbeat {
            self.nvm.security.heartbeat_sent_at = Some(self.nvm.rtc.at(now.system));
        }
        if phase != Phase::Held {
            self.save();
        }
        let request = self.request_of(&mut contact, phase, step);
        contact.awaiting = Some((phase, request.path()));
        let sent = contact.session.request(request.path(), request.encode(), now.steady);
        debug_assert!(sent.is_ok(), "a phase follows the handshake or the answer to the phase before");
        self.note(Event::PhaseBegan(phase));
        while let Some(bytes) = contact.session.poll_transmit() {
            self.transmit(contact.flow, bytes, now);
        }
        self.security.contact = Some(contact);
    }

    fn draw_step(&mut self) -> Step {
        let mut nonce = ChainNonce([0; 8]);
        self.entropy.fill_bytes(&mut nonce.0);
        self.nvm.security.chain.draw(nonce)
    }

    /// The list as it is: asking what the service holds is no step of the chain.
    fn held_step(&self) -> Step {
        Step { nonce: ChainNonce([0; 8]), held: self.nvm.security.chain.held().to_vec() }
    }

    fn handle_answer(&mut self, code: Code, payload: &[u8], now: Now) {
        let Some(mut contact) = self.security.contact.take() else { return };
        let applied = self.accept_answer(&mut contact, code, payload, now);
        let purpose = contact.purpose;
        self.security.contact = Some(contact);
        match applied {
            Ok((phase, next)) => {
                self.save();
                self.note(Event::PhaseEnded(phase));
                self.go_on(next, purpose, now);
            }
            Err(failure) => self.fail_contact(failure, now),
        }
    }

    /// Checks an answer and applies it; returns its phase and what comes next.
    fn accept_answer(
        &mut self,
        contact: &mut Contact,
        code: Code,
        payload: &[u8],
        now: Now,
    ) -> Result<(Phase, Next), Failure> {
        let (phase, path) = contact.awaiting.take().ok_or(Failure::BadAnswer)?;
        let answer = decode_answer(path, code, payload)?;
        if let Some(nonce) = answer.nonce() {
            self.nvm.security.chain.answered(nonce);
        }
        let next = self.apply_answer(contact, answer, now)?;
        Ok((phase, next))
    }

    fn go_on(&mut self, next: Next, purpose: Purpose, now: Now) {
        match (next, &mut self.security.contact) {
            (Next::Phase(phase), Some(contact)) => {
                contact.phase = phase;
                self.send_phase(now);
            }
            (Next::NewSession(phase), Some(_)) => self.renew_session(phase, now),
            (Next::End, _) | (_, None) => self.end_contact(purpose, now),
        }
    }

    /// Goes on in a session under the key set that is now in use.
    fn renew_session(&mut self, phase: Phase, now: Now) {
        self.close_session(now);
        let key_set = self.nvm.secrets.in_use();
        let (flow, session) = self.open_session(&key_set, now);
        if let Some(contact) = &mut self.security.contact {
            contact.flow = flow;
            contact.session = session;
            contact.key_set = key_set;
            contact.phase = phase;
        }
    }

    /// Says goodbye in the session, so that the service need not wait for it to grow old.
    fn close_session(&mut self, now: Now) {
        let Some(contact) = &mut self.security.contact else { return };
        contact.session.close(now.steady);
        let flow = contact.flow;
        let farewell: Vec<_> = std::iter::from_fn(|| contact.session.poll_transmit()).collect();
        for bytes in farewell {
            self.transmit(flow, bytes, now);
        }
    }

    fn end_contact(&mut self, purpose: Purpose, now: Now) {
        self.close_session(now);
        self.security.contact = None;
        self.security.schedule.succeeded();
        self.security.last_failure = None;
        self.note(Event::ContactEnded(purpose));
        let satisfied = self.security.demand.as_ref().is_some_and(|demand| demand.answered);
        if satisfied || purpose == Purpose::Heartbeat {
            self.end_demand(Ok(()));
        }
        self.begin_due_contact(now);
    }

    /// Ends the contact that is going on, unsuccessfully.
    pub(in crate::module) fn fail_contact(&mut self, failure: Failure, now: Now) {
        if let Some(contact) = self.security.contact.take() {
            self.contact_failed(contact.purpose, failure, now);
        }
    }

    /// Plans the next attempt, if there is to be one.
    pub(super) fn contact_failed(&mut self, purpose: Purpose, failure: Failure, now: Now) {
        self.security.refused |= failure == Failure::Clone;
        let retry_at = match (&failure, &self.profile.security) {
            (Failure::Clone, _) | (_, None) => None,
            (Failure::NoConnection, _) => None,
            (_, Some(facts)) => Some(self.security.schedule.failed(facts, now.system, &mut self.jitter)),
        };
        self.demand_failed(&failure, now);
        self.security.last_failure = Some(failure.clone());
        self.note(Event::ContactFailed { purpose, failure, retry_at });
    }
}

/// An answer, or the failure an error code stands for.
fn decode_answer(path: &str, code: Code, payload: &[u8]) -> Result<Answer, Failure> {
    match code {
        Code::FORBIDDEN => Err(match Refusal::decode(payload) {
            Ok(Refusal::Clone) => Failure::Clone,
            Ok(Refusal::NotBootstrapped) => Failure::NotBootstrapped,
            Ok(Refusal::OutOfOrder) | Err(_) => Failure::Service(code),
        }),
        code if code.is_success() => Answer::decode(path, payload).map_err(|_| Failure::BadAnswer),
        code => Err(Failure::Service(code)),
    }
}
