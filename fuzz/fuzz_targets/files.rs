//! Any text as a file of the program: no panic, what is wrong has a place, what is taken stays.
//!
//! `cargo fuzz run files`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/wire/files.rs"]
mod files;

libfuzzer_sys::fuzz_target!(|input: &[u8]| files::check(input));
