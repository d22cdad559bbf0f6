//! Attach and contexts: what waits, and what is refused.

use desk::{Desk, check};
use vsara::modem::{Input, PortId};
use vsara::module::{IpVersion, Timing};

mod desk;

/// A module under its own timing, just booted, that searches.
fn searching(profile: &str) -> Desk {
    let mut desk = Desk::new(profile, Timing::Module);
    desk.wait(i64::from(desk.modem.module().profile().power.boot_ms));
    desk.wait(3_000);
    desk
}

/// What comes while time goes on in small steps, as each command of a line takes its own.
fn pass(desk: &mut Desk, millis: i64) -> String {
    let said: Vec<String> = (0..millis / 10).map(|_| desk.wait(10)).collect();
    said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("|")
}

#[test]
fn an_attach_answers_once_the_module_is_attached() {
    for profile in ["sara-r510s", "sara-r410m-02b"] {
        let mut desk = searching(profile);
        assert_eq!(desk.at("ATE0+CGATT=1;+CGATT?"), "");
        assert_eq!(pass(&mut desk, 4_900), "", "{profile}: it still searches");
        assert_eq!(pass(&mut desk, 300), "+CGATT: 1|OK", "{profile}");
    }
}

#[test]
fn an_attach_that_can_not_be_is_an_error() {
    let session = [
        ("AT+CMEE=2", "OK"),
        ("AT+CFUN=4", "OK"),
        ("AT+CGATT=1", "+CME ERROR: operation not allowed"),
        ("AT+CGATT=0", "OK"),
        ("AT+CFUN=1;+COPS=2", "OK"),
        ("AT+CGATT=1", "+CME ERROR: operation not allowed"),
        ("AT+COPS=0", "OK"),
        ("AT+CGATT?", "+CGATT: 1|OK"),
        ("AT+COPS=1,2,\"00103\"", "+CME ERROR: PLMN not allowed"),
        ("AT+CGATT=1", "+CME ERROR: PLMN not allowed"),
        ("AT+COPS=0;+CGATT=0;+CGDCONT=1,\"IP\",\"no.such.invalid\"", "OK"),
        ("AT+CGATT=1", "+CME ERROR: missing or unknown APN"),
        ("AT+CEER", "+CEER: \"ESM cause\",27,\"Missing or unknown APN\"|OK"),
        ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
        ("AT+CGATT=1;+CGATT?", "+CGATT: 1|OK"),
    ];
    check("sara-r510s", &session);
    check("sara-r410m-02b", &session);
}

#[test]
fn an_attach_without_coverage_gives_up_or_is_aborted() {
    let mut desk = searching("sara-r510s");
    desk.input(Input::Coverage(false));
    assert_eq!(desk.at("ATE0+CMEE=2;+CGATT=1"), "");
    assert_eq!(pass(&mut desk, 180_000), "");
    assert_eq!(pass(&mut desk, 100), "+CME ERROR: no network service");
    assert_eq!(desk.at("AT+CGATT=1"), "");
    assert_eq!(pass(&mut desk, 1_000), "");
    let aborted = desk.input(Input::Serial { port: PortId(0), bytes: b" " });
    assert_eq!(aborted, "\r\n+CME ERROR: Command aborted\r\n");
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.input(Input::Coverage(false));
    assert_eq!(desk.at("AT+CMEE=2;+CGATT=1"), "+CME ERROR: no network service");
}

#[test]
fn a_profile_of_the_internal_stack_needs_a_context_of_its_ip_version() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+CGDCONT=2,\"IPV6\",\"iot.example\";+UPSD=1,100,2", "OK"),
            ("AT+UPSDA=1,3", "+CME ERROR: IP type configuration mismatch"),
            ("AT+UPSD=1,0,1", "OK"),
            ("AT+UPSDA=1,3", "OK|+UUPSDA: 0,\"10.60.150.37\""),
            ("AT+UPSDA=1,4;+CGDCONT=2,\"IP\",\"iot.example\"", "OK"),
            ("AT+UPSDA=1,3", "+CME ERROR: IP type configuration mismatch"),
            ("AT+UPSD=1,0,2;+UPSDA=1,3", "OK|+UUPSDA: 0,\"10.60.150.37\""),
            ("AT+UPSDA=1,4;+CGDCONT=2,\"NONIP\",\"iot.example\"", "OK"),
            ("AT+UPSDA=1,3", "+CME ERROR: IP type configuration mismatch"),
        ],
    );
}

#[test]
fn an_ipv6_address_reads_as_octets_and_in_the_internal_stack_as_text() {
    let mut desk = Desk::over("sara-r510s", Timing::Fast, IpVersion::V6);
    let octets = "253.0.0.90.0.60.0.1.0.0.0.0.0.0.150.35";
    assert_eq!(desk.at("AT+CGPADDR=1"), format!("+CGPADDR: 1,\"{octets}\"|OK"));
    assert!(desk.at("AT+CGDCONT?").contains(&format!("\"{octets}\"")));
    assert_eq!(desk.at("AT+UPSDA=0,3"), "OK|+UUPSDA: 0,\"fd00:5a:3c:1::9623\"");
    assert_eq!(desk.at("AT+UPSND=0,0"), "+UPSND: 0,0,\"fd00:5a:3c:1::9623\"|OK");
}

#[test]
fn the_default_context_is_always_there() {
    check(
        "sara-r510s",
        &[
            ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
            ("AT+CGDCONT=1", "OK"),
            ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ("AT+CFUN=4;+CFUN=1", "OK"),
            ("AT+CGACT?;+CGATT?", "+CGACT: 1,1|+CGATT: 1|OK"),
        ],
    );
}

#[test]
fn a_lock_takes_a_class() {
    check(
        "sara-r510s",
        &[
            ("AT+CLCK=\"SC\",1,\"1234\",7", "OK"),
            ("AT+CLCK=\"SC\",2,\"1234\",7", "+CLCK: 1|OK"),
            ("AT+CLCK=\"SC\",0,\"1234\",7,1", "ERROR"),
            ("AT+CLCK=\"SC\",0,\"1234\",0", "ERROR"),
            ("AT+CLCK=\"FD\",2", "+CLCK: 0|OK"),
            ("AT+CLCK=\"FD\",1,\"1234\"", "ERROR"),
            ("AT+CLCK=\"SC\",2", "+CLCK: 1|OK"),
        ],
    );
}
