//! Power up, identify, configure: what each setting answers, and what of it survives.

use desk::{Desk, check};
use vsara::modem::{Input, PortId};
use vsara::module::Timing;
use vsara::module::power::Power;
use vsara::profile;

mod desk;

/// How a module loses what is not kept.
const RESET: &str = "AT+CFUN=15";

#[test]
fn bands_and_operator_profile_change_only_while_not_registered() {
    check(
        "sara-r410m-02b",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+UMNOPROF?", "+UMNOPROF: 0|OK"),
            ("AT+UMNOPROF=100", "+CME ERROR: operation not allowed"),
            ("AT+UBANDMASK?", "+UBANDMASK: 0,168761503,1,168761503|OK"),
            ("AT+UBANDMASK=0,524434", "+CME ERROR: operation not allowed"),
            ("AT+CFUN=0", "OK"),
            ("AT+UBANDMASK=0,524434", "OK"),
            ("AT+UBANDMASK=1,524426,2", "OK"),
            ("AT+UBANDMASK=2,256", "+CME ERROR: incorrect parameters"),
            ("AT+UBANDMASK?", "+UBANDMASK: 0,524434,0,1,524426,2|OK"),
            (RESET, "OK"),
            ("AT+UBANDMASK?", "+UBANDMASK: 0,524434,0,1,524426,2|OK"),
            ("AT+COPS=2", "OK"),
            ("AT+UMNOPROF=100", "OK"),
            ("AT+UMNOPROF=99", "ERROR"),
            ("AT+UMNOPROF?", "+UMNOPROF: 100|OK"),
            ("AT+UBANDMASK?", "+UBANDMASK: 0,168761503,1,168761503|OK"),
        ],
    );
    check(
        "sara-r510s",
        &[
            ("AT+UMNOPROF?;+UBANDMASK?", "+UMNOPROF: 90|+UBANDMASK: 0,185473183,1048642|OK"),
            ("AT+CFUN=4;+UBANDMASK=0,524426,0", "OK"),
            ("AT+UBANDMASK?", "+UBANDMASK: 0,524426,0|OK"),
        ],
    );
    check("sara-r422s", &[("AT+CFUN=0", "OK"), ("AT+UBANDMASK=2,1", "ERROR"), ("AT+UBANDMASK=2,768", "OK")]);
}

#[test]
fn the_greeting_is_a_line_at_every_boot_in_the_form_of_the_family() {
    for (profile, shown) in [("sara-r510s", "\r\nhello\r\n"), ("sara-r410m-02b", "\r\n\rhello\r\n")] {
        let mut desk = Desk::new(profile, Timing::Fast);
        assert_eq!(desk.at("AT+CSGT=1,\"hello\""), "OK");
        for input in [Input::PowerCut, Input::PowerOff, Input::Reset] {
            desk.modem.handle_input(input, desk.now);
            desk.modem.handle_timeout(desk.now);
            desk.modem.handle_input(Input::PowerOn, desk.now);
            let said = desk.drain(0);
            assert!(said.ends_with(shown) && said.matches("hello").count() == 1, "{profile}: {said:?}");
        }
        assert_eq!(desk.at("AT+CSGT=0"), "OK");
        desk.input(Input::PowerCut);
        assert_eq!(desk.input(Input::PowerOn), "", "{profile}");
        assert_eq!(desk.at("AT+CSGT?"), "+CSGT: \"hello\",0|OK");
    }
}

#[test]
fn a_restored_factory_forgets_settings_and_keeps_the_module() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let identity = desk.modem.module().nvm().identity.clone();
    desk.at("ATE0&W+CSGT=1,\"hi\";+UGPIOC=16,2;+CGDCONT=2,\"IP\",\"a\";+UPSMR=1");
    assert_eq!(desk.at("AT+UFACTORY=0,1"), "OK");
    assert_eq!(desk.at("AT+UPSMR?"), "+UPSMR: 1|OK", "not before the next boot");
    desk.at(RESET);
    assert_eq!(desk.input(Input::Serial { port: PortId(0), bytes: b"AT\r" }), "AT\r\r\nOK\r\n");
    assert_eq!(desk.at("AT+CSGT?;+UPSMR?"), "+CSGT: \"\",0|+UPSMR: 0|OK");
    assert!(desk.at("AT+UGPIOC?").contains("|16,255|"));
    assert_eq!(desk.modem.module().nvm().identity, identity);
}

#[test]
fn pins_are_read_and_written_as_configured() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+UGPIOC?", "+UGPIOC:|16,255|19,255|23,255|24,255|25,255|42,255|OK"),
            ("AT+UGPIOR=16", "+CME ERROR: operation not allowed"),
            ("AT+UGPIOC=16,0,1", "OK"),
            ("AT+UGPIOR=16", "+UGPIOR: 16,1|OK"),
            ("AT+UGPIOW=16,0", "OK"),
            ("AT+UGPIOR=16", "+UGPIOR: 16,0|OK"),
            ("AT+UGPIOC=23,1,1", "OK"),
            ("AT+UGPIOR=23", "+UGPIOR: 23,1|OK"),
            ("AT+UGPIOW=23,1", "+CME ERROR: operation not allowed"),
            ("AT+UGPIOC=24,2", "OK"),
            ("AT+UGPIOC=25,2", "+CME ERROR: operation not allowed"),
            ("AT+UGPIOC=17,0", "+CME ERROR: incorrect parameters"),
            ("AT+UGPIOC=25,200", "+CME ERROR: incorrect parameters"),
            ("AT+UGPIOC?", "+UGPIOC:|16,0|19,255|23,1|24,2|25,255|42,255|OK"),
            (RESET, "OK"),
            ("AT+UGPIOC?", "+UGPIOC:|16,0|19,255|23,1|24,2|25,255|42,255|OK"),
            ("AT+UGPIOR=16", "+UGPIOR: 16,1|OK"),
        ],
    );
}

#[test]
fn a_locked_sim_asks_for_its_pin_and_then_for_its_puk() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+CPIN?", "+CPIN: READY|OK"),
            ("AT+CPIN=\"1234\"", "+CME ERROR: operation not allowed"),
            ("AT+CLCK=\"SC\",1,\"0000\"", "+CME ERROR: incorrect password"),
            ("AT+UPINCNT", "+UPINCNT: 2,3,10,10|OK"),
            ("AT+CLCK=\"SC\",1,\"1234\"", "OK"),
            ("AT+CLCK=\"SC\",2", "+CLCK: 1|OK"),
            ("AT+CPWD=\"SC\",\"1234\",\"4321\"", "OK"),
            ("AT+CPIN?;+UPINCNT", "+CPIN: READY|+UPINCNT: 3,3,10,10|OK"),
            (RESET, "OK"),
            ("AT+CMEE=2;+CREG=1", "OK"),
            ("AT+CPIN?;+CREG?;+CGATT?", "+CPIN: SIM PIN|+CREG: 1,0|+CGATT: 0|OK"),
            ("AT+COPS=0", "+CME ERROR: SIM PIN required"),
            ("AT+CIMI", "+CME ERROR: SIM PIN required"),
            ("AT+CLCK=\"SC\",0,\"4321\"", "+CME ERROR: SIM PIN required"),
            ("AT+CPIN=1234", "+CME ERROR: incorrect password"),
            ("AT+CPIN=4321", "OK|+CREG: 1"),
            (RESET, "OK|+CREG: 0"),
            ("AT+CMEE=2;+CREG=1", "OK"),
            ("AT+CPIN=1111", "+CME ERROR: incorrect password"),
            ("AT+CPIN=1111", "+CME ERROR: incorrect password"),
            ("AT+CPIN=1111", "+CME ERROR: SIM PUK required"),
            ("AT+CPIN?;+UPINCNT", "+CPIN: SIM PUK|+UPINCNT: 0,3,10,10|OK"),
            ("AT+CPIN=4321", "+CME ERROR: SIM PUK required"),
            ("AT+CPIN=\"11111111\",\"2222\"", "+CME ERROR: incorrect password"),
            ("AT+CPIN=\"12345678\",\"2222\"", "OK|+CREG: 1"),
            ("AT+CPIN?;+UPINCNT", "+CPIN: READY|+UPINCNT: 3,3,10,10|OK"),
            ("AT+CLCK=\"SC\",0,\"2222\"", "OK"),
            (RESET, "OK|+CREG: 0"),
            ("AT+CPIN?", "+CPIN: READY|OK"),
        ],
    );
}

#[test]
fn ten_wrong_puks_are_the_end_of_a_sim() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("AT+CMEE=2");
    for _ in 0..3 {
        desk.at("AT+CLCK=\"SC\",1,\"0000\"");
    }
    assert_eq!(desk.at("AT+CREG?"), "+CREG: 0,0|OK", "the registration ends");
    for _ in 0..9 {
        assert_eq!(desk.at("AT+CPIN=\"00000000\",\"1234\""), "+CME ERROR: incorrect password");
    }
    assert_eq!(desk.at("AT+CPIN=\"00000000\",\"1234\""), "+CME ERROR: SIM blocked");
    desk.at(RESET);
    assert_eq!(desk.at("AT+CMEE=2;+CPIN?"), "+CME ERROR: SIM blocked");
    assert_eq!(desk.at("AT+CPIN=\"12345678\",\"1234\""), "+CME ERROR: SIM blocked");
}

#[test]
fn files_of_the_sim_are_read_and_the_forbidden_networks_written() {
    let twenty = "FF".repeat(20);
    check(
        "sara-r510s",
        &[
            ("AT+CRSM=176,28539,0,0,20", &format!("+CRSM: 144,0,\"{twenty}\"|OK")),
            ("AT+CRSM=214,28539,0,0,10,\"00f110FFFFFFFFFFFFFF\"", "+CRSM: 144,0,\"\"|OK"),
            ("AT+CRSM=176,28539,0,0,4", "+CRSM: 144,0,\"00F110FF\"|OK"),
            ("AT+CRSM=214,28539,0,28,3,\"000000\"", "+CRSM: 103,0|OK"),
            ("AT+CRSM=214,28539,0,0,2,\"000000\"", "+CRSM: 103,0|OK"),
            ("AT+CRSM=214,28423,0,0,1,\"00\"", "+CRSM: 105,130|OK"),
            ("AT+CRSM=176,28589,0,0,4", "+CRSM: 144,0,\"00000002\"|OK"),
            ("AT+CRSM=176,28589,0,0,0", "+CRSM: 144,0,\"00000002\"|OK"),
            ("AT+CRSM=176,28589,0,0,5", "+CRSM: 103,0|OK"),
            ("AT+CRSM=176,28589,0,4,0", "+CRSM: 103,0|OK"),
            ("AT+CRSM=176,255,255,255,255", "+CRSM: 106,130|OK"),
            ("AT+CRSM=176,28539,255,255,255", "+CRSM: 103,0|OK"),
            ("AT+CRSM=192,28589,0,0,15", "+CRSM: 144,0,\"00000004000004000000000000\"|OK"),
            ("AT+CRSM=1,28589", "+CRSM: 109,0|OK"),
            (RESET, "OK"),
            ("AT+CRSM=176,28539,0,0,3", "+CRSM: 144,0,\"00F110\"|OK"),
        ],
    );
}

#[test]
fn indicators_follow_registration_and_attach() {
    check(
        "sara-r510s",
        &[
            ("AT+CIND?", "+CIND: 5,5,1,0,0,0,0,0,2,0,0,1|OK"),
            ("AT+CMER=1,0,0,2,1", "OK"),
            ("AT+CGATT=0", "OK|+CIEV: 9,1"),
            ("AT+CGATT=1", "OK|+CIEV: 9,2"),
            ("AT+CIND=", "OK"),
            ("AT+CPAS", "+CPAS: 0|OK"),
            ("AT+CBC", "+CBC: 0,100|OK"),
            ("AT+GCAP", "+GCAP: +FCLASS,+CGSM|OK"),
        ],
    );
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("AT+CMER=1,0,0,2");
    let lost = desk.input(Input::Coverage(false));
    assert!(
        lost.contains("+CIEV: 2,0") && lost.contains("+CIEV: 3,0") && lost.contains("+CIEV: 9,0"),
        "{lost}"
    );
    assert_eq!(desk.at("AT+CIND?"), "+CIND: 5,0,0,0,0,0,0,0,0,0,0,1|OK");
}

#[test]
fn the_network_grants_the_edrx_that_is_asked_for() {
    check(
        "sara-r510s",
        &[
            ("AT+CEDRXRDP", "+CEDRXRDP: 0|OK"),
            ("AT+CEDRXS=1,4,\"0101\"", "OK"),
            ("AT+CEDRXRDP", "+CEDRXRDP: 4,\"0101\",\"0101\",\"0000\"|OK"),
            ("AT+CEDRXS=2,5,\"1001\"", "OK"),
            ("AT+CEDRXS=2,4,\"1001\",\"0011\"", "OK|+CEDRXP: 4,\"1001\",\"1001\",\"0011\""),
            ("AT+CFUN=4", "OK"),
            ("AT+CEDRXRDP", "+CEDRXRDP: 0|OK"),
            ("AT+CFUN=1", "OK|+CEDRXP: 4,\"1001\",\"1001\",\"0011\""),
            ("AT+CEDRXS=0,4", "OK"),
            ("AT+CEDRXRDP", "+CEDRXRDP: 0|OK"),
            ("AT+CEDRXS?", "+CEDRXS: 4,\"1001\",\"0011\"|+CEDRXS: 5,\"1001\"|OK"),
            ("AT+CEDRXS=2,4", "OK|+CEDRXP: 4,\"1001\",\"1001\",\"0011\""),
            ("AT+CEDRXS=0", "OK"),
            ("AT+CEDRXRDP", "+CEDRXRDP: 0|OK"),
            ("AT+CEDRXS=3,5", "OK"),
            ("AT+CEDRXS?", "+CEDRXS: 4,\"1001\",\"0011\"|+CEDRXS: 5,\"0000\"|OK"),
            ("AT+CEDRXS=3", "OK"),
            ("AT+CEDRXS?", "+CEDRXS: 4,\"0000\"|+CEDRXS: 5,\"0000\"|OK"),
            ("AT+CEDRXS=1,2", "ERROR"),
            ("AT+CEDRXS=?", "+CEDRXS: (0-3),(4,5),(\"0000\"-\"1111\")|OK"),
        ],
    );
    check(
        "sara-r410m-63b",
        &[
            ("AT+CEDRXS=1,5", "ERROR"),
            ("AT+CEDRXS=1,4,\"0101\"", "OK"),
            ("AT+CEDRXS=0", "OK"),
            ("AT+CEDRXS?", "+CEDRXS:|OK"),
            ("AT+CEDRXS=2,4", "OK|+CEDRXP: 4,\"0101\",\"0101\",\"0000\""),
            ("AT+CEDRXS?", "+CEDRXS: 4,\"0101\"|OK"),
        ],
    );
}

/// Awake for 20 s after the last thing to do, asleep for an hour.
const PSM: &str = "AT+CPSMS=1,,,\"00100001\",\"00001010\"";

/// A module whose service never answers would never sleep: this one has none.
const PLAIN: &str = "sara-r510s-01b-01";

#[test]
fn in_psm_a_module_sleeps_and_answers_nothing_until_it_is_woken() {
    let mut desk = Desk::new(PLAIN, Timing::Fast);
    assert_eq!(desk.at(PSM), "OK");
    assert_eq!(desk.at("AT+UCPSMS?"), "+UCPSMS: 1,,,\"00100001\",\"00001010\"|OK");
    desk.at("AT+UPSMR=1;+CREG=1");
    assert_eq!(desk.wait(19_000), "");
    assert_eq!(desk.at("AT"), "OK", "a character keeps it awake for six seconds");
    assert_eq!(desk.wait(5_000), "");
    assert_eq!(desk.wait(1_000), "+UUPSMR: 1");
    assert_eq!(desk.modem.module().power(), Power::Asleep);
    assert_eq!(desk.at("AT"), "");
    assert_eq!(desk.input(Input::PowerOn), "\r\n+UUPSMR: 0\r\n");
    assert_eq!(desk.at("AT+CREG?"), "+CREG: 0,1|OK", "what was in RAM is gone");
    assert_eq!(desk.at("AT+CPSMS=0"), "OK");
    assert_eq!(desk.wait(60_000), "");
    assert_eq!(desk.at("AT+UCPSMS?"), "+UCPSMS: 0|OK");
}

#[test]
fn a_sleeping_module_wakes_for_its_tracking_area_update() {
    let mut desk = Desk::new(PLAIN, Timing::Fast);
    desk.at("AT+UPSMR=1");
    desk.at(PSM);
    assert_eq!(desk.wait(20_000), "+UUPSMR: 1");
    assert_eq!(desk.wait(3_599_000), "");
    assert_eq!(desk.wait(1_000), "+UUPSMR: 0");
    assert_eq!(desk.wait(20_000), "+UUPSMR: 1");
}

#[test]
fn no_psm_without_registration_with_a_locked_sim_or_before_a_reboot_of_sara_r4() {
    let asleep = |profile, lines: &[&str]| {
        let mut desk = Desk::new(profile, Timing::Fast);
        lines.iter().for_each(|line| drop(desk.at(line)));
        desk.wait(60_000);
        desk.modem.module().power() == Power::Asleep
    };
    assert!(asleep(PLAIN, &[PSM]));
    assert!(!asleep(PLAIN, &[PSM, "AT+COPS=2"]));
    assert!(!asleep(PLAIN, &[PSM, "AT+CLCK=\"SC\",1,\"1234\""]));
    assert!(!asleep(PLAIN, &["AT+CPSMS=1,,,\"00100001\",\"11100000\""]), "Active Time deactivated");
    assert!(!asleep("sara-r410m-02b", &[PSM]));
    assert!(asleep("sara-r410m-02b", &[PSM, RESET]));
}

#[test]
fn a_sleeping_module_can_lose_its_supply_and_be_reset() {
    let mut desk = Desk::new(PLAIN, Timing::Fast);
    desk.at(PSM);
    desk.wait(60_000);
    desk.input(Input::PowerCut);
    assert_eq!(desk.wait(7_200_000), "", "off, it does not wake");
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT"), "OK");
    desk.wait(60_000);
    assert_eq!(desk.modem.module().power(), Power::Asleep);
    desk.input(Input::Reset);
    desk.wait(0);
    assert_eq!(desk.at("AT"), "OK");
}

#[test]
fn every_profile_survives_what_hosts_send_at_power_up() {
    let lines = [
        "AT",
        "ATE0",
        "ATE0 +CMEE=1",
        "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0",
        "ATI",
        "ATI9",
        "ATZ",
        "AT&F",
        "AT+CMEE=2",
        "AT+IPR=115200",
        "AT+CGMI",
        "AT+CGMM",
        "AT+CGMR",
        "AT+CGSN",
        "AT+GSN",
        "AT+GMM",
        "AT+CIMI",
        "AT+CCID",
        "AT+CPIN?",
        "AT+CFUN?",
        "AT+CFUN=0",
        "AT+CFUN=4",
        "AT+CFUN=1",
        "AT+UMNOPROF?",
        "AT+URAT?",
        "AT+UGPIOC?",
        "AT+UGPIOC=16,2",
        "AT+CPSMS=0",
        "AT+CPSMS?",
        "AT+CEDRXS?",
        "AT+UPSV=0",
        "AT+GCAP",
        "AT+CLAC",
        "AT+CTZU=1",
        "AT+CCLK?",
        "AT+CNUM",
        "AT+UTEMP?",
        "AT+CBC",
        "AT+CIND?",
        "AT+CIND=?",
        "AT+UDCONF=1,0",
        "AT+CSGT?",
        "AT&C1",
        "AT&D0",
        "AT&K0",
        "AT&K3",
        "AT+UBANDMASK?",
        "AT+UBANDMASK=?",
        "AT+CLCK=\"SC\",2",
    ];
    for (name, _) in profile::list() {
        let mut desk = Desk::new(name, Timing::Fast);
        let first_firmware = name.ends_with("-00b");
        for line in lines.into_iter().filter(|line| !(first_firmware && line.contains("URAT"))) {
            let answer = desk.at(line);
            assert!(answer == "OK" || answer.ends_with("|OK"), "{name}: {line}: {answer}");
        }
    }
}

#[test]
fn every_test_form_is_answered() {
    for (name, _) in profile::list() {
        let profile = profile::Profile::built_in(name).expect("listed");
        let mut desk = Desk::new(name, Timing::Fast);
        let extended = profile.commands.all().filter(|name| name.starts_with('+'));
        for command in extended.filter(|name| *name != "+COPS") {
            let answer = desk.at(&format!("AT{command}=?"));
            assert!(answer == "OK" || answer.ends_with("|OK"), "{name}: {command}: {answer}");
        }
    }
}

#[test]
fn the_sim_is_busy_while_it_starts() {
    let mut desk = Desk::new("sara-r510s", Timing::Module);
    let facts = desk.modem.module().profile().power.clone();
    desk.wait(i64::from(facts.boot_ms));
    let mut ask = |line: &str, later: u32| {
        desk.wait(i64::from(later));
        desk.at(line);
        desk.wait(i64::from(facts.response_ms))
    };
    assert_eq!(ask("AT+CMEE=2", 0), "OK");
    for line in
        ["AT+CPIN?", "AT+CCID", "AT+CIMI", "AT+CLCK=\"SC\",2", "AT+UPINCNT", "AT+CRSM=176,28539,0,0,1"]
    {
        assert_eq!(ask(line, 0), "+CME ERROR: SIM busy", "{line}");
    }
    assert_eq!(ask("AT+CGMM", 0), "SARA-R510S|OK", "who needs no SIM is answered");
    assert_eq!(ask("AT+CPIN?", facts.sim_ready_ms), "+CPIN: READY|OK");
}
