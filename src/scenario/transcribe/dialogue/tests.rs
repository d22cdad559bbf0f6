//! What passes on the line, and what was said by it.

use super::*;

use Direction::{ToHost, ToModule};

fn said(chunks: &[(Direction, i64, &[u8])]) -> Vec<Said> {
    let chunk = |(direction, at_ms, bytes): &(Direction, i64, &[u8])| Chunk {
        direction: *direction,
        at_ms: *at_ms,
        bytes: bytes.to_vec(),
    };
    Dialogue::read(&chunks.iter().map(chunk).collect::<Vec<_>>())
}

/// In the chunks as they are, and byte by byte: what was said is the same.
fn check(chunks: &[(Direction, i64, &[u8])], expected: &[Said]) {
    assert_eq!(said(chunks), expected);
    let bytes: Vec<_> = chunks
        .iter()
        .flat_map(|(direction, at_ms, bytes)| bytes.chunks(1).map(|byte| (*direction, *at_ms, byte)))
        .collect();
    assert_eq!(said(&bytes), expected, "byte by byte");
}

fn command(text: &str) -> Said {
    Said::Command(text.into())
}

fn data(bytes: &[u8]) -> Said {
    Said::Data(bytes.to_vec())
}

fn answer(text: &str) -> Said {
    Said::Answer(text.into())
}

fn unsolicited(text: &str, millis: i64) -> Said {
    Said::Unsolicited(text.into(), millis)
}

fn prompt(text: &str) -> Said {
    Said::Prompt(text.into())
}

#[test]
fn commands_and_answers_with_and_without_echo() {
    let expected = [command("ATI"), answer("SARA-R510S"), answer("OK")];
    check(
        &[(ToModule, 0, b"ATI\r"), (ToHost, 1, b"ATI\r"), (ToHost, 2, b"\r\nSARA-R510S\r\n\r\nOK\r\n")],
        &expected,
    );
    check(&[(ToModule, 0, b"ATI\r\n"), (ToHost, 2, b"\r\nSARA-R510S\r\n\r\nOK\r\n")], &expected);
    check(
        &[
            (ToModule, 0, b"ATE0V0\r"),
            (ToHost, 1, b"ATE0V0\r0\r"),
            (ToModule, 2, b"AT\r"),
            (ToHost, 3, b"0\r"),
        ],
        &[command("ATE0V0"), answer("0"), command("AT"), answer("0")],
    );
}

#[test]
fn a_line_typed_by_hand_is_one_line() {
    let mut chunks = Vec::new();
    for (place, key) in b"AT+CSQ\r".chunks(1).enumerate() {
        let at_ms = 4000 * place as i64;
        chunks.push((ToModule, at_ms, key));
        chunks.push((ToHost, at_ms + 2, key));
    }
    chunks.push((ToHost, 30_000, b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"));
    check(&chunks, &[command("AT+CSQ"), answer("+CSQ: 20,99"), answer("OK")]);
}

#[test]
fn commands_sent_ahead_are_told_from_their_answers() {
    check(
        &[
            (ToModule, 0, b"AT+CGMM\rAT+CSQ\r"),
            (ToHost, 1, b"AT+CGMM\r\r\nSARA-R510S\r\n\r\nOK\r\nAT+CSQ\r"),
            (ToHost, 2, b"\r\n+CSQ: 9,9\r\n\r\nOK\r\n"),
            // Nobody answers at another rate, as after a reset.
            (ToModule, 3, b"AT+CPIN?\r"),
            (ToModule, 1000, b"AT\r"),
            (ToHost, 1001, b"AT\r\r\nOK\r\n\r\n+CPIN: READY\r\n"),
        ],
        &[
            command("AT+CGMM"),
            command("AT+CSQ"),
            answer("SARA-R510S"),
            answer("OK"),
            answer("+CSQ: 9,9"),
            answer("OK"),
            command("AT+CPIN?"),
            command("AT"),
            answer("OK"),
            unsolicited("+CPIN: READY", 0),
        ],
    );
}

#[test]
fn what_comes_unasked_is_told_from_answers() {
    check(
        &[
            (ToModule, 0, b"AT+USECCONN\r"),
            (ToHost, 20, b"\r\n+CEREG: 5\r\n"),
            (ToHost, 50, b"\r\nOK\r\n"),
            (ToHost, 9_050, b"\r\n+UUSORD: 0,5\r\n\r\n+UUSORD: 1,5\r\n"),
            (ToModule, 9_100, b"at+cereg?;+csq\r"),
            (ToHost, 9_101, b"\r\n+CEREG: 0,1\r\n\r\n+CSQ: 1,9\r\n\r\nOK\r\n"),
            (ToModule, 9_200, b"AT+CPIN?\r"),
            (ToHost, 9_201, b"\r\n+CME ERROR: SIM busy\r\n"),
        ],
        &[
            command("AT+USECCONN"),
            unsolicited("+CEREG: 5", 20),
            answer("OK"),
            unsolicited("+UUSORD: 0,5", 9000),
            unsolicited("+UUSORD: 1,5", 0),
            command("at+cereg?;+csq"),
            answer("+CEREG: 0,1"),
            answer("+CSQ: 1,9"),
            answer("OK"),
            command("AT+CPIN?"),
            answer("+CME ERROR: SIM busy"),
        ],
    );
}

#[test]
fn data_follows_a_prompt_until_the_module_speaks() {
    check(
        &[
            (ToModule, 0, b"AT+USOWR=0,5\r\n"),
            (ToHost, 1, b"AT+USOWR=0,5\r\r\n@"),
            (ToModule, 60, b"\nAT\r"),
            (ToModule, 61, b"\0"),
            (ToHost, 62, b"\r\n+USOWR: 0,5\r\n\r\nOK\r\n"),
            (ToModule, 70, b"AT\r"),
            (ToHost, 71, b"AT\r\r\nOK\r\n"),
        ],
        &[
            command("AT+USOWR=0,5"),
            prompt("@"),
            data(b"\nAT\r\0"),
            answer("+USOWR: 0,5"),
            answer("OK"),
            command("AT"),
            answer("OK"),
        ],
    );
}

#[test]
fn text_that_is_echoed_behind_a_prompt_is_not_expected() {
    check(
        &[
            (ToModule, 0, b"AT+CMGS=\"1\"\r"),
            (ToHost, 1, b"AT+CMGS=\"1\"\r\r\n> "),
            (ToModule, 2, b"Hi\r"),
            (ToHost, 3, b"Hi\r\r\n> "),
            (ToModule, 4, b"you\x1a"),
            (ToHost, 5, b"you\x1a\r\n+CMGS: 1\r\n\r\nOK\r\n"),
        ],
        &[
            command("AT+CMGS=\"1\""),
            prompt("> "),
            data(b"Hi\r"),
            prompt("> "),
            data(b"you\x1a"),
            answer("+CMGS: 1"),
            answer("OK"),
        ],
    );
}

#[test]
fn between_connect_and_its_end_nothing_is_a_line() {
    check(
        &[
            (ToModule, 0, b"ATD*99#\r"),
            (ToHost, 1, b"\r\nCONNECT\r\n"),
            (ToModule, 2, b"~\r\xff"),
            (ToHost, 3, b"~\r\n\x7d"),
            (ToModule, 2000, b"+++"),
            (ToHost, 3500, b"\r\nOK\r\n"),
            (ToModule, 3600, b"ATH\r"),
            (ToHost, 3601, b"\r\nOK\r\n"),
        ],
        &[
            command("ATD*99#"),
            answer("CONNECT"),
            data(b"~\r\xff"),
            prompt("~\r\n}"),
            data(b"+++"),
            answer("OK"),
            command("ATH"),
            answer("OK"),
        ],
    );
}

#[test]
fn what_acts_without_cr_is_sent_without_one() {
    check(
        &[
            (ToModule, 0, b"AT\r"),
            (ToHost, 1, b"\r\nOK\r\n"),
            (ToModule, 2, b"A/"),
            (ToHost, 3, b"\r\nOK\r\n"),
            (ToModule, 4, b"AT+C"),
            (ToHost, 5, b"\r\n+CEREG: 1\r\n"),
            (ToModule, 6, b"SQ\r"),
            (ToModule, 7, b"AT"),
        ],
        &[
            command("AT"),
            answer("OK"),
            data(b"A/"),
            answer("OK"),
            unsolicited("+CEREG: 1", 2),
            command("AT+CSQ"),
            data(b"AT"),
        ],
    );
}

#[test]
fn a_pause_is_a_silence_of_the_host_behind_whatever_came_last() {
    check(
        &[
            (ToModule, 500, b"AT\r"),
            (ToHost, 31_000, b"\r\nOK\r\n"),
            (ToModule, 33_000, b"AT\r"),
            (ToHost, 33_001, b"\r\nOK\r\n"),
            (ToHost, 63_001, b"\r\n+X: 1\r\n"),
            (ToModule, 93_001, b"AT\r"),
        ],
        &[
            command("AT"),
            answer("OK"),
            command("AT"),
            answer("OK"),
            unsolicited("+X: 1", 30_000),
            Said::Pause(30_000),
            command("AT"),
        ],
    );
}

#[test]
fn a_line_without_end_is_kept_in_pieces() {
    let long = vec![b'x'; 2 * TEXT_MAX + 1];
    let said = said(&[(ToModule, 0, &long), (ToHost, 1, &long)]);
    let lengths: Vec<_> = said
        .iter()
        .map(|said| match said {
            Said::Data(bytes) | Said::Prompt(bytes) => bytes.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [TEXT_MAX, TEXT_MAX, TEXT_MAX, TEXT_MAX, 1, 1]);
}
