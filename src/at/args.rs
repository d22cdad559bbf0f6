//! The parameters of a set command, read in order by the command.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_till, take_while};
use nom::character::complete::char;
use nom::combinator::{eof, map, peek, recognize, rest};
use nom::multi::{many0_count, separated_list1};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::CmeError;

/// The parameters that follow `=`, in order. A command takes them one by one and then calls
/// [`Args::finish`]; each reading that does not fit is [`CmeError::INCORRECT_PARAMETERS`].
///
/// A parameter is *omitted* where there is nothing between two commas, or no comma any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(VecDeque<Value>);

/// One parameter as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing between two commas.
    Omitted,
    /// Outside quotes, without the blanks around it: a number, mostly.
    Bare(Vec<u8>),
    /// A string constant, without its quotes. It has no escapes: u-blox knows none.
    Quoted(Vec<u8>),
    /// A string without an end, or with something behind it.
    Malformed,
}

const WRONG: CmeError = CmeError::INCORRECT_PARAMETERS;

impl Args {
    /// Parameters from the text after `=`, up to the end of the line or a `;` outside quotes.
    pub fn parse(text: &[u8]) -> Self {
        // The parser takes any bytes; an empty list is what an impossible failure would mean.
        parameters(text).map_or_else(|_| Self::default(), |(_, args)| args)
    }

    /// How many parameters are left, omitted ones between commas included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no parameter is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A decimal number within `range`.
    ///
    /// # Errors
    /// Omitted, quoted, not a number, out of range.
    pub fn number<T: TryFrom<i64> + PartialOrd>(&mut self, range: RangeInclusive<T>) -> Result<T, CmeError> {
        self.optional_number(range)?.ok_or(WRONG)
    }

    /// A decimal number within `range`, or `None` where it is omitted.
    ///
    /// # Errors
    /// Quoted, not a number, out of range.
    pub fn optional_number<T: TryFrom<i64> + PartialOrd>(
        &mut self,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, CmeError> {
        let digits = match self.0.pop_front() {
            None | Some(Value::Omitted) => return Ok(None),
            Some(Value::Bare(digits)) => digits,
            Some(Value::Quoted(_) | Value::Malformed) => return Err(WRONG),
        };
        let number = decimal(&digits).and_then(|number| T::try_from(number).ok());
        number.filter(|number| range.contains(number)).map(Some).ok_or(WRONG)
    }

    /// A quoted string of at most `max_bytes` bytes.
    ///
    /// # Errors
    /// Omitted, not quoted, too long, not UTF-8.
    pub fn string(&mut self, max_bytes: usize) -> Result<String, CmeError> {
        self.optional_string(max_bytes)?.ok_or(WRONG)
    }

    /// A quoted string of at most `max_bytes` bytes, or `None` where it is omitted; `""` is an
    /// empty string.
    ///
    /// # Errors
    /// Not quoted, too long, not UTF-8.
    pub fn optional_string(&mut self, max_bytes: usize) -> Result<Option<String>, CmeError> {
        self.optional_bytes(max_bytes)?.map(|bytes| String::from_utf8(bytes).map_err(|_| WRONG)).transpose()
    }

    /// The bytes of a quoted string, whatever their encoding, at most `max_bytes`; `None` where it
    /// is omitted.
    ///
    /// # Errors
    /// Not quoted, too long.
    pub fn optional_bytes(&mut self, max_bytes: usize) -> Result<Option<Vec<u8>>, CmeError> {
        match self.0.pop_front() {
            None | Some(Value::Omitted) => Ok(None),
            Some(Value::Quoted(bytes)) if bytes.len() <= max_bytes => Ok(Some(bytes)),
            Some(_) => Err(WRONG),
        }
    }

    /// A string of at most `max_bytes` bytes that may stand without quotes, as `AT+CPIN=1234` and
    /// a dial string do.
    ///
    /// # Errors
    /// Omitted, too long, not UTF-8.
    pub fn text(&mut self, max_bytes: usize) -> Result<String, CmeError> {
        match self.0.pop_front() {
            Some(Value::Bare(bytes) | Value::Quoted(bytes)) if bytes.len() <= max_bytes => {
                String::from_utf8(bytes).map_err(|_| WRONG)
            }
            _ => Err(WRONG),
        }
    }

    /// The next parameter as it was written, `None` after the last.
    pub fn take(&mut self) -> Option<Value> {
        self.0.pop_front()
    }

    /// That is all: nothing may be left.
    ///
    /// # Errors
    /// A parameter is left, even an omitted one.
    pub fn finish(self) -> Result<(), CmeError> {
        if self.0.is_empty() { Ok(()) } else { Err(WRONG) }
    }
}

impl FromIterator<Value> for Args {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Digits with an optional minus sign; `None` for anything else and beyond 64 bits.
fn decimal(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Blanks and the control characters V.250 (5.2.2) lets a DCE ignore.
pub(super) fn blanks(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|byte: u8| byte <= b' ').parse(input)
}

/// Parameters up to the end of the line or to a `;` outside quotes, which stays.
pub(super) fn parameters(input: &[u8]) -> IResult<&[u8], Args> {
    map(separated_list1(char(','), value), |values| values.into_iter().collect()).parse(input)
}

fn value(input: &[u8]) -> IResult<&[u8], Value> {
    let string = map(quoted, |bytes: &[u8]| Value::Quoted(bytes.to_vec()));
    let bare = map(take_till(|byte| matches!(byte, b',' | b';' | b'"')), bare_value);
    let malformed =
        map(many0_count(alt((recognize(quoted), is_not(",;\""), quote_to_end))), |_| Value::Malformed);
    preceded(blanks, alt((terminated(string, boundary), terminated(bare, boundary), malformed))).parse(input)
}

fn bare_value(bytes: &[u8]) -> Value {
    let length = bytes.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    if length == 0 { Value::Omitted } else { Value::Bare(bytes[..length].to_vec()) }
}

fn quoted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    delimited(char('"'), take_till(|byte| byte == b'"'), char('"')).parse(input)
}

/// A string without an end takes the rest of the line, semicolons and all.
fn quote_to_end(input: &[u8]) -> IResult<&[u8], &[u8]> {
    recognize(preceded(char('"'), rest)).parse(input)
}

fn boundary(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(blanks, peek(alt((eof, tag(","), tag(";"))))).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(text: &str) -> Value {
        Value::Bare(text.into())
    }

    fn quoted(text: &str) -> Value {
        Value::Quoted(text.into())
    }

    #[test]
    fn parameters_are_split_at_commas_outside_quotes() {
        let check = |text: &str, values: &[Value]| {
            assert_eq!(Args::parse(text.as_bytes()), values.iter().cloned().collect(), "{text}");
        };
        check("", &[Value::Omitted]);
        check("1", &[bare("1")]);
        check(" 1 , 2 ", &[bare("1"), bare("2")]);
        check("0,\"a,b;c\",", &[bare("0"), quoted("a,b;c"), Value::Omitted]);
        check(",,", &[Value::Omitted, Value::Omitted, Value::Omitted]);
        check("\"\"", &[quoted("")]);
        check("\"a\\b\" ;+X", &[quoted("a\\b")]);
        check("1;2", &[bare("1")]);
        check("\"a", &[Value::Malformed]);
        check("\"a,b;c", &[Value::Malformed]);
        check("\"a\"b,1", &[Value::Malformed, bare("1")]);
        check("a\"b\",1", &[Value::Malformed, bare("1")]);
        check("(1-2)", &[bare("(1-2)")]);
        check("\u{e9}", &[bare("\u{e9}")]);
        check("\"a\"\u{e9}", &[Value::Malformed]);
    }

    #[test]
    fn numbers_are_decimal_and_within_their_range() {
        let check = |text: &str, expected: Result<Option<i8>, CmeError>| {
            assert_eq!(Args::parse(text.as_bytes()).optional_number(-5..=100), expected, "{text}");
        };
        check("0", Ok(Some(0)));
        check("100", Ok(Some(100)));
        check("007", Ok(Some(7)));
        check("-5", Ok(Some(-5)));
        check("", Ok(None));
        for wrong in
            ["101", "-6", "+1", "1.5", "0x1", "1 2", "\"1\"", "-", "--1", "9999999999999999999", "a", "²"]
        {
            check(wrong, Err(WRONG));
        }
    }

    #[test]
    fn strings_are_quoted_and_short_enough() {
        let check = |text: &str, expected: Result<Option<&str>, CmeError>| {
            let value = Args::parse(text.as_bytes()).optional_string(4);
            assert_eq!(value.as_ref().map(Option::as_deref).map_err(|error| *error), expected, "{text}");
        };
        check("\"abcd\"", Ok(Some("abcd")));
        check("\"\"", Ok(Some("")));
        check("", Ok(None));
        check("\"abcde\"", Err(WRONG));
        check("abcd", Err(WRONG));
        check("\"abcd", Err(WRONG));
    }

    #[test]
    fn a_required_parameter_may_not_be_omitted() {
        let mut args = Args::parse(b",");
        assert_eq!(args.number(0..=9), Err(WRONG));
        assert_eq!(args.string(9), Err(WRONG));
        assert_eq!(args.text(9), Err(WRONG));
    }

    #[test]
    fn nothing_may_be_left_over() {
        let mut args = Args::parse(b"1,2");
        assert_eq!(args.number(0..=9), Ok(1));
        assert_eq!(args.clone().finish(), Err(WRONG));
        assert_eq!(args.number(0..=9), Ok(2));
        assert_eq!(args.finish(), Ok(()));
    }
}
