//! `+USECMNG`: certificates and keys are imported, listed, shown by their MD5 and removed.
//!
//! The files of `fixtures/certificates` and the MD5s of their DER forms are OpenSSL's.

use desk::{Desk, check};
use vsara::modem::{Input, PortId};
use vsara::module::Timing;
use vsara::module::credentials::{CREDENTIAL_LEN_MAX, CREDENTIALS_MAX};

mod desk;

const R5: &str = "sara-r510s";
const CA: &[u8] = include_bytes!("../fixtures/certificates/ca.pem");
const CA_DER: &[u8] = include_bytes!("../fixtures/certificates/ca.der");
const EC_KEY: &[u8] = include_bytes!("../fixtures/certificates/ec-key.pem");
const RSA_KEY: &[u8] = include_bytes!("../fixtures/certificates/rsa-key.pem");
const PKCS8_KEY: &[u8] = include_bytes!("../fixtures/certificates/pkcs8-key.pem");
const ENCRYPTED_KEY: &[u8] = include_bytes!("../fixtures/certificates/encrypted-key.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("../fixtures/certificates/public-key.pem");

const CA_MD5: &str = "b8678bb0163c408d9e1bb7563b3e66e4";
const EC_KEY_MD5: &str = "f4c2d8233188461709740a3824c33ac8";
const RSA_KEY_MD5: &str = "4db9fe212bc64d8a97ed10d86e940f12";
const PKCS8_KEY_MD5: &str = "ac1c08d57343daef071a761652eafe43";
const PUBLIC_KEY_MD5: &str = "0776594d71dd76b8ecd5384f53d50c1d";

const INVALID_FORMAT: &str = "+CME ERROR: USECMNG invalid certificate or key format";
const NOT_FOUND: &str = "+CME ERROR: USECMNG internal name not found";

fn desk() -> Desk {
    let mut desk = Desk::new(R5, Timing::Fast);
    desk.at("AT+CMEE=2");
    desk
}

fn send(desk: &mut Desk, bytes: &[u8]) -> String {
    let said = desk.input(Input::Serial { port: PortId(0), bytes });
    said.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
}

/// What an import answers.
fn import(desk: &mut Desk, kind: &str, name: &str, bytes: &[u8]) -> String {
    assert_eq!(desk.at(&format!("AT+USECMNG=0,{kind},\"{name}\",{}", bytes.len())), ">");
    send(desk, bytes)
}

#[test]
fn what_is_imported_is_known_by_the_md5_of_its_der_form() {
    for (kind, number, bytes, md5) in [
        ("0", 0, CA, CA_MD5),
        ("0", 0, CA_DER, CA_MD5),
        ("\"CC\"", 1, CA, CA_MD5),
        ("2", 2, EC_KEY, EC_KEY_MD5),
        ("\"pk\"", 2, RSA_KEY, RSA_KEY_MD5),
        ("2", 2, PKCS8_KEY, PKCS8_KEY_MD5),
        ("3", 3, CA, CA_MD5),
        ("4", 4, CA, CA_MD5),
        ("5", 5, PUBLIC_KEY, PUBLIC_KEY_MD5),
    ] {
        let mut desk = desk();
        assert_eq!(
            import(&mut desk, kind, "one", bytes),
            format!("+USECMNG: 0,{number},\"one\",\"{md5}\"|OK")
        );
        let shown = format!("+USECMNG: 4,{number},\"one\",\"{md5}\"|OK");
        assert_eq!(desk.at(&format!("AT+USECMNG=4,{kind},\"one\"")), shown);
        assert_eq!(desk.at(&format!("AT+USECMNG=4,{kind},\"other\"")), NOT_FOUND);
        assert_eq!(desk.at(&format!("AT+USECMNG=4,{},\"one\"", (number + 1) % 6)), NOT_FOUND);
    }
}

#[test]
fn a_list_tells_subject_and_expiry_of_cas_and_client_certificates() {
    let mut desk = desk();
    assert_eq!(desk.at("AT+USECMNG=3"), "OK");
    import(&mut desk, "3", "server", CA);
    import(&mut desk, "2", "key", EC_KEY);
    import(&mut desk, "0", "ca", CA);
    import(&mut desk, "1", "client", CA_DER);
    let told = "\"Example CA, the first\",\"2126/11/01 13:43:22\"";
    let all = format!("\"SC\",\"server\"|\"PK\",\"key\"|\"CA\",\"ca\",{told}|\"CC\",\"client\",{told}|OK");
    assert_eq!(desk.at("AT+USECMNG=3"), all);
}

#[test]
fn a_name_is_replaced_and_removed() {
    let mut desk = desk();
    import(&mut desk, "2", "mine", EC_KEY);
    import(&mut desk, "2", "mine", RSA_KEY);
    assert_eq!(desk.at("AT+USECMNG=3"), "\"PK\",\"mine\"|OK");
    assert_eq!(desk.at("AT+USECMNG=4,2,\"mine\""), format!("+USECMNG: 4,2,\"mine\",\"{RSA_KEY_MD5}\"|OK"));
    assert_eq!(desk.at("AT+USECMNG=2,0,\"mine\""), NOT_FOUND);
    assert_eq!(desk.at("AT+USECMNG=2,2,\"mine\""), "OK");
    assert_eq!(desk.at("AT+USECMNG=2,2,\"mine\""), NOT_FOUND);
    assert_eq!(desk.at("AT+USECMNG=3"), "OK");
}

#[test]
fn what_was_answered_survives_power_loss_and_a_log_does_not_show_it() {
    let mut desk = desk();
    import(&mut desk, "2", "key", EC_KEY);
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+USECMNG=3"), "\"PK\",\"key\"|OK");
    assert_eq!(desk.at("AT+UFACTORY=0,2;+CFUN=16"), "OK");
    assert_eq!(desk.at("AT+USECMNG=3"), "\"PK\",\"key\"|OK");
    let log = format!("{:?}", desk.modem.module().nvm().secrets.credentials);
    assert_eq!(log, "Credentials { imported: [Credential(PK \"key\", 121 bytes)] }");
}

#[test]
fn power_lost_or_time_over_inside_an_import_leaves_nothing() {
    let mut desk = desk();
    assert_eq!(desk.at("AT+USECMNG=0,2,\"key\",1000"), ">");
    assert_eq!(send(&mut desk, EC_KEY), "");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+CMEE=2;+USECMNG=3"), "OK");
    assert_eq!(desk.at("AT+USECMNG=0,2,\"key\",1000"), ">");
    assert_eq!(send(&mut desk, EC_KEY), "");
    assert_eq!(desk.wait(19_999), "");
    assert_eq!(desk.wait(1), "+CME ERROR: USECMNG import timeout");
    assert_eq!(desk.at("AT+USECMNG=3"), "OK");
}

#[test]
fn what_is_no_certificate_or_key_of_its_sort_has_an_invalid_format() {
    let cut = &CA_DER[..CA_DER.len() - 1];
    let longer = [CA_DER, b"\0"].concat();
    for (kind, bytes) in [
        ("0", EC_KEY),
        ("0", b"x".as_slice()),
        ("0", b"0"),
        ("0", cut),
        ("0", &longer),
        ("0", &CA[..CA.len() / 2]),
        ("0", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("2", CA),
        ("2", CA_DER),
        ("2", PUBLIC_KEY),
        ("2", ENCRYPTED_KEY),
        ("5", EC_KEY),
        ("5", CA),
        ("1", &[0xff; CREDENTIAL_LEN_MAX]),
    ] {
        let mut desk = desk();
        assert_eq!(import(&mut desk, kind, "one", bytes), INVALID_FORMAT, "{kind}: {bytes:?}");
        assert_eq!(desk.at("AT+USECMNG=3"), "OK");
    }
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let mut desk = desk();
    for number in 0..CREDENTIALS_MAX {
        assert!(import(&mut desk, "0", &number.to_string(), CA).ends_with("|OK"), "{number}");
    }
    assert_eq!(desk.at("AT+USECMNG=0,0,\"more\",500"), "+CME ERROR: USECMNG database full");
    assert!(import(&mut desk, "0", "0", CA).ends_with("|OK"), "in the place of another");
    assert_eq!(desk.at("AT+USECMNG=2,0,\"1\""), "OK");
    assert!(import(&mut desk, "0", "more", CA).ends_with("|OK"));
}

#[test]
fn wrong_parameters_are_refused_before_the_prompt() {
    const WRONG: &str = "+CME ERROR: incorrect parameters";
    let name = "n".repeat(33);
    for (rest, answer) in [
        ("=", WRONG),
        ("=5", WRONG),
        ("=0", WRONG),
        ("=0,6,\"a\",5", WRONG),
        ("=0,\"XX\",\"a\",5", WRONG),
        ("=0,0,\"\",5", WRONG),
        ("=0,0,a,5", WRONG),
        ("=0,0,\"a\"", WRONG),
        ("=0,0,\"a\",0", WRONG),
        ("=0,0,\"a\",-1", WRONG),
        ("=0,0,\"a\",5,\"password\"", WRONG),
        ("=0,2,\"a\",5,\"password\",1", WRONG),
        (&format!("=0,0,\"{name}\",5"), WRONG),
        ("=0,0,\"a\",8193", "+CME ERROR: USECMNG import size exceeded"),
        ("=1,0,\"a\",\"no.pem\"", "+CME ERROR: FILE NOT FOUND"),
        ("=1,0,\"a\"", WRONG),
        ("=2,0", WRONG),
        ("=3,0", WRONG),
        ("=4,0,\"a\",1", WRONG),
        ("?", "+CME ERROR: operation not supported"),
        ("", "+CME ERROR: operation not supported"),
    ] {
        check(R5, &[("AT+CMEE=2", "OK"), (&format!("AT+USECMNG{rest}"), answer), ("AT", "OK")]);
    }
    check(R5, &[("AT+USECMNG=0,2,\"a\",5,\"password\"", ">")]);
}
