//! `vsara completions`: for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, stdout_failed};
use crate::host::error::HostError;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara completions bash > ~/.local/share/bash-completion/completions/vsara";

#[derive(Clone, Debug, Args)]
pub(super) struct CompletionsArgs {
    /// For this shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), HostError> {
    std::io::Write::write_all(&mut std::io::stdout(), &text(args.shell))
        .map_err(|error| stdout_failed(&error))
}

fn text(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vsara", &mut text);
    text
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn text_for(shell: Shell) -> String {
        String::from_utf8(text(shell)).expect("completions are text")
    }

    #[test]
    fn every_shell_completes_subcommands_and_options() {
        for shell in Shell::value_variants() {
            let text = text_for(*shell);
            for word in ["exec", "man", "timeout", "advance"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn values_that_have_names_are_completed() {
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            assert!(text_for(shell).contains("sara-r422m8s"), "{shell}");
        }
        for values in ["pty tty: tcp: rfc2217:", "embedded none"] {
            assert!(text_for(Shell::Bash).contains(&format!("compgen -W \"{values}\"")), "{values}");
        }
    }
}
