//! `vsara test`: scenario files, played in virtual time.

mod every_fault;
mod junit;
mod on_port;
mod runner;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{print_line, stdout_failed};
use crate::host::error::HostError;
use crate::host::replace_file;
use crate::host::scenario_files::{self, ScenarioFile};
use crate::host::serial::RATE;
use crate::scenario::bless::bless;
use crate::scenario::report::{PlayOptions, Report, SEED, Verdict, play};
use crate::scenario::script::GUIDE;

pub(super) const EXAMPLE: &str = "\
With --port the files are played one after the other, in real time, to one module, real or virtual,
which keeps its state from file to file. A file with a statement that only an emulator can do (faults,
power, network, operator, clones, a second port) is skipped before a byte is sent. What sets the world
up (modem, device-profile, network up, power on) is taken for granted, and said on stderr. The service
is not asked: a file that asserts something of it is skipped once its dialogue has held.

Example:
  vsara test fixtures/scenarios
  vsara test --junit results.xml --jobs 4 tests/cloning.at
  vsara test --every-fault tests/bootstrap.at
  vsara test --bless tests/cloning.at && git diff tests/cloning.at
  vsara test --port /dev/ttyUSB0 tests/identity.at tests/registration.at
  vsara test --guide                   (the language, with every statement)";

#[derive(Clone, Debug, Args)]
pub(super) struct TestArgs {
    /// Scenario files (*.at), and folders of them
    #[arg(value_name = "PATH", required_unless_present = "guide")]
    paths: Vec<PathBuf>,
    /// Print the language of scenario files
    #[arg(long)]
    guide: bool,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write everything that happened, with virtual times: AT, messages, memory, events
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Rewrite the expected lines of the files to what the module says
    #[arg(long)]
    bless: bool,
    /// Play each file again with one fault at each datagram and each write of a memory it has
    #[arg(long, conflicts_with_all = ["bless", "trace"])]
    every_fault: bool,
    /// Makes everything that is random repeatable
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// How many scenarios at once [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Play the files to the module on this serial port, in real time
    #[arg(long, value_name = "TTY", conflicts_with_all = ["bless", "every_fault", "trace", "seed", "jobs"])]
    port: Option<PathBuf>,
    /// Rate of that port, in bits per second
    #[arg(long, value_name = "N", default_value_t = RATE, requires = "port",
        value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

pub(super) fn run(args: TestArgs) -> Result<u8, HostError> {
    if args.guide {
        print_line(GUIDE.trim_end()).map_err(|error| stdout_failed(&error))?;
        return Ok(0);
    }
    check_results(&args)?;
    let files = read_all(&scenario_files::find(&args.paths)?)?;
    let options = PlayOptions { seed: args.seed, trace: args.trace.is_some() };
    let files = if args.bless { bless_all(files, options)? } else { files };
    let threads = runner::threads(args.jobs);
    let mut reports = Vec::new();
    let mut gone = None;
    let tally = if let Some(port) = &args.port {
        let played = on_port::play_all(&files, port, args.rate, |report, took| reports.push((report, took)))?;
        gone = played.gone;
        Ok(played.tally)
    } else if args.every_fault {
        every_fault::sweep_all(&files, options, threads, |report, took| reports.push((report, took)))
    } else {
        play_all(&files, options, threads, |report, took| reports.push((report, took)))
    }
    .map_err(|error| stdout_failed(&error))?;
    if let Some(path) = &args.junit {
        write_file(path, junit::render(&reports)?.as_bytes())?;
    }
    if let Some(path) = &args.trace {
        let text: String =
            reports.iter().map(|(report, _)| format!("# {}\n{}\n", report.file, report.trace)).collect();
        write_file(path, text.as_bytes())?;
    }
    print_line(tally).map_err(|error| stdout_failed(&error))?;
    gone.map_or(Ok(u8::from(tally.failed > 0)), Err)
}

/// Results that cannot be written are known before anything is played.
fn check_results(args: &TestArgs) -> Result<(), HostError> {
    for path in [&args.junit, &args.trace].into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
            let problem = format!("{}: results cannot be written there", path.display());
            return Err(HostError::usage(problem).advise("name a file in a folder that is there"));
        }
    }
    if args.junit.is_some() && args.junit == args.trace {
        return Err(HostError::usage("--junit and --trace name the same file"));
    }
    Ok(())
}

fn play_all(
    files: &[ScenarioFile],
    options: PlayOptions,
    threads: usize,
    mut done: impl FnMut(Report, Duration),
) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let work = |file: &ScenarioFile| play(&file.script, &file.name, options, &file.shelf());
    runner::run_all(files, threads, "scenarios", work, |report, took| {
        print_report(&report)?;
        tally.count(&report.verdict);
        done(report, took);
        Ok(())
    })?;
    Ok(tally)
}

/// Every file is read before the first is played, and every wrong one is named.
fn read_all(paths: &[PathBuf]) -> Result<Vec<ScenarioFile>, HostError> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match ScenarioFile::read(path) {
            Ok(file) => files.push(file),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    match wrong.as_slice() {
        [] => Ok(files),
        wrong => Err(HostError::usage(wrong.join("\nvsara: "))),
    }
}

/// Rewrites the files whose expected lines are not what is said; the others stay untouched.
fn bless_all(files: Vec<ScenarioFile>, options: PlayOptions) -> Result<Vec<ScenarioFile>, HostError> {
    let options = PlayOptions { trace: false, ..options };
    files
        .into_iter()
        .map(|file| {
            let blessed = bless(&file.text, &file.name, options, &file.shelf()).map_err(HostError::usage)?;
            if blessed.changes == 0 {
                return Ok(file);
            }
            rewrite(&file.path, blessed.text.as_bytes())?;
            eprintln!("vsara: blessed {} ({} changed)", file.name, lines(blessed.changes));
            ScenarioFile::read(&file.path)
        })
        .collect()
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), HostError> {
    replace_file(path, content)
        .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))
}

/// Puts new content into a file that is there, wherever a link leads, with the permissions it has.
fn rewrite(path: &Path, content: &[u8]) -> Result<(), HostError> {
    let failed = |error: std::io::Error| HostError::running(format_args!("{}: {error}", path.display()));
    let place = std::fs::canonicalize(path).map_err(failed)?;
    let permissions = std::fs::metadata(&place).map_err(failed)?.permissions();
    write_file(&place, content)?;
    std::fs::set_permissions(&place, permissions).map_err(failed)
}

/// One line a scenario, all there is to know where it failed; in colour on a terminal.
fn print_report(report: &Report) -> std::io::Result<()> {
    use std::io::Write;
    let colour = match report.verdict {
        Verdict::Passed => anstyle::AnsiColor::Green,
        Verdict::Failed(_) => anstyle::AnsiColor::Red,
        Verdict::Skipped(..) => anstyle::AnsiColor::Yellow,
    };
    let style = anstyle::Style::new().bold().fg_color(Some(colour.into()));
    let text = report.to_string();
    let (word, rest) = text.split_at(4);
    writeln!(anstream::stdout().lock(), "{style}{word}{style:#}{rest}")
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed(_) => &mut self.failed,
            Verdict::Skipped(..) => &mut self.skipped,
        } += 1;
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}
