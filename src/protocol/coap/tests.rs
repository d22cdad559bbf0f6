use super::*;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn after(millis: i64) -> Timestamp {
    NOW.offset_millis(millis)
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).expect("hex")
}

#[track_caller]
fn sent(requester: &mut Requester) -> Vec<u8> {
    requester.poll_transmit().expect("a datagram")
}

fn post(requester: &mut Requester) -> Vec<u8> {
    requester.request("/bootstrap/hello", vec![1, 2], NOW).expect("no exchange is open");
    sent(requester)
}

/// A message of the server with the token, and where asked the message ID, of a request.
fn response(kind: MessageType, code: Code, id: Option<u16>, request: &[u8], payload: &[u8]) -> Vec<u8> {
    let own = u16::from_be_bytes([request[2], request[3]]);
    let mut packet = bare(kind, code, id.unwrap_or(own), &request[4..8]);
    packet.payload = payload.to_vec();
    encode(&packet)
}

#[test]
fn a_request_is_a_post_of_cbor_to_its_path() {
    let request = post(&mut Requester::new(1));
    assert_eq!(request[..2], [0x44, 0x02]);
    let rest = "b9 626f6f747374726170 05 68656c6c6f 11 3c ff 0102";
    assert_eq!(hex::encode(&request[8..]), rest.replace(' ', ""));
}

#[test]
fn an_unanswered_request_is_repeated_and_given_up() {
    for seed in 0..50 {
        let mut requester = Requester::new(seed);
        let request = post(&mut requester);
        let mut at = NOW;
        let mut waits = Vec::new();
        while let Some(due) = requester.next_timeout() {
            requester.handle_timeout(due.offset_millis(-1));
            assert_eq!(requester.poll_transmit(), None, "not before its time");
            requester.handle_timeout(due);
            waits.push(due.millis_since(at));
            at = due;
            if let Some(again) = requester.poll_transmit() {
                assert_eq!(again, request);
            }
        }
        let first = waits[0];
        assert!((2000..=3000).contains(&first), "{first}");
        assert_eq!(waits, [first, 2 * first, 4 * first, 8 * first]);
        assert_eq!(requester.poll_reply(), Some(Reply::NoAnswer));
    }
}

#[test]
fn a_piggybacked_answer_ends_the_exchange() {
    let mut requester = Requester::new(1);
    let request = post(&mut requester);
    let answer = response(MessageType::Acknowledgement, Code::FORBIDDEN, None, &request, &[0]);
    requester.handle_datagram(&answer, after(50));
    requester.handle_datagram(&answer, after(60));
    assert_eq!(requester.poll_reply(), Some(Reply::Answer { code: Code::FORBIDDEN, payload: vec![0] }));
    assert_eq!(requester.poll_reply(), None);
    assert_eq!((requester.next_timeout(), requester.poll_transmit()), (None, None));
    let next = post(&mut requester);
    assert_ne!((&next[2..4], &next[4..8]), (&request[2..4], &request[4..8]), "fresh message ID and token");
}

#[test]
fn what_is_no_answer_to_this_request_changes_nothing() {
    let check = |what: &str, make: &dyn Fn(&[u8]) -> Vec<u8>, expected: Option<&str>| {
        let mut requester = Requester::new(1);
        let request = post(&mut requester);
        requester.handle_datagram(&make(&request), after(50));
        assert_eq!(requester.poll_reply(), None, "{what}");
        assert_eq!(requester.poll_transmit().map(hex::encode).as_deref(), expected, "{what}");
        assert!(requester.next_timeout().is_some(), "{what}");
    };
    use MessageType::Acknowledgement;
    let changed = Code::CHANGED;
    check("noise", &|_| bytes("00 01 02"), None);
    check("version 2", &|_| bytes("80 44 0001"), None);
    check("another message ID", &|it| response(Acknowledgement, changed, Some(0), it, &[]), None);
    check("another token", &|it| [&bytes("64 44")[..], &it[2..4], &[0; 4]].concat(), None);
    check("reset of another message", &|_| bytes("70 00 0000"), None);
    check("a ping", &|_| bytes("40 00 1234"), Some("70001234"));
    check("a request", &|_| bytes("40 01 1234"), Some("70001234"));
    check("a response to nobody", &|_| bytes("41 45 1234 99"), Some("70001234"));
    check("malformed", &|_| bytes("4f 45 1234"), Some("70001234"));
    check("malformed non-confirmable", &|_| bytes("5f 45 1234"), None);
    let block2 = |kind: &str| {
        let kind = bytes(kind);
        move |it: &[u8]| [&kind[..], &bytes("45 1234"), &it[4..8], &bytes("d1 0a 08")].concat()
    };
    check("an option it does not know", &block2("44"), Some("70001234"));
    check("the same, non-confirmable", &block2("54"), None);
    check("another's response", &|_| bytes("51 45 1234 99"), None);
}

#[test]
fn a_separate_response_is_acknowledged_as_often_as_it_comes() {
    let mut requester = Requester::new(1);
    let request = post(&mut requester);
    let id = u16::from_be_bytes([request[2], request[3]]);
    requester.handle_datagram(&empty(MessageType::Acknowledgement, id), after(50));
    assert_eq!(requester.next_timeout(), Some(after(50) + SEPARATE_RESPONSE_TIMEOUT));
    requester.handle_timeout(after(20_000));
    assert_eq!(requester.poll_transmit(), None, "an acknowledged request is not repeated");
    let answer = response(MessageType::Confirmable, Code::CHANGED, Some(0x1234), &request, &[9]);
    for _ in 0..3 {
        requester.handle_datagram(&answer, after(21_000));
        assert_eq!(requester.poll_transmit(), Some(bytes("60001234")));
    }
    assert_eq!(requester.poll_reply(), Some(Reply::Answer { code: Code::CHANGED, payload: vec![9] }));
    assert_eq!(requester.poll_reply(), None);
}

#[test]
fn a_response_may_overtake_its_acknowledgement_or_be_non_confirmable() {
    for kind in [MessageType::Confirmable, MessageType::NonConfirmable] {
        let mut requester = Requester::new(1);
        let request = post(&mut requester);
        let answer = response(kind, Code::CONTENT, Some(7), &request, b"x");
        requester.handle_datagram(&answer, after(50));
        assert_eq!(
            requester.poll_reply(),
            Some(Reply::Answer { code: Code::CONTENT, payload: b"x".to_vec() })
        );
    }
}

#[test]
fn an_acknowledged_request_without_a_response_is_given_up() {
    let mut requester = Requester::new(1);
    let request = post(&mut requester);
    let id = u16::from_be_bytes([request[2], request[3]]);
    requester.handle_datagram(&empty(MessageType::Acknowledgement, id), after(50));
    requester.handle_timeout(after(50) + SEPARATE_RESPONSE_TIMEOUT);
    assert_eq!(requester.poll_reply(), Some(Reply::NoAnswer));
}

#[test]
fn a_reset_ends_the_exchange() {
    let mut requester = Requester::new(1);
    let request = post(&mut requester);
    requester
        .handle_datagram(&empty(MessageType::Reset, u16::from_be_bytes([request[2], request[3]])), after(50));
    assert_eq!(requester.poll_reply(), Some(Reply::Reset));
}

/// What a responder that says 2.05 "hi" (text) to everything sends back, and what it asked.
fn serve(responder: &mut Responder, datagram: &[u8]) -> (Option<Incoming>, Option<String>) {
    responder.handle_datagram(datagram);
    let request = responder.poll_request();
    responder.respond(Code::CONTENT, Some(LINK_FORMAT), b"hi".to_vec());
    let answer = responder.poll_transmit().map(hex::encode);
    assert_eq!(responder.poll_transmit(), None);
    (request, answer)
}

#[test]
fn each_datagram_is_answered_as_rfc_7252_says() {
    let check = |what: &str, datagram: &str, path: Option<&str>, expected: Option<&str>| {
        let (request, answer) = serve(&mut Responder::new(1), &bytes(datagram));
        assert_eq!(request.map(|it| it.path).as_deref(), path, "{what}");
        assert_eq!(answer, expected.map(|hex| hex.replace(' ', "")), "{what}");
    };
    let hi = "60 45 1234 c1 28 ff 6869";
    check("GET", "40 01 1234", Some("/"), Some(hi));
    check("with a token", "42 01 1234 aabb b1 61", Some("/a"), Some("62 45 1234 aabb c1 28 ff 6869"));
    check(
        "with Uri-Host, Uri-Port and a query",
        "40 01 1234 31 68 42 1634 41 61 41 62",
        Some("/a"),
        Some(hi),
    );
    check("a slash in a segment", "40 01 1234 b3 612f62 01 63", Some("/a%2Fb/c"), Some(hi));
    check("Accept: link-format", "40 01 1234 b1 61 61 28", Some("/a"), Some(hi));
    check("Accept: CBOR", "40 01 1234 b1 61 61 3c", Some("/a"), Some("60 86 1234"));
    check("an elective option it does not know", "40 01 1234 b1 61 d1 e8 00", Some("/a"), Some(hi));
    check("a critical option it does not know", "40 01 1234 d1 0a 08", None, Some("60 82 1234"));
    check("the same, non-confirmable", "50 01 1234 d1 0a 08", None, None);
    check("Proxy-Uri", "40 01 1234 d1 16 61", None, Some("60 a5 1234"));
    check("a path that is not UTF-8", "40 01 1234 b1 ff", None, Some("60 82 1234"));
    check("FETCH", "40 05 1234", None, Some("60 85 1234"));
    check("a ping", "40 00 1234", None, Some("70 00 1234"));
    check("an empty message with a token", "41 00 1234 aa", None, Some("70 00 1234"));
    check("an empty message with more behind it", "40 00 1234 ff", None, Some("70 00 1234"));
    check("an acknowledgement", "60 00 1234", None, None);
    check("a reset", "70 00 1234", None, None);
    check("a request in an acknowledgement", "60 01 1234", None, None);
    check("a response", "40 45 1234", None, Some("70 00 1234"));
    check("a non-confirmable response", "50 45 1234", None, None);
    check("a reserved class", "40 21 1234", None, Some("70 00 1234"));
    check("a reserved token length", "49 01 1234 000000000000000000", None, Some("70 00 1234"));
    check("a token cut off", "44 01 1234 aa", None, Some("70 00 1234"));
    check("an option cut off", "40 01 1234 b5 61", None, Some("70 00 1234"));
    check("the reserved option length", "40 01 1234 bf 61", None, Some("70 00 1234"));
    check("a bare payload marker", "40 01 1234 b1 61 ff", None, Some("70 00 1234"));
    check("the same, non-confirmable", "50 01 1234 b1 61 ff", None, None);
    check("an elective option that ends like a marker", "40 01 1234 41 ff", Some("/"), Some(hi));
    check("another version", "00 01 1234", None, None);
    check("too short", "40 01 12", None, None);
    check("nothing", "", None, None);
}

#[test]
fn a_payload_above_the_limit_is_too_large() {
    for (len, expected) in [(MESSAGE_LEN_MAX, 0x45), (MESSAGE_LEN_MAX + 1, 0x8d)] {
        let datagram = [&bytes("40 02 1234 ff")[..], &vec![1; len]].concat();
        let (request, answer) = serve(&mut Responder::new(1), &datagram);
        assert_eq!(request.is_some(), expected == 0x45);
        assert_eq!(bytes(&answer.expect("an answer"))[1], expected);
    }
}

#[test]
fn a_non_confirmable_request_gets_a_non_confirmable_answer() {
    let mut responder = Responder::new(1);
    let (_, answer) = serve(&mut responder, &bytes("51 01 1234 aa b1 61"));
    let answer = bytes(&answer.expect("an answer"));
    assert_eq!(answer[..2], [0x51, 0x45]);
    assert_eq!(answer[4], 0xaa);
    let (request, again) = serve(&mut responder, &bytes("51 01 1234 aa b1 61"));
    assert_eq!((request, again.map(|hex| bytes(&hex))), (None, Some(answer)));
}

#[test]
fn a_repeated_message_id_is_never_judged_anew() {
    let mut responder = Responder::new(1);
    let datagram = |id: u16| [&bytes("40 02")[..], &id.to_be_bytes(), &bytes("b1 61 ff 00")].concat();
    let other_content = |id: u16| [&bytes("40 02")[..], &id.to_be_bytes(), &bytes("b1 62")].concat();
    let total = 3 * u16::try_from(ANSWERS_KEPT).expect("a small number");
    let answers: Vec<_> = (0..total)
        .map(|id| {
            let (request, answer) = serve(&mut responder, &datagram(id));
            assert!(request.is_some());
            answer
        })
        .collect();
    for id in 0..total {
        let remembered = usize::from(total - id) <= ANSWERS_KEPT;
        let expected = if remembered { answers[usize::from(id)].clone() } else { None };
        assert_eq!(serve(&mut responder, &datagram(id)), (None, expected.clone()), "{id}");
        assert_eq!(serve(&mut responder, &other_content(id)), (None, expected), "{id}");
    }
}

#[test]
fn a_request_that_is_not_answered_stays_unanswered() {
    let mut responder = Responder::new(1);
    responder.handle_datagram(&bytes("40 01 0001"));
    responder.handle_datagram(&bytes("40 01 0002"));
    assert!(responder.poll_request().is_some());
    assert!(responder.poll_request().is_some());
    responder.respond(Code::CHANGED, None, Vec::new());
    responder.respond(Code::CHANGED, None, Vec::new());
    assert_eq!(responder.poll_transmit(), Some(bytes("60 44 0002")));
    responder.handle_datagram(&bytes("40 01 0001"));
    assert_eq!((responder.poll_request(), responder.poll_transmit()), (None, None));
}

#[test]
fn requests_that_nobody_fetches_are_bounded() {
    let mut responder = Responder::new(1);
    for id in 0..100_u16 {
        responder.handle_datagram(&[&bytes("40 01")[..], &id.to_be_bytes()].concat());
    }
    assert_eq!(std::iter::from_fn(|| responder.poll_request()).count(), REQUESTS_WAITING_MAX);
    // One that was dropped unread is new when it is repeated.
    responder.handle_datagram(&bytes("40 01 0063"));
    assert!(responder.poll_request().is_some());
}

#[test]
fn codes_show_as_class_and_detail() {
    let check = |code: Code, text: &str| assert_eq!(code.to_string(), text);
    check(Code::CHANGED, "2.04");
    check(Code::NOT_FOUND, "4.04");
    check(Code::REQUEST_ENTITY_TOO_LARGE, "4.13");
    check(Code::TOO_MANY_REQUESTS, "4.29");
    check(Code::PROXYING_NOT_SUPPORTED, "5.05");
    check(Code(0xff), "7.31");
}

#[test]
fn any_code_survives_the_codec() {
    for code in 0..=u8::MAX {
        let datagram = encode(&bare(MessageType::Confirmable, Code(code), 1, &[]));
        assert_eq!(datagram[1], code);
    }
}

proptest::proptest! {
    #[test]
    fn any_datagrams_are_survived(
        datagrams in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..60), 1..20),
    ) {
        let mut responder = Responder::new(1);
        let mut requester = Requester::new(1);
        post(&mut requester);
        for mut datagram in datagrams {
            if let Some(first) = datagram.first_mut() {
                *first = *first & 0x3f | 0x40;
            }
            serve_any(&mut responder, &datagram);
            requester.handle_datagram(&datagram, NOW);
        }
    }
}

fn serve_any(responder: &mut Responder, datagram: &[u8]) {
    responder.handle_datagram(datagram);
    while responder.poll_request().is_some() {
        responder.respond(Code::CONTENT, Some(CBOR), vec![0]);
    }
    while responder.poll_transmit().is_some() {}
}
