//! CoAP (RFC 7252) over a datagram pipe: the codec's vocabulary and its two ends, [`Requester`]
//! and [`Responder`]. Sans-IO; the pipe may lose, repeat and reorder.

mod message_ids;
mod requester;
mod responder;

pub use requester::{Reply, RequestRefused, Requester};
pub use responder::{Incoming, Responder};

use std::fmt;
use std::time::Duration;

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};

use super::message::MESSAGE_LEN_MAX;

/// `ACK_TIMEOUT` of RFC 7252 4.8: the shortest wait before the first retransmission.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// `ACK_RANDOM_FACTOR` of RFC 7252 4.8, in percent: the longest first wait.
pub const ACK_RANDOM_FACTOR_PERCENT: u32 = 150;

/// `MAX_RETRANSMIT`. RFC 7252 proposes 4; with 3 an exchange without an answer ends after 30 to
/// 45 s, which leaves a blocking command room for another attempt.
pub const MAX_RETRANSMIT: u32 = 3;

/// How long a request that was acknowledged with an empty message waits for its response.
pub const SEPARATE_RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers kept to answer a repeated message ID; older ones are dropped, never judged anew.
pub const ANSWERS_KEPT: usize = 8;

/// Requests of one session that may wait for the owner; more of them are dropped unread.
pub const REQUESTS_WAITING_MAX: usize = 8;

/// Content format `text/plain; charset=utf-8`.
pub const TEXT: u16 = 0;
/// Content format `application/link-format`.
pub const LINK_FORMAT: u16 = 40;
/// Content format `application/cbor`.
pub const CBOR: u16 = 60;

/// A request or response code, displayed as `c.dd`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `DELETE`.
    Delete,
}

impl Code {
    /// 2.04 Changed.
    pub const CHANGED: Self = Self::of(2, 4);
    /// 2.05 Content.
    pub const CONTENT: Self = Self::of(2, 5);
    /// 4.00 Bad Request.
    pub const BAD_REQUEST: Self = Self::of(4, 0);
    /// 4.02 Bad Option.
    pub const BAD_OPTION: Self = Self::of(4, 2);
    /// 4.03 Forbidden.
    pub const FORBIDDEN: Self = Self::of(4, 3);
    /// 4.04 Not Found.
    pub const NOT_FOUND: Self = Self::of(4, 4);
    /// 4.05 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self::of(4, 5);
    /// 4.06 Not Acceptable.
    pub const NOT_ACCEPTABLE: Self = Self::of(4, 6);
    /// 4.13 Request Entity Too Large.
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self::of(4, 13);
    /// 4.15 Unsupported Content-Format.
    pub const UNSUPPORTED_CONTENT_FORMAT: Self = Self::of(4, 15);
    /// 4.29 Too Many Requests (RFC 8516).
    pub const TOO_MANY_REQUESTS: Self = Self::of(4, 29);
    /// 5.00 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Self = Self::of(5, 0);
    /// 5.03 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self::of(5, 3);
    /// 5.05 Proxying Not Supported.
    pub const PROXYING_NOT_SUPPORTED: Self = Self::of(5, 5);

    const POST: Self = Self::of(0, 2);

    const fn of(class: u8, detail: u8) -> Self {
        Self(class << 5 | detail)
    }

    /// 0 request, 2 success, 4 client error, 5 server error; the others are reserved.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// Whether this is a response that says yes.
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    const fn is_request(self) -> bool {
        self.class() == 0 && self.0 != 0
    }

    const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    const fn method(self) -> Option<Method> {
        match self.0 {
            1 => Some(Method::Get),
            2 => Some(Method::Post),
            3 => Some(Method::Put),
            4 => Some(Method::Delete),
            _ => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.0 & 0x1f)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a datagram is, before anybody looks at what it says.
enum Received {
    /// A message that keeps the format.
    Message(Packet),
    /// A message format error (RFC 7252 3) in a message of this type and ID.
    Malformed(MessageType, u16),
    /// Not CoAP version 1.
    Noise,
}

/// Takes a datagram apart.
fn receive(datagram: &[u8]) -> Received {
    let [first, code, id_high, id_low, ..] = *datagram else { return Received::Noise };
    if first >> 6 != 1 {
        return Received::Noise;
    }
    let malformed = || Received::Malformed(message_type(first), u16::from_be_bytes([id_high, id_low]));
    if code == 0 && (datagram.len() > 4 || first & 0x0f != 0) {
        return malformed();
    }
    let Ok(packet) = Packet::from_bytes(datagram) else { return malformed() };
    // A payload marker with nothing behind it; an option that ends in 0xff makes the second check.
    let may_be_bare_marker = packet.payload.is_empty() && datagram.last() == Some(&0xff);
    if may_be_bare_marker && packet.to_bytes_unlimited().map_or(0, |bytes| bytes.len()) != datagram.len() {
        return malformed();
    }
    Received::Message(packet)
}

fn message_type(first: u8) -> MessageType {
    match first >> 4 & 0b11 {
        0 => MessageType::Confirmable,
        1 => MessageType::NonConfirmable,
        2 => MessageType::Acknowledgement,
        _ => MessageType::Reset,
    }
}

fn code_of(packet: &Packet) -> Code {
    Code(packet.header.code.into())
}

/// A message without options and payload.
fn bare(kind: MessageType, code: Code, message_id: u16, token: &[u8]) -> Packet {
    let mut packet = Packet::new();
    packet.header.set_type(kind);
    packet.header.code = MessageClass::from(code.0);
    packet.header.message_id = message_id;
    packet.set_token(token.to_vec());
    packet
}

/// An empty message: an acknowledgement or a reset, in its four bytes.
fn empty(kind: MessageType, message_id: u16) -> Vec<u8> {
    let first = match kind {
        MessageType::Confirmable => 0x40,
        MessageType::NonConfirmable => 0x50,
        MessageType::Acknowledgement => 0x60,
        MessageType::Reset => 0x70,
    };
    let [high, low] = message_id.to_be_bytes();
    vec![first, 0, high, low]
}

/// The shortest form of an unsigned integer option (RFC 7252 3.2).
fn uint_option(value: u16) -> Vec<u8> {
    match value.to_be_bytes() {
        [0, 0] => Vec::new(),
        [0, low] => vec![low],
        both => both.to_vec(),
    }
}

fn read_uint_option(packet: &Packet, option: CoapOption) -> Option<u16> {
    let value = packet.get_first_option(option)?;
    match value.as_slice() {
        [] => Some(0),
        [low] => Some(u16::from(*low)),
        [high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

fn encode(packet: &Packet) -> Vec<u8> {
    // expect: the codec refuses only a message above its limit, and no limit is asked for here.
    packet.to_bytes_unlimited().expect("a message without a limit has an encoding")
}

/// A small generator for message IDs, tokens and jitter: nothing that has to be secret.
struct Jitter(u64);

impl Jitter {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

#[cfg(test)]
mod tests;
