use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::protocol::keys::RotUid;
use crate::protocol::message::{Answer, Certificates, ChainNonce, MESSAGE_LEN_MAX, TEXT_LEN_MAX};

const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

fn year() -> Validity {
    let not_before = Timestamp::from_millis(1_767_225_600_000);
    Validity { not_before, not_after: not_before.offset_millis(365 * 86_400_000) }
}

fn serial(rng: &mut ChaCha12Rng) -> CertificateSerial {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    CertificateSerial::from_random(bytes)
}

struct Issued {
    device: PrivateKey,
    certificate: Vec<u8>,
    serial: CertificateSerial,
    authority: Vec<u8>,
}

fn issued(seed: u64, ca_name: &str, device_name: &str) -> Issued {
    let mut rng = rng(seed);
    let ca = PrivateKey::draw(&mut rng);
    let authority = Issuer::found(&ca, ca_name, serial(&mut rng), year()).expect("a name as it may be");
    let device = PrivateKey::draw(&mut rng);
    let request = device.certification_request();
    let key = requested_key(&request).expect("the request is its own");
    let serial = serial(&mut rng);
    let issuer = Issuer { key: &ca, certificate: &authority };
    let subject = Subject { rot: ROT, serial_number: device_name };
    let certificate = issuer.issue(subject, &key, serial, year()).expect("a name as it may be");
    Issued { device, certificate, serial, authority }
}

#[test]
fn what_a_ca_issues_passes_the_look_of_the_device() {
    let it = issued(1, "Acme devices", "pump-17");
    assert_eq!(check_issued(&it.certificate, &it.authority, &it.device), Ok(it.serial));
    assert_eq!(CertificateSerial::of(&it.certificate), Some(it.serial));
    let subject =
        Certificate::from_der(&it.certificate).expect("DER").tbs_certificate().subject().to_string();
    assert_eq!(subject, "SERIALNUMBER=0a04f008003c9623,CN=pump-17");
}

#[test]
fn a_certificate_of_another_key_or_another_ca_is_found_out() {
    let (it, other) = (issued(1, "Acme", "a"), issued(2, "Acme", "a"));
    check_issued(&it.certificate, &it.authority, &other.device).expect_err("another key");
    check_issued(&it.certificate, &other.authority, &it.device).expect_err("another CA of the same name");
    let renamed = issued(1, "Acne", "a");
    check_issued(&it.certificate, &renamed.authority, &it.device).expect_err("another name of the same key");
    let changed = |at: usize| {
        let mut certificate = it.certificate.clone();
        certificate[at] ^= 1;
        check_issued(&certificate, &it.authority, &it.device).is_err()
    };
    assert!((0..it.certificate.len()).all(changed), "a changed bit passed");
}

#[test]
fn a_request_proves_that_its_sender_has_the_key() {
    let request = PrivateKey::draw(&mut rng(3)).certification_request();
    assert!(request.len() <= CERTIFICATION_REQUEST_LEN_MAX);
    requested_key(&request).expect("unchanged");
    for at in 0..request.len() {
        let mut changed = request.clone();
        changed[at] ^= 1;
        requested_key(&changed).expect_err("changed");
    }
    requested_key(&[]).expect_err("nothing");
    requested_key(&[0x30; CERTIFICATION_REQUEST_LEN_MAX + 1]).expect_err("too long");
}

#[test]
fn the_longest_names_fit_into_one_message() {
    let it = issued(1, &"W".repeat(AUTHORITY_NAME_LEN_MAX), &"W".repeat(TEXT_LEN_MAX));
    let certificates = Certificates { device: it.certificate, authority: it.authority };
    let len = Answer::Certificate(ChainNonce([1; 8]), certificates).encode().len();
    assert!(len <= MESSAGE_LEN_MAX, "{len} bytes");
}

#[test]
fn the_same_randomness_gives_the_same_bytes() {
    let (first, second) = (issued(7, "Acme", "a"), issued(7, "Acme", "a"));
    assert_eq!((first.certificate, first.authority), (second.certificate, second.authority));
    assert_eq!(first.device, second.device);
}

#[test]
fn names_of_any_characters_stay_names() {
    for name in ["a,b+c=d", "\"quoted\"", "#23", " ", "Größe", "😀", "a\\,b"] {
        let it = issued(1, name, name);
        check_issued(&it.certificate, &it.authority, &it.device).expect(name);
    }
}

#[test]
fn a_serial_number_is_positive_and_of_one_length() {
    for bytes in [[0; 16], [0xff; 16], [0x80; 16]] {
        let CertificateSerial(bytes) = CertificateSerial::from_random(bytes);
        assert!((0x40..0x80).contains(&bytes[0]), "{bytes:?}");
    }
}

#[test]
fn a_private_key_never_shows_itself_and_comes_back_from_a_file() {
    let key = PrivateKey::draw(&mut rng(1));
    assert_eq!(format!("{key:?}"), "PrivateKey(…)");
    let text = serde_json::to_string(&key).expect("a string in JSON");
    assert_eq!(serde_json::from_str::<PrivateKey>(&text).expect("what was written"), key);
    let zero = format!("\"{}\"", "00".repeat(32));
    serde_json::from_str::<PrivateKey>(&zero).expect_err("zero is no key");
    let pem = key.to_pem();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n") && !pem.contains(['\r', '"']), "{pem}");
}
