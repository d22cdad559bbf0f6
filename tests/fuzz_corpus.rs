//! Replays the fuzz corpus through the public API, without a fuzzer.

#[path = "wire/files.rs"]
mod files;
#[path = "chip/frames.rs"]
mod frames;
#[path = "wire/keys.rs"]
mod keys;
#[path = "wire/messages.rs"]
mod messages;
#[path = "wire/module.rs"]
mod module;
#[path = "script/place.rs"]
mod place;
#[path = "wire/service.rs"]
mod service;
#[path = "at/split.rs"]
mod split;

use std::path::Path;

/// Hands every file of a corpus to its check.
fn replay(corpus: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let files: Vec<_> = std::fs::read_dir(&folder).expect("the corpus is in the repository").collect();
    assert!(files.len() >= 10, "{} has a file for every area", folder.display());
    for file in files {
        let path = file.expect("the folder can be read").path();
        check(&std::fs::read(&path).expect("the file can be read"));
    }
}

#[test]
fn the_interpreter_survives_its_corpus() {
    replay("at_interpreter", split::check);
}

#[test]
fn the_scenario_parser_survives_its_corpus() {
    replay("script", place::check);
}

#[test]
fn a_chip_to_chip_session_survives_its_corpus() {
    replay("c2c_frames", frames::check);
}

#[test]
fn the_decoders_of_messages_survive_their_corpus() {
    replay("messages", messages::check);
}

#[test]
fn the_service_survives_its_corpus() {
    replay("service_datagrams", service::check);
}

#[test]
fn a_module_survives_its_corpus() {
    replay("module_datagrams", module::check);
}

#[test]
fn identities_headers_and_credentials_survive_their_corpus() {
    replay("keys", keys::check);
}

#[test]
fn files_survive_their_corpus() {
    replay("files", files::check);
}
