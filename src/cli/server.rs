//! `vsara server`: a standing security service.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::log::LogArgs;
use super::print_line;
use super::reserved::ReservedArgs;
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
    /// Everything it keeps
    #[arg(long, value_name = "DIR", default_value = ".vsara-server")]
    state: PathBuf,
    /// Pace of system time: real, virtual or a factor such as 60x
    #[arg(long, value_name = "PACE", default_value = "real")]
    time: Pace,
    /// Faults of the service: not there yet
    #[arg(long, value_name = "N", hide = true)]
    seed: Option<u64>,
    /// Keep state in a temporary directory that is removed at exit, whatever --state says
    #[arg(long)]
    ephemeral: bool,
    /// End with standard input too: whoever holds its pipe leaves nothing running, however he ends
    #[arg(long)]
    until_eof: bool,
    #[command(flatten)]
    secrecy: SecrecyArgs,
    #[command(flatten)]
    reserved: ReservedArgs,
    #[command(flatten)]
    log: LogArgs,
}

pub(super) fn run(args: ServerArgs) -> Result<(), HostError> {
    let master = args.secrecy.check([args.bind])?;
    args.log.start();
    args.reserved.warn();
    if args.until_eof {
        end_with_standard_input().map_err(HostError::running)?;
    }
    let json = args.log.json;
    if args.seed.is_some() {
        tracing::warn!("--seed has no effect: this version of the service has no faults of its own");
    }
    let setup = ServerSetup {
        bind: args.bind,
        state: if args.ephemeral { StateSpec::Temporary } else { StateSpec::At(args.state) },
        pace: args.time,
        master,
    };
    run_server(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })
}
