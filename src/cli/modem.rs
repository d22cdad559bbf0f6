//! `vsara modem`: one virtual module.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::log::LogArgs;
use super::print_line;
use super::reserved::ReservedArgs;
use super::secrecy::SecrecyArgs;
use crate::host::clock::Pace;
use crate::host::error::HostError;
use crate::host::port::PortSpec;
use crate::host::run_modem::{ModemSetup, StateSpec, run_modem};
use crate::host::udp::ServiceSpec;
use crate::module;
use crate::protocol::keys::RotUid;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara modem --profile sara-r422m8s --link /tmp/ttySARA0
  picocom /tmp/ttySARA0";

#[derive(Clone, Debug, Args)]
pub(super) struct ModemArgs {
    /// Module profile: a built-in one (see `vsara profiles`) or a TOML file [default: the state
    /// directory's, sara-r510s in a new one]
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Everything that survives power loss
    #[arg(long, value_name = "DIR", default_value = ".vsara")]
    state: PathBuf,
    /// Symbolic link to the pseudo-terminal; a second one has .2 added [default: <state>/tty]
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Permissions of the pseudo-terminal, such as 0660
    #[arg(long, value_name = "MODE", value_parser = octal)]
    mode: Option<u32>,
    /// Serve pty, tty:PATH, tcp:ADDR or rfc2217:ADDR (Telnet with rate, DTR, RTS, CTS, DSR and DCD);
    /// each one given is a port of the same module, with settings of its own
    #[arg(long, value_name = "PORT", default_value = "pty")]
    port: Vec<PortSpec>,
    /// Pseudo-terminals hang up when the module resets, goes off or sleeps, and come back with it under
    /// the same link, as the ports of a USB module do
    #[arg(long)]
    replug: bool,
    /// Where the security service is: embedded, none or HOST:PORT
    #[arg(long, value_name = "WHERE", default_value = "embedded")]
    service: ServiceSpec,
    /// Latencies of boot, registration and responses
    #[arg(long, default_value = "fast")]
    timing: Timing,
    /// Pace of system time: real, virtual or a factor such as 60x
    #[arg(long, value_name = "PACE", default_value = "real")]
    time: Pace,
    /// Makes latencies, faults and jitter reproducible [default: random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A new module's root of trust, 16 hex digits [default: random]
    #[arg(long, value_name = "UID")]
    rot: Option<RotUid>,
    /// Keep state in a temporary directory that is removed at exit, whatever --state says
    #[arg(long)]
    ephemeral: bool,
    #[command(flatten)]
    secrecy: SecrecyArgs,
    #[command(flatten)]
    reserved: ReservedArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Timing {
    /// None of them
    Fast,
    /// Those of the profile
    Module,
}

pub(super) fn run(args: ModemArgs) -> Result<(), HostError> {
    let listeners = args.port.iter().filter_map(PortSpec::listens_at);
    let master = args.secrecy.check(listeners)?;
    if args.replug && !args.port.contains(&PortSpec::Pty) {
        return Err(HostError::usage("--replug: no port is a pty").advise("add --port pty"));
    }
    args.log.start();
    args.reserved.warn();
    let json = args.log.json;
    let setup = ModemSetup {
        profile: args.profile,
        state: if args.ephemeral { StateSpec::Temporary } else { StateSpec::At(args.state) },
        link: args.link,
        mode: args.mode,
        ports: args.port,
        replug: args.replug,
        service: args.service,
        timing: match args.timing {
            Timing::Fast => module::Timing::Fast,
            Timing::Module => module::Timing::Module,
        },
        pace: args.time,
        seed: args.seed,
        rot: args.rot,
        master,
    };
    run_modem(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("permissions are three octal digits, such as 0660".to_owned()),
    }
}
