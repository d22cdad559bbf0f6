//! The end of standard input as the end of a program.

use std::io;

use rustix::process::{Signal, getpid, kill_process};

/// Stack of the thread that waits, in bytes; only what is used becomes memory.
const STACK_LEN: usize = 64 << 10;

/// From now on the end of standard input ends this program as SIGTERM does. Who starts a program
/// holds the other end of a pipe; however he ends, by SIGKILL too, the kernel closes it.
///
/// # Errors
/// The system has no thread left.
pub fn end_with_standard_input() -> io::Result<()> {
    let wait_and_end = || {
        // An error says, as the end does, that nothing more will come.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = kill_process(getpid(), Signal::TERM);
    };
    std::thread::Builder::new().name("stdin".to_owned()).stack_size(STACK_LEN).spawn(wait_and_end).map(drop)
}
