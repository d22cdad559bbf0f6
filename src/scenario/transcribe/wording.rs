//! How the language of scenarios words what was said.

use super::dialogue::Said;
use crate::scenario::script::escape;

/// The name of the one modem.
const NAME: &str = "dut";

/// Most bytes of data in one statement.
const QUOTED_MAX: usize = 1024;

/// The statements for one thing that was said.
pub(super) fn statements(said: &Said) -> Vec<String> {
    match said {
        Said::Command(text) => match plain(text) {
            Some(text) => vec![format!("{NAME}> {}", sent(text))],
            None => data(&[text, &b"\r"[..]].concat()),
        },
        Said::Data(bytes) => data(bytes),
        Said::Pause(millis) => vec![format!("wait {}", duration(rounded(*millis)))],
        Said::Answer(line) => vec![format!("{NAME}< {}", expected(line))],
        Said::Unsolicited(line, millis) => {
            vec![format!("{NAME}<< {} within {}", expected(line), duration(limit(*millis)))]
        }
        Said::Prompt(bytes) => prompts(bytes),
    }
}

/// Text that stands in a line as it is.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fine = !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
    fine.then_some(text)
}

/// `${` would stand for what was captured.
fn sent(text: &str) -> String {
    text.replace("${", "\\${")
}

fn data(bytes: &[u8]) -> Vec<String> {
    let statement = |piece| format!("{NAME}>> {}", quoted(piece));
    bytes.chunks(QUOTED_MAX).map(statement).collect()
}

/// Line ends before a prompt do not count.
fn prompts(bytes: &[u8]) -> Vec<String> {
    let pieces = bytes.chunks(QUOTED_MAX).map(|piece| {
        let ends = piece.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        &piece[ends..]
    });
    let statement = |piece| format!("{NAME}<prompt {}", quoted(piece));
    pieces.filter(|piece| !piece.is_empty()).map(statement).collect()
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            // It would stand for what was captured.
            b'$' if bytes.get(place + 1) == Some(&b'{') => text.push_str("\\x24"),
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

/// A pattern for a line. What a line of text cannot hold is any run of characters, and so are blanks
/// at its ends.
fn expected(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let inside = text.trim();
    let begins = text.len() - text.trim_start().len();
    let mut pattern = String::new();
    let mut gap = false;
    for (at, c) in text.char_indices() {
        let hidden = at < begins || at >= begins + inside.len();
        match hidden || c.is_control() || c == char::REPLACEMENT_CHARACTER {
            true if gap => {}
            true => pattern.push('*'),
            false => pattern.push_str(&escape(c.encode_utf8(&mut [0; 4]).as_bytes())),
        }
        gap = pattern.ends_with('*') && !pattern.ends_with("\\*");
    }
    // Behind ` within ` would stand a time.
    pattern.replace(" within ", " within*")
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A pause to the nearest time a person would say.
fn rounded(millis: i64) -> i64 {
    const STEPS: [(i64, i64); 4] =
        [(MINUTE, 5 * SECOND), (10 * MINUTE, 30 * SECOND), (HOUR, 5 * MINUTE), (DAY, HOUR)];
    let step = STEPS.into_iter().find(|(below, _)| millis < *below).map_or(DAY, |(_, step)| step);
    ((millis.min(366 * DAY) + step / 2) / step).max(1) * step
}

/// How long to wait for what came after so long: twice that, and more rather than less.
fn limit(millis: i64) -> i64 {
    const LADDER: [i64; 11] = [
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
        HOUR,
        3 * HOUR,
        12 * HOUR,
        DAY,
    ];
    let twice = millis.clamp(0, 366 * DAY) * 2;
    LADDER.into_iter().find(|step| *step >= twice).unwrap_or_else(|| (twice + DAY - 1) / DAY * DAY)
}

/// Whole seconds in the largest unit that holds them.
fn duration(millis: i64) -> String {
    let (unit, name) = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")]
        .into_iter()
        // A day is said as 24h, as everybody does.
        .find(|(unit, _)| millis % unit == 0 && millis / unit > i64::from(*unit == DAY))
        .unwrap_or((SECOND, "s"));
    format!("{}{name}", millis / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: Said, expected: &[&str]) {
        assert_eq!(statements(&said), expected, "{said:?}");
    }

    #[test]
    fn what_the_host_sends_is_text_or_quoted() {
        let command = |bytes: &[u8], expected| check(Said::Command(bytes.to_vec()), &[expected]);
        command(b"AT+CSQ", "dut> AT+CSQ");
        command(b"AT+X=\"a*b\\{c}$d\"", "dut> AT+X=\"a*b\\{c}$d\"");
        command(b"AT${x}", "dut> AT\\${x}");
        command(b"> x", "dut> > x");
        command("AT+X=\"\u{e9}\"".as_bytes(), "dut> AT+X=\"\u{e9}\"");
        command(b"", r#"dut>> "\r""#);
        command(b" AT", r#"dut>> " AT\r""#);
        command(b"AT\x08", r#"dut>> "AT\x08\r""#);
        command(b"\xffAT", r#"dut>> "\xffAT\r""#);
        check(Said::Data(b"a\"b\\c\t\x1a${x}".to_vec()), &[r#"dut>> "a\"b\\c\t\x1a\x24{x}""#]);
        check(Said::Data(b"\xff${x}".to_vec()), &[r#"dut>> "\xff\x24{x}""#]);
        assert_eq!(statements(&Said::Data(vec![b'x'; 2049])).len(), 3);
    }

    #[test]
    fn what_the_module_says_is_expected_to_the_letter() {
        let line = |bytes: &[u8], expected: &str| check(Said::Answer(bytes.to_vec()), &[expected]);
        line(b"OK", "dut< OK");
        line(br"*{x}$\", r"dut< \*\{x}\$\\");
        line(b"a\0\x01b*\xff", r"dut< a*b\**");
        line(b" a b  ", "dut< *a b*");
        line(b"  ", "dut< *");
        line(b"# x", "dut< # x");
        line(b"prompt \"x\"", "dut< prompt \"x\"");
        check(Said::Prompt(b"\r\n> ".to_vec()), &[r#"dut<prompt "> ""#]);
        check(Said::Prompt(b"\r\n".to_vec()), &[]);
        check(Said::Unsolicited(b"+X: 1 within 5s".to_vec(), 0), &["dut<< +X: 1 within*5s within 10s"]);
    }

    #[test]
    fn times_are_rounded() {
        let check = |millis: i64, pause: &str, within: &str| {
            assert_eq!(duration(rounded(millis)), pause, "{millis}");
            assert_eq!(duration(limit(millis)), within, "{millis}");
        };
        check(0, "5s", "10s");
        check(3_400, "5s", "10s");
        check(28_100, "30s", "1m");
        check(59_900, "1m", "2m");
        check(89_000, "90s", "5m");
        check(301_000, "5m", "30m");
        check(11 * MINUTE, "10m", "30m");
        check(100 * MINUTE, "2h", "12h");
        check(DAY + HOUR, "24h", "3d");
        check(7 * DAY + HOUR, "7d", "15d");
        check(i64::MAX, "366d", "732d");
        check(-5, "5s", "10s");
    }
}
