//! `vsara server`: a standing security service.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::doors::DoorArgs;
use super::log::LogArgs;
use super::print_line;
use super::secrecy::SecrecyArgs;
use crate::host::clock::Pace;
use crate::host::error::HostError;
use crate::host::run_modem::StateSpec;
use crate::host::run_server::{ServerSetup, run_server};
use crate::host::standard_input::end_with_standard_input;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara server &
  vsara modem --service 127.0.0.1:5684";

#[derive(Clone, Debug, Args)]
pub(super) struct ServerArgs {
    /// UDP address for modules
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5684")]
    bind: SocketAddr,
    /// Console and REST
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    http: SocketAddr,
    /// Admin API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8481")]
    admin: SocketAddr,
    /// Everything it keeps
    #[arg(long, value_name = "DIR", default_value = ".vsara-server")]
    state: PathBuf,
    /// Pace of system time: real, virtual or a factor such as 60x
    #[arg(long, value_name = "PACE", default_value = "real")]
    time: Pace,
    /// Makes faults of the service reproducible [default: random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Keep state in a temporary directory that is removed at exit, whatever --state says
    #[arg(long)]
    ephemeral: bool,
    /// End with standard input too: whoever holds its pipe leaves nothing running, however he ends
    #[arg(long)]
    until_eof: bool,
    #[command(flatten)]
    doors: DoorArgs,
    #[command(flatten)]
    secrecy: SecrecyArgs,
    #[command(flatten)]
    log: LogArgs,
}

pub(super) fn run(args: ServerArgs) -> Result<(), HostError> {
    let master = args.secrecy.check([args.bind, args.http, args.admin])?;
    args.log.start();
    if args.until_eof {
        end_with_standard_input().map_err(HostError::running)?;
    }
    let json = args.log.json;
    let setup = ServerSetup {
        bind: args.bind,
        state: if args.ephemeral { StateSpec::Temporary } else { StateSpec::At(args.state) },
        pace: args.time,
        seed: args.seed,
        doors: args.doors.front(args.http, Some(args.admin)).opener(),
        master,
    };
    run_server(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })
}
