//! `vsara modem`: one virtual module.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::doors::DoorArgs;
use super::log::LogArgs;
use super::print_line;
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
    /// Symbolic link to the pseudo-terminal [default: <state>/tty]
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Permissions of the pseudo-terminal, such as 0660
    #[arg(long, value_name = "MODE", value_parser = octal)]
    mode: Option<u32>,
    /// Serve pty, tty:PATH or tcp:ADDR; each one given is a port of the same module
    #[arg(long, value_name = "PORT", default_value = "pty")]
    port: Vec<PortSpec>,
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
    /// Console and REST of the embedded service
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// Admin API of the embedded service [default: none]
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    #[command(flatten)]
    doors: DoorArgs,
    #[command(flatten)]
    secrecy: SecrecyArgs,
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
    let listeners = args.port.iter().filter_map(|port| match port {
        PortSpec::Tcp(address) => Some(*address),
        _ => None,
    });
    let doors = [Some(args.http), args.admin];
    let master = args.secrecy.check(listeners.chain(doors.into_iter().flatten()))?;
    args.log.start();
    let json = args.log.json;
    let setup = ModemSetup {
        profile: args.profile,
        state: if args.ephemeral { StateSpec::Temporary } else { StateSpec::At(args.state) },
        link: args.link,
        mode: args.mode,
        ports: args.port,
        service: args.service,
        timing: match args.timing {
            Timing::Fast => module::Timing::Fast,
            Timing::Module => module::Timing::Module,
        },
        pace: args.time,
        seed: args.seed,
        journal: args.admin.is_some(),
        rot: args.rot,
        master,
    };
    let front = args.doors.front(args.http, args.admin);
    run_modem(
        setup,
        front.opener(),
        |ready| if json { print_line(ready.to_json()) } else { print_line(ready) },
    )
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("permissions are three octal digits, such as 0660".to_owned()),
    }
}
