//! `+USECPRF`: what each family's TLS profiles begin with, take and keep.

use desk::{Desk, check};
use vsara::modem::Input;
use vsara::module::Timing;
use vsara::module::tls::CIPHER_SUITES_MAX;

mod desk;

const R5: &str = "sara-r510s";
const R4: &str = "sara-r410m-83b";
const R422: &str = "sara-r422s";
const PLAIN: &str = "sara-r410m-02b";

#[test]
fn a_profile_begins_as_its_family_does() {
    for (profile, certificate_check, version, cipher_suites) in
        [(R5, 1, 3, "100,\"\""), (R422, 1, 0, "99,\"\""), (R4, 0, 0, "0"), (PLAIN, 0, 0, "0")]
    {
        check(
            profile,
            &[
                ("AT+USECPRF=0,0", &format!("+USECPRF: 0,0,{certificate_check}|OK")),
                ("AT+USECPRF=0,1", &format!("+USECPRF: 0,1,{version}|OK")),
                ("AT+USECPRF=0,2", &format!("+USECPRF: 0,2,{cipher_suites}|OK")),
                ("AT+USECPRF=4,3", "+USECPRF: 4,3,\"\"|OK"),
                ("AT+USECPRF=4,9", "+USECPRF: 4,9,\"\"|OK"),
            ],
        );
    }
}

#[test]
fn a_profile_has_the_operations_of_its_type() {
    for (profile, further) in
        [(R5, ",10,11,13,14"), ("sara-r510s-01b-01", ",10,13"), (R422, ",10"), (R4, ",10,11"), (PLAIN, "")]
    {
        check(profile, &[("AT+USECPRF=?", &format!("+USECPRF: (0-4),(0,1,2,3,4,5,6,7,8,9{further})|OK"))]);
        for op in [10, 11, 12, 13, 14] {
            let there = further.split(',').any(|listed| listed == op.to_string());
            let answer = Desk::new(profile, Timing::Fast).at(&format!("AT+CMEE=2;+USECPRF=0,{op}"));
            let expected = if there { "+USECPRF: 0," } else { "+CME ERROR: operation not supported" };
            assert!(answer.starts_with(expected), "{profile}: op {op}: {answer}");
        }
    }
}

#[test]
fn what_was_set_is_shown_and_a_reset_takes_it_back() {
    let cases = [
        ("0", "0,3", "3", "1"),
        ("1", "1,2", "2", "3"),
        ("2", "2,5", "5", "100,\"\""),
        ("2", "2,99,\"c0\",\"2b\"", "99,\"C02B\"", "100,\"\""),
        ("3", "3,\"my CA\"", "\"my CA\"", "\"\""),
        ("4", "4,\"server.example\"", "\"server.example\"", "\"\""),
        ("5", "5,\"my certificate\"", "\"my certificate\"", "\"\""),
        ("6", "6,\"my key\"", "\"my key\"", "\"\""),
        ("7", "7,\"open sesame\"", "\"open sesame\"", "\"\""),
        ("8", "8,\"a key\"", "\"a key\"", "\"\""),
        ("9", "9,\"an identity\"", "\"an identity\"", "\"\""),
        ("10", "10,\"sni.example\"", "\"sni.example\"", "\"\""),
        ("11", "11,1", "1", "0"),
        ("13", "13,0,1", "0,1", "0,0"),
        ("13,1", "13,1,1", "1,1", "1,0"),
        ("13,2", "13,2,\"an id\",\"its secret\"", "2,\"an id\",\"its secret\"", "2,\"\",\"\""),
        ("14", "14,2", "2", "0"),
    ];
    for (op, set, shown, factory) in cases {
        let ask = format!("AT+USECPRF=3,{op}");
        let answer = |value: &str| {
            let op = op.split(',').next().unwrap_or(op);
            format!("+USECPRF: 3,{op},{value}|OK")
        };
        check(
            R5,
            &[
                (&format!("AT+USECPRF=3,{set}"), "OK"),
                (&ask, &answer(shown)),
                (&ask.replace("=3", "=2"), &answer(factory).replace(": 3", ": 2")),
                ("AT+USECPRF=3", "OK"),
                (&ask, &answer(factory)),
            ],
        );
    }
}

#[test]
fn cipher_suites_are_added_to_a_list_and_taken_off() {
    check(
        R5,
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+USECPRF=0,2,100,\"c0\",\"2a\",0", "OK"),
            ("AT+USECPRF=0,2,100,\"C0\",\"2C\",0", "OK"),
            ("AT+USECPRF=0,2,100,\"c0\",\"2c\",0", "OK"),
            ("AT+USECPRF=0,2", "+USECPRF: 0,2,100,\"C02A;C02C\"|OK"),
            ("AT+USECPRF=0,2,100,\"00\",\"01\",1", "+CME ERROR: operation not allowed"),
            ("AT+USECPRF=0,2,100,\"c0\",\"2a\",1", "OK"),
            ("AT+USECPRF=0,2", "+USECPRF: 0,2,100,\"C02C\"|OK"),
            ("AT+USECPRF=0,2,100,\"c0\",\"2c\",1", "OK"),
            ("AT+USECPRF=0,2", "+USECPRF: 0,2,100,\"\"|OK"),
            ("AT+USECPRF=0,2,100,\"c0\",\"2c\",0;+USECPRF=0,2,0", "OK"),
            ("AT+USECPRF=0,2", "+USECPRF: 0,2,100,\"\"|OK"),
        ],
    );
    check(
        R422,
        &[("AT+USECPRF=0,2,99,\"c0\",\"2a\"", "OK"), ("AT+USECPRF=0,2,100,\"c0\",\"2a\",0", "ERROR")],
    );
    check(PLAIN, &[("AT+USECPRF=0,2,33", "OK"), ("AT+USECPRF=0,2,99,\"c0\",\"2a\"", "ERROR")]);
    let mut desk = Desk::new(R5, Timing::Fast);
    for suite in 0..CIPHER_SUITES_MAX {
        assert_eq!(desk.at(&format!("AT+USECPRF=0,2,100,\"c0\",\"{suite:02x}\",0")), "OK", "{suite}");
    }
    assert_eq!(desk.at("AT+USECPRF=0,2,100,\"c1\",\"00\",0"), "ERROR", "the list is full");
    assert_eq!(desk.at("AT+USECPRF=0,2,100,\"c0\",\"00\",0"), "OK", "it is on it");
}

#[test]
fn a_profile_survives_power_loss_and_not_a_restored_factory() {
    let mut desk = Desk::new(R5, Timing::Fast);
    assert_eq!(desk.at("AT+USECPRF=1,8,\"secret\";+USECPRF=1,11,1"), "OK");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+USECPRF=1,8;+USECPRF=1,11"), "+USECPRF: 1,8,\"secret\"|+USECPRF: 1,11,1|OK");
    assert!(!format!("{:?}", desk.modem.module().nvm()).contains("secret\""), "a log shows no key");
    assert_eq!(desk.at("AT+UFACTORY=0,1;+CFUN=16"), "OK");
    assert_eq!(desk.at("AT+USECPRF=1,8"), "+USECPRF: 1,8,\"\"|OK");
}

#[test]
fn wrong_input_is_refused_and_changes_nothing() {
    let long = |len: usize| "x".repeat(len);
    let wrong = [
        "=".to_owned(),
        "=5".to_owned(),
        "=-1".to_owned(),
        "=0,".to_owned(),
        "=0,15".to_owned(),
        "=0,12".to_owned(),
        "=0,0,4".to_owned(),
        "=0,0,\"1\"".to_owned(),
        "=0,0,".to_owned(),
        "=0,0,1,1".to_owned(),
        "=0,1,4".to_owned(),
        "=0,2,34".to_owned(),
        "=0,2,98".to_owned(),
        "=0,2,99,\"c0\"".to_owned(),
        "=0,2,99,\"c\",\"2b\"".to_owned(),
        "=0,2,99,\"zz\",\"2b\"".to_owned(),
        "=0,2,99,\"c02b\",\"2b\"".to_owned(),
        "=0,2,99,c0,2b".to_owned(),
        "=0,2,100,\"c0\",\"2b\"".to_owned(),
        "=0,2,100,\"c0\",\"2b\",2".to_owned(),
        "=0,3,ca".to_owned(),
        "=0,3,\"ä\"".to_owned(),
        "=0,3,\"a\u{1}\"".to_owned(),
        format!("=0,3,\"{}\"", long(33)),
        format!("=0,7,\"{}\"", long(65)),
        format!("=0,8,\"{}\"", long(65)),
        format!("=0,9,\"{}\"", long(129)),
        format!("=0,10,\"{}\"", long(257)),
        "=0,11,2".to_owned(),
        "=0,13,3".to_owned(),
        "=0,13,12,\"a\"".to_owned(),
        "=0,13,2,\"a\"".to_owned(),
        "=0,14,3".to_owned(),
        "?".to_owned(),
        String::new(),
    ];
    let mut desk = Desk::new(R5, Timing::Fast);
    let before = desk.modem.module().nvm().secrets.clone();
    for rest in wrong {
        assert_eq!(desk.at(&format!("AT+USECPRF{rest}")), "ERROR", "{rest}");
    }
    assert_eq!(desk.modem.module().nvm().secrets, before);
    assert_eq!(desk.at(&format!("AT+USECPRF=0,7,\"{}\"", long(64))), "OK");
    assert_eq!(desk.at(&format!("AT+USECPRF=0,3,\"{}\"", long(32))), "OK");
}
