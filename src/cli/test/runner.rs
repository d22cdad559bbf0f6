//! Does many things on several threads; results come in order.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::host::clock::Stopwatch;

/// From so many jobs on, a bar shows how far it is.
const BAR_FROM: usize = 20;

/// How many threads there are to be: as many as was said, or one a processor.
pub(super) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// Does all jobs, `threads` at once. `done` gets each result, in the order of the jobs, with the
/// real time it took. On a terminal a bar counts `what`.
pub(super) fn run_all<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    what: &str,
    work: impl Fn(&J) -> R + Sync,
    mut done: impl FnMut(R, Duration) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let bar = bar(jobs.len(), what);
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()).max(1) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((index, job)) = take(jobs, next) {
                    let watch = Stopwatch::start();
                    let result = work(job);
                    if sender.send((index, result, watch.elapsed())).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        in_order(receiver, &bar, &mut done).inspect_err(|_| next.store(jobs.len(), Ordering::Relaxed))
    })
}

fn take<'j, J>(jobs: &'j [J], next: &AtomicUsize) -> Option<(usize, &'j J)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(index).map(|job| (index, job))
}

/// Hands on what comes in any order as soon as all before it has been.
fn in_order<R>(
    receiver: mpsc::Receiver<(usize, R, Duration)>,
    bar: &ProgressBar,
    done: &mut impl FnMut(R, Duration) -> io::Result<()>,
) -> io::Result<()> {
    let mut early = BTreeMap::new();
    let mut expected = 0;
    for (index, result, took) in receiver {
        bar.inc(1);
        early.insert(index, (result, took));
        while let Some((result, took)) = early.remove(&expected) {
            bar.suspend(|| done(result, took))?;
            expected += 1;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn bar(jobs: usize, what: &str) -> ProgressBar {
    if jobs < BAR_FROM || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}") {
        Ok(style) => bar.with_style(style).with_message(what.to_owned()),
        // The template is a constant; without it the bar has its own.
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for threads in [1, 3, 64] {
            let jobs: Vec<u32> = (0..500).collect();
            let mut seen = Vec::new();
            let done = |result, _| {
                seen.push(result);
                Ok(())
            };
            run_all(&jobs, threads, "numbers", |job| job * 2, done).expect("no error");
            assert_eq!(seen, jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_it() {
        let jobs = [0; 100];
        let mut calls = 0;
        let done = |(), _| {
            calls += 1;
            Err(io::Error::other("full"))
        };
        assert!(run_all(&jobs, 4, "jobs", |_| (), done).is_err());
        assert_eq!(calls, 1);
    }
}
