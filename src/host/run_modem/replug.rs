//! Pseudo-terminals that come and go with the module, as the ports of a USB device do.
//!
//! 1. The module goes off, resets or sleeps: nothing passes its pseudo-terminals any more.
//! 2. Once the last answer has been read, or a little later, their links go, then they do, and host
//!    programs meet a hang-up. A link is never there without its terminal: the number may soon be
//!    that of somebody else's.
//! 3. When the module answers again there are new ones, and the links point to them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ModemHost;
use super::trace::SerialTrace;
use crate::host::clock::Clock;
use crate::host::error::HostError;
use crate::host::port::Port;
use crate::host::pty::{Pty, StandsFor};
use crate::host::tty_link::TtyLink;
use crate::module::Event;
use crate::module::power::Power;

/// How long the kernel has to pass the last answer on, before anybody looks whether it was read.
const LOOK_AFTER: Duration = Duration::from_millis(20);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long a host program has to read the last answer. `designed`
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the pseudo-terminals of a module are.
#[derive(Debug, Default)]
pub(super) struct Replug {
    state: State,
    /// The module answers, or will while they are still on their way.
    back: bool,
    mode: Option<u32>,
    links: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// They never go.
    #[default]
    Fixed,
    Plugged,
    /// They go at the latest then, and it is looked again then.
    Leaving {
        until: Instant,
        look: Instant,
    },
    Gone,
}

impl Replug {
    /// With `--replug`: the permissions of the terminals, and their links.
    pub(super) fn new(mode: Option<u32>, links: &[TtyLink]) -> Self {
        let links = links.iter().map(|link| link.path().to_owned()).collect();
        Self { state: State::Plugged, back: true, mode, links }
    }

    /// How long until somebody has to look.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self.state {
            State::Leaving { look, .. } => {
                Some(look.saturating_duration_since(Clock::real_in(Duration::ZERO)))
            }
            _ => None,
        }
    }
}

impl ModemHost {
    /// What a module's event does to its pseudo-terminals.
    pub(super) fn replug_on(&mut self, event: &Event) -> Result<(), HostError> {
        match event {
            Event::PoweredOff { .. } | Event::PowerSaving(true) => self.leave(),
            Event::Booted => self.come_back()?,
            _ => {}
        }
        Ok(())
    }

    /// A power cut is no event of the module.
    pub(super) fn replug_on_power_cut(&mut self) {
        if self.modem.module().power() == Power::Off {
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.replug.back = false;
        if let State::Plugged = self.replug.state {
            self.ports.iter_mut().for_each(Port::leave);
            let (until, look) = (Clock::real_in(PATIENCE), Clock::real_in(LOOK_AFTER));
            self.replug.state = State::Leaving { until, look };
        }
    }

    fn come_back(&mut self) -> Result<(), HostError> {
        self.replug.back = true;
        if let State::Gone = self.replug.state { self.plug() } else { Ok(()) }
    }

    /// Unplugs what is due to go.
    pub(super) fn replug_if_due(&mut self) -> Result<(), HostError> {
        let State::Leaving { until, look } = self.replug.state else { return Ok(()) };
        let now = Clock::real_in(Duration::ZERO);
        if now < look {
            return Ok(());
        }
        if now < until && self.ports.iter().any(Port::is_unread) {
            self.replug.state = State::Leaving { until, look: Clock::real_in(LOOK_EVERY) };
            return Ok(());
        }
        // Links are removed with their values, and go first.
        self.links.clear();
        self.ports.iter_mut().for_each(Port::unplug);
        self.replug.state = State::Gone;
        if self.replug.back { self.plug() } else { Ok(()) }
    }

    fn plug(&mut self) -> Result<(), HostError> {
        let mut links = self.replug.links.iter();
        for (index, port) in self.ports.iter_mut().enumerate() {
            let Port::Unplugged = port else { continue };
            let Some(link) = links.next() else { continue };
            let pty = Pty::open(self.replug.mode, StandsFor::Usb)
                .map_err(|error| HostError::running(format_args!("pty: {error}")))?;
            tracing::info!("{} is {}", link.display(), pty.path().display());
            self.links.push(TtyLink::make(link, pty.path(), self.state.path())?);
            self.traces[index] = SerialTrace::new(pty.path().display().to_string());
            *port = Port::Pty(pty);
        }
        self.replug.state = State::Plugged;
        Ok(())
    }
}
