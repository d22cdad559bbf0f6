//! [`NvmFile`]: a module's non-volatile memory on disk, in two files that belong together.
//!
//! `nvm.toml` is for everybody to read, `secrets.toml` (mode 0600) holds the key sets. Each is a
//! [`CheckedFile`]. Saving keeps the pair consistent at every instant:
//!
//! 1. If the secrets changed, both copies of `secrets.toml` are replaced first. They hold the new
//!    secrets under a new generation number *and* the ones before, under theirs.
//! 2. Both copies of `nvm.toml` are replaced; the file names the generation it belongs to.
//!
//! A kill anywhere leaves the old pair or the new one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::checked_file::{CheckedFile, Condition, Copy};

/// Version of both file formats.
const VERSION: u32 = 1;

const NVM_HEADER: &str = "\
# Non-volatile memory of a vsara module. Written by vsara, with a backup beside it (nvm.toml.bak).
# Read it freely; the checksum in the last line notices a change by hand.
";

const SECRETS_HEADER: &str = "\
# Key sets of a vsara module. Whoever can read this file can speak as the module.
";

/// The pair of files in a state directory.
#[derive(Debug)]
pub struct NvmFile {
    nvm: CheckedFile,
    secrets: CheckedFile,
    directory: File,
    held: Option<Generation>,
}

/// Why a module's memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NvmError {
    /// Neither copy is whole.
    #[error("{}: {damage}; {}: {backup_damage}", path.display(), backup.display())]
    Damaged {
        /// The first copy.
        path: PathBuf,
        /// What is wrong with it.
        damage: String,
        /// The backup.
        backup: PathBuf,
        /// What is wrong with that.
        backup_damage: String,
    },
    /// The file is whole, but nothing this version of vsara can use.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Secrets under the number by which `nvm.toml` asks for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Generation {
    generation: u64,
    secrets: toml::Table,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretsFile {
    version: u32,
    now: Generation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Generation>,
}

impl NvmFile {
    /// The files in `dir`, which exists.
    pub fn new(dir: &Path) -> Result<Self, NvmError> {
        let directory = File::open(dir).map_err(|source| NvmError::Io { path: dir.to_owned(), source })?;
        Ok(Self {
            nvm: CheckedFile::new(dir, "nvm.toml", 0o644),
            secrets: CheckedFile::new(dir, "secrets.toml", 0o600),
            directory,
            held: None,
        })
    }

    /// The memory and its secrets, or `None` where there is no module yet. Falls back to the
    /// backup of a damaged file with a warning, and repairs whichever copy is not whole.
    pub fn load<N: DeserializeOwned, S: DeserializeOwned>(&mut self) -> Result<Option<(N, S)>, NvmError> {
        let (nvm_text, secrets_text) = match (self.text_of(&self.nvm)?, self.text_of(&self.secrets)?) {
            (None, None) => return Ok(None),
            (Some(nvm), Some(secrets)) => (nvm, secrets),
            (None, Some(_)) => return Err(self.unusable(&self.nvm, "the file is missing")),
            (Some(_), None) => return Err(self.unusable(&self.secrets, "the file is missing")),
        };
        let (nvm, generation) = self.read_nvm(&nvm_text)?;
        let held = self.read_secrets(&secrets_text, generation)?;
        let secrets = held
            .secrets
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| self.unusable(&self.secrets, error.message()))?;
        self.held = Some(held);
        Ok(Some((nvm, secrets)))
    }

    /// Saves both. When it returns, both copies of both files are on disk.
    pub fn save<N: Serialize, S: Serialize>(&mut self, nvm: &N, secrets: &S) -> Result<(), NvmError> {
        let held = self.next_generation(secrets)?;
        if self.held.as_ref() != Some(&held) {
            let file = SecretsFile { version: VERSION, now: held.clone(), before: self.held.take() };
            self.write(&self.secrets, &format!("{SECRETS_HEADER}{}", self.render(&self.secrets, &file)?))?;
        }
        let body = self.render(&self.nvm, nvm)?;
        let text =
            format!("{NVM_HEADER}version = {VERSION}\nsecrets_generation = {}\n{body}", held.generation);
        self.held = Some(held);
        self.write(&self.nvm, &text)
    }

    /// Removes the module: what is made next in this directory is a new one.
    pub fn remove(&mut self) -> Result<(), NvmError> {
        self.held = None;
        for file in [&self.nvm, &self.secrets] {
            file.remove().map_err(|source| self.io(file, source))?;
        }
        self.directory.sync_all().map_err(|source| self.io(&self.nvm, source))
    }

    fn text_of(&self, file: &CheckedFile) -> Result<Option<String>, NvmError> {
        let load = |copy| file.load(copy).map_err(|source| NvmError::Io { path: file.path(copy), source });
        match (load(Copy::First)?, load(Copy::Backup)?) {
            (Condition::Missing, Condition::Missing) => Ok(None),
            (Condition::Whole(text), Condition::Whole(backup)) if text == backup => Ok(Some(text)),
            (Condition::Whole(text), _) => {
                // A save was interrupted between the two, or the backup was lost.
                self.write(file, &text)?;
                Ok(Some(text))
            }
            (condition, Condition::Whole(text)) => {
                let (path, backup) = (file.path(Copy::First), file.path(Copy::Backup));
                let damage = damage(condition);
                tracing::warn!("{}: {damage}; going on with {}", path.display(), backup.display());
                self.write(file, &text)?;
                Ok(Some(text))
            }
            (first, backup) => Err(NvmError::Damaged {
                path: file.path(Copy::First),
                damage: damage(first),
                backup: file.path(Copy::Backup),
                backup_damage: damage(backup),
            }),
        }
    }

    fn read_nvm<N: DeserializeOwned>(&self, text: &str) -> Result<(N, u64), NvmError> {
        let broken = |error: toml::de::Error| self.unusable(&self.nvm, error.message());
        let mut table: toml::Table = toml::from_str(text).map_err(broken)?;
        let version = table.remove("version");
        if version.as_ref().and_then(toml::Value::as_integer) != Some(i64::from(VERSION)) {
            return Err(self.unusable(&self.nvm, &wrong_version(version.as_ref())));
        }
        let generation = table
            .remove("secrets_generation")
            .and_then(|number| u64::try_from(number.as_integer()?).ok())
            .ok_or_else(|| self.unusable(&self.nvm, "secrets_generation is missing"))?;
        Ok((table.try_into().map_err(broken)?, generation))
    }

    fn read_secrets(&self, text: &str, generation: u64) -> Result<Generation, NvmError> {
        let file: SecretsFile =
            toml::from_str(text).map_err(|error| self.unusable(&self.secrets, error.message()))?;
        if file.version != VERSION {
            let version = toml::Value::Integer(file.version.into());
            return Err(self.unusable(&self.secrets, &wrong_version(Some(&version))));
        }
        [Some(file.now), file.before]
            .into_iter()
            .flatten()
            .find(|held| held.generation == generation)
            .ok_or_else(|| self.unusable(&self.secrets, "it does not belong to this nvm.toml"))
    }

    /// What is to be held for these secrets: the generation that is, where they did not change.
    fn next_generation<S: Serialize>(&self, secrets: &S) -> Result<Generation, NvmError> {
        let secrets = toml::Table::try_from(secrets)
            .map_err(|error| self.unusable(&self.secrets, &error.to_string()))?;
        let next = match &self.held {
            Some(held) if held.secrets == secrets => held.generation,
            // An interrupted save may have left one generation more than is held.
            Some(held) => held.generation + 2,
            None => 1,
        };
        Ok(Generation { generation: next, secrets })
    }

    fn render<T: Serialize>(&self, file: &CheckedFile, value: &T) -> Result<String, NvmError> {
        toml::to_string(value).map_err(|error| self.unusable(file, &error.to_string()))
    }

    fn write(&self, file: &CheckedFile, text: &str) -> Result<(), NvmError> {
        file.save(text, &self.directory).map_err(|source| self.io(file, source))
    }

    fn unusable(&self, file: &CheckedFile, problem: &str) -> NvmError {
        NvmError::Unusable { path: file.path(Copy::First), problem: problem.to_owned() }
    }

    fn io(&self, file: &CheckedFile, source: io::Error) -> NvmError {
        NvmError::Io { path: file.path(Copy::First), source }
    }
}

fn damage(condition: Condition) -> String {
    match condition {
        Condition::Whole(_) => "whole".to_owned(),
        Condition::Missing => "the file is missing".to_owned(),
        Condition::Damaged(damage) => damage,
    }
}

fn wrong_version(version: Option<&toml::Value>) -> String {
    match version {
        Some(version) => format!("format version {version}, but this vsara knows version {VERSION} only"),
        None => "the format version is missing".to_owned(),
    }
}

#[cfg(test)]
#[path = "nvm_file_tests.rs"]
mod tests;
