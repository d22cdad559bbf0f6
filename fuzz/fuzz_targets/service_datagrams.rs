//! Anything on the way to a service: its limits hold, and it answers an honest module in the end.
//!
//! `cargo fuzz run service_datagrams`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/wire/service.rs"]
mod service;

libfuzzer_sys::fuzz_target!(|input: &[u8]| service::check(input));
