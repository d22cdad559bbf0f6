//! `vsara modem`: one virtual module.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::doors::DoorArgs;
use super::log::LogArgs;
use super::print_line;
use super::secrecy::SecrecyArgs;
use super::suggested::Suggested;
use crate::host::clock::Pace;
use crate::host::error::HostError;
use crate::host::port::PortSpec;
use crate::host::run_modem::{ModemSetup, StateSpec, run_modem};
use crate::host::standard_input::end_with_standard_input;
use crate::host::udp::ServiceSpec;
use crate::module;
use crate::profile;
use crate::protocol::keys::RotUid;
use crate::scenario::script::{ModemSource, ModemSpec};

pub(super) const EXAMPLE: &str = "\
Example:
  vsara modem --profile sara-r422m8s --link /tmp/ttySARA0
  picocom /tmp/ttySARA0";

#[derive(Clone, Debug, Args)]
pub(super) struct ModemArgs {
    /// Module profile: a built-in one (see `vsara profiles`) or a TOML file [default: the state
    /// directory's, sara-r510s in a new one]
    #[arg(long, value_name = "NAME|FILE", value_parser = profile_names(), hide_possible_values = true)]
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
    #[arg(value_parser = ports(), hide_possible_values = true)]
    port: Vec<PortSpec>,
    /// Pseudo-terminals hang up when the module resets, goes off or sleeps, and come back with it under
    /// the same link, as the ports of a USB module do
    #[arg(long)]
    replug: bool,
    /// Where the security service is: embedded, none or HOST:PORT
    #[arg(long, value_name = "WHERE", default_value = "embedded")]
    #[arg(value_parser = services(), hide_possible_values = true)]
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
    /// End with standard input too: whoever holds its pipe leaves nothing running, however he ends
    #[arg(long)]
    pub(super) until_eof: bool,
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
    let (json, until_eof) = (args.log.json, args.until_eof);
    let setup = args.into_setup()?;
    if until_eof {
        end_with_standard_input().map_err(HostError::running)?;
    }
    run_modem(setup, |ready| if json { print_line(ready.to_json()) } else { print_line(ready) })
}

impl ModemArgs {
    /// Whether the security service is to be embedded.
    pub(super) fn has_embedded_service(&self) -> bool {
        self.service == ServiceSpec::Embedded
    }

    /// What a scenario says of its modem goes where the command line says nothing.
    ///
    /// # Errors
    /// The two say different things, in plain words.
    pub(super) fn take_from(&mut self, spec: &ModemSpec) -> Result<(), String> {
        let ModemSource::Factory(profile, rot) = &spec.source else { return Ok(()) };
        match &self.profile {
            Some(asked) if asked != profile => {
                return Err(format!("its modem is a {profile}, and --profile asks for {asked}"));
            }
            _ => self.profile = Some(profile.clone()),
        }
        if spec.ip == module::IpVersion::V6 {
            return Err("the embedded service is reached by IPv4; leave ip=6 out".to_owned());
        }
        self.rot = self.rot.or(*rot);
        if spec.timing == module::Timing::Module {
            self.timing = Timing::Module;
        }
        if !spec.service_resolves {
            self.service = ServiceSpec::None;
        }
        Ok(())
    }

    /// What is asked for, checked; the log has started.
    pub(super) fn into_setup(self) -> Result<ModemSetup, HostError> {
        let doors = [Some(self.http), self.admin];
        let listeners = self.port.iter().filter_map(PortSpec::listens_at);
        let master = self.secrecy.check(listeners.chain(doors.into_iter().flatten()))?;
        if self.replug && !self.port.contains(&PortSpec::Pty) {
            return Err(HostError::usage("--replug: no port is a pty").advise("add --port pty"));
        }
        self.log.start();
        Ok(ModemSetup {
            profile: self.profile,
            state: if self.ephemeral { StateSpec::Temporary } else { StateSpec::At(self.state) },
            link: self.link,
            mode: self.mode,
            ports: self.port,
            replug: self.replug,
            service: self.service,
            timing: match self.timing {
                Timing::Fast => module::Timing::Fast,
                Timing::Module => module::Timing::Module,
            },
            pace: self.time,
            seed: self.seed,
            journal: self.admin.is_some(),
            doors: self.doors.front(self.http, self.admin).opener(),
            rot: self.rot,
            master,
        })
    }
}

/// Of built-in profiles; a file may be named too.
pub(super) fn profile_names() -> impl TypedValueParser<Value = String> {
    Suggested::new(profile::list().map(|(name, _)| name), StringValueParser::new())
}

fn ports() -> impl TypedValueParser<Value = PortSpec> {
    Suggested::new(
        ["pty", "tty:", "tcp:", "rfc2217:"],
        StringValueParser::new().try_map(|text| text.parse::<PortSpec>()),
    )
}

fn services() -> impl TypedValueParser<Value = ServiceSpec> {
    Suggested::new(["embedded", "none"], StringValueParser::new().try_map(|text| text.parse::<ServiceSpec>()))
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("permissions are three octal digits, such as 0660".to_owned()),
    }
}
