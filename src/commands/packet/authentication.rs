//! How a context authenticates.

use super::context::cid;
use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::packet::Authentication;

/// Longest user name and password. Source: manual, 64 characters.
const NAME_LEN_MAX: usize = 64;

/// `+CGAUTH`, define PDP context authentication parameters (3GPP 27.007 §10.1.31).
///
/// | form | response |
/// |---|---|
/// | `AT+CGAUTH=<cid>[,<auth_prot>[,"<userid>"[,"<password>"]]]` | |
/// | `AT+CGAUTH?` | `+CGAUTH: <cid>,<auth_prot>,"<userid>","<password>"` per context that authenticates |
pub(super) fn define(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let (cid, protocol) = cid_and_protocol(context, &mut args)?;
            let user = args.optional_string(NAME_LEN_MAX)?.unwrap_or_default();
            let password = args.optional_string(NAME_LEN_MAX)?.unwrap_or_default();
            args.finish()?;
            store(context, Authentication { cid, protocol, user, password })
        }
        Form::Read => {
            let line = |authentication: &Authentication| {
                let Authentication { cid, protocol, user, password } = authentication;
                Line::from(format!("+CGAUTH: {cid},{protocol},\"{user}\",\"{password}\""))
            };
            let authentications = &context.module.nvm().packet.authentications;
            Ok(Reply::Lines(authentications.iter().map(line).collect()))
        }
        Form::Test => Ok(Reply::line(format!("+CGAUTH: {},(0-3),64,64", cids(context)))),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UAUTHREQ`, authentication request of a context.
///
/// | form | response |
/// |---|---|
/// | `AT+UAUTHREQ=<cid>,<auth>[,"<user>","<password>"]` | SARA-R5 |
/// | `AT+UAUTHREQ=<cid>,<auth>[,"<password>","<user>"]` | SARA-R4 |
///
/// 0 none, 1 PAP, 2 CHAP, 3 automatic; from 1 on a user name and a password are needed. Stored with
/// `+CGAUTH`'s, at once. Source: driver.
pub(super) fn request(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let (cid, protocol) = cid_and_protocol(context, &mut args)?;
            let first = args.optional_string(NAME_LEN_MAX)?.unwrap_or_default();
            let second = args.optional_string(NAME_LEN_MAX)?.unwrap_or_default();
            args.finish()?;
            if protocol > 0 && (first.is_empty() || second.is_empty()) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            let (user, password) = match context.module.profile().packet.uauthreq_password_first {
                true => (second, first),
                false => (first, second),
            };
            store(context, Authentication { cid, protocol, user, password })
        }
        Form::Test => Ok(Reply::line(format!("+UAUTHREQ: {},(0-3),64,64", cids(context)))),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

fn cid_and_protocol(context: &Context<'_>, args: &mut Args) -> Result<(u8, u8), CmeError> {
    Ok((cid(context, args)?, args.optional_number(0..=3u8)?.unwrap_or(0)))
}

fn cids(context: &Context<'_>) -> String {
    let facts = &context.module.profile().packet;
    format!("({}-{})", facts.cid_min, facts.cid_max)
}

fn store(context: &mut Context<'_>, authentication: Authentication) -> Result<Reply, Failure> {
    context.module.change_settings(|nvm| nvm.packet_mut().authenticate(authentication));
    Ok(Reply::OK)
}
