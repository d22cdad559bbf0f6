//! `vsara replay`: a scenario played back to a host program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, value_parser};

use super::log::LogArgs;
use super::print_line;
use crate::host::error::HostError;
use crate::host::host_program::ProgramSpec;
use crate::host::run_replay::{ReplaySetup, run_replay};
use crate::host::serial::RATE;

/// What stands for a new pseudo-terminal.
const PTY: &str = "pty";

pub(super) const EXAMPLE: &str = "\
FILE is played back by what stands in for the module: it answers each command with what FILE says for
it, and says what comes unasked after its waits. Spaces and the case of names do not count; a command
that comes at another time is answered where nothing in between changes the module, a question that is
asked again has its latest answer, and goes on to the next when it is asked over and over. Echo is on
until ATE0. One port of one module; power, network, faults and assertions are passed over.

At its end stderr says what was guessed (a command with other values or before its turn, gaps that had
to be filled), what was not in FILE (the answer was ERROR), and what was never asked; with --json as one
object. COMMAND gets the pseudo-terminal as {tty} and VSARA_TTY; without COMMAND the ready line on
stdout names it, and Ctrl-C ends the replay.

Exit status:
  0    done; with COMMAND its own, or 128+N where signal N ended it
  1    the port cannot be opened, or vanished
  2    usage, or a wrong FILE
  126  COMMAND cannot be executed
  127  COMMAND was not found

Example:
  vsara replay session.at
  vsara replay session.at --port /dev/ttyUSB1
  vsara replay session.at -- ./host-tests {tty}";

#[derive(Clone, Debug, Args)]
#[command(mut_arg("log", |log| log.default_value("warn")))]
pub(super) struct ReplayArgs {
    /// Scenario to play back, as vsara record writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Serial port with the host program at its other end, or pty for a new pseudo-terminal
    #[arg(long, value_name = "TTY", default_value = PTY)]
    port: PathBuf,
    /// Rate of a serial port, in bits per second
    #[arg(long, value_name = "N", default_value_t = RATE, value_parser = value_parser!(u32).range(1..))]
    rate: u32,
    #[command(flatten)]
    log: LogArgs,
    /// Host program and its arguments; {tty} in them stands for the pseudo-terminal
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Gives the exit status of the command.
pub(super) fn run(args: ReplayArgs) -> Result<u8, HostError> {
    args.log.start();
    let json = args.log.json;
    let name = args.file.display().to_string();
    let port = (args.port.as_os_str() != PTY).then_some(args.port);
    let program = (!args.command.is_empty()).then_some(ProgramSpec { words: args.command, limit: None });
    if port.is_some() && program.is_some() {
        return Err(HostError::usage("a COMMAND talks to a pseudo-terminal").advise("leave out --port"));
    }
    let setup = ReplaySetup { file: args.file, port, rate: args.rate, program };
    let end = run_replay(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })?;
    if json {
        let account = serde_json::to_string(&end.account).map_err(HostError::running)?;
        eprintln!("{account}");
    } else {
        for line in end.account.lines(&name) {
            eprintln!("vsara: {line}");
        }
    }
    end.status
}
