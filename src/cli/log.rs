//! Where the trace goes: stderr, for people or as JSON lines.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

/// How much is logged, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct LogArgs {
    /// AT and service trace on stderr: this level and what is graver
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: Level,
    /// Ready line and trace as JSON lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Off,
}

impl LogArgs {
    /// Sends the trace to stderr from now on.
    pub(super) fn start(&self) {
        let level = match self.log {
            Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error => LevelFilter::ERROR,
            Level::Off => LevelFilter::OFF,
        };
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(!no_colour && std::io::stderr().is_terminal());
        if self.json { subscriber.json().init() } else { subscriber.init() }
    }
}
