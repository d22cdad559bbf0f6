//! Any bytes on the line of a chip-to-chip session: no panic, and a frame behind them is found.
//!
//! `cargo fuzz run c2c_frames`; `tests/fuzz_corpus.rs` replays the corpus without a fuzzer.

#![no_main]

#[path = "../../tests/chip/frames.rs"]
mod frames;

libfuzzer_sys::fuzz_target!(|input: &[u8]| frames::check(input));
