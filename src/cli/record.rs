//! `vsara record`: a session with a module as a scenario.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, value_parser};

use super::log::LogArgs;
use super::print_line;
use crate::host::error::HostError;
use crate::host::host_program::ProgramSpec;
use crate::host::run_record::{RecordSetup, run_record};
use crate::host::serial::RATE;

pub(super) const EXAMPLE: &str = "\
A pseudo-terminal is put in front of the port. COMMAND gets it as {tty} and VSARA_TTY, and has the
standard streams of vsara; without COMMAND the ready line on stdout names it, and Ctrl-C ends the
recording. The line follows the rate that is set on the pseudo-terminal; 8N1, no flow control and no
modem lines. Everything that passes is written down, PINs and DeviceProfileUIDs too.

The scenario has every byte that was sent, every line that was answered, and pauses of more than 3 s,
rounded. Answers that are another module's (IMEI, addresses, times) are to be replaced by *.

Exit status:
  0    done; with COMMAND its own, or 128+N where signal N ended it
  1    the port vanished, or FILE cannot be written; what passed before is written
  2    usage
  126  COMMAND cannot be executed
  127  COMMAND was not found

Example:
  vsara record --port /dev/ttyUSB0 --out session.at
  vsara record --port /dev/ttyUSB0 --out session.at -- ./host-tests {tty}
  vsara test session.at
  vsara replay session.at -- ./host-tests {tty}";

#[derive(Clone, Debug, Args)]
#[command(mut_arg("log", |log| log.default_value("warn")))]
pub(super) struct RecordArgs {
    /// Serial port of the module, or the pseudo-terminal of a virtual one
    #[arg(long, value_name = "TTY")]
    port: PathBuf,
    /// Scenario to write; one of this name is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Rate of the port until a host program sets one, in bits per second
    #[arg(long, value_name = "N", default_value_t = RATE, value_parser = value_parser!(u32).range(1..))]
    rate: u32,
    #[command(flatten)]
    log: LogArgs,
    /// Host program and its arguments; {tty} in them stands for the pseudo-terminal
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Gives the exit status of the command.
pub(super) fn run(args: RecordArgs) -> Result<u8, HostError> {
    args.log.start();
    let json = args.log.json;
    let program = (!args.command.is_empty()).then_some(ProgramSpec { words: args.command, limit: None });
    let setup = RecordSetup { port: args.port, rate: args.rate, out: args.out, program };
    run_record(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })
}
