//! One property of the interpreter over one fuzz input, shared by the fuzz target and the replay.

#[path = "owner.rs"]
mod owner;

use owner::Owner;
use vsara::at::Limits;

const LIMITS: Limits = Limits { command_line_max: 256, waiting_input_max: 4096 };

/// The first byte of `input` is the size of the pieces its rest is split into.
///
/// # Panics
/// The interpreter panics, or answers differently when the input comes in one piece.
pub(crate) fn check(input: &[u8]) {
    let Some((size, bytes)) = input.split_first() else { return };
    // Beyond its limit, waiting input is dropped, and how much waits depends on the split.
    let bytes = &bytes[..bytes.len().min(LIMITS.waiting_input_max)];
    let whole = sent(bytes, bytes.len().max(1));
    let split = sent(bytes, usize::from(*size).max(1));
    // Whether an LF behind a prompt is data may depend on whether the DTE could have seen the prompt.
    if whole.prompted || split.prompted {
        return;
    }
    assert_eq!(whole.requests, split.requests);
    assert_eq!(whole.writes.concat(), split.writes.concat());
}

fn sent(bytes: &[u8], size: usize) -> Owner {
    let mut owner = Owner::new(LIMITS);
    bytes.chunks(size).for_each(|chunk| owner.send(chunk));
    owner
}
