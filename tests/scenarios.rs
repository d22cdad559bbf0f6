//! Every scenario in `fixtures/scenarios` holds; each is a promise, named as it. What a statement
//! means is in `language`.

#[path = "scenarios/language.rs"]
mod language;

use std::path::{Path, PathBuf};

use vsara::host::scenario_files::{self, ScenarioFile};
use vsara::scenario::report::{PlayOptions, play};

fn files() -> Vec<ScenarioFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    let paths: Vec<PathBuf> = scenario_files::find(&[folder]).expect("scenarios are there");
    paths.iter().map(|path| ScenarioFile::read(path).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn every_scenario_holds() {
    let failed: Vec<_> = files()
        .iter()
        .map(|file| play(&file.script, &file.name, PlayOptions::default(), &file.shelf()))
        .filter(|report| !report.has_passed())
        .map(|report| report.to_string())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn the_example_of_the_readme_is_one_of_them() {
    let readme = include_str!("../README.md");
    assert!(files().iter().any(|file| readme.contains(&format!("```text\n{}```", file.text))));
}

#[test]
fn the_same_file_and_seed_give_the_same_trace_byte_for_byte() {
    for file in files() {
        let options = PlayOptions { trace: true, ..PlayOptions::default() };
        let first = play(&file.script, &file.name, options, &file.shelf());
        let again = play(&file.script, &file.name, options, &file.shelf());
        assert!(!first.trace.is_empty(), "{}", file.name);
        assert_eq!(first.trace, again.trace, "{}", file.name);
    }
}

#[test]
fn every_scenario_is_short_and_says_what_it_shows_and_where_that_stands() {
    const SOURCES: [&str; 5] =
        ["Getting started, ", "Not in the guide: ", "Seen in ", "Documented in ", "manual UBX-"];
    for file in files() {
        let comment: Vec<_> = file.text.lines().take_while(|line| line.starts_with("# ")).collect();
        let comment = comment.join(" ");
        let named = SOURCES.iter().any(|source| comment.contains(source)) || comment.contains(" guide UBX-");
        assert!(named, "{}: {comment}", file.name);
        assert!(file.text.lines().count() <= 40, "{} is no example to copy", file.name);
        assert!(file.text.lines().all(|line| line.len() <= 110 && line.trim_end() == line), "{}", file.name);
    }
}
