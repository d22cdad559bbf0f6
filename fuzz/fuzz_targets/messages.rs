//! Any bytes as CoAP and as every message in it: no panic, and what is taken is stable.
//!
//! `cargo fuzz run messages`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/wire/messages.rs"]
mod messages;

libfuzzer_sys::fuzz_target!(|input: &[u8]| messages::check(input));
