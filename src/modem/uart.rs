//! [`Uart`]: the V.24 interface of one port, where it has one: rate, lines, flow control.
//!
//! 1. What the DTE shows beside data comes as a [`Dte`]. A port without lines shows the default.
//! 2. Bytes come through [`Uart::receive`] and leave through [`Uart::transmit`]: at the wrong rate
//!    they are garbage, and while the DTE holds them back they wait.
//! 3. When the interpreter is idle, so behind the `OK` of `+IPR`, a new rate is in force.
//! 4. What the module shows beside data is a [`Dce`], told whenever it changes.
//!
//! **A rate counts only once a host chose one with `+IPR`** (now, or stored by `AT&W`): most host
//! programs open a pseudo-terminal or a socket without a thought of rates, and whoever never asked
//! for one meets no garbage. `designed`

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU32;

use super::mismatch::{garbage, match_each_other};
use crate::at::Settings;
use crate::module::settings::Interface;

/// The rate where nobody chose one and nothing tells (driver: `+IPR?` never shows 0).
const USUAL_RATE: NonZeroU32 = NonZeroU32::new(115_200).expect("not zero");

/// Most bytes that wait while the DTE holds them back; what comes then is lost. `designed`
const HELD_OUTPUT_MAX: usize = 16 * 1024;

/// The characters of software flow control: DC1 and DC3.
const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// What the DTE shows beside data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dte {
    /// Its rate in bits per second; none where a port has no rate, or nobody set one.
    pub rate_bps: Option<NonZeroU32>,
    /// Circuit 108/2 (DTR).
    pub dtr: bool,
    /// Circuit 133 (RTS as V.24 uses it today): the DTE takes data.
    pub rts: bool,
}

impl Default for Dte {
    /// A port without lines: everything is on.
    fn default() -> Self {
        Self { rate_bps: None, dtr: true, rts: true }
    }
}

/// What the module shows beside data. Circuit 125 (RI) is not among it: nothing rings here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dce {
    /// The rate in force, in bits per second.
    pub rate_bps: NonZeroU32,
    /// Circuit 106 (CTS): the module takes data.
    pub cts: bool,
    /// Circuit 107 (DSR).
    pub dsr: bool,
    /// Circuit 109 (DCD).
    pub dcd: bool,
}

impl Default for Dce {
    /// A module without power.
    fn default() -> Self {
        Self { rate_bps: USUAL_RATE, cts: false, dsr: false, dcd: false }
    }
}

/// The V.24 interface of one port.
#[derive(Debug, Default)]
pub(super) struct Uart {
    dte: Dte,
    rate: Rate,
    /// What `rate` follows: `+IPR`, and whether a host chose it.
    setting: (u32, bool),
    output: VecDeque<Vec<u8>>,
    output_len: usize,
    /// The DTE sent XOFF.
    stopped: bool,
    /// XOFF was sent to the DTE.
    stopping: bool,
    shown: Dce,
}

/// The rate the module speaks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rate {
    /// That of the DTE, whatever it is.
    #[default]
    Any,
    /// This one.
    Fixed(NonZeroU32),
    /// Not known yet: the first `AT` or `at` tells (manual). The last character, where it was an `A`.
    Searching(Option<u8>),
}

impl Uart {
    /// The interface at power-on, with what `AT&W` stored.
    pub(super) fn reset(&mut self, interface: &Interface) {
        *self = Self { dte: self.dte, shown: self.shown, ..Self::default() };
        self.adopt(interface);
    }

    /// What the DTE shows has changed.
    ///
    /// A drop of circuit 108/2 has no action in command state, whatever `&D` says (manual:
    /// UBX-17003787, `&D`: it is about data calls), and there is no data call here.
    pub(super) fn set_dte(&mut self, dte: Dte) {
        self.dte = dte;
    }

    /// `+IPR` as it is set now is in force from here on.
    pub(super) fn adopt(&mut self, interface: &Interface) {
        let setting = (interface.rate_bps, interface.rate_chosen);
        if setting == self.setting {
            return;
        }
        self.setting = setting;
        self.rate = match (NonZeroU32::new(interface.rate_bps), interface.rate_chosen) {
            (_, false) => Rate::Any,
            (Some(rate), true) => Rate::Fixed(rate),
            (None, true) => Rate::Searching(None),
        };
    }

    /// What autobauding found, for `+IPR?`.
    pub(super) fn detected_bps(&self) -> u32 {
        match self.rate {
            Rate::Fixed(rate) => rate.get(),
            Rate::Any => self.dte.rate_bps.unwrap_or(USUAL_RATE).get(),
            Rate::Searching(_) => USUAL_RATE.get(),
        }
    }

    /// What the module receives of what the DTE sent; `detectable` are the rates that autobauding
    /// finds, in bits per second.
    pub(super) fn receive<'a>(
        &mut self,
        sent: &'a [u8],
        settings: &Settings,
        detectable: &BTreeSet<u32>,
    ) -> Cow<'a, [u8]> {
        let received = match (self.rate, self.dte.rate_bps) {
            (Rate::Fixed(own), Some(other)) if !match_each_other(other, own) => {
                Cow::Owned(garbage(sent, other, own))
            }
            (Rate::Any | Rate::Fixed(_), _) => Cow::Borrowed(sent),
            (Rate::Searching(last), _) => Cow::Owned(self.search(last, sent, detectable)),
        };
        if settings.has_software_flow_control() { self.take_flow_characters(received) } else { received }
    }

    /// Everything is passed over until `AT` or `at` tells the rate: `At` and `aT` do not (manual).
    fn search(&mut self, mut last: Option<u8>, sent: &[u8], detectable: &BTreeSet<u32>) -> Vec<u8> {
        let found = match self.dte.rate_bps {
            None => Rate::Any,
            Some(rate) => {
                let listed = detectable.iter().filter_map(|listed| NonZeroU32::new(*listed));
                let Some(rate) = listed.into_iter().find(|listed| match_each_other(rate, *listed)) else {
                    self.rate = Rate::Searching(None);
                    return Vec::new();
                };
                Rate::Fixed(rate)
            }
        };
        for (at, byte) in sent.iter().enumerate() {
            if let (Some(first @ b'A'), b'T') | (Some(first @ b'a'), b't') = (last, byte) {
                self.rate = found;
                return [&[first], &sent[at..]].concat();
            }
            last = Some(*byte).filter(|byte| matches!(byte, b'A' | b'a'));
        }
        self.rate = Rate::Searching(last);
        Vec::new()
    }

    /// XON and XOFF are no data under software flow control (manual).
    fn take_flow_characters<'a>(&mut self, received: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        match received.iter().rfind(|byte| matches!(**byte, XON | XOFF)) {
            None => received,
            Some(last) => {
                self.stopped = *last == XOFF;
                received.iter().copied().filter(|byte| !matches!(*byte, XON | XOFF)).collect()
            }
        }
    }

    /// One echo, line, URC or prompt for the DTE, to be taken with [`Uart::poll_output`].
    pub(super) fn transmit(&mut self, bytes: Vec<u8>) {
        let bytes = match (self.rate, self.dte.rate_bps) {
            (Rate::Fixed(own), Some(other)) if !match_each_other(own, other) => garbage(&bytes, own, other),
            // At which rate, nobody knows.
            (Rate::Searching(_), Some(_)) => return,
            _ => bytes,
        };
        if self.output_len + bytes.len() <= HELD_OUTPUT_MAX || self.output.is_empty() {
            self.output_len += bytes.len();
            self.output.push_back(bytes);
        }
    }

    /// The next bytes for the DTE, unless it holds them back.
    pub(super) fn poll_output(&mut self, settings: &Settings) -> Option<Vec<u8>> {
        let held = (settings.has_hardware_flow_control() && !self.dte.rts)
            || (settings.has_software_flow_control() && self.stopped);
        if held {
            return None;
        }
        let bytes = self.output.pop_front()?;
        self.output_len -= bytes.len();
        Some(bytes)
    }

    /// XON or XOFF for the DTE; `full` is whether there is hardly room for more input.
    pub(super) fn poll_flow_character(&mut self, full: bool, settings: &Settings) -> Option<Vec<u8>> {
        let stopping = full && settings.has_software_flow_control();
        let changed = std::mem::replace(&mut self.stopping, stopping) != stopping;
        changed.then(|| vec![if stopping { XOFF } else { XON }])
    }

    /// What the module shows, where that has changed; `ready` is whether it answers commands.
    ///
    /// Everything is off while it does not (designed: the lines are without a driver then). CTS is
    /// on, but for hardware flow control with hardly any room. DSR is always on under `&S0`, under
    /// `&S1` in data state; DCD is always on under `&C0`, under `&C1` with a carrier (manual), and
    /// there is no data call here.
    pub(super) fn poll_dce(&mut self, ready: bool, full: bool, settings: &Settings) -> Option<Dce> {
        let dce = Dce {
            rate_bps: match self.rate {
                Rate::Fixed(rate) => rate,
                Rate::Any | Rate::Searching(_) => NonZeroU32::new(self.setting.0).unwrap_or(USUAL_RATE),
            },
            cts: ready && !(full && settings.has_hardware_flow_control()),
            dsr: ready && settings.circuit_107 == 0,
            dcd: ready && settings.circuit_109 == 0,
        };
        (std::mem::replace(&mut self.shown, dce) != dce).then_some(dce)
    }
}

#[cfg(test)]
#[path = "uart_tests.rs"]
mod tests;
