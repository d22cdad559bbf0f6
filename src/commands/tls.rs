//! Chapter *Device and data security*, second part: TLS profiles.

use crate::at::{Args, CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::tls::{CipherSuites, PROFILES, TlsProfile};
use crate::profile::{CipherSuiteForm, Tls as TlsFacts};

/// Longest name of a certificate or key, in bytes. Source: driver.
pub(super) const NAME_MAX: usize = 32;
/// Longest password of a private key, in bytes. Source: driver.
pub(super) const PASSWORD_MAX: usize = 64;
/// Longest host name and server name indication, in bytes: a DNS name has 253 and some room. `designed`
const HOST_NAME_MAX: usize = 256;
/// Longest pre-shared key and identity, in bytes (RFC 4279 §5.3 asks for 64 and 128). `designed`
const PSK_MAX: usize = 64;
const PSK_IDENTITY_MAX: usize = 128;
/// Longest session and secret of a session to resume, in bytes. `designed`
const SESSION_MAX: usize = 256;

/// Highest number of the maker's table of cipher suites. Source: driver.
const CIPHER_SUITE_NUMBER_MAX: u8 = 33;
/// Op 2: one cipher suite by its two bytes. Source: driver.
const IANA: u8 = 99;
/// Op 2: one more or less in a list. Source: driver.
const LIST: u8 = 100;

/// `+USECPRF`, TLS and DTLS profile.
///
/// | form | response |
/// |---|---|
/// | `AT+USECPRF=<profile>` | the factory's values are back |
/// | `AT+USECPRF=<profile>,<op>,<value>[,…]` | |
/// | `AT+USECPRF=<profile>,<op>` | `+USECPRF: <profile>,<op>,<value>` |
///
/// | op | value |
/// |---|---|
/// | 0 | certificate check: 0 none, 1 against the CA, 2 and the host name, 3 and the dates |
/// | 1 | lowest version: 0 any, 1 to 3 TLS 1.0 to 1.2 |
/// | 2 | cipher suites: 0 the module's choice; 1 to 33 one of a table; `99,"c0","2b"` one by its two bytes; `100,"c0","2b",0` adds one to a list, `…,1` takes it off |
/// | 3, 5, 6 | name of CA certificate, client certificate, private key |
/// | 4, 7 | expected host name; password of the private key |
/// | 8, 9 | pre-shared key; its identity |
/// | 10 | server name indication |
/// | 11 | 1: the root of trust makes the pre-shared key |
/// | 13 | session resumption: `0,<0 off, 1 on>`, `1,<0 session ID, 1 ticket>`, `2,"<session>","<secret>"` |
/// | 14 | certificate of the device: 0 off, 1 with its CAs, 2 by itself |
///
/// Which of 2, 10, 11, 13 and 14 there are is the profile's. Names need not exist yet. Kept at
/// once, with the secrets. Stored and shown only: there are no sockets to use it; so there is no
/// 13,12 either, whose data the root of trust encrypts. Source: driver; op 13 manual; lengths of
/// texts but names and passwords designed.
fn profile(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=PROFILES - 1)?;
            if args.is_empty() {
                context.module.set_tls_profile(number, None);
                return Ok(Reply::OK);
            }
            let facts = &context.module.profile().tls;
            let op = args.number(0..=14u8)?;
            if !operations(facts).contains(&op) {
                return Err(CmeError::OPERATION_NOT_SUPPORTED.into());
            }
            let mut profile = context.module.tls_profile(number);
            match asked(op, &mut args)? {
                Some(parameter) => {
                    let value = shown(&profile, op, parameter, facts);
                    Ok(Reply::line(format!("+USECPRF: {number},{op},{value}")))
                }
                None => {
                    set(&mut profile, op, &mut args, facts)?;
                    args.finish()?;
                    context.module.set_tls_profile(number, Some(profile));
                    Ok(Reply::OK)
                }
            }
        }
        Form::Test => {
            let ops: Vec<_> = operations(&context.module.profile().tls).iter().map(u8::to_string).collect();
            Ok(Reply::line(format!("+USECPRF: (0-{}),({})", PROFILES - 1, ops.join(","))))
        }
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// The operations a module type has.
fn operations(facts: &TlsFacts) -> Vec<u8> {
    let some = [
        (10, facts.sni),
        (11, facts.rot_psk),
        (13, facts.session_resumption),
        (14, facts.device_certificate),
    ];
    (0..=9).chain(some.into_iter().filter(|(_, there)| *there).map(|(op, _)| op)).collect()
}

/// Whether a value is asked for, and of op 13 which; `None` where one is to be set.
fn asked(op: u8, args: &mut Args) -> Result<Option<u8>, Failure> {
    match (op, args.len()) {
        (_, 0) => Ok(Some(0)),
        (13, 1) => Ok(Some(args.number(0..=2u8)?)),
        _ => Ok(None),
    }
}

fn set(profile: &mut TlsProfile, op: u8, args: &mut Args, facts: &TlsFacts) -> Result<(), Failure> {
    match op {
        0 => profile.certificate_check = args.number(0..=3)?,
        1 => profile.version = args.number(0..=3)?,
        2 => set_cipher_suites(&mut profile.cipher_suites, args, facts)?,
        3 => profile.ca = text(args, NAME_MAX)?,
        4 => profile.host_name = text(args, HOST_NAME_MAX)?,
        5 => profile.client_certificate = text(args, NAME_MAX)?,
        6 => profile.client_key = text(args, NAME_MAX)?,
        7 => profile.key_password = text(args, PASSWORD_MAX)?,
        8 => profile.psk = text(args, PSK_MAX)?,
        9 => profile.psk_identity = text(args, PSK_IDENTITY_MAX)?,
        10 => profile.sni = text(args, HOST_NAME_MAX)?,
        11 => profile.rot_psk = args.number(0..=1u8)? == 1,
        13 => match args.number(0..=2u8)? {
            0 => profile.resumption.on = args.number(0..=1u8)? == 1,
            1 => profile.resumption.kind = args.number(0..=1)?,
            _ => {
                profile.resumption.session = text(args, SESSION_MAX)?;
                profile.resumption.secret = text(args, SESSION_MAX)?;
            }
        },
        _ => profile.device_certificate = args.number(0..=2)?,
    }
    Ok(())
}

fn set_cipher_suites(suites: &mut CipherSuites, args: &mut Args, facts: &TlsFacts) -> Result<(), Failure> {
    let form = facts.cipher_suites;
    match args.number(0..=LIST)? {
        0 => *suites = CipherSuites::Default,
        number @ 1..=CIPHER_SUITE_NUMBER_MAX => *suites = CipherSuites::Number(number),
        IANA if form != CipherSuiteForm::Number => *suites = CipherSuites::Iana(iana(args)?),
        LIST if form == CipherSuiteForm::List => {
            let suite = iana(args)?;
            let done = match args.number(0..=1u8)? {
                0 => suites.add(suite),
                _ => suites.remove(suite),
            };
            if !done {
                return Err(CmeError::OPERATION_NOT_ALLOWED.into());
            }
        }
        _ => return Err(CmeError::INCORRECT_PARAMETERS.into()),
    }
    Ok(())
}

/// A cipher suite by its two bytes, each two hexadecimal digits.
fn iana(args: &mut Args) -> Result<u16, Failure> {
    let mut bytes = [0; 2];
    for byte in &mut bytes {
        let digits = args.string(2)?;
        let mut one = [0];
        hex::decode_to_slice(&digits, &mut one).map_err(|_| CmeError::INCORRECT_PARAMETERS)?;
        *byte = one[0];
    }
    Ok(u16::from_be_bytes(bytes))
}

fn shown(profile: &TlsProfile, op: u8, parameter: u8, facts: &TlsFacts) -> String {
    let quoted = |text: &str| format!("\"{text}\"");
    match op {
        0 => profile.certificate_check.to_string(),
        1 => profile.version.to_string(),
        2 => shown_cipher_suites(&profile.cipher_suites, facts),
        3 => quoted(&profile.ca),
        4 => quoted(&profile.host_name),
        5 => quoted(&profile.client_certificate),
        6 => quoted(&profile.client_key),
        7 => quoted(&profile.key_password),
        8 => quoted(&profile.psk),
        9 => quoted(&profile.psk_identity),
        10 => quoted(&profile.sni),
        11 => u8::from(profile.rot_psk).to_string(),
        13 => match parameter {
            0 => format!("0,{}", u8::from(profile.resumption.on)),
            1 => format!("1,{}", profile.resumption.kind),
            _ => format!("2,\"{}\",\"{}\"", profile.resumption.session, profile.resumption.secret),
        },
        _ => profile.device_certificate.to_string(),
    }
}

/// Hosts read the module's own choice as an empty list.
fn shown_cipher_suites(suites: &CipherSuites, facts: &TlsFacts) -> String {
    match (suites, facts.cipher_suites) {
        (CipherSuites::Number(number), _) => number.to_string(),
        (CipherSuites::Iana(suite), _) => format!("{IANA},\"{suite:04X}\""),
        (CipherSuites::List(list), _) => {
            let list: Vec<_> = list.iter().map(|suite| format!("{suite:04X}")).collect();
            format!("{LIST},\"{}\"", list.join(";"))
        }
        (CipherSuites::Default, CipherSuiteForm::Number) => "0".to_owned(),
        (CipherSuites::Default, CipherSuiteForm::Iana) => format!("{IANA},\"\""),
        (CipherSuites::Default, CipherSuiteForm::List) => format!("{LIST},\"\""),
    }
}

/// Printable ASCII, or nothing at all.
pub(super) fn text(args: &mut Args, max_bytes: usize) -> Result<String, Failure> {
    let text = args.string(max_bytes)?;
    match text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true => Ok(text),
        false => Err(CmeError::INVALID_CHARACTERS_IN_TEXT_STRING.into()),
    }
}

/// What is stored and shown only.
pub const STORED: &[Command] = &[Command { name: "+USECPRF", run: profile }];
