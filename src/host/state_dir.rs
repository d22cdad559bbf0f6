//! [`StateDir`]: everything that survives, in one directory, for one process at a time.
//!
//! | file | content |
//! |---|---|
//! | `lock` | locked, with the process' id in it, while a process runs; absent otherwise |
//! | `state.toml` | which module profile this directory was made for |
//! | `nvm.toml`, `secrets.toml` | the module ([`crate::host::nvm_file`]) |
//! | `time` | the last system time ([`crate::host::clock`]) |
//! | `links` | symbolic links this directory made ([`crate::host::tty_link`]) |
//! | `control.sock` | while a process runs ([`crate::host::control`]) |
//! | `service.toml`, `service.db` | the embedded service |
//! | `identity.toml` | names of a module that is made as new at the next start |
//! | `forget` | a root of trust the embedded service is to forget at its next start |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::clock::TimeFile;
use crate::host::error::HostError;
use crate::host::nvm_file::NvmFile;
use crate::host::replace_file;
use crate::module::Nvm;
use crate::module::identity::Identity;
use crate::time::Timestamp;

/// A state directory this process holds.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: PathBuf,
    /// Locked until it is closed.
    _held: File,
    _temporary: Option<tempfile::TempDir>,
}

/// `state.toml`: what the directory was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFacts {
    version: u32,
    /// Name of a built-in module profile, or the absolute path of a profile file.
    pub profile: String,
}

impl StateDir {
    /// Takes a directory, which is made where it does not exist.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        if path.is_file() {
            return Err(HostError::usage(format_args!(
                "{}: is a file, not a state directory",
                path.display()
            )));
        }
        fs::create_dir_all(path).map_err(|error| unusable(path, &error))?;
        Self::take(path.to_owned(), None)
    }

    /// A directory that goes away with this value.
    pub fn temporary() -> Result<Self, HostError> {
        let made = tempfile::Builder::new().prefix("vsara-").tempdir();
        let directory = made.map_err(|error| unusable(&std::env::temp_dir(), &error))?;
        Self::take(directory.path().to_owned(), Some(directory))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was made for; `None` where it is new.
    pub fn facts(&self) -> Result<Option<StateFacts>, HostError> {
        StateFacts::load(&self.path)
    }

    /// Records what it is made for.
    pub fn record(&self, profile: &str) -> Result<(), HostError> {
        StateFacts { version: 1, profile: profile.to_owned() }.save(&self.path)
    }

    fn take(path: PathBuf, temporary: Option<tempfile::TempDir>) -> Result<Self, HostError> {
        let lock = path.join("lock");
        let held = loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&lock)
                .map_err(|error| unusable(&lock, &error))?;
            match file.try_lock() {
                Ok(()) if is_still(&file, &lock) => break file,
                // The process before removed it between our open and our lock.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held_by(&path, &mut file)),
                Err(TryLockError::Error(error)) => return Err(unusable(&lock, &error)),
            }
        };
        let pid = std::process::id();
        held.set_len(0)
            .and_then(|()| (&held).write_all(format!("{pid}\n").as_bytes()))
            .map_err(|error| unusable(&lock, &error))?;
        Ok(Self { path, lock, _held: held, _temporary: temporary })
    }
}

impl Drop for StateDir {
    /// The lock goes while it is still held, so that nobody else's is ever removed.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

impl StateFacts {
    /// Reads `state.toml` of a directory that another process may hold.
    pub fn load(dir: &Path) -> Result<Option<Self>, HostError> {
        let path = dir.join("state.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| unusable(&path, &error))?,
        };
        let facts: Self = toml::from_str(&text)
            .map_err(|error| HostError::running(format_args!("{}: {}", path.display(), error.message())))?;
        if facts.version == 1 {
            return Ok(Some(facts));
        }
        let problem = format!("{}: version {}, this vsara knows 1 only", path.display(), facts.version);
        Err(HostError::running(problem))
    }

    /// Writes `state.toml`.
    pub fn save(&self, dir: &Path) -> Result<(), HostError> {
        let path = dir.join("state.toml");
        // Invariant: a number and a text always make a TOML document.
        let body = toml::to_string(self).expect("a number and a text make a TOML document");
        let text = format!("# What this state directory was made for. Written by vsara.\n{body}");
        replace_file(&path, text.as_bytes()).map_err(|error| unusable(&path, &error))
    }
}

/// Puts a copy of a module as it is now into a new state directory.
pub fn clone_module(dir: &Path, facts: &StateFacts, nvm: &Nvm, system: Timestamp) -> Result<(), HostError> {
    fs::create_dir_all(dir).map_err(|error| unusable(dir, &error))?;
    let mut there = fs::read_dir(dir).map_err(|error| unusable(dir, &error))?;
    if there.next().is_some() {
        return Err(HostError::running(format_args!("{}: not empty", dir.display()))
            .advise("a copy needs a directory of its own"));
    }
    let copy = StateDir::open(dir)?;
    facts.save(copy.path())?;
    let mut time = TimeFile::open(dir).map_err(|error| unusable(dir, &error))?;
    time.keep_durably(system).map_err(|error| unusable(dir, &error))?;
    let saved = NvmFile::new(dir).and_then(|mut file| file.save(nvm, &nvm.secrets));
    saved.map_err(HostError::running)
}

/// Keeps the names of a module that is to be made as new.
pub fn keep_identity(dir: &Path, identity: &Identity) -> Result<(), HostError> {
    let path = dir.join("identity.toml");
    let text = toml::to_string(identity).map_err(HostError::running)?;
    replace_file(&path, text.as_bytes()).map_err(|error| unusable(&path, &error))
}

/// The names [`keep_identity`] kept, if it did.
pub fn kept_identity(dir: &Path) -> Result<Option<Identity>, HostError> {
    let path = dir.join("identity.toml");
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&path, &error)),
        Ok(text) => toml::from_str(&text)
            .map(Some)
            .map_err(|error| HostError::running(format_args!("{}: {}", path.display(), error.message()))),
    }
}

/// They are in the module again.
pub fn drop_identity(dir: &Path) -> Result<(), HostError> {
    let path = dir.join("identity.toml");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&path, &error)),
        _ => Ok(()),
    }
}

fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn held_by(dir: &Path, lock: &mut File) -> HostError {
    let mut text = String::new();
    let _ = lock.take(32).read_to_string(&mut text);
    let holder = match text.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    HostError::running(format_args!("{}: {holder} holds this state directory", dir.display()))
        .advise("end it first, or choose another directory with --state")
}

fn unusable(path: &Path, error: &io::Error) -> HostError {
    HostError::running(format_args!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_the_other_is_named() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("new/state");
        let held = StateDir::open(&path).expect("taken");
        let message = StateDir::open(&path).expect_err("held").to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        drop(held);
        assert!(!path.join("lock").exists());
        StateDir::open(&path).expect("free again");
    }

    #[test]
    fn a_lock_left_by_a_killed_process_is_no_lock() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("lock"), "4242\nand more").expect("written");
        let _held = StateDir::open(dir.path()).expect("free");
        let text = fs::read_to_string(dir.path().join("lock")).expect("there");
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_temporary_one_is_removed() {
        let state = StateDir::temporary().expect("made");
        let path = state.path().to_owned();
        state.record("sara-r510s").expect("recorded");
        drop(state);
        assert!(!path.exists());
    }

    #[test]
    fn it_knows_what_it_was_made_for() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let state = StateDir::open(dir.path()).expect("taken");
        assert_eq!(state.facts().expect("readable"), None);
        state.record("sara-r422m8s").expect("recorded");
        let facts = state.facts().expect("readable").expect("recorded");
        assert_eq!(facts.profile, "sara-r422m8s");
    }
}
