//! The phases of a contact: what each sends, and what its answer changes.

use std::fmt;

use crate::module::Module;
use crate::module::security::certificate::certified;
use crate::module::security::contact::Contact;
use crate::module::security::{Failure, KeyCounters, Provisioned, Purpose};
use crate::protocol::message::{
    Answer, Applied, Feature, FeatureAuthorisation, HeartbeatAnswer, Hello, Provision, Request, Standing,
    Step,
};
use crate::time::Now;

/// One request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Bootstrap, phase 1: who am I.
    Hello,
    /// Bootstrap, phase 2: the present key set is replaced.
    Replace,
    /// Bootstrap, phase 3: features, services, period.
    Provision,
    /// Bootstrap, phase 4: the new key set is confirmed, under itself.
    Confirm,
    /// The seal is brought to the service.
    Register,
    /// The security heartbeat.
    Heartbeat,
    /// A certificate for zero touch provisioning, asked for where an answer says so.
    Certificate,
    /// What was applied.
    Report,
    /// The list of nonces is full: which of them does the service hold?
    Held,
}

/// What comes after a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next phase, in this session.
    Phase(Phase),
    /// The next phase, in a session under the new key set.
    NewSession(Phase),
    /// The contact is complete.
    End,
}

impl Phase {
    /// The number of the phase in a bootstrap, 1 to 4.
    pub fn number(self) -> Option<u8> {
        match self {
            Phase::Hello => Some(1),
            Phase::Replace => Some(2),
            Phase::Provision => Some(3),
            Phase::Confirm => Some(4),
            _ => None,
        }
    }

    /// The first phase of a contact.
    pub(super) fn first(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Bootstrap => Phase::Hello,
            Purpose::Registration => Phase::Register,
            Purpose::Heartbeat => Phase::Heartbeat,
            Purpose::Report => Phase::Report,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Hello => "phase 1, hello",
            Phase::Replace => "phase 2, replace",
            Phase::Provision => "phase 3, provision",
            Phase::Confirm => "phase 4, confirm",
            Phase::Register => "register",
            Phase::Heartbeat => "heartbeat",
            Phase::Certificate => "certificate",
            Phase::Report => "report",
            Phase::Held => "held",
        })
    }
}

impl Module {
    /// The request of a phase; `step` is its step of the contact chain.
    pub(super) fn request_of(&mut self, contact: &mut Contact, phase: Phase, step: Step) -> Request {
        match phase {
            Phase::Hello => {
                contact.seal_sent = self.nvm.security.seal.is_some();
                Request::Hello(step, self.hello(contact))
            }
            Phase::Replace => Request::Replace(step),
            Phase::Provision => Request::Provision(step),
            Phase::Confirm => Request::Confirm(step, self.to_be_applied(contact)),
            // A registration is only begun for a module that is sealed.
            Phase::Register => match self.nvm.security.seal.clone() {
                Some(seal) => Request::Register(step, seal),
                None => Request::Report(step, self.applied()),
            },
            Phase::Heartbeat => Request::Heartbeat(step, contact.module_nonce),
            Phase::Certificate => Request::Certificate(step, self.ask_for_certificate(contact)),
            Phase::Report => Request::Report(step, self.applied()),
            Phase::Held => Request::Held(step.held),
        }
    }

    /// Applies an answer. The caller writes the NVM, once, before anything else leaves.
    pub(super) fn apply_answer(
        &mut self,
        contact: &mut Contact,
        answer: Answer,
        now: Now,
    ) -> Result<Next, Failure> {
        match answer {
            Answer::Hello(_, hello) => {
                contact.service_nonce = Some(hello.nonce);
                Ok(Next::Phase(Phase::Replace))
            }
            Answer::Replace(_, offer) => self.replaced(contact, offer.number),
            Answer::Provision(_, ref provision)
            | Answer::Register(_, ref provision)
            | Answer::Heartbeat(_, HeartbeatAnswer { ref provision, .. }) => {
                self.check_authorisations(contact, provision)?;
                if !self.needs_certificate(provision) {
                    return self.provided(contact, answer, now);
                }
                contact.interrupted = Some(answer);
                Ok(Next::Phase(Phase::Certificate))
            }
            Answer::Certificate(_, certificates) => {
                contact.certificate = Some(certified(contact, certificates)?);
                let answer = contact.interrupted.take().ok_or(Failure::BadAnswer)?;
                self.provided(contact, answer, now)
            }
            Answer::Confirm(_) => self.confirmed(contact, now),
            Answer::Report(_, attention) => {
                self.nvm.security.report_pending = false;
                self.nvm.security.announce(attention);
                Ok(Next::End)
            }
            Answer::Held(known) => {
                self.nvm.security.chain.keep(&known);
                Ok(Next::Phase(contact.phase))
            }
        }
    }

    /// Goes on with what an answer provides; a certificate that it wants is there.
    fn provided(&mut self, contact: &mut Contact, answer: Answer, now: Now) -> Result<Next, Failure> {
        match answer {
            Answer::Provision(_, provision) => {
                contact.provision = Some(provision);
                Ok(Next::NewSession(Phase::Confirm))
            }
            Answer::Register(_, provision) => {
                self.provisioned(contact, &provision);
                self.nvm.security.registered = true;
                Ok(Next::Phase(self.report_phase()))
            }
            Answer::Heartbeat(_, answer) => Ok(self.heartbeat_answered(contact, &answer, now)),
            _ => Err(Failure::BadAnswer),
        }
    }

    fn hello(&self, contact: &Contact) -> Hello {
        let identity = &self.profile.identity;
        Hello {
            type_number: identity.type_number.clone(),
            firmware: format!("{},{}", identity.modem_version, identity.application_version),
            imei: self.nvm.identity.imei.clone(),
            seal: self.nvm.security.seal.clone(),
            nonce: contact.module_nonce,
        }
    }

    /// Phase 2 answered: the offer is pending from now on, and always used.
    fn replaced(&mut self, contact: &Contact, number: u32) -> Result<Next, Failure> {
        let nonce = contact.service_nonce.ok_or(Failure::BadAnswer)?;
        let rot = self.nvm.identity.rot;
        let offer = contact.key_set.successor(rot, number, &contact.module_nonce.0, &nonce.0);
        self.nvm.secrets.offer(offer);
        Ok(match contact.purpose() {
            Purpose::Bootstrap => Next::Phase(Phase::Provision),
            _ => Next::NewSession(Phase::Confirm),
        })
    }

    /// Phase 4 answered: the service uses the new key set, and so does the module.
    fn confirmed(&mut self, contact: &mut Contact, now: Now) -> Result<Next, Failure> {
        if self.nvm.secrets.commit() {
            self.nvm.security.counters = KeyCounters::default();
        }
        if contact.purpose() != Purpose::Bootstrap {
            return Ok(Next::Phase(Phase::Report));
        }
        if let Some(provision) = contact.provision.take() {
            self.provisioned(contact, &provision);
        }
        let nvm = &mut self.nvm.security;
        nvm.report_pending = false;
        nvm.registered = contact.seal_sent;
        nvm.bootstrapped_at = Some(self.nvm.rtc.at(now.system));
        Ok(Next::End)
    }

    fn heartbeat_answered(&mut self, contact: &mut Contact, answer: &HeartbeatAnswer, now: Now) -> Next {
        self.provisioned(contact, &answer.provision);
        self.nvm.security.heartbeat_answered_at = Some(self.nvm.rtc.at(now.system));
        // A service that forgot this module has forgotten its seal: it is registered again.
        if answer.provision.standing == Standing::Unowned {
            self.nvm.security.registered = false;
        }
        if let Some(demand) = &mut self.security.demand {
            demand.answered = true;
        }
        contact.service_nonce = Some(answer.nonce);
        Next::Phase(if answer.new_key_set { Phase::Replace } else { self.report_phase() })
    }

    /// The phase that ends a contact: a report, or before it the confirmation of a key set whose own
    /// was not answered. Both ends have to derive service keys from the same set.
    pub(super) fn report_phase(&self) -> Phase {
        if self.nvm.secrets.is_pending() { Phase::Confirm } else { Phase::Report }
    }

    /// Applies what the service provisions; it has to be reported.
    fn provisioned(&mut self, contact: &mut Contact, provision: &Provision) {
        let with_certificate = has_zero_touch(provision);
        self.nvm.secrets.put_certificate(with_certificate, contact.certificate.take());
        let nvm = &mut self.nvm.security;
        nvm.applied = Provisioned {
            features: authorisations(provision).iter().map(|authorisation| authorisation.feature).collect(),
            services: provision.services,
            heartbeat_period_s: provision.heartbeat_period_s,
            standing: provision.standing,
        };
        nvm.report_pending = true;
    }

    /// Only the service can make an authorisation for this root of trust under this key set.
    fn check_authorisations(&self, contact: &Contact, provision: &Provision) -> Result<(), Failure> {
        let rot = self.nvm.identity.rot;
        let genuine = |authorisation: &FeatureAuthorisation| {
            authorisation.code == contact.key_set.feature_authorisation(rot, authorisation.feature.name())
        };
        if authorisations(provision).iter().all(genuine) { Ok(()) } else { Err(Failure::BadAnswer) }
    }

    /// What a report says.
    fn applied(&self) -> Applied {
        let applied = &self.nvm.security.applied;
        Applied {
            features: applied.features.iter().copied().collect(),
            services: applied.services,
            heartbeat_period_s: applied.heartbeat_period_s,
            certificate: self.nvm.secrets.certificate().map(|certificate| certificate.serial),
        }
    }

    /// What the confirmation of a bootstrap says: it is applied when the answer is stored.
    fn to_be_applied(&self, contact: &Contact) -> Applied {
        match &contact.provision {
            Some(provision) => Applied {
                features: authorisations(provision).iter().map(|one| one.feature).collect(),
                services: provision.services,
                heartbeat_period_s: provision.heartbeat_period_s,
                certificate: contact
                    .certificate
                    .as_ref()
                    .filter(|_| has_zero_touch(provision))
                    .map(|certificate| certificate.serial),
            },
            None => self.applied(),
        }
    }
}

pub(super) fn has_zero_touch(provision: &Provision) -> bool {
    authorisations(provision).iter().any(|one| one.feature == Feature::ZeroTouchProvisioning)
}

fn authorisations(provision: &Provision) -> &[FeatureAuthorisation] {
    provision.features.as_deref().unwrap_or_default()
}
