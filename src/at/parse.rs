//! The grammar of a command line's body: what stands between `AT` and S3 (V.250, 5.2 to 5.4).
//!
//! A body may hold any byte, and nom's parsers of a `char` take a byte beyond ASCII for two. So they
//! stand only where nothing but ASCII can match.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while};
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
    let characters = many0_count(alt((recognize(string), is_not(";\""), tag("\""))));
    let dialled = recognize(pair(characters, opt(char(';'))));
    let args = map(dialled, |text: &[u8]| Args::from_iter([Value::Bare(text.to_vec())]));
    map(preceded(one_of("Dd"), args), |args| Request { name: "D".into(), form: Form::Set(args) }).parse(input)
}

/// A letter, maybe behind `&` or `\`, with a number, or with a form as extended commands have it.
fn basic(input: &[u8]) -> IResult<&[u8], Request> {
    let letter = || satisfy(|c| c.is_ascii_alphabetic());
    // An `S` by itself is no command: what is not a register is wrong.
    let name = recognize(alt((preceded(one_of("&\\"), letter()), preceded(not(one_of("Ss")), letter()))));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands of a body, as `name form` with the parameters behind a set form.
    fn commands(body: &str) -> Vec<String> {
        let mut left = body.as_bytes();
        std::iter::from_fn(|| {
            let (request, behind) = next_command(left)?;
            left = behind;
            Some(match request.form {
                Form::Action => request.name,
                Form::Read => request.name + " ?",
                Form::Test => request.name + " =?",
                Form::Set(args) => request.name + " =" + &shown(args),
            })
        })
        .collect()
    }

    fn shown(mut args: Args) -> String {
        let values = std::iter::from_fn(|| args.take()).map(|value| match value {
            Value::Omitted => String::new(),
            Value::Bare(text) => String::from_utf8_lossy(&text).into_owned(),
            Value::Quoted(text) => format!("\"{}\"", String::from_utf8_lossy(&text)),
            Value::Malformed => "!".into(),
        });
        values.collect::<Vec<_>>().join(",")
    }

    fn check(table: &[(&str, &[&str])]) {
        for (body, expected) in table {
            assert_eq!(commands(body), *expected, "AT{body}");
        }
    }

    #[test]
    fn basic_commands_may_be_glued() {
        check(&[
            ("", &[]),
            (" ;; \x1b", &[]),
            ("e0", &["E =0"]),
            ("E", &["E"]),
            ("E1V1Q0", &["E =1", "V =1", "Q =0"]),
            ("E 0 V", &["E =0", "V"]),
            ("&c1&D2\\q3&F&w0", &["&C =1", "&D =2", "\\Q =3", "&F", "&W =0"]),
            ("I9", &["I =9"]),
            ("X?", &["X ?"]),
            ("&K=?&K=3", &["&K =?", "&K =3"]),
            ("Z;I", &["Z", "I"]),
        ]);
    }

    #[test]
    fn registers_are_read_and_set() {
        check(&[
            ("S3?", &["S =3"]),
            ("S3=13", &["S =3,13"]),
            ("s0=0s3 = 13 S4?", &["S =0,0", "S =3,13", "S =4"]),
            ("S0=", &["S =0,"]),
            ("S0=E1", &["S =0,", "E =1"]),
            ("S3=?", &["S3=?"]),
            ("S3", &["S3"]),
            ("S", &["S"]),
            ("&S1", &["&S =1"]),
        ]);
    }

    #[test]
    fn extended_commands_have_four_forms() {
        check(&[
            ("+cgmi", &["+CGMI"]),
            ("+CREG?", &["+CREG ?"]),
            ("+CREG=?", &["+CREG =?"]),
            ("+CREG=2", &["+CREG =2"]),
            ("+CREG=", &["+CREG ="]),
            (" + CREG", &["+ CREG"]),
            ("+CREG = 2", &["+CREG =2"]),
            ("+CREG = ? ", &["+CREG =?"]),
            ("+CREG ?", &["+CREG ?"]),
            ("+CREG=?1", &["+CREG =?1"]),
            ("+COPS=1,2,\"00101\",,7", &["+COPS =1,2,\"00101\",,7"]),
            ("+X=\"a;+Y,b\";+Z", &["+X =\"a;+Y,b\"", "+Z"]),
            ("+X=\"a;+Z", &["+X =!"]),
            ("^CVOICE=?", &["^CVOICE =?"]),
        ]);
    }

    #[test]
    fn basic_and_extended_commands_mix() {
        check(&[
            (
                "Q0 V1 E1 S0=0 &C1 &D2 +CMEE=2;+CREG=2",
                &["Q =0", "V =1", "E =1", "S =0,0", "&C =1", "&D =2", "+CMEE =2", "+CREG =2"],
            ),
            ("I;+CGATT?;+COPS?", &["I", "+CGATT ?", "+COPS ?"]),
            ("+CMEE=2;E0", &["+CMEE =2", "E =0"]),
            ("+CMEE=2E0", &["+CMEE =2E0"]),
        ]);
    }

    #[test]
    fn dialling_takes_the_rest_up_to_a_semicolon() {
        check(&[
            ("D*99***1#", &["D =*99***1#"]),
            ("DT 123,4 +E1", &["D =T 123,4 +E1"]),
            ("D123;E1", &["D =123;", "E =1"]),
            ("D>\"a;b\";", &["D =>\"a;b\";"]),
            ("D\"a;b", &["D =\"a;", "B"]),
            ("D\u{e9}", &["D =\u{e9}"]),
            ("D", &["D ="]),
        ]);
    }

    #[test]
    fn what_is_no_command_takes_the_rest_of_the_line_as_its_name() {
        check(&[
            ("E1?x", &["E =1", "?X"]),
            ("+CREG?x;+CREG", &["+CREG?X;+CREG"]),
            ("+CREG x", &["+CREG X"]),
            ("123", &["123"]),
            ("\"", &["\""]),
            ("\u{e9}", &["\u{e9}"]),
            ("&\u{e9}", &["&\u{e9}"]),
            ("+\u{e9}", &["+\u{e9}"]),
            ("&1", &["&1"]),
        ]);
    }
}
