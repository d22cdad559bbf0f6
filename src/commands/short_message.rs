//! Chapter *Short messages service*: no messages yet, only what hosts set before anything else.

use crate::at::{Args, CmeError, Failure, Form};
use crate::commands::character_set::{decode, encode};
use crate::commands::sim::card;
use crate::commands::{Command, Context, Reply, no_such_form};

/// `+CMGF`, message format (3GPP 27.005 §3.2.3).
///
/// | form | response |
/// |---|---|
/// | `AT+CMGF=[<mode>]` | |
/// | `AT+CMGF?` | `+CMGF: <mode>` |
///
/// 0 PDU, 1 text. Stored and shown only: there are no messages. Kept by `AT&W`: `designed`.
fn format(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=1u8)?.unwrap_or(0);
            args.finish()?;
            context.interface.message_format = mode;
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+CMGF: {}", context.interface.message_format))),
        Form::Test => Ok(Reply::line("+CMGF: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CSCA`, service centre address (3GPP 27.005 §3.3.1).
///
/// | form | response |
/// |---|---|
/// | `AT+CSCA="<sca>"[,<tosca>]` | |
/// | `AT+CSCA?` | `+CSCA: "<sca>",<tosca>` |
///
/// 145 an international number, which begins with +, 129 any other; empty on a new SIM. Stored on
/// the SIM at once and shown only: there are no messages.
fn service_centre(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(args) => {
            card(context.module, context.now)?;
            let number = number(args, context)?;
            context.module.change_settings(|nvm| nvm.sim.service_centre = number);
            Ok(Reply::OK)
        }
        Form::Read => {
            card(context.module, context.now)?;
            let number = &context.module.nvm().sim.service_centre;
            let kind = if number.starts_with('+') { INTERNATIONAL } else { UNKNOWN };
            let written = encode(number, context.interface.character_set);
            Ok(Reply::line(format!("+CSCA: \"{written}\",{kind}")))
        }
        Form::Test => Ok(Reply::OK),
        Form::Action => Err(no_such_form()),
    }
}

/// Types of address (3GPP 24.011 §8.2.5).
const INTERNATIONAL: u8 = 145;
const UNKNOWN: u8 = 129;
/// Digits of an address, at most (3GPP 24.011 §8.2.5.2).
const DIGITS_MAX: usize = 20;

/// The number in the parameters, with its + if it is international.
fn number(mut args: Args, context: &Context<'_>) -> Result<String, CmeError> {
    let written = args.string(4 * (DIGITS_MAX + 1))?;
    let kind = args.optional_number(0..=255u8)?;
    args.finish()?;
    let text = decode(&written, context.interface.character_set).ok_or(CmeError::INCORRECT_PARAMETERS)?;
    let digits = text.strip_prefix('+').unwrap_or(&text);
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CmeError::INCORRECT_PARAMETERS);
    }
    let international = !digits.is_empty() && (text.starts_with('+') || kind == Some(INTERNATIONAL));
    Ok(if international { format!("+{digits}") } else { digits.to_owned() })
}

/// What is stored and shown only.
pub const STORED: &[Command] =
    &[Command { name: "+CMGF", run: format }, Command { name: "+CSCA", run: service_centre }];
