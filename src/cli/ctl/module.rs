//! The module: its power, its link, its time, its identity; and the faults of its service.

use std::path::{PathBuf, absolute};

use clap::builder::StringValueParser;
use clap::{Subcommand, ValueEnum, ValueHint};

use super::errand::Errand;
use super::show::Shown;
use crate::cli::suggested::Suggested;
use crate::host::control::{PowerSwitch, Request};
use crate::host::error::HostError;
use crate::host::run_service::ServiceFault;
use crate::protocol::keys::RotUid;
use crate::scenario::script::{ChangeError, ClockChange, LineFault, NetworkChange};
use crate::time::Timestamp;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// How things stand
    #[command(after_help = "Example:\n  vsara ctl status --json | jq .heartbeat_due")]
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Supply and PWR_ON
    #[command(after_help = "Example:\n  vsara ctl power cut && vsara ctl power on")]
    Power {
        /// `off` is orderly, `cut` is power loss at this instant
        to: Switch,
    },
    /// Coverage (up, down) and the link: loss 30%, drop N, delay 2s, duplicate N, reorder
    #[command(after_help = "Example:\n  vsara ctl network loss 30%\n  vsara ctl network down")]
    Network {
        /// For example `loss 30%`; `loss 0%` ends every fault of the link
        #[arg(required = true, num_args = 1..=2, value_parser = network_words(), hide_possible_values = true)]
        what: Vec<String>,
    },
    /// System time
    #[command(subcommand)]
    Time(TimeVerb),
    /// The module's real-time clock: +5m, -1h, =2026-01-01T00:00:00Z
    #[command(after_help = "Example:\n  vsara ctl clock -1h")]
    Clock {
        /// By how much, or to when
        #[arg(allow_hyphen_values = true)]
        change: ClockText,
    },
    /// RESET_N
    #[command(after_help = "Example:\n  vsara ctl reset")]
    Reset,
    /// Make the module as new, and forget it in the embedded service
    #[command(after_help = "Example:\n  vsara ctl factory-reset")]
    FactoryReset,
    /// Have the security service forget a root of trust
    #[command(after_help = "Example:\n  vsara ctl --state .vsara-server forget 0a04f008003c9623")]
    Forget {
        /// 16 hex digits
        rot: RotUid,
    },
    /// Copy the module as it is now, without the service, into a new state directory
    #[command(after_help = "Example:\n  vsara ctl clone other-state")]
    Clone {
        /// New, or empty
        #[arg(value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
    /// The PSK identity, for coap-client and openssl by hand
    #[command(after_help = "Example:\n  vsara ctl identity --reveal")]
    Identity {
        /// With the key, in hex
        #[arg(long)]
        reveal: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Faults of the serial line, and of the security service
    ///
    /// Of the serial line: line drop 3, line corrupt 5%, line split 10%, line merge 2,
    /// line delay 200ms, line none; to-host or to-module behind it means one direction. Of the
    /// security service: service silent for 10m, service loss 30%, corrupt 5%, drop N, delay 2s,
    /// duplicate N, duplicate 10%, reorder; service none. `service` alone shows them
    #[command(
        after_help = "Example:\n  vsara ctl fault line drop 3 to-host\n  vsara ctl fault service silent for 10m\n  vsara ctl fault service"
    )]
    Fault {
        /// For example `line drop 3 to-host` or `service silent for 10m`; `line none`, `service none` end them
        #[arg(required = true, num_args = 1..=5, value_parser = fault_words(), hide_possible_values = true)]
        what: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
    Cut,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum TimeVerb {
    /// Move it forward, stopping at every deadline on the way
    #[command(
        after_help = "Example:\n  vsara ctl time advance 24h        (with a module run as `vsara --time virtual`)"
    )]
    Advance {
        /// For example 24h
        #[arg(value_parser = humantime::parse_duration)]
        by: std::time::Duration,
    },
    /// The same, to a moment
    #[command(after_help = "Example:\n  vsara ctl time set 2027-01-01T00:00:00Z")]
    Set {
        /// RFC 3339
        moment: Timestamp,
    },
}

/// A clock change that was checked, as it was written.
#[derive(Clone, Debug)]
pub(super) struct ClockText(String);

impl std::str::FromStr for ClockText {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ClockChange>().map(|_| Self(text.to_owned()))
    }
}

/// For shells to complete; the words are checked once they are together.
fn network_words() -> Suggested<StringValueParser> {
    Suggested::new(["up", "down", "loss", "drop", "delay", "duplicate", "reorder"], StringValueParser::new())
}

fn fault_words() -> Suggested<StringValueParser> {
    const WORDS: [&str; 14] = [
        "line",
        "service",
        "drop",
        "corrupt",
        "split",
        "merge",
        "delay",
        "silent",
        "loss",
        "duplicate",
        "reorder",
        "none",
        "to-host",
        "to-module",
    ];
    Suggested::new(WORDS, StringValueParser::new())
}

impl Verb {
    pub(super) fn errand(&self) -> Result<Errand, HostError> {
        let request = match self {
            Self::Status { json } => return Ok(Errand::new(Request::Status, *json)),
            Self::Identity { reveal, json } => return Ok(identity(*reveal, *json)),
            Self::Fault { what } if what == &["service"] => {
                return Ok(Errand::admin("/faults", None, Shown::Fields));
            }
            Self::Fault { what } => fault(&what.join(" "))?,
            Self::Power { to } => Request::Power {
                to: match to {
                    Switch::On => PowerSwitch::On,
                    Switch::Off => PowerSwitch::Off,
                    Switch::Cut => PowerSwitch::Cut,
                },
            },
            Self::Network { what } => network(&what.join(" "))?,
            Self::Time(TimeVerb::Advance { by }) => {
                let by_ms = i64::try_from(by.as_millis()).map_err(HostError::usage)?;
                Request::Advance { by_ms }
            }
            Self::Time(TimeVerb::Set { moment }) => Request::AdvanceTo { moment: *moment },
            Self::Clock { change } => Request::Clock { change: change.0.clone() },
            Self::Reset => Request::Reset,
            Self::FactoryReset => Request::FactoryReset,
            Self::Forget { rot } => Request::Forget { rot: *rot },
            Self::Clone { dir } => {
                let shown = dir.display();
                let dir =
                    absolute(dir).map_err(|error| HostError::usage(format_args!("{shown}: {error}")))?;
                Request::Clone { dir }
            }
        };
        Ok(Errand::new(request, false))
    }
}

fn identity(reveal: bool, json: bool) -> Errand {
    let lines: &[&str] = if reveal { &["identity", "key"] } else { &["identity"] };
    Errand {
        request: Request::Identity { reveal },
        shown: if json { Shown::Json } else { Shown::Values(lines) },
    }
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
