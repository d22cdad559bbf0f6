//! Chapter *Network service*: registration, operator, technologies.

mod operator;
mod registration;
mod signal;

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::power::Functionality;
use crate::profile::Rat;

pub use operator::Scan;
pub(super) use operator::{poll_scan, poll_selection};
pub(super) use registration::{Domain, status};

/// `+URAT`, radio access technology selection.
///
/// | form | response |
/// |---|---|
/// | `AT+URAT=<AcT>[,<AcT>…]` | |
/// | `AT+URAT?` | `+URAT: <AcT>[,<AcT>…]` |
///
/// 7 LTE-M, 8 NB-IoT, 9 GPRS; SARA-R5 has one at a time and takes it at `AT+CFUN=0` only. Kept at
/// once, in use after the next boot. Source: manual, driver.
fn technologies(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let facts = &context.module.profile().network;
    let known: Vec<Rat> = facts.rats.iter().map(|facts| facts.rat).collect();
    match form {
        Form::Set(mut args) => {
            let mut wanted = Vec::new();
            while !args.is_empty() {
                let code = args.number(7..=9u8)?;
                let rat = known.iter().find(|rat| selection(**rat) == code).copied();
                let rat = rat.filter(|rat| !wanted.contains(rat));
                wanted.push(rat.ok_or(CmeError::INCORRECT_PARAMETERS)?);
            }
            if wanted.is_empty() || wanted.len() > facts.rats_at_once {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            if facts.urat_at_cfun_0 && context.module.functionality() != Functionality::Minimum {
                return Err(CmeError::OPERATION_NOT_ALLOWED.into());
            }
            context.module.change_settings(|nvm| nvm.network_mut().rats = wanted);
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
    Command { name: "+CREG", run: registration::circuit_registration },
    Command { name: "+CGREG", run: registration::packet_registration },
    Command { name: "+CEREG", run: registration::eps_registration },
    Command { name: "+CSCON", run: registration::radio_connection },
    Command { name: "+CTZR", run: registration::time_zone_report },
    Command { name: "+COPS", run: operator::operator },
    Command { name: "+CEER", run: operator::error_report },
    Command { name: "+CSQ", run: signal::quality },
    Command { name: "+CESQ", run: signal::extended_quality },
    Command { name: "+UCGED", run: signal::cell_report },
    Command { name: "+URAT", run: technologies },
];
