//! Statements that speak and listen on a port: `NAME> text`, `NAME< text` and their kin.

use super::PORTS_MAX;
use super::cursor::{Cursor, Word};
use super::error::Problem;
use super::parse::Parser;
use super::pattern::{Pattern, check_known, name_in_braces};
use super::statement::{DataPattern, DataWish, PortRef, Template, TemplatePart, What};

/// How long a listening statement waits where nothing else is said, in milliseconds: twice the
/// five minutes that a security heartbeat may block.
pub(in crate::scenario) const PATIENCE_MS: i64 = 10 * 60_000;

/// What stands between the name of a port and the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Send,
    SendRaw,
    Expect,
    SkipTo,
    Prompt,
    Data,
    Silence,
}

/// The longest first: `<` alone is an expectation of whatever follows.
const SIGNS: [(&str, Sign); 7] = [
    (">>", Sign::SendRaw),
    (">", Sign::Send),
    ("<<", Sign::SkipTo),
    ("<prompt", Sign::Prompt),
    ("<data", Sign::Data),
    ("<none", Sign::Silence),
    ("<", Sign::Expect),
];

impl Parser<'_> {
    /// The statement of a line, where it is one of these.
    pub(super) fn dialogue(&mut self, line: &str, base: usize) -> Option<Result<What, Problem>> {
        let (head, sign, behind) = split(line)?;
        let word = Word { text: head.trim(), offset: base + head.len() - head.trim_start().len() };
        let rest = &line[behind..];
        let mut cursor = Cursor::new(rest, base + behind);
        Some(self.port(word).and_then(|port| self.dialogue_of(port, sign, &mut cursor)))
    }

    fn dialogue_of(&mut self, port: PortRef, sign: Sign, cursor: &mut Cursor<'_>) -> Result<What, Problem> {
        match sign {
            Sign::Send => {
                let text = cursor.rest();
                Ok(What::Send(port, self.template(text)?))
            }
            Sign::SendRaw => Ok(What::SendRaw(port, self.raw_template(cursor.rest())?)),
            Sign::Expect => {
                let text = cursor.rest();
                if matches!(within(text), Ok((before, _)) if before.text.len() < text.text.len()) {
                    let message = "an expectation of the next line has no time of its own".to_owned();
                    return Err(text.wrong(message, "`<< text within 5s`, which skips lines until it comes"));
                }
                Ok(What::Expect(port, self.expected(text)?))
            }
            Sign::SkipTo => {
                let (text, within_ms) = within(cursor.rest())?;
                Ok(What::SkipTo(port, self.expected(text)?, within_ms))
            }
            Sign::Prompt => {
                let word = cursor.rest();
                let bytes = word.quoted()?;
                if bytes.is_empty() {
                    return Err(word.wrong("an empty prompt".to_owned(), "at least one byte, such as \"@\""));
                }
                Ok(What::Prompt(port, bytes))
            }
            Sign::Data => Ok(What::Data(port, self.data_pattern(cursor.rest())?)),
            Sign::Silence => {
                cursor.keyword("for")?;
                let millis = cursor.word("how long, such as 10s")?.duration_ms()?;
                cursor.clone().finish()?;
                Ok(What::Silence(port, millis))
            }
        }
    }

    /// `NAME`, `NAME.2` for its second port, or nothing where there is one modem only.
    pub(super) fn port(&self, word: Word<'_>) -> Result<PortRef, Problem> {
        let (name, number) = word.text.split_once('.').unwrap_or((word.text, "1"));
        let modem = match name {
            "" => self.only_modem(word)?,
            _ => self.modem_called(Word { text: name, ..word })?,
        };
        let ports = self.ports_of(modem);
        let allowed = || match ports {
            1 => "one port; more with `modem … ports=2`".to_owned(),
            _ => format!("ports 1 to {ports}"),
        };
        let number: usize = number.parse().map_err(|_| word.problem(&allowed()))?;
        if !(1..=ports.min(PORTS_MAX)).contains(&number) {
            return Err(word.wrong(format!("{} has no port {number}", self.name(modem)), &allowed()));
        }
        Ok(PortRef { modem, port: number - 1 })
    }

    /// What a line is to be.
    pub(super) fn expected(&mut self, text: Word<'_>) -> Result<Pattern, Problem> {
        if text.text.is_empty() {
            return Err(text.wrong(
                "empty lines are never there to be expected".to_owned(),
                "text, * for any line, or `<none for 10s`",
            ));
        }
        Pattern::parse(text.text, &mut self.captured).map_err(|problem| Problem {
            offset: text.offset + problem.offset,
            message: problem.message,
            allowed: "* matches anything, {x} captures, ${x} is what was captured".to_owned(),
        })
    }

    /// `+X: {x}` or `+X: "bytes"`.
    fn data_pattern(&mut self, text: Word<'_>) -> Result<DataPattern, Problem> {
        const ALLOWED: &str = "information text up to its colon, then {x} or bytes in quotes: +X: {message}";
        let (head, behind) = text.text.split_once(": ").ok_or_else(|| text.problem(ALLOWED))?;
        let offset = text.text.len() - behind.trim_start().len();
        let wish = text.behind(offset);
        let bytes = if wish.text.starts_with('{') {
            let (name, left) =
                name_in_braces(wish.text, 0).map_err(|problem| wish.wrong(problem.message, ALLOWED))?;
            if !left.is_empty() {
                return Err(wish.problem(ALLOWED));
            }
            self.captured.push(name.to_owned());
            DataWish::Capture(name.to_owned())
        } else {
            DataWish::Is(self.raw_template(wish)?)
        };
        Ok(DataPattern { head: format!("{head}:").into_bytes(), bytes })
    }

    /// Quoted bytes to send, in which `${x}` stands for what was captured; an escape is a byte and
    /// nothing else.
    pub(super) fn raw_template(&self, word: Word<'_>) -> Result<Template, Problem> {
        // Tells what is wrong with the whole of it.
        word.quoted()?;
        let inside = &word.text[1..word.text.len() - 1];
        let mut parts = Vec::new();
        let (mut from, mut at) = (0, 0);
        while let Some(place) = inside[at..].find(['\\', '$']) {
            let place = at + place;
            if inside[place..].starts_with("${") {
                let (name, left) = self.variable(&inside[place..], word)?;
                parts.push(TemplatePart::Bytes(unescaped(&inside[from..place], word)?));
                parts.push(TemplatePart::Variable(name.to_owned()));
                from = inside.len() - left.len();
                at = from;
            } else if inside[place..].starts_with('\\') {
                // What is escaped is ASCII.
                at = place + 2;
            } else {
                at = place + 1;
            }
        }
        parts.push(TemplatePart::Bytes(unescaped(&inside[from..], word)?));
        Ok(Template(parts))
    }

    /// The name in `${x}` at the front of a text, and what is behind it.
    fn variable<'t>(&self, text: &'t str, word: Word<'_>) -> Result<(&'t str, &'t str), Problem> {
        let problem =
            |problem: super::pattern::PatternProblem| word.wrong(problem.message, "${x}, captured before");
        let (name, left) = name_in_braces(&text[1..], 0).map_err(problem)?;
        check_known(name, &self.captured, 0).map_err(problem)?;
        Ok((name, left))
    }

    /// Text to send, in which `${x}` stands for what was captured; `\${` is itself.
    fn template(&self, word: Word<'_>) -> Result<Template, Problem> {
        let text = word.text;
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(place) = rest.find('$') {
            let (before, from) = rest.split_at(place);
            if let Some(before) = before.strip_suffix('\\')
                && from.starts_with("${")
            {
                literal.push_str(before);
                literal.push('$');
                rest = &from[1..];
            } else if from.starts_with("${") {
                literal.push_str(before);
                let (name, left) = self.variable(from, word)?;
                parts.push(TemplatePart::Bytes(std::mem::take(&mut literal).into_bytes()));
                parts.push(TemplatePart::Variable(name.to_owned()));
                rest = left;
            } else {
                literal.push_str(before);
                literal.push('$');
                rest = &from[1..];
            }
        }
        literal.push_str(rest);
        parts.push(TemplatePart::Bytes(literal.into_bytes()));
        Ok(Template(parts))
    }
}

/// A part of a quoted text with its escapes resolved.
fn unescaped(part: &str, word: Word<'_>) -> Result<Vec<u8>, Problem> {
    Word { text: &format!("\"{part}\""), ..word }.quoted()
}

/// The name of the port, the sign, and where the text begins; none where the line is no dialogue.
fn split(line: &str) -> Option<(&str, Sign, usize)> {
    let at = line.find(['<', '>'])?;
    let head = &line[..at];
    if head.trim().contains(char::is_whitespace) {
        return None;
    }
    // A word of the language ends at a blank: `<nonesuch` is an expectation.
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(char::is_whitespace);
    let (text, sign) = SIGNS.into_iter().find(|(text, sign)| {
        let rest = line[at..].strip_prefix(text);
        rest.is_some_and(|rest| !matches!(sign, Sign::Prompt | Sign::Data | Sign::Silence) || ends(rest))
    })?;
    Some((head, sign, at + text.len()))
}

/// `text within 5m`: the text, and how long at most.
pub(super) fn within(word: Word<'_>) -> Result<(Word<'_>, i64), Problem> {
    match word.text.rsplit_once(" within ") {
        Some((text, limit)) => {
            let limit = word.behind(word.text.len() - limit.len());
            Ok((Word { text: text.trim_end(), offset: word.offset }, limit.duration_ms()?))
        }
        None => Ok((word, PATIENCE_MS)),
    }
}
