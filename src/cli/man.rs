//! `vsara man`: pages for `man`, made of what `--help` says.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, stdout_failed};
use crate::host::error::HostError;

pub(super) const EXAMPLE: &str = "\
Example:
  vsara man exec | man -l -
  vsara man --dir ~/.local/share/man/man1";

#[derive(Clone, Debug, Args)]
pub(super) struct ManArgs {
    /// Of this subcommand, such as `exec` or `ctl power` [default: the page of vsara itself]
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Vec<String>,
    /// Write every page into this directory, which is made where it does not exist
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "subcommand")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<(), HostError> {
    let vsara = built();
    match &args.dir {
        Some(dir) => write_all(&vsara, dir),
        None => {
            let command = find(&vsara, &args.subcommand)?;
            io::stdout().write_all(&page(command).text).map_err(|error| stdout_failed(&error))
        }
    }
}

/// A page and the name of its file.
struct Page {
    name: String,
    text: Vec<u8>,
}

fn built() -> Command {
    let mut vsara = Cli::command().disable_help_subcommand(true);
    vsara.build();
    vsara
}

fn find<'a>(vsara: &'a Command, path: &[String]) -> Result<&'a Command, HostError> {
    path.iter().try_fold(vsara, |command, name| {
        command.find_subcommand(name).ok_or_else(|| {
            let known: Vec<_> = visible(command).map(Command::get_name).collect();
            let problem = format!("man {}: no such subcommand", path.join(" "));
            HostError::usage(problem).advise(match known.is_empty() {
                true => format!("{} has none", command.get_name()),
                false => format!("{} has {}", command.get_name(), known.join(", ")),
            })
        })
    })
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
}

fn write_all(vsara: &Command, dir: &Path) -> Result<(), HostError> {
    let failed =
        |path: &Path, error: &io::Error| HostError::running(format_args!("{}: {error}", path.display()));
    fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    for page in pages(vsara) {
        let path = dir.join(page.name);
        fs::write(&path, page.text).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

fn pages(command: &Command) -> Vec<Page> {
    let below = visible(command).flat_map(pages);
    std::iter::once(page(command)).chain(below).collect()
}

fn page(command: &Command) -> Page {
    let source = concat!("vsara ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("vsara");
    let mut text = Vec::new();
    // Invariant: writing to memory never fails.
    render(&man, command, &mut text).expect("a page fits into memory");
    Page { name: man.get_filename(), text }
}

/// The library would run the lines of examples together and leave out the `--` before a command.
fn render(man: &Man, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    synopsis(command).to_writer(page)?;
    man.render_description_section(page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(page)?;
    }
    if visible(command).next().is_some() {
        man.render_subcommands_section(page)?;
    }
    let after = command.get_after_long_help().or(command.get_after_help());
    after.map_or(Ok(()), |after| sections(&after.to_string()).to_writer(page))
}

fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    as_it_is(&mut roff, usage.trim_start_matches("Usage:").lines().map(str::trim));
    roff
}

/// What stands behind the options in `--help`: blocks with a title and indented lines become
/// sections of their own, the others notes.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut in_notes = false;
    for block in text.split("\n\n") {
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        match first.strip_suffix(':') {
            Some(title) => {
                roff.control("SH", [title.to_uppercase().as_str()]);
                as_it_is(&mut roff, rest.lines());
            }
            None => {
                let heading: (_, &[&str]) = if in_notes { ("PP", &[]) } else { ("SH", &["NOTES"]) };
                roff.control(heading.0, heading.1.iter().copied());
                in_notes = true;
                let list_at = block.find("\n  ").unwrap_or(block.len());
                let (prose, list) = block.split_at(list_at);
                roff.text([roman(prose)]);
                if !list.is_empty() {
                    as_it_is(&mut roff, list.lines().skip(1));
                }
            }
        }
    }
    roff
}

fn as_it_is<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str) -> Result<String, String> {
        let path: Vec<_> = path.split_whitespace().map(str::to_owned).collect();
        let vsara = built();
        let command = find(&vsara, &path).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(page(command).text).expect("pages are text"))
    }

    #[test]
    fn every_subcommand_that_help_shows_has_a_page() {
        let names: Vec<_> = pages(&built()).into_iter().map(|page| page.name).collect();
        for name in ["vsara.1", "vsara-modem.1", "vsara-exec.1", "vsara-ctl.1", "vsara-ctl-time-advance.1"] {
            assert!(names.iter().any(|there| there == name), "{name} of {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
        let mut once = names.clone();
        once.dedup();
        assert_eq!(once, names);
    }

    #[test]
    fn a_page_says_what_help_says() {
        let exec = text("exec").expect("there is one");
        for part in [
            r"vsara\-exec \- Run a host program with a module beside it",
            ".SH SYNOPSIS\n.nf\nvsara exec [OPTIONS] \\-\\- <COMMAND>...",
            r"\fB\-\-timeout\fR",
            ".SH NOTES\n",
            ".SH \"EXIT STATUS\"\n.nf\n",
            "\n  124  COMMAND was still running after \\-\\-timeout\n",
            ".SH EXAMPLE\n.nf\n",
        ] {
            assert!(exec.contains(part), "{part}\n{exec}");
        }
        assert!(text("").expect("there is one").contains(r"vsara\-exec(1)"));
    }

    #[test]
    fn a_subcommand_that_is_not_there_is_refused_with_those_that_are() {
        let check = |path: &str, advice: &str| {
            let error = text(path).expect_err(path);
            assert!(error.contains(advice), "{path}: {error}");
        };
        check("gadget", "modem");
        check("ctl gadget", "power");
        check("exec gadget", "exec has none");
    }
}
