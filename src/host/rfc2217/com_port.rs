//! [`ComPort`]: what a client sets and reads of the port by the Com Port Control option (RFC 2217).

use std::num::NonZeroU32;

use super::telnet::{COM_PORT, IAC, SB, SE, escaped};
use crate::modem::{Dce, Dte};

/// The rate that a client reads before it has set one, in bits per second.
const RATE: u32 = 115_200;

/// Commands of the client; what the server says has 100 added.
mod command {
    pub(super) const SIGNATURE: u8 = 0;
    pub(super) const SET_BAUDRATE: u8 = 1;
    pub(super) const SET_DATASIZE: u8 = 2;
    pub(super) const SET_PARITY: u8 = 3;
    pub(super) const SET_STOPSIZE: u8 = 4;
    pub(super) const SET_CONTROL: u8 = 5;
    pub(super) const NOTIFY_LINESTATE: u8 = 6;
    pub(super) const NOTIFY_MODEMSTATE: u8 = 7;
    pub(super) const FLOWCONTROL_SUSPEND: u8 = 8;
    pub(super) const FLOWCONTROL_RESUME: u8 = 9;
    pub(super) const SET_LINESTATE_MASK: u8 = 10;
    pub(super) const SET_MODEMSTATE_MASK: u8 = 11;
    pub(super) const PURGE_DATA: u8 = 12;
    pub(super) const OF_SERVER: u8 = 100;
}

/// Values of SET-CONTROL.
mod control {
    pub(super) const FLOW: u8 = 0;
    pub(super) const NO_FLOW: u8 = 1;
    pub(super) const HARDWARE_FLOW: u8 = 3;
    pub(super) const BREAK: u8 = 4;
    pub(super) const BREAK_ON: u8 = 5;
    pub(super) const BREAK_OFF: u8 = 6;
    pub(super) const DTR: u8 = 7;
    pub(super) const DTR_ON: u8 = 8;
    pub(super) const DTR_OFF: u8 = 9;
    pub(super) const RTS: u8 = 10;
    pub(super) const RTS_ON: u8 = 11;
    pub(super) const RTS_OFF: u8 = 12;
    pub(super) const INBOUND_FLOW: u8 = 13;
    pub(super) const NO_INBOUND_FLOW: u8 = 14;
    pub(super) const INBOUND_HARDWARE_FLOW: u8 = 16;
    /// By DCD, DTR or DSR: not to be had.
    pub(super) const OTHER_FLOW: std::ops::RangeInclusive<u8> = 17..=19;
}

/// Bits of NOTIFY-MODEMSTATE; the four below say which of these changed.
mod modem_state {
    pub(super) const CTS: u8 = 16;
    pub(super) const DSR: u8 = 32;
    pub(super) const DCD: u8 = 128;
}

/// What a client wants emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purge {
    /// What the module wrote and the client has not got.
    pub(super) output: bool,
    /// What the client wrote and the module has not got.
    pub(super) input: bool,
}

/// The port as the client of the moment has set it.
///
/// Frames and break are accepted and told back; there is no line that could carry them.
#[derive(Debug)]
pub(super) struct ComPort {
    dte: Dte,
    dce: Dce,
    data_size: u8,
    parity: u8,
    stop_size: u8,
    flow: u8,
    inbound_flow: u8,
    is_break: bool,
    modem_state_mask: u8,
    line_state_mask: u8,
    /// The modem state that the client knows.
    notified: u8,
    suspended: bool,
}

impl ComPort {
    /// As a client finds it; with nobody there DTR is off, and output goes where it is lost.
    pub(super) fn new(dce: Dce, connected: bool) -> Self {
        Self {
            dte: Dte { dtr: connected, ..Dte::default() },
            dce,
            data_size: 8,
            parity: 1,
            stop_size: 1,
            flow: control::NO_FLOW,
            inbound_flow: control::NO_INBOUND_FLOW,
            is_break: false,
            modem_state_mask: 0xff,
            line_state_mask: 0,
            notified: 0,
            suspended: false,
        }
    }

    /// What the client shows.
    pub(super) fn dte(&self) -> Dte {
        self.dte
    }

    /// What the module shows.
    pub(super) fn dce(&self) -> Dce {
        self.dce
    }

    /// The client wants nothing sent.
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Hardware flow control keeps data from the module.
    pub(super) fn holds_input(&self) -> bool {
        self.flow == control::HARDWARE_FLOW && !self.dce.cts
    }

    /// What the module shows has changed; what the client is to be told.
    pub(super) fn set_dce(&mut self, dce: Dce) -> Option<Vec<u8>> {
        self.dce = dce;
        let changed = (self.modem_state() ^ self.notified) & self.modem_state_mask;
        (changed != 0).then(|| self.notification())
    }

    /// NOTIFY-MODEMSTATE: what there is, and what has changed since the last.
    pub(super) fn notification(&mut self) -> Vec<u8> {
        let state = self.modem_state();
        let changed = (state ^ std::mem::replace(&mut self.notified, state)) >> 4;
        reply(command::NOTIFY_MODEMSTATE, &[(state | changed) & self.modem_state_mask])
    }

    fn modem_state(&self) -> u8 {
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        bit(self.dce.cts, modem_state::CTS)
            | bit(self.dce.dsr, modem_state::DSR)
            | bit(self.dce.dcd, modem_state::DCD)
    }

    /// A subnegotiation, option first: any bytes. What is answered, and what is to be emptied.
    pub(super) fn handle(&mut self, subnegotiation: &[u8]) -> (Option<Vec<u8>>, Purge) {
        let [COM_PORT, code, parameters @ ..] = subnegotiation else { return Default::default() };
        let mut purge = Purge::default();
        let answer = match (*code, parameters) {
            (command::SIGNATURE, []) => concat!("vsara ", env!("CARGO_PKG_VERSION")).as_bytes().to_vec(),
            (command::SET_BAUDRATE, [a, b, c, d]) => self.set_rate(u32::from_be_bytes([*a, *b, *c, *d])),
            (command::SET_DATASIZE, [value]) => set(&mut self.data_size, *value, 5..=8),
            (command::SET_PARITY, [value]) => set(&mut self.parity, *value, 1..=5),
            (command::SET_STOPSIZE, [value]) => set(&mut self.stop_size, *value, 1..=3),
            (command::SET_CONTROL, [value]) => match self.set_control(*value) {
                Some(value) => vec![value],
                None => return Default::default(),
            },
            (command::NOTIFY_LINESTATE, _) => vec![0],
            (command::NOTIFY_MODEMSTATE, _) => return (Some(self.notification()), purge),
            (command::FLOWCONTROL_SUSPEND | command::FLOWCONTROL_RESUME, _) => {
                self.suspended = *code == command::FLOWCONTROL_SUSPEND;
                return Default::default();
            }
            (command::SET_LINESTATE_MASK, [mask]) => {
                self.line_state_mask = *mask;
                vec![self.line_state_mask]
            }
            (command::SET_MODEMSTATE_MASK, [mask]) => {
                self.modem_state_mask = *mask;
                vec![self.modem_state_mask]
            }
            (command::PURGE_DATA, [what @ 1..=3]) => {
                purge = Purge { output: what & 1 > 0, input: what & 2 > 0 };
                vec![*what]
            }
            _ => return Default::default(),
        };
        (Some(reply(*code, &answer)), purge)
    }

    fn set_rate(&mut self, rate: u32) -> Vec<u8> {
        self.dte.rate_bps = NonZeroU32::new(rate).or(self.dte.rate_bps);
        self.dte.rate_bps.map_or(RATE, NonZeroU32::get).to_be_bytes().to_vec()
    }

    /// A value that asks is answered as one that sets: by what is in force.
    fn set_control(&mut self, value: u8) -> Option<u8> {
        use control as c;
        match value {
            c::NO_FLOW..=c::HARDWARE_FLOW => {
                self.flow = value;
                self.inbound_flow = value - c::NO_FLOW + c::NO_INBOUND_FLOW;
            }
            c::BREAK_ON | c::BREAK_OFF => self.is_break = value == c::BREAK_ON,
            c::DTR_ON | c::DTR_OFF => self.dte.dtr = value == c::DTR_ON,
            c::RTS_ON | c::RTS_OFF => self.dte.rts = value == c::RTS_ON,
            c::NO_INBOUND_FLOW..=c::INBOUND_HARDWARE_FLOW => self.inbound_flow = value,
            _ => {}
        }
        match value {
            c::FLOW..=c::HARDWARE_FLOW => Some(self.flow),
            c::BREAK..=c::BREAK_OFF => Some(if self.is_break { c::BREAK_ON } else { c::BREAK_OFF }),
            c::DTR..=c::DTR_OFF => Some(if self.dte.dtr { c::DTR_ON } else { c::DTR_OFF }),
            c::RTS..=c::RTS_OFF => Some(if self.dte.rts { c::RTS_ON } else { c::RTS_OFF }),
            c::INBOUND_FLOW..=c::INBOUND_HARDWARE_FLOW => Some(self.inbound_flow),
            other if c::OTHER_FLOW.contains(&other) => Some(self.flow),
            _ => None,
        }
    }
}

/// Sets a value that is allowed; answers the one in force.
fn set(place: &mut u8, value: u8, allowed: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    if allowed.contains(&value) {
        *place = value;
    }
    vec![*place]
}

fn reply(code: u8, parameters: &[u8]) -> Vec<u8> {
    let head = [IAC, SB, COM_PORT, code + command::OF_SERVER];
    [&head[..], &escaped(parameters), &[IAC, SE]].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn port() -> ComPort {
        ComPort::new(Dce::default(), true)
    }

    #[track_caller]
    fn check(port: &mut ComPort, request: &[u8], answer: Option<&[u8]>) {
        let (said, _) = port.handle(&[&[COM_PORT], request].concat());
        let expected = answer.map(|answer| [&[IAC, SB, COM_PORT], answer, &[IAC, SE]].concat());
        assert_eq!(said, expected, "{request:?}");
    }

    #[test]
    fn what_is_set_is_answered_and_zero_asks() {
        let mut port = port();
        check(&mut port, &[1, 0, 0, 0, 0], Some(&[101, 0, 1, 0xc2, 0]));
        assert_eq!(port.dte().rate_bps, None, "asking is not setting");
        check(&mut port, &[1, 0, 0, 0x25, 0x80], Some(&[101, 0, 0, 0x25, 0x80]));
        assert_eq!(port.dte().rate_bps, NonZeroU32::new(9600));
        check(&mut port, &[1, 0, 0, 255, 255], Some(&[101, 0, 0, 255, 255, 255, 255]));
        for (code, fine, bad, first) in [(2, 7, 9, 8), (3, 3, 6, 1), (4, 2, 4, 1)] {
            check(&mut port, &[code, 0], Some(&[code + 100, first]));
            check(&mut port, &[code, fine], Some(&[code + 100, fine]));
            check(&mut port, &[code, bad], Some(&[code + 100, fine]));
        }
        check(&mut port, &[10, 16], Some(&[110, 16]));
        check(&mut port, &[12, 3], Some(&[112, 3]));
        check(&mut port, &[12, 4], None);
        check(&mut port, &[0], Some(&[&[100], "vsara 0.1.0".as_bytes()].concat()));
        check(&mut port, &[0, b'x'], None);
    }

    #[test]
    fn control_sets_lines_and_flow_control() {
        let mut port = port();
        let mut check = |value: u8, answer: u8| check(&mut port, &[5, value], Some(&[105, answer]));
        for (value, answer) in [(0, 1), (13, 14), (3, 3), (0, 3), (13, 16), (17, 3), (14, 14), (1, 1)] {
            check(value, answer);
        }
        for (value, answer) in
            [(4, 6), (5, 5), (4, 5), (6, 6), (7, 8), (9, 9), (7, 9), (10, 11), (12, 12), (10, 12)]
        {
            check(value, answer);
        }
        assert_eq!(port.dte(), Dte { rate_bps: None, dtr: false, rts: false });
        assert_eq!(port.handle(&[COM_PORT, 5, 20]), Default::default());
    }

    #[test]
    fn a_change_of_the_lines_is_told_once_and_only_where_it_is_wanted() {
        let mut port = port();
        let on = Dce { cts: true, dcd: true, ..Dce::default() };
        let told = |state: u8| Some(vec![IAC, SB, COM_PORT, 107, state, IAC, SE]);
        assert_eq!(port.set_dce(on), told(0x80 | 0x10 | 0x08 | 0x01));
        assert_eq!(port.set_dce(on), None);
        assert_eq!(port.handle(&[COM_PORT, 7]).0, told(0x80 | 0x10), "nothing has changed since");
        assert_eq!(port.set_dce(Dce { dcd: false, ..on }), told(0x10 | 0x08));
        check(&mut port, &[11, 0x20], Some(&[111, 0x20]));
        assert_eq!(port.set_dce(Dce::default()), None);
        assert_eq!(port.set_dce(Dce { dsr: true, ..on }), told(0x20));
    }

    proptest! {
        #[test]
        fn any_request_is_answered_shortly_or_not_at_all(
            requests in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..50),
        ) {
            let mut port = port();
            for request in requests {
                let request = [&[COM_PORT], &request[..]].concat();
                let (answer, _) = port.handle(&request);
                prop_assert!(answer.is_none_or(|answer| answer.len() <= 20));
            }
        }
    }
}
