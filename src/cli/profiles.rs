//! `vsara profiles`: list, show, check.

use std::path::PathBuf;

use clap::Args;

use super::modem::profile_names;
use super::{print_line, stdout_failed};
use crate::host::error::HostError;
use crate::host::run_modem::load_profile;
use crate::profile;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara profiles sara-r510s > mine.toml
  vsara profiles --check mine.toml
  vsara modem --profile mine.toml --state ./mine";

#[derive(Clone, Debug, Args)]
pub(super) struct ProfilesArgs {
    /// Print this profile's TOML
    #[arg(value_parser = profile_names(), hide_possible_values = true)]
    name: Option<String>,
    /// Check a profile file
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    check: Option<PathBuf>,
}

pub(super) fn run(args: &ProfilesArgs) -> Result<(), HostError> {
    let text = match (&args.name, &args.check) {
        (_, Some(file)) => {
            let profile = load_profile(&file.display().to_string())?;
            format!("{}: fine, a {}", file.display(), profile.identity.type_number)
        }
        (Some(name), None) => shown(name)?,
        (None, None) => listed(),
    };
    print_line(text.trim_end()).map_err(|error| stdout_failed(&error))
}

fn shown(name: &str) -> Result<String, HostError> {
    profile::text(name).ok_or_else(|| {
        HostError::usage(format_args!("{name}: no built-in profile"))
            .advise("`vsara profiles` lists them, `vsara profiles --check FILE` checks a file")
    })
}

fn listed() -> String {
    let width = profile::list().map(|(name, _)| name.len()).max().unwrap_or(0);
    profile::list().map(|(name, what)| format!("{name:width$}  {what}\n")).collect()
}
