//! The message format (RFC 7252 3): what a datagram says, where it says it, and the way back.

use super::Code;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Confirmable,
    NonConfirmable,
    Acknowledgement,
    Reset,
}

/// A message in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'d> {
    pub(super) kind: Kind,
    pub(super) code: Code,
    pub(super) message_id: u16,
    pub(super) token: &'d [u8],
    options: &'d [u8],
    pub(super) payload: &'d [u8],
}

/// What a datagram is, before anybody looks at what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received<'d> {
    /// A message that keeps the format.
    Message(Packet<'d>),
    /// A message format error in a message of this type and ID.
    Malformed(Kind, u16),
    /// Not CoAP version 1.
    Noise,
}

/// Option numbers (RFC 7252 12.2) that this crate names.
pub(super) const URI_PATH: u16 = 11;
pub(super) const CONTENT_FORMAT: u16 = 12;
pub(super) const ACCEPT: u16 = 17;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 4;
const TOKEN_LEN_MAX: usize = 8;
const PAYLOAD_MARKER: u8 = 0xff;

/// Takes a datagram apart; never fails, whatever the bytes.
pub(super) fn receive(datagram: &[u8]) -> Received<'_> {
    let Some(([first, code, id_high, id_low], rest)) = datagram.split_first_chunk::<HEADER_LEN>() else {
        return Received::Noise;
    };
    if first >> 6 != VERSION {
        return Received::Noise;
    }
    let (kind, message_id) = (Kind::of(*first), u16::from_be_bytes([*id_high, *id_low]));
    let token_len = usize::from(first & 0x0f);
    let empty_with_more = *code == 0 && datagram.len() > HEADER_LEN;
    match read_body(rest, token_len).filter(|_| !empty_with_more) {
        Some((token, options, payload)) => {
            Received::Message(Packet { kind, code: Code(*code), message_id, token, options, payload })
        }
        None => Received::Malformed(kind, message_id),
    }
}

/// Token, options and payload of a message.
fn read_body(rest: &[u8], token_len: usize) -> Option<(&[u8], &[u8], &[u8])> {
    if token_len > TOKEN_LEN_MAX {
        return None;
    }
    let (token, options) = rest.split_at_checked(token_len)?;
    let (mut behind, mut number) = (options, 0);
    while let Some(first) = behind.first()
        && *first != PAYLOAD_MARKER
    {
        (number, _, behind) = read_option(behind, number)?;
    }
    let options = &options[..options.len() - behind.len()];
    match behind {
        [] => Some((token, options, &[])),
        // Nothing behind the marker is an error.
        [_] => None,
        [_, payload @ ..] => Some((token, options, payload)),
    }
}

/// The next option: its number, its value and what is behind it.
fn read_option(bytes: &[u8], before: u16) -> Option<(u16, &[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (delta, rest) = read_extended(first >> 4, rest)?;
    let (len, rest) = read_extended(first & 0x0f, rest)?;
    let (value, rest) = rest.split_at_checked(usize::from(len))?;
    Some((before.checked_add(delta)?, value, rest))
}

/// An option delta or length: 13 and 14 announce one or two bytes more, 15 is reserved.
fn read_extended(nibble: u8, rest: &[u8]) -> Option<(u16, &[u8])> {
    match (nibble, rest) {
        (0..=12, _) => Some((u16::from(nibble), rest)),
        (13, [low, rest @ ..]) => Some((u16::from(*low) + 13, rest)),
        (14, [high, low, rest @ ..]) => Some((u16::from_be_bytes([*high, *low]).checked_add(269)?, rest)),
        _ => None,
    }
}

impl Kind {
    fn of(first: u8) -> Self {
        match first >> 4 & 0b11 {
            0 => Self::Confirmable,
            1 => Self::NonConfirmable,
            2 => Self::Acknowledgement,
            _ => Self::Reset,
        }
    }
}

impl<'d> Packet<'d> {
    /// Number and value of each option, by rising number.
    pub(super) fn options(&self) -> impl Iterator<Item = (u16, &'d [u8])> + use<'d> {
        let (mut rest, mut number) = (self.options, 0);
        std::iter::from_fn(move || {
            let (next, value, behind) = read_option(rest, number)?;
            (rest, number) = (behind, next);
            Some((number, value))
        })
    }

    /// The value of an unsigned integer option of up to two bytes; where it is repeated, the first.
    pub(super) fn uint_option(&self, wanted: u16) -> Option<u16> {
        let (_, value) = self.options().find(|(number, _)| *number == wanted)?;
        match value {
            [] => Some(0),
            [low] => Some(u16::from(*low)),
            [high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }
}

/// A message being written.
pub(super) struct Writer {
    datagram: Vec<u8>,
    /// The number of the last option.
    number: u16,
}

/// Few messages are longer.
const TYPICAL_LEN: usize = 192;

impl Writer {
    /// A message without options and payload. A token has up to 8 bytes.
    pub(super) fn new(kind: Kind, code: Code, message_id: u16, token: &[u8]) -> Self {
        debug_assert!(token.len() <= TOKEN_LEN_MAX);
        let mut datagram = Vec::with_capacity(TYPICAL_LEN);
        datagram.extend([VERSION << 6 | (kind as u8) << 4 | token.len() as u8, code.0]);
        datagram.extend(message_id.to_be_bytes());
        datagram.extend(token);
        Self { datagram, number: 0 }
    }

    /// Adds an option; numbers must not fall.
    pub(super) fn option(mut self, number: u16, value: &[u8]) -> Self {
        debug_assert!(number >= self.number && value.len() <= usize::from(u16::MAX));
        let (delta, delta_more) = extended(number - self.number);
        let (len, len_more) = extended(value.len() as u16);
        self.datagram.push(delta << 4 | len);
        self.datagram.extend(delta_more.into_iter().chain(len_more).flatten());
        self.datagram.extend(value);
        self.number = number;
        self
    }

    /// Adds an unsigned integer option in its shortest form.
    pub(super) fn uint_option(self, number: u16, value: u16) -> Self {
        match value.to_be_bytes() {
            [0, 0] => self.option(number, &[]),
            [0, low] => self.option(number, &[low]),
            both => self.option(number, &both),
        }
    }

    /// Adds the payload, if there is any, and gives the datagram.
    pub(super) fn payload(mut self, payload: &[u8]) -> Vec<u8> {
        if !payload.is_empty() {
            self.datagram.push(PAYLOAD_MARKER);
            self.datagram.extend(payload);
        }
        self.datagram
    }
}

/// An option delta or length as its four bits and the bytes that follow them.
fn extended(value: u16) -> (u8, [Option<u8>; 2]) {
    match value {
        0..=12 => (value as u8, [None; 2]),
        13..=268 => (13, [Some((value - 13) as u8), None]),
        _ => (14, (value - 269).to_be_bytes().map(Some)),
    }
}

/// An empty message: an acknowledgement or a reset, in its four bytes.
pub(super) fn empty(kind: Kind, message_id: u16) -> Vec<u8> {
    Writer::new(kind, Code(0), message_id, &[]).payload(&[])
}

#[cfg(test)]
mod tests {
    use coap_lite::{CoapOption, MessageClass, MessageType};
    use proptest::prelude::*;

    use super::*;

    /// What another codec makes of a datagram: first byte, code, ID, token, options and payload.
    type Read = (u8, u8, u16, Vec<u8>, Vec<(u16, Vec<u8>)>, Vec<u8>);

    fn another_reads(datagram: &[u8]) -> Option<Read> {
        let packet = coap_lite::Packet::from_bytes(datagram).ok()?;
        let options =
            packet.options().flat_map(|(number, values)| values.iter().map(|it| (*number, it.clone())));
        let kind = match packet.header.get_type() {
            MessageType::Confirmable => Kind::Confirmable,
            MessageType::NonConfirmable => Kind::NonConfirmable,
            MessageType::Acknowledgement => Kind::Acknowledgement,
            MessageType::Reset => Kind::Reset,
        };
        let (code, id, token) =
            (packet.header.code.into(), packet.header.message_id, packet.get_token().to_vec());
        Some((kind as u8, code, id, token, options.collect(), packet.payload.clone()))
    }

    fn we_read(datagram: &[u8]) -> Option<Read> {
        let Received::Message(packet) = receive(datagram) else { return None };
        let Packet { kind, code, message_id, token, payload, .. } = packet;
        let options = packet.options().map(|(number, value)| (number, value.to_vec()));
        Some((kind as u8, code.0, message_id, token.to_vec(), options.collect(), payload.to_vec()))
    }

    proptest! {
        #[test]
        fn another_codec_reads_the_same(mut datagram in prop::collection::vec(any::<u8>(), 4..40), token in 0..9_u8) {
            datagram[0] = 0x40 | datagram[0] & 0x30 | token;
            if let Some(read) = we_read(&datagram) {
                prop_assert_eq!(another_reads(&datagram), Some(read));
            }
        }

        #[test]
        fn another_codec_writes_the_same(
            id: u16,
            token in prop::collection::vec(any::<u8>(), 0..9),
            mut options in prop::collection::vec((0..3000_u16, 0..400_usize), 0..6),
            payload in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            options.sort_unstable();
            let mut other = coap_lite::Packet::new();
            other.header.set_type(MessageType::NonConfirmable);
            other.header.code = MessageClass::from(0x45);
            other.header.message_id = id;
            other.set_token(token.clone());
            other.payload = payload.clone();
            let mut ours = Writer::new(Kind::NonConfirmable, Code(0x45), id, &token);
            for (number, len) in options {
                other.add_option(CoapOption::from(number), vec![0xa5; len]);
                ours = ours.option(number, &vec![0xa5; len]);
            }
            let ours = ours.payload(&payload);
            prop_assert_eq!(we_read(&ours), another_reads(&ours));
            prop_assert_eq!(ours, other.to_bytes_unlimited().expect("an encoding"));
        }
    }
}
