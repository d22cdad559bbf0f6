//! The AT language through its public API: bytes in, writes out.

#[path = "at/owner.rs"]
mod owner;

use owner::Owner;
use proptest::prelude::*;
use vsara::at::{Form, Limits, Response};

const LIMITS: Limits = Limits { command_line_max: 64, waiting_input_max: 1024 };

impl Owner {
    /// Ends a `+WAIT`, a `+SCAN` or a data phase.
    fn answer(&mut self, response: Response) {
        self.interpreter.answer(response);
        self.execute();
    }

    fn urc(&mut self, line: &str) {
        self.interpreter.urc(line.into());
        self.execute();
    }

    /// Everything that left since the last call.
    fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.writes).concat()
    }
}

fn owner() -> Owner {
    Owner::new(LIMITS)
}

/// An owner whose DTE has switched the echo off.
fn silent_owner() -> Owner {
    let mut owner = owner();
    owner.send(b"ATE0\r");
    owner.drain();
    owner
}

/// What each input gives under ATE0 V1 +CMEE=2, in one piece and byte by byte.
fn check(table: &[(&str, &str)]) {
    for (input, expected) in table {
        let mut whole = silent_owner();
        whole.send(input.as_bytes());
        assert_eq!(text(&whole.drain()), *expected, "{input:?}");

        let mut split = silent_owner();
        input.bytes().for_each(|byte| split.send(&[byte]));
        assert_eq!(text(&split.drain()), *expected, "{input:?}, byte by byte");
    }
}

/// The single writes that one chunk gives from power-on.
fn check_writes(table: &[(&str, &[&str])]) {
    for (input, expected) in table {
        let mut owner = owner();
        owner.send(input.as_bytes());
        let writes: Vec<_> = owner.writes.iter().map(|bytes| text(bytes)).collect();
        assert_eq!(writes, *expected, "{input:?}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const OK: &str = "\r\nOK\r\n";
const UNKNOWN: &str = "\r\n+CME ERROR: unknown\r\n";
const INCORRECT: &str = "\r\n+CME ERROR: incorrect parameters\r\n";
const TOO_LONG: &str = "\r\n+CME ERROR: Command line too long\r\n";

#[test]
fn a_chunk_is_echoed_in_one_write_before_its_answer() {
    check_writes(&[
        ("AT\r", &["AT\r", OK]),
        ("at\r\n", &["at\r", OK]),
        ("AT\r\nATI\r\n", &["AT\r", OK, "ATI\r", "\r\nvsara\r\n", OK]),
        ("ATx\x08I\r", &["ATx\x08I\r", "\r\nvsara\r\n", OK]),
        ("ATE0\rAT\r", &["ATE0\r", OK, OK]),
        ("AT", &["AT"]),
        ("AT+LIST\r", &["AT+LIST\r", "\r\n+LIST: 1\r\n", "+LIST: 2\r\n", OK]),
    ]);
}

#[test]
fn what_stands_before_the_prefix_is_passed_over_in_silence() {
    check(&[
        ("\r\r\n \r", ""),
        ("hello\r", ""),
        ("\x04AT\r", OK),
        ("\x1b\rAT\r", OK),
        ("xyzAT\r", OK),
        ("AAT\r", OK),
        ("A\rT\r", ""),
        ("aT\r", OK),
        ("At\r\n", OK),
    ]);
}

#[test]
fn a_line_stops_at_its_first_error_and_has_one_result() {
    check(&[
        ("ATI;+LIST\r", "\r\nvsara\r\n\r\n+LIST: 1\r\n+LIST: 2\r\n\r\nOK\r\n"),
        ("ATI;+NOPE;I\r", "\r\nvsara\r\n\r\n+CME ERROR: unknown\r\n"),
        ("AT+NOPE\r", UNKNOWN),
        ("AT^CVOICE=?\r", UNKNOWN),
        ("AT\"\r", UNKNOWN),
        ("ATV2I\r", INCORRECT),
        ("AT+CMEE=\r", INCORRECT),
        ("AT+CMEE=1;+NOPE\r", "\r\n+CME ERROR: 100\r\n"),
        ("AT+CMEE=0;+NOPE\r", "\r\nERROR\r\n"),
    ]);
}

#[test]
fn a_setting_rules_the_result_of_its_own_line() {
    check(&[
        ("ATV0\r", "0\r"),
        ("ATIV0I\r", "\r\nvsara\r\nvsara\r\n0\r"),
        ("ATV0+NOPE\r", "+CME ERROR: unknown\r"),
        ("ATQ1\rATI\rATQ0\r", "\r\nvsara\r\n\r\nOK\r\n"),
        ("ATS3=33\rAT!ATS3=13!", "!\nOK!\n!\nOK!\n\r\nOK\r\n"),
        ("ATS4=33\rAT\r", "\r!OK\r!\r!OK\r!"),
        ("ATS3?\r", "\r\n013\r\n\r\nOK\r\n"),
        ("ATS5=35\rATQ1##I\r", "\r\nOK\r\n\r\nvsara\r\n\r\nOK\r\n"),
        ("ATE1\rAT\r", "\r\nOK\r\nAT\r\r\nOK\r\n"),
    ]);
}

#[test]
fn backspace_never_takes_the_prefix() {
    check(&[("ATE5\x080\r", OK), ("ATX\x08\x08\x08\x08I\r", "\r\nvsara\r\n\r\nOK\r\n")]);
}

#[test]
fn a_slash_repeats_the_last_line_at_once() {
    check(&[
        ("ATI\rA/", "\r\nvsara\r\n\r\nOK\r\n\r\nvsara\r\n\r\nOK\r\n"),
        ("ATI\ra/\r\n", "\r\nvsara\r\n\r\nOK\r\n\r\nvsara\r\n\r\nOK\r\n"),
        ("AT+NOPE\rA/", &[UNKNOWN, UNKNOWN].concat()),
        ("AT/\r", UNKNOWN),
    ]);
    check_writes(&[("A/", &["A/", OK])]);
}

#[test]
fn a_line_beyond_the_limit_is_refused_when_it_ends() {
    let blanks = |count| " ".repeat(count);
    let longest = format!("ATI{}\r", blanks(LIMITS.command_line_max - 4));
    let too_long = format!("ATI{}\r", blanks(LIMITS.command_line_max - 3));
    check(&[
        (&longest, "\r\nvsara\r\n\r\nOK\r\n"),
        (&too_long, TOO_LONG),
        (too_long.trim_end_matches('\r'), ""),
        (&format!("{too_long}AT\r"), &[TOO_LONG, OK].concat()),
        (&format!("{too_long}A/"), &[TOO_LONG, TOO_LONG].concat()),
    ]);
}

#[test]
fn data_behind_a_prompt_is_never_interpreted() {
    let check = |input: &[u8], expected: &str, data: &[&[u8]]| {
        for chunk in [input.len(), 1] {
            let mut owner = owner();
            // The DTE ends this line as it ends the next.
            owner.send(if input.windows(2).any(|pair| pair == b"\r\n") { b"ATE0\r\n" } else { b"ATE0\r" });
            owner.drain();
            input.chunks(chunk).for_each(|bytes| owner.send(bytes));
            assert_eq!(
                (text(&owner.drain()).as_str(), owner.data),
                (expected, data.iter().map(|d| d.to_vec()).collect())
            );
        }
    };
    check(b"AT+SEND=3\r", "\r\n@", &[]);
    check(b"AT+SEND=4\rAT\r\x08", "\r\n@\r\n+DATA: 4\r\n\r\nOK\r\n", &[b"AT\r\x08"]);
    check(b"AT+SEND=2\r\n\x1a\xff", "\r\n@\r\n+DATA: 2\r\n\r\nOK\r\n", &[b"\x1a\xff"]);
    check(b"AT+SEND=2\r\n\n\n", "\r\n@\r\n+DATA: 2\r\n\r\nOK\r\n", &[b"\n\n"]);
    check(b"AT+SEND=1;I\rx", "\r\n@\r\n+DATA: 1\r\n\r\nvsara\r\n\r\nOK\r\n", &[b"x"]);
    check(b"AT+SEND=1\r\nx\r\nAT\r\n", "\r\n@\r\n+DATA: 1\r\n\r\nOK\r\n\r\nOK\r\n", &[b"x"]);
    check(b"AT+SEND=0\r", "\r\n@\r\n+DATA: 0\r\n\r\nOK\r\n", &[b""]);
    check(b"ATV0+SEND=1\rx", "@+DATA: 1\r\n0\r", &[b"x"]);
    check(b"AT+TEXT\r\nhi\rAT\x1a", "\r\n> \r\n+DATA: 5\r\n\r\nOK\r\n", &[b"hi\rAT"]);
    check(b"AT+TEXT\rhi\x1bAT\r", "\r\n> \r\nOK\r\n\r\nOK\r\n", &[]);
    check(b"AT+TEXT\r01234567890123456789\x1a", "\r\n> \r\n+DATA: 16\r\n\r\nOK\r\n", &[b"0123456789012345"]);
}

#[test]
fn a_text_is_echoed_and_counted_data_are_not() {
    check_writes(&[
        ("AT+TEXT\rhi\x1a", &["AT+TEXT\r", "\r\n> ", "hi\x1a", "\r\n+DATA: 2\r\n", OK]),
        ("AT+SEND=2\rhi", &["AT+SEND=2\r", "\r\n@", "\r\n+DATA: 2\r\n", OK]),
    ]);
}

#[test]
fn a_line_feed_after_the_prompt_is_data_for_a_dte_that_ends_lines_with_cr() {
    let check = |before: &[u8], after_prompt: &[u8], data: &[u8]| {
        let mut owner = silent_owner();
        owner.send(before);
        owner.send(b"AT+SEND=2\r");
        owner.send(after_prompt);
        assert_eq!(owner.data, [data], "{before:?}");
    };
    check(b"AT\r", b"\nx", b"\nx");
    check(b"AT\r\n", b"\nxy", b"xy");
    // The LF came with the CR, so the DTE cannot have seen the prompt.
    let mut owner = silent_owner();
    owner.send(b"AT\r");
    owner.send(b"AT+SEND=2\r\nxy");
    assert_eq!(owner.data, [b"xy"]);
}

#[test]
fn any_byte_aborts_an_abortable_command_and_is_lost() {
    check(&[
        ("AT+SCAN\r", ""),
        ("AT+SCAN\r\n", ""),
        ("AT+SCAN;I\r ", "\r\n+CME ERROR: Command aborted\r\n"),
        ("AT+SCAN\r\n \r \r", "\r\n+CME ERROR: Command aborted\r\n"),
        ("AT+SCAN\r\rATI\r", "\r\n+CME ERROR: Command aborted\r\n\r\nvsara\r\n\r\nOK\r\n"),
        ("ATV0+SCAN\r\x1b", "+CME ERROR: Command aborted\r"),
    ]);
    check_writes(&[("AT+SCAN\rx", &["AT+SCAN\r", "\r\n+CME ERROR: Command aborted\r\n"])]);
}

#[test]
fn input_behind_a_running_command_waits_up_to_the_limit() {
    let mut owner = Owner::new(Limits { waiting_input_max: 7, ..LIMITS });
    owner.send(b"ATE0+WAIT\r");
    owner.drain();
    owner.send(b"\nATI\r");
    owner.send(b"AT+NOPE\r");
    assert_eq!(text(&owner.drain()), "");
    owner.answer(Response::line("+WAIT: 1"));
    // "ATI", CR and "AT+" fitted; the rest of the second line is lost.
    assert_eq!(text(&owner.drain()), "\r\n+WAIT: 1\r\n\r\nOK\r\n\r\nvsara\r\n\r\nOK\r\n");
    owner.send(b"LIST\r");
    assert_eq!(text(&owner.drain()), "\r\n+LIST: 1\r\n+LIST: 2\r\n\r\nOK\r\n");
}

#[test]
fn a_urc_waits_for_the_final_result_the_data_and_the_echo() {
    let check = |input: &[u8], then: &[u8], expected: &[&str]| {
        let mut owner = owner();
        owner.send(input);
        owner.urc("+URC");
        owner.send(then);
        let writes: Vec<_> = owner.writes.iter().map(|bytes| text(bytes)).collect();
        assert_eq!(writes, expected);
    };
    const URC: &str = "\r\n+URC\r\n";
    check(b"", b"", &[URC]);
    check(b"junk", b"", &["junk", URC]);
    check(b"A", b"T\r", &["A", "T\r", OK, URC]);
    check(b"ATE0\rAT", b"", &["ATE0\r", OK, URC]);
    check(b"AT+SCAN\r", b"xAT\r", &["AT+SCAN\r", "\r\n+CME ERROR: Command aborted\r\n", URC, "AT\r", OK]);
    check(b"AT+SEND=1;I\r", b"x", &["AT+SEND=1;I\r", "\r\n@", "\r\n+DATA: 1\r\n", "\r\nvsara\r\n", OK, URC]);
    check(b"ATQ1\r", b"", &["ATQ1\r"]);
    check(b"ATV0\r", b"", &["ATV0\r", "0\r", "+URC\r\n"]);
}

#[test]
fn an_answer_ends_a_data_phase_the_dte_does_not() {
    let mut owner = silent_owner();
    owner.send(b"AT+SEND=9\rabc");
    owner.answer(Response::failed(vsara::at::Failure::Error));
    owner.send(b"AT\r");
    assert_eq!(text(&owner.drain()), "\r\n@\r\nERROR\r\n\r\nOK\r\n");
    assert!(owner.data.is_empty());
}

#[test]
fn an_answer_to_nothing_is_not_heard() {
    let mut owner = silent_owner();
    owner.answer(Response::line("late"));
    owner.send(b"AT\r");
    assert_eq!(text(&owner.drain()), OK);
}

#[test]
fn a_reset_forgets_everything_but_what_already_left() {
    let mut owner = owner();
    owner.send(b"ATE0+WAIT\rATI\r");
    owner.interpreter.urc("+URC".into());
    owner.interpreter.reset(vsara::at::Settings::factory(2));
    owner.send(b"A/");
    assert_eq!(text(&owner.drain()), "ATE0+WAIT\rA/\r\nOK\r\n");
}

#[test]
fn requests_name_their_command_and_form() {
    let mut owner = owner();
    owner.send(b"ate0+creg?;+creg=?;+creg=2\r");
    let [first, read, ..] = owner.requests.as_slice() else { panic!("{:?}", owner.requests) };
    assert_eq!((first.name.as_str(), read.name.as_str(), &read.form), ("E", "+CREG", &Form::Read));
}

/// Pieces that mean something, and any bytes, glued in any order.
fn dte_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "AT",
            "at",
            "A/",
            "\r",
            "\r",
            "\r\n",
            "\r",
            "\x08",
            ";",
            "E1",
            "E0",
            "V0",
            "V1",
            "Q1",
            "Q0",
            "I",
            "+SCAN",
            "+WAIT",
            "+LIST",
            "+NOPE",
            "+CMEE=",
            "=",
            "?",
            "=?",
            "0",
            "1",
            ",",
            "\"",
            " ",
            "S3=",
            "S4=",
            "S5=",
            "13",
            "10",
            "&C1",
            "D*99#",
            "ATI\r",
            "AT+SCAN\r",
            "AT+CMEE=2;+CREG=2\r\n",
            "\x1b",
            "\x1a",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn in_chunks(bytes: &[u8], sizes: &[usize]) -> Owner {
    let mut owner = owner();
    let mut left = bytes;
    for size in sizes.iter().cycle() {
        let (chunk, rest) = left.split_at((*size).min(left.len()));
        owner.send(chunk);
        left = rest;
        if left.is_empty() {
            break;
        }
    }
    // A running `+WAIT` ends, as often as the line or the input has one.
    while owner.requests.last().is_some_and(|request| request.name == "+WAIT") {
        let before = owner.requests.len();
        owner.answer(Response::ok());
        if owner.requests.len() == before {
            break;
        }
    }
    owner
}

proptest! {
    #[test]
    fn any_split_of_any_bytes_gives_the_same_bytes(
        bytes in dte_bytes(),
        sizes in prop::collection::vec(1_usize..9, 1..8),
    ) {
        let whole = in_chunks(&bytes, &[bytes.len().max(1)]);
        let split = in_chunks(&bytes, &sizes);
        prop_assert_eq!(text(&whole.writes.concat()), text(&split.writes.concat()));
        prop_assert_eq!(whole.requests, split.requests);
    }

    #[test]
    fn data_arrive_as_they_are_however_they_are_split(
        data in prop::collection::vec(any::<u8>(), 0..=64),
        crlf in any::<bool>(),
        sizes in prop::collection::vec(1_usize..9, 1..8),
    ) {
        let end = if crlf { "\r\n" } else { "\r" };
        let mut owner = owner();
        // The DTE shows how it ends its lines before it sends data, and waits for the prompt.
        owner.send(format!("AT{end}AT+SEND={}{end}", data.len()).as_bytes());
        let mut left = data.as_slice();
        for size in sizes.iter().cycle() {
            let (chunk, rest) = left.split_at((*size).min(left.len()));
            owner.send(chunk);
            left = rest;
            if left.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&owner.data, &[data]);
    }
}
