//! Any bytes as a scenario file: no panic, and what is wrong has a place in the file.
//!
//! `cargo fuzz run script`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/script/place.rs"]
mod place;

libfuzzer_sys::fuzz_target!(|input: &[u8]| place::check(input));
