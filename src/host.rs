//! IO: the only layer that reads a clock, opens a file, owns a socket and has an event loop.

pub mod air;
pub mod checked_file;
pub mod clock;
pub mod control;
pub mod descriptor;
pub mod doors;
pub mod entropy;
pub mod error;
pub mod event_log;
pub mod host_program;
pub mod journal;
pub mod line;
pub mod nvm_file;
pub mod output_queue;
pub mod pcapng;
pub mod port;
pub mod pty;
pub mod relay;
pub mod rest_call;
pub mod rfc2217;
pub mod run_exec;
pub mod run_modem;
pub mod run_record;
pub mod run_replay;
pub mod run_server;
pub mod run_service;
pub mod run_test;
pub mod scenario_files;
pub mod secret_file;
pub mod serial;
pub mod service_file;
pub mod signals;
pub mod standard_input;
pub mod state_dir;
pub mod store_sqlite;
pub mod tcp;
pub mod terminal;
pub mod tty_link;
pub mod udp;
pub mod whereabouts;

use std::io;
use std::path::Path;

/// Puts `content` in the place of a file in one step: a reader, or a kill, sees the old content or
/// the new.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    std::fs::write(&new, content)?;
    std::fs::rename(&new, path)
}

/// The event loop of one thread.
fn runtime() -> Result<tokio::runtime::Runtime, error::HostError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    built.map_err(|error| error::HostError::running(format_args!("event loop: {error}")))
}
