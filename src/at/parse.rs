//! The grammar of a command line's body: what stands between `AT` and S3 (V.250, 5.2 to 5.4).

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{char, digit1, one_of, satisfy};
use nom::combinator::{eof, map, not, opt, peek, recognize, rest, value};
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

use super::args::{blanks, parameters};
use super::{Args, Value};

/// One command to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The command in upper case: `E`, `&W`, `+CREG`, `S`. What is no command by the grammar comes
    /// as a name too, so that the owner refuses it as it refuses every unknown command.
    pub name: String,
    /// What it asks.
    pub form: Form,
}

/// The forms of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `ATE`, `AT+CGMI`
    Action,
    /// `ATE1` (its number), `AT+CREG=2`, `ATD*99#` (the dial string, with its `;` if it has one),
    /// `ATS3=13` (register and value) and `ATS3?` (the register alone).
    Set(Args),
    /// `AT+CREG?`, `AT&C?`
    Read,
    /// `AT+CREG=?`
    Test,
}

/// The first command of `body` and what stands behind it; `None` where there is no command left.
pub(super) fn next_command(body: &[u8]) -> Option<(Request, &[u8])> {
    // Separators never fail; the whole body is what an impossible failure would leave.
    let body = separators(body).map_or(body, |(body, _)| body);
    if body.is_empty() {
        return None;
    }
    let commands = alt((extended, register, dial, basic));
    let unknown = map(rest, |text| Request { name: upper(text), form: Form::Action });
    alt((commands, unknown)).parse(body).ok().map(|(left, request)| (request, left))
}

/// Blanks, and semicolons: an empty command between two of them is none.
fn separators(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|byte: u8| byte <= b' ' || byte == b';').parse(input)
}

/// `+NAME`, and the names other vendors begin with another sign, which a host may probe.
fn extended(input: &[u8]) -> IResult<&[u8], Request> {
    let name = recognize(pair(one_of("+*#$%^"), take_while(is_name)));
    let end = preceded(blanks, alt((eof, peek(tag(";")))));
    map(terminated(pair(name, extended_form), end), |(name, form)| Request { name: upper(name), form })
        .parse(input)
}

fn extended_form(input: &[u8]) -> IResult<&[u8], Form> {
    let set = map(preceded((blanks, char('=')), parameters), Form::Set);
    // A `=?` with something behind it is a set command with a strange parameter.
    let test = terminated(test_form, peek((blanks, alt((eof, tag(";"))))));
    alt((test, read_form, set, value(Form::Action, tag("")))).parse(input)
}

fn test_form(input: &[u8]) -> IResult<&[u8], Form> {
    value(Form::Test, (blanks, char('='), blanks, char('?'))).parse(input)
}

fn read_form(input: &[u8]) -> IResult<&[u8], Form> {
    value(Form::Read, (blanks, char('?'))).parse(input)
}

/// `S3=13`, `S3=`, `S3?`.
fn register(input: &[u8]) -> IResult<&[u8], Request> {
    let number = delimited(blanks, bare_digits, blanks);
    let new_value = preceded((char('='), blanks), alt((bare_digits, value(Value::Omitted, not(char('?'))))));
    let action = alt((value(None, char('?')), map(new_value, Some)));
    let args =
        map((number, action), |(number, new_value)| std::iter::once(number).chain(new_value).collect());
    map(preceded(one_of("Ss"), args), |args| Request { name: "S".into(), form: Form::Set(args) }).parse(input)
}

/// `D` takes the rest of the line, or up to and with the `;` that makes it a voice call.
fn dial(input: &[u8]) -> IResult<&[u8], Request> {
    let string = delimited(char('"'), take_while(|byte| byte != b'"'), char('"'));
    let characters = many0_count(alt((recognize(string), recognize(satisfy(|c| c != ';')))));
    let dialled = recognize(pair(characters, opt(char(';'))));
    let args = map(dialled, |text: &[u8]| Args::from_iter([Value::Bare(text.to_vec())]));
    map(preceded(one_of("Dd"), args), |args| Request { name: "D".into(), form: Form::Set(args) }).parse(input)
}

/// A letter, maybe behind `&` or `\`, with a number, or with a form as extended commands have it.
fn basic(input: &[u8]) -> IResult<&[u8], Request> {
    let name = recognize(pair(opt(one_of("&\\")), satisfy(|c| c.is_ascii_alphabetic())));
    let number = preceded(blanks, bare_digits);
    let assigned = preceded((blanks, char('='), blanks), bare_digits);
    let set = map(alt((number, assigned)), |number| Form::Set(Args::from_iter([number])));
    let form = alt((set, test_form, read_form, value(Form::Action, tag(""))));
    map(pair(name, form), |(name, form)| Request { name: upper(name), form }).parse(input)
}

fn bare_digits(input: &[u8]) -> IResult<&[u8], Value> {
    map(digit1, |digits: &[u8]| Value::Bare(digits.to_vec())).parse(input)
}

/// The characters of an extended command's name (V.250, 5.4.1).
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!%-./:_".contains(&byte)
}

fn upper(name: &[u8]) -> String {
    let mut name = String::from_utf8_lossy(name).into_owned();
    name.make_ascii_uppercase();
    name
}
