//! Chapter *Device and data security*, second part: certificates and keys.

use md5::{Digest, Md5};

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::data_phase::{DataRequest, DataUse};
use crate::commands::tls::{NAME_MAX, PASSWORD_MAX, text};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::credentials::{CREDENTIAL_LEN_MAX, Credential, CredentialKind, ImportRefusal};

/// Longest name of a file, in bytes. `designed`
const FILE_NAME_MAX: usize = 248;

/// `+USECMNG`, certificates and private keys.
///
/// | form | response |
/// |---|---|
/// | `AT+USECMNG=0,<type>,"<name>",<size>[,"<password>"]` | `>`, then `size` bytes from the DTE, then `+USECMNG: 0,<type>,"<name>","<MD5>"` |
/// | `AT+USECMNG=1,<type>,"<name>","<file>"[,"<password>"]` | `+USECMNG: 1,<type>,"<name>","<MD5>"` |
/// | `AT+USECMNG=2,<type>,"<name>"` | |
/// | `AT+USECMNG=3` | `"<type>","<name>"[,"<subject>","<expiry>"]` each, the last two of CA and CC |
/// | `AT+USECMNG=4,<type>,"<name>"` | `+USECMNG: 4,<type>,"<name>","<MD5>"` |
///
/// `<type>` 0 or `"CA"`, 1 `"CC"` client certificate, 2 `"PK"` private key, 3 `"SC"` server
/// certificate, 4 `"VC"` certificate for signatures, 5 `"PU"` public key. What is sent is PEM or
/// DER; the MD5 is that of the DER form. A name that is there already gets the new content. There
/// are no files yet, so every file of form 1 is not found; and a private key that is encrypted is
/// not opened, so it has an invalid format whatever the password. Kept at once, with the secrets.
/// Source: driver; error codes manual; how many fit, and two letters for a type, designed.
fn manage(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => match args.number(0..=4u8)? {
            0 => ask(context, args),
            1 => from_file(args),
            2 => {
                let (kind, name) = subject(&mut args)?;
                args.finish()?;
                match context.module.remove_credential(kind, &name) {
                    true => Ok(Reply::OK),
                    false => Err(CmeError::USECMNG_NAME_NOT_FOUND.into()),
                }
            }
            3 => {
                args.finish()?;
                Ok(Reply::Lines(context.module.credentials().iter().map(listed).collect()))
            }
            _ => {
                let (kind, name) = subject(&mut args)?;
                args.finish()?;
                let found = context.module.credentials().find(kind, &name);
                found.map(|one| shown(4, one)).ok_or(CmeError::USECMNG_NAME_NOT_FOUND.into())
            }
        },
        Form::Test => Ok(Reply::line("+USECMNG: (0-4),(0-5)")),
        Form::Action | Form::Read => Err(no_such_form()),
    }
}

/// Form 0: asks for the bytes.
fn ask(context: &Context<'_>, mut args: Args) -> Result<Reply, Failure> {
    let (kind, name) = subject(&mut args)?;
    let size = args.number(1..=usize::MAX)?;
    finish_with_password(args, kind)?;
    if size > CREDENTIAL_LEN_MAX {
        return Err(CmeError::USECMNG_IMPORT_SIZE.into());
    }
    if !context.module.has_room_for(kind, &name) {
        return Err(CmeError::USECMNG_DATABASE_FULL.into());
    }
    Ok(Reply::Data(DataRequest::new(context, size, DataUse::Import(kind, name))))
}

/// Form 1: there are no files.
fn from_file(mut args: Args) -> Result<Reply, Failure> {
    let (kind, _) = subject(&mut args)?;
    args.string(FILE_NAME_MAX)?;
    finish_with_password(args, kind)?;
    Err(CmeError::FILE_NOT_FOUND.into())
}

/// The bytes are there.
pub(super) fn import(
    context: &mut Context<'_>,
    kind: CredentialKind,
    name: &str,
    bytes: &[u8],
) -> Result<Reply, Failure> {
    match context.module.import_credential(kind, name, bytes) {
        Ok(credential) => Ok(shown(0, credential)),
        Err(ImportRefusal::Format) => Err(CmeError::USECMNG_INVALID_FORMAT.into()),
        Err(ImportRefusal::Full) => Err(CmeError::USECMNG_DATABASE_FULL.into()),
    }
}

/// `<type>` and `<name>`.
fn subject(args: &mut Args) -> Result<(CredentialKind, String), Failure> {
    let written = args.text(2)?;
    let found = CredentialKind::ALL
        .into_iter()
        .find(|kind| written == kind.number().to_string() || written.eq_ignore_ascii_case(kind.letters()));
    let kind = found.ok_or(CmeError::INCORRECT_PARAMETERS)?;
    let name = text(args, NAME_MAX)?;
    if name.is_empty() { Err(CmeError::INCORRECT_PARAMETERS.into()) } else { Ok((kind, name)) }
}

/// Only a private key may have a password.
fn finish_with_password(mut args: Args, kind: CredentialKind) -> Result<(), Failure> {
    if kind == CredentialKind::PrivateKey && !args.is_empty() {
        text(&mut args, PASSWORD_MAX)?;
    }
    Ok(args.finish()?)
}

fn shown(op: u8, credential: &Credential) -> Reply {
    let (kind, name) = (credential.kind.number(), &credential.name);
    let digest = hex::encode(Md5::digest(&credential.der));
    Reply::line(format!("+USECMNG: {op},{kind},\"{name}\",\"{digest}\""))
}

fn listed(credential: &Credential) -> Line {
    let head = format!("\"{}\",\"{}\"", credential.kind.letters(), credential.name);
    let tells = matches!(credential.kind, CredentialKind::Authority | CredentialKind::Client);
    match (credential.subject(), credential.expiry()) {
        (Some(subject), Some(expiry)) if tells => {
            // Nothing of a certificate may end the string it stands in.
            let subject: String = subject.chars().filter(|c| !c.is_control() && *c != '"').collect();
            format!("{head},\"{subject}\",\"{expiry}\"").into()
        }
        _ => head.into(),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[Command { name: "+USECMNG", run: manage }];
