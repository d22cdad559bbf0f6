//! Protection of data: end-to-end encryption.

use crate::at::{CmeError, Failure, Form};
use crate::commands::data_phase::{DataRequest, DataUse};
use crate::commands::security::{error, facts, key_refusal, no_such_form};
use crate::commands::{Context, Reply};
use crate::protocol::keys::e2e::E2eVersion;

/// The operation that `+USECOPCMD` knows.
const E2E_ENCRYPTION: &str = "e2e_enc";

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
    match form {
        Form::Set(mut args) => {
            let max = facts(context).map_or(0, |facts| facts.data_max);
            let length = args.number(0..=max)?;
            args.finish()?;
            let refused = context.module.check_services(context.now);
            refused.map_err(|refusal| key_refusal(context, refusal))?;
            Ok(Reply::Data(DataRequest::new(context, length, DataUse::ProtectUplink)))
        }
        Form::Test => {
            let max = facts(context).map_or(0, |facts| facts.data_max);
            Ok(Reply::line(format!("+USECE2EDATAENC: (0-{max})")))
        }
        Form::Action | Form::Read => Err(no_such_form()),
    }
}

/// The data of `+USECE2EDATAENC` is there.
pub(in crate::commands) fn protect_uplink(
    context: &mut Context<'_>,
    message: &[u8],
) -> Result<Reply, Failure> {
    let sealed = context.module.protect_uplink(message, context.now);
    let sealed = sealed.map_err(|refusal| key_refusal(context, refusal))?;
    Ok(binary("+USECE2EDATAENC", &sealed))
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

/// Binary information text: its length, and the bytes within quotes as they are.
fn binary(command: &str, bytes: &[u8]) -> Reply {
    let head = format!("{command}: {},\"", bytes.len());
    Reply::line([head.as_bytes(), bytes, b"\""].concat())
}
