//! Chapter *Network service*: registration, operator, technologies.

use std::sync::Arc;

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::network::{CELL, OPERATOR_LONG, OPERATOR_NUMERIC, OPERATOR_SHORT, TRACKING_AREA};
use crate::module::settings::Interface;
use crate::module::{Module, network};
use crate::profile::{Network, Rat};

/// The three registration reports: circuit switched, packet switched, EPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// `+CREG` (3GPP 27.007 §7.2).
    Circuit,
    /// `+CGREG` (§10.1.20).
    Packet,
    /// `+CEREG` (§10.1.22).
    Eps,
}

impl Domain {
    pub(super) const ALL: [Self; 3] = [Self::Circuit, Self::Packet, Self::Eps];

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Packet => "+CGREG",
            Self::Eps => "+CEREG",
        }
    }

    pub(super) fn level(self, interface: &mut Interface) -> &mut u8 {
        match self {
            Self::Circuit => &mut interface.creg,
            Self::Packet => &mut interface.cgreg,
            Self::Eps => &mut interface.cereg,
        }
    }

    fn highest_level(self, facts: &Network) -> u8 {
        match self {
            Self::Circuit | Self::Packet => facts.creg_n_max,
            Self::Eps => facts.cereg_n_max,
        }
    }
}

/// `+CREG`, network registration status (3GPP 27.007 §7.2).
///
/// | form | response |
/// |---|---|
/// | `AT+CREG=[<n>]` | |
/// | `AT+CREG?` | `+CREG: <n>,<stat>[,<lac>,<ci>,<AcT>]` |
/// | `AT+CREG=?` | `+CREG: (<range of n>)` |
fn circuit_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    registration(context, form, Domain::Circuit)
}

/// `+CGREG`, GPRS network registration status (3GPP 27.007 §10.1.20); forms as for `+CREG`.
fn packet_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    registration(context, form, Domain::Packet)
}

/// `+CEREG`, EPS network registration status (3GPP 27.007 §10.1.22); forms as for `+CREG`, and
/// with `<n>` 4 or 5 `[,<cause_type>,<reject_cause>[,<Active-Time>,<Periodic-TAU>]]`.
fn eps_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    registration(context, form, Domain::Eps)
}

fn registration(context: &mut Context<'_>, form: Form, domain: Domain) -> Result<Reply, Failure> {
    let highest = domain.highest_level(&context.module.profile().network);
    let name = domain.command();
    match form {
        Form::Set(mut args) => {
            let level = args.optional_number(0..=highest)?.unwrap_or(0);
            args.finish()?;
            *domain.level(context.interface) = level;
            Ok(Reply::OK)
        }
        Form::Read => {
            let level = *domain.level(context.interface);
            let status = status(context.module, domain, level);
            Ok(Reply::line(format!("{name}: {level},{status}")))
        }
        Form::Test => Ok(Reply::line(format!("{name}: (0-{highest})"))),
        Form::Action => Err(no_such_form()),
    }
}

/// `<stat>` and what follows it at this level. A state without a cell has nothing to follow, which
/// host software relies on to tell a URC from an answer (driver).
pub(super) fn status(module: &Module, domain: Domain, level: u8) -> String {
    let network = module.network();
    let stat = network.state.code();
    if level < 2 || !network.is_registered() {
        return stat.to_string();
    }
    let rac =
        if domain == Domain::Eps && module.profile().network.cereg_rac_field { ",\"0000\"" } else { "" };
    let technology = network.rat.access_technology();
    let timers = if domain == Domain::Eps && level >= 4 { ",,,\"00000000\",\"00000000\"" } else { "" };
    format!("{stat},\"{TRACKING_AREA:04x}\",\"{CELL:08x}\"{rac},{technology}{timers}")
}

/// `+COPS`, operator selection (3GPP 27.007 §7.3).
///
/// | form | response |
/// |---|---|
/// | `AT+COPS=0`, `AT+COPS=2` | |
/// | `AT+COPS=3,<format>` | |
/// | `AT+COPS?` | `+COPS: <mode>[,<format>,<oper>[,<AcT>]]` |
///
/// Automatic registration, deregistration, format. A scan and a choice by hand need a network of
/// several operators and are refused.
fn operator(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let mode = args.optional_number(0..=4u8)?.unwrap_or(0);
            let format = args.optional_number(0..=2u8)?;
            match (mode, format) {
                (0 | 2, _) => context.module.request_operator_mode(mode, context.now),
                (3, Some(format)) => context.module.set_operator_format(format),
                (3, None) => return Err(CmeError::INCORRECT_PARAMETERS.into()),
                _ => return Err(CmeError::OPERATION_NOT_SUPPORTED.into()),
            }
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(operator_line(context.module.network()))),
        Form::Test | Form::Action => Err(no_such_form()),
    }
}

fn operator_line(network: &network::Network) -> String {
    let mode = network.operator_mode;
    if !network.is_registered() {
        return format!("+COPS: {mode}");
    }
    let format = network.operator_format;
    let name = match format {
        0 => OPERATOR_LONG,
        1 => OPERATOR_SHORT,
        _ => OPERATOR_NUMERIC,
    };
    format!("+COPS: {mode},{format},\"{name}\",{}", network.rat.access_technology())
}

/// `+URAT`, radio access technology selection.
///
/// | form | response |
/// |---|---|
/// | `AT+URAT=<AcT>[,<AcT>…]` | |
/// | `AT+URAT?` | `+URAT: <AcT>[,<AcT>…]` |
///
/// 7 LTE-M, 8 NB-IoT, 9 GPRS; takes effect at the next boot. Source: manual, driver.
fn technologies(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let known: Vec<Rat> = context.module.profile().network.rats.iter().map(|facts| facts.rat).collect();
    match form {
        Form::Set(mut args) => {
            let mut wanted = Vec::new();
            while !args.is_empty() {
                let code = args.number(7..=9u8)?;
                let rat = known.iter().find(|rat| selection(**rat) == code).copied();
                let rat = rat.filter(|rat| !wanted.contains(rat));
                wanted.push(rat.ok_or(CmeError::INCORRECT_PARAMETERS)?);
            }
            if wanted.is_empty() {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            context.module.change_settings(|nvm| Arc::make_mut(&mut nvm.network).rats = wanted);
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+URAT: {}", selections(&context.module.nvm().network.rats)))),
        Form::Test => Ok(Reply::line(format!("+URAT: ({})", selections(&known)))),
        Form::Action => Err(no_such_form()),
    }
}

fn selection(rat: Rat) -> u8 {
    match rat {
        Rat::LteM => 7,
        Rat::NbIot => 8,
        Rat::Gsm => 9,
    }
}

fn selections(rats: &[Rat]) -> String {
    rats.iter().map(|rat| selection(*rat).to_string()).collect::<Vec<_>>().join(",")
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CREG", run: circuit_registration },
    Command { name: "+CGREG", run: packet_registration },
    Command { name: "+CEREG", run: eps_registration },
    Command { name: "+COPS", run: operator },
    Command { name: "+URAT", run: technologies },
];
