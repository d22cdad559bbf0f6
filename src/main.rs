//! The one binary: see [`vsara::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    vsara::cli::run()
}
