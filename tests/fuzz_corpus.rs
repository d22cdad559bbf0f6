//! Replays the fuzz corpus through the public API, without a fuzzer.

#[path = "at/split.rs"]
mod split;

use std::path::Path;

#[test]
fn the_interpreter_survives_its_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/at_interpreter");
    let files: Vec<_> = std::fs::read_dir(&folder).expect("the corpus is in the repository").collect();
    assert!(files.len() >= 10, "{} has a file for every area", folder.display());
    for file in files {
        let path = file.expect("the folder can be read").path();
        split::check(&std::fs::read(&path).expect("the file can be read"));
    }
}
