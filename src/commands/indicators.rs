//! Chapter *Mobile equipment control and status*, second part: activity and indicators.

use crate::at::{Failure, Form, Line};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::Module;
use crate::module::network::Registration;
use crate::module::settings::IndicatorReport;
use crate::module::sim::SimState;

/// `<descr>` and range of each indicator. Source: AT manual UBX-17003787 R09, p. 30.
const INDICATORS: [(&str, &str); 12] = [
    ("battchg", "0-5"),
    ("signal", "0-5"),
    ("service", "0,1"),
    ("sounder", "0,1"),
    ("message", "0,1"),
    ("call", "0,1"),
    ("roam", "0,1"),
    ("smsfull", "0,1"),
    ("gprs", "0-2"),
    ("callsetup", "0-3"),
    ("callheld", "0,1"),
    ("simind", "0-2"),
];

/// `<ind>` of the indicators that change by themselves: signal, service, roam, gprs.
const SIGNAL: usize = 2;
const SERVICE: usize = 3;
const ROAM: usize = 7;
const GPRS: usize = 9;

/// `+CPAS`, phone activity status (3GPP 27.007 §8.1): `+CPAS: 0`, ready; there are no calls.
fn activity(_: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => Ok(Reply::line("+CPAS: 0")),
        // Source: AT manual UBX-17003787 R16, p. 30.
        Form::Test => Ok(Reply::line("+CPAS: (0,3,4)")),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CBC`, battery charge (3GPP 27.007 §8.4): `+CBC: 0,100`, always: powered by a full battery.
fn battery(_: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => Ok(Reply::line("+CBC: 0,100")),
        Form::Test => Ok(Reply::line("+CBC: (0-3),(0-100)")),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CIND`, indicator control (3GPP 27.007 §8.9).
///
/// | form | response |
/// |---|---|
/// | `AT+CIND=[<ind>,…]` | |
/// | `AT+CIND?` | `+CIND: <value>,…` |
/// | `AT+CIND=?` | `+CIND: ("<descr>",(<range>)),…` |
///
/// Signal, service, roam, gprs and simind follow the module; the others never change. A set is accepted
/// and changes nothing. Source: AT manual UBX-17003787 R09, p. 30.
fn indicators(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            while !args.is_empty() {
                args.optional_number(0..=u16::MAX)?;
            }
            Ok(Reply::OK)
        }
        Form::Read => {
            let values: Vec<_> = values(context.module).iter().map(u8::to_string).collect();
            Ok(Reply::line(format!("+CIND: {}", values.join(","))))
        }
        Form::Test => {
            let all: Vec<_> =
                INDICATORS.iter().map(|(name, range)| format!("(\"{name}\",({range}))")).collect();
            Ok(Reply::line(format!("+CIND: {}", all.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

fn values(module: &Module) -> [u8; 12] {
    let registered = module.network().is_registered();
    let gprs = match (registered, module.packet().attached) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let sim = module.sim_state() != SimState::Dead;
    let signal = if registered { 5 } else { 0 };
    let roaming = module.network().state == Registration::Roaming;
    [5, signal, u8::from(registered), 0, 0, 0, u8::from(roaming), 0, gprs, 0, 0, u8::from(sim)]
}

/// `+CMER`, mobile termination event reporting (3GPP 27.007 §8.10).
///
/// | form | response |
/// |---|---|
/// | `AT+CMER=[<mode>[,<keyp>[,<disp>[,<ind>[,<bfr>]]]]]` | |
/// | `AT+CMER?` | `+CMER: <mode>,<keyp>,<disp>,<ind>,<bfr>` |
///
/// With `<mode>` and `<ind>` other than 0 the URC `+CIEV: <ind>,<value>` tells of signal, service,
/// roam and gprs. Forgotten at power-off. Source: AT manual UBX-17003787 R09, p. 32.
fn event_reporting(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=3u8)?.unwrap_or(0);
            args.optional_number(0..=0u8)?;
            args.optional_number(0..=0u8)?;
            let indicators = args.optional_number(0..=2u8)?.unwrap_or(0);
            let flush = args.optional_number(0..=1u8)?.unwrap_or(0);
            args.finish()?;
            context.interface.indicators = IndicatorReport { mode, indicators, flush };
            Ok(Reply::OK)
        }
        Form::Read => {
            let IndicatorReport { mode, indicators, flush } = context.interface.indicators;
            Ok(Reply::line(format!("+CMER: {mode},0,0,{indicators},{flush}")))
        }
        Form::Test => Ok(Reply::line("+CMER: (0-3),(0),(0),(0-2),(0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CIEV` after a change of registration, or of the attach.
pub(super) fn changed(module: &Module, report: IndicatorReport, registration: bool) -> Vec<Line> {
    if report.mode == 0 || report.indicators == 0 {
        return Vec::new();
    }
    let values = values(module);
    let which: &[usize] = if registration { &[SIGNAL, SERVICE, ROAM, GPRS] } else { &[GPRS] };
    which.iter().map(|ind| Line::from(format!("+CIEV: {ind},{}", values[ind - 1]))).collect()
}

/// The chapter's table, its second part.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CPAS", run: activity },
    Command { name: "+CIND", run: indicators },
    Command { name: "+CMER", run: event_reporting },
];

/// What is stored and shown only.
pub const STORED: &[Command] = &[Command { name: "+CBC", run: battery }];
