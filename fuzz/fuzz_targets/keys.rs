//! Any bytes as an identity, a header, protected data, a certificate or a key: nothing is taken that nobody wrote.
//!
//! `cargo fuzz run keys`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/wire/keys.rs"]
mod keys;

libfuzzer_sys::fuzz_target!(|input: &[u8]| keys::check(input));
