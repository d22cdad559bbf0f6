//! Scenario files on disk: found, read, and what they name.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::error::HostError;
use crate::host::nvm_file::NvmFile;
use crate::host::run_modem::load_profile;
use crate::host::state_dir::StateFacts;
use crate::module::Nvm;
use crate::profile::Profile;
use crate::scenario::script::{self, Act, ModemSource, SCRIPT_LEN_MAX, Script, ScriptError, What};
use crate::scenario::{BuiltIn, Library};

/// Deepest folder that is searched.
const DEPTH_MAX: usize = 32;

/// A scenario that was read.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    /// As reports call it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What it says.
    pub script: Script,
}

/// Profiles and memories that a scenario names, relative to its own folder.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// The scenarios at these paths: files as they are, folders with every `*.at` in them, in the order
/// of their names.
///
/// # Errors
/// A path that is not there, or a folder without a scenario.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, HostError> {
    let mut found = Vec::new();
    for path in paths {
        let failed = |error: std::io::Error| HostError::usage(format_args!("{}: {error}", path.display()));
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        search(path, 0, &mut found).map_err(failed)?;
        if found.len() == before {
            return Err(HostError::usage(format_args!(
                "{}: there is no *.at file in this folder",
                path.display()
            )));
        }
    }
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() && depth < DEPTH_MAX {
            search(&path, depth + 1, found)?;
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "at") {
            found.push(path);
        }
    }
    Ok(())
}

impl ScenarioFile {
    /// Reads a scenario.
    ///
    /// # Errors
    /// It cannot be read, or its first line that is wrong.
    pub fn read(path: &Path) -> Result<Self, HostError> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        // One byte more than is allowed tells that the file is too long, however long it is.
        fs::File::open(path)
            .and_then(|file| file.take(SCRIPT_LEN_MAX as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| HostError::usage(format_args!("{name}: {error}")))?;
        let text = script::decode(bytes, &name).map_err(HostError::usage)?;
        let script = Script::parse(&text, &name).map_err(|error: ScriptError| HostError::usage(error))?;
        let file = Self { name, path: path.to_owned(), text, script };
        file.check_profiles()?;
        Ok(file)
    }

    /// Every module profile that is named has to be there.
    fn check_profiles(&self) -> Result<(), HostError> {
        let shelf = self.shelf();
        let mut known = std::collections::BTreeSet::new();
        for statement in &self.script.statements {
            let What::Act(Act::Modem(_, spec)) = &statement.what else { continue };
            let (ModemSource::Factory(profile, _) | ModemSource::Memory { profile, .. }) = &spec.source
            else {
                continue;
            };
            if known.insert(profile)
                && let Err(problem) = shelf.profile(profile)
            {
                let line = self.text.lines().nth(statement.line - 1).unwrap_or_default();
                let before = line.find(profile.as_str()).map_or("", |at| &line[..at]);
                let column = before.chars().count() + 1;
                return Err(HostError::usage(format_args!(
                    "{}:{}:{column}: {problem}",
                    self.name, statement.line
                )));
            }
        }
        Ok(())
    }

    /// Where what it names is looked for.
    pub fn shelf(&self) -> Shelf {
        Shelf { folder: self.path.parent().map(Path::to_owned).unwrap_or_default() }
    }
}

impl Library for Shelf {
    fn profile(&self, name: &str) -> Result<Arc<Profile>, String> {
        BuiltIn.profile(name).or_else(|unknown| {
            let path = self.folder.join(name);
            if !path.is_file() {
                return Err(format!("{unknown}; and there is no file {}", path.display()));
            }
            load_profile(&path.display().to_string()).map(Arc::new).map_err(|error| error.to_string())
        })
    }

    fn memory(&self, path: &str, profile: &str) -> Result<Nvm, String> {
        let path = self.folder.join(path);
        let directory = match path.parent() {
            _ if path.is_dir() => path.as_path(),
            // A name alone is one of this folder.
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            parent => parent.unwrap_or(&path),
        };
        let made_for = StateFacts::load(directory).map_err(|error| error.to_string())?;
        if let Some(facts) = made_for.filter(|facts| facts.profile != profile && is_built_in(&facts.profile))
        {
            return Err(format!(
                "{}: is the memory of a {}, not of a {profile}",
                path.display(),
                facts.profile
            ));
        }
        let loaded = NvmFile::new(directory).and_then(|mut file| file.load::<Nvm, _>());
        match loaded {
            Ok(Some((nvm, secrets))) => Ok(Nvm { secrets, ..nvm }),
            Ok(None) => Err(format!("{}: there is no memory of a module", path.display())),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn is_built_in(profile: &str) -> bool {
    crate::profile::list().any(|(name, _)| name == profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_the_order_of_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.at", "a/z.at", "a/b.txt", "c.AT"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "").expect("written");
        }
        let found = find(&[folder.path().to_owned()]).expect("found");
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).expect("within")).collect();
        assert_eq!(names, [Path::new("a/z.at"), Path::new("b.at")]);
        assert!(find(&[folder.path().join("nowhere")]).is_err());
        assert!(find(&[folder.path().join("a/b.txt")]).is_ok(), "a file is taken as it is named");
    }

    #[test]
    fn a_file_that_is_no_scenario_is_refused_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |content: &[u8], place: &str| {
            let path = folder.path().join("x.at");
            fs::write(&path, content).expect("written");
            let error = ScenarioFile::read(&path).expect_err("refused").to_string();
            assert!(error.contains(place), "{error}");
        };
        check(b"modem dut sara-r510s\ndance\n", "x.at:2:1: \"dance\" is no statement; allowed: ");
        check(b"# fine\n\xff\xfe", "x.at:2:1: this is no UTF-8 text");
        check(&vec![b'#'; SCRIPT_LEN_MAX + 1], "x.at:1:1: the file has");
    }
}
