//! IO: the only layer that reads a clock, opens a file, owns a socket and has an event loop.

pub mod checked_file;
pub mod clock;
pub mod nvm_file;
pub mod output_queue;
pub mod pty;
