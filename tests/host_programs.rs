//! What host programs ask for before anything else; `tests/programs` runs the programs themselves.

use desk::{Desk, check};
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
