//! `vsara completions`: for shells.

use clap::{Args, CommandFactory};

use super::{Cli, stdout_failed};
use crate::host::error::HostError;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara completions bash > ~/.local/share/bash-completion/completions/vsara";

#[derive(Clone, Debug, Args)]
pub(super) struct CompletionsArgs {
    /// For this shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), HostError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vsara", &mut text);
    std::io::Write::write_all(&mut std::io::stdout(), &text).map_err(|error| stdout_failed(&error))
}
