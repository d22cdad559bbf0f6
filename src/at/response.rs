//! What the DCE says: information text, result codes, and how both look on the line.

use super::{CmeError, Settings};

/// One line of information text or one unsolicited result code: its bytes, without CR LF around it.
/// Bytes within a quoted string may be anything, a PEM's line ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(Vec<u8>);

/// What a command answers: its information text and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Response {
    /// The information text, line by line.
    pub lines: Vec<Line>,
    /// The result of this command; only [`Final::Ok`] lets the rest of its command line run.
    pub result: Result<Final, Failure>,
}

/// Final result codes other than errors (V.250, 5.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Final {
    /// `OK`
    Ok,
    /// `CONNECT`
    Connect,
    /// `NO CARRIER`
    NoCarrier,
    /// `NO DIALTONE`
    NoDialtone,
    /// `BUSY`
    Busy,
    /// `NO ANSWER`
    NoAnswer,
}

/// Final result codes that report an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `ERROR`, whatever `+CMEE` says.
    Error,
    /// `+CME ERROR: <err>`, or `ERROR` under `+CMEE=0`.
    Cme(CmeError),
    /// `Command aborted`, or under `+CMEE` CME error 3000: the DTE sent a character while an abortable
    /// command ran.
    Aborted,
}

impl Line {
    /// The bytes between the CR LFs.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As information text: `first` lines of a response and URCs get a header, the next do not.
    pub(super) fn render(&self, settings: &Settings, first: bool) -> Vec<u8> {
        let head = first && settings.verbose;
        framed(settings, head, &self.0, true)
    }
}

impl From<Vec<u8>> for Line {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Response {
    /// `OK` and no information text.
    pub const fn ok() -> Self {
        Self { lines: Vec::new(), result: Ok(Final::Ok) }
    }

    /// One line of information text, then `OK`.
    pub fn line(line: impl Into<Line>) -> Self {
        Self::lines([line])
    }

    /// Lines of information text, then `OK`.
    pub fn lines<L: Into<Line>>(lines: impl IntoIterator<Item = L>) -> Self {
        Self { lines: lines.into_iter().map(Into::into).collect(), result: Ok(Final::Ok) }
    }

    /// An error and no information text.
    pub fn failed(failure: impl Into<Failure>) -> Self {
        Self { lines: Vec::new(), result: Err(failure.into()) }
    }

    /// The answer to an abort: `Command aborted`.
    pub const fn aborted() -> Self {
        Self { lines: Vec::new(), result: Err(Failure::Aborted) }
    }
}

impl From<Final> for Response {
    fn from(result: Final) -> Self {
        Self { lines: Vec::new(), result: Ok(result) }
    }
}

impl<F: Into<Failure>> From<Result<Response, F>> for Response {
    fn from(result: Result<Response, F>) -> Self {
        result.unwrap_or_else(Self::failed)
    }
}

impl From<CmeError> for Failure {
    fn from(error: CmeError) -> Self {
        Self::Cme(error)
    }
}

impl Final {
    /// The word of `ATV1` and the number of `ATV0` (u-blox AT manual, 1.1.6).
    const fn codes(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("OK", "0"),
            Self::Connect => ("CONNECT", "1"),
            Self::NoCarrier => ("NO CARRIER", "3"),
            Self::NoDialtone => ("NO DIALTONE", "6"),
            Self::Busy => ("BUSY", "7"),
            Self::NoAnswer => ("NO ANSWER", "8"),
        }
    }
}

/// The final result code of a command line, or nothing under `ATQ1`.
pub(super) fn render_result(result: Result<Final, Failure>, settings: &Settings) -> Option<Vec<u8>> {
    // With `+CMEE` an abort is CME error 3000 (manual): hosts know an error by that prefix (driver).
    let result = match result {
        Err(Failure::Aborted) if settings.cmee != 0 => Err(Failure::Cme(CmeError::COMMAND_ABORTED)),
        result => result,
    };
    let (word, number) = match result {
        _ if settings.quiet => return None,
        Ok(code) => code.codes(),
        Err(Failure::Cme(error)) if settings.cmee != 0 => {
            // Extended result codes are words even under ATV0 (V.250, 5.7.3).
            let text = match settings.cmee {
                1 => format!("+CME ERROR: {}", error.0),
                _ => format!("+CME ERROR: {error}"),
            };
            return Some(framed(settings, settings.verbose, text.as_bytes(), settings.verbose));
        }
        Err(Failure::Error | Failure::Cme(_)) => ("ERROR", "4"),
        Err(Failure::Aborted) => ("Command aborted", "3000"),
    };
    let code = if settings.verbose { word } else { number };
    Some(framed(settings, settings.verbose, code.as_bytes(), settings.verbose))
}

/// The prompt of a data phase: it has the header of information text, and no trailer.
pub(super) fn render_prompt(prompt: &[u8], settings: &Settings) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(prompt.len() + 2);
    if settings.verbose {
        bytes.extend_from_slice(&line_end(settings));
    }
    bytes.extend_from_slice(prompt);
    bytes
}

/// `text` with an S3 S4 header or none, and an S3 S4 trailer or S3 alone (V.250, 6.2.6).
fn framed(settings: &Settings, header: bool, text: &[u8], full_trailer: bool) -> Vec<u8> {
    let end = line_end(settings);
    let mut bytes = Vec::with_capacity(text.len() + 4);
    if header {
        bytes.extend_from_slice(&end);
    }
    bytes.extend_from_slice(text);
    bytes.extend_from_slice(if full_trailer { &end } else { &end[..1] });
    bytes
}

fn line_end(settings: &Settings) -> [u8; 2] {
    [settings.registers.line_termination, settings.registers.response_formatting]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_follow_verbose_quiet_and_cmee() {
        let check = |result, verbose, cmee, bytes: &str| {
            let mut settings = Settings { verbose, ..Settings::factory(cmee) };
            let rendered = render_result(result, &settings).map(|b| String::from_utf8_lossy(&b).into_owned());
            assert_eq!(rendered.as_deref(), Some(bytes));
            settings.quiet = true;
            assert_eq!(render_result(result, &settings), None);
        };
        let busy = Err(Failure::Cme(CmeError::SEC_BUSY));
        check(Ok(Final::Ok), true, 0, "\r\nOK\r\n");
        check(Ok(Final::Ok), false, 0, "0\r");
        check(Ok(Final::NoCarrier), true, 2, "\r\nNO CARRIER\r\n");
        check(Ok(Final::NoCarrier), false, 2, "3\r");
        check(busy, true, 0, "\r\nERROR\r\n");
        check(busy, true, 1, "\r\n+CME ERROR: 1684\r\n");
        check(busy, true, 2, "\r\n+CME ERROR: SEC busy\r\n");
        check(busy, false, 0, "4\r");
        check(busy, false, 1, "+CME ERROR: 1684\r");
        check(Err(Failure::Error), true, 2, "\r\nERROR\r\n");
        check(Err(Failure::Aborted), true, 0, "\r\nCommand aborted\r\n");
        check(Err(Failure::Aborted), true, 1, "\r\n+CME ERROR: 3000\r\n");
        check(Err(Failure::Aborted), true, 2, "\r\n+CME ERROR: Command aborted\r\n");
        check(Err(Failure::Aborted), false, 0, "3000\r");
    }

    #[test]
    fn lines_follow_verbose_and_the_formatting_registers() {
        let check = |verbose, s3, first, bytes: &[u8]| {
            let mut settings = Settings { verbose, ..Settings::factory(0) };
            settings.registers.line_termination = s3;
            assert_eq!(Line::from("+X: 1").render(&settings, first), bytes);
        };
        check(true, b'\r', true, b"\r\n+X: 1\r\n");
        check(true, b'\r', false, b"+X: 1\r\n");
        check(false, b'\r', true, b"+X: 1\r\n");
        check(true, b'!', true, b"!\n+X: 1!\n");
    }
}
