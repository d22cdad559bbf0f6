//! Telnet (RFC 854, 855): data, commands and options in one stream of bytes.

use std::borrow::Cow;

/// "Interpret as command"; doubled, a byte of data.
pub(super) const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Begins a subnegotiation.
pub(super) const SB: u8 = 250;
/// Ends it.
pub(super) const SE: u8 = 240;

/// Binary transmission (RFC 856).
const BINARY: u8 = 0;
/// The server echoes (RFC 857): the module does, under `ATE1`.
const ECHO: u8 = 1;
/// No go-aheads (RFC 858).
const SUPPRESS_GO_AHEAD: u8 = 3;
/// RFC 2217.
pub(super) const COM_PORT: u8 = 44;

/// Longest subnegotiation that is looked at, in bytes; any longer one is passed over.
const SUBNEGOTIATION_MAX: usize = 256;

/// What a byte completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Nothing.
    Nothing,
    /// A byte of data.
    Data(u8),
    /// WILL, WONT, DO or DONT with an option.
    Negotiation(u8, u8),
    /// A subnegotiation: [`Decoder::subnegotiation`].
    Subnegotiation,
}

/// Takes the stream apart, byte by byte; any bytes.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    subnegotiation: Vec<u8>,
    /// The last byte of data was a CR.
    after_cr: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    Command,
    Negotiation(u8),
    Subnegotiation,
    SubnegotiationCommand,
}

impl Decoder {
    /// Takes a byte. Unless the client sends `binary`, the NUL after a CR is no data (RFC 854).
    pub(super) fn take(&mut self, byte: u8, binary: bool) -> Item {
        let (state, item) = match (self.state, byte) {
            (State::Data, IAC) => (State::Command, Item::Nothing),
            (State::Data, byte) => (State::Data, self.data(byte, binary)),
            (State::Command, IAC) => (State::Data, self.data(IAC, binary)),
            (State::Command, WILL | WONT | DO | DONT) => (State::Negotiation(byte), Item::Nothing),
            (State::Command, SB) => {
                self.subnegotiation.clear();
                (State::Subnegotiation, Item::Nothing)
            }
            // Break, are-you-there and the like mean nothing to a module.
            (State::Command, _) => (State::Data, Item::Nothing),
            (State::Negotiation(verb), option) => (State::Data, Item::Negotiation(verb, option)),
            (State::Subnegotiation, IAC) => (State::SubnegotiationCommand, Item::Nothing),
            (State::Subnegotiation, byte) => {
                self.keep(byte);
                (State::Subnegotiation, Item::Nothing)
            }
            (State::SubnegotiationCommand, IAC) => {
                self.keep(IAC);
                (State::Subnegotiation, Item::Nothing)
            }
            // Whatever else stands there, the subnegotiation has ended.
            (State::SubnegotiationCommand, SE) if self.subnegotiation.len() <= SUBNEGOTIATION_MAX => {
                (State::Data, Item::Subnegotiation)
            }
            (State::SubnegotiationCommand, _) => (State::Data, Item::Nothing),
        };
        self.state = state;
        item
    }

    /// The option and the parameters of the subnegotiation that is complete.
    pub(super) fn subnegotiation(&self) -> &[u8] {
        &self.subnegotiation
    }

    fn data(&mut self, byte: u8, binary: bool) -> Item {
        let padding = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == 0 && !binary;
        if padding { Item::Nothing } else { Item::Data(byte) }
    }

    fn keep(&mut self, byte: u8) {
        if self.subnegotiation.len() <= SUBNEGOTIATION_MAX {
            self.subnegotiation.push(byte);
        }
    }
}

/// Data as it is in the stream.
pub(super) fn escaped(data: &[u8]) -> Cow<'_, [u8]> {
    if !data.contains(&IAC) {
        return Cow::Borrowed(data);
    }
    data.iter().flat_map(|byte| std::iter::repeat_n(*byte, 1 + usize::from(*byte == IAC))).collect()
}

/// Which options are in force. Each end answers a change, and nothing else, so that no two ever
/// answer each other for ever (RFC 1143).
#[derive(Debug)]
pub(super) struct Options {
    ours: [Agreement; 4],
    theirs: [Agreement; 3],
}

#[derive(Clone, Copy, Debug)]
struct Agreement {
    option: u8,
    in_force: bool,
    /// Our offer or request has not been answered yet.
    asked: bool,
}

impl Agreement {
    const fn asked(option: u8) -> Self {
        Self { option, in_force: false, asked: true }
    }

    /// The other end wants it, or not; whether that is to be answered.
    fn change(&mut self, wanted: bool) -> bool {
        let asked = std::mem::take(&mut self.asked);
        let changed = std::mem::replace(&mut self.in_force, wanted) != wanted;
        changed && !asked
    }
}

impl Options {
    /// Nothing is in force, and everything is offered but Com Port Control, which the client
    /// offers (RFC 2217 §1).
    pub(super) fn new() -> Self {
        let not_asked = Agreement { option: COM_PORT, in_force: false, asked: false };
        let [binary, echo, suppress] = [BINARY, ECHO, SUPPRESS_GO_AHEAD].map(Agreement::asked);
        Self {
            ours: [binary, echo, suppress, not_asked],
            theirs: [BINARY, SUPPRESS_GO_AHEAD, COM_PORT].map(Agreement::asked),
        }
    }

    /// What is to be sent first.
    pub(super) fn offers(&self) -> Vec<u8> {
        let asked = |agreements: &[Agreement], verb| {
            let asked = agreements.iter().filter(|agreement| agreement.asked);
            asked.flat_map(|agreement| [IAC, verb, agreement.option]).collect::<Vec<_>>()
        };
        [asked(&self.ours, WILL), asked(&self.theirs, DO)].concat()
    }

    /// The client said this about an option; what is to be answered.
    pub(super) fn negotiate(&mut self, verb: u8, option: u8) -> Option<[u8; 3]> {
        let wanted = matches!(verb, WILL | DO);
        let (agreement, yes, no) = match verb {
            DO | DONT => (self.ours.iter_mut().find(|ours| ours.option == option), WILL, WONT),
            _ => (self.theirs.iter_mut().find(|theirs| theirs.option == option), DO, DONT),
        };
        match agreement {
            Some(agreement) => {
                agreement.change(wanted).then_some([IAC, if wanted { yes } else { no }, option])
            }
            None => wanted.then_some([IAC, no, option]),
        }
    }

    /// The client sends bytes as they are.
    pub(super) fn is_binary(&self) -> bool {
        self.theirs.iter().any(|theirs| theirs.option == BINARY && theirs.in_force)
    }

    /// The client speaks RFC 2217, as it says by either verb.
    pub(super) fn has_com_port(&self) -> bool {
        self.ours.iter().chain(&self.theirs).any(|either| either.option == COM_PORT && either.in_force)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8], binary: bool) -> Vec<Item> {
        let mut decoder = Decoder::default();
        let items = bytes.iter().map(|byte| decoder.take(*byte, binary));
        items.filter(|item| *item != Item::Nothing).collect()
    }

    #[test]
    fn the_stream_is_taken_apart() {
        let check = |bytes: &[u8], expected: &[Item]| assert_eq!(decode(bytes, false), expected, "{bytes:?}");
        let data = |bytes: &[u8]| bytes.iter().map(|byte| Item::Data(*byte)).collect::<Vec<_>>();
        check(b"AT\r\n", &data(b"AT\r\n"));
        check(b"AT\r\0AT\r", &data(b"AT\rAT\r"));
        check(b"\0\0\r\0\0", &data(b"\0\0\r\0"));
        check(&[b'a', IAC, IAC, b'b'], &data(&[b'a', IAC, b'b']));
        check(&[IAC, WILL, COM_PORT, b'x'], &[Item::Negotiation(WILL, COM_PORT), Item::Data(b'x')]);
        check(&[IAC, DO, IAC], &[Item::Negotiation(DO, IAC)]);
        check(&[IAC, 243, IAC, 246, IAC, 241, b'x'], &[Item::Data(b'x')]);
        check(&[IAC, SB, COM_PORT, 1, 0, IAC, SE, b'x'], &[Item::Subnegotiation, Item::Data(b'x')]);
        check(&[IAC, SB, COM_PORT, 1, IAC, WILL, b'x'], &[Item::Data(b'x')]);
        assert_eq!(decode(b"\r\0", true), data(b"\r\0"));
    }

    #[test]
    fn a_subnegotiation_has_its_bytes_and_not_too_many() {
        let mut decoder = Decoder::default();
        let mut take = |bytes: &[u8]| {
            let last = bytes.iter().map(|byte| decoder.take(*byte, true)).last();
            (last, decoder.subnegotiation().to_vec())
        };
        let (last, parameters) = take(&[IAC, SB, COM_PORT, 1, IAC, IAC, 0, IAC, SE]);
        assert_eq!((last, parameters), (Some(Item::Subnegotiation), vec![COM_PORT, 1, IAC, 0]));
        let long = [&[IAC, SB][..], &[7; 100_000], &[IAC, SE]].concat();
        let (last, parameters) = take(&long);
        assert_eq!(last, Some(Item::Nothing));
        assert!(parameters.len() <= SUBNEGOTIATION_MAX + 1);
        assert_eq!(take(b"x").0, Some(Item::Data(b'x')));
    }

    #[test]
    fn an_answer_is_never_answered() {
        let mut options = Options::new();
        assert!(options.offers().starts_with(&[IAC, WILL, BINARY]));
        assert_eq!(options.negotiate(DO, BINARY), None, "that was our offer");
        assert_eq!(options.negotiate(DO, BINARY), None, "and is so already");
        assert_eq!(options.negotiate(DONT, BINARY), Some([IAC, WONT, BINARY]));
        assert_eq!(options.negotiate(DONT, BINARY), None);
        assert_eq!(options.negotiate(DO, BINARY), Some([IAC, WILL, BINARY]));
        assert_eq!(options.negotiate(WONT, COM_PORT), None, "refused");
        assert_eq!(options.negotiate(WILL, COM_PORT), Some([IAC, DO, COM_PORT]));
        assert_eq!(options.negotiate(WILL, ECHO), Some([IAC, DONT, ECHO]));
        assert_eq!(options.negotiate(DO, 39), Some([IAC, WONT, 39]));
        assert_eq!(options.negotiate(DONT, 39), None);
    }

    proptest! {
        #[test]
        fn data_comes_back_as_it_was(data in prop::collection::vec(any::<u8>(), 0..300)) {
            let items: Vec<_> = data.iter().map(|byte| Item::Data(*byte)).collect();
            prop_assert_eq!(decode(&escaped(&data), true), items);
        }
    }
}
