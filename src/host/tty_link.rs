//! [`TtyLink`]: a stable name for a pseudo-terminal.
//!
//! A stale link would make a host program open somebody else's terminal, so a link is replaced only
//! where it dangles or where the state directory recorded it as its own, and removed at exit only
//! where it is still ours. The file `links` of the state directory is the record: a line `path`, tab,
//! `target` a link, written before the link is made.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf, absolute};

use crate::host::error::HostError;
use crate::host::replace_file;

/// A symbolic link that is removed with this value.
#[derive(Debug)]
pub struct TtyLink {
    path: PathBuf,
    target: PathBuf,
}

impl TtyLink {
    /// Makes `path` point to `target`; `state_dir` keeps the record.
    pub fn make(path: &Path, target: &Path, state_dir: &Path) -> Result<Self, HostError> {
        let failed = |error: io::Error| HostError::running(format_args!("{}: {error}", path.display()));
        let mut record = Record::load(state_dir);
        let before = check_replaceable(path, &record)?;
        let own = absolute(path).map_err(failed)?;
        record.entries.retain(|(link, at)| *link != own || Some(at) == before.as_ref());
        record.entries.push((own, target.to_owned()));
        record.save(state_dir).map_err(failed)?;
        let new = new_name(path);
        match fs::symlink_metadata(&new) {
            Ok(metadata) if metadata.is_symlink() => fs::remove_file(&new).map_err(failed)?,
            Ok(_) => return Err(in_the_way(&new)),
            Err(_) => {}
        }
        symlink(target, &new).and_then(|()| fs::rename(&new, path)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), target: target.to_owned() })
    }

    /// As it was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TtyLink {
    fn drop(&mut self) {
        if fs::read_link(&self.path).is_ok_and(|target| target == self.target) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What is at `path` may go; returns where it pointed.
fn check_replaceable(path: &Path, record: &Record) -> Result<Option<PathBuf>, HostError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(None) };
    if !metadata.is_symlink() {
        return Err(in_the_way(path));
    }
    let target = fs::read_link(path).unwrap_or_default();
    let dangles = fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let own = absolute(path).is_ok_and(|path| record.entries.contains(&(path, target.clone())));
    if dangles || own {
        return Ok(Some(target));
    }
    let problem = format!("{}: already points to {}", path.display(), target.display());
    Err(HostError::running(problem).advise("remove it if nobody uses it, or choose another --link"))
}

fn in_the_way(path: &Path) -> HostError {
    HostError::running(format_args!("{}: exists and is no symbolic link", path.display()))
        .advise("choose another --link")
}

fn new_name(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".tmp");
    name.into()
}

#[derive(Debug, Default)]
struct Record {
    entries: Vec<(PathBuf, PathBuf)>,
}

impl Record {
    /// An unreadable record is none: links are then replaced only where they dangle.
    fn load(state_dir: &Path) -> Self {
        let text = fs::read(state_dir.join("links")).unwrap_or_default();
        let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
        let entry = |line: &[u8]| {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            Some((path(&line[..tab]), path(&line[tab + 1..])))
        };
        Self { entries: text.split(|byte| *byte == b'\n').filter_map(entry).collect() }
    }

    fn save(&self, state_dir: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        for (path, target) in &self.entries {
            text.extend_from_slice(path.as_os_str().as_bytes());
            text.push(b'\t');
            text.extend_from_slice(target.as_os_str().as_bytes());
            text.push(b'\n');
        }
        replace_file(&state_dir.join("links"), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let place = Self { dir: tempfile::tempdir().expect("a temporary directory") };
            for name in ["pts7", "pts8"] {
                fs::write(place.at(name), "").expect("written");
            }
            place
        }

        fn at(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn make(&self, target: &str) -> Result<TtyLink, HostError> {
            TtyLink::make(&self.at("tty"), &self.at(target), self.dir.path())
        }

        fn points_to(&self, target: &str) -> bool {
            fs::read_link(self.at("tty")).is_ok_and(|there| there == self.at(target))
        }
    }

    #[test]
    fn it_is_removed_at_exit_only_if_still_ours() {
        let place = Place::new();
        drop(place.make("pts7").expect("made"));
        assert!(fs::symlink_metadata(place.at("tty")).is_err());
        let link = place.make("pts7").expect("made");
        fs::remove_file(place.at("tty")).expect("there");
        symlink(place.at("pts8"), place.at("tty")).expect("linked");
        drop(link);
        assert!(place.points_to("pts8"));
    }

    #[test]
    fn a_dangling_link_and_an_own_one_are_replaced() {
        let place = Place::new();
        symlink(place.at("nowhere"), place.at("tty")).expect("linked");
        std::mem::forget(place.make("pts7").expect("it dangled"));
        assert!(place.points_to("pts7"));
        std::mem::forget(place.make("pts8").expect("recorded as our own"));
        let _link = place.make("pts7").expect("recorded as our own");
        assert!(place.points_to("pts7"));
    }

    #[test]
    fn anything_else_is_refused_and_left_alone() {
        let place = Place::new();
        fs::write(place.at("tty"), "precious").expect("written");
        assert!(place.make("pts7").is_err());
        assert_eq!(fs::read_to_string(place.at("tty")).expect("there"), "precious");
        fs::remove_file(place.at("tty")).expect("there");
        symlink(place.at("pts8"), place.at("tty")).expect("linked");
        assert!(place.make("pts7").is_err());
        assert!(place.points_to("pts8"));
    }

    #[test]
    fn an_own_link_that_another_program_moved_is_no_longer_ours() {
        let place = Place::new();
        std::mem::forget(place.make("pts7").expect("made"));
        fs::remove_file(place.at("tty")).expect("there");
        symlink(place.at("pts8"), place.at("tty")).expect("linked");
        assert!(place.make("pts7").is_err());
    }
}
