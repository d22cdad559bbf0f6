//! Protection of data: end-to-end, and of what stays with the host.

use crate::at::{CmeError, Failure, Form};
use crate::commands::data_phase::{DataRequest, DataUse};
use crate::commands::security::{error, facts, key_refusal, no_such_form};
use crate::commands::{Context, Reply};
use crate::module::security::KeyRefusal;
use crate::protocol::keys::e2e::{E2eVersion, HEADER_1_LEN};
use crate::protocol::keys::local::LOCAL_HEADER_LEN;
use crate::protocol::message::Feature;
use crate::protocol::protection::TAG_LEN;

/// The operation that `+USECOPCMD` knows.
const E2E_ENCRYPTION: &str = "e2e_enc";

/// How much longer than its message a message of version 1 is, and one to the module, in bytes.
const E2E_OVERHEAD: usize = HEADER_1_LEN + TAG_LEN;

/// How much longer than the data protected local data is, in bytes.
const LOCAL_OVERHEAD: usize = LOCAL_HEADER_LEN + TAG_LEN;

/// `+USECE2EDATAENC`, end-to-end encryption of uplink data.
///
/// | form | response |
/// |---|---|
/// | `AT+USECE2EDATAENC=<length>` | `>`, then `length` bytes from the DTE, then `+USECE2EDATAENC: <out_length>,"<out_length bytes>"` |
///
/// The bytes between the quotes are binary and may be anything. They are 32 more than went in under
/// version 1, 28 under version 2. No data connection is needed.
/// Source: driver; the longest message designed.
pub(super) fn uplink(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    ask(context, form, DataUse::ProtectUplink, 0, |context| context.module.check_services(context.now))
}

/// `+USECE2EDATADEC`, end-to-end decryption of downlink data.
///
/// | form | response |
/// |---|---|
/// | `AT+USECE2EDATADEC=<length>` | `>`, then `length` bytes from the DTE, then `+USECE2EDATADEC: <out_length>,"<out_length bytes>"` |
///
/// What goes in is the header that the service gave, the ciphertext and the tag: 32 bytes more than
/// come out. Downlink has version 1 only. Source: designed, in the style of `+USECE2EDATAENC`.
pub(super) fn downlink(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let gate = |context: &Context<'_>| context.module.check_services(context.now);
    ask(context, form, DataUse::OpenDownlink, E2E_OVERHEAD, gate)
}

/// `+USECDATAENC`, local data protection: encryption.
///
/// | form | response |
/// |---|---|
/// | `AT+USECDATAENC=<length>` | `>`, then `length` bytes from the DTE, then `+USECDATAENC: <out_length>,"<out_length bytes>"` |
///
/// 28 bytes more come out than went in. Needs the feature `ldp`. The key never leaves the module and
/// is gone with a factory reset. Source: designed, in the style of `+USECE2EDATAENC`.
pub(super) fn local_encryption(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    ask(context, form, DataUse::ProtectLocal, 0, local_gate)
}

/// `+USECDATADEC`, local data protection: decryption.
///
/// | form | response |
/// |---|---|
/// | `AT+USECDATADEC=<length>` | `>`, then `length` bytes from the DTE, then `+USECDATADEC: <out_length>,"<out_length bytes>"` |
///
/// Opens what `+USECDATAENC` of this very module has closed. Source: designed.
pub(super) fn local_decryption(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    ask(context, form, DataUse::OpenLocal, LOCAL_OVERHEAD, local_gate)
}

/// Asks for the data of a command, up to `overhead` bytes more than the longest message.
fn ask(
    context: &Context<'_>,
    form: Form,
    usage: DataUse,
    overhead: usize,
    gate: fn(&Context<'_>) -> Result<(), KeyRefusal>,
) -> Result<Reply, Failure> {
    let max = facts(context).map_or(0, |facts| facts.data_max) + overhead;
    match form {
        Form::Set(mut args) => {
            let length = args.number(0..=max)?;
            args.finish()?;
            gate(context).map_err(|refusal| key_refusal(context, refusal))?;
            Ok(Reply::Data(DataRequest::new(context, length, usage)))
        }
        Form::Test => Ok(Reply::line(format!("{}: (0-{max})", usage.command()))),
        Form::Action | Form::Read => Err(no_such_form()),
    }
}

fn local_gate(context: &Context<'_>) -> Result<(), KeyRefusal> {
    context.module.check_feature(Feature::LocalDataProtection, context.now)
}

/// `+USECOPCMD`, which version an operation has.
///
/// | form | response |
/// |---|---|
/// | `AT+USECOPCMD="e2e_enc",<version - 1>` | |
/// | `AT+USECOPCMD="e2e_enc"` | `+USECOPCMD: "e2e_enc",<version - 1>` |
///
/// A module that knows version 1 only does not have the command.
/// Source: driver; that it is kept over a power loss is designed.
pub(super) fn operation(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let mut args = match form {
        Form::Set(args) => args,
        Form::Test => return Ok(Reply::line(format!("+USECOPCMD: (\"{E2E_ENCRYPTION}\"),(0,1)"))),
        Form::Action | Form::Read => return Err(no_such_form()),
    };
    if args.string(E2E_ENCRYPTION.len())? != E2E_ENCRYPTION {
        return Err(CmeError::INCORRECT_PARAMETERS.into());
    }
    let asks = args.is_empty();
    let version = args.optional_number(0..=1)?;
    args.finish()?;
    match version {
        _ if !context.module.is_security_ready(context.now) => Err(error(context, |errors| errors.busy)),
        Some(version) => {
            let version = if version == 0 { E2eVersion::One } else { E2eVersion::Two };
            context.module.change_settings(|nvm| nvm.security.e2e_version = version);
            Ok(Reply::OK)
        }
        None if asks => {
            let version = context.module.nvm().security.e2e_version;
            let value = u8::from(version == E2eVersion::Two);
            Ok(Reply::line(format!("+USECOPCMD: \"{E2E_ENCRYPTION}\",{value}")))
        }
        None => Err(CmeError::INCORRECT_PARAMETERS.into()),
    }
}

/// The data is there: protects or opens it.
pub(in crate::commands) fn run(
    context: &mut Context<'_>,
    usage: &DataUse,
    data: &[u8],
) -> Result<Reply, Failure> {
    let (module, now) = (&mut *context.module, context.now);
    let result = match usage {
        DataUse::ProtectUplink => module.protect_uplink(data, now),
        DataUse::OpenDownlink => module.open_downlink(data, now),
        DataUse::ProtectLocal => module.protect_local(data, now),
        DataUse::OpenLocal => module.open_local(data, now),
        // Imported elsewhere.
        DataUse::Import(..) => return Err(CmeError::OPERATION_NOT_SUPPORTED.into()),
    };
    let bytes = result.map_err(|refusal| key_refusal(context, refusal))?;
    // Binary information text: the bytes stand within quotes as they are.
    let head = format!("{}: {},\"", usage.command(), bytes.len());
    Ok(Reply::line([head.as_bytes(), &bytes, b"\""].concat()))
}
