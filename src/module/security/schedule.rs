//! When a contact that is due is tried: at once, and after a failure with growing pauses.

use rand_core::Rng;

use crate::module::Module;
use crate::module::security::{Failure, Purpose};
use crate::profile::Security as SecurityFacts;
use crate::time::{Now, Timestamp};

/// Back-off between attempts, on the system clock; starts anew at power-on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    failures: u32,
    retry_at: Option<Timestamp>,
}

impl Schedule {
    /// When the next attempt may begin, if it has to wait.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// Whether an attempt may begin now.
    pub fn allows(&self, system: Timestamp) -> bool {
        self.retry_at.is_none_or(|at| at <= system)
    }

    /// An attempt reached its end.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// An attempt failed: the pause doubles from the first to the longest, with a random part.
    pub fn failed(&mut self, facts: &SecurityFacts, system: Timestamp, random: &mut impl Rng) -> Timestamp {
        let first_ms = i64::from(facts.retry_first_s) * 1000;
        let longest_ms = i64::from(facts.retry_max_s) * 1000;
        let pause_ms = first_ms.saturating_mul(1 << self.failures.min(30)).min(longest_ms);
        let spread_ms = pause_ms * i64::from(facts.retry_jitter_percent) / 100;
        let jitter_ms = i64::from(random.next_u32()) % (spread_ms + 1);
        self.failures = self.failures.saturating_add(1);
        let at = system.offset_millis(pause_ms + jitter_ms);
        self.retry_at = Some(at);
        at
    }
}

impl Module {
    /// Begins the contact that is due, if one is and nothing stands in its way.
    pub(in crate::module) fn begin_due_contact(&mut self, now: Now) {
        if self.security.contact.is_some() || !self.can_contact(now) {
            return;
        }
        match self.due_purpose(now) {
            Some(purpose) if self.service_resolves => self.begin_contact(purpose, now),
            Some(purpose) => self.contact_failed(purpose, Failure::Dns, now),
            None => {}
        }
    }

    /// Whether a contact could begin at all: security present and ready, connected, not refused.
    fn can_contact(&self, now: Now) -> bool {
        self.profile.security.is_some()
            && self.is_connected()
            && !self.security.refused
            && self.readiness.is_some_and(|ready| ready.security <= now.system)
    }

    /// What is due now, back-off considered. A demanded heartbeat has pauses of its own.
    fn due_purpose(&self, now: Now) -> Option<Purpose> {
        let nvm = &self.nvm.security;
        if let Some(demand) = &self.security.demand {
            if demand.next_try > now.system {
                return None;
            }
            return Some(if demand.answered && nvm.report_pending {
                Purpose::Report
            } else {
                Purpose::Heartbeat
            });
        }
        if !self.security.schedule.allows(now.system) {
            return None;
        }
        if !nvm.is_bootstrapped() {
            Some(Purpose::Bootstrap)
        } else if nvm.registration_pending() {
            Some(Purpose::Registration)
        } else if self.heartbeat_due_at().is_some_and(|at| at <= now.system) {
            Some(Purpose::Heartbeat)
        } else if nvm.report_pending {
            Some(Purpose::Report)
        } else {
            None
        }
    }

    /// The next moment, in system time, at which a contact may become due by itself.
    pub(in crate::module) fn next_contact_at(&self) -> Option<Timestamp> {
        if self.security.contact.is_some() || self.security.refused || !self.is_connected() {
            return None;
        }
        let ready = self.readiness?.security;
        let nvm = &self.nvm.security;
        let at = if let Some(demand) = &self.security.demand {
            demand.next_try
        } else {
            let waiting = !nvm.is_bootstrapped() || nvm.registration_pending() || nvm.report_pending;
            let due = if waiting { ready } else { self.heartbeat_due_at()? };
            self.security.schedule.retry_at().map_or(due, |retry| due.max(retry))
        };
        self.profile.security.is_some().then_some(at.max(ready))
    }
}
