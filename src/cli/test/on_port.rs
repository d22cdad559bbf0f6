//! Scenarios played to the module on a serial port, one after the other.

use std::path::Path;
use std::time::Duration;

use super::{Tally, print_report};
use crate::cli::stdout_failed;
use crate::host::clock::Stopwatch;
use crate::host::error::HostError;
use crate::host::run_test::RealPort;
use crate::host::scenario_files::ScenarioFile;
use crate::scenario::report::Report;

/// What became of the files.
pub(super) struct Played {
    /// Of those that were played.
    pub(super) tally: Tally,
    /// Why the others were not.
    pub(super) gone: Option<HostError>,
}

/// Plays all files until the port goes away; what is passed over, and long waits, are said on stderr.
pub(super) fn play_all(
    files: &[ScenarioFile],
    port: &Path,
    rate: u32,
    mut done: impl FnMut(Report, Duration),
) -> Result<Played, HostError> {
    let mut port = RealPort::open(port, rate)?;
    let mut tally = Tally::default();
    for (place, file) in files.iter().enumerate() {
        let watch = Stopwatch::start();
        let note = |line: usize, text: &str| eprintln!("vsara: {}:{line}: {text}", file.name);
        let (report, gone) = port.play(&file.script, &file.name, note);
        print_report(&report).map_err(|error| stdout_failed(&error))?;
        tally.count(&report.verdict);
        done(report, watch.elapsed());
        if let Some(error) = gone {
            let gone = match files.len() - place - 1 {
                0 => error,
                1 => error.advise("1 file was not played"),
                left => error.advise(format_args!("{left} files were not played")),
            };
            return Ok(Played { tally, gone: Some(gone) });
        }
    }
    Ok(Played { tally, gone: None })
}
