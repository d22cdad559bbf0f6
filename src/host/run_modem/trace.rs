//! [`SerialTrace`]: what passes a port, in the log, a line at a time.

use tracing::Level;

/// Longest line that is shown, in bytes.
const LINE_LEN_MAX: usize = 1024;

/// The two directions of one port. A line is shown when it is whole, so that what must not be
/// shown cannot hide by coming in pieces.
#[derive(Debug)]
pub(super) struct SerialTrace {
    port: String,
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl SerialTrace {
    pub(super) fn new(port: String) -> Self {
        Self { port, received: Vec::new(), sent: Vec::new() }
    }

    /// The host program wrote this.
    pub(super) fn received(&mut self, bytes: &[u8]) {
        if tracing::enabled!(target: "vsara::at", Level::DEBUG) {
            collect(&mut self.received, bytes, |line| {
                tracing::debug!(target: "vsara::at", "{} > {line}", self.port);
            });
        }
    }

    /// The module wrote this.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        if tracing::enabled!(target: "vsara::at", Level::DEBUG) {
            collect(&mut self.sent, bytes, |line| {
                tracing::debug!(target: "vsara::at", "{} < {line}", self.port);
            });
        }
    }
}

fn collect(line: &mut Vec<u8>, bytes: &[u8], show: impl Fn(&str)) {
    for byte in bytes {
        if matches!(byte, b'\r' | b'\n') {
            if !line.is_empty() {
                show(&shown(line, tracing::enabled!(target: "vsara::at", Level::TRACE)));
            }
            line.clear();
        } else if line.len() < LINE_LEN_MAX {
            line.push(*byte);
        }
    }
}

/// A line as the log shows it: the DeviceProfileUID, and what chips share, is a secret to all but the
/// trace.
fn shown(line: &[u8], whole: bool) -> String {
    let text = line.escape_ascii().to_string();
    let command = text.to_ascii_uppercase().find("USECDEVINFO=");
    match command {
        Some(at) if !whole => shorten(&text, at + "USECDEVINFO=".len()),
        None if !whole && text.to_ascii_uppercase().contains("+USECC2C") => shorten_digits(&text),
        _ => text,
    }
}

/// Everything from the fourth character of the first parameter to its end is left out; without an
/// end, to the end of the line.
fn shorten(text: &str, at: usize) -> String {
    let (before, parameters) = text.split_at(at);
    let quote = parameters.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(parameters.len());
    let (opening, uid) = parameters.split_at(quote);
    let end = uid.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(uid.len());
    if end <= 4 {
        return text.to_owned();
    }
    format!("{before}{opening}{}…{}", &uid[..4], &uid[end..])
}

/// Of every run of 16 hex digits or more the first four.
fn shorten_digits(text: &str) -> String {
    const LONG: usize = 16;
    let parts = text.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    let shortened = parts.map(|part| {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len();
        if digits >= LONG { format!("{}…{}", &part[..4], &part[digits..]) } else { part.to_owned() }
    });
    shortened.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_profile_uid_is_shown_shortened() {
        let check = |line: &str, expected: &str| assert_eq!(shown(line.as_bytes(), false), expected);
        check(r#"AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","s1""#, r#"AT+USECDEVINFO=\"AgbC…\",\"s1\""#);
        check(r#"at+usecdevinfo="AgbCtixjwqLjwV3VWpfPyz"#, r#"at+usecdevinfo=\"AgbC…"#);
        check("AT+USECDEVINFO=?", "AT+USECDEVINFO=?");
        check("AT+USECDEVINFO?", "AT+USECDEVINFO?");
        check("AT\u{1a}", r"AT\x1a");
        assert!(shown(br#"AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz""#, true).contains("wqLjwV3V"));
    }

    #[test]
    fn secrets_of_chips_are_shown_shortened() {
        let check = |line: &str, expected: &str| assert_eq!(shown(line.as_bytes(), false), expected);
        check("AT+USECC2C=2", "AT+USECC2C=2");
        check("AT+USECC2C=?", "AT+USECC2C=?");
        check(
            r#"at+usecc2c=4,"0001020304050607f8f9fafbfcfdfeff","00112233445566778899aabb"#,
            r#"at+usecc2c=4,\"0001…\",\"0011…"#,
        );
        check(
            r#"+USECC2C: 0,0,"1011121314151617e8e9eaebecedeeef","2021222324252627d8d9dadbdcdddedf""#,
            r#"+USECC2C: 0,0,\"1011…\",\"2021…\""#,
        );
        assert!(shown(br#"+USECC2C: 0,0,"1011121314151617e8e9eaebecedeeef""#, true).contains("eeef"));
    }

    #[test]
    fn a_line_in_pieces_is_one_line() {
        let mut line = Vec::new();
        let seen = std::cell::RefCell::new(Vec::new());
        for piece in ["AT", "+CSQ\r", "\n", "\r\nO", "K\r\n"] {
            collect(&mut line, piece.as_bytes(), |line| seen.borrow_mut().push(line.to_owned()));
        }
        assert_eq!(*seen.borrow(), ["AT+CSQ", "OK"]);
    }
}
