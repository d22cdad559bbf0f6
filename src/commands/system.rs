//! Chapter *System features*, and whatever else is configured once: MNO profile, bands, greeting.

use crate::at::{CmeError, Failure, Form, Line};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::configuration::{BandMask, Greeting};
use crate::profile::Rat;

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

/// `+UMNOPROF`, set MNO profile.
///
/// | form | response |
/// |---|---|
/// | `AT+UMNOPROF=<profile>` | |
/// | `AT+UMNOPROF?` | `+UMNOPROF: <profile>` |
///
/// Only while not registered; takes the bands back to the factory's. Stored and shown only
/// otherwise. Kept at once. Source: manual, driver.
fn mno_profile(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let known = &context.module.profile().network.mno_profiles;
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=999u16)?;
            args.finish()?;
            if !known.contains(&number) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            only_deregistered(context)?;
            context.module.change_settings(|nvm| {
                nvm.configuration.mno_profile = Some(number);
                nvm.configuration.bands.clear();
            });
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+UMNOPROF: {}", context.module.mno_profile()))),
        Form::Test => {
            let known: Vec<_> = known.iter().map(u16::to_string).collect();
            Ok(Reply::line(format!("+UMNOPROF: ({})", known.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+UBANDMASK`, band selection bitmask.
///
/// | form | response |
/// |---|---|
/// | `AT+UBANDMASK=<RAT>,<mask 1-64>[,<mask 65-128>]` | |
/// | `AT+UBANDMASK?` | `+UBANDMASK: <RAT>,<mask>[,<mask>][,<RAT>,<mask>[,<mask>]…]` |
///
/// `<RAT>` 0 LTE-M, 1 NB-IoT, 2 GSM. SARA-R5 shows the technology in use, SARA-R4 all of them.
/// Only while not registered. Stored and shown only: the network is heard on any band. Kept at
/// once. Source: AT manual UBX-17003787 R16, p. 67; driver.
fn band_mask(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let facts = &context.module.profile().network;
    match form {
        Form::Set(mut args) => {
            let code = args.number(0..=2u8)?;
            let rat = facts.rats.iter().map(|facts| facts.rat).find(|rat| band_code(*rat) == code);
            let rat = rat.ok_or(CmeError::INCORRECT_PARAMETERS)?;
            let low = args.number(0..=i64::MAX)?.cast_unsigned();
            let high = args.optional_number(0..=i64::MAX)?.unwrap_or(0).cast_unsigned();
            args.finish()?;
            let fits = if rat == Rat::Gsm { low & !GSM_BANDS == 0 && high == 0 } else { true };
            if !fits || (low, high) == (0, 0) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            only_deregistered(context)?;
            context.module.change_settings(|nvm| {
                nvm.configuration.bands.retain(|mask| mask.rat != rat);
                nvm.configuration.bands.push(BandMask { rat, low, high });
            });
            Ok(Reply::OK)
        }
        Form::Read => {
            let all = facts.bandmask_of_all_rats;
            let in_use = context.module.network().rat;
            let shown = facts.rats.iter().filter(|facts| all || facts.rat == in_use);
            let masks: Vec<_> = shown.map(|facts| shown_mask(context.module.band_mask(facts))).collect();
            Ok(Reply::line(format!("+UBANDMASK: {}", masks.join(","))))
        }
        Form::Test => {
            let codes: Vec<_> = facts.rats.iter().map(|facts| band_code(facts.rat).to_string()).collect();
            let any = "0xffffffffffffffff";
            Ok(Reply::line(format!("+UBANDMASK: ({}),{any},{any}", codes.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// Bits of 1800, 900, 850 and 1900 MHz. Source: AT manual UBX-17003787 R16, p. 67.
const GSM_BANDS: u64 = 1 << 8 | 1 << 9 | 1 << 20 | 1 << 22;

fn band_code(rat: Rat) -> u8 {
    match rat {
        Rat::LteM => 0,
        Rat::NbIot => 1,
        Rat::Gsm => 2,
    }
}

/// A second mask of nothing is left out on SARA-R4 with its one line for all.
fn shown_mask(mask: BandMask) -> String {
    let code = band_code(mask.rat);
    match mask {
        BandMask { rat: Rat::Gsm, low, .. } | BandMask { low, high: 0, .. } => format!("{code},{low}"),
        BandMask { low, high, .. } => format!("{code},{low},{high}"),
    }
}

fn only_deregistered(context: &Context<'_>) -> Result<(), Failure> {
    match context.module.network().is_registered() {
        true => Err(CmeError::OPERATION_NOT_ALLOWED.into()),
        false => Ok(()),
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
        Form::Test => Ok(Reply::line(Line::from("+UTEMP: (0-1)"))),
        Form::Action => Err(no_such_form()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] =
    &[Command { name: "+CSGT", run: greeting }, Command { name: "+UFACTORY", run: restore_factory }];

/// What is stored and shown only.
pub const STORED: &[Command] = &[
    Command { name: "+UMNOPROF", run: mno_profile },
    Command { name: "+UBANDMASK", run: band_mask },
    Command { name: "+UDCONF", run: socket_configuration },
    Command { name: "+USIO", run: serial_interfaces },
    Command { name: "+UCTS", run: cts_control },
    Command { name: "+ULWM2M", run: lwm2m },
    Command { name: "+UTEMP", run: temperature },
];
