//! Chapter *General*: who the module is.

use crate::at::{CmeError, Failure, Form, Line};
use crate::commands::{Command, Context, Reply, character_set, no_such_form};
use crate::profile::Identity;

/// `+CGMI`, `+GMI`, manufacturer identification (3GPP 27.007 §5.1, V.250 §6.1.4).
fn manufacturer(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    identity(context, form, |identity| identity.manufacturer.clone())
}

/// `+CGMM`, `+GMM`, model identification (3GPP 27.007 §5.2, V.250 §6.1.5).
fn model(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    identity(context, form, |identity| identity.model.clone())
}

/// `+CGMR`, `+GMR`, firmware version identification (3GPP 27.007 §5.3, V.250 §6.1.6).
fn revision(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    identity(context, form, |identity| identity.modem_version.clone())
}

/// `+CGSN`, `+GSN`, IMEI identification (3GPP 27.007 §5.4, V.250 §6.1.7).
///
/// | form | response |
/// |---|---|
/// | `AT+CGSN` | `<IMEI>` |
/// | `AT+CGSN=<snt>` | 0, 255: `<IMEI>`; 1: `+CGSN: "<IMEI>"`; 2: `+CGSN: "<IMEISV>"`; 3: `+CGSN: "<SVN>"` |
///
/// SARA-R4 has no `<snt>`. Source: manual.
fn serial_number(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let imei = &context.module.nvm().identity.imei;
    match form {
        Form::Action => Ok(Reply::line(imei.as_str())),
        Form::Set(mut args) if context.module.profile().identity.cgsn_with_type => {
            let kind = args.number(0..=255u8)?;
            args.finish()?;
            let body: String = imei.chars().take(14).collect();
            match kind {
                0 | 255 => Ok(Reply::line(imei.as_str())),
                1 => Ok(Reply::line(format!("+CGSN: \"{imei}\""))),
                2 => Ok(Reply::line(format!("+CGSN: \"{body}{SOFTWARE_VERSION}\""))),
                3 => Ok(Reply::line(format!("+CGSN: \"{SOFTWARE_VERSION}\""))),
                _ => Err(CmeError::INCORRECT_PARAMETERS.into()),
            }
        }
        Form::Test if context.module.profile().identity.cgsn_with_type => Ok(Reply::line("+CGSN: (0-3,255)")),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `I`, identification information (V.250 §6.1.3): `I` and `I0` give the type number, `I9` the modem
/// and application versions. Source: manual.
fn identification(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let identity = &context.module.profile().identity;
    match super::v25ter::number(form)? {
        0 => Ok(Reply::line(identity.type_number.as_str())),
        9 => Ok(Reply::line(format!("{},{}", identity.modem_version, identity.application_version))),
        _ => Err(CmeError::OPERATION_NOT_SUPPORTED.into()),
    }
}

/// `+CLAC`, list all available commands (3GPP 27.007 §8.37).
fn list_commands(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let lines = context.vocabulary.names().map(|name| Line::from(format!("AT{name}")));
            Ok(Reply::Lines(lines.collect()))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// The software version number of an IMEISV (3GPP 23.003 §6.2.2). Source: manual, an example.
const SOFTWARE_VERSION: &str = "01";

fn identity(
    context: &Context<'_>,
    form: Form,
    field: impl FnOnce(&Identity) -> String,
) -> Result<Reply, Failure> {
    match form {
        Form::Action => Ok(Reply::line(field(&context.module.profile().identity))),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CGMI", run: manufacturer },
    Command { name: "+GMI", run: manufacturer },
    Command { name: "+CGMM", run: model },
    Command { name: "+GMM", run: model },
    Command { name: "+CGMR", run: revision },
    Command { name: "+GMR", run: revision },
    Command { name: "+CGSN", run: serial_number },
    Command { name: "+GSN", run: serial_number },
    Command { name: "I", run: identification },
    Command { name: "+CLAC", run: list_commands },
    Command { name: "+CSCS", run: character_set::select },
];
