//! The client's end of the exchange.

use std::collections::VecDeque;

use coap_lite::{CoapOption, MessageType, Packet};

use super::{
    ACK_RANDOM_FACTOR_PERCENT, ACK_TIMEOUT, CBOR, Code, Jitter, MAX_RETRANSMIT, Received,
    SEPARATE_RESPONSE_TIMEOUT, bare, code_of, empty, encode, receive, uint_option,
};
use crate::time::Timestamp;

/// One confirmable request at a time, repeated until it is answered or given up.
///
/// 1. [`Requester::request`] sends a `POST` with a fresh message ID and token.
/// 2. Without an acknowledgement it is repeated after 2 to 3 s, then twice as long each time,
///    [`MAX_RETRANSMIT`] times.
/// 3. The acknowledgement carries the response, or is empty: then the response comes in a
///    message of its own, which is acknowledged, as often as it comes.
/// 4. [`Requester::poll_reply`] tells the outcome.
pub struct Requester {
    jitter: Jitter,
    next_message_id: u16,
    next_token: u32,
    outstanding: Option<Outstanding>,
    /// The token of the last exchange that ended: its response may be repeated.
    ended: Option<[u8; TOKEN_LEN]>,
    transmit: VecDeque<Vec<u8>>,
    reply: Option<Reply>,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With a response.
    Answer {
        /// Its code, success or error.
        code: Code,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// With a reset: the peer could make nothing of the request.
    Reset,
    /// With silence.
    NoAnswer,
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefused {
    /// One request at a time.
    #[error("an exchange is still open")]
    Busy,
    /// The session does not stand yet.
    #[error("the session is not connected yet")]
    NotConnected,
    /// The session has ended.
    #[error("the session is over")]
    Over,
}

const TOKEN_LEN: usize = 4;

struct Outstanding {
    message_id: u16,
    token: [u8; TOKEN_LEN],
    datagram: Vec<u8>,
    deadline: Timestamp,
    wait_ms: i64,
    retransmissions: u32,
    acknowledged: bool,
}

impl Requester {
    /// A requester whose message IDs, tokens and jitter come from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut jitter = Jitter::new(seed);
        let start = jitter.next();
        Self {
            next_message_id: start as u16,
            next_token: (start >> 32) as u32,
            jitter,
            outstanding: None,
            ended: None,
            transmit: VecDeque::new(),
            reply: None,
        }
    }

    /// Sends a `POST` of CBOR to an absolute path.
    pub fn request(&mut self, path: &str, payload: Vec<u8>, now: Timestamp) -> Result<(), RequestRefused> {
        if self.outstanding.is_some() || self.reply.is_some() {
            return Err(RequestRefused::Busy);
        }
        let message_id = self.next_message_id;
        let token = self.next_token.to_be_bytes();
        self.next_message_id = message_id.wrapping_add(1);
        self.next_token = self.next_token.wrapping_add(1);

        let mut packet = bare(MessageType::Confirmable, Code::POST, message_id, &token);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
        }
        if !payload.is_empty() {
            packet.add_option(CoapOption::ContentFormat, uint_option(CBOR));
            packet.payload = payload;
        }
        let datagram = encode(&packet);
        self.transmit.push_back(datagram.clone());
        let wait_ms = self.first_wait_ms();
        let deadline = now.offset_millis(wait_ms);
        self.outstanding = Some(Outstanding {
            message_id,
            token,
            datagram,
            deadline,
            wait_ms,
            retransmissions: 0,
            acknowledged: false,
        });
        Ok(())
    }

    /// Takes a datagram of the peer, whatever it is.
    pub fn handle_datagram(&mut self, datagram: &[u8], now: Timestamp) {
        match receive(datagram) {
            Received::Message(packet) => self.handle_message(packet, now),
            Received::Malformed(MessageType::Confirmable, id) => self.reset(id),
            Received::Malformed(..) | Received::Noise => {}
        }
    }

    /// Repeats or gives up what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let Some(open) = &mut self.outstanding else { return };
        if now < open.deadline {
            return;
        }
        if open.acknowledged || open.retransmissions == MAX_RETRANSMIT {
            return self.end(Reply::NoAnswer);
        }
        open.retransmissions += 1;
        open.wait_ms *= 2;
        open.deadline = now.offset_millis(open.wait_ms);
        self.transmit.push_back(open.datagram.clone());
    }

    /// When [`Requester::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.outstanding.as_ref().map(|open| open.deadline)
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmit.pop_front()
    }

    /// How the exchange ended, once.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    fn first_wait_ms(&mut self) -> i64 {
        let shortest = ACK_TIMEOUT.as_millis() as u64;
        let spread = shortest * u64::from(ACK_RANDOM_FACTOR_PERCENT - 100) / 100;
        (shortest + self.jitter.next() % (spread + 1)) as i64
    }

    fn handle_message(&mut self, packet: Packet, now: Timestamp) {
        let id = packet.header.message_id;
        let code = code_of(&packet);
        match packet.header.get_type() {
            MessageType::Reset if code.0 == 0 => {
                if self.outstanding.as_ref().is_some_and(|open| open.message_id == id) {
                    self.end(Reply::Reset);
                }
            }
            MessageType::Acknowledgement => self.handle_acknowledgement(packet, now),
            // A response of its own, or something this end cannot make sense of: a request, a
            // ping, a response with an option it does not understand.
            MessageType::Confirmable if !code.is_response() || has_critical_option(&packet) => self.reset(id),
            MessageType::Confirmable if self.ended.is_some_and(|token| packet.get_token() == token) => {
                self.transmit.push_back(empty(MessageType::Acknowledgement, id));
            }
            MessageType::Confirmable if self.is_expected(&packet) => {
                self.transmit.push_back(empty(MessageType::Acknowledgement, id));
                self.end(Reply::Answer { code, payload: packet.payload });
            }
            MessageType::Confirmable => self.reset(id),
            MessageType::NonConfirmable => {
                if code.is_response() && self.is_expected(&packet) && !has_critical_option(&packet) {
                    self.end(Reply::Answer { code, payload: packet.payload });
                }
            }
            MessageType::Reset => {}
        }
    }

    fn handle_acknowledgement(&mut self, packet: Packet, now: Timestamp) {
        let code = code_of(&packet);
        let expected = self.is_expected(&packet);
        let Some(open) = &mut self.outstanding else { return };
        if packet.header.message_id != open.message_id {
            return;
        }
        if code.0 == 0 && !open.acknowledged {
            open.acknowledged = true;
            open.deadline = now + SEPARATE_RESPONSE_TIMEOUT;
        } else if expected && code.is_response() && !has_critical_option(&packet) {
            self.end(Reply::Answer { code, payload: packet.payload });
        }
    }

    fn is_expected(&self, packet: &Packet) -> bool {
        self.outstanding.as_ref().is_some_and(|open| packet.get_token() == open.token)
    }

    fn reset(&mut self, message_id: u16) {
        self.transmit.push_back(empty(MessageType::Reset, message_id));
    }

    fn end(&mut self, reply: Reply) {
        self.ended = self.outstanding.take().map(|open| open.token);
        self.reply = Some(reply);
    }
}

/// No response to our requests needs a critical option (RFC 7252 5.4.1): odd numbers.
fn has_critical_option(packet: &Packet) -> bool {
    packet.options().any(|(number, _)| number & 1 == 1)
}
