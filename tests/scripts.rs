//! Scenario files that are wrong, or go on for ever: a clear error, and never a hang.

#[path = "script/place.rs"]
mod place;

use proptest::prelude::*;
use vsara::scenario::player::{End, Problem};
use vsara::scenario::script::{LINE_LEN_MAX, MODEMS_MAX, SCRIPT_LEN_MAX, STATEMENTS_MAX, Script, decode};
use vsara::scenario::{BuiltIn, Stage};

#[track_caller]
fn refused(text: &str, place: &str, allowed: &str) {
    let error = Script::parse(text, "x.at").map(|_| ()).expect_err(text).to_string();
    assert!(error.starts_with(&format!("x.at:{place}: ")), "{text:?}: {error}");
    assert!(error.contains(allowed), "{text:?}: {error}");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_is_allowed() {
    let dut = |line: &str| format!("modem dut sara-r510s\n{line}");
    refused("dance", "1:1", "allowed: device-profile, modem, power");
    refused("> AT", "1:1", "a line `modem NAME PROFILE` before it");
    refused("modem", "1:6", "the name of a new modem");
    refused("modem 7up sara-r510s", "1:7", "a letter, then letters, digits, - and _");
    refused("modem dut", "1:10", "a module profile, such as sara-r510s");
    refused("modem dut sara-r510s fast", "1:22", "timing=module, ip=4");
    refused("modem dut sara-r510s ports=9", "1:28", "1 to 8");
    refused("modem a sara-r510s\nmodem a sara-r510s", "2:7", "another name");
    refused("modem a clone-of b", "1:18", "a line `modem NAME PROFILE` before it");
    refused("modem a sara-r510s\nmodem b sara-r510s\n> AT", "3:1", "a, b");
    refused("modem a sara-r510s\nmodem b sara-r510s\npower cut", "3:7", "allowed: a, b");
    refused(&dut("dut2> AT"), "2:1", "allowed: dut");
    refused(&dut("dut.2> AT"), "2:1", "`modem … ports=2`");
    refused(&dut("power dut sideways"), "2:11", "on, off, cut");
    refused(&dut("power dut cut now"), "2:15", "the end of the line");
    refused(&dut("dut>> \"abc"), "2:11", "text in quotes");
    refused(&dut("dut>> \"a\\q\""), "2:9", "\\xHH");
    refused(&dut("dut<prompt \"\""), "2:12", "at least one byte");
    refused(&dut("dut<none for"), "2:13", "how long");
    refused(&dut("dut<data"), "2:9", "+X: {message}");
    refused(&dut("dut<data +X {x}"), "2:10", "+X: {message}");
    refused(&dut("dut<data +X: {x"), "2:14", "+X: {message}");
    refused(&dut("dut<data +X: {x} more"), "2:14", "+X: {message}");
    refused(&dut("dut<data +X: bytes"), "2:14", "text in quotes");
    refused(&dut("psk dut"), "2:8", "in quotes");
    refused(&dut("psk dut \"1101\" \"00\""), "2:16", "is");
    refused(&dut("psk dut \"1101\" is 00"), "2:19", "text in quotes");
    refused(&dut("uplink dut \"${message}\" is \"text\""), "2:12", "captured before");
    refused(&dut("uplink dut \"a\" is nothing more"), "2:27", "the end of the line");
    refused(&dut("dut< OK within 5s"), "2:6", "`<< text within 5s`");
    refused(&dut("dut<none\tfor"), "2:13", "how long");
    refused(&dut("dut<none"), "2:9", "for");
    refused("modem at sara-r510s", "1:7", "no word of the language");
    refused("# nothing\n", "1:1", "device-profile, modem");
    refused(&dut("fault dut line drop 0"), "2:21", "how many, such as 3");
    refused(&dut("dut< "), "2:6", "* for any line");
    refused(&dut("dut< {x"), "2:6", "{x} captures");
    refused(&dut("dut> ${x}"), "2:6", "captured before");
    refused(&dut("dut<< OK within soon"), "2:17", "500ms, 10s, 5m");
    refused(&dut("wait 99999d"), "2:6", "at most ten years");
    refused(&dut("wait 5"), "2:6", "a duration such as 24h");
    refused(&dut("wait until dut < OK"), "2:18", "+USECDEVINFO: 1,1,1");
    refused(&dut("network dut loss 130%"), "2:18", "0% to 100%");
    refused(&dut("network dut drop many"), "2:18", "a number");
    refused(&dut("fault dut at phase 5 cut"), "2:20", "phase 1 (hello)");
    refused(&dut("fault dut at phase 2 drop"), "2:22", "drop-request");
    refused(&dut("fault dut at datagram 0 drop"), "2:23", "a number from 1 on");
    refused(&dut("fault dut at nvm-write 1 cut later"), "2:30", "cut between");
    refused(&dut("fault dut at nvm-write 1 cut before later"), "2:37", "recover");
    refused(&dut("fault dut at datagram 1 drop recover"), "2:30", "the end of the line");
    refused(&dut("clock dut 5m"), "2:11", "+5m, -1h");
    refused(&dut("device dut"), "2:11", "state=ACTIVE");
    refused(&dut("device dut state=DREAMING"), "2:18", "BOOTSTRAPPING, UNOWNED");
    refused(&dut("event party dut"), "2:7", "bootstrap, registration, heartbeat, clone");
    refused("device-profile AgbC", "1:16", "text in quotes");
    refused("device-profile \"AgbC\"", "1:16", "22 letters and digits");
    refused("device-profile \"AgbCtixjwqLjwV3VWpfPyz\" plan=gold", "1:46", "developer, daily");
}

#[test]
fn files_beyond_every_limit_are_refused_at_once() {
    let error = |bytes: Vec<u8>| decode(bytes, "x.at").map(|_| ()).expect_err("too long").to_string();
    assert!(error(vec![b'#'; 100 * 1024 * 1024]).contains(&SCRIPT_LEN_MAX.to_string()));
    let long = format!("modem dut sara-r510s\n> {}", "x".repeat(LINE_LEN_MAX));
    refused(&long, "2:1", "at most 16384 bytes");
    refused(&"wait 1s\n".repeat(STATEMENTS_MAX + 1), "100001:1", "at most 100000 of them");
    let modems: String = (0..=MODEMS_MAX).map(|number| format!("modem m{number} sara-r510s off\n")).collect();
    refused(&modems, "10001:7", "at most 10000 of them");
}

#[test]
fn a_scenario_that_goes_on_for_ever_is_ended() {
    let text = format!("modem dut sara-r510s off\n{}", "wait 3660d\n".repeat(11));
    let script = Script::parse(&text, "x.at").expect("a script");
    let player = Stage::new(1, &BuiltIn).play(&script);
    let Some(End::Failed(failure)) = player.end() else { panic!("{:?}", player.end()) };
    assert!(matches!(failure.problem, Problem::NeverEnds(_)), "{failure}");
}

/// Words of the language in any order, and others.
fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("modem"),
        Just("dut"),
        Just("sara-r510s"),
        Just("dut>"),
        Just("dut<"),
        Just("<none"),
        Just("<data"),
        Just("+X: {x}"),
        Just("psk"),
        Just("uplink"),
        Just("is"),
        Just("\"${x}\""),
        Just("nothing"),
        Just("for"),
        Just("5s"),
        Just("wait"),
        Just("until"),
        Just("fault"),
        Just("at"),
        Just("phase"),
        Just("3"),
        Just("cut"),
        Just("device"),
        Just("state=ACTIVE"),
        Just("bytes>=1"),
        Just("\"AgbCtixjwqLjwV3VWpfPyz\""),
        Just("{x}"),
        Just("${x}"),
        Just("\""),
        Just("\\"),
        Just("é"),
        Just("network"),
        Just("loss"),
        Just("30%"),
        Just("#"),
        Just("line"),
        Just("drop"),
        Just("service"),
        Just("off"),
        Just("power"),
        Just("on"),
        Just("AT"),
        Just("<"),
    ];
    prop::collection::vec(word, 0..7).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_bytes_are_a_scenario_or_wrong_somewhere(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        place::check(&bytes);
    }

    #[test]
    fn any_words_are_a_scenario_that_ends_or_wrong_somewhere(lines in prop::collection::vec(line(), 0..6)) {
        let text = format!("modem dut sara-r510s\n{}", lines.join("\n"));
        place::check(text.as_bytes());
        if let Ok(script) = Script::parse(&text, "any.at") {
            prop_assert!(Stage::new(1, &BuiltIn).play(&script).end().is_some());
        }
    }
}
