//! Registration, attach and data connection of a [`Module`]: what is asked for, and what follows.

use std::collections::BTreeSet;

use crate::module::network::{Cause, INACTIVITY_MS, Operator, Registration};
use crate::module::packet::{ContextRefusal, DEFAULT_CID};
use crate::module::radio::Direction;
use crate::module::security::Failure;
use crate::module::{Event, IpVersion, Module, Timing};
use crate::profile::Rat;
use crate::time::{Now, Timestamp};

/// Header of an IPv4 packet with a UDP datagram, in bytes.
const HEADERS_V4: u64 = 20 + 8;
/// Header of an IPv6 packet with a UDP datagram, in bytes.
const HEADERS_V6: u64 = 40 + 8;

impl Module {
    // ---- registration -----------------------------------------------------------------------

    /// Coverage came or went.
    pub fn set_coverage(&mut self, coverage: bool, now: Now) {
        self.see(now);
        self.network.coverage = coverage;
        self.settle(now);
    }

    /// These networks have cells here, wherever there is coverage at all; no other has.
    pub fn set_networks(&mut self, around: Vec<&'static Operator>, now: Now) {
        self.see(now);
        self.network.around = around;
        self.settle(now);
    }

    /// `AT+COPS=0`, `1`, `2` or `4`: how the network is chosen, and which by hand. What is so
    /// already stays as it is.
    pub fn request_operator(&mut self, mode: u8, chosen: Option<&'static Operator>, now: Now) {
        self.network.operator_mode = mode;
        self.network.chosen = chosen;
        self.network.retry = true;
        self.settle(now);
    }

    /// How `AT+COPS?` shows the operator.
    pub fn set_operator_format(&mut self, format: u8) {
        self.network.operator_format = format;
    }

    /// When a search of so many milliseconds ends.
    pub fn search_ends_at(&self, milliseconds: u32, now: Now) -> Timestamp {
        match self.timing {
            Timing::Fast => now.system,
            Timing::Module => now.system.offset_millis(i64::from(milliseconds)),
        }
    }

    pub(in crate::module) fn search_if_due(&mut self, now: Now) {
        if self.network.found_at.is_some_and(|at| at <= now.system) {
            let before = self.network.state;
            let state = self.network.finish_search(self.default_refusal());
            if state != before {
                self.registration_changed(state, now);
            }
            self.settle(now);
        }
    }

    // ---- packet -----------------------------------------------------------------------------

    /// `AT+CGATT=0` or `1`. What the network has against it is among its causes then.
    pub fn request_attach(&mut self, attach: bool, now: Now) {
        self.packet.detach_wanted = !attach;
        self.network.retry |= attach;
        self.settle(now);
        if let Some(cause) = self.default_refusal()
            && attach
            && self.network.is_registered()
            && !self.packet.attached
        {
            self.network.causes = vec![cause];
        }
    }

    /// `AT+CGACT`: activates or deactivates a context.
    ///
    /// # Errors
    /// It can't be activated.
    pub fn request_context(&mut self, cid: u8, activate: bool, now: Now) -> Result<(), ContextRefusal> {
        if activate && !self.packet.active.contains(&cid) {
            let room = self.packet.active.len() < usize::from(self.profile.packet.active_max);
            if !self.packet.attached || !room {
                return Err(ContextRefusal::NotNow);
            }
            if let Some(cause) = self.nvm.packet.refusal(cid) {
                self.network.causes = vec![cause];
                return Err(ContextRefusal::Network(cause));
            }
        }
        self.switch_context(cid, activate, false, now);
        Ok(())
    }

    /// The network deactivates a context.
    pub fn lose_context(&mut self, cid: u8, now: Now) {
        self.see(now);
        self.switch_context(cid, false, true, now);
    }

    fn switch_context(&mut self, cid: u8, activate: bool, by_network: bool, now: Now) {
        let changed = match activate {
            true => self.packet.active.insert(cid),
            false => self.packet.active.remove(&cid),
        };
        if changed {
            self.note_context(cid, activate, by_network, now);
        }
        self.settle(now);
    }

    /// `AT+UPSDA=<profile>,3`: activates a profile of the module's own IP stack, and its context.
    ///
    /// # Errors
    /// Its context can't be activated.
    pub fn request_internal_profile(&mut self, number: u8, now: Now) -> Result<(), ContextRefusal> {
        let profile = self.packet.internal_profile(number);
        let cid = profile.cid;
        match self.nvm.packet.context(cid) {
            Some(context) if !profile.fits(&context.pdp_type) => return Err(ContextRefusal::IpType),
            Some(_) if !self.packet.active_profiles.contains(&number) => {}
            _ => return Err(ContextRefusal::NotNow),
        }
        self.request_context(cid, true, now)?;
        self.packet.active_profiles.insert(number);
        self.note(Event::InternalProfile { profile: number, active: true });
        Ok(())
    }

    /// `AT+UPSDA=<profile>,4`: deactivates a profile; its context stays. False if it was not active.
    pub fn release_internal_profile(&mut self, number: u8) -> bool {
        self.packet.active_profiles.remove(&number)
    }

    /// `AT+UPSD`, `AT+UPSDA=<profile>,0` and `2`: changes a profile.
    pub fn set_internal_profile(&mut self, profile: crate::module::packet::InternalProfile) {
        self.packet.internal_profiles.insert(profile.number, profile);
    }

    /// `AT+UGCNTSET`: sets the totals of a context, in bytes, and begins its session anew.
    pub fn set_counter(&mut self, cid: u8, total_up: u64, total_down: u64) {
        let counter = self.packet.counters.entry(cid).or_default();
        (counter.total_up, counter.total_down) = (total_up, total_down);
        counter.begin_session();
    }

    /// A datagram passes over the data connection.
    pub(in crate::module) fn count_datagram(&mut self, direction: Direction, payload: usize, now: Now) {
        self.connect_radio(now);
        let headers = match self.ip {
            IpVersion::V4 => HEADERS_V4,
            IpVersion::V6 => HEADERS_V6,
        };
        let bytes = headers + u64::try_from(payload).unwrap_or(u64::MAX - headers);
        self.packet.counters.entry(DEFAULT_CID).or_default().count(direction, bytes);
    }

    // ---- what follows -----------------------------------------------------------------------

    /// Lets registration, attach and data connection follow what was asked for.
    pub(in crate::module) fn settle(&mut self, now: Now) {
        let search = (self.timing == Timing::Module)
            .then(|| self.network.rat_facts(&self.profile))
            .flatten()
            .map(|facts| now.system.offset_millis(i64::from(facts.registration_ms)));
        let refusal = self.default_refusal();
        if let Some(state) = self.network.settle(search, refusal) {
            self.registration_changed(state, now);
        }
        let (attached, active) = (self.packet.attached, self.packet.active.clone());
        let needs_context = self.network.rat != Rat::Gsm;
        self.packet.settle(self.network.is_registered(), refusal.is_some(), needs_context);
        if attached && !self.packet.attached {
            let asked = self.packet.detach_wanted || !self.network.wanted || self.network.operator_mode == 2;
            self.note(Event::Detached { by_network: !asked });
        }
        self.contexts_changed(&active, now);
        self.connection_changed(now);
    }

    /// What the network has against the default context.
    fn default_refusal(&self) -> Option<Cause> {
        self.nvm.packet.refusal(DEFAULT_CID)
    }

    fn registration_changed(&mut self, state: Registration, now: Now) {
        self.note(Event::Registration(state));
        if !self.network.is_registered() {
            self.release_radio();
            return;
        }
        self.connect_radio(now);
        let rtc = &mut self.nvm.rtc;
        if self.nvm.network.time_zone_update && (rtc.lost || rtc.offset_ms != 0) {
            rtc.set(now.system, now.system);
            self.note(Event::ClockSet(now.system));
            self.save();
        }
        self.note(Event::NetworkTime(now.system));
    }

    /// Tells of contexts that came and went with the attach; of those that went only their
    /// profiles, since the detach says it of all.
    fn contexts_changed(&mut self, before: &BTreeSet<u8>, now: Now) {
        let active = self.packet.active.clone();
        for cid in active.difference(before).copied() {
            self.note_context(cid, true, false, now);
        }
        for cid in before.difference(&active).copied() {
            self.lose_profiles_of(cid);
        }
    }

    fn note_context(&mut self, cid: u8, active: bool, by_network: bool, now: Now) {
        self.note(Event::Context { cid, active, by_network });
        self.connect_radio(now);
        if active {
            self.packet.counters.entry(cid).or_default().begin_session();
        } else {
            self.lose_profiles_of(cid);
        }
    }

    fn lose_profiles_of(&mut self, cid: u8) {
        for profile in self.packet.active_profiles.clone() {
            if self.packet.internal_profile(profile).cid == cid {
                self.packet.active_profiles.remove(&profile);
                self.note(Event::InternalProfile { profile, active: false });
            }
        }
    }

    fn connection_changed(&mut self, now: Now) {
        let connected = self.is_connected();
        if connected == std::mem::replace(&mut self.connected, connected) {
            return;
        }
        self.note(Event::DataConnection(connected));
        if connected {
            self.begin_due_contact(now);
        } else {
            self.radio.clear();
            self.fail_contact(Failure::NoConnection, now);
            self.end_demand(Err(Failure::NoConnection));
        }
    }

    // ---- radio connection -------------------------------------------------------------------

    /// Something passes: the radio connection is there, and stays for a while.
    fn connect_radio(&mut self, now: Now) {
        let until = now.system.offset_millis(INACTIVITY_MS);
        if self.network.connected_until.replace(until).is_none() {
            self.note(Event::RadioConnection(true));
        }
    }

    pub(in crate::module) fn release_radio_if_due(&mut self, now: Now) {
        if self.network.connected_until.is_some_and(|at| at <= now.system) {
            self.release_radio();
        }
    }

    fn release_radio(&mut self) {
        if self.network.connected_until.take().is_some() {
            self.note(Event::RadioConnection(false));
        }
    }
}
