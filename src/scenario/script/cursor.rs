//! [`Cursor`]: the words of one line, and where they stand.

use super::error::Problem;

/// Longest duration a scenario may name: ten years, in milliseconds.
pub(super) const DURATION_MAX_MS: i64 = 10 * 366 * 24 * 3_600_000;

/// A line that is read from left to right.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    line: &'t str,
    /// Where the line begins in the file.
    base: usize,
    at: usize,
}

/// A word and where it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) offset: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(line: &'t str, base: usize) -> Self {
        Self { line, base, at: 0 }
    }

    /// Where it stands in the file.
    pub(super) fn offset(&self) -> usize {
        self.base + self.at
    }

    /// All that is left, without the blanks around it.
    pub(super) fn rest(&mut self) -> Word<'t> {
        self.skip_blanks();
        let word = Word { text: self.line[self.at..].trim_end(), offset: self.offset() };
        self.at = self.line.len();
        word
    }

    /// The next word without taking it. Blanks within quotes do not end a word.
    pub(super) fn peek(&mut self) -> Option<Word<'t>> {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        let (mut quoted, mut escaped) = (false, false);
        let end = rest.find(|c: char| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => return c.is_whitespace() && !quoted,
            }
            false
        });
        let text = &rest[..end.unwrap_or(rest.len())];
        (!text.is_empty()).then_some(Word { text, offset: self.offset() })
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<Word<'t>> {
        let word = self.peek()?;
        self.at += word.text.len();
        Some(word)
    }

    /// The next word, unless it is this one, which stays.
    pub(super) fn next_unless(&mut self, word: &str) -> Option<Word<'t>> {
        self.peek().filter(|next| next.text != word)?;
        self.next()
    }

    /// The next word, which has to be there.
    pub(super) fn word(&mut self, allowed: &str) -> Result<Word<'t>, Problem> {
        let end = self.next();
        end.ok_or_else(|| self.problem("something is missing here".to_owned(), allowed))
    }

    /// This word and no other.
    pub(super) fn keyword(&mut self, keyword: &str) -> Result<(), Problem> {
        let word = self.word(keyword)?;
        if word.text == keyword { Ok(()) } else { Err(word.problem(keyword)) }
    }

    /// Nothing may be left.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        match self.next() {
            Some(word) => {
                Err(word.wrong(format!("{} is too much here", word.shown()), "the end of the line"))
            }
            None => Ok(()),
        }
    }

    /// Something is wrong where the cursor stands.
    pub(super) fn problem(&self, message: String, allowed: &str) -> Problem {
        Problem { offset: self.offset(), message, allowed: allowed.to_owned() }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.line[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }
}

impl<'t> Word<'t> {
    /// The word is not one of those that may stand here.
    pub(super) fn problem(&self, allowed: &str) -> Problem {
        self.wrong(format!("{} cannot stand here", self.shown()), allowed)
    }

    /// Something is wrong with the word.
    pub(super) fn wrong(&self, message: String, allowed: &str) -> Problem {
        Problem { offset: self.offset, message, allowed: allowed.to_owned() }
    }

    /// The part behind its first `len` bytes.
    pub(super) fn behind(&self, len: usize) -> Word<'t> {
        Word { text: self.text.get(len..).unwrap_or_default(), offset: self.offset + len }
    }

    /// Reads it as what `FromStr` makes of it.
    pub(super) fn parse<T: std::str::FromStr>(&self, allowed: &str) -> Result<T, Problem> {
        self.text.parse().map_err(|_| self.problem(allowed))
    }

    /// One of several words.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Problem> {
        let found = choices.iter().find(|(name, _)| *name == self.text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.problem(&names.join(", "))
        })
    }

    /// A duration such as `500ms`, `10s`, `5m`, `24h`, `7d` or `1h30m`, in milliseconds.
    pub(super) fn duration_ms(&self) -> Result<i64, Problem> {
        const ALLOWED: &str = "a duration such as 500ms, 10s, 5m, 24h or 7d";
        let millis = duration_ms(self.text).ok_or_else(|| self.problem(ALLOWED))?;
        if millis > DURATION_MAX_MS {
            return Err(self.wrong(format!("{} is too long", self.shown()), "at most ten years (3660d)"));
        }
        Ok(millis)
    }

    /// A percentage: `30%`.
    pub(super) fn percent(&self) -> Result<u8, Problem> {
        let number = self.text.strip_suffix('%').and_then(|number| number.parse().ok());
        number.filter(|percent| *percent <= 100).ok_or_else(|| self.problem("0% to 100%"))
    }

    /// A text in quotes: its bytes, escapes resolved.
    pub(super) fn quoted(&self) -> Result<Vec<u8>, Problem> {
        const ALLOWED: &str = "text in quotes, in which \\r \\n \\t \\\" \\\\ and \\xHH are escapes";
        let inside = self.text.strip_prefix('"').ok_or_else(|| self.problem(ALLOWED))?;
        let mut bytes = Vec::new();
        let mut rest = inside;
        loop {
            let offset = self.offset + self.text.len() - rest.len();
            let wrong =
                |message: &str| Problem { offset, message: message.to_owned(), allowed: ALLOWED.to_owned() };
            let c = rest.chars().next().ok_or_else(|| wrong("this text has no closing quote"))?;
            rest = &rest[c.len_utf8()..];
            match c {
                '"' if rest.is_empty() => return Ok(bytes),
                '"' => return Err(wrong("something stands behind the closing quote")),
                '\\' => {
                    let (byte, left) = escape(rest).ok_or_else(|| wrong("this is no escape"))?;
                    bytes.push(byte);
                    rest = left;
                }
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }

    /// The same as text.
    pub(super) fn quoted_text(&self) -> Result<String, Problem> {
        String::from_utf8(self.quoted()?).map_err(|_| self.wrong("this is no text".to_owned(), "UTF-8"))
    }

    /// The word as an error shows it: not all of it, where it is long.
    pub(super) fn shown(&self) -> String {
        const SHOWN_MAX: usize = 40;
        match self.text.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{:?}…", &self.text[..end]),
            None => format!("{:?}", self.text),
        }
    }
}

/// The byte of an escape, and what is behind it.
fn escape(text: &str) -> Option<(u8, &str)> {
    let rest = text.get(1..)?;
    Some(match text.as_bytes().first()? {
        b'r' => (b'\r', rest),
        b'n' => (b'\n', rest),
        b't' => (b'\t', rest),
        b'"' => (b'"', rest),
        b'\\' => (b'\\', rest),
        b'$' => (b'$', rest),
        b'x' => {
            let digits =
                rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            (u8::from_str_radix(digits, 16).ok()?, &rest[2..])
        }
        _ => return None,
    })
}

/// The milliseconds of `1h30m`: numbers with their units, the larger ones first or not.
pub(super) fn duration_ms(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit_len = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = match &rest[digits..digits + unit_len] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + unit_len..];
    }
    (!text.is_empty()).then_some(total)
}

/// A duration as a scenario writes it: `90s` is `1m30s`.
pub fn shown_ms(millis: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut left = millis.max(0);
    let mut text = String::new();
    for (size, unit) in units {
        if left >= size {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_written() {
        let check = |text: &str, millis: Option<i64>| assert_eq!(duration_ms(text), millis, "{text}");
        check("500ms", Some(500));
        check("10s", Some(10_000));
        check("5m", Some(300_000));
        check("24h", Some(86_400_000));
        check("7d", Some(604_800_000));
        check("1h30m", Some(5_400_000));
        for text in
            ["", "5", "s", "5 m", "-5m", "5y", "1.5h", "99999999999999999999s", "9223372036854775807d"]
        {
            check(text, None);
        }
        for millis in [0, 1, 999, 1000, 90_000, 86_400_000, 90_061_001] {
            assert_eq!(duration_ms(&shown_ms(millis)), Some(millis));
        }
    }

    #[test]
    fn words_end_at_blanks_outside_quotes() {
        let mut cursor = Cursor::new("  a \"b c\\\" d\" e=\"f g\"", 10);
        let words: Vec<_> = std::iter::from_fn(|| cursor.next()).collect();
        let texts: Vec<_> = words.iter().map(|word| word.text).collect();
        assert_eq!(texts, ["a", "\"b c\\\" d\"", "e=\"f g\""]);
        assert_eq!(words[0].offset, 12);
        assert_eq!(words[1].quoted(), Ok(b"b c\" d".to_vec()));
    }

    #[test]
    fn escapes_give_any_byte() {
        let check = |text: &str, bytes: Option<&[u8]>| {
            let word = Word { text, offset: 0 };
            assert_eq!(word.quoted().ok().as_deref(), bytes, "{text}");
        };
        check(r#""\r\n\t\"\\\x1a\xFF""#, Some(b"\r\n\t\"\\\x1a\xff"));
        check(r#""é""#, Some("é".as_bytes()));
        for text in [r#"""#, r#""a"#, r#"a"#, r#""\q""#, r#""\x1""#, r#""\xg0""#, r#""a"b"#, r#""\é""#] {
            check(text, None);
        }
    }
}
