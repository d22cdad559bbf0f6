//! Plays scenarios on several threads; results come in the order of the files.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::host::clock::Stopwatch;
use crate::host::scenario_files::ScenarioFile;
use crate::scenario::report::{PlayOptions, Report, play};

/// From so many scenarios on, a bar shows how far it is.
const BAR_FROM: usize = 20;

/// Plays all scenarios, `jobs` at once; `done` is called for each, in the order of the files, with
/// the real time it took.
pub(super) fn play_all(
    files: &[ScenarioFile],
    options: PlayOptions,
    jobs: Option<usize>,
    mut done: impl FnMut(Report, Duration) -> io::Result<()>,
) -> io::Result<()> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = jobs.unwrap_or(processors).min(files.len()).max(1);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let bar = bar(files.len());
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((index, file)) = take(files, next) {
                    let watch = Stopwatch::start();
                    let report = play(&file.script, &file.name, options, &file.shelf());
                    if sender.send((index, report, watch.elapsed())).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        in_order(receiver, &bar, &mut done).inspect_err(|_| next.store(files.len(), Ordering::Relaxed))
    })
}

fn take<'f>(files: &'f [ScenarioFile], next: &AtomicUsize) -> Option<(usize, &'f ScenarioFile)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    files.get(index).map(|file| (index, file))
}

/// Hands on what comes in any order as soon as all before it has been.
fn in_order(
    receiver: mpsc::Receiver<(usize, Report, Duration)>,
    bar: &ProgressBar,
    done: &mut impl FnMut(Report, Duration) -> io::Result<()>,
) -> io::Result<()> {
    let mut early = BTreeMap::new();
    let mut expected = 0;
    for (index, report, took) in receiver {
        bar.inc(1);
        early.insert(index, (report, took));
        while let Some((report, took)) = early.remove(&expected) {
            bar.suspend(|| done(report, took))?;
            expected += 1;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn bar(scenarios: usize) -> ProgressBar {
    if scenarios < BAR_FROM || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(scenarios as u64), ProgressDrawTarget::stderr());
    // The template is a constant that a test of the library would refuse if it were wrong.
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} scenarios").ok();
    match style {
        Some(style) => bar.with_style(style),
        None => bar,
    }
}
