//! `vsara ctl`: talks to a running program, or to a state directory at rest. One file a noun, ending
//! in what each verb asks.

mod accesskey;
mod at_rest;
mod ca;
mod campaign;
mod device_profile;
mod domain;
mod errand;
mod events;
mod module;
mod names;
mod rest;
mod same;
mod show;
mod thing;
mod whitelist;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};

use crate::host::control;
use crate::host::error::HostError;
use crate::service::device::DeviceState;
use errand::Errand;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara ctl status
  vsara ctl network loss 30%
  vsara ctl feature 0a04f008003c9623 ldp on
  vsara ctl time advance 24h        (with a module run as `vsara --time virtual`)";

#[derive(Clone, Debug, Args)]
pub(super) struct CtlArgs {
    /// State directory of the module, or of a `vsara server` [default: that of the module around a
    /// command of `vsara exec`, otherwise .vsara]
    // By the name `state` it would take the default of the modem's option, since it is global.
    #[arg(id = "ctl_state", long = "state", value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    state: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    #[command(flatten)]
    Module(module::Verb),
    #[command(flatten)]
    Events(events::Verb),
    #[command(flatten)]
    Thing(thing::Verb),
    /// Device profiles: what Things get when they bootstrap
    #[command(subcommand)]
    DeviceProfile(device_profile::Verb),
    /// The whitelist of a device profile
    #[command(subcommand)]
    Whitelist(whitelist::Verb),
    /// Campaigns: one change for many Things
    #[command(subcommand)]
    Campaign(campaign::Verb),
    /// Private CAs: who signs the certificates of zero touch provisioning
    #[command(subcommand)]
    Ca(ca::Verb),
    /// Certificates of Things
    #[command(subcommand)]
    Certificate(ca::CertificateVerb),
    /// Domains of the security service: the accounts
    #[command(subcommand)]
    Domain(domain::Verb),
    /// Access keys of the security service, for REST
    #[command(subcommand)]
    Accesskey(accesskey::Verb),
    /// Make any call of REST or of the admin API that takes and gives JSON, without a token
    #[command(after_help = rest::EXAMPLE)]
    Rest(rest::RestArgs),
}

impl Verb {
    fn errand(&self) -> Result<Errand, HostError> {
        Ok(match self {
            Self::Module(verb) => verb.errand()?,
            Self::Events(verb) => verb.errand(),
            Self::Thing(verb) => verb.errand(),
            Self::DeviceProfile(verb) => verb.errand(),
            Self::Whitelist(verb) => verb.errand()?,
            Self::Campaign(verb) => verb.errand(),
            Self::Ca(verb) => verb.errand(),
            Self::Certificate(verb) => verb.errand(),
            Self::Domain(verb) => verb.errand(),
            Self::Accesskey(verb) => verb.errand(),
            Self::Rest(args) => args.errand(),
        })
    }
}

pub(super) fn run(args: CtlArgs) -> Result<(), HostError> {
    let errand = args.verb.errand()?;
    let state = args.state.or_else(state_around).unwrap_or_else(|| ".vsara".into());
    match control::connect(&state) {
        Ok(stream) => errand.run(stream),
        Err(_) => at_rest::answer(&state, &errand),
    }
}

/// Where a command of `vsara exec` has its module.
fn state_around() -> Option<PathBuf> {
    let control = PathBuf::from(std::env::var_os("VSARA_CONTROL")?);
    control.parent().map(Path::to_owned)
}

fn nobody(state: &Path) -> HostError {
    let shown = state.display().to_string();
    let error = HostError::running(format_args!("{shown}: no vsara runs on this state directory"));
    match DeviceState::from_name(&shown) {
        Some(_) => {
            error.advise(format_args!("Things in that state are listed by `things --in-state {shown}`"))
        }
        None => error.advise("start one with `vsara --state DIR`, or name another directory with --state"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use crate::cli::{Cli, Command};

    #[test]
    fn the_state_directory_stands_before_or_behind_the_verb_or_nowhere() {
        let check = |line: &str, expected: Option<&str>| match Cli::parse_from(line.split(' ')).command {
            Some(Command::Ctl(args)) => assert_eq!(args.state.as_deref(), expected.map(Path::new), "{line}"),
            other => panic!("{line}: {other:?}"),
        };
        check("vsara ctl status", None);
        check("vsara ctl --state s status", Some("s"));
        check("vsara ctl status --state s", Some("s"));
        check("vsara ctl accesskey create --state s", Some("s"));
        check("vsara ctl things --in-state ACTIVE --state s", Some("s"));
    }
}
