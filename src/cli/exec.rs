//! `vsara exec`: a module for as long as a host program runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::modem::ModemArgs;
use crate::host::error::HostError;
use crate::host::host_program::ProgramSpec;
use crate::host::run_exec::{ExecSetup, run_exec};
use crate::host::run_modem::ScenarioSetup;
use crate::host::scenario_files::ScenarioFile;

pub(super) const EXAMPLE: &str = "\
COMMAND has the standard streams of vsara, and begins once the module answers. vsara itself logs to
stderr, warnings only; --log info has the ready line as well. In COMMAND's environment are
  VSARA_TTY      the first pseudo-terminal, as {tty}
  VSARA_CONTROL  the control socket; `vsara ctl` finds the module by it
  VSARA_CONSOLE  the console, where there is one
  VSARA_PORT2    every other port by its number, as in the ready line

With --scenario the file (see `vsara test --guide`) is played from the moment COMMAND starts, in
the module's system time, on an AT port of its own. Its `modem` statement names the profile. Where
it does not hold, COMMAND is ended; where COMMAND has ended with 0, the rest of it is played.

When COMMAND has ended, so does the module. What is left of its process group then, or after
--timeout, gets SIGTERM, and SIGKILL 2 s later. SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGTSTP are
passed on to the group; COMMAND has 10 s to end by SIGTERM or SIGHUP.

Exit status:
  COMMAND's own, or 128+N where signal N ended it; and
  1    the module failed while COMMAND ran, or the scenario does not hold
  2    usage, or a bad profile or configuration file
  124  COMMAND was still running after --timeout
  126  COMMAND cannot be executed
  127  COMMAND was not found

Example:
  vsara exec --ephemeral --timeout 5m -- picocom -b 115200 {tty}
  vsara exec --ephemeral --scenario interrupted.at --timeout 5m -- ./host-tests {tty}
  vsara exec --ephemeral --timeout 5m -- sh -c 'vsara ctl power cut; ./host-tests $VSARA_TTY'";

#[derive(Clone, Debug, Args)]
// A log of every start would drown what COMMAND says.
#[command(mut_arg("log", |log| log.default_value("warn")))]
#[command(mut_arg("until_eof", |until_eof| until_eof.hide(true)))]
pub(super) struct ExecArgs {
    #[command(flatten)]
    modem: ModemArgs,
    /// Scenario that plays the world and asserts on module and service while COMMAND speaks AT
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// End COMMAND and what it started after this long, such as 5m [default: never]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Host program and its arguments; {tty} in them stands for the module's pseudo-terminal
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Gives the exit status of the command.
pub(super) fn run(args: ExecArgs) -> Result<u8, HostError> {
    if args.modem.until_eof {
        return Err(HostError::usage(
            "--until-eof: the standard input is COMMAND's, and the module ends with it",
        ));
    }
    let program = ProgramSpec { words: args.command, limit: args.timeout };
    let mut modem = args.modem;
    let scenario = args.scenario.map(|path| load_scenario(&path, &mut modem)).transpose()?;
    let end = run_exec(ExecSetup { modem: modem.into_setup()?, scenario, program })?;
    if let Some(report) = &end.report {
        eprintln!("{report}");
    }
    Ok(end.status)
}

/// Reads a scenario; what it says of its modem goes for the module too.
fn load_scenario(path: &Path, modem: &mut ModemArgs) -> Result<ScenarioSetup, HostError> {
    let file = ScenarioFile::read(path)?;
    // The program plays one scenario, and ends with it.
    let scenario = ScenarioSetup { script: Box::leak(Box::new(file.script)), file: file.name };
    let declared = scenario
        .modem(modem.has_embedded_service())
        .map_err(|(line, reason)| HostError::usage(format_args!("{}:{line}: {reason}", scenario.file)))?;
    if let Some(spec) = declared {
        modem
            .take_from(spec)
            .map_err(|error| HostError::usage(format_args!("{}: {error}", scenario.file)))?;
    }
    Ok(scenario)
}
