//! Chapter *Packet switched data services*: attach, PDP contexts.

mod authentication;
mod context;
mod counter;
mod internal_profile;

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Pending, Reply, no_such_form};
use crate::module::network::Registration;
use crate::time::Timestamp;

pub(super) use context::address_of;

/// `+CGATT`, GPRS attach or detach (3GPP 27.007 §10.1.9).
///
/// | form | response |
/// |---|---|
/// | `AT+CGATT=<state>` | `OK` to 1 once attached, an error if that can't be |
/// | `AT+CGATT?` | `+CGATT: <state>` |
fn attach(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let attach = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.request_attach(attach, context.now);
            if !attach {
                return Ok(Reply::OK);
            }
            let until = context.module.search_ends_at(ATTACH_MS, context.now);
            poll_attach(context, until).unwrap_or(Ok(Reply::Wait(Pending::Attach { until })))
        }
        Form::Read => Ok(Reply::line(format!("+CGATT: {}", u8::from(context.module.packet().attached)))),
        Form::Test => Ok(Reply::line("+CGATT: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// The answer to an attach, once there is one.
pub(super) fn poll_attach(context: &Context<'_>, until: Timestamp) -> Option<Result<Reply, Failure>> {
    let network = context.module.network();
    if context.module.packet().attached {
        return Some(Ok(Reply::OK));
    }
    let failure = match (network.state, network.causes.last()) {
        (Registration::Searching, _) if context.now.system < until => return None,
        (Registration::Searching, _) => CmeError::NO_NETWORK_SERVICE.into(),
        (Registration::Idle, _) | (_, None) => CmeError::OPERATION_NOT_ALLOWED.into(),
        (_, Some(cause)) => context::cause_failure(*cause),
    };
    Some(Err(failure))
}

/// How long an attach waits for the registration. `designed`: as long as a choice by hand
const ATTACH_MS: u32 = 180_000;

/// `+CGEREP`, packet domain event reporting (3GPP 27.007 §10.1.19).
///
/// | form | response |
/// |---|---|
/// | `AT+CGEREP=[<mode>[,<bfr>]]` | URCs `+CGEV: …` where `<mode>` is 1 or 2 |
/// | `AT+CGEREP?` | `+CGEREP: <mode>,<bfr>` |
///
/// `ME PDN ACT <cid>`, `ME PDN DEACT <cid>`, `ME DETACH`, `NW DETACH`. Under 1 and 2 alike they wait
/// while the port is busy; `<bfr>` is stored and shown only.
fn event_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let reports = &mut context.interface.reports;
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=2u8)?.unwrap_or(0);
            let buffer = args.optional_number(0..=1u8)?;
            args.finish()?;
            reports.packet_events = mode;
            reports.packet_events_buffer = buffer.unwrap_or(reports.packet_events_buffer);
            Ok(Reply::OK)
        }
        Form::Read => {
            Ok(Reply::line(format!("+CGEREP: {},{}", reports.packet_events, reports.packet_events_buffer)))
        }
        Form::Test => Ok(Reply::line("+CGEREP: (0-2),(0-1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CGATT", run: attach },
    Command { name: "+CGEREP", run: event_report },
    Command { name: "+CGDCONT", run: context::define_context },
    Command { name: "+CGACT", run: context::activate },
    Command { name: "+CGPADDR", run: context::show_address },
    Command { name: "+CGCONTRDP", run: context::dynamic_parameters },
    Command { name: "+CGAUTH", run: authentication::define },
    Command { name: "+UAUTHREQ", run: authentication::request },
    Command { name: "+UPSD", run: internal_profile::configure },
    Command { name: "+UPSDA", run: internal_profile::act },
    Command { name: "+UPSND", run: internal_profile::show },
    Command { name: "+UGCNTRD", run: counter::read },
    Command { name: "+UGCNTSET", run: counter::set },
];
