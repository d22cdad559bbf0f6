//! Chapter *System features*, and whatever else is configured once: greeting, interfaces.

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::configuration::{GnssProfile, Greeting, PortFilter};

/// Longest greeting text. `designed`
const GREETING_LEN_MAX: usize = 64;
/// What `+UTEMP` shows: 25 °C, 77 °F. `designed`
const TEMPERATURE_C: u8 = 25;
const TEMPERATURE_F: u8 = 77;

/// `+CSGT`, set greeting text.
///
/// | form | response |
/// |---|---|
/// | `AT+CSGT=<mode>[,"<text>"]` | |
/// | `AT+CSGT?` | `+CSGT: "<text>",<mode>` |
///
/// With `<mode>` 1 the text is a line on every port at each boot. Kept at once. Source: driver.
fn greeting(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let kept = context.module.nvm().configuration.greeting.clone();
    let kept = kept.unwrap_or(Greeting { on: false, text: String::new() });
    match form {
        Form::Set(mut args) => {
            let on = args.number(0..=1u8)? == 1;
            let text = args.optional_string(GREETING_LEN_MAX)?.unwrap_or(kept.text);
            args.finish()?;
            if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                return Err(CmeError::INVALID_CHARACTERS_IN_TEXT_STRING.into());
            }
            context.module.change_settings(|nvm| nvm.configuration.greeting = Some(Greeting { on, text }));
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+CSGT: \"{}\",{}", kept.text, u8::from(kept.on)))),
        Form::Test => Ok(Reply::line(format!("+CSGT: (0-1),({GREETING_LEN_MAX})"))),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UFACTORY`, restore factory configuration: `AT+UFACTORY=<fs_op>,<nvm_op>`.
///
/// With `<nvm_op>` 1 or 2 the next boot restores every setting; identity, SIM, clock and all of
/// security stay. There are no files here, so `<fs_op>` has nothing to do. Source: driver.
fn restore_factory(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let _files = args.number(0..=2u8)?;
            let settings = args.number(0..=2u8)? > 0;
            args.finish()?;
            context.module.change_settings(|nvm| nvm.configuration.restore_factory = settings);
            Ok(Reply::OK)
        }
        Form::Test => Ok(Reply::line("+UFACTORY: (0-2),(0-2)")),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// `+UDCONF`, socket configuration: HEX mode.
///
/// | form | response |
/// |---|---|
/// | `AT+UDCONF=1,<on>` | |
/// | `AT+UDCONF=1` | `+UDCONF: 1,<on>` |
///
/// Stored and shown only until there are sockets. In RAM; SARA-R5 01B keeps it at once. Source:
/// driver.
fn socket_configuration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            args.number(1..=1u8)?;
            if args.is_empty() {
                let on = context.module.in_force().hex_mode;
                return Ok(Reply::line(format!("+UDCONF: 1,{}", u8::from(on))));
            }
            let on = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.change_until_boot(|in_force| in_force.hex_mode = on);
            if context.module.profile().system.hex_mode_kept {
                context.module.change_settings(|nvm| nvm.configuration.hex_mode = on);
            }
            Ok(Reply::OK)
        }
        Form::Test => Ok(Reply::line("+UDCONF: (1),(0-1)")),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// `+USIO`, serial interfaces configuration.
///
/// | form | response |
/// |---|---|
/// | `AT+USIO=<variant>` | |
/// | `AT+USIO?` | `+USIO: <after the next boot>,*<in use>` |
///
/// Stored and shown only: the ports are the program's options. Kept at once. Source: driver.
fn serial_interfaces(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let variants = &context.module.profile().system.usio_variants;
    match form {
        Form::Set(mut args) => {
            let variant = args.number(0..=255u8)?;
            args.finish()?;
            if !variants.contains(&variant) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            context.module.change_settings(|nvm| nvm.configuration.usio = variant);
            Ok(Reply::OK)
        }
        Form::Read => {
            let next = context.module.nvm().configuration.usio;
            Ok(Reply::line(format!("+USIO: {next},*{}", context.module.in_force().usio)))
        }
        Form::Test => {
            let variants: Vec<_> = variants.iter().map(u8::to_string).collect();
            Ok(Reply::line(format!("+USIO: ({})", variants.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+UCTS`, CTS line control: `AT+UCTS=<mode>`, `AT+UCTS?` → `+UCTS: <mode>`. Stored and shown
/// only: a pseudo-terminal has no such line. Kept at once. Source: driver.
fn cts_control(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.number(0..=2u8)?;
            args.finish()?;
            context.module.change_settings(|nvm| nvm.configuration.cts = mode);
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+UCTS: {}", context.module.nvm().configuration.cts))),
        Form::Test => Ok(Reply::line("+UCTS: (0-2)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+ULWM2M`, LwM2M client: `AT+ULWM2M=<off>`, `AT+ULWM2M?` → `+ULWM2M: <off>`; 0 enables, 1
/// disables. Stored and shown only: there is no client. In RAM; SARA-R5 keeps it at once.
/// Source: manual, driver.
fn lwm2m(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let off = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.change_until_boot(|in_force| in_force.lwm2m_off = off);
            if context.module.profile().system.lwm2m_kept {
                context.module.change_settings(|nvm| nvm.configuration.lwm2m_off = off);
            }
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+ULWM2M: {}", u8::from(context.module.in_force().lwm2m_off)))),
        Form::Test => Ok(Reply::line("+ULWM2M: (0-1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UTEMP`, internal temperature: `AT+UTEMP=<unit>` (0 Celsius, 1 Fahrenheit, in RAM),
/// `AT+UTEMP?` → `+UTEMP: <degrees>`. Always 25 °C. Source: driver for the answer, else designed.
fn temperature(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let fahrenheit = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.change_until_boot(|in_force| in_force.fahrenheit = fahrenheit);
            Ok(Reply::OK)
        }
        Form::Read => {
            let degrees = if context.module.in_force().fahrenheit { TEMPERATURE_F } else { TEMPERATURE_C };
            Ok(Reply::line(format!("+UTEMP: {degrees}")))
        }
        Form::Test => Ok(Reply::line("+UTEMP: (0-1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UGPRF`, GNSS profile configuration.
///
/// | form | response |
/// |---|---|
/// | `AT+UGPRF=<bits>[,<port>,"<server>"]` | |
/// | `AT+UGPRF?` | `+UGPRF: <bits>[,<port>,"<server>"]` |
///
/// Where the data of the GNSS receiver go. Stored and shown only: there is no receiver. Kept at
/// once. Source: driver.
fn gnss_profile(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let bits = args.number(0..=127u8)?;
            let port = args.optional_number(0..=u16::MAX)?.unwrap_or(0);
            let server = args.optional_string(64)?.unwrap_or_default();
            args.finish()?;
            let profile = GnssProfile { bits, port, server };
            context.module.change_settings(|nvm| nvm.configuration.gnss = profile);
            Ok(Reply::OK)
        }
        Form::Read => {
            let GnssProfile { bits, port, server } = &context.module.nvm().configuration.gnss;
            let server = if server.is_empty() { String::new() } else { format!(",{port},\"{server}\"") };
            Ok(Reply::line(format!("+UGPRF: {bits}{server}")))
        }
        Form::Test => Ok(Reply::line("+UGPRF: (0-127),(0-65535),(64)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UEMBPF`, port filtering for embedded applications.
///
/// | form | response |
/// |---|---|
/// | `AT+UEMBPF=<mode>[,"<first port>-<last port>"]` | |
/// | `AT+UEMBPF?` | `+UEMBPF: <mode>,"<first port>-<last port>"` |
///
/// Stored and shown only: there is no dial-up connection to filter. Kept at once. Source: driver;
/// the range from the factory: manual, UBX-20032566 R05, p. 26.
fn port_filter(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let on = args.number(0..=1u8)? == 1;
            let range = args.optional_string(16)?;
            args.finish()?;
            let ports = |range: String| PortFilter::parse(on, &range).ok_or(CmeError::INCORRECT_PARAMETERS);
            let kept = context.module.nvm().configuration.port_filter;
            let filter = range.map(ports).transpose()?.unwrap_or(PortFilter { on, ..kept });
            context.module.change_settings(|nvm| nvm.configuration.port_filter = filter);
            Ok(Reply::OK)
        }
        Form::Read => {
            let PortFilter { on, first, last } = context.module.nvm().configuration.port_filter;
            Ok(Reply::line(format!("+UEMBPF: {},\"{first}-{last}\"", u8::from(on))))
        }
        Form::Test => Ok(Reply::line("+UEMBPF: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] =
    &[Command { name: "+CSGT", run: greeting }, Command { name: "+UFACTORY", run: restore_factory }];

/// What is stored and shown only.
pub const STORED: &[Command] = &[
    Command { name: "+UDCONF", run: socket_configuration },
    Command { name: "+USIO", run: serial_interfaces },
    Command { name: "+UCTS", run: cts_control },
    Command { name: "+ULWM2M", run: lwm2m },
    Command { name: "+UTEMP", run: temperature },
    Command { name: "+UGPRF", run: gnss_profile },
    Command { name: "+UEMBPF", run: port_filter },
];
