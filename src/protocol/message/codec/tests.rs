use super::super::{
    Applied, Attention, Certificates, FeatureAuthorisation, HeartbeatAnswer, HelloAnswer, KeyNonce,
    ReplaceAnswer, Standing,
};
use super::*;
use crate::protocol::certificate::CertificateSerial;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../fixtures/messages/", $name, ".cbor.hex")))
    };
}

/// The bytes of a fixture: hex in any number of lines; a line with `#` is for people.
fn bytes_of(fixture: &str) -> Vec<u8> {
    let digits: String = fixture.lines().filter(|line| !line.starts_with('#')).collect();
    hex::decode(digits).expect("a fixture is comment lines and hex")
}

fn nonce(byte: u8) -> ChainNonce {
    ChainNonce([byte; 8])
}

fn step() -> Step {
    Step { nonce: nonce(0xa1), held: vec![nonce(0xb1), nonce(0xb2)] }
}

fn seal() -> Seal {
    Seal { profile_uid: "AgbCtixjwqLjwV3VWpfPyz".into(), serial_number: "352753090000013".into() }
}

fn module_nonce() -> KeyNonce {
    KeyNonce(std::array::from_fn(|i| i as u8))
}

fn service_nonce() -> KeyNonce {
    KeyNonce(std::array::from_fn(|i| 16 + i as u8))
}

fn hello() -> Hello {
    Hello {
        type_number: "SARA-R510S-01B-00".into(),
        firmware: "03.15,A00.01".into(),
        imei: "352753090000013".into(),
        seal: Some(seal()),
        nonce: module_nonce(),
    }
}

fn provision() -> Provision {
    let authorisation = |feature, byte| FeatureAuthorisation { feature, code: [byte; 32] };
    Provision {
        features: Some(vec![
            authorisation(Feature::LocalDataProtection, 0xd0),
            authorisation(Feature::ChipToChip, 0xd1),
        ]),
        services: true,
        heartbeat_period_s: 604_800,
        standing: Standing::Active,
        certificate: true,
    }
}

#[test]
fn requests_are_pinned_byte_for_byte() {
    let check = |(name, text): (&str, &str), path: &str, request: Request| {
        let bytes = bytes_of(text);
        assert_eq!(hex::encode(request.encode()), hex::encode(&bytes), "{name}");
        assert_eq!(request.path(), path, "{name}");
        assert_eq!(Request::decode(path, &bytes).expect(name), request, "{name}");
    };
    let first = Step { nonce: nonce(0xa1), held: Vec::new() };
    let unsealed = Hello {
        type_number: "SARA-R422M8S-00B-00".into(),
        firmware: "00.12,A00.01".into(),
        seal: None,
        ..hello()
    };
    let features = vec![Feature::LocalDataProtection, Feature::ChipToChip];
    let certificate = Some(CertificateSerial::from_random([0xf1; 16]));
    let applied = Applied { features, services: true, heartbeat_period_s: 604_800, certificate };
    let nothing = Applied { heartbeat_period_s: 604_800, ..Applied::default() };
    check(fixture!("hello-request"), "/bootstrap/hello", Request::Hello(first, hello()));
    check(fixture!("hello-request-unsealed"), "/bootstrap/hello", Request::Hello(step(), unsealed));
    check(fixture!("replace-request"), "/bootstrap/replace", Request::Replace(step()));
    check(fixture!("provision-request"), "/bootstrap/provision", Request::Provision(step()));
    check(fixture!("confirm-request"), "/bootstrap/confirm", Request::Confirm(step(), applied));
    check(fixture!("registration-request"), "/registration", Request::Register(step(), seal()));
    check(fixture!("heartbeat-request"), "/heartbeat", Request::Heartbeat(step(), module_nonce()));
    let request = CertificationRequest { request: vec![0x30; 200] };
    check(fixture!("certificate-request"), "/certificate", Request::Certificate(step(), request));
    check(fixture!("report-request"), "/report", Request::Report(step(), nothing));
    check(fixture!("held-request"), "/held", Request::Held(vec![nonce(0xb1), nonce(0xb2)]));
}

#[test]
fn answers_are_pinned_byte_for_byte() {
    let check = |(name, text): (&str, &str), path: &str, answer: Answer| {
        let bytes = bytes_of(text);
        assert_eq!(hex::encode(answer.encode()), hex::encode(&bytes), "{name}");
        assert_eq!(Answer::decode(path, &bytes).expect(name), answer, "{name}");
    };
    let c = nonce(0xc1);
    let hello = HelloAnswer { service_id: [0xe1; 8], nonce: service_nonce(), time_ms: 1_767_225_600_000 };
    let unowned = Provision {
        features: None,
        services: false,
        heartbeat_period_s: 604_800,
        standing: Standing::Unowned,
        certificate: false,
    };
    let heartbeat = HeartbeatAnswer { provision: provision(), new_key_set: true, nonce: service_nonce() };
    check(fixture!("hello-answer"), "/bootstrap/hello", Answer::Hello(c, hello));
    check(fixture!("replace-answer"), "/bootstrap/replace", Answer::Replace(c, ReplaceAnswer { number: 1 }));
    check(fixture!("provision-answer"), "/bootstrap/provision", Answer::Provision(c, provision()));
    check(fixture!("confirm-answer"), "/bootstrap/confirm", Answer::Confirm(c));
    check(fixture!("registration-answer"), "/registration", Answer::Register(c, unowned));
    check(fixture!("heartbeat-answer"), "/heartbeat", Answer::Heartbeat(c, heartbeat));
    let certificates = Certificates { device: vec![0x30; 500], authority: vec![0x31; 400] };
    check(fixture!("certificate-answer"), "/certificate", Answer::Certificate(c, certificates));
    let attention = Attention { change: true, new_key_set: false };
    check(fixture!("report-answer"), "/report", Answer::Report(c, attention));
    check(fixture!("held-answer"), "/held", Answer::Held(vec![nonce(0xb2)]));
}

#[test]
fn a_refusal_says_why() {
    let (_, text) = fixture!("refusal-clone");
    assert_eq!(Refusal::Clone.encode(), bytes_of(text));
    for refusal in [Refusal::Clone, Refusal::NotBootstrapped, Refusal::OutOfOrder] {
        assert_eq!(Refusal::decode(&refusal.encode()).expect("its own bytes"), refusal);
    }
    assert!(matches!(Refusal::decode(&[7]), Err(MessageError::Cbor(_))));
    assert!(matches!(Refusal::decode(&[]), Err(MessageError::Cbor(_))));
    assert!(matches!(Refusal::decode(&[0, 0]), Err(MessageError::Trailing(1))));
}

#[test]
fn the_largest_request_is_within_the_limit() {
    let text = "x".repeat(TEXT_LEN_MAX);
    let held = vec![nonce(1); HELD_NONCES_MAX];
    let largest = Hello {
        type_number: text.clone(),
        firmware: text.clone(),
        imei: text.clone(),
        seal: Some(Seal { profile_uid: text.clone(), serial_number: text }),
        nonce: module_nonce(),
    };
    let request = Request::Hello(Step { nonce: nonce(2), held }, largest);
    let bytes = request.encode();
    assert!(bytes.len() <= MESSAGE_LEN_MAX, "{} bytes", bytes.len());
    assert_eq!(Request::decode(request.path(), &bytes).expect("within every limit"), request);
}

#[test]
fn every_limit_is_enforced() {
    let too_many = || vec![nonce(1); HELD_NONCES_MAX + 1];
    let too_long = "x".repeat(TEXT_LEN_MAX + 1);
    let held = |held| Step { nonce: nonce(2), held };
    let applied = |features| Applied { features, ..Applied::default() };
    let check = |request: Request, expected: &str| {
        let error = Request::decode(request.path(), &request.encode()).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    };
    check(Request::Held(too_many()), "more than 64 entries in the held nonces");
    check(Request::Replace(held(too_many())), "more than 64 entries in the held nonces");
    let doubled = vec![Feature::ChipToChip; 2];
    check(Request::Report(step(), applied(doubled)), "a feature is listed twice");
    let seal = Seal { serial_number: too_long.clone(), ..seal() };
    check(Request::Register(step(), seal.clone()), "the serial number is longer than 64 bytes");
    let sealed = Hello { seal: Some(seal), ..hello() };
    check(Request::Hello(step(), sealed), "the serial number is longer than 64 bytes");
    let firmware = Hello { firmware: too_long, ..hello() };
    check(Request::Hello(step(), firmware), "the firmware is longer than 64 bytes");
    let request = CertificationRequest { request: vec![0; 513] };
    let expected = "a certification request of 513 bytes is longer than 512";
    check(Request::Certificate(step(), request), expected);
    let huge = Hello { imei: "x".repeat(MESSAGE_LEN_MAX), ..hello() };
    let len = Request::Hello(step(), huge.clone()).encode().len();
    check(Request::Hello(step(), huge), &format!("a message of {len} bytes is longer than 1120"));
}

#[test]
fn what_is_no_message_is_refused() {
    let whole = Request::Hello(step(), hello()).encode();
    for cut in 0..whole.len() {
        assert!(Request::decode("/bootstrap/hello", &whole[..cut]).is_err(), "cut at {cut}");
    }
    let trailing = [&whole[..], &[0]].concat();
    assert!(matches!(Request::decode("/bootstrap/hello", &trailing), Err(MessageError::Trailing(1))));
    assert!(matches!(Request::decode("/bootstrap/replace", &whole), Err(MessageError::Cbor(_))));
    assert!(matches!(Request::decode("/", &whole), Err(MessageError::UnknownPath(_))));
    assert!(matches!(Answer::decode("/", &whole), Err(MessageError::UnknownPath(_))));
    // A list that claims four thousand million entries.
    assert!(matches!(Request::decode("/held", &[0x9a, 0xff, 0xff, 0xff, 0xff]), Err(MessageError::Cbor(_))));
    // Nested a thousand times, in a key that is not known.
    let mut deep = vec![0x81, 0xa1, 0x07];
    deep.extend([0x81; 1000]);
    assert!(Request::decode("/bootstrap/replace", &deep).is_err());
}

#[test]
fn a_key_that_is_not_known_is_skipped() {
    // [{0: nonce, 1: [], 9: "new"}]
    let mut bytes = vec![0x81, 0xa3, 0x00, 0x48];
    bytes.extend([0xa1; 8]);
    bytes.extend([0x01, 0x80, 0x09, 0x63, b'n', b'e', b'w']);
    let expected = Request::Replace(Step { nonce: nonce(0xa1), held: Vec::new() });
    assert_eq!(Request::decode("/bootstrap/replace", &bytes).expect("a newer peer"), expected);
}

const PATHS: [&str; 9] =
    [HELLO, REPLACE, PROVISION, CONFIRM, REGISTRATION, HEARTBEAT, CERTIFICATE, REPORT, HELD];

proptest::proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(
        path in 0..PATHS.len(),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
    ) {
        _ = Request::decode(PATHS[path], &bytes);
        _ = Answer::decode(PATHS[path], &bytes);
        _ = Refusal::decode(&bytes);
    }

    #[test]
    fn a_damaged_message_is_decoded_or_refused(at in 0usize..200, byte in proptest::num::u8::ANY) {
        let mut request = Request::Hello(step(), hello()).encode();
        let len = request.len();
        request[at % len] = byte;
        if let Ok(decoded) = Request::decode(HELLO, &request) {
            proptest::prop_assert_eq!(Request::decode(HELLO, &decoded.encode()).ok(), Some(decoded));
        }
        let mut answer = Answer::Provision(nonce(1), provision()).encode();
        let len = answer.len();
        answer[at % len] = byte;
        _ = Answer::decode(PROVISION, &answer);
    }
}
