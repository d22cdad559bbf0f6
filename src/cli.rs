//! Arguments to values to one call; one file a subcommand. The only layer that prints.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod completions;
mod ctl;
mod doors;
mod exec;
mod log;
mod man;
mod modem;
mod profiles;
mod record;
mod replay;
mod secrecy;
mod server;
mod suggested;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::host::error::HostError;

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  it failed while running: the port vanished, another process holds the state directory, …
  2  usage, or a bad profile or configuration file";

/// A virtual u-blox SARA-R4/SARA-R5 module on a pseudo-terminal.
///
/// Without a subcommand: `vsara modem`.
#[derive(Debug, Parser)]
#[command(name = "vsara", version, after_help = EXIT_STATUS, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    modem: modem::ModemArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one virtual module with an embedded security service
    #[command(after_help = modem::EXAMPLE)]
    Modem(Box<modem::ModemArgs>),
    /// Run a standing security service
    #[command(after_help = server::EXAMPLE)]
    Server(server::ServerArgs),
    /// Run a host program with a module beside it
    #[command(after_help = exec::EXAMPLE)]
    Exec(Box<exec::ExecArgs>),
    /// Talk to a running module or security service
    #[command(after_help = ctl::EXAMPLE)]
    Ctl(ctl::CtlArgs),
    /// Play scenario files in virtual time
    #[command(after_help = test::EXAMPLE)]
    Test(test::TestArgs),
    /// Write what a host program and a module say to each other as a scenario
    #[command(after_help = record::EXAMPLE)]
    Record(record::RecordArgs),
    /// Play a scenario back to a host program, in place of its module
    #[command(after_help = replay::EXAMPLE)]
    Replay(replay::ReplayArgs),
    /// List, show or check module profiles
    #[command(after_help = profiles::EXAMPLE)]
    Profiles(profiles::ProfilesArgs),
    /// Write completions for a shell
    #[command(after_help = completions::EXAMPLE)]
    Completions(completions::CompletionsArgs),
    /// Write manual pages
    #[command(after_help = man::EXAMPLE)]
    Man(man::ManArgs),
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            print!("{error}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let text = error.to_string();
            eprint!("vsara: {}", text.strip_prefix("error: ").unwrap_or(&text));
            return ExitCode::from(2);
        }
    };
    let done = match cli.command {
        Some(Command::Test(args)) => return exit_code(test::run(args)),
        None => modem::run(cli.modem),
        Some(Command::Modem(args)) => modem::run(*args),
        Some(Command::Server(args)) => server::run(args),
        Some(Command::Exec(args)) => return exit_code(exec::run(*args)),
        Some(Command::Ctl(args)) => ctl::run(args),
        Some(Command::Record(args)) => return exit_code(record::run(args)),
        Some(Command::Replay(args)) => return exit_code(replay::run(args)),
        Some(Command::Profiles(args)) => profiles::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
    };
    exit_code(done.map(|()| 0))
}

fn exit_code(status: Result<u8, HostError>) -> ExitCode {
    ExitCode::from(status.unwrap_or_else(|error| {
        eprintln!("vsara: {error}");
        error.kind.exit_status()
    }))
}

/// Prints a line and flushes it; a reader that has gone is no error worth a word.
fn print_line(line: impl std::fmt::Display) -> std::io::Result<()> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn stdout_failed(error: &std::io::Error) -> HostError {
    HostError::running(format_args!("stdout: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_subcommand_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.has_subcommands() || help.contains("Example:"), "{path}");
            command.get_subcommands().for_each(|command| check(command, &path));
        }
        check(&Cli::command(), "");
    }

    #[test]
    fn verbs_about_the_service_take_what_it_knows_and_nothing_else() {
        let check = |verb: &str, fine: bool| {
            let parsed = Cli::try_parse_from(["vsara", "ctl"].into_iter().chain(verb.split(' ')));
            assert_eq!(parsed.is_ok(), fine, "{verb}: {:?}", parsed.err().map(|error| error.to_string()));
        };
        check("things --in-state active --search pump --overdue --count 5 --offset 10 --json", true);
        check("things --state s", true);
        check("things --in-state LOST", false);
        check("things --count 0", false);
        check("thing 0a04f008003c9623 --domain acme", true);
        check("thing 0a04", false);
        check("feature 0a04f008003c9623 c2c-pairing off", true);
        check("feature 0a04f008003c9623 warp on", false);
        check("feature 0a04f008003c9623 ldp maybe", false);
        check("heartbeat-period 0a04f008003c9623 1d", true);
        check("heartbeat-period 0a04f008003c9623 4m", false);
        check("plan 0a04f008003c9623 flex", true);
        check("plan 0a04f008003c9623 gold", false);
        check("plans", true);
        check("suspend 0a04f008003c9623", true);
        check("resume 0a04f008003c9623", true);
        check("unblock 0a04f008003c9623", true);
        check("new-keys 0a04f008003c9623", true);
        check("transfer 0a04f008003c9623 0a04f008003c9624 --device-profile u --to acme", true);
        check("transfer 0a04f008003c9623 --to acme", false);
        check("device-profile create pumps --plan flex --features ldp,c2c --whitelist on", true);
        check("device-profile create pumps --features warp", false);
        check("device-profile update u --features none --heartbeat-period 1d --name n", true);
        check("device-profile show u", true);
        check("device-profile list --count 3", true);
        check("device-profile update u --ca newest", true);
        check("ca create devices --validity-days 30 --certificate-validity-days 3", true);
        check("ca create devices --validity-days long", false);
        check("ca list --pem", true);
        check("ca list --pem --json", false);
        check("ca delete u", true);
        check("certificate list --rot 0a04f008003c9623 --ca u --pem", true);
        check("certificate list --rot 0a04", false);
        check("whitelist add u 0a04f008003c9623 -", true);
        check("whitelist add u", false);
        check("whitelist remove u 0a04", false);
        check("whitelist list u", true);
        check("campaign create daily --heartbeat-period 1d --all", true);
        check("campaign create c --feature ldp=on --device-profile u 0a04f008003c9623", true);
        check("campaign create c --plan flex 0a04f008003c9623", true);
        check("campaign create c --plan flex", false);
        check("campaign create c --all", false);
        check("campaign create c --plan flex --feature ldp=on --all", false);
        check("campaign create c --plan flex --all 0a04f008003c9623", false);
        check("campaign create c --feature ldp --all", false);
        check("campaign show u --json", true);
        check("campaign things u --outcome waiting", true);
        check("campaign things u --outcome lost", false);
        check("events --kind clone --rot 0a04f008003c9623 --since 2026-01-01T00:00:00Z --follow", true);
        check("events --kind gadget", false);
        check("events --since yesterday", false);
        check("clones --since 2026-01-01T00:00:00Z", true);
        check("suspicious --json", true);
    }

    #[test]
    fn arguments_of_the_contract_are_accepted() {
        let check = |line: &str, fine: bool| {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert_eq!(parsed.is_ok(), fine, "{line}: {:?}", parsed.err().map(|error| error.to_string()));
        };
        check("vsara", true);
        check(
            "vsara --profile sara-r422m8s --state s --link l --mode 0660 --port pty --port tcp:127.0.0.1:0",
            true,
        );
        check(
            "vsara modem --service none --timing module --time virtual --seed 7 --rot 0a04f008003c9623",
            true,
        );
        check("vsara --time 60x --ephemeral --log trace --json", true);
        check("vsara server --http 127.0.0.1:8480 --admin 127.0.0.1:8481 --expose --master-key k", true);
        check("vsara --port rfc2217:[::1]:2217 --port pty --replug", true);
        check("vsara --mode 9", false);
        check("vsara --rot 0a04", false);
        check("vsara server --bind [::1]:5684 --state s --time virtual --seed 1", true);
        check("vsara ctl power cut", true);
        check("vsara ctl --state s network loss 30%", true);
        check("vsara ctl clock -1h", true);
        check("vsara ctl clock =2026-01-01T00:00:00Z", true);
        check("vsara ctl time advance 24h", true);
        check("vsara ctl time set 2027-01-01T00:00:00Z", true);
        check("vsara ctl events --follow", true);
        check("vsara ctl identity --reveal", true);
        check("vsara ctl forget 0a04f008003c9623", true);
        check("vsara ctl accesskey create --domain acme --json", true);
        check("vsara ctl accesskey create --state s", true);
        check("vsara ctl --state s power cut", true);
        check("vsara ctl power cut --state s", true);
        check("vsara ctl accesskey", false);
        check("vsara ctl accesskey delete -key-", true);
        check("vsara ctl domain create acme --company Acme", true);
        check("vsara ctl domain list --json", true);
        check("vsara ctl fault service silent for 10m", true);
        check("vsara ctl power sideways", false);
        check("vsara ctl rest /v1/device/list {}", true);
        check("vsara ctl rest /v1/device/list []", false);
        check("vsara ctl rest /v1/device/list {", false);
        check("vsara record --port /dev/ttyUSB0 --out x.at", true);
        check("vsara record --port /dev/ttyUSB0 --out x.at --rate 9600 -- picocom {tty}", true);
        check("vsara record --out x.at", false);
        check("vsara record --port /dev/ttyUSB0", false);
        check("vsara record --port /dev/ttyUSB0 --out x.at --rate 0", false);
        check("vsara replay x.at", true);
        check("vsara replay x.at --port pty --json -- picocom {tty}", true);
        check("vsara replay x.at --port /dev/ttyUSB1 --rate 9600", true);
        check("vsara replay", false);
        check("vsara test --port /dev/ttyUSB0 --rate 9600 --junit j.xml a.at", true);
        check("vsara test --port /dev/ttyUSB0 --jobs 2 a.at", false);
        check("vsara test --port /dev/ttyUSB0 --bless a.at", false);
        check("vsara test --rate 9600 a.at", false);
        check("vsara profiles sara-r510s", true);
        check("vsara profiles --check p.toml", true);
        check("vsara completions bash", true);
        check("vsara man ctl power", true);
        check("vsara man --dir pages", true);
        check("vsara man ctl --dir pages", false);
        check("vsara exec --profile sara-r510s --ephemeral --timeout 5m -- picocom {tty} -b 9600", true);
        check("vsara exec -- x --timeout 5", true);
        check("vsara exec", false);
        check("vsara test --junit j.xml --trace t --bless --seed 7 --jobs 2 a.at b", true);
        check("vsara test --guide", true);
        check("vsara test", false);
        check("vsara exec picocom {tty}", false);
        check("vsara exec --timeout 5 -- picocom", false);
    }
}
