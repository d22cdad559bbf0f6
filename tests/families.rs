//! What differs from one module type, or one firmware, to the next.

use desk::{Desk, check};
use vsara::modem::Input;
use vsara::module::Timing;
use vsara::module::power::Power;

mod desk;

/// What a command answers under a module's own timing.
fn ask(desk: &mut Desk, line: &str) -> String {
    let at_once = desk.at(line);
    let later = desk.wait(i64::from(desk.modem.module().profile().power.response_ms));
    [at_once, later].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("|")
}

/// The order in which a host of SARA-R410M begins: it reads the SIM at minimum functionality, and
/// waits for ever if that is an error (arduino-libraries/MKRNB).
#[test]
fn the_sim_is_read_at_every_level_of_functionality() {
    for profile in ["sara-r410m-02b", "sara-r412m-03b", "sara-r422m8s", "sara-r510s"] {
        check(
            profile,
            &[
                ("AT+CMEE=0", "OK"),
                ("AT+CFUN=0", "OK"),
                ("AT+CPIN?", "+CPIN: READY|OK"),
                ("AT+CGATT=0", "OK"),
                ("AT+UDCONF=1,1", "OK"),
                ("AT+CTZU=1", "OK"),
                ("AT+CGDCONT=1,\"IP\",\"iot.example\"", "OK"),
                ("AT+UAUTHREQ=1,0", "OK"),
                ("AT+CFUN=1", "OK"),
                ("AT+CEREG?", "+CEREG: 0,1|OK"),
                ("AT+CGATT?", "+CGATT: 0|OK"),
                ("AT+CGATT=1", "OK"),
                ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ],
        );
    }
}

/// u-blox/ubxlib issue 287.
#[test]
fn a_sara_r422s_is_busy_with_its_sim_even_for_a_circuit() {
    let mut desk = Desk::new("sara-r422s", Timing::Module);
    let facts = desk.modem.module().profile().power.clone();
    desk.wait(i64::from(facts.boot_ms));
    for line in ["AT", "ATE0", "AT+CMEE=2", "AT+UDCONF=1,0"] {
        assert_eq!(ask(&mut desk, line), "OK", "{line}");
    }
    assert_eq!(ask(&mut desk, "ATI9"), "01.24,A01.00|OK");
    assert_eq!(ask(&mut desk, "AT&C1"), "+CME ERROR: SIM busy");
    desk.wait(i64::from(facts.sim_ready_ms));
    assert_eq!(ask(&mut desk, "AT&C1"), "OK");
    check("sara-r422s", &[("AT&C1", "OK")]);
}

#[test]
fn a_type_without_a_secure_element_knows_no_security_command() {
    for profile in ["sara-r500s-01b-01", "sara-r510s-01b-01", "sara-r510m8s-01b-01"] {
        for line in
            ["AT+USECROTUID", "AT+USECDEVINFO?", "AT+USECDEVINFO=\"a\",\"b\"", "AT+USECCONN", "AT+USECPSK=16"]
        {
            check(profile, &[("AT+CMEE=2", "OK"), (line, "+CME ERROR: operation not supported")]);
        }
        let type_number = profile.to_uppercase();
        check(profile, &[("ATI", &format!("{type_number}|OK")), ("ATI9", "03.15,A00.01|OK")]);
    }
    check(
        "sara-r510m8s-00b",
        &[("ATI", "SARA-R510M8S-00B-00|OK"), ("ATI9", "02.05,A00.01|OK"), ("AT+CGMM", "SARA-R510M8S|OK")],
    );
}

#[test]
fn levels_of_functionality_beyond_0_1_and_4_are_the_types_own() {
    for (profile, levels) in [
        ("sara-r410m-02b", "0,1,4,15,16"),
        ("sara-r412m-03b", "0,1,4,15,16"),
        ("sara-r422s", "0,1,4,10,15,16"),
        ("sara-r510s", "0,1,4,15,16,126"),
        ("sara-r510s-00b", "0,1,4,15,16"),
    ] {
        check(profile, &[("AT+CFUN=?", &format!("+CFUN: ({levels}),(0-1)|OK"))]);
        for level in [10, 126] {
            let known = levels.split(',').any(|known| known == level.to_string());
            let answer = Desk::new(profile, Timing::Fast).at(&format!("AT+CFUN={level}"));
            assert_eq!(answer.starts_with("OK"), known, "{profile}: AT+CFUN={level}: {answer}");
        }
    }
}

#[test]
fn a_fast_power_off_takes_no_time() {
    let mut desk = Desk::new("sara-r422s", Timing::Module);
    desk.wait(30_000);
    assert_eq!(ask(&mut desk, "AT+CFUN=10"), "OK|+UCPWROFF");
    assert_eq!(desk.modem.module().power(), Power::Off);
    desk.input(Input::PowerOn);
    desk.wait(30_000);
    assert_eq!(ask(&mut desk, "AT+CPWROFF"), "OK");
    assert_ne!(desk.modem.module().power(), Power::Off, "an orderly one does");
    desk.wait(10_000);
    assert_eq!(desk.modem.module().power(), Power::Off);
}

#[test]
fn the_reset_pin_of_a_first_firmware_loses_the_time() {
    for (profile, shown) in
        [("sara-r510s-00b", "15/01/01,00:00:00+00"), ("sara-r510s", "26/01/01,00:00:00+00")]
    {
        let mut desk = Desk::new(profile, Timing::Fast);
        desk.at("AT+CTZU=0");
        let clock = format!("+CCLK: \"{shown}\"|OK");
        assert_eq!(desk.at("AT+CFUN=16"), "OK");
        assert_eq!(desk.at("AT+CCLK?"), "+CCLK: \"26/01/01,00:00:00+00\"|OK", "{profile}: by command");
        desk.input(Input::Reset);
        desk.modem.handle_timeout(desk.now);
        assert_eq!(desk.at("AT+CCLK?"), clock, "{profile}: by the pin");
        assert_eq!(desk.at("AT+CTZU=1;+CFUN=0;+CFUN=1"), "OK");
        assert_eq!(
            desk.at("AT+CCLK?"),
            "+CCLK: \"26/01/01,00:00:00+00\"|OK",
            "{profile}: the network tells it"
        );
    }
}

#[test]
fn technologies_are_selected_as_the_family_allows() {
    check(
        "sara-r510s",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+URAT=8", "+CME ERROR: operation not allowed"),
            ("AT+CFUN=4;+URAT=8", "+CME ERROR: operation not allowed"),
            ("AT+CFUN=0", "OK"),
            ("AT+URAT=7,8", "+CME ERROR: incorrect parameters"),
            ("AT+URAT=9", "+CME ERROR: incorrect parameters"),
            ("AT+URAT=", "+CME ERROR: incorrect parameters"),
            ("AT+URAT=8", "OK"),
            ("AT+URAT?", "+URAT: 8|OK"),
        ],
    );
    check("sara-r510s-00b", &[("AT+CMEE=2", "OK"), ("AT+URAT?", "+CME ERROR: operation not supported")]);
    check("sara-r410m-02b", &[("AT+URAT?", "+URAT: 7,8|OK"), ("AT+URAT=8,7", "OK"), ("AT+URAT=9", "ERROR")]);
    check("sara-r410m-63b", &[("AT+URAT?", "+URAT: 7|OK"), ("AT+URAT=8", "ERROR")]);
    check(
        "sara-r422s",
        &[("AT+URAT?", "+URAT: 7,8,9|OK"), ("AT+URAT=9,7,9", "ERROR"), ("AT+URAT=9,7", "OK")],
    );
}

/// particle-iot/device-os pull request 2365.
#[test]
fn a_status_pin_is_an_error_on_firmware_03_15_only() {
    for (profile, answer) in [("sara-r510s", "ERROR"), ("sara-r510s-00b", "OK"), ("sara-r410m-02b", "OK")] {
        check(profile, &[("AT+UGPIOC=23,10", answer), ("AT+UGPIOC=16,2", "OK")]);
    }
}

/// particle-iot/device-os pull requests 2317 and 2318.
#[test]
fn a_module_whose_operator_profile_switches_psm_on_goes_silent() {
    let settings = "AT+CPSMS?;+CEDRXS?";
    for (profile, silent) in [("sara-r410m-02b-03", true), ("sara-r410m-02b", false)] {
        let mut desk = Desk::new(profile, Timing::Fast);
        assert_eq!(desk.at("AT+COPS=2;+UMNOPROF=100;+CFUN=15"), "OK", "{profile}");
        let on = u8::from(silent);
        let edrx = if silent { " 4,\"0010\"" } else { "" };
        let expected = format!("+CPSMS:{on},,,\"00011000\",\"00001010\"|+CEDRXS:{edrx}|OK");
        assert_eq!(desk.at(settings), expected, "{profile}");
        desk.wait(60_000);
        assert_eq!(desk.modem.module().power() == Power::Asleep, silent, "{profile}");
        desk.input(Input::PowerOn);
        assert_eq!(desk.at("AT+CPSMS=0;+CFUN=15"), "OK", "{profile}");
        desk.wait(60_000);
        assert_eq!(desk.modem.module().power(), Power::On, "{profile}: the cure");
    }
}

#[test]
fn an_operator_fixes_the_contexts_of_a_sara_r5_from_the_next_boot_on() {
    let define = "AT+CGDCONT=1,\"IP\",\"iot.example\"";
    check(
        "sara-r510s",
        &[
            ("AT+COPS=2;+UMNOPROF=3", "OK"),
            (define, "OK"),
            ("AT+CFUN=16", "OK"),
            (define, "ERROR"),
            ("AT+CGDCONT=7", "ERROR"),
            ("AT+CGDCONT=8,\"IP\",\"iot.example\"", "OK"),
            ("AT+COPS=2;+UMNOPROF=100;+CFUN=16", "OK"),
            (define, "OK"),
        ],
    );
    check("sara-r410m-02b", &[("AT+COPS=2;+UMNOPROF=3;+CFUN=15", "OK"), (define, "OK")]);
}

#[test]
fn the_settings_in_force_show_the_rate_in_the_third_line() {
    check(
        "sara-r510s",
        &[
            (
                "AT&V",
                "ACTIVE PROFILE:|\
                 &C1, &D1, &S1, &K3, E1, Q0, V1, X4, S0:000, S2:043, S3:013, S4:010, S5:008, S6:002, S7:060, \
                 S8:002, S10:001, S12:050,|\
                 +ICF:3,1, +IFC:2,2, +IPR:0,|\
                 +CREG:0, +CGREG:0, +CEREG:0, +CMEE:0, +COPS:0, +UPSV:0|OK",
            ),
            ("AT+IPR=9600;&K0;+CREG=2;+COPS=2", "OK|+CREG: 0"),
            (
                "ATE0&V",
                "ACTIVE PROFILE:|\
                 &C1, &D1, &S1, &K0, E0, Q0, V1, X4, S0:000, S2:043, S3:013, S4:010, S5:008, S6:002, S7:060, \
                 S8:002, S10:001, S12:050,|\
                 +ICF:3,1, +IFC:0,0, +IPR:9600,|\
                 +CREG:2, +CGREG:0, +CEREG:0, +CMEE:0, +COPS:2, +UPSV:0|OK",
            ),
        ],
    );
}
