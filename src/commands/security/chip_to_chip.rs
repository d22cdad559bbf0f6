//! `+USECC2C`.

use super::facts;
use crate::at::{Args, CmeError, Failure, Form};
use crate::c2c::Secret;
use crate::commands::{Context, Reply, no_such_form};
use crate::module::security::chip_to_chip::{CONFIRMATION_LEN, ChipToChipRefusal};

/// `+USECC2C`, chip-to-chip security.
///
/// | form | response |
/// |---|---|
/// | `AT+USECC2C=0,"<TE secret>"` | `+USECC2C: 0,0,"<key>"`; in version 2 `,"<HMAC key>","<confirmation tag>"` follow |
/// | `AT+USECC2C=4,"<TE secret>","<encrypted confirmation tag>"` | |
/// | `AT+USECC2C=1,"<TE secret>"` | |
/// | `AT+USECC2C=2` | |
///
/// Pairs (0), confirms it (4; in version 2 only), opens (1) and closes (2) a session on the port it
/// comes from. Secrets and keys are 32 hex digits, an encrypted confirmation tag 128. Behind the `OK` of
/// an opening everything on the port is in frames, until the `OK` of a closing has left in one, or the
/// module loses power or restarts. A line that ends in an error opens and closes nothing. There is one
/// session a port; a second opening, and a closing of nothing, is an operation that is not allowed.
/// Source: driver; what is refused when is designed.
pub(super) fn chip_to_chip(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => match args.number(0..=4)? {
            0_u8 => pair(context, args),
            1 => open(context, args),
            2 => close(context, args),
            4 => confirm(context, args),
            _ => Err(CmeError::INCORRECT_PARAMETERS.into()),
        },
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

fn pair(context: &mut Context<'_>, mut args: Args) -> Result<Reply, Failure> {
    let te_secret = secret(&mut args)?;
    args.finish()?;
    let offered = context.module.request_pairing(te_secret, context.now);
    let offered = offered.map_err(|refusal| error(context, refusal))?;
    let pairing = offered.pairing;
    let strings: String = [Some(pairing.key), pairing.hmac_key, offered.tag]
        .into_iter()
        .flatten()
        .map(|secret| format!(",\"{}\"", secret.to_hex()))
        .collect();
    Ok(Reply::line(format!("+USECC2C: 0,0{strings}")))
}

fn confirm(context: &mut Context<'_>, mut args: Args) -> Result<Reply, Failure> {
    let te_secret = secret(&mut args)?;
    let confirmation = args.string(2 * CONFIRMATION_LEN)?;
    args.finish()?;
    let mut bytes = [0; CONFIRMATION_LEN];
    hex::decode_to_slice(confirmation, &mut bytes).map_err(|_| CmeError::INCORRECT_PARAMETERS)?;
    let confirmed = context.module.confirm_pairing(&te_secret, &bytes, context.now);
    confirmed.map(|()| Reply::OK).map_err(|refusal| error(context, refusal))
}

fn open(context: &mut Context<'_>, mut args: Args) -> Result<Reply, Failure> {
    let te_secret = secret(&mut args)?;
    args.finish()?;
    if context.channel.is_open() || context.channel.is_about_to_switch() {
        return Err(CmeError::OPERATION_NOT_ALLOWED.into());
    }
    let session = context.module.request_c2c_session(&te_secret, context.now);
    context.channel.open(session.map_err(|refusal| error(context, refusal))?);
    Ok(Reply::OK)
}

fn close(context: &mut Context<'_>, args: Args) -> Result<Reply, Failure> {
    args.finish()?;
    if !context.channel.is_open() || context.channel.is_about_to_switch() {
        return Err(CmeError::OPERATION_NOT_ALLOWED.into());
    }
    context.channel.close();
    Ok(Reply::OK)
}

fn secret(args: &mut Args) -> Result<Secret, Failure> {
    let text = args.string(32)?;
    text.parse().map_err(|_| CmeError::INCORRECT_PARAMETERS.into())
}

fn error(context: &Context<'_>, refusal: ChipToChipRefusal) -> Failure {
    let Some(facts) = facts(context) else { return no_such_form() };
    let errors = &facts.chip_to_chip;
    Failure::Cme(CmeError(match refusal {
        ChipToChipRefusal::Busy => facts.errors.busy,
        ChipToChipRefusal::NotAuthorized => errors.not_authorized,
        ChipToChipRefusal::AlreadyPaired => errors.already_paired,
        ChipToChipRefusal::ChannelsConsumed => errors.channels_consumed,
        ChipToChipRefusal::NotPaired => errors.not_paired,
        ChipToChipRefusal::WrongConfirmation => errors.wrong_confirmation,
        ChipToChipRefusal::NoConfirmation => return no_such_form(),
    }))
}
