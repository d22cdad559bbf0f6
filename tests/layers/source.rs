//! The paths and macros that a Rust source file names, each with its line: enough of the language
//! to read `use` trees and expressions, and to leave out comments, strings and test code.

/// One path (`std::fs::read`, a whole branch of a `use` tree) or macro (`println!`) and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

/// Everything the file names outside comments, strings and `#[cfg(test)]` items, in order.
pub(crate) fn mentions(source: &str) -> Vec<Mention> {
    let tokens = without_test_items(tokenize(source));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = &tokens[at].text;
        // `use<'a>` in a return type is no import.
        if text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<") {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if is_name(text) {
            at = expression_path(&tokens, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one branch of a `use` tree; gives the index behind it.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Mention>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "self" => at += 1,
            "as" => at += 2,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &segments, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            text if is_name(text) || text == "*" => {
                segments.push(text.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    found.push(Mention { line, segments });
    // A token that no tree can hold is stepped over, so that broken code can't stop the reader.
    if at < tokens.len() && !matches!(tokens[at].text.as_str(), ";" | "," | "}") { at + 1 } else { at }
}

/// Reads `a::b::c` or `a!`; gives the index behind it.
fn expression_path(tokens: &[Token], mut at: usize, found: &mut Vec<Mention>) -> usize {
    let line = tokens[at].line;
    let mut segments = vec![tokens[at].text.clone()];
    at += 1;
    while at + 1 < tokens.len() && tokens[at].text == "::" && is_name(&tokens[at + 1].text) {
        segments.push(tokens[at + 1].text.clone());
        at += 2;
    }
    if tokens.get(at).is_some_and(|token| token.text == "!")
        && tokens.get(at + 1).is_some_and(|token| matches!(token.text.as_str(), "(" | "[" | "{"))
        && let Some(name) = segments.last_mut()
    {
        name.push('!');
    }
    found.push(Mention { line, segments });
    at
}

/// Drops every item under `#[cfg(test)]`: tests may use what they like.
fn without_test_items(tokens: Vec<Token>) -> Vec<Token> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        kept.push(token);
        let tail = kept.len().saturating_sub(ATTRIBUTE.len());
        if kept[tail..].iter().map(|token| token.text.as_str()).eq(ATTRIBUTE) {
            kept.truncate(tail);
            skip_item(&mut rest);
        }
    }
    kept
}

/// Skips up to the `;` or the closing brace that ends an item, with the attributes before it.
fn skip_item(rest: &mut impl Iterator<Item = Token>) {
    let mut depth = 0_usize;
    for token in rest {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            "}" if depth == 1 => return,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            ";" if depth == 0 => return,
            _ => {}
        }
    }
}

/// Names, `::` and single signs, without comments, strings, characters and lifetimes.
fn tokenize(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let is_token = is_name_part(first) || !first.is_whitespace();
        let length = match skipped_len(rest) {
            Some(length) => length,
            None => {
                let length = token_len(rest, first);
                if is_token {
                    tokens.push(Token { line, text: rest[..length].trim_start_matches("r#").to_owned() });
                }
                length
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn token_len(rest: &str, first: char) -> usize {
    if rest.starts_with("::") {
        2
    } else if is_name_part(first) {
        let start = if rest.starts_with("r#") { 2 } else { 0 };
        start + rest[start..].find(|c| !is_name_part(c)).unwrap_or(rest.len() - start)
    } else {
        first.len_utf8()
    }
}

/// The length of a comment, string, character or lifetime at the start of `rest`.
fn skipped_len(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_len(rest));
    }
    let unprefixed = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - unprefixed.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &raw[hashes + 1..];
            let length = body.find(&end).map_or(body.len(), |at| at + end.len());
            return Some(prefix + 1 + hashes + 1 + length);
        }
    }
    match unprefixed.chars().next() {
        Some('"') => Some(prefix + quoted_len(unprefixed, '"')),
        Some('\'') => Some(prefix + character_or_lifetime_len(unprefixed)),
        _ => None,
    }
}

fn block_comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let two = rest.get(at..at + 2).unwrap_or_default();
        match two {
            "/*" => depth += 1,
            "*/" => depth -= 1,
            _ => {
                at += rest[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal that opens with `quote` and closes at the next one not escaped.
fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

fn character_or_lifetime_len(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted_len(rest, '\''),
        _ => 1 + rest[1..].find(|c| !is_name_part(c)).unwrap_or(rest.len() - 1),
    }
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
