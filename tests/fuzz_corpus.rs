//! Replays the fuzz corpus through the public API, without a fuzzer.

#[path = "chip/frames.rs"]
mod frames;
#[path = "script/place.rs"]
mod place;
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
