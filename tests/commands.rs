//! What every command answers, on a module without a service.

use desk::{Desk, check};
use vsara::modem::{Input, PortId};
use vsara::module::Timing;
use vsara::profile::Profile;

mod desk;

#[test]
fn a_module_says_who_it_is() {
    check(
        "sara-r510s",
        &[
            ("AT", "OK"),
            ("AT+CGMI", "u-blox|OK"),
            ("AT+GMI", "u-blox|OK"),
            ("AT+CGMM", "SARA-R510S|OK"),
            ("ATI", "SARA-R510S-01B-00|OK"),
            ("ATI9", "03.15,A00.01|OK"),
            ("ATI7", "ERROR"),
            ("AT+CMEE=2", "OK"),
            ("ATI7", "+CME ERROR: operation not supported"),
            ("AT+USECROTUID", "+USECROTUID: \"0a04f008003c9623\"|OK"),
            ("AT+CPIN?", "+CPIN: READY|OK"),
        ],
    );
}

#[test]
fn an_imei_has_fifteen_digits_with_a_check_digit() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let imei = desk.at("AT+CGSN").replace("|OK", "");
    assert_eq!(imei.len(), 15, "{imei}");
    assert!(imei.ends_with(vsara::module::identity::check_digit(&imei[..14])), "{imei}");
    assert_eq!(desk.at("AT+CGSN=1"), format!("+CGSN: \"{imei}\"|OK"));
    let mut desk = Desk::new("sara-r410m-83b", Timing::Fast);
    assert_eq!(desk.at("AT+CGSN=1"), "ERROR");
}

#[test]
fn commands_a_profile_does_not_list_fail_at_once() {
    check(
        "sara-r410m-02b",
        &[
            ("AT+USECCONN", "ERROR"),
            ("AT+USECDEVINFO?", "ERROR"),
            ("AT^CVOICE=?", "ERROR"),
            ("AT+MODE=2", "ERROR"),
        ],
    );
}

#[test]
fn basic_and_extended_commands_share_a_line() {
    check(
        "sara-r510s",
        &[
            ("ATQ0 V1 E1 S0=0 &C1 &D2 +CMEE=2;+CREG=2", "OK"),
            ("AT+CMEE?;+CREG?", "+CMEE: 2|+CREG: 2,1,\"0001\",\"01a2d001\",7|OK"),
            ("ATS0?", "000|OK"),
            ("ATS3?;S4?", "013|010|OK"),
            ("AT+CMEE=9;+CREG=0", "+CME ERROR: incorrect parameters"),
            ("AT+CREG?", "+CREG: 2,1,\"0001\",\"01a2d001\",7|OK"),
            ("ATE0", "OK"),
            ("AT+CMEE=0", "OK"),
            ("AT+CMEE=", "OK"),
            ("ATV0", "0\r"),
            ("AT+CMEE?", "+CMEE: 0|0\r"),
        ],
    );
}

#[test]
fn registration_reports_follow_their_level() {
    check(
        "sara-r510s",
        &[
            ("AT+CEREG?", "+CEREG: 0,1|OK"),
            ("AT+CEREG=4", "OK"),
            ("AT+CEREG?", "+CEREG: 4,1,\"0001\",\"01a2d001\",7,,,\"00000000\",\"00000000\"|OK"),
            ("AT+CREG=1;+CEREG=1", "OK"),
            ("AT+CFUN=4", "OK|+CREG: 0|+CEREG: 0"),
            ("AT+CFUN?", "+CFUN: 4,0|OK"),
            ("AT+CEREG?", "+CEREG: 1,0|OK"),
            ("AT+CGATT?", "+CGATT: 0|OK"),
            ("AT+COPS?", "+COPS: 0|OK"),
            ("AT+CFUN=1", "OK|+CREG: 1|+CEREG: 1"),
            ("AT+COPS=3,2;+COPS?", "+COPS: 0,2,\"00101\",7|OK"),
            ("AT+COPS=2", "OK|+CREG: 0|+CEREG: 0"),
            ("AT+COPS=0", "OK|+CREG: 1|+CEREG: 1"),
            ("AT+COPS=0", "OK"),
        ],
    );
}

#[test]
fn contexts_are_defined_activated_and_kept() {
    check(
        "sara-r510s",
        &[
            ("AT+CGATT?", "+CGATT: 1|OK"),
            ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ("AT+CGPADDR=1", "+CGPADDR: 1,\"10.60.150.36\"|OK"),
            ("AT+CGDCONT=2,\"IP\",\"iot.example\"", "OK"),
            ("AT+CGACT=1,2", "OK"),
            ("AT+CGACT?", "+CGACT: 1,1|+CGACT: 2,1|OK"),
            ("AT+CGACT=1,3", "ERROR"),
            ("AT+CGDCONT=2,\"IP\",\"a\"b\"", "ERROR"),
            ("AT+CGDCONT=99", "ERROR"),
            ("AT+CGDCONT=2", "OK"),
            ("AT+CGACT?", "+CGACT: 1,1|OK"),
            ("AT+CGATT=0", "OK"),
            ("AT+CGPADDR", "+CGPADDR: 1|OK"),
        ],
    );
}

#[test]
fn stored_profiles_survive_a_power_cut_and_the_rest_does_not() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("ATE0V1&D0S0=3&W");
    desk.at("AT+CMEE=2;+CREG=2");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+CMEE?;+CREG?;S0?"), "+CMEE: 0|+CREG: 0,1|003|OK");
    assert_eq!(desk.at("AT&F"), "OK");
    assert_eq!(desk.at("ATS0?"), "000|OK");
    assert_eq!(desk.at("ATZ"), "OK");
    assert_eq!(desk.at("ATS0?"), "003|OK");
}

#[test]
fn power_off_is_answered_and_then_the_module_is_silent() {
    for (profile, answer) in [("sara-r510s", "OK"), ("sara-r410m-83b", "OK|+UCPWROFF")] {
        let mut desk = Desk::new(profile, Timing::Fast);
        assert_eq!(desk.at("AT+CPWROFF"), answer, "{profile}");
        assert_eq!(desk.at("AT"), "", "{profile}");
        desk.input(Input::PowerOn);
        assert_eq!(desk.at("AT"), "OK", "{profile}");
    }
}

#[test]
fn a_reset_forgets_what_is_not_kept() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("ATE0");
    assert_eq!(desk.at("AT+CFUN=16"), "OK");
    assert_eq!(desk.input(Input::Serial { port: PortId(0), bytes: b"AT\r" }), "AT\r\r\nOK\r\n");
}

#[test]
fn the_reset_pin_is_pulled_without_a_word() {
    for timing in [Timing::Fast, Timing::Module] {
        let mut desk = Desk::new("sara-r510s", timing);
        desk.wait(60_000);
        desk.at("ATE0+CREG=1;+CEREG=1;+CGEREP=1;+CSGT=1,\"hello\"");
        (0..10).for_each(|_| drop(desk.wait(100)));
        desk.at("AT+CGMI");
        let greeting = "\r\nhello\r\n";
        let at_once = desk.input(Input::Reset);
        assert_eq!(at_once, if timing == Timing::Fast { greeting } else { "" }, "{timing:?}");
        let later = desk.wait(15_000);
        assert_eq!(later, if timing == Timing::Fast { "" } else { "hello" }, "{timing:?}");
        assert!(desk.at("AT+CREG?").starts_with(if timing == Timing::Fast { "+CREG: 0,1" } else { "" }));
    }
}

#[test]
fn with_the_modules_timing_boot_sim_and_root_of_trust_take_their_time() {
    let mut desk = Desk::new("sara-r510s", Timing::Module);
    assert_eq!(desk.at("AT"), "", "still booting");
    let facts = desk.modem.module().profile().power.clone();
    desk.wait(i64::from(facts.boot_ms));
    assert_eq!(desk.at("AT+CMEE=2"), "");
    assert_eq!(desk.wait(i64::from(facts.response_ms)), "OK");
    let mut ask = |line: &str| {
        desk.at(line);
        desk.wait(i64::from(facts.response_ms))
    };
    assert_eq!(ask("AT+CIMI"), "+CME ERROR: SIM busy");
    assert_eq!(ask("AT+USECROTUID"), "+CME ERROR: SEC busy");
}

#[test]
fn the_clock_is_kept_across_power_cycles() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    assert_eq!(desk.at("AT+CTZU=0"), "OK");
    assert_eq!(desk.at("AT+CCLK=\"26/02/01,12:00:00+04\""), "OK");
    desk.wait(60_000);
    desk.input(Input::PowerCut);
    desk.wait(60_000);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+CCLK?"), "+CCLK: \"26/02/01,12:02:00+04\"|OK");
    assert_eq!(desk.at("AT+CCLK=\"26/13/01,12:00:00+04\""), "ERROR");
}

#[test]
fn other_ports_go_on_while_one_blocks() {
    let mut desk = Desk::new("sara-r410m-83b", Timing::Fast);
    assert_eq!(desk.at("AT+USECDEVINFO?"), "", "blocks while the bootstrap is in progress");
    desk.modem.handle_input(Input::Serial { port: PortId(1), bytes: b"ATE0+CGMI\r" }, desk.now);
    assert_eq!(desk.drain(1), "ATE0+CGMI\r\r\nu-blox\r\n\r\nOK\r\n");
    assert_eq!(desk.at("AT"), "", "input waits behind the blocked command");
    desk.modem.handle_input(Input::Coverage(false), desk.now);
    assert_eq!(desk.drain(0), "\r\nERROR\r\nAT\r\r\nOK\r\n");
}

#[test]
fn every_command_a_profile_lists_exists_and_every_code_has_a_text() {
    let known: Vec<&str> = vsara::commands::all().map(|command| command.name).collect();
    for (name, _) in vsara::profile::list() {
        let text = vsara::profile::text(name).expect("a built-in profile");
        let profile = Profile::parse(&text, name, Some(&known)).unwrap_or_else(|error| panic!("{error}"));
        let general = [profile.at.bad_parameter_cme].into_iter().chain(profile.at.unknown_command_cme);
        let security = profile.security.iter().flat_map(|facts| {
            let e = &facts.errors;
            [e.busy, e.bootstrapping, e.not_bootstrapped, e.heartbeat_limit, e.no_connection]
                .into_iter()
                .chain([e.dns, e.timeout, e.refused, e.sealed])
        });
        for code in general.chain(security) {
            assert!(vsara::at::CmeError(code).text().is_some(), "{name}: {code} has no text");
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    for command in vsara::commands::all() {
        let named = readme.split([' ', '`', '\n']).any(|word| word == command.name);
        assert!(named, "README.md does not name {}", command.name);
    }
}

#[test]
fn the_readme_marks_what_is_stored_and_shown_only() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let row = |title: &str| readme.lines().find(|line| line.starts_with(title)).expect("the row").to_owned();
    let (real, stored) = (row("| commands |"), row("| stored and shown only |"));
    let names = |row: &str, name: &str| row.split([' ', '`']).any(|word| word == name);
    for chapter in vsara::commands::CHAPTERS {
        for command in chapter.commands {
            assert!(names(&real, command.name), "{}, {}", command.name, chapter.title);
        }
        for command in chapter.stored {
            assert!(names(&stored, command.name), "{}, {}", command.name, chapter.title);
            assert!(!names(&real, command.name), "{}, {}", command.name, chapter.title);
        }
    }
}

#[test]
fn clac_lists_what_the_profile_has() {
    let mut desk = Desk::new("sara-r410m-02b", Timing::Fast);
    let list = desk.at("AT+CLAC");
    assert!(list.contains("|AT+CGMI|") && list.contains("AT&C|") && !list.contains("USECCONN"), "{list}");
}

#[test]
fn the_technology_selected_is_in_use_after_the_next_boot() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    assert_eq!(desk.at("AT+URAT?"), "+URAT: 7|OK");
    assert_eq!(desk.at("AT+CFUN=0;+URAT=8;+CFUN=1"), "OK");
    assert_eq!(desk.at("AT+COPS=3,2;+COPS?"), "+COPS: 0,2,\"00101\",7|OK");
    assert_eq!(desk.at("AT+CFUN=16"), "OK");
    assert_eq!(desk.at("AT+COPS=3,2;+COPS?;+URAT?"), "+COPS: 0,2,\"00101\",9|+URAT: 8|OK");
}
