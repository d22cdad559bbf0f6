//! Anything on the way to a module in its bootstrap: no panic, and it bootstraps in the end.
//!
//! `cargo fuzz run module_datagrams`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/wire/module.rs"]
mod module;

libfuzzer_sys::fuzz_target!(|input: &[u8]| module::check(input));
