//! Chapter *GPIO*: functions of the general purpose pins.

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::gpio::{INPUT, OUTPUT, Pin};

/// `+UGPIOC`, GPIO select configuration.
///
/// | form | response |
/// |---|---|
/// | `AT+UGPIOC=<gpio_id>,<gpio_mode>[,<value>]` | |
/// | `AT+UGPIOC?` | `+UGPIOC:`, then `<gpio_id>,<gpio_mode>` per pin |
///
/// 0 output (`<value>` its level after power-on), 1 input (`<value>` its pull: 0 none, 1 up, 2
/// down), 255 disabled. Other functions are kept and shown, and no signal follows them; each can
/// be on one pin only. Kept at once. Source: driver.
fn configuration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let facts = &context.module.profile().gpio;
    match form {
        Form::Set(mut args) => {
            let id = pin_id(context, &mut args)?;
            let mode = args.number(0..=255u8)?;
            let value_max = match mode {
                OUTPUT => 1,
                INPUT => 2,
                _ => 255,
            };
            let value = args.optional_number(0..=value_max)?.unwrap_or(0);
            args.finish()?;
            if !context.module.profile().gpio.modes.contains(&mode) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            match context.module.request_pin_function(Pin { id, mode, value }) {
                true => Ok(Reply::OK),
                false => Err(CmeError::OPERATION_NOT_ALLOWED.into()),
            }
        }
        Form::Read => {
            let pin = |id: &u8| Line::from(format!("{id},{}", context.module.pin(*id).mode));
            Ok(Reply::Lines([Line::from("+UGPIOC:")].into_iter().chain(facts.pins.iter().map(pin)).collect()))
        }
        Form::Test => {
            let list = |numbers: Vec<String>| numbers.join(",");
            let pins = list(facts.pins.iter().map(u8::to_string).collect());
            let modes = list(facts.modes.iter().map(u8::to_string).collect());
            Ok(Reply::line(format!("+UGPIOC: ({pins}),({modes})")))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+UGPIOR`, GPIO read: `AT+UGPIOR=<gpio_id>` → `+UGPIOR: <gpio_id>,<level>`, of an input or
/// output. Source: driver.
fn read(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let id = pin_id(context, &mut args)?;
            args.finish()?;
            let level = context.module.level(id).ok_or(CmeError::OPERATION_NOT_ALLOWED)?;
            Ok(Reply::line(format!("+UGPIOR: {id},{}", u8::from(level))))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// `+UGPIOW`, set GPIO: `AT+UGPIOW=<gpio_id>,<level>`, of an output; until the next boot.
/// Source: driver.
fn write(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let id = pin_id(context, &mut args)?;
            let level = args.number(0..=1u8)?;
            args.finish()?;
            match context.module.request_level(id, level == 1) {
                true => Ok(Reply::OK),
                false => Err(CmeError::OPERATION_NOT_ALLOWED.into()),
            }
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

fn pin_id(context: &Context<'_>, args: &mut Args) -> Result<u8, Failure> {
    let id = args.number(0..=255u8)?;
    let known = context.module.profile().gpio.pins.contains(&id);
    if known { Ok(id) } else { Err(CmeError::INCORRECT_PARAMETERS.into()) }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+UGPIOC", run: configuration },
    Command { name: "+UGPIOR", run: read },
    Command { name: "+UGPIOW", run: write },
];
