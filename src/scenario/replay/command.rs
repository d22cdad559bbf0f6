//! Command lines as a module reads them (V.250, 5.2): spaces and the case of names do not count, what
//! stands in quotes does.

/// A command line in the one form it is compared in: without blanks and control characters, in capitals,
/// quoted text as it is.
pub(super) fn key(line: &[u8]) -> Vec<u8> {
    let mut quoted = false;
    let mut key = Vec::with_capacity(line.len());
    for byte in line {
        quoted ^= *byte == b'"';
        match byte {
            _ if quoted => key.push(*byte),
            0..=b' ' => {}
            _ => key.push(byte.to_ascii_uppercase()),
        }
    }
    key
}

/// Whether a module takes the line for a command line at all, and not for noise.
pub(super) fn is_command(key: &[u8]) -> bool {
    key.starts_with(b"AT")
}

/// `AT+NAME=` of a lone command that sets something: what it shares with one that sets other values.
pub(super) fn setter(key: &[u8]) -> Option<&[u8]> {
    let end = key.iter().position(|byte| *byte == b'=')? + 1;
    let is_lone = !outside_quotes(key).any(|byte| byte == b';');
    (is_lone && key.get(end) != Some(&b'?')).then(|| &key[..end])
}

/// Whether what is answered afterwards may be another than before.
pub(super) fn changes_state(key: &[u8]) -> bool {
    let sets = outside_quotes(key).collect::<Vec<_>>();
    let sets = sets.iter().enumerate().any(|(at, byte)| *byte == b'=' && sets.get(at + 1) != Some(&b'?'));
    let only_reads = key.starts_with(b"AT+") || key.starts_with(b"ATI") || key == b"AT";
    sets || !only_reads || key.windows(8).any(|part| part == b"+CPWROFF")
}

fn outside_quotes(key: &[u8]) -> impl Iterator<Item = u8> {
    let mut quoted = false;
    key.iter().copied().filter(move |byte| {
        quoted ^= *byte == b'"';
        !quoted
    })
}

/// What a command line that was carried out sets of how the port talks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manners {
    /// `E`
    pub(super) echo: Option<bool>,
    /// `V`
    pub(super) verbose: Option<bool>,
}

impl Manners {
    /// Reads the basic commands of a line.
    pub(super) fn of(key: &[u8]) -> Self {
        let mut manners = Self::default();
        let mut rest = key.strip_prefix(b"AT").unwrap_or_default();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match first {
                b';' => {}
                // A dial string goes to the end of the line.
                b'D' => break,
                b'&' => {
                    let letter = rest.first().copied();
                    rest = rest.get(1..).unwrap_or_default();
                    number(&mut rest);
                    if letter == Some(b'F') {
                        manners = Self::new_ones();
                    }
                }
                b'A'..=b'Z' => {
                    let value = number(&mut rest);
                    match first {
                        b'E' => manners.echo = Some(value != 0),
                        b'V' => manners.verbose = Some(value != 0),
                        b'Z' => manners = Self::new_ones(),
                        _ => {}
                    }
                    if rest.first() == Some(&b'=') {
                        rest = &rest[1..];
                        number(&mut rest);
                    }
                }
                _ => {
                    let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
                    // Booting makes the port as it was, which nobody knows; that is mostly as new.
                    if [&b"CFUN=15"[..], b"CFUN=16", b"CPWROFF"].iter().any(|it| rest.starts_with(it)) {
                        manners = Self::new_ones();
                    }
                    rest = &rest[end..];
                }
            }
        }
        manners
    }

    fn new_ones() -> Self {
        Self { echo: Some(true), verbose: Some(true) }
    }
}

/// Takes digits off the front; none are 0.
fn number(rest: &mut &[u8]) -> u32 {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, behind) = rest.split_at(digits);
    *rest = behind;
    number.iter().fold(0, |sum: u32, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_the_case_of_names_do_not_count() {
        let same =
            |a: &str, b: &str, yes: bool| assert_eq!(key(a.as_bytes()) == key(b.as_bytes()), yes, "{a} {b}");
        same("at+cgdcont = 1, \"IP\"", "AT+CGDCONT=1,\"IP\"", true);
        same("AT+X=\"a b\"", "AT+X=\"a  b\"", false);
        same("AT+X=\"a\"", "AT+X=\"A\"", false);
        same("ate0v1", "ATE0 V1", true);
    }

    #[test]
    fn a_command_that_sets_something_changes_what_comes_after() {
        let check = |line: &str, yes: bool| assert_eq!(changes_state(line.as_bytes()), yes, "{line}");
        for reads in ["AT", "ATI", "ATI9", "AT+CSQ", "AT+CEREG?", "AT+COPS=?", "AT+X=?;+Y?"] {
            check(reads, false);
        }
        for sets in ["ATE0", "ATZ", "AT&F", "AT+CMEE=1", "AT+CSQ;+CMEE=1", "AT+CPWROFF", "ATD*99#", ""] {
            check(sets, true);
        }
    }

    #[test]
    fn a_setter_is_a_lone_command() {
        let check = |line: &str, expected: Option<&str>| {
            let found = setter(line.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), expected, "{line}");
        };
        check("AT+CCLK=\"a;b\"", Some("AT+CCLK="));
        check("AT+COPS=?", None);
        check("AT+COPS?", None);
        check("AT+CEREG=1;+COPS=2", None);
    }

    #[test]
    fn echo_is_as_the_last_command_says() {
        let check = |line: &str, echo: Option<bool>, verbose: Option<bool>| {
            assert_eq!(Manners::of(line.as_bytes()), Manners { echo, verbose }, "{line}");
        };
        check("ATE0", Some(false), None);
        check("ATE", Some(false), None);
        check("ATE0E1", Some(true), None);
        check("ATS0=0E0V0", Some(false), Some(false));
        check("AT+CMEE=1;E0", Some(false), None);
        check("AT+CGDCONT=1,\"E0\"", None, None);
        check("ATDE0", None, None);
        check("ATE0Z", Some(true), Some(true));
        check("AT&C1&FE0", Some(false), Some(true));
        check("AT+CFUN=16", Some(true), Some(true));
        check("AT&", None, None);
        check("E0", None, None);
    }
}
