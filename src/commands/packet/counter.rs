//! What the contexts carried.

use super::context::cid;
use crate::at::{Failure, Form, Line};
use crate::commands::{Context, Reply, no_such_form};

/// `+UGCNTRD`, packet switched data counters: `+UGCNTRD: <cid>,<sent>,<received>,<total_sent>,<total_received>`
/// per context that was ever active, in bytes of IP. They count from power-on (`designed`). Source:
/// driver.
pub(super) fn read(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let counters = context.module.packet().counters.iter();
            let lines = counters.map(|(cid, counter)| {
                Line::from(format!(
                    "+UGCNTRD: {cid},{},{},{},{}",
                    counter.session_up, counter.session_down, counter.total_up, counter.total_down
                ))
            });
            Ok(Reply::Lines(lines.collect()))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+UGCNTSET`, set the packet switched data counters: `AT+UGCNTSET=<cid>,<total_sent>,<total_received>`;
/// those of the session begin anew. Source: driver.
pub(super) fn set(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let cid = cid(context, &mut args)?;
            let total_up = args.number(0..=u32::MAX)?;
            let total_down = args.number(0..=u32::MAX)?;
            args.finish()?;
            context.module.set_counter(cid, u64::from(total_up), u64::from(total_down));
            Ok(Reply::OK)
        }
        Form::Test => {
            let facts = &context.module.profile().packet;
            Ok(Reply::line(format!(
                "+UGCNTSET: ({}-{}),(0-{max}),(0-{max})",
                facts.cid_min,
                facts.cid_max,
                max = u32::MAX
            )))
        }
        Form::Read | Form::Action => Err(no_such_form()),
    }
}
