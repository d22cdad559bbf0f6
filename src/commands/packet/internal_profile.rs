//! Profiles of the module's own IP stack.

use super::context::{address_of, failure, name_server};
use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::packet::{InternalProfile, PROFILE_MAX};

/// `<param_tag>` of the protocol type.
const PROTOCOL: u8 = 0;
/// `<param_tag>` of the context.
const MAPPED_CID: u8 = 100;

/// `+UPSD`, packet switched data configuration.
///
/// | form | response |
/// |---|---|
/// | `AT+UPSD=<profile>,0,<protocol>` | 0 IPv4, 1 IPv6, 2 and 3 both |
/// | `AT+UPSD=<profile>,100,<cid>` | |
/// | `AT+UPSD=<profile>[,<param>]` | `+UPSD: <profile>,<param>,<value>` |
///
/// Kept by `+UPSDA=<profile>,1`. Source: manual, driver.
pub(super) fn configure(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=PROFILE_MAX)?;
            let parameter = args.optional_number(0..=MAPPED_CID)?;
            let mut profile = context.module.packet().internal_profile(number);
            let tags = match parameter {
                None => vec![PROTOCOL, MAPPED_CID],
                Some(PROTOCOL | MAPPED_CID) => parameter.into_iter().collect(),
                Some(_) => return Err(CmeError::INCORRECT_PARAMETERS.into()),
            };
            if args.is_empty() {
                return Ok(Reply::Lines(tags.into_iter().map(|tag| line(profile, tag)).collect()));
            }
            change(context, &mut profile, parameter, args)?;
            context.module.set_internal_profile(profile);
            Ok(Reply::OK)
        }
        Form::Test => {
            let facts = &context.module.profile().packet;
            let cids = format!("({}-{})", facts.cid_min, facts.cid_max);
            let profiles = format!("(0-{PROFILE_MAX})");
            Ok(Reply::Lines(vec![
                Line::from(format!("+UPSD: {profiles},{PROTOCOL},(0-3)")),
                Line::from(format!("+UPSD: {profiles},{MAPPED_CID},{cids}")),
            ]))
        }
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

fn change(
    context: &Context<'_>,
    profile: &mut InternalProfile,
    parameter: Option<u8>,
    mut args: Args,
) -> Result<(), Failure> {
    if context.module.packet().active_profiles.contains(&profile.number) {
        return Err(CmeError::OPERATION_NOT_ALLOWED.into());
    }
    match parameter {
        Some(PROTOCOL) => profile.protocol = args.number(0..=3u8)?,
        _ => profile.cid = super::context::cid(context, &mut args)?,
    }
    Ok(args.finish()?)
}

fn line(profile: InternalProfile, tag: u8) -> Line {
    let value = if tag == PROTOCOL { profile.protocol } else { profile.cid };
    Line::from(format!("+UPSD: {},{tag},{value}", profile.number))
}

/// `+UPSDA`, packet switched data action: `AT+UPSDA=<profile>,<action>`.
///
/// 0 resets the profile, 1 stores it, 2 loads what was stored, 3 activates it (URC
/// `+UUPSDA: 0,"<address>"`), 4 deactivates it; its context stays (`designed`). A context of another
/// IP version than the profile's is an error of its own (manual). When the context is
/// lost the URC is `+UUPSDD: <profile>`. Source: manual, driver.
pub(super) fn act(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=PROFILE_MAX)?;
            let action = args.number(0..=4u8)?;
            args.finish()?;
            run_action(context, number, action)
        }
        Form::Test => Ok(Reply::line(format!("+UPSDA: (0-{PROFILE_MAX}),(0-4)"))),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

fn run_action(context: &mut Context<'_>, number: u8, action: u8) -> Result<Reply, Failure> {
    let stored = |context: &Context<'_>| {
        let stored = context.module.nvm().packet.internal_profiles.iter();
        let stored = stored.copied().find(|profile| profile.number == number);
        stored.unwrap_or_else(|| InternalProfile::factory(number))
    };
    let module = &mut context.module;
    let done = match action {
        3 => {
            let result = module.request_internal_profile(number, context.now);
            return result.map(|()| Reply::OK).map_err(|refusal| failure(&refusal));
        }
        4 => module.release_internal_profile(number),
        _ if module.packet().active_profiles.contains(&number) => false,
        0 => {
            module.set_internal_profile(InternalProfile::factory(number));
            true
        }
        1 => {
            let profile = module.packet().internal_profile(number);
            module.change_settings(|nvm| nvm.packet_mut().store_profile(profile));
            true
        }
        _ => {
            let profile = stored(context);
            context.module.set_internal_profile(profile);
            true
        }
    };
    if done { Ok(Reply::OK) } else { Err(CmeError::OPERATION_NOT_ALLOWED.into()) }
}

/// `+UPSND`, packet switched network-assigned data: `AT+UPSND=<profile>,<param>`.
///
/// 0 the address, 1 and 2 the name servers: `+UPSND: <profile>,<param>,"<address>"`, empty where the
/// profile is not active; 8 whether it is: `+UPSND: <profile>,8,<0|1>`. A profile of a module without
/// `+UPSDA` is as active as its context. Source: driver.
pub(super) fn show(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=PROFILE_MAX)?;
            let parameter = args.number(0..=8u8)?;
            args.finish()?;
            let packet = context.module.packet();
            let cid = packet.internal_profile(number).cid;
            let by_itself = context.vocabulary.find("+UPSDA").is_none();
            let active =
                packet.active_profiles.contains(&number) || (by_itself && packet.active.contains(&cid));
            let address = match parameter {
                0 => address_of(context.module, cid).unwrap_or_default(),
                1 => name_server(context.module, 0),
                2 => name_server(context.module, 1),
                8 => return Ok(Reply::line(format!("+UPSND: {number},8,{}", u8::from(active)))),
                _ => return Err(CmeError::INCORRECT_PARAMETERS.into()),
            };
            let address = if active { address } else { String::new() };
            Ok(Reply::line(format!("+UPSND: {number},{parameter},\"{address}\"")))
        }
        Form::Test => Ok(Reply::line(format!("+UPSND: (0-{PROFILE_MAX}),(0-2,8)"))),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}
