//! `--every-fault`: each scenario again, with one fault at each point it has.

use std::io::{self, Write};
use std::time::Duration;

use super::{Tally, print_report, runner};
use crate::host::scenario_files::{ScenarioFile, Shelf};
use crate::scenario::player::End;
use crate::scenario::report::{PlayOptions, Report, Verdict};
use crate::scenario::sweep::{self, FAULTS_MAX, Finding, PlannedFault};

/// Findings of one file that are shown in full; the others are counted.
const SHOWN_MAX: usize = 10;

/// Sweeps every file; each play counts, the one without a fault too.
pub(super) fn sweep_all(
    files: &[ScenarioFile],
    options: PlayOptions,
    threads: usize,
    mut done: impl FnMut(Report, Duration),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for file in files {
        let shelf = file.shelf();
        match sweep::plan(&file.script, options, &shelf) {
            Ok(plan) => tally += sweep_file(file, &plan, &shelf, options, threads, &mut done)?,
            Err(end) => {
                let report = unswept(file, end);
                print_report(&report)?;
                tally.count(&report.verdict);
                done(report, Duration::ZERO);
            }
        }
    }
    Ok(tally)
}

fn sweep_file(
    file: &ScenarioFile,
    plan: &sweep::Plan,
    shelf: &Shelf,
    options: PlayOptions,
    threads: usize,
    done: &mut impl FnMut(Report, Duration),
) -> io::Result<Tally> {
    let mut tally = Tally { passed: 1, ..Tally::default() };
    let mut took = Duration::ZERO;
    let mut worst = None;
    let work =
        |fault: &PlannedFault| sweep::try_fault(&file.script, &file.name, plan, *fault, options, shelf);
    runner::run_all(&plan.faults, threads, &file.name, work, |tried: Result<(), Box<Finding>>, time| {
        took += time;
        match tried {
            Ok(()) => tally.passed += 1,
            Err(finding) => {
                tally.failed += 1;
                if tally.failed <= SHOWN_MAX {
                    writeln!(anstream::stdout().lock(), "{finding}")?;
                }
                worst.get_or_insert(finding);
            }
        }
        Ok(())
    })?;
    let verdict = match worst {
        Some(finding) => Verdict::Failed(finding.failure),
        None => Verdict::Passed,
    };
    let report = Report { file: file.name.clone(), verdict, took_ms: 0, trace: String::new() };
    if plan.left_out > 0 {
        writeln!(
            io::stderr(),
            "vsara: {}: {} faults beyond {FAULTS_MAX} were not tried",
            file.name,
            plan.left_out
        )?;
    }
    let faults = plan.faults.len();
    match tally.failed {
        0 => writeln!(anstream::stdout().lock(), "pass {} ({faults} faults)", file.name)?,
        failed => {
            if failed > SHOWN_MAX {
                writeln!(anstream::stdout().lock(), "… and {} more", failed - SHOWN_MAX)?;
            }
            writeln!(anstream::stdout().lock(), "FAIL {} ({failed} of {faults} faults)", file.name)?;
        }
    }
    done(report, took);
    Ok(tally)
}

/// A scenario that does not hold without a fault has nothing to sweep.
fn unswept(file: &ScenarioFile, end: End) -> Report {
    let verdict = match end {
        End::Failed(failure) => Verdict::Failed(failure),
        End::Skipped { line, reason } => Verdict::Skipped(line, reason),
        End::Passed => Verdict::Passed,
    };
    Report { file: file.name.clone(), verdict, took_ms: 0, trace: String::new() }
}
