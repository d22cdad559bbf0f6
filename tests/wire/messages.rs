//! What the fuzzer and the replay of its corpus check of any bytes taken for a message.

use vsara::protocol::coap::{CBOR, Code, Requester, Responder};
use vsara::protocol::message::{Answer, MESSAGE_LEN_MAX, PATHS, Refusal, Request};
use vsara::time::Timestamp;

/// The first byte of `input` chooses the path; the rest is a message of each kind, and a CoAP datagram
/// for either end.
///
/// # Panics
/// A decoder panics, what it takes is not stable when it is said again, a request that is repeated
/// counts twice, or an exchange has two outcomes.
pub(crate) fn check(input: &[u8]) {
    let Some((head, bytes)) = input.split_first() else { return };
    let path = PATHS.get(usize::from(*head) % (PATHS.len() + 1)).copied().unwrap_or("/nowhere");
    if let Ok(request) = Request::decode(path, bytes) {
        assert_eq!(request.path(), path);
        let said = request.encode();
        assert!(said.len() <= MESSAGE_LEN_MAX, "{} bytes", said.len());
        assert_eq!(Request::decode(path, &said).expect("it was one"), request);
    }
    if let Ok(answer) = Answer::decode(path, bytes) {
        let said = answer.encode();
        assert!(said.len() <= MESSAGE_LEN_MAX, "{} bytes", said.len());
        assert_eq!(Answer::decode(path, &said).expect("it was one"), answer);
    }
    if let Ok(refusal) = Refusal::decode(bytes) {
        assert_eq!(Refusal::decode(&refusal.encode()).ok(), Some(refusal));
    }
    respond(bytes);
    request(path, bytes);
}

/// The service's end: a datagram that comes again is no second request, and gets the same bytes.
fn respond(datagram: &[u8]) {
    let mut responder = Responder::new(1);
    let mut hear = || {
        responder.handle_datagram(datagram);
        let asked = responder.poll_request();
        if let Some(asked) = &asked {
            assert!(asked.payload.len() <= MESSAGE_LEN_MAX, "longer than the owner may see");
            responder.respond(Code::CHANGED, Some(CBOR), vec![0x80]);
        }
        let said: Vec<_> = std::iter::from_fn(|| responder.poll_transmit()).collect();
        assert!(said.len() <= 1, "one datagram is answered by one at most");
        (asked, said)
    };
    let (asked, first) = hear();
    let (again, second) = hear();
    assert_eq!(again, None, "asked twice");
    // A non-confirmable request is answered by a message of its own.
    assert!(second.is_empty() || first == second, "{first:?} {second:?}");
    assert!(asked.is_none() || first.len() == 1, "a request that was answered");
}

/// The module's end: whatever comes, an exchange ends once, and at the latest by itself.
fn request(path: &str, datagram: &[u8]) {
    let mut now = Timestamp::from_millis(1_767_225_600_000);
    let mut requester = Requester::new(1);
    requester.request(path, vec![0x80], now).expect("nothing is open");
    let mut replies = 0;
    for _ in 0..2 {
        requester.handle_datagram(datagram, now);
        replies += usize::from(requester.poll_reply().is_some());
    }
    while let Some(at) = requester.next_timeout() {
        assert!(at > now, "a deadline that does not pass");
        now = at;
        requester.handle_timeout(now);
        replies += usize::from(requester.poll_reply().is_some());
    }
    assert_eq!(replies, 1, "an exchange has one outcome");
    while let Some(sent) = requester.poll_transmit() {
        assert!(!sent.is_empty());
    }
}
