//! The server's end of the exchange.

use std::collections::VecDeque;

use coap_lite::{CoapOption, MessageType, Packet};

use super::message_ids::MessageIds;
use super::{
    ANSWERS_KEPT, Code, Jitter, MESSAGE_LEN_MAX, Method, REQUESTS_WAITING_MAX, Received, bare, code_of,
    empty, encode, read_uint_option, receive, uint_option,
};

/// Requests in, answers out, and nothing judged twice.
///
/// A message ID is new once in the life of a session: what repeats one is answered with the very
/// same bytes while they are remembered ([`ANSWERS_KEPT`]), and dropped where they are not or
/// where the owner gave no answer. What breaks CoAP is answered here and never seen by the owner.
pub struct Responder {
    seen: MessageIds,
    answers: VecDeque<(u16, Vec<u8>)>,
    waiting: VecDeque<(Open, Incoming)>,
    open: Option<Open>,
    next_message_id: u16,
    transmit: VecDeque<Vec<u8>>,
}

/// A request for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its method.
    pub method: Method,
    /// Its path, joined: `/bootstrap/hello`. A slash inside a segment is written `%2F`.
    pub path: String,
    /// The content format of its payload, where it names one.
    pub content_format: Option<u16>,
    /// Its payload, at most [`MESSAGE_LEN_MAX`] bytes.
    pub payload: Vec<u8>,
}

/// What an answer needs to know of its request.
struct Open {
    kind: MessageType,
    message_id: u16,
    token: Vec<u8>,
    accept: Option<u16>,
}

/// Uri-Host, Uri-Port, Uri-Path, Uri-Query, Accept: the critical options that are understood.
const CRITICAL_OPTIONS: [u16; 5] = [3, 7, 11, 15, 17];
const PROXY_OPTIONS: [u16; 2] = [35, 39];

impl Responder {
    /// A responder whose own message IDs, of answers to non-confirmable requests, come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seen: MessageIds::default(),
            answers: VecDeque::new(),
            waiting: VecDeque::new(),
            open: None,
            next_message_id: Jitter::new(seed).next() as u16,
            transmit: VecDeque::new(),
        }
    }

    /// Takes a datagram of the peer, whatever it is.
    pub fn handle_datagram(&mut self, datagram: &[u8]) {
        match receive(datagram) {
            Received::Message(packet) => self.handle_message(packet),
            Received::Malformed(MessageType::Confirmable, id) => self.reset(id),
            Received::Malformed(..) | Received::Noise => {}
        }
    }

    /// The next request. One that was polled before and not answered never will be.
    pub fn poll_request(&mut self) -> Option<Incoming> {
        let (open, request) = self.waiting.pop_front()?;
        self.open = Some(open);
        Some(request)
    }

    /// Answers the request polled last; without one, does nothing. `content_format` is that of a
    /// payload that is not empty.
    pub fn respond(&mut self, code: Code, content_format: Option<u16>, payload: Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        let unwanted = code.is_success()
            && !payload.is_empty()
            && open.accept.is_some_and(|accept| Some(accept) != content_format);
        if unwanted {
            self.answer(open, Code::NOT_ACCEPTABLE, None, Vec::new());
        } else {
            self.answer(open, code, content_format, payload);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmit.pop_front()
    }

    /// Gives back what its queues do not need.
    pub fn free_unused(&mut self) {
        self.waiting.shrink_to_fit();
        self.transmit.shrink_to_fit();
    }

    fn handle_message(&mut self, packet: Packet) {
        let (kind, id) = (packet.header.get_type(), packet.header.message_id);
        let confirmable = match kind {
            MessageType::Confirmable => true,
            MessageType::NonConfirmable => false,
            MessageType::Acknowledgement | MessageType::Reset => return,
        };
        if !code_of(&packet).is_request() {
            // A ping, a response nobody asked for, a reserved class.
            if confirmable {
                self.reset(id);
            }
            return;
        }
        if self.waiting.len() == REQUESTS_WAITING_MAX {
            return;
        }
        if !self.seen.insert(id) {
            let known = self.answers.iter().find(|(answered, _)| *answered == id);
            self.transmit.extend(known.map(|(_, datagram)| datagram.clone()));
            return;
        }
        let open = Open {
            kind,
            message_id: id,
            token: packet.get_token().to_vec(),
            accept: read_uint_option(&packet, CoapOption::Accept),
        };
        match read_request(packet) {
            Ok(request) => self.waiting.push_back((open, request)),
            // RFC 7252 5.4.1: a non-confirmable request with such an option is rejected in silence.
            Err(Code::BAD_OPTION) if !confirmable => {}
            Err(code) => self.answer(open, code, None, Vec::new()),
        }
    }

    fn answer(&mut self, open: Open, code: Code, content_format: Option<u16>, payload: Vec<u8>) {
        let mut packet = match open.kind {
            MessageType::NonConfirmable => {
                self.next_message_id = self.next_message_id.wrapping_add(1);
                bare(MessageType::NonConfirmable, code, self.next_message_id, &open.token)
            }
            _ => bare(MessageType::Acknowledgement, code, open.message_id, &open.token),
        };
        if let Some(format) = content_format.filter(|_| !payload.is_empty()) {
            packet.add_option(CoapOption::ContentFormat, uint_option(format));
        }
        packet.payload = payload;
        let datagram = encode(&packet);
        if self.answers.len() == ANSWERS_KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back((open.message_id, datagram.clone()));
        self.transmit.push_back(datagram);
    }

    fn reset(&mut self, message_id: u16) {
        self.transmit.push_back(empty(MessageType::Reset, message_id));
    }
}

/// What the owner is told of a request, or the code that refuses it.
fn read_request(packet: Packet) -> Result<Incoming, Code> {
    let critical = packet.options().map(|(number, _)| *number).filter(|number| number & 1 == 1);
    for number in critical {
        if PROXY_OPTIONS.contains(&number) {
            return Err(Code::PROXYING_NOT_SUPPORTED);
        }
        if !CRITICAL_OPTIONS.contains(&number) {
            return Err(Code::BAD_OPTION);
        }
    }
    let method = code_of(&packet).method().ok_or(Code::METHOD_NOT_ALLOWED)?;
    if packet.payload.len() > MESSAGE_LEN_MAX {
        return Err(Code::REQUEST_ENTITY_TOO_LARGE);
    }
    let mut path = String::new();
    for segment in packet.get_option(CoapOption::UriPath).into_iter().flatten() {
        let text = std::str::from_utf8(segment).map_err(|_| Code::BAD_OPTION)?;
        path.push('/');
        path.push_str(&text.replace('/', "%2F"));
    }
    if path.is_empty() {
        path.push('/');
    }
    let content_format = read_uint_option(&packet, CoapOption::ContentFormat);
    Ok(Incoming { method, path, content_format, payload: packet.payload })
}
