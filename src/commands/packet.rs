//! Chapter *Packet switched data services*: attach, PDP contexts.

use std::sync::Arc;

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::packet::{self, Context as PdpContext};

/// Longest APN: 100 octets (3GPP 23.003 §9.1).
const APN_LEN_MAX: usize = 100;

/// `+CGATT`, GPRS attach or detach (3GPP 27.007 §10.1.9).
///
/// | form | response |
/// |---|---|
/// | `AT+CGATT=<state>` | |
/// | `AT+CGATT?` | `+CGATT: <state>` |
fn attach(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let state = args.number(0..=1u8)?;
            args.finish()?;
            context.module.request_attach(state == 1, context.now);
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+CGATT: {}", u8::from(context.module.packet().attached)))),
        Form::Test => Ok(Reply::line("+CGATT: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CGDCONT`, define PDP context (3GPP 27.007 §10.1.1).
///
/// | form | response |
/// |---|---|
/// | `AT+CGDCONT=<cid>[,<PDP_type>[,<APN>[,…]]]` | |
/// | `AT+CGDCONT?` | `+CGDCONT: <cid>,"<PDP_type>","<APN>","<PDP_addr>",…` per context |
///
/// A set with `<cid>` alone forgets the context; parameters after `<APN>` are accepted and have no
/// effect. Stored at once.
fn define_context(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let cid = cid(context, &mut args)?;
            if args.is_empty() {
                context.module.change_settings(|nvm| Arc::make_mut(&mut nvm.packet).undefine(cid));
                return Ok(Reply::OK);
            }
            let default = &context.module.profile().packet.pdp_type_default;
            let pdp_type = args.optional_string(6)?.unwrap_or_else(|| default.clone());
            if !PDP_TYPES.contains(&pdp_type.as_str()) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            let apn = args.optional_string(APN_LEN_MAX)?.unwrap_or_default();
            context.module.change_settings(|nvm| {
                Arc::make_mut(&mut nvm.packet).define(PdpContext { cid, pdp_type, apn })
            });
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::Lines(context_lines(context))),
        Form::Test => {
            let facts = &context.module.profile().packet;
            let range = format!("({}-{})", facts.cid_min, facts.cid_max);
            let line = |pdp_type| Line::from(format!("+CGDCONT: {range},\"{pdp_type}\",,,(0),(0)"));
            Ok(Reply::Lines(PDP_TYPES.into_iter().map(line).collect()))
        }
        Form::Action => Err(no_such_form()),
    }
}

const PDP_TYPES: [&str; 4] = ["IP", "NONIP", "IPV4V6", "IPV6"];

fn context_lines(context: &Context<'_>) -> Vec<Line> {
    let tail = &context.module.profile().packet.cgdcont_tail;
    let line = |pdp: &PdpContext| {
        let address = address(context, pdp.cid).unwrap_or_else(|| "0.0.0.0".into());
        Line::from(format!("+CGDCONT: {},\"{}\",\"{}\",\"{address}\"{tail}", pdp.cid, pdp.pdp_type, pdp.apn))
    };
    context.module.nvm().packet.contexts.iter().map(line).collect()
}

/// `+CGACT`, PDP context activate or deactivate (3GPP 27.007 §10.1.10).
///
/// | form | response |
/// |---|---|
/// | `AT+CGACT=<state>[,<cid>]` | |
/// | `AT+CGACT?` | `+CGACT: <cid>,<state>` per context |
fn activate(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let activate = args.number(0..=1u8)? == 1;
            let cids = if args.is_empty() { defined(context) } else { vec![cid(context, &mut args)?] };
            args.finish()?;
            for cid in cids {
                let defined = context.module.nvm().packet.context(cid).is_some();
                if !defined || !context.module.request_context(cid, activate, context.now) {
                    return Err(CmeError::OPERATION_NOT_ALLOWED.into());
                }
            }
            Ok(Reply::OK)
        }
        Form::Read => {
            let active = &context.module.packet().active;
            let line = |cid: &u8| Line::from(format!("+CGACT: {cid},{}", u8::from(active.contains(cid))));
            Ok(Reply::Lines(defined(context).iter().map(line).collect()))
        }
        Form::Test => Ok(Reply::line("+CGACT: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CGPADDR`, show PDP address (3GPP 27.007 §10.1.14).
///
/// | form | response |
/// |---|---|
/// | `AT+CGPADDR[=<cid>[,<cid>…]]` | `+CGPADDR: <cid>[,"<address>"]` per context |
/// | `AT+CGPADDR=?` | `+CGPADDR: (<defined cids>)` |
fn show_address(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let cids = match form {
        Form::Action => defined(context),
        Form::Set(mut args) => {
            let mut cids = Vec::new();
            while !args.is_empty() {
                cids.push(cid(context, &mut args)?);
            }
            cids
        }
        Form::Test => {
            let cids: Vec<_> = defined(context).iter().map(u8::to_string).collect();
            return Ok(Reply::line(format!("+CGPADDR: ({})", cids.join(","))));
        }
        Form::Read => return Err(no_such_form()),
    };
    let line = |cid: u8| match address(context, cid) {
        Some(address) => Line::from(format!("+CGPADDR: {cid},\"{address}\"")),
        None => Line::from(format!("+CGPADDR: {cid}")),
    };
    Ok(Reply::Lines(cids.into_iter().map(line).collect()))
}

fn cid(context: &Context<'_>, args: &mut Args) -> Result<u8, CmeError> {
    let facts = &context.module.profile().packet;
    args.number(facts.cid_min..=facts.cid_max)
}

fn defined(context: &Context<'_>) -> Vec<u8> {
    context.module.nvm().packet.contexts.iter().map(|pdp| pdp.cid).collect()
}

/// The address of an active context.
fn address(context: &Context<'_>, cid: u8) -> Option<String> {
    let active = context.module.packet().active.contains(&cid);
    active.then(|| packet::address(context.module.nvm().identity.rot, cid, context.module.ip()).to_string())
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CGATT", run: attach },
    Command { name: "+CGDCONT", run: define_context },
    Command { name: "+CGACT", run: activate },
    Command { name: "+CGPADDR", run: show_address },
];
