//! [`run_record`]: what a host program and a module say to each other, as a scenario.

use std::fmt;
use std::fs::{self, Permissions};
use std::future::poll_fn;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::host::clock::{Clock, Pace};
use crate::host::error::HostError;
use crate::host::host_program::ProgramSpec;
use crate::host::relay::Relay;
use crate::host::signals::Signals;
use crate::host::whereabouts::Whereabouts;
use crate::scenario::transcribe::{Origin, transcribe};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct RecordSetup {
    /// Where the module is.
    pub port: PathBuf,
    /// The rate of its line before a host program sets one, in bits per second.
    pub rate: u32,
    /// The scenario that is written.
    pub out: PathBuf,
    /// The host program; none: whoever opens the pseudo-terminal, until a signal ends it.
    pub program: Option<ProgramSpec>,
}

/// The first line on stdout, where no host program has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordReady {
    /// What a host program opens.
    pub tty: PathBuf,
    /// Where the module is.
    pub port: PathBuf,
}

/// Records until the host program ends or a signal comes, and writes the scenario, also where the port
/// went away. Gives the exit status: the host program's, as a shell does.
pub fn run_record(
    setup: RecordSetup,
    announce: impl FnOnce(&RecordReady) -> io::Result<()>,
) -> Result<u8, HostError> {
    super::runtime()?.block_on(async {
        let clock = Clock::start(Pace::Real, None);
        let origin = origin(&setup, &clock);
        let mut relay = Relay::open(&setup.port, setup.rate, clock)?;
        let out = OutFile::new(&setup.out)?;
        let result = match &setup.program {
            Some(program) => {
                let mut signals = Signals::to_pass_on().map_err(HostError::running)?;
                let place = Whereabouts { tty: Some(relay.tty().to_owned()), ..Whereabouts::default() };
                let mut program = program.start(&place)?;
                tokio::select! {
                    status = program.run(&mut signals, None) => status,
                    error = relay.run() => {
                        program.end().await;
                        Err(error)
                    }
                }
            }
            None => {
                let mut signals = Signals::new().map_err(HostError::running)?;
                let ready = RecordReady { tty: relay.tty().to_owned(), port: setup.port.clone() };
                announce(&ready).map_err(|error| HostError::running(format_args!("stdout: {error}")))?;
                tokio::select! {
                    () = poll_fn(|cx| signals.poll(cx)) => Ok(0),
                    error = relay.run() => Err(error),
                }
            }
        };
        out.write(&transcribe(relay.recording(), &origin))?;
        result
    })
}

fn origin(setup: &RecordSetup, clock: &Clock) -> Origin {
    let words = setup.program.as_ref().map(|program| {
        let shown = program.words.iter().map(|word| word.to_string_lossy());
        shown.collect::<Vec<_>>().join(" ")
    });
    let began = clock.now().system;
    let began = began.offset_millis(-began.as_millis().rem_euclid(1000));
    Origin { port: setup.port.display().to_string(), began, program: words }
}

/// A file that gets its name when it is whole.
#[derive(Debug)]
struct OutFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl OutFile {
    /// What cannot be written is said before there is something to lose.
    fn new(path: &Path) -> Result<Self, HostError> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(HostError::usage(format_args!("{}: no file", path.display())));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".vsara-record-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")));
        match file {
            Ok(file) => Ok(Self { path: path.to_owned(), file }),
            Err(error) => Err(HostError::running(format_args!("{}: {error}", path.display()))),
        }
    }

    fn write(mut self, text: &str) -> Result<(), HostError> {
        let failed = |error: io::Error| HostError::running(format_args!("{}: {error}", self.path.display()));
        self.file.write_all(text.as_bytes()).map_err(failed)?;
        self.file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl RecordReady {
    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        json!({ "event": "ready", "tty": self.tty, "port": self.port })
    }
}

impl fmt::Display for RecordReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ready tty={} port={}", self.tty.display(), self.port.display())
    }
}
