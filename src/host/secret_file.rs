//! Secrets in a state directory, each in a file for its owner only.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::host::error::HostError;

/// Reads a secret; where there is none yet, `make` makes it and it is kept.
pub fn load_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, HostError>,
) -> Result<Vec<u8>, HostError> {
    let failed = |error: io::Error| HostError::running(format_args!("{}: {error}", path.display()));
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = make()?;
            keep(path, &secret).map_err(failed)?;
            Ok(secret)
        }
        Err(error) => Err(failed(error)),
        Ok(secret) => {
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
            Ok(secret)
        }
    }
}

/// In one step, and never readable for others.
fn keep(path: &Path, secret: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(secret)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("token");
        let first = load_or_make(&path, || Ok(b"first".to_vec())).expect("made");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("mine");
        let again = load_or_make(&path, || Ok(b"second".to_vec())).expect("read");
        assert_eq!((first, again), (b"first".to_vec(), b"first".to_vec()));
        let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let nowhere = dir.path().join("no/where");
        assert!(load_or_make(&nowhere, || Ok(Vec::new())).is_err());
    }
}
