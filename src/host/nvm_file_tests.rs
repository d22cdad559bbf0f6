//! Kills, damage and edits on a module's memory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::host::checked_file::{STEPS, seal};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Memory {
    heartbeats: u32,
    identity: Names,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Names {
    imei: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Keys {
    set: String,
}

fn memory(heartbeats: u32) -> Memory {
    Memory { heartbeats, identity: Names { imei: "352753090000013".to_owned() } }
}

fn keys(set: &str) -> Keys {
    Keys { set: set.to_owned() }
}

fn load(dir: &Path) -> Result<Option<(Memory, Keys)>, NvmError> {
    NvmFile::new(dir)?.load()
}

fn saved(heartbeats: u32, set: &str) -> (tempfile::TempDir, NvmFile) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut file = NvmFile::new(dir.path()).expect("the directory exists");
    file.save(&memory(heartbeats), &keys(set)).expect("saved");
    (dir, file)
}

#[test]
fn a_directory_without_a_module_is_no_error() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert!(load(dir.path()).expect("nothing is wrong").is_none());
}

#[test]
fn both_copies_hold_the_new_state_when_save_returns() {
    let (dir, mut file) = saved(1, "a");
    file.save(&memory(2), &keys("b")).expect("saved");
    for lost in ["nvm.toml", "nvm.toml.bak", "secrets.toml", "secrets.toml.bak"] {
        fs::write(dir.path().join(lost), "x").expect("written");
        assert_eq!(
            load(dir.path()).expect("the other copy is whole"),
            Some((memory(2), keys("b"))),
            "{lost}"
        );
        let repaired = fs::read_to_string(dir.path().join(lost)).expect("there");
        assert!(repaired.contains("# crc32 = "), "{lost} is repaired");
    }
}

#[test]
fn a_kill_between_any_two_steps_leaves_the_old_state_or_the_new_one() {
    let check = |new_keys: &str, killed_after: usize| {
        let (dir, file) = saved(1, "a");
        let (new_dir, mut new_file) = saved(1, "a");
        new_file.save(&memory(2), &keys(new_keys)).expect("saved");
        let text = |name: &str| fs::read_to_string(new_dir.path().join(name)).expect("there");
        let (nvm, secrets) = (text("nvm.toml"), text("secrets.toml"));
        let secret_steps = STEPS.iter().map(|step| (&file.secrets, *step, &secrets));
        let nvm_steps = STEPS.iter().map(|step| (&file.nvm, *step, &nvm));
        for (file_of, step, sealed) in secret_steps.chain(nvm_steps).take(killed_after) {
            file_of.perform(step, sealed, &file.directory).expect("performed");
        }
        let loaded = load(dir.path()).expect("loadable").expect("there is a module");
        assert!(
            loaded == (memory(1), keys("a")) || loaded == (memory(2), keys(new_keys)),
            "killed after step {killed_after}: {loaded:?}"
        );
        let mut file = NvmFile::new(dir.path()).expect("the directory exists");
        file.load::<Memory, Keys>().expect("still loadable");
        file.save(&memory(3), &keys("c")).expect("saved");
        assert_eq!(load(dir.path()).expect("loadable"), Some((memory(3), keys("c"))));
    };
    for killed_after in 0..=2 * STEPS.len() {
        check("b", killed_after);
        check("a", killed_after);
    }
}

#[test]
fn a_file_damaged_at_any_byte_is_never_a_new_module() {
    let (dir, _file) = saved(7, "a");
    let path = dir.path().join("nvm.toml");
    let whole = fs::read(&path).expect("there");
    for at in 0..whole.len() {
        fs::write(&path, &whole[..at]).expect("written");
        assert_eq!(
            load(dir.path()).expect("the backup is whole"),
            Some((memory(7), keys("a"))),
            "cut at {at}"
        );
    }
}

#[test]
fn two_damaged_copies_are_an_error_that_names_both() {
    let (dir, _file) = saved(1, "a");
    fs::write(dir.path().join("nvm.toml"), "").expect("written");
    let edited = fs::read_to_string(dir.path().join("nvm.toml.bak")).expect("there").replace("= 1", "= 9");
    fs::write(dir.path().join("nvm.toml.bak"), edited).expect("written");
    let message = load(dir.path()).expect_err("neither copy is whole").to_string();
    assert!(message.contains("nvm.toml: it was cut short"), "{message}");
    assert!(message.contains("nvm.toml.bak: its checksum does not match"), "{message}");
    assert!(message.contains("edited by hand"), "{message}");
}

#[test]
fn missing_halves_and_other_versions_are_refused() {
    let check = |prepare: &dyn Fn(&Path), expected: &str| {
        let (dir, _file) = saved(1, "a");
        prepare(dir.path());
        let message = load(dir.path()).expect_err("refused").to_string();
        assert!(message.contains(expected), "{message}");
    };
    check(
        &|dir| {
            fs::remove_file(dir.join("secrets.toml")).expect("there");
            fs::remove_file(dir.join("secrets.toml.bak")).expect("there");
        },
        "secrets.toml: the file is missing",
    );
    check(&|dir| fs::write(dir.join("nvm.toml"), seal("version = 2\n")).expect("written"), "version 2");
    check(
        &|dir| {
            let (other, mut file) = saved(1, "x");
            file.save(&memory(2), &keys("y")).expect("saved");
            fs::copy(other.path().join("nvm.toml"), dir.join("nvm.toml")).expect("copied");
        },
        "does not belong to this nvm.toml",
    );
}

#[test]
fn secrets_are_for_their_owner_only() {
    let (dir, mut file) = saved(1, "a");
    fs::write(dir.path().join("secrets.toml.new"), "left behind, readable by all").expect("written");
    file.save(&memory(1), &keys("b")).expect("saved");
    for name in ["secrets.toml", "secrets.toml.bak"] {
        let mode = fs::metadata(dir.path().join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
