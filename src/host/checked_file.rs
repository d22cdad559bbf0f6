//! [`CheckedFile`]: a small text file that is either whole or known not to be.
//!
//! The last line is a comment with the CRC-32 of everything before it. A file is kept twice,
//! `NAME` and `NAME.bak`; saving replaces one after the other, each by *write a new file, fsync,
//! rename, fsync the directory*, so that at every instant at least one copy is whole, and both
//! are when saving returns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The beginning of the last line; eight hex digits and a line feed follow.
const TRAILER: &str = "# crc32 = ";

/// Largest file that is read, in bytes.
const FILE_LEN_MAX: u64 = 1 << 20;

/// A file that is kept twice.
#[derive(Debug)]
pub struct CheckedFile {
    path: PathBuf,
    mode: u32,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// `NAME`.
    First,
    /// `NAME.bak`.
    Backup,
}

/// Saving, one system call a step: what a kill can come between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The new content goes into `NAME.new`.
    Write,
    /// It is on disk.
    Sync,
    /// It takes the place of a copy.
    Rename(Copy),
    /// So does the directory say, on disk.
    SyncDirectory,
}

/// Every step of saving, in order.
pub const STEPS: [Step; 8] = [
    Step::Write,
    Step::Sync,
    Step::Rename(Copy::First),
    Step::SyncDirectory,
    Step::Write,
    Step::Sync,
    Step::Rename(Copy::Backup),
    Step::SyncDirectory,
];

/// What a copy turned out to be.
#[derive(Debug)]
pub enum Condition {
    /// The text before the trailer.
    Whole(String),
    /// There is no such file.
    Missing,
    /// It is there, and this is wrong with it.
    Damaged(String),
}

impl CheckedFile {
    /// A file `name` in `dir`, made with this mode (before the umask).
    pub fn new(dir: &Path, name: &str, mode: u32) -> Self {
        Self { path: dir.join(name), mode }
    }

    /// Where a copy is.
    pub fn path(&self, copy: Copy) -> PathBuf {
        match copy {
            Copy::First => self.path.clone(),
            Copy::Backup => self.sibling(".bak"),
        }
    }

    /// Reads one copy.
    pub fn load(&self, copy: Copy) -> io::Result<Condition> {
        let path = self.path(copy);
        let length = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Condition::Missing),
            metadata => metadata?.len(),
        };
        if length > FILE_LEN_MAX {
            return Ok(Condition::Damaged(format!("{length} bytes, far more than vsara ever writes")));
        }
        Ok(match open(&fs::read(&path)?) {
            Ok(text) => Condition::Whole(text.to_owned()),
            Err(damage) => Condition::Damaged(damage.to_owned()),
        })
    }

    /// Replaces both copies. When it returns, both are on disk.
    pub fn save(&self, text: &str, directory: &File) -> io::Result<()> {
        let sealed = seal(text);
        STEPS.iter().try_for_each(|step| self.perform(*step, &sealed, directory))
    }

    /// One step of saving `sealed`.
    pub fn perform(&self, step: Step, sealed: &str, directory: &File) -> io::Result<()> {
        let new = self.sibling(".new");
        match step {
            Step::Write => self.create(&new)?.write_all(sealed.as_bytes()),
            Step::Sync => File::open(&new)?.sync_all(),
            Step::Rename(copy) => fs::rename(&new, self.path(copy)),
            Step::SyncDirectory => directory.sync_all(),
        }
    }

    /// Removes both copies, and what an interrupted save left.
    pub fn remove(&self) -> io::Result<()> {
        [self.sibling(".new"), self.path(Copy::First), self.path(Copy::Backup)]
            .iter()
            .try_for_each(|path| absent_is_fine(fs::remove_file(path)))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        // What an interrupted save left may have any mode, so it is never written into.
        absent_is_fine(fs::remove_file(path))?;
        OpenOptions::new().write(true).create_new(true).mode(self.mode).open(path)
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

/// The text with its trailer.
pub fn seal(text: &str) -> String {
    format!("{text}{TRAILER}{:08x}\n", crc32fast::hash(text.as_bytes()))
}

/// The text of a sealed file, or what is wrong with it.
fn open(bytes: &[u8]) -> Result<&str, &'static str> {
    let cut_short = "it was cut short: the checksum line at its end is missing";
    let sealed = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let at = sealed.rfind(TRAILER).ok_or(cut_short)?;
    let (text, trailer) = sealed.split_at(at);
    if seal(text).len() > sealed.len() {
        return Err(cut_short);
    }
    if trailer.len() != TRAILER.len() + 9 || seal(text) != sealed {
        return Err("its checksum does not match: it was damaged, or edited by hand");
    }
    Ok(text)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_short_or_changed_at_any_byte_is_not_whole() {
        let sealed = seal("# a header\nversion = 1\n\n[identity]\nrot = \"0a04f008003c9623\"\n");
        let bytes = sealed.as_bytes();
        assert!(open(bytes).is_ok());
        for at in 0..bytes.len() {
            assert!(open(&bytes[..at]).is_err(), "cut at {at}");
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                assert!(open(&changed).is_err(), "byte {at} changed");
            }
        }
        assert!(open(&[bytes, b"x"].concat()).is_err());
        assert!(open(&[bytes, bytes].concat()).is_err());
    }
}
