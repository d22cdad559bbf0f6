//! [`Pattern`]: what a line is to be, with wildcards and captures.

use std::collections::BTreeMap;

/// What was captured, by name.
pub type Variables = BTreeMap<String, Vec<u8>>;

/// Text in which `*` matches any run of characters, `{x}` captures one and `${x}` stands for what
/// was captured. `\*`, `\{`, `\$` and `\\` are the characters themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Gap(Option<String>),
    Variable(String),
}

/// A part with what was captured put in.
#[derive(Debug)]
enum Resolved<'p> {
    Text(Vec<u8>),
    Gap(Option<&'p str>),
}

/// Why text is no pattern, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PatternProblem {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl Pattern {
    /// Reads a pattern. `known` are the variables that were captured before.
    pub(super) fn parse(text: &str, known: &mut Vec<String>) -> Result<Self, PatternProblem> {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut captured = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let offset = text.len() - rest.len();
            let part = match first {
                '\\' if rest[1..].starts_with(['*', '{', '$', '\\']) => {
                    literal.push(rest.as_bytes()[1]);
                    rest = &rest[2..];
                    continue;
                }
                '*' => {
                    rest = &rest[1..];
                    Part::Gap(None)
                }
                '{' => {
                    let (name, left) = name_in_braces(rest, offset)?;
                    rest = left;
                    captured.push(name.to_owned());
                    Part::Gap(Some(name.to_owned()))
                }
                '$' if rest[1..].starts_with('{') => {
                    let (name, left) = name_in_braces(&rest[1..], offset + 1)?;
                    check_known(name, known, offset)?;
                    rest = left;
                    Part::Variable(name.to_owned())
                }
                other => {
                    literal.extend_from_slice(&rest.as_bytes()[..other.len_utf8()]);
                    rest = &rest[other.len_utf8()..];
                    continue;
                }
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(part);
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        known.append(&mut captured);
        Ok(Self(parts))
    }

    /// Any line that begins so.
    pub(super) fn beginning_with(text: &[u8]) -> Self {
        Self(vec![Part::Text(text.to_vec()), Part::Gap(None)])
    }

    /// Whether a line is as wanted; keeps what it captures.
    pub fn matches(&self, line: &[u8], variables: &mut Variables) -> bool {
        let Some(captures) = self.captures(line, variables) else { return false };
        let captures: Vec<_> =
            captures.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
        variables.extend(captures);
        true
    }

    /// What a line gives for each capture: each gap takes as little as it can.
    fn captures<'a>(&'a self, line: &'a [u8], variables: &'a Variables) -> Option<Vec<(&'a str, &'a [u8])>> {
        let mut captures = Vec::new();
        let mut open: Option<(Option<&str>, usize)> = None;
        let mut at = 0;
        let parts = self.resolved(variables)?;
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.iter().enumerate() {
            let text: &[u8] = match part {
                Resolved::Gap(name) => {
                    // Two gaps side by side: the first of them is empty.
                    if let Some((Some(name), start)) = open {
                        captures.push((name, &line[start..start]));
                    }
                    open = Some((*name, at));
                    continue;
                }
                Resolved::Text(text) => text,
            };
            let found = match open {
                None => line[at..].starts_with(text).then_some(at),
                Some((_, start)) if index == last => {
                    let from = line.len().checked_sub(text.len())?;
                    (from >= start && line[from..] == *text).then_some(from)
                }
                Some((_, start)) => find(&line[start..], text).map(|place| start + place),
            }?;
            if let Some((Some(name), start)) = open.take() {
                captures.push((name, &line[start..found]));
            }
            at = found + text.len();
        }
        match open {
            Some((name, start)) => captures.extend(name.map(|name| (name, &line[start..]))),
            None if at != line.len() => return None,
            None => {}
        }
        Some(captures)
    }

    /// The parts with what was captured put in, so that text between two gaps is one text; none
    /// where something was not captured.
    fn resolved<'a>(&'a self, variables: &Variables) -> Option<Vec<Resolved<'a>>> {
        let mut parts = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            let text = match part {
                Part::Gap(name) => {
                    parts.push(Resolved::Gap(name.as_deref()));
                    continue;
                }
                Part::Text(text) => text,
                Part::Variable(name) => variables.get(name)?,
            };
            match parts.last_mut() {
                Some(Resolved::Text(before)) => before.extend_from_slice(text),
                _ => parts.push(Resolved::Text(text.clone())),
            }
        }
        Some(parts)
    }

    /// The pattern as it is compared, with what was captured put in; what was not stays as written.
    pub fn shown(&self, variables: &Variables) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                Part::Gap(None) => text.push('*'),
                Part::Gap(Some(name)) => text.push_str(&format!("{{{name}}}")),
                Part::Variable(name) => match variables.get(name) {
                    Some(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                    None => text.push_str(&format!("${{{name}}}")),
                },
            }
        }
        text
    }

    /// A line that is as wanted: each gap is filled with what was captured by its name before, or with
    /// this text. Whether it had gaps; what fills a capture is kept.
    pub fn filled(&self, text: &[u8], variables: &mut Variables) -> (Vec<u8>, bool) {
        let mut line = Vec::new();
        let mut has_gaps = false;
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(bytes) => line.extend_from_slice(bytes),
                Part::Variable(name) => line.extend(variables.get(name).into_iter().flatten()),
                Part::Gap(name) => {
                    has_gaps = true;
                    // Two gaps side by side: the first of them is empty.
                    let is_empty = matches!(self.0.get(index + 1), Some(Part::Gap(_)));
                    let text = if is_empty { &[] } else { text };
                    match name {
                        Some(name) => line.extend_from_slice(
                            variables.entry(name.clone()).or_insert_with(|| text.to_vec()),
                        ),
                        None => line.extend_from_slice(text),
                    }
                }
            }
        }
        (line, has_gaps)
    }

    /// How many bytes at the front of a line are as wanted; none where a gap makes that no answer.
    pub fn agrees_for(&self, line: &[u8], variables: &Variables) -> Option<usize> {
        if self.0.iter().any(|part| matches!(part, Part::Gap(_))) {
            return None;
        }
        let mut wanted = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(bytes) => wanted.extend_from_slice(bytes),
                Part::Variable(name) => wanted.extend(variables.get(name).into_iter().flatten()),
                Part::Gap(_) => break,
            }
        }
        Some(wanted.iter().zip(line).take_while(|(a, b)| a == b).count())
    }

    /// The text before the first gap or variable.
    pub(super) fn literal_front(&self) -> &[u8] {
        match self.0.first() {
            Some(Part::Text(text)) => text,
            _ => &[],
        }
    }
}

fn find(line: &[u8], text: &[u8]) -> Option<usize> {
    if text.is_empty() { Some(0) } else { line.windows(text.len()).position(|window| window == text) }
}

/// `{x}` at the front of `text`: the name, and what is behind it.
pub(super) fn name_in_braces(text: &str, offset: usize) -> Result<(&str, &str), PatternProblem> {
    let inside = text.strip_prefix('{').unwrap_or(text);
    let wrong = |message: &str| PatternProblem { offset, message: message.to_owned() };
    let (name, rest) =
        inside.split_once('}').ok_or_else(|| wrong("this { has no }; a brace itself is \\{"))?;
    let fine = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fine {
        Ok((name, rest))
    } else {
        Err(wrong("a variable's name is letters, digits and _; a brace itself is \\{"))
    }
}

pub(super) fn check_known(name: &str, known: &[String], offset: usize) -> Result<(), PatternProblem> {
    if known.iter().any(|variable| variable == name) {
        return Ok(());
    }
    let message = match known {
        [] => format!("nothing was captured as {name} before"),
        _ => format!("nothing was captured as {name} before, only {}", known.join(", ")),
    };
    Err(PatternProblem { offset, message })
}

/// A line as a pattern that matches it and nothing else.
pub fn escape(line: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(line).chars() {
        match c {
            '*' | '{' | '$' | '\\' => text.extend(['\\', c]),
            // What cannot stand in a line of text is not compared.
            char::REPLACEMENT_CHARACTER => text.push('*'),
            c if c.is_control() => text.push('*'),
            c => text.push(c),
        }
    }
    // Behind ` within ` would stand a time.
    text.replace(" within ", " within*")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, line: &str, expected: Option<&[(&str, &str)]>) {
        let mut known = vec!["x".to_owned()];
        let pattern = Pattern::parse(pattern, &mut known).expect("a pattern");
        let mut variables = Variables::from([("x".to_owned(), b"42".to_vec())]);
        let matched = pattern.matches(line.as_bytes(), &mut variables);
        assert_eq!(matched, expected.is_some(), "{pattern:?} {line}");
        for (name, value) in expected.unwrap_or_default() {
            assert_eq!(variables.get(*name).map(Vec::as_slice), Some(value.as_bytes()), "{name}");
        }
    }

    #[test]
    fn wildcards_match_and_captures_keep() {
        check("OK", "OK", Some(&[]));
        check("OK", "OKAY", None);
        check("*", "", Some(&[]));
        check("+CSQ: *", "+CSQ: 20,99", Some(&[]));
        check("+CSQ: *,99", "+CSQ: 20,99", Some(&[]));
        check("+CSQ: *,98", "+CSQ: 20,99", None);
        check("+CSQ: {rssi},{ber}", "+CSQ: 20,99", Some(&[("rssi", "20"), ("ber", "99")]));
        check("*b*b", "abab", Some(&[]));
        check("*ab", "ab", Some(&[]));
        check("ab*ba", "aba", None);
        check("{a}{b}", "xy", Some(&[("a", ""), ("b", "xy")]));
        check("n=${x}", "n=42", Some(&[]));
        check("n=${x}", "n=43", None);
        check("*${x}b", "4242b", Some(&[]));
        check("*a${x}", "a1a42", Some(&[]));
        check("{a}-${x}*", "1-2-42.", Some(&[("a", "1-2")]));
        check(r"a\*b", "a*b", Some(&[]));
        check(r"a\*b", "axb", None);
        check(r"\{x}", "{x}", Some(&[]));
        check(r"\${x}", "${x}", Some(&[]));
        check(r"a\b", r"a\b", Some(&[]));
        check(r"a\\*", r"a\b", Some(&[]));
        check("5 $", "5 $", Some(&[]));
    }

    #[test]
    fn what_fills_a_pattern_is_as_wanted() {
        let check = |pattern: &str, line: &str| {
            let pattern = Pattern::parse(pattern, &mut vec!["x".to_owned()]).expect("a pattern");
            let mut variables = Variables::from([("x".to_owned(), b"42".to_vec())]);
            let (filled, _) = pattern.filled(b"7", &mut variables);
            assert_eq!(String::from_utf8_lossy(&filled), line);
            assert!(pattern.matches(&filled, &mut Variables::from([("x".to_owned(), b"42".to_vec())])));
        };
        check("+CSQ: *,{ber}", "+CSQ: 7,7");
        check("{a}*", "7");
        check("n=${x}", "n=42");
        check(r"a\*b", "a*b");
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        let check = |text: &str, offset: usize| {
            let problem = Pattern::parse(text, &mut Vec::new()).expect_err(text);
            assert_eq!(problem.offset, offset, "{text}: {}", problem.message);
        };
        check("a{x", 1);
        check("{}", 0);
        check("{a b}", 0);
        check("a${y}", 1);
    }

    proptest! {
        #[test]
        fn an_escaped_line_matches_itself(line in prop::collection::vec(any::<u8>(), 0..40)) {
            let line: Vec<u8> = line.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            let pattern = Pattern::parse(&escape(&line), &mut Vec::new()).expect("a pattern");
            prop_assert!(pattern.matches(&line, &mut Variables::new()));
        }
    }
}
