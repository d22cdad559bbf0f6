//! What host programs ask for before anything else; `tests/programs` runs the programs themselves.

use desk::{Desk, check};
use vsara::modem::Input;
use vsara::module::Timing;

mod desk;

const UCS2_PARTNER: &str = "0070006100720074006E00650072";

#[test]
fn names_of_operators_stand_in_the_character_set_of_the_host() {
    check(
        "sara-r510s",
        &[
            ("AT+CSCS=?", "+CSCS: (\"GSM\",\"IRA\",\"UCS2\")|OK"),
            ("AT+CSCS?", "+CSCS: \"IRA\"|OK"),
            ("AT+COPS=3,1;+COPS?", "+COPS: 0,1,\"vsara\",7|OK"),
            ("AT+CSCS=\"GSM\";+COPS?", "+COPS: 0,1,\"vsara\",7|OK"),
            ("AT+CSCS=\"ucs2\";+CSCS?", "+CSCS: \"UCS2\"|OK"),
            ("AT+COPS?", "+COPS: 0,1,\"00760073006100720061\",7|OK"),
            ("AT+COPS=3,2;+COPS?", "+COPS: 0,2,\"00101\",7|OK"),
            (&format!("AT+COPS=1,1,\"{UCS2_PARTNER}\""), "OK"),
            ("AT+COPS=3,1;+COPS?", &format!("+COPS: 1,1,\"{UCS2_PARTNER}\",7|OK")),
            ("AT+COPS=1,2,\"00101\"", "OK"),
            ("AT+CSCS=\"IRA\";+COPS=3,1;+COPS?", "+COPS: 1,1,\"vsara\",7|OK"),
        ],
    );
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("AT+CSCS=\"UCS2\"");
    assert!(desk.at("AT+COPS=?").contains(&format!("\"{UCS2_PARTNER}\",\"00102\",7)")));
}

#[test]
fn text_that_is_not_in_the_character_set_is_refused() {
    check(
        "sara-r410m-02b",
        &[
            ("AT+CMEE=2", "OK"),
            ("AT+CSCS=\"UTF-8\"", "+CME ERROR: operation not supported"),
            ("AT+CSCS=UCS2", "+CME ERROR: incorrect parameters"),
            ("AT+CSCS=\"GSM\",1", "+CME ERROR: incorrect parameters"),
            ("AT+CSCS=\"UCS2\"", "OK"),
            // Names that are no names: not hexadecimal, half a character, half a surrogate pair.
            ("AT+COPS=1,0,\"vsara\"", "+CME ERROR: no network service"),
            ("AT+COPS=1,0,\"0076007\"", "+CME ERROR: no network service"),
            ("AT+COPS=1,0,\"D83D\"", "+CME ERROR: no network service"),
            ("AT+COPS=1,0,\"+076\"", "+CME ERROR: no network service"),
            (
                "AT+COPS?",
                "+COPS: 0,0,\"00760073006100720061002000740065007300740020006E006500740077006F0072006B\",7|OK",
            ),
        ],
    );
}

#[test]
fn the_format_of_messages_is_stored_and_shown() {
    check(
        "sara-r510s",
        &[
            ("AT+CMGF?", "+CMGF: 0|OK"),
            ("AT+CMGF=1;+CMGF?", "+CMGF: 1|OK"),
            ("AT+CMGF=2", "ERROR"),
            ("AT+CMGF=?", "+CMGF: (0,1)|OK"),
            ("AT+CMGF=;+CMGF?", "+CMGF: 0|OK"),
        ],
    );
}

#[test]
fn the_number_of_the_service_centre_is_on_the_sim() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let wrong = ["+49a", "123456789012345678901", "1;2", "٣"];
    assert_eq!(desk.at("AT+CSCA?"), "+CSCA: \"\",129|OK", "a new SIM has none");
    assert_eq!(desk.at("AT+CSCA=\"+491710760000\";+CSCA?"), "+CSCA: \"+491710760000\",145|OK");
    for number in wrong {
        assert_eq!(desk.at(&format!("AT+CSCA=\"{number}\"")), "ERROR", "{number}");
    }
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    assert_eq!(desk.at("AT+CSCA?"), "+CSCA: \"+491710760000\",145|OK");
    assert_eq!(desk.at("AT+CSCA=\"491710760000\",145;+CSCA?"), "+CSCA: \"+491710760000\",145|OK");
    assert_eq!(desk.at("AT+CSCA=\"0171\",129;+CSCA?"), "+CSCA: \"0171\",129|OK");
    assert_eq!(desk.at("AT+CSCS=\"UCS2\";+CSCA?"), "+CSCA: \"0030003100370031\",129|OK");
    assert_eq!(desk.at("AT+CSCA=\"002B003100320033\";+CSCS=\"IRA\";+CSCA?"), "+CSCA: \"+123\",145|OK");
    desk.at("AT+CFUN=0");
    assert_eq!(desk.at("AT+CSCA?"), "+CSCA: \"+123\",145|OK", "the SIM answers in minimum functionality");
}

#[test]
fn a_new_pin_by_the_puk_leaves_the_rest_of_the_sim_alone() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    desk.at("AT+CSCA=\"+123\"");
    desk.at("AT+CLCK=\"SC\",1,\"1234\"");
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
    for _ in 0..3 {
        desk.at("AT+CPIN=\"0000\"");
    }
    assert_eq!(desk.at("AT+CPIN?"), "+CPIN: SIM PUK|OK");
    assert!(desk.at("AT+CPIN=\"12345678\",\"4321\"").starts_with("OK"));
    assert_eq!(desk.at("AT+UPINCNT"), "+UPINCNT: 3,3,10,10|OK");
    assert_eq!(desk.at("AT+CSCA?"), "+CSCA: \"+123\",145|OK");
}

#[test]
fn hanging_up_without_a_call_changes_nothing() {
    check("sara-r510s", &[("ATH", "OK"), ("ATH0", "OK"), ("ATH1", "ERROR"), ("AT+CSQ", "+CSQ: 20,99|OK")]);
}
