//! [`Hearing`]: what one port has said, line by line, without the echo of what was sent.

use std::collections::VecDeque;

/// Most bytes of a port that wait to be read by a scenario.
pub(super) const UNREAD_MAX: usize = 1024 * 1024;

/// What a port has said and nobody has read yet.
///
/// Echo is told from an answer by its bytes: a line that begins with what was sent last is the
/// echo of it, whatever came before (a URC may), and is taken off unread.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    unread: VecDeque<u8>,
    /// What was sent and has not come back.
    echo: Vec<u8>,
    /// How much of what is unread was said before the last line was sent.
    stale: usize,
    /// More was said than is kept.
    overflown: bool,
}

/// Whether bytes are what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// They were, and are taken.
    Taken,
    /// They may be, once more has come.
    NotYet,
    /// Something else is there.
    Other,
}

impl Hearing {
    /// The port said this.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let room = UNREAD_MAX - self.unread.len();
        self.overflown |= bytes.len() > room;
        self.unread.extend(&bytes[..bytes.len().min(room)]);
    }

    /// Whether something was lost because nobody reads.
    pub(super) fn is_overflown(&self) -> bool {
        self.overflown
    }

    /// A command line was sent, and is echoed under `ATE1`.
    pub(super) fn sent_line(&mut self, bytes: &[u8]) {
        self.skip_to_text();
        self.stale = self.unread.len();
        self.echo = bytes.to_vec();
    }

    /// Bytes were sent, which may be echoed or not.
    pub(super) fn sent_raw(&mut self, bytes: &[u8]) {
        if self.unread.is_empty() || !self.echo.is_empty() {
            self.echo.extend_from_slice(bytes);
        } else {
            self.echo = bytes.to_vec();
        }
    }

    /// All that is unread, as it came.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        self.take(self.unread.len())
    }

    /// What was said before does not matter any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What was sent and has not come back by now will not come back any more.
    pub(super) fn forget_echo(&mut self) {
        self.skip_to_text();
        self.echo.clear();
    }

    /// The next line that is not empty, once it is whole; whether it was said before the last line
    /// was sent.
    pub(super) fn line(&mut self) -> Option<(Vec<u8>, bool)> {
        self.skip_to_text();
        if self.echo_may_come() {
            return None;
        }
        let end = self.unread.iter().position(|byte| is_line_end(*byte))?;
        let stale = self.stale > 0;
        let line: Vec<u8> = self.take(end + 1)[..end].to_vec();
        // Data of a data phase is not echoed: what was not there by now will not come.
        if !self.echo.contains(&b'\r') {
            self.echo.clear();
        }
        Some((line, stale))
    }

    /// Whether these bytes come next; line ends before them do not count.
    pub(super) fn front(&mut self, bytes: &[u8]) -> Front {
        self.skip_to_text();
        if self.echo_may_come() {
            return Front::NotYet;
        }
        let common = self.unread.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        if common == bytes.len() {
            self.take(common);
            self.echo.clear();
            Front::Taken
        } else if common == self.unread.len() {
            Front::NotYet
        } else {
            Front::Other
        }
    }

    /// The bytes of an information text that begins so, then has a length and that many bytes in
    /// quotes; none until all have come.
    ///
    /// # Errors
    /// What came instead.
    pub(super) fn data(&mut self, head: &[u8]) -> Result<Option<Vec<u8>>, Vec<u8>> {
        self.skip_to_text();
        if self.echo_may_come() {
            return Ok(None);
        }
        let heard = self.unread.make_contiguous();
        let common = heard.len().min(head.len());
        let Some(rest) = heard[..common].eq(&head[..common]).then(|| &heard[common..]) else {
            return Err(heard.to_vec());
        };
        let digits = rest.iter().take_while(|byte| **byte == b' ' || byte.is_ascii_digit()).count();
        let length = std::str::from_utf8(&rest[..digits]).unwrap_or_default().trim();
        let (length, behind) = (length.parse::<usize>().ok(), &rest[digits..]);
        let (begun, whole) = match (length, behind) {
            (None, []) | (Some(_), [] | [b',']) => (true, None),
            (Some(length), [b',', b'"', data @ ..]) => match data.get(length) {
                None => (length < UNREAD_MAX, None),
                Some(b'"') => (true, Some((common + digits + 3 + length, data[..length].to_vec()))),
                Some(_) => (false, None),
            },
            _ => (false, None),
        };
        match (begun, whole) {
            (false, _) => Err(heard.to_vec()),
            (true, None) => Ok(None),
            (true, Some((count, data))) => {
                self.take(count);
                self.echo.clear();
                Ok(Some(data))
            }
        }
    }

    /// What is there unread, whole lines or not, as a report shows it.
    pub(super) fn unread(&mut self) -> Vec<u8> {
        self.skip_to_text();
        if self.echo_may_come() {
            return Vec::new();
        }
        self.unread.iter().copied().collect()
    }

    /// Puts back a line that somebody else is to read.
    pub(super) fn unread_line(&mut self, line: &[u8]) {
        for byte in line.iter().chain(b"\r\n").rev() {
            self.unread.push_front(*byte);
        }
    }

    /// Takes line ends and echo off the front.
    fn skip_to_text(&mut self) {
        while let Some(first) = self.unread.front() {
            if !self.echo.is_empty() && self.common_with_echo() == self.echo.len() {
                self.take(self.echo.len());
                self.echo.clear();
            } else if is_line_end(*first) && !self.echo_may_come() {
                self.take(1);
            } else {
                return;
            }
        }
    }

    /// What is there may be the first part of the echo.
    fn echo_may_come(&self) -> bool {
        let common = self.common_with_echo();
        common > 0 && common == self.unread.len() && common < self.echo.len()
    }

    fn common_with_echo(&self) -> usize {
        self.unread.iter().zip(&self.echo).take_while(|(a, b)| a == b).count()
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.stale = self.stale.saturating_sub(count);
        self.unread.drain(..count).collect()
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(hearing: &mut Hearing) -> Vec<String> {
        let next = || hearing.line().map(|(line, _)| String::from_utf8_lossy(&line).into_owned());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn the_echo_is_not_part_of_what_follows() {
        let check = |sent: &[u8], heard: &[u8], expected: &[&str]| {
            // In one piece, and byte by byte.
            for size in [heard.len(), 1] {
                let mut hearing = Hearing::default();
                hearing.sent_line(sent);
                let mut seen = Vec::new();
                for piece in heard.chunks(size) {
                    hearing.hear(piece);
                    seen.extend(lines(&mut hearing));
                }
                assert_eq!(seen, expected, "{:?} in pieces of {size}", String::from_utf8_lossy(heard));
            }
        };
        check(b"AT\r", b"AT\r\r\nOK\r\n", &["OK"]);
        check(b"AT\r", b"\r\nOK\r\n", &["OK"]);
        check(b"AT\r", b"\r\n+CREG: 1\r\nAT\r\r\nOK\r\n", &["+CREG: 1", "OK"]);
        check(b"ATE0V0\r", b"ATE0V0\r0\r", &["0"]);
        check(b"ATI\r", b"\r\nATIC\r\n\r\nOK\r\n", &["ATIC", "OK"]);
    }

    #[test]
    fn data_in_quotes_is_whatever_its_length_says() {
        let check = |heard: &[u8], expected: Result<Option<&[u8]>, ()>| {
            // In one piece, and byte by byte.
            for size in [heard.len(), 1] {
                let mut hearing = Hearing::default();
                let mut seen = Ok(None);
                for piece in heard.chunks(size) {
                    hearing.hear(piece);
                    if seen == Ok(None) {
                        seen = hearing.data(b"+X:").map_err(drop);
                    }
                }
                assert_eq!(
                    seen.as_ref().map(|data| data.as_deref()),
                    expected.as_ref().map(|it| *it),
                    "{heard:?}"
                );
            }
        };
        check(b"\r\n+X: 5,\"a\"\r\nb\"\r\n\r\nOK\r\n", Ok(Some(b"a\"\r\nb")));
        check(b"\r\n+X: 0,\"\"\r\n", Ok(Some(b"")));
        check(b"\r\n+X:2,\"ab\"", Ok(Some(b"ab")));
        check(b"\r\n+X: 5,\"abc", Ok(None));
        check(b"\r\n+X: 2,\"abc\"", Err(()));
        check(b"\r\n+X: \"ab\"", Err(()));
        check(b"\r\n+Y: 2,\"ab\"", Err(()));
        check(b"\r\nERROR\r\n", Err(()));
    }

    #[test]
    fn data_that_is_not_echoed_hides_nothing() {
        let mut hearing = Hearing::default();
        hearing.sent_line(b"AT+X=2\r");
        hearing.hear(b"AT+X=2\r\r\n@");
        assert_eq!(hearing.front(b"@"), Front::Taken);
        hearing.sent_raw(b"OK");
        hearing.hear(b"\r\n+X: 2\r\n\r\nOK\r\n");
        assert_eq!(lines(&mut hearing), ["+X: 2", "OK"]);
    }

    #[test]
    fn text_that_is_echoed_is_taken_off() {
        let mut hearing = Hearing::default();
        hearing.sent_line(b"AT+CMGS=2\r");
        hearing.hear(b"AT+CMGS=2\r\r\n> ");
        assert_eq!(hearing.front(b"> "), Front::Taken);
        hearing.sent_raw(b"Hi\x1a");
        hearing.hear(b"Hi\x1a\r\n+CMGS: 1\r\n\r\nOK\r\n");
        assert_eq!(lines(&mut hearing), ["+CMGS: 1", "OK"]);
    }

    #[test]
    fn echo_that_came_before_the_power_went_is_taken_off() {
        let check = |heard: &[u8]| {
            let mut hearing = Hearing::default();
            hearing.sent_line(b"AT+X\r");
            hearing.hear(heard);
            hearing.forget_echo();
            hearing.sent_line(b"AT\r");
            hearing.hear(b"AT\r\r\nOK\r\n");
            assert_eq!(lines(&mut hearing), ["OK"], "{:?}", String::from_utf8_lossy(heard));
        };
        check(b"AT+X\r");
        check(b"");
    }

    #[test]
    fn a_prompt_comes_in_pieces_or_is_something_else() {
        let mut hearing = Hearing::default();
        hearing.hear(b"\r\n>");
        assert_eq!(hearing.front(b"> "), Front::NotYet);
        hearing.hear(b" ");
        assert_eq!(hearing.front(b"> "), Front::Taken);
        hearing.hear(b"\r\nERROR\r\n");
        assert_eq!(hearing.front(b"> "), Front::Other);
    }

    #[test]
    fn what_was_said_before_the_last_line_is_stale() {
        let mut hearing = Hearing::default();
        hearing.hear(b"\r\nOK\r\n");
        hearing.sent_line(b"AT\r");
        hearing.hear(b"AT\r\r\nOK\r\n");
        assert_eq!(hearing.line(), Some((b"OK".to_vec(), true)));
        assert_eq!(hearing.line(), Some((b"OK".to_vec(), false)));
    }

    #[test]
    fn what_nobody_reads_has_an_end() {
        let mut hearing = Hearing::default();
        hearing.hear(&vec![b'x'; UNREAD_MAX]);
        assert!(!hearing.is_overflown());
        hearing.hear(b"x");
        assert!(hearing.is_overflown());
    }
}
