//! Registration, attach and contexts: what a host program sees of the network.

use desk::{Desk, check};
use vsara::modem::{Input, PortId};
use vsara::module::Timing;
use vsara::module::network::OPERATORS;

mod desk;

const HOME: &str = "\"0001\",\"01a2d001\"";

/// A module under its own timing, just booted.
fn booted(profile: &str) -> Desk {
    let mut desk = Desk::new(profile, Timing::Module);
    let boot_ms = desk.modem.module().profile().power.boot_ms;
    desk.wait(i64::from(boot_ms));
    desk
}

/// What a command answers within a second.
fn ask(desk: &mut Desk, line: &str) -> String {
    let mut answers = vec![desk.at(line)];
    answers.extend((0..20).map(|_| desk.wait(50)));
    answers.retain(|text| !text.is_empty());
    answers.join("|")
}

#[test]
fn a_network_is_chosen_by_hand_or_refuses() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2;+CREG=2;+CEREG=3", "OK"),
            (
                "AT+COPS=1,2,\"00102\"",
                "OK|+CREG: 5,\"0102\",\"01b3e002\",7|+CEREG: 5,\"0102\",\"01b3e002\",7",
            ),
            ("AT+COPS?", "+COPS: 1,2,\"00102\",7|OK"),
            ("AT+CGATT?;+CGACT?", "+CGATT: 1|+CGACT: 1,1|OK"),
            ("AT+COPS=1,2,\"00102\"", "OK"),
            ("AT+COPS=1,2,\"00103\"", "+CME ERROR: PLMN not allowed|+CREG: 3|+CEREG: 3,,,,0,11"),
            ("AT+CEER", "+CEER: \"EMM cause\",11,\"PLMN not allowed\"|OK"),
            ("AT+COPS?;+CGATT?", "+COPS: 1|+CGATT: 0|OK"),
            (
                "AT+COPS=4,0,\"vsara closed network\"",
                "OK|+CREG: 1,\"0001\",\"01a2d001\",7|+CEREG: 1,\"0001\",\"01a2d001\",7",
            ),
            ("AT+COPS=1,2,\"26201\"", "+CME ERROR: no network service"),
            ("AT+COPS?", "+COPS: 4,2,\"00101\",7|OK"),
            ("AT+COPS=1,1,\"vsara\",9", "+CME ERROR: no network service"),
            ("AT+COPS=1", "+CME ERROR: incorrect parameters"),
            ("AT+COPS=3", "+CME ERROR: incorrect parameters"),
            ("AT+COPS=0", "OK"),
            ("AT+COPS=0", "OK"),
        ],
    );
}

#[test]
fn a_cause_stands_behind_all_the_fields_of_the_family() {
    for (profile, fields) in
        [("sara-r510s", ",,,,0,11"), ("sara-r410m-83b", ",,,,0,11"), ("sara-r410m-02b", ",,,,,0,11")]
    {
        let mut desk = Desk::new(profile, Timing::Fast);
        desk.at("AT+COPS=1,2,\"00103\"");
        assert_eq!(desk.at("AT+CEREG=3;+CEREG?"), format!("+CEREG: 3,3{fields}|OK"), "{profile}");
        assert_eq!(desk.at("AT+CEREG=4;+CEREG?"), "+CEREG: 4,3|OK", "{profile}: no cause at this level");
    }
}

#[test]
fn the_operator_shows_in_the_format_asked_for() {
    check(
        "sara-r410m-02b",
        &[
            ("AT+COPS?", "+COPS: 0,0,\"vsara test network\",7|OK"),
            ("AT+COPS=3,1;+COPS?", "+COPS: 0,1,\"vsara\",7|OK"),
            ("AT+COPS=0,2;+COPS?", "+COPS: 0,2,\"00101\",7|OK"),
            ("AT+COPS=5", "ERROR"),
        ],
    );
}

#[test]
fn a_scan_lists_each_network_in_each_technology() {
    check(
        "sara-r410m-02b",
        &[(
            "AT+COPS=?",
            "+COPS: (2,\"vsara test network\",\"vsara\",\"00101\",7),(1,\"vsara test network\",\"vsara\",\"00101\",9),\
                 (1,\"vsara roaming partner\",\"partner\",\"00102\",7),(1,\"vsara roaming partner\",\"partner\",\"00102\",9),\
                 (3,\"vsara closed network\",\"closed\",\"00103\",7),,(0-4),(0-2)|OK",
        )],
    );
    check(
        "sara-r510s",
        &[
            (
                "AT+COPS=5",
                "MCC:001, MNC:01, TAC:0001, CI:1a2d001, DLF:6300, ULF:24300, PCI:101, RSRP LEV:-86, RSRQ LEV:-14|\
                 MCC:001, MNC:02, TAC:0102, CI:1b3e002, DLF:6200, ULF:24200, PCI:202, RSRP LEV:-86, RSRQ LEV:-14|\
                 MCC:001, MNC:03, TAC:0103, CI:1c4f003, DLF:6400, ULF:24400, PCI:303, RSRP LEV:-86, RSRQ LEV:-14|OK",
            ),
            ("AT+CFUN=4", "OK"),
            ("AT+COPS=?", "ERROR"),
        ],
    );
}

#[test]
fn a_scan_takes_its_time_and_any_character_aborts_it() {
    for (profile, scan, milliseconds) in [
        ("sara-r510s", "AT+COPS=?", 60_000),
        ("sara-r410m-02b", "AT+COPS=?", 60_000),
        ("sara-r510s", "AT+COPS=5", 120_000),
    ] {
        let mut desk = booted(profile);
        assert_eq!(ask(&mut desk, scan), "", "{profile}");
        assert_eq!(desk.input(Input::Serial { port: PortId(0), bytes: b" \r" }), "\r\nCommand aborted\r\n\r");
        assert_eq!(ask(&mut desk, "AT"), "OK", "{profile}: goes on after an abort");
        assert_eq!(ask(&mut desk, scan), "", "{profile}");
        assert_eq!(desk.wait(milliseconds - 2000), "", "{profile}");
        let deadline = desk.modem.next_timeout().system.expect("a scan has an end");
        assert!(deadline <= desk.now.system.offset_millis(1000), "{profile}");
        let answer = format!("{}{}", desk.wait(1000), desk.wait(100));
        assert!(answer.ends_with("|OK"), "{profile}: {answer}");
    }
}

#[test]
fn other_commands_do_not_end_at_a_character() {
    let mut desk = booted("sara-r510s");
    let answer = desk.input(Input::Serial { port: PortId(0), bytes: b"AT+CGMI\rATE1\r" });
    assert_eq!(answer, "AT+CGMI\r");
    assert_eq!(desk.wait(100), "u-blox|OK|ATE1\r");
    assert_eq!(desk.wait(100), "OK");
}

#[test]
fn a_choice_by_hand_answers_once_registered() {
    let mut desk = booted("sara-r510s");
    desk.wait(20_000);
    assert_eq!(ask(&mut desk, "AT+CREG=1;+CMEE=2"), "OK");
    assert_eq!(ask(&mut desk, "AT+COPS=1,2,\"00102\""), "");
    assert_eq!(desk.wait(10_000), "");
    assert_eq!(desk.wait(100), "OK|+CREG: 2|+CREG: 5");
    assert_eq!(ask(&mut desk, "AT+COPS=1,2,\"00103\""), "");
    assert_eq!(desk.wait(10_000), "");
    assert_eq!(desk.wait(100), "+CME ERROR: PLMN not allowed|+CREG: 2|+CREG: 3");
    assert_eq!(ask(&mut desk, "AT+COPS=1,2,\"00101\""), "");
    let aborted = desk.input(Input::Serial { port: PortId(0), bytes: b" " });
    assert_eq!(aborted, "\r\n+CME ERROR: Command aborted\r\n\r\n+CREG: 2\r\n");
    assert_eq!(desk.wait(10_000), "+CREG: 1", "what was chosen stands");
    desk.input(Input::Coverage(false));
    assert_eq!(ask(&mut desk, "AT+COPS=1,2,\"00102\""), "");
    desk.wait(180_000);
    assert_eq!(desk.wait(100), "+CME ERROR: no network service");
}

#[test]
fn registration_fields_follow_level_family_and_technology() {
    let r5 = |level: u8, fields: &str| {
        (format!("AT+CEREG={level};+CEREG?"), format!("+CEREG: {level},1{fields}|OK"))
    };
    let timers = ",,,\"00000000\",\"00000000\"";
    let tables = [
        (
            "sara-r510s",
            vec![r5(0, ""), r5(1, ""), r5(2, &format!(",{HOME},7")), r5(3, &format!(",{HOME},7"))],
        ),
        ("sara-r510s", vec![r5(4, &format!(",{HOME},7{timers}")), r5(5, &format!(",{HOME},7{timers}"))]),
        (
            "sara-r410m-02b",
            vec![
                r5(2, ",\"0001\",\"0000\",\"01a2d001\",7"),
                r5(4, &format!(",\"0001\",\"0000\",\"01a2d001\",7{timers}")),
            ],
        ),
        ("sara-r410m-83b", vec![r5(2, &format!(",{HOME},7")), r5(4, &format!(",{HOME},7{timers}"))]),
    ];
    for (profile, table) in tables {
        let lines: Vec<_> = table.iter().map(|(line, answer)| (line.as_str(), answer.as_str())).collect();
        check(profile, &lines);
    }
    check(
        "sara-r422m8s",
        &[
            ("AT+URAT=9", "OK"),
            ("AT+CFUN=15", "OK"),
            ("AT+CREG=2;+CEREG=2", "OK"),
            ("AT+CREG?;+CEREG?", "+CREG: 2,1,\"0001\",\"d001\",0|+CEREG: 2,0|OK"),
            ("AT+COPS?", "+COPS: 0,0,\"vsara test network\",0|OK"),
            ("AT+CESQ", "+CESQ: 38,99,255,255,255,255|OK"),
        ],
    );
    check("sara-r410m-02b", &[("AT+CEREG=5", "ERROR"), ("AT+CREG=3", "ERROR"), ("AT+CSCON=1", "ERROR")]);
}

#[test]
fn coverage_that_goes_and_comes_is_told() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    assert_eq!(
        desk.at("ATE0+CREG=2;+CGREG=2;+CEREG=4;+CGEREP=1;+CSCON=1;+UPSDA=0,3"),
        "OK|+UUPSDA: 0,\"10.60.150.36\""
    );
    let lost = desk.input(Input::Coverage(false));
    let lost: Vec<_> = lost.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lost,
        ["+CREG: 2", "+CGREG: 2", "+CEREG: 2", "+CSCON: 0", "+CGEV: NW DETACH", "+UUPSDD: 0"],
        "a state without a cell has no fields"
    );
    assert_eq!(
        desk.at("AT+CGACT?;+CGATT?;+CSQ;+CESQ"),
        "+CGACT: 1,0|+CGATT: 0|+CSQ: 99,99|+CESQ: 99,99,255,255,255,255|OK"
    );
    let found = desk.input(Input::Coverage(true));
    let found: Vec<_> = found.split("\r\n").filter(|line| !line.is_empty()).collect();
    let cell = format!("{HOME},7");
    let (circuit, packet) = (format!("+CREG: 1,{cell}"), format!("+CGREG: 1,{cell}"));
    let eps = format!("+CEREG: 1,{cell},,,\"00000000\",\"00000000\"");
    assert_eq!(found, [circuit.as_str(), &packet, &eps, "+CSCON: 1", "+CGEV: ME PDN ACT 1"]);
    let released = desk.wait(10_000);
    assert!(released.starts_with("+CSCON: 0"), "the radio connection ends when nothing passes: {released}");
}

#[test]
fn a_module_roams_where_its_own_network_is_not() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let [_, partner, closed] = &OPERATORS;
    assert_eq!(desk.at("ATE0+CMEE=2;+CREG=1"), "OK");
    assert_eq!(desk.input(Input::Networks(&[partner, closed])), "\r\n+CREG: 5\r\n");
    assert_eq!(desk.at("AT+COPS=3,2;+COPS?"), "+COPS: 0,2,\"00102\",7|OK");
    assert_eq!(desk.at("AT+COPS=1,2,\"00101\""), "+CME ERROR: no network service");
    assert_eq!(desk.input(Input::Networks(&[closed])), "\r\n+CREG: 3\r\n");
    assert_eq!(
        desk.at("AT+COPS=?"),
        "+COPS: (3,\"vsara closed network\",\"closed\",\"00103\",7),,(0-5),(0-2)|OK"
    );
    assert_eq!(desk.input(Input::Networks(&[partner, closed])), "\r\n+CREG: 5\r\n");
    assert_eq!(desk.input(Input::Networks(&[])), "\r\n+CREG: 2\r\n");
    assert_eq!(desk.input(Input::Networks(&OPERATORS.each_ref())), "\r\n+CREG: 1\r\n");
}

#[test]
fn events_of_the_packet_domain_say_who_did_it() {
    check(
        "sara-r510s",
        &[
            ("AT+CGEREP=2,1;+CGEREP?", "+CGEREP: 2,1|OK"),
            ("AT+CGACT=0,1", "OK|+CGEV: ME PDN DEACT 1"),
            ("AT+CGACT=1,1", "OK|+CGEV: ME PDN ACT 1"),
            ("AT+CGATT=0", "OK|+CGEV: ME DETACH"),
            ("AT+CGATT=1", "OK|+CGEV: ME PDN ACT 1"),
            ("AT+CFUN=4", "OK|+CGEV: ME DETACH"),
            ("AT+CFUN=1", "OK|+CGEV: ME PDN ACT 1"),
            ("AT+COPS=2", "OK|+CGEV: ME DETACH"),
            ("AT+COPS=0", "OK|+CGEV: ME PDN ACT 1"),
            ("AT+CGEREP=0;+CFUN=4", "OK"),
        ],
    );
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    assert_eq!(desk.at("AT+CGEREP=1;+UPSDA=0,3"), "OK|+UUPSDA: 0,\"10.60.150.36\"");
    assert_eq!(desk.input(Input::ContextLost(1)), "\r\n+CGEV: NW PDN DEACT 1\r\n\r\n+UUPSDD: 0\r\n");
    assert_eq!(desk.input(Input::ContextLost(1)), "");
    assert_eq!(desk.at("AT+CGACT?;+CGATT?"), "+CGACT: 1,0|+CGATT: 1|OK");
}

#[test]
fn signal_and_cell_are_told_in_the_familys_own_way() {
    let csq = ("AT+CSQ", "+CSQ: 20,99|OK");
    let cesq = ("AT+CESQ", "+CESQ: 99,99,255,255,12,55|OK");
    check(
        "sara-r510s",
        &[
            csq,
            cesq,
            (
                "AT+UCGED?",
                "+UCGED: 2|6,4,001,01|6300,20,50,50,1,1a2d001,101,00000000,ffff,ff,55,12,10.00,1,1,10,55,18,255,0,255,255,0,0|OK",
            ),
            ("AT+UCGED=5", "ERROR"),
            ("AT+CFUN=4", "OK"),
            ("AT+CSQ", "+CSQ: 99,99|OK"),
        ],
    );
    check(
        "sara-r422m8s",
        &[
            csq,
            cesq,
            ("AT+UCGED?", "+UCGED: 0|OK"),
            ("AT+UCGED=2", "OK"),
            (
                "AT+UCGED?",
                "+UCGED: 2|6,001,01|6300,20,50,50,0001,101,-86,-14,100,-1,3,255,128,\"00000000\"|OK",
            ),
        ],
    );
    check(
        "sara-r410m-02b",
        &[
            csq,
            cesq,
            ("AT+UCGED=5", "OK"),
            ("AT+UCGED?", "+RSRP: 101,6300,\"-086.00\",|+RSRQ: 101,6300,\"-14.00\",|OK"),
        ],
    );
}

#[test]
fn a_module_that_searches_knows_no_signal() {
    let mut desk = booted("sara-r510s");
    assert_eq!(ask(&mut desk, "ATE0+CSQ;+CESQ"), "+CSQ: 99,99|+CESQ: 99,99,255,255,255,255|OK");
    desk.wait(8_000);
    assert_eq!(ask(&mut desk, "AT+CREG?;+CSQ"), "+CREG: 0,1|+CSQ: 20,99|OK");
    assert_eq!(ask(&mut desk, "AT+COPS=1,2,\"00103\""), "");
    desk.wait(8_000);
    desk.wait(100);
    assert_eq!(ask(&mut desk, "AT+CREG?;+CSQ"), "+CREG: 0,3|+CSQ: 20,99|OK", "it hears who turned it away");
}

#[test]
fn an_apn_that_is_refused_says_so() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2;+CEREG=5", "OK"),
            ("AT+CEER", "+CEER: \"EMM cause\",0,\"No report available\"|OK"),
            ("AT+CGDCONT=2,\"IP\",\"no.such.invalid\"", "OK"),
            ("AT+CGACT=1,2", "+CME ERROR: missing or unknown APN"),
            ("AT+CEER", "+CEER: \"ESM cause\",27,\"Missing or unknown APN\"|OK"),
            ("AT+CFUN=4", "OK|+CEREG: 0"),
            ("AT+CGDCONT=1,\"IP\",\"no.such.invalid\"", "OK"),
            ("AT+CFUN=1", "OK|+CEREG: 3,,,,0,19"),
            ("AT+CGATT?", "+CGATT: 0|OK"),
            (
                "AT+CEER",
                "+CEER: \"EMM cause\",19,\"ESM failure\"|+CEER: \"ESM cause\",27,\"Missing or unknown APN\"|OK",
            ),
            ("AT+CGATT=1", "+CME ERROR: missing or unknown APN"),
            ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
            ("AT+COPS=0", "OK|+CEREG: 1,\"0001\",\"01a2d001\",7,,,\"00000000\",\"00000000\""),
            ("AT+CGACT?", "+CGACT: 1,1|+CGACT: 2,0|OK"),
        ],
    );
}

#[test]
fn in_gsm_a_refused_apn_leaves_the_module_registered() {
    check(
        "sara-r422m8s",
        &[
            ("AT+URAT=9;+CGDCONT=1,\"IP\",\"no.such.invalid\"", "OK"),
            ("AT+CFUN=15", "OK"),
            ("AT+CREG?;+CGATT?;+CGACT?", "+CREG: 0,1|+CGATT: 1|+CGACT: 1,0|OK"),
            ("AT+CMEE=1", "OK"),
            ("AT+CGACT=1,1", "+CME ERROR: 127"),
            ("AT+CGDCONT=1,\"IP\",\"\"", "OK"),
            ("AT+CGACT=1,1", "OK"),
        ],
    );
}

#[test]
fn contexts_authenticate() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2;+CGDCONT=2,\"IP\",\"iot.example\"", "OK"),
            ("AT+UAUTHREQ=2,0,\"\",\"\"", "OK"),
            ("AT+UAUTHREQ=2,1,\"\",\"\"", "+CME ERROR: incorrect parameters"),
            ("AT+UAUTHREQ=2,1,\"user.invalid\",\"secret\"", "OK"),
            ("AT+CGAUTH?", "+CGAUTH: 2,1,\"user.invalid\",\"secret\"|OK"),
            ("AT+CGACT=1,2", "+CME ERROR: user authentication failed"),
            ("AT+CEER", "+CEER: \"ESM cause\",29,\"User authentication failed\"|OK"),
            ("AT+CGAUTH=2,2,\"user\",\"secret\"", "OK"),
            ("AT+CGACT=1,2", "OK"),
            ("AT+CGAUTH=2;+CGAUTH?", "OK"),
        ],
    );
    check(
        "sara-r410m-02b",
        &[
            ("AT+UAUTHREQ=1,3,\"secret\",\"user\"", "OK"),
            ("AT+CGAUTH?", "+CGAUTH: 1,3,\"user\",\"secret\"|OK"),
        ],
    );
}

#[test]
fn an_active_context_shows_what_the_network_gave() {
    check(
        "sara-r510s",
        &[
            (
                "AT+CGDCONT?",
                "+CGDCONT: 1,\"IPV4V6\",\"internet.mnc001.mcc001.gprs\",\"10.60.150.36\",0,0,0,2,0,0,0,0,0,0|OK",
            ),
            (
                "AT+CGCONTRDP=1",
                "+CGCONTRDP: 1,5,\"internet.mnc001.mcc001.gprs\",\"10.60.150.36.255.0.0.0\",\"10.0.0.1\",\"10.0.0.2\",\"10.0.0.3\"|OK",
            ),
            ("AT+CGCONTRDP=?", "+CGCONTRDP: (1)|OK"),
            ("AT+CGCONTRDP=2", "OK"),
            ("AT+CFUN=4", "OK"),
            ("AT+CGCONTRDP", "OK"),
            (
                "AT+CGDCONT?",
                "+CGDCONT: 1,\"IPV4V6\",\"\",\"0.0.0.0 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\",0,0,0,2,0,0,0,0,0,0|OK",
            ),
            ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
            ("AT+CGDCONT?", "+CGDCONT: 1,\"IP\",\"iot.example\",\"0.0.0.0\",0,0,0,2,0,0,0,0,0,0|OK"),
        ],
    );
    check(
        "sara-r410m-02b",
        &[
            ("AT+CGDCONT?", "+CGDCONT: 1,\"IPV4V6\",\"\",\"10.60.150.36\",0,0,0,0|OK"),
            ("AT+CFUN=4", "OK"),
            ("AT+CGDCONT?", "+CGDCONT: 1,\"IPV4V6\",\"\",\"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\",0,0,0,0|OK"),
            ("AT+CGDCONT=1,\"IPV6\",\"a\"", "OK"),
            ("AT+CGDCONT?", "+CGDCONT: 1,\"IPV6\",\"a\",\"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\",0,0,0,0|OK"),
            ("AT+CGDCONT=1", "OK"),
            ("AT+CGDCONT?", "+CGDCONT: 1,\"IPV4V6\",\"\",\"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\",0,0,0,0|OK"),
        ],
    );
}

#[test]
fn no_more_contexts_are_active_than_the_module_can() {
    let mut desk = Desk::new("sara-r410m-02b", Timing::Fast);
    for cid in 2..=5 {
        desk.at(&format!("AT+CGDCONT={cid},\"IP\",\"iot{cid}.example\""));
        let expected = if cid <= 4 { "OK" } else { "ERROR" };
        assert_eq!(desk.at(&format!("AT+CGACT=1,{cid}")), expected, "{cid}");
    }
    assert_eq!(desk.at("AT+CGACT=1,8"), "ERROR");
    assert_eq!(desk.at("AT+CGDCONT=8,\"IP\",\"a\""), "ERROR");
}

#[test]
fn profiles_of_the_internal_stack_map_to_contexts() {
    check(
        "sara-r510s",
        &[
            ("AT+UPSND=0,8;+UPSND=0,0", "+UPSND: 0,8,0|+UPSND: 0,0,\"\"|OK"),
            ("AT+UPSD=0,0,0", "OK"),
            ("AT+UPSD=0,100,1", "OK"),
            ("AT+UPSD=0", "+UPSD: 0,0,0|+UPSD: 0,100,1|OK"),
            ("AT+UPSD=0,7,\"1.2.3.4\"", "ERROR"),
            ("AT+UPSDA=0,3", "OK|+UUPSDA: 0,\"10.60.150.36\""),
            ("AT+UPSDA=0,3", "ERROR"),
            (
                "AT+UPSND=0,0;+UPSND=0,1;+UPSND=0,8",
                "+UPSND: 0,0,\"10.60.150.36\"|+UPSND: 0,1,\"10.0.0.2\"|+UPSND: 0,8,1|OK",
            ),
            ("AT+UPSD=0,100,2", "ERROR"),
            ("AT+UPSDA=0,4", "OK"),
            ("AT+UPSDA=0,4", "ERROR"),
            ("AT+UPSD=1,100,2", "OK"),
            ("AT+UPSDA=1,3", "ERROR"),
            ("AT+CGDCONT=2,\"IP\",\"iot.example\";+UPSDA=1,3", "OK|+UUPSDA: 0,\"10.60.150.37\""),
            ("AT+CGACT=0,2", "OK|+UUPSDD: 1"),
            ("AT+UPSDA=1,1;+UPSD=1,100,3;+UPSDA=1,2;+UPSD=1,100", "+UPSD: 1,100,2|OK"),
            ("AT+CFUN=16", "OK"),
            ("AT+UPSD=1,100;+UPSDA=1,0;+UPSD=1,100", "+UPSD: 1,100,2|+UPSD: 1,100,1|OK"),
        ],
    );
    check(
        "sara-r422m8s",
        &[("AT+UPSD=0,100,1;+UPSND=0,0", "+UPSND: 0,0,\"10.60.150.36\"|OK"), ("AT+UPSDA=0,3", "ERROR")],
    );
}

#[test]
fn counters_count_what_the_data_connection_carried() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let count = |desk: &mut Desk| {
        let answer = desk.at("AT+UGCNTRD");
        let fields = answer.trim_start_matches("+UGCNTRD: 1,").trim_end_matches("|OK");
        fields.split(',').map(|field| field.parse().expect("a number")).collect::<Vec<u64>>()
    };
    let first = count(&mut desk);
    assert!(first[0] > 28 && first[0] == first[2], "the bootstrap began: {first:?}");
    assert_eq!(first[1], 0);
    let flow = desk.modem.module().security().contact.as_ref().expect("a bootstrap").flow();
    desk.modem.handle_input(Input::Datagram { flow, bytes: b"no DTLS" }, desk.now);
    assert_eq!(count(&mut desk)[1], 20 + 8 + 7);
    assert_eq!(desk.at("AT+UGCNTSET=1,100,200"), "OK");
    assert_eq!(count(&mut desk), [0, 0, 100, 200]);
}

#[test]
fn network_time_is_reported() {
    check(
        "sara-r510s",
        &[
            ("AT+CTZR=1;+CTZR?", "+CTZR: 1|OK"),
            ("AT+CFUN=4;+CFUN=1", "OK|+CTZV: +00"),
            ("AT+CTZR=2", "OK"),
            ("AT+CFUN=4;+CFUN=1", "OK|+CTZE: +00,0,\"2026/01/01,00:00:00\""),
        ],
    );
}

#[test]
fn reports_are_stored_by_amp_w() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    assert_eq!(desk.at("AT+CGEREP=1;+CSCON=1;+CTZR=2;&W"), "OK");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+CGEREP?;+CSCON?;+CTZR?"), "+CGEREP: 1,0|+CSCON: 1,1|+CTZR: 2|OK");
}

#[test]
fn deregistration_is_kept_by_amp_w() {
    check(
        "sara-r510s",
        &[
            ("AT+COPS=2;+CFUN=16", "OK"),
            ("AT+COPS?;+CREG?", "+COPS: 0,0,\"vsara test network\",7|+CREG: 0,1|OK"),
            ("AT+COPS=2;&W;+CFUN=16", "OK"),
            ("AT+COPS?;+CREG?", "+COPS: 2|+CREG: 0,0|OK"),
            ("AT+COPS=0;&W;+CFUN=16", "OK"),
            ("AT+COPS?", "+COPS: 0,0,\"vsara test network\",7|OK"),
        ],
    );
}

#[test]
fn a_scan_ends_with_the_power_and_leaves_other_ports_alone() {
    let mut desk = booted("sara-r510s");
    assert_eq!(ask(&mut desk, "AT+COPS=?"), "");
    desk.modem.handle_input(Input::Serial { port: PortId(1), bytes: b"ATE0\r" }, desk.now);
    desk.now = vsara::time::Now::both(desk.now.system.offset_millis(50));
    desk.modem.handle_timeout(desk.now);
    assert_eq!(desk.drain(1), "ATE0\r\r\nOK\r\n");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.wait(6000), "");
    assert_eq!(ask(&mut desk, "AT"), "OK");
}

/// The order in which the vendor's host library connects, disconnects and connects again (driver).
#[test]
fn a_host_library_connects_loses_the_network_and_connects_again() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let say = |desk: &mut Desk, table: &[(&str, &str)]| {
        for (line, expected) in table {
            assert_eq!(desk.at(line), *expected, "{line}");
        }
    };
    let eps = format!("{HOME},7,,,\"00000000\",\"00000000\"");
    let registered =
        format!("OK|+CREG: 1,{HOME},7|+CGREG: 1,{HOME},7|+CEREG: 1,{eps}|+CSCON: 1|+CGEV: ME PDN ACT 1");
    say(
        &mut desk,
        &[
            ("ATE0", "OK"),
            ("AT+CMEE=2", "OK"),
            ("AT+CGEREP=1", "OK"),
            ("AT+CFUN=4", "OK|+CGEV: ME DETACH"),
            ("AT+CREG=2", "OK"),
            ("AT+CGREG=2", "OK"),
            ("AT+CEREG=4", "OK"),
            ("AT+CSCON=1", "OK"),
            ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
            ("AT+UAUTHREQ=1,0,\"\",\"\"", "OK"),
            ("AT+COPS?", "+COPS: 0|OK"),
            ("AT+CFUN=1", &registered),
            ("AT+CEREG?", &format!("+CEREG: 4,1,{eps}|OK")),
            ("AT+CGATT?", "+CGATT: 1|OK"),
            ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ("AT+UPSD=0,0,0", "OK"),
            ("AT+UPSD=0,100,1", "OK"),
            ("AT+UPSDA=0,3", "OK|+UUPSDA: 0,\"10.60.150.36\""),
            ("AT+CGPADDR=1", "+CGPADDR: 1,\"10.60.150.36\"|OK"),
        ],
    );
    let lost = desk.input(Input::Coverage(false));
    for (urc, fields) in
        [("+CREG: ", "2\r"), ("+CEREG: ", "2\r"), ("+CGEV: ", "NW DETACH\r"), ("+UUPSDD: ", "0\r")]
    {
        assert!(lost.contains(&format!("{urc}{fields}")), "{lost}");
    }
    desk.input(Input::Coverage(true));
    say(
        &mut desk,
        &[
            ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ("AT+UPSDA=0,3", "OK|+UUPSDA: 0,\"10.60.150.36\""),
            ("AT+CGACT=0,1", "OK|+CGEV: ME PDN DEACT 1|+UUPSDD: 0"),
            ("AT+CGACT=1,1", "OK|+CGEV: ME PDN ACT 1"),
            ("AT+CFUN=4", "OK|+CREG: 0|+CGREG: 0|+CEREG: 0|+CSCON: 0|+CGEV: ME DETACH"),
            ("AT+CGATT?", "+CGATT: 0|OK"),
        ],
    );
}
