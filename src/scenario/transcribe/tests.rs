//! Recordings, the scenarios they make, and how those are read and played.

use proptest::prelude::*;

use super::*;
use crate::scenario::report::{PlayOptions, play};
use crate::scenario::script::{Direction, Variables, What};
use crate::scenario::{BuiltIn, Script};

use Direction::{ToHost, ToModule};

fn origin() -> Origin {
    Origin {
        port: "/dev/ttyUSB0".to_owned(),
        began: "2026-01-02T03:04:05Z".parse().expect("a time"),
        program: None,
    }
}

fn recording(chunks: &[(Direction, i64, &[u8])]) -> Recording {
    let mut recording = Recording::default();
    for (direction, at_ms, bytes) in chunks {
        recording.note(*direction, *at_ms, bytes);
    }
    recording
}

fn text(chunks: &[(Direction, i64, &[u8])]) -> String {
    transcribe(&recording(chunks), &origin())
}

#[test]
fn a_session_reads_as_a_scenario() {
    let text = text(&[
        (ToModule, 0, b"ATI\r"),
        (ToHost, 2, b"ATI\r\r\nSARA-R422M8S-00B-00\r\n\r\nOK\r\n"),
        (ToModule, 31_000, b"AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"s{1}\"\r"),
        (ToHost, 31_003, b"AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"s{1}\"\r\r\nOK\r\n"),
        (ToHost, 45_000, b"\r\n+CEREG: 5\r\n"),
        (ToModule, 45_100, b"AT+USOWR=0,2\r"),
        (ToHost, 45_101, b"AT+USOWR=0,2\r\r\n@"),
        (ToModule, 45_160, b"\x00\""),
        (ToHost, 45_170, b"\r\n+USOWR: 0,2\r\n\r\nOK\r\n"),
    ]);
    assert_eq!(
        text,
        r#"# Recorded by vsara record on /dev/ttyUSB0, 2026-01-02T03:04:05Z.
# Echo is left out and times are rounded. Put * for what is not the same every time.
# The module says it is a SARA-R422M8S-00B-00.
modem dut sara-r422m8s
device-profile "AgbCtixjwqLjwV3VWpfPyz"

dut> ATI
dut< SARA-R422M8S-00B-00
dut< OK
wait 30s
dut> AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","s{1}"
dut< OK
dut<< +CEREG: 5 within 30s
dut> AT+USOWR=0,2
dut<prompt "@"
dut>> "\x00\""
dut< +USOWR: 0,2
dut< OK
"#
    );
}

#[test]
fn the_profile_is_what_the_module_says_it_is() {
    let check = |command: &str, answer: &str, profile: &str| {
        let command = format!("{command}\r");
        let answer = format!("\r\n{answer}\r\n\r\nOK\r\n");
        let text = text(&[(ToModule, 0, command.as_bytes()), (ToHost, 1, answer.as_bytes())]);
        assert!(text.contains(&format!("\nmodem dut {profile}\n")), "{text}");
        assert_eq!(text.contains("a guess"), !answer.contains("SARA-R"), "{text}");
    };
    check("ATI", "SARA-R510S-01B-01", "sara-r510s-01b-01");
    check("AT+CGMM", "SARA-R510M8S", "sara-r510m8s");
    check("ATI", "SARA-R500S-71B-00", "sara-r500s");
    check("AT+CGMM;I", "SARA-R510S\r\n\r\nSARA-R510S-00B-00", "sara-r510s-00b");
    check("AT+GMM", "SARA-R410M-02B", "sara-r410m-02b");
    check("AT+CGMM", "LARA-R6001", "sara-r510s");
    check("AT+CSQ", "+CSQ: 1,99", "sara-r510s");
}

#[test]
fn what_the_text_is_from_stays_in_its_comments() {
    let origin = Origin {
        port: "/dev/tty\nmodem x y".to_owned(),
        program: Some(format!("sh -c '\r\n{}'", "x".repeat(100_000))),
        ..origin()
    };
    let text = transcribe(&Recording::default(), &origin);
    let script = Script::parse(&text, "x.at").expect("a scenario");
    assert_eq!(script.statements.len(), 1, "{text}");
}

#[test]
fn a_scenario_has_an_end_where_a_recording_has_none() {
    let mut recording = Recording::default();
    for at_ms in 0..(STATEMENTS_MAX as i64 + 100) {
        recording.note(ToModule, at_ms, b"\r");
    }
    let many = transcribe(&recording, &origin());
    let mut recording = Recording::default();
    recording.note(ToModule, 0, &vec![0xff; 2 * 1024 * 1024]);
    let long = transcribe(&recording, &origin());
    for text in [many, long] {
        assert!(text.len() <= SCRIPT_LEN_MAX);
        assert!(text.ends_with("# More passed on the line than is kept.\n"));
        Script::parse(&text, "x.at").expect("a scenario");
    }
}

/// A conversation with a module in memory, as it would pass on a line.
#[test]
fn what_was_recorded_of_a_module_holds_of_it() {
    let chunks: &[(Direction, i64, &[u8])] = &[
        (ToModule, 0, b"ATI\r"),
        (ToHost, 2, b"ATI\r\r\nSARA-R510S-01B-00\r\n\r\nOK\r\n"),
        (ToModule, 10, b"ATE0\r"),
        (ToHost, 12, b"ATE0\r\r\nOK\r\n"),
        (ToModule, 20, b"AT+CMEE=2;+CMEE?\r\n"),
        (ToHost, 22, b"\r\n+CMEE: 2\r\n\r\nOK\r\n"),
        (ToModule, 30, b"AT+CEREG=2;+COPS=2\r"),
        (ToHost, 31, b"\r\nOK\r\n"),
        (ToHost, 40, b"\r\n+CEREG: 0\r\n"),
        (ToModule, 50, b"AT+NONE\r"),
        (ToHost, 51, b"\r\n+CME ERROR: operation not supported\r\n"),
    ];
    let text = text(chunks);
    let script = Script::parse(&text, "recorded.at").expect("a scenario");
    let report = play(&script, "recorded.at", PlayOptions::default(), &BuiltIn);
    assert!(report.has_passed(), "{report}\n{text}");
}

/// Pieces of conversations, and anything else.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"AT+CSQ\r"[..],
        b"AT",
        b"\r\n",
        b"\r",
        b"OK",
        b"\r\nOK\r\n",
        b"\r\n> ",
        b"@",
        b"\r\nCONNECT\r\n",
        b"\r\nNO CARRIER\r\n",
        b"+UUSORD: 0,5\r\n",
        b"${x}",
        b"\\",
        b"{x}*$",
        b" within 5s",
        b"\xc3\xa9",
        b"\x00\x1a\"",
        b"AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"x\"\r",
        b"SARA-R510S\r\n",
        b"  ",
        "\u{a0}\u{2028}#".as_bytes(),
    ]);
    prop_oneof![known.prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 0..12)]
}

fn chunks() -> impl Strategy<Value = Vec<(bool, i64, Vec<u8>)>> {
    let quiet = prop_oneof![Just(0_i64), 1..200_i64, 1..100_000_i64, any::<u32>().prop_map(i64::from)];
    prop::collection::vec((any::<bool>(), quiet, bytes()), 0..40)
}

proptest! {
    #[test]
    fn whatever_passes_makes_a_scenario_that_sends_what_the_host_sent(chunks in chunks()) {
        let mut recording = Recording::default();
        let mut at_ms = 0;
        let mut sent = Vec::new();
        for (from_host, quiet_ms, bytes) in &chunks {
            at_ms += quiet_ms;
            recording.note(if *from_host { ToModule } else { ToHost }, at_ms, bytes);
            if *from_host {
                sent.extend_from_slice(bytes);
            }
        }
        let text = transcribe(&recording, &origin());
        let script = Script::parse(&text, "x.at").map_err(|error| {
            TestCaseError::fail(format!("{error}\n{text}"))
        })?;
        let mut replayed = Vec::new();
        for statement in &script.statements {
            match &statement.what {
                What::Send(_, line) => {
                    replayed.extend(line.render(&Variables::new()));
                    replayed.push(b'\r');
                }
                What::SendRaw(_, bytes) => replayed.extend(bytes.render(&Variables::new())),
                _ => {}
            }
        }
        // An LF before a command line is ignored by V.250, and not written down.
        let without_lf = |bytes: Vec<u8>| bytes.into_iter().filter(|byte| *byte != b'\n').collect::<Vec<_>>();
        prop_assert_eq!(without_lf(replayed), without_lf(sent), "{}", text);
    }
}
