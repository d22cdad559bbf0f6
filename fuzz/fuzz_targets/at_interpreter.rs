//! Any bytes from the DTE: no panic, and the same answer however they are split.
//!
//! `cargo fuzz run at_interpreter`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/at/split.rs"]
mod split;

libfuzzer_sys::fuzz_target!(|input: &[u8]| split::check(input));
