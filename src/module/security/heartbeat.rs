//! The security heartbeat: its period, its limit, and the blocking exchange a command waits for.
//!
//! 1. `AT+USECCONN` (or a command that finds a heartbeat due) makes a [`Demand`].
//! 2. The demand is tried until it succeeds or its time limit is reached; an exchange already
//!    going on is joined.
//! 3. When the heartbeat request is handed to the link the time is stored: that is *sent*.
//! 4. The end is an [`Outcome`] with the demand's number, for whoever waits.

use crate::module::Module;
use crate::module::security::{Failure, Phase, Purpose};
use crate::time::{Now, Timestamp};

/// Pause between two attempts of a demanded heartbeat, in milliseconds. `designed`
const DEMAND_PAUSE_MS: i64 = 2_000;

/// A heartbeat somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Which one: outcomes carry the same number.
    pub number: u32,
    /// When it is aborted, in system time.
    pub deadline: Timestamp,
    /// When it is tried next, in system time.
    pub next_try: Timestamp,
    /// The heartbeat was answered; only its report is missing.
    pub answered: bool,
    /// Given up after the first attempt: a heartbeat that runs before a security command.
    pub once: bool,
}

/// How a demanded heartbeat ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of which demand, and of all before it.
    pub number: u32,
    /// Applied and reported, or why not.
    pub result: Result<(), Failure>,
}

/// Why `AT+USECCONN` is refused at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatRefusal {
    /// The root of trust is not ready yet.
    Busy,
    /// Not bootstrapped yet.
    NotBootstrapped,
    /// Within the limit of the last one sent, or the elapsed time is negative.
    TooSoon,
    /// No data connection.
    NoConnection,
    /// The service's name does not resolve.
    Dns,
    /// Refused as a clone before.
    Refused,
}

impl Module {
    /// `AT+USECCONN`: joins the heartbeat that is going on, or demands one.
    ///
    /// Returns the number to wait for with [`Module::heartbeat_outcome`].
    pub fn request_heartbeat(&mut self, now: Now) -> Result<u32, HeartbeatRefusal> {
        if !self.is_security_ready(now) {
            return Err(HeartbeatRefusal::Busy);
        }
        if !self.nvm.security.is_bootstrapped() {
            return Err(HeartbeatRefusal::NotBootstrapped);
        }
        if self.security.refused {
            return Err(HeartbeatRefusal::Refused);
        }
        if let Some(demand) = &mut self.security.demand {
            demand.once = false;
            return Ok(demand.number);
        }
        let running = self.security.contact.as_ref().map(|contact| contact.purpose());
        if running != Some(Purpose::Heartbeat) {
            self.check_heartbeat_limit(now)?;
            if !self.is_connected() {
                return Err(HeartbeatRefusal::NoConnection);
            }
            if !self.service_resolves {
                return Err(HeartbeatRefusal::Dns);
            }
        }
        Ok(self.demand_heartbeat(false, now))
    }

    /// Runs a heartbeat before a security command, if one is due and the last attempt is not too
    /// recent. Returns the number to wait for.
    pub fn request_due_heartbeat(&mut self, now: Now) -> Option<u32> {
        let nvm = &self.nvm.security;
        let due = nvm.change_announced
            || nvm.new_key_set_wanted
            || self.heartbeat_due_at().is_some_and(|at| at <= now.system);
        let possible = nvm.is_bootstrapped()
            && self.is_security_ready(now)
            && self.is_connected()
            && self.service_resolves
            && !self.security.refused;
        if let (true, Some(demand)) = (due && possible, &self.security.demand) {
            return Some(demand.number);
        }
        (due && possible && self.security.schedule.allows(now.system))
            .then(|| self.demand_heartbeat(true, now))
    }

    /// How the demanded heartbeat of this number ended; none while it goes on.
    pub fn heartbeat_outcome(&self, number: u32) -> Option<Result<(), Failure>> {
        let outcome = self.security.outcome.as_ref()?;
        (outcome.number >= number).then(|| outcome.result.clone())
    }

    /// When the automatic heartbeat is due, in system time.
    ///
    /// It counts from the last answered one (or the bootstrap). A moment in the future counts as
    /// due now, so that a clock once wrong starves nobody; a lost clock makes nothing due.
    pub fn heartbeat_due_at(&self) -> Option<Timestamp> {
        let nvm = &self.nvm.security;
        let rtc = &self.nvm.rtc;
        if rtc.lost {
            return None;
        }
        let answered = nvm.heartbeat_answered_at.or(nvm.bootstrapped_at)?;
        let period_ms = i64::from(nvm.applied.heartbeat_period_s) * 1000;
        let due = rtc.system_at(answered.offset_millis(period_ms));
        let in_the_future = rtc.system_at(answered) > self.seen;
        Some(if in_the_future { self.seen } else { due })
    }

    fn check_heartbeat_limit(&self, now: Now) -> Result<(), HeartbeatRefusal> {
        let limit_s = self.profile.security.as_ref().map_or(0, |facts| facts.heartbeat_limit_s);
        let Some(sent) = self.nvm.security.heartbeat_sent_at else {
            return Ok(());
        };
        let elapsed_ms = self.nvm.rtc.at(now.system).millis_since(sent);
        if elapsed_ms < i64::from(limit_s) * 1000 { Err(HeartbeatRefusal::TooSoon) } else { Ok(()) }
    }

    fn demand_heartbeat(&mut self, once: bool, now: Now) -> u32 {
        let timeout_s = self.profile.security.as_ref().map_or(0, |facts| facts.heartbeat_timeout_s);
        self.security.demands += 1;
        let number = self.security.demands;
        let deadline = now.system.offset_millis(i64::from(timeout_s) * 1000);
        // One that is joined may be past its answer already: then only its report is missing.
        let answered = self.security.contact.as_ref().is_some_and(|contact| {
            let phase = contact.phase();
            contact.purpose() == Purpose::Heartbeat && !matches!(phase, Phase::Heartbeat | Phase::Certificate)
        });
        self.security.demand = Some(Demand { number, deadline, next_try: now.system, answered, once });
        self.begin_due_contact(now);
        number
    }

    /// The attempt of a demand failed: tries again, or gives up where that is hopeless.
    pub(in crate::module) fn demand_failed(&mut self, failure: &Failure, now: Now) {
        let Some(demand) = &mut self.security.demand else {
            return;
        };
        let hopeless = matches!(failure, Failure::NoConnection | Failure::Dns | Failure::Clone);
        if hopeless || demand.once {
            self.end_demand(Err(failure.clone()));
        } else {
            demand.next_try = now.system.offset_millis(DEMAND_PAUSE_MS);
        }
    }

    /// Ends the demand, if there is one.
    pub(in crate::module) fn end_demand(&mut self, result: Result<(), Failure>) {
        if let Some(demand) = self.security.demand.take() {
            self.security.outcome = Some(Outcome { number: demand.number, result });
        }
    }
}
