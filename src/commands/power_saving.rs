//! Chapter *Power management*: PSM, eDRX, power saving of the UART.

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::Module;
use crate::module::power_saving::{Edrx, Psm, TimerBits};
use crate::module::settings::UartPowerSaving;
use crate::profile::Rat;

/// `+CPSMS`, power saving mode (3GPP 27.007 §7.38).
///
/// | form | response |
/// |---|---|
/// | `AT+CPSMS=[<mode>[,,,"<Periodic-TAU>","<Active-Time>"]]` | |
/// | `AT+CPSMS?` | `+CPSMS: <mode>,,,"<Periodic-TAU>","<Active-Time>"` |
///
/// 0 off, 1 on, 2 or nothing off with the factory's timers. Kept at once; in use at once on
/// SARA-R5 and after a reboot on SARA-R4. The network grants what is asked for.
fn psm(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=2u8)?;
            let kept = context.module.nvm().power_saving.psm;
            // Timers of GERAN and UTRAN: accepted and without effect.
            timer(&mut args)?;
            timer(&mut args)?;
            let periodic_tau = timer(&mut args)?.unwrap_or(kept.periodic_tau);
            let active_time = timer(&mut args)?.unwrap_or(kept.active_time);
            args.finish()?;
            let wanted = match mode {
                Some(mode @ (0 | 1)) => Psm { on: mode == 1, periodic_tau, active_time },
                _ => Psm::default(),
            };
            context.module.request_psm(wanted, context.now);
            Ok(Reply::OK)
        }
        Form::Read => {
            let space = if context.module.profile().power_saving.cpsms_space { " " } else { "" };
            let psm = context.module.nvm().power_saving.psm;
            Ok(Reply::line(format!("+CPSMS:{space}{}", shown(psm))))
        }
        Form::Test => {
            let range = "(\"00000000\"-\"11111111\")";
            Ok(Reply::line(format!("+CPSMS: (0,1,2),,,{range},{range}")))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+UCPSMS`, PSM as the network granted it: `+UCPSMS: <mode>,,,"<Periodic-TAU>","<Active-Time>"`,
/// or `+UCPSMS: 0`. Source: AT manual UBX-17003787 R09, p. 158.
fn granted_psm(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Read => Ok(Reply::line(match context.module.granted_psm() {
            Some(psm) => format!("+UCPSMS: {}", shown(psm)),
            None => "+UCPSMS: 0".to_owned(),
        })),
        Form::Test => Ok(Reply::OK),
        Form::Set(_) | Form::Action => Err(no_such_form()),
    }
}

fn shown(psm: Psm) -> String {
    format!("{},,,\"{}\",\"{}\"", u8::from(psm.on), psm.periodic_tau, psm.active_time)
}

fn timer(args: &mut Args) -> Result<Option<TimerBits>, Failure> {
    let text = args.optional_string(8)?;
    text.map(|text| TimerBits::parse(&text).ok_or(CmeError::INCORRECT_PARAMETERS.into())).transpose()
}

/// `+UPSMR`, PSM indication: whether the URC `+UUPSMR: <state>` tells of falling asleep (1) and
/// waking up (0). Kept at once. Source: AT manual UBX-17003787 R16, p. 186.
fn psm_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let on = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.change_settings(|nvm| nvm.power_saving.psm_report = on);
            Ok(Reply::OK)
        }
        Form::Read => {
            let on = context.module.nvm().power_saving.psm_report;
            Ok(Reply::line(format!("+UPSMR: {}", u8::from(on))))
        }
        Form::Test => Ok(Reply::line("+UPSMR: (0-1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+UPSMVER`, PSM version: a mask of what PSM may do. Stored and shown only; kept at once.
/// Source: driver.
fn psm_version(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let version = args.number(0..=255u8)?;
            args.finish()?;
            context.module.change_settings(|nvm| nvm.power_saving.psm_version = version);
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+UPSMVER: {}", context.module.nvm().power_saving.psm_version))),
        Form::Test => Ok(Reply::line("+UPSMVER: (0-255)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CEDRXS`, eDRX setting (3GPP 27.007 §7.40).
///
/// | form | response |
/// |---|---|
/// | `AT+CEDRXS=<mode>[,<AcT-type>[,"<cycle>"[,"<window>"]]]` | |
/// | `AT+CEDRXS?` | `+CEDRXS: <AcT-type>,"<cycle>"[,"<window>"]` per technology |
///
/// 0 off, 1 on, 2 on with the URC `+CEDRXP`, 3 off and forgotten; `<AcT-type>` 4 LTE-M, 5 NB-IoT, none
/// all where it goes off. What is left out is as it was set before (driver). A technology that has
/// it off has a line on SARA-R5, and none on SARA-R4. Stored and shown only: nothing is paged here.
/// Kept at once.
fn edrx(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=3u8)?.unwrap_or(0);
            let rat = args.optional_number(0..=9u8)?.map(|code| edrx_rat(context, code)).transpose()?;
            let (cycle, window) = (nibble(&mut args)?, nibble(&mut args)?);
            args.finish()?;
            if mode == 3 {
                context.module.forget_edrx(rat);
                return Ok(Reply::OK);
            }
            let kept = &context.module.nvm().power_saving;
            let rats: Vec<Rat> = match (mode, rat) {
                (_, Some(rat)) => vec![rat],
                (0, None) => kept.edrx.iter().map(|edrx| edrx.rat).collect(),
                (_, None) => return Err(CmeError::INCORRECT_PARAMETERS.into()),
            };
            for rat in rats {
                let kept = context.module.nvm().power_saving.edrx(rat).unwrap_or(Edrx::factory(rat));
                let (cycle, window) = (cycle.unwrap_or(kept.cycle), window.or(kept.window));
                context.module.request_edrx(Edrx { rat, mode, cycle, window });
            }
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::Lines(edrx_lines(context))),
        Form::Test => {
            let codes: Vec<_> = edrx_rats(context).map(|rat| edrx_code(rat).to_string()).collect();
            Ok(Reply::line(format!("+CEDRXS: (0-3),({}),(\"0000\"-\"1111\")", codes.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// The technology of `<AcT-type>`.
fn edrx_rat(context: &Context<'_>, code: u8) -> Result<Rat, CmeError> {
    edrx_rats(context).find(|rat| edrx_code(*rat) == code).ok_or(CmeError::INCORRECT_PARAMETERS)
}

/// Technologies that have eDRX.
fn edrx_rats(context: &Context<'_>) -> impl Iterator<Item = Rat> {
    let rats = &context.module.profile().network.rats;
    rats.iter().map(|facts| facts.rat).filter(|rat| *rat != Rat::Gsm)
}

fn edrx_lines(context: &Context<'_>) -> Vec<Line> {
    let kept = &context.module.nvm().power_saving;
    let off_listed = context.module.profile().power_saving.edrx_off_listed;
    let line = |rat: Rat| {
        let code = edrx_code(rat);
        match kept.edrx(rat).filter(|edrx| off_listed || edrx.is_on()) {
            Some(Edrx { cycle, window: Some(window), .. }) => {
                Some(Line::from(format!("+CEDRXS: {code},\"{cycle:04b}\",\"{window:04b}\"")))
            }
            Some(Edrx { cycle, .. }) => Some(Line::from(format!("+CEDRXS: {code},\"{cycle:04b}\""))),
            None => off_listed.then(|| Line::from(format!("+CEDRXS: {code},\"0000\""))),
        }
    };
    let lines: Vec<Line> = edrx_rats(context).filter_map(line).collect();
    if lines.is_empty() { vec![Line::from("+CEDRXS:")] } else { lines }
}

/// `<AcT-type>` (3GPP 27.007 §7.40).
fn edrx_code(rat: Rat) -> u8 {
    match rat {
        Rat::Gsm => 2,
        Rat::LteM => 4,
        Rat::NbIot => 5,
    }
}

fn nibble(args: &mut Args) -> Result<Option<u8>, Failure> {
    let Some(text) = args.optional_string(4)? else { return Ok(None) };
    let digits = text.len() == 4 && text.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    match u8::from_str_radix(&text, 2) {
        Ok(bits) if digits => Ok(Some(bits)),
        _ => Err(CmeError::INCORRECT_PARAMETERS.into()),
    }
}

/// `+CEDRXRDP`, eDRX dynamic parameters (3GPP 27.007 §7.41): `+CEDRXRDP: <AcT-type>,"<requested>",
/// "<provided>","<window>"`, or `+CEDRXRDP: 0` without eDRX. What was asked for is shown as what
/// was provided; nothing more stands behind it.
fn edrx_parameters(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let granted = context.module.granted_edrx().map(granted_edrx);
            Ok(Reply::line(format!("+CEDRXRDP: {}", granted.unwrap_or_else(|| "0".to_owned()))))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

fn granted_edrx(Edrx { rat, cycle, window, .. }: Edrx) -> String {
    let window = window.unwrap_or(0);
    format!("{},\"{cycle:04b}\",\"{cycle:04b}\",\"{window:04b}\"", edrx_code(rat))
}

/// The URC `+CEDRXP` of a technology whose `<mode>` asks for it.
pub(super) fn edrx_report(module: &Module) -> Option<Line> {
    let granted = module.granted_edrx().filter(|edrx| edrx.mode == 2)?;
    Some(Line::from(format!("+CEDRXP: {}", granted_edrx(granted))))
}

/// `+UPSV`, power saving of the UART.
///
/// | form | response |
/// |---|---|
/// | `AT+UPSV=<mode>[,<timeout>]` | |
/// | `AT+UPSV?` | `+UPSV: <mode>[,<timeout>]` |
///
/// Modes are the profile's; `<timeout>` in GSM frames, with mode 1 of SARA-R5. Stored and shown
/// only: a port here never sleeps. Kept by `AT&W`. Source: driver.
fn uart(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let facts = &context.module.profile().power_saving;
    let timed = |mode: u8| facts.upsv_timeout && mode == 1;
    match form {
        Form::Set(mut args) => {
            let mode = args.number(0..=4u8)?;
            let timeout = if timed(mode) { args.optional_number(40..=65_000u16)? } else { None };
            args.finish()?;
            if !facts.upsv_modes.contains(&mode) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            let timeout_frames = timeout.unwrap_or(UartPowerSaving::default().timeout_frames);
            context.interface.uart_power_saving = UartPowerSaving { mode, timeout_frames };
            Ok(Reply::OK)
        }
        Form::Read => {
            let UartPowerSaving { mode, timeout_frames } = context.interface.uart_power_saving;
            let timeout = if timed(mode) { format!(",{timeout_frames}") } else { String::new() };
            Ok(Reply::line(format!("+UPSV: {mode}{timeout}")))
        }
        Form::Test => {
            let modes: Vec<_> = facts.upsv_modes.iter().map(u8::to_string).collect();
            let timeout = if facts.upsv_timeout { ",(40-65000)" } else { "" };
            Ok(Reply::line(format!("+UPSV: ({}){timeout}", modes.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CPSMS", run: psm },
    Command { name: "+UCPSMS", run: granted_psm },
    Command { name: "+UPSMR", run: psm_report },
];

/// What is stored and shown only.
pub const STORED: &[Command] = &[
    Command { name: "+UPSMVER", run: psm_version },
    Command { name: "+CEDRXS", run: edrx },
    Command { name: "+CEDRXRDP", run: edrx_parameters },
    Command { name: "+UPSV", run: uart },
];
