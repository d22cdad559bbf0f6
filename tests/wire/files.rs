//! What the fuzzer and the replay of its corpus check of any text taken for a file of the program.

use std::fs;
use std::path::Path;

use vsara::host::checked_file::seal;
use vsara::host::nvm_file::{NvmError, NvmFile};
use vsara::module::Nvm;
use vsara::module::security::Secrets;
use vsara::profile::Profile;

/// The first byte of `input` says what its rest is: a profile, a module's memory, or its secrets, with
/// the other of the pair as a module writes it.
///
/// # Panics
/// A parser panics, an error has no place in the file or says nothing, or a memory that was taken is
/// another after it was saved.
pub(crate) fn check(input: &[u8]) {
    let Some((head, bytes)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match head % 3 {
        0 => profile(text),
        1 => memory(text, include_str!("../../fixtures/nvm/secrets.toml")),
        _ => memory(include_str!("../../fixtures/nvm/nvm.toml"), text),
    }
}

fn profile(text: &str) {
    let Err(error) = Profile::parse(text, "any.toml", None) else { return };
    let lines = text.matches('\n').count() + 1;
    assert!((1..=lines).contains(&error.line), "{error}: there are {lines} lines");
    assert!(error.column >= 1 && !error.message.is_empty(), "{error}");
}

fn memory(nvm: &str, secrets: &str) {
    let place = tempfile::tempdir().expect("a directory");
    for (name, text) in [("nvm.toml", nvm), ("secrets.toml", secrets)] {
        // Sealed, as nothing else gets as far as the parser; and whole in both copies.
        for copy in [name.to_owned(), format!("{name}.bak")] {
            fs::write(place.path().join(copy), seal(text)).expect("written");
        }
    }
    match load(place.path()) {
        Ok(Some((nvm, secrets))) => {
            let mut file = NvmFile::new(place.path()).expect("a directory");
            file.save(&nvm, &secrets).expect("what was loaded can be saved");
            assert_eq!(load(place.path()).expect("it was just saved"), Some((nvm, secrets)));
        }
        Ok(None) => panic!("both files are there"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn load(place: &Path) -> Result<Option<(Nvm, Secrets)>, NvmError> {
    NvmFile::new(place)?.load()
}
