//! `vsara ctl`: talks to a running program, or to a state directory at rest.

mod at_rest;
mod show;

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf, absolute};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use crate::host::control::{self, PowerSwitch, Request};
use crate::host::error::HostError;
use crate::host::run_service::ServiceFault;
use crate::protocol::keys::RotUid;
use crate::scenario::script::{ChangeError, ClockChange, LineFault, NetworkChange};
use crate::service::domain::DEFAULT_DOMAIN;
use crate::time::Timestamp;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara ctl status
  vsara ctl network loss 30%
  vsara ctl time advance 24h        (with a module run as `vsara --time virtual`)";

#[derive(Clone, Debug, Args)]
pub(super) struct CtlArgs {
    /// State directory of the module, or of a `vsara server` [default: that of the module around a
    /// command of `vsara exec`, otherwise .vsara]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// How things stand
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Supply and PWR_ON
    Power {
        /// `off` is orderly, `cut` is power loss at this instant
        to: Switch,
    },
    /// Coverage (up, down) and the link: loss 30%, drop N, delay 2s, duplicate N, reorder
    Network {
        /// For example `loss 30%`; `loss 0%` ends every fault of the link
        #[arg(required = true, num_args = 1..=2)]
        what: Vec<String>,
    },
    /// System time
    #[command(subcommand)]
    Time(TimeVerb),
    /// The module's real-time clock: +5m, -1h, =2026-01-01T00:00:00Z
    Clock {
        /// By how much, or to when
        #[arg(allow_hyphen_values = true)]
        change: ClockText,
    },
    /// RESET_N
    Reset,
    /// Make the module as new, and forget it in the embedded service
    FactoryReset,
    /// Have the security service forget a root of trust
    Forget {
        /// 16 hex digits
        rot: RotUid,
    },
    /// Copy the module as it is now, without the service, into a new state directory
    Clone {
        /// New, or empty
        dir: PathBuf,
    },
    /// What happened
    Events {
        /// Go on with what happens from now on
        #[arg(long)]
        follow: bool,
        /// As JSON lines
        #[arg(long)]
        json: bool,
    },
    /// The PSK identity, for coap-client and openssl by hand
    Identity {
        /// With the key, in hex
        #[arg(long)]
        reveal: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Faults of the serial line: line drop 3, line corrupt 5%, line split 10%, line merge 2,
    /// line delay 200ms, line none; to-host or to-module behind it means one direction. Faults of the
    /// security service: service silent for 10m, service loss 30%, drop N, delay 2s, duplicate N,
    /// reorder; service none
    Fault {
        /// For example `line drop 3 to-host` or `service silent for 10m`; `line none`, `service none` end them
        #[arg(required = true, num_args = 1..=5)]
        what: Vec<String>,
    },
    /// Domains of the security service: the accounts
    #[command(subcommand)]
    Domain(DomainVerb),
    /// Access keys of the security service, for REST
    #[command(subcommand)]
    Accesskey(AccesskeyVerb),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Switch {
    On,
    Off,
    Cut,
}

#[derive(Clone, Debug, Subcommand)]
enum DomainVerb {
    /// Make one
    Create {
        /// Letters, digits, hyphens, underscores and dots
        name: String,
        /// Who registers it
        #[arg(long)]
        company: Option<String>,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum AccesskeyVerb {
    /// Make one; its secret is shown now and never again
    Create {
        /// For which domain
        #[arg(long, value_name = "D", default_value = DEFAULT_DOMAIN)]
        domain: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum TimeVerb {
    /// Move it forward, stopping at every deadline on the way
    Advance {
        /// For example 24h
        #[arg(value_parser = humantime::parse_duration)]
        by: std::time::Duration,
    },
    /// The same, to a moment
    Set {
        /// RFC 3339
        moment: Timestamp,
    },
}

/// A clock change that was checked, as it was written.
#[derive(Clone, Debug)]
struct ClockText(String);

impl std::str::FromStr for ClockText {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ClockChange>().map(|_| Self(text.to_owned()))
    }
}

pub(super) fn run(args: CtlArgs) -> Result<(), HostError> {
    let request = request_for(&args.verb)?;
    let state = args.state.or_else(state_around).unwrap_or_else(|| ".vsara".into());
    match control::connect(&state) {
        Ok(stream) => converse(stream, &request, &args.verb),
        Err(_) => at_rest::answer(&state, &request, &args.verb),
    }
}

/// Where a command of `vsara exec` has its module.
fn state_around() -> Option<PathBuf> {
    let control = PathBuf::from(std::env::var_os("VSARA_CONTROL")?);
    control.parent().map(Path::to_owned)
}

fn request_for(verb: &Verb) -> Result<Request, HostError> {
    Ok(match verb {
        Verb::Status { .. } => Request::Status,
        Verb::Power { to } => Request::Power {
            to: match to {
                Switch::On => PowerSwitch::On,
                Switch::Off => PowerSwitch::Off,
                Switch::Cut => PowerSwitch::Cut,
            },
        },
        Verb::Network { what } => network(&what.join(" "))?,
        Verb::Time(TimeVerb::Advance { by }) => {
            let by_ms = i64::try_from(by.as_millis()).map_err(HostError::usage)?;
            Request::Advance { by_ms }
        }
        Verb::Time(TimeVerb::Set { moment }) => Request::AdvanceTo { moment: *moment },
        Verb::Clock { change } => Request::Clock { change: change.0.clone() },
        Verb::Reset => Request::Reset,
        Verb::FactoryReset => Request::FactoryReset,
        Verb::Forget { rot } => Request::Forget { rot: *rot },
        Verb::Clone { dir } => {
            let shown = dir.display();
            let dir = absolute(dir).map_err(|error| HostError::usage(format_args!("{shown}: {error}")))?;
            Request::Clone { dir }
        }
        Verb::Events { follow, .. } => Request::Events { follow: *follow },
        Verb::Identity { reveal, .. } => Request::Identity { reveal: *reveal },
        Verb::Fault { what } => fault(&what.join(" "))?,
        Verb::Domain(DomainVerb::Create { name, company }) => {
            Request::DomainCreate { name: name.clone(), company: company.clone() }
        }
        Verb::Accesskey(AccesskeyVerb::Create { domain, .. }) => {
            Request::AccesskeyCreate { domain: domain.clone() }
        }
    })
}

fn network(what: &str) -> Result<Request, HostError> {
    match what.parse::<NetworkChange>() {
        Ok(NetworkChange::Coverage(up)) => Ok(Request::Coverage { up }),
        Ok(_) => Ok(Request::Link { fault: what.to_owned() }),
        Err(error) => Err(HostError::usage(format_args!("network {what}: {error}"))),
    }
}

fn fault(what: &str) -> Result<Request, HostError> {
    let wrong = |error: &dyn std::fmt::Display| HostError::usage(format_args!("fault {what}: {error}"));
    if let Some(fault) = what.strip_prefix("line ") {
        fault.parse::<LineFault>().map_err(|error| wrong(&error))?;
        return Ok(Request::Line { fault: fault.to_owned() });
    }
    if let Some(fault) = what.strip_prefix("service ") {
        fault.parse::<ServiceFault>().map_err(|error| wrong(&error))?;
        return Ok(Request::ServiceFault { fault: fault.to_owned() });
    }
    Err(wrong(&"a fault is of the line or of the service; allowed: line drop 3, service silent for 10m")
        .advise("the link of a module to the service is `vsara ctl network`"))
}

fn converse(
    mut stream: std::os::unix::net::UnixStream,
    request: &Request,
    verb: &Verb,
) -> Result<(), HostError> {
    let lost = |error: io::Error| HostError::running(format_args!("control socket: {error}"));
    let line = serde_json::to_string(request).map_err(HostError::running)?;
    writeln!(stream, "{line}").map_err(lost)?;
    let mut lines = BufReader::new(stream).lines();
    let answer: Value = match lines.next() {
        Some(line) => serde_json::from_str(&line.map_err(lost)?).map_err(HostError::running)?,
        None => return Err(HostError::running("control socket: the program ended without an answer")),
    };
    if answer["ok"] != true {
        return Err(HostError::running(answer["error"].as_str().unwrap_or("refused")));
    }
    show::answer(verb, &answer["value"])?;
    if let Request::Events { follow: true } = request {
        for line in lines {
            let event = serde_json::from_str(&line.map_err(lost)?).map_err(HostError::running)?;
            show::event(verb, &event)?;
        }
    }
    Ok(())
}

fn nobody(state: &Path) -> HostError {
    HostError::running(format_args!("{}: no vsara runs on this state directory", state.display()))
        .advise("start one with `vsara --state DIR`, or name another directory with --state")
}
