//! What happens inside a module: the source of URCs, of the log and of the trace.

use std::fmt;

use crate::module::network::Registration;
use crate::module::security::{ChipToChipEvent, Failure, Phase, Purpose};
use crate::time::Timestamp;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The module answers commands from now on.
    Booted,
    /// An orderly power-off has ended.
    PoweredOff {
        /// The module comes up again by itself: it was a reset.
        restart: bool,
    },
    /// The module goes to sleep in PSM, or woke up from it.
    PowerSaving(bool),
    /// The network answered a request for eDRX.
    EdrxGranted,
    /// The registration state changed.
    Registration(Registration),
    /// The network told the time, UTC.
    NetworkTime(Timestamp),
    /// The radio connection (RRC) was set up or released.
    RadioConnection(bool),
    /// A PDP context was activated, or deactivated.
    Context {
        /// Which one.
        cid: u8,
        /// Whether it is active now.
        active: bool,
        /// The network did it, nobody asked for it.
        by_network: bool,
    },
    /// Detached from the packet domain, and all contexts with it.
    Detached {
        /// The network was lost, nobody asked for it.
        by_network: bool,
    },
    /// A profile of the module's own IP stack was activated, or lost its context.
    InternalProfile {
        /// Which one.
        profile: u8,
        /// Whether it is active now.
        active: bool,
    },
    /// The data connection came up or went away.
    DataConnection(bool),
    /// The real-time clock was set, to this moment.
    ClockSet(Timestamp),
    /// The module begins to talk to the security service.
    ContactBegan(Purpose),
    /// A request is stored and leaves now.
    PhaseBegan(Phase),
    /// Its answer was stored.
    PhaseEnded(Phase),
    /// Something of chip-to-chip security.
    ChipToChip {
        /// On which port, counted from 0, where it concerns one.
        port: Option<usize>,
        /// What.
        what: ChipToChipEvent,
    },
    /// The contact reached its end.
    ContactEnded(Purpose),
    /// The contact failed; the next attempt is due at this system time, if there is one.
    ContactFailed {
        /// What was attempted.
        purpose: Purpose,
        /// Why it failed.
        failure: Failure,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Booted => write!(f, "booted"),
            Event::PoweredOff { restart: false } => write!(f, "powered off"),
            Event::PoweredOff { restart: true } => write!(f, "reset"),
            Event::PowerSaving(true) => write!(f, "asleep in PSM"),
            Event::PowerSaving(false) => write!(f, "awake from PSM"),
            Event::EdrxGranted => write!(f, "eDRX granted"),
            Event::Registration(state) => write!(f, "registration: {state}"),
            Event::NetworkTime(moment) => write!(f, "network time {moment}"),
            Event::RadioConnection(true) => write!(f, "radio connection set up"),
            Event::RadioConnection(false) => write!(f, "radio connection released"),
            Event::Context { cid, active: true, .. } => write!(f, "context {cid} activated"),
            Event::Context { cid, active: false, by_network: false } => {
                write!(f, "context {cid} deactivated")
            }
            Event::Context { cid, active: false, by_network: true } => {
                write!(f, "context {cid} deactivated by the network")
            }
            Event::Detached { by_network: true } => write!(f, "detached: network lost"),
            Event::Detached { by_network: false } => write!(f, "detached"),
            Event::InternalProfile { profile, active: true } => {
                write!(f, "internal profile {profile} active")
            }
            Event::InternalProfile { profile, active: false } => write!(f, "internal profile {profile} lost"),
            Event::DataConnection(true) => write!(f, "data connection up"),
            Event::DataConnection(false) => write!(f, "data connection down"),
            Event::ClockSet(moment) => write!(f, "real-time clock set to {moment}"),
            Event::ContactBegan(purpose) => write!(f, "{purpose} begins"),
            Event::PhaseBegan(phase) => write!(f, "{phase}: request leaves"),
            Event::PhaseEnded(phase) => write!(f, "{phase}: answer stored"),
            Event::ChipToChip { port: None, what } => write!(f, "chip-to-chip: {what}"),
            Event::ChipToChip { port: Some(port), what } => {
                write!(f, "chip-to-chip on port {}: {what}", port + 1)
            }
            Event::ContactEnded(purpose) => write!(f, "{purpose} complete"),
            Event::ContactFailed { purpose, failure, retry_at: Some(at) } => {
                write!(f, "{purpose} failed: {failure}; next attempt at {at}")
            }
            Event::ContactFailed { purpose, failure, retry_at: None } => {
                write!(f, "{purpose} failed: {failure}")
            }
        }
    }
}
