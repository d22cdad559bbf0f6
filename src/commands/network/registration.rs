//! Whether and where the module is registered, and what it tells unasked.

use crate::at::{Failure, Form};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::Module;
use crate::module::network::{Operator, Registration};
use crate::module::settings::Interface;
use crate::profile::{Network, Rat};

/// The three registration reports: circuit switched, packet switched, EPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Domain {
    /// `+CREG` (3GPP 27.007 §7.2).
    Circuit,
    /// `+CGREG` (§10.1.20).
    Packet,
    /// `+CEREG` (§10.1.22).
    Eps,
}

impl Domain {
    pub(in crate::commands) const ALL: [Self; 3] = [Self::Circuit, Self::Packet, Self::Eps];

    pub(in crate::commands) fn command(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Packet => "+CGREG",
            Self::Eps => "+CEREG",
        }
    }

    pub(in crate::commands) fn level(self, interface: &mut Interface) -> &mut u8 {
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
pub(super) fn circuit_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    registration(context, form, Domain::Circuit)
}

/// `+CGREG`, GPRS network registration status (3GPP 27.007 §10.1.20); forms as for `+CREG`.
pub(super) fn packet_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    registration(context, form, Domain::Packet)
}

/// `+CEREG`, EPS network registration status (3GPP 27.007 §10.1.22); forms as for `+CREG`, and
/// with `<n>` 4 or 5 `[,<cause_type>,<reject_cause>[,<Active-Time>,<Periodic-TAU>]]`. SARA-R410M-02B
/// has `<rac_or_mme>` between `<tac>` and `<ci>`.
pub(super) fn eps_registration(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
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
/// host software relies on to tell a URC from an answer (driver); but where the network refused, a
/// level with `<reject_cause>` shows it (3GPP 27.007).
pub(in crate::commands) fn status(module: &Module, domain: Domain, level: u8) -> String {
    let network = module.network();
    if domain == Domain::Eps && network.rat == Rat::Gsm {
        return Registration::Idle.code().to_string();
    }
    let stat = network.state.code();
    let with_cause = domain == Domain::Eps && matches!(level, 3 | 5);
    match (network.serving, network.causes.first()) {
        (Some(operator), _) if level >= 2 => {
            let technology = network.rat.access_technology();
            let timers = if domain == Domain::Eps && level >= 4 { timers(module) } else { String::new() };
            format!("{stat},{},{technology}{timers}", cell(module, domain, operator))
        }
        (None, Some(cause)) if with_cause && network.state == Registration::Denied => {
            let no_rac = if module.profile().network.cereg_rac_field { "," } else { "" };
            format!("{stat},,,,{no_rac}0,{}", cause.code)
        }
        _ => stat.to_string(),
    }
}

/// No causes, and `<Active-Time>` and `<Periodic-TAU>` as granted: zeros without PSM.
fn timers(module: &Module) -> String {
    match module.granted_psm() {
        Some(psm) => format!(",,,\"{}\",\"{}\"", psm.active_time, psm.periodic_tau),
        None => ",,,\"00000000\",\"00000000\"".to_owned(),
    }
}

/// Area and cell; the cell of GSM has 16 bits. Between the two some have `<rac_or_mme>` (driver).
fn cell(module: &Module, domain: Domain, operator: &Operator) -> String {
    let Operator { area, cell, .. } = operator;
    let more = domain == Domain::Eps && module.profile().network.cereg_rac_field;
    let rac = if more { "\"0000\"," } else { "" };
    match module.network().rat {
        Rat::Gsm => format!("\"{area:04x}\",\"{:04x}\"", cell & 0xffff),
        Rat::LteM | Rat::NbIot => format!("\"{area:04x}\",{rac}\"{cell:08x}\""),
    }
}

/// `+CSCON`, signalling connection status (3GPP 27.007 §7.30).
///
/// | form | response |
/// |---|---|
/// | `AT+CSCON=[<n>]` | URC `+CSCON: <mode>` where 1 |
/// | `AT+CSCON?` | `+CSCON: <n>,<mode>` |
///
/// `<mode>` 1: there is a radio connection; it outlasts the last datagram by 10 s (`designed`).
pub(super) fn radio_connection(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let level = args.optional_number(0..=1u8)?.unwrap_or(0);
            args.finish()?;
            context.interface.reports.radio_connection = level;
            Ok(Reply::OK)
        }
        Form::Read => {
            let connected = u8::from(context.module.network().connected_until.is_some());
            Ok(Reply::line(format!("+CSCON: {},{connected}", context.interface.reports.radio_connection)))
        }
        Form::Test => Ok(Reply::line("+CSCON: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CTZR`, time zone reporting (3GPP 27.007 §8.41).
///
/// | form | response |
/// |---|---|
/// | `AT+CTZR=<reporting>` | URCs at registration: 1 `+CTZV: <tz>`, 2 `+CTZE: <tz>,<dst>,"<time>"` |
/// | `AT+CTZR?` | `+CTZR: <reporting>` |
///
/// The network is in UTC, without summer time (`designed`).
pub(super) fn time_zone_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let reporting = args.number(0..=2u8)?;
            args.finish()?;
            context.interface.reports.time_zone = reporting;
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+CTZR: {}", context.interface.reports.time_zone))),
        Form::Test => Ok(Reply::line("+CTZR: (0-2)")),
        Form::Action => Err(no_such_form()),
    }
}
