//! Chapter *V24 control and V25ter*: echo, result codes, S-registers, stored profiles.

use crate::at::{CmeError, Failure, Form, Line, Registers, Settings};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::settings::{Framing, StoredProfile};

/// `E`, command echo (V.250 §6.2.4).
fn echo(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    switch(&mut context.settings.echo, form)
}

/// `H`, hook control (V.250 §6.3.6): `H0` ends a call, and there is none to end.
fn hook(_: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    if number(form)? == 0 { Ok(Reply::OK) } else { Err(CmeError::INCORRECT_PARAMETERS.into()) }
}

/// `Q`, result code suppression (V.250 §6.2.5).
fn quiet(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    switch(&mut context.settings.quiet, form)
}

/// `V`, DCE response format (V.250 §6.2.6).
fn verbose(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    switch(&mut context.settings.verbose, form)
}

/// `X`, result code selection and call progress monitoring (V.250 §6.2.7).
fn call_progress(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    choice(&mut context.settings.call_progress, form, &[0, 1, 2, 3, 4])
}

/// `&C`, circuit 109 (DCD) behaviour (V.250 §6.2.8): 0 always on, 1 on with a carrier, which only a
/// data call has. Source: manual.
fn circuit_109(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    choice(&mut context.settings.circuit_109, form, &[0, 1])
}

/// `&D`, circuit 108/2 (DTR) behaviour (V.250 §6.2.9): what a drop does to a data call, 0 nothing,
/// 1 online command state, 2 hang up. In command state it has no action. Source: manual.
fn circuit_108(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    choice(&mut context.settings.circuit_108, form, &[0, 1, 2])
}

/// `&S`, circuit 107 (DSR) behaviour: 0 always on, 1 on in data state. Source: manual.
fn circuit_107(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    choice(&mut context.settings.circuit_107, form, &[0, 1])
}

/// `&K`, flow control: 0 none, 3 RTS/CTS (manual); 4 and 5 XON/XOFF, 6 both (designed: as other makers
/// have them). It rules the output of the module and its CTS; what finds no room is lost.
fn flow_control(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    choice(&mut context.settings.flow_control, form, &[0, 3, 4, 5, 6])
}

/// `S`, S-registers (V.250 §5.3.2): `S<n>=<value>`, `S<n>?` → three digits.
fn register(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let Form::Set(mut args) = form else { return Err(no_such_form()) };
    let number = args.number(0..=255u8)?;
    if args.is_empty() {
        let value = context.settings.register(number).ok_or(CmeError::OPERATION_NOT_SUPPORTED)?;
        return Ok(Reply::line(format!("{value:03}")));
    }
    let value = args.optional_number(0..=255u8)?.unwrap_or(0);
    args.finish()?;
    context.settings.set_register(number, value)?;
    Ok(Reply::OK)
}

/// `Z`, reset to the stored profile (V.250 §6.1.1).
fn recall(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    only_profile_0(form)?;
    let stored = context.module.nvm().stored_profile.clone();
    restore(context, stored.unwrap_or_else(|| StoredProfile::factory(context.module.profile())));
    Ok(Reply::OK)
}

/// `&F`, set to factory-defined configuration (V.250 §6.1.2).
fn factory(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    only_profile_0(form)?;
    restore(context, StoredProfile::factory(context.module.profile()));
    Ok(Reply::OK)
}

/// `&W`, store the current configuration; what `Z` and the next power-on restore.
fn store(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    only_profile_0(form)?;
    let profile = StoredProfile { v250: context.settings.clone(), interface: context.interface.kept() };
    context.module.change_settings(|nvm| nvm.stored_profile = Some(profile));
    Ok(Reply::OK)
}

/// `&V`, display the current configuration. Hosts look for the heading, pass over the line behind it
/// and look for ` +IPR:` in the next (driver); the rest of the layout is designed.
fn display(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    only_profile_0(form)?;
    let (settings, interface) = (&*context.settings, &*context.interface);
    let registers = Registers::NUMBERS
        .iter()
        .filter_map(|number| Some(format!("S{number}:{:03}", settings.register(*number)?)))
        .collect::<Vec<_>>();
    let (flow, Framing { format, parity }) = (local_flow(settings), interface.framing);
    Ok(Reply::Lines(vec![
        Line::from("ACTIVE PROFILE:"),
        Line::from(format!("{}, {},", basic_parameters(settings), registers.join(", "))),
        Line::from(format!("+ICF:{format},{parity}, +IFC:{flow},{flow}, +IPR:{},", interface.rate_bps)),
        Line::from(format!(
            "+CREG:{}, +CGREG:{}, +CEREG:{}, +CMEE:{}, +COPS:{}, +UPSV:{}",
            interface.creg,
            interface.cgreg,
            interface.cereg,
            settings.cmee,
            context.module.network().operator_mode,
            interface.uart_power_saving.mode
        )),
    ]))
}

fn basic_parameters(settings: &Settings) -> String {
    format!(
        "&C{}, &D{}, &S{}, &K{}, E{}, Q{}, V{}, X{}",
        settings.circuit_109,
        settings.circuit_108,
        settings.circuit_107,
        settings.flow_control,
        u8::from(settings.echo),
        u8::from(settings.quiet),
        u8::from(settings.verbose),
        settings.call_progress
    )
}

/// `+IPR`, fixed DTE rate (V.250 §6.2.10).
///
/// | form | response |
/// |---|---|
/// | `AT+IPR=<rate>` | |
/// | `AT+IPR?` | `+IPR: <rate>` |
///
/// The `OK` leaves at the old rate, then the new one is in force; `AT&W` keeps it. A host at another
/// rate sends and receives garbage, from the first `AT+IPR=` on. 0 is autobauding: the next `AT` or
/// `at` tells the rate, which then stays until the next power-on (manual); what was found is shown,
/// and on a port without a rate that is 115200 (driver: never 0).
fn fixed_rate(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let rate = args.number(0..=u32::MAX)?;
            args.finish()?;
            if !context.module.profile().at.rates_bps.contains(&rate) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            context.interface.rate_bps = rate;
            context.interface.rate_chosen = true;
            Ok(Reply::OK)
        }
        Form::Read => {
            let set = Some(context.interface.rate_bps).filter(|rate| *rate > 0);
            let rate = set.unwrap_or(context.detected_bps);
            Ok(Reply::line(format!("+IPR: {rate}")))
        }
        Form::Test => {
            let rates: Vec<_> = context.module.profile().at.rates_bps.iter().map(u32::to_string).collect();
            Ok(Reply::line(format!("+IPR: ({}),()", rates.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+IFC`, DTE-DCE local flow control (V.250 §6.2.12).
///
/// | form | response |
/// |---|---|
/// | `AT+IFC=[<by DTE>[,<by DCE>]]` | |
/// | `AT+IFC?` | `+IFC: <by DTE>,<by DCE>` |
///
/// 0 none, 1 XON/XOFF, 2 RTS/CTS; both alike. The same setting as `&K`, kept by `AT&W`.
fn local_flow_control(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let by_dte = args.optional_number(0..=2u8)?.unwrap_or(2);
            let by_dce = args.optional_number(0..=2u8)?.unwrap_or(by_dte);
            args.finish()?;
            context.settings.flow_control = match (by_dte, by_dce) {
                (0, 0) => 0,
                (1, 1) => 4,
                (2, 2) => 3,
                _ => return Err(CmeError::INCORRECT_PARAMETERS.into()),
            };
            Ok(Reply::OK)
        }
        Form::Read => {
            let kind = local_flow(context.settings);
            Ok(Reply::line(format!("+IFC: {kind},{kind}")))
        }
        Form::Test => Ok(Reply::line("+IFC: (0-2),(0-2)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `&K` as `+IFC` says it.
fn local_flow(settings: &Settings) -> u8 {
    match settings.flow_control {
        3 | 6 => 2,
        4 | 5 => 1,
        _ => 0,
    }
}

/// `+ICF`, DTE-DCE character framing (V.250 §6.2.11).
///
/// | form | response |
/// |---|---|
/// | `AT+ICF=<format>[,<parity>]` | |
/// | `AT+ICF?` | `+ICF: <format>,<parity>` |
///
/// Formats 0 to 6, 3 is 8N1; parity 0 odd, 1 even. Stored and shown only: no port here has frames.
/// Kept by `AT&W`.
fn character_framing(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let format = args.number(0..=6u8)?;
            let parity = args.optional_number(0..=1u8)?.unwrap_or(Framing::default().parity);
            args.finish()?;
            context.interface.framing = Framing { format, parity };
            Ok(Reply::OK)
        }
        Form::Read => {
            let Framing { format, parity } = context.interface.framing;
            Ok(Reply::line(format!("+ICF: {format},{parity}")))
        }
        Form::Test => Ok(Reply::line("+ICF: (0-6),(0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+GCAP`, request complete capabilities list (V.250 §6.1.9).
fn capabilities(_: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => Ok(Reply::line("+GCAP: +FCLASS,+CGSM")),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+FCLASS`, service class (T.31): 0, data, is the only one.
fn service_class(_: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            args.number(0..=0u8)?;
            args.finish()?;
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line("0")),
        Form::Test => Ok(Reply::line("(0)")),
        Form::Action => Err(no_such_form()),
    }
}

fn restore(context: &mut Context<'_>, profile: StoredProfile) {
    *context.settings = profile.v250;
    *context.interface = profile.interface;
}

/// The number behind a basic command; none is 0 (V.250 §5.3.1).
pub(super) fn number(form: Form) -> Result<u8, Failure> {
    match form {
        Form::Action => Ok(0),
        Form::Set(mut args) => {
            let number = args.number(0..=255u8)?;
            args.finish()?;
            Ok(number)
        }
        Form::Read | Form::Test => Err(no_such_form()),
    }
}

fn only_profile_0(form: Form) -> Result<(), Failure> {
    if number(form)? == 0 { Ok(()) } else { Err(CmeError::INCORRECT_PARAMETERS.into()) }
}

fn switch(place: &mut bool, form: Form) -> Result<Reply, Failure> {
    let mut value = u8::from(*place);
    let reply = choice(&mut value, form, &[0, 1])?;
    *place = value == 1;
    Ok(reply)
}

fn choice(place: &mut u8, form: Form, allowed: &[u8]) -> Result<Reply, Failure> {
    let value = number(form)?;
    if !allowed.contains(&value) {
        return Err(CmeError::INCORRECT_PARAMETERS.into());
    }
    *place = value;
    Ok(Reply::OK)
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "E", run: echo },
    Command { name: "H", run: hook },
    Command { name: "Q", run: quiet },
    Command { name: "V", run: verbose },
    Command { name: "S", run: register },
    Command { name: "Z", run: recall },
    Command { name: "&F", run: factory },
    Command { name: "&W", run: store },
    Command { name: "&V", run: display },
    Command { name: "&C", run: circuit_109 },
    Command { name: "&D", run: circuit_108 },
    Command { name: "&S", run: circuit_107 },
    Command { name: "&K", run: flow_control },
    Command { name: "+IPR", run: fixed_rate },
    Command { name: "+IFC", run: local_flow_control },
    Command { name: "+GCAP", run: capabilities },
    Command { name: "+FCLASS", run: service_class },
];

/// What is stored and shown only.
pub const STORED: &[Command] =
    &[Command { name: "X", run: call_progress }, Command { name: "+ICF", run: character_framing }];
