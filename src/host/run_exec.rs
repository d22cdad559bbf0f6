//! [`run_exec`]: a module for as long as a host program runs, and a scenario that plays its world.
//!
//! 1. The module starts, and once its ports answer the program and the scenario do.
//! 2. A scenario that does not hold ends the program. One that is over leaves it running.
//! 3. A program that has ended well is followed by the rest of the scenario.

use std::future::poll_fn;
use std::pin::pin;

use tokio::sync::oneshot;

use crate::host::clock::{Clock, Stopwatch};
use crate::host::error::{ErrorKind, HostError};
use crate::host::host_program::{HostProgram, ProgramSpec, status_by_signal};
use crate::host::run_modem::{ModemHost, ModemSetup, ScenarioSetup};
use crate::host::signals::Signals;
use crate::host::whereabouts::Whereabouts;
use crate::scenario::report::Report;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ExecSetup {
    /// The module.
    pub modem: ModemSetup,
    /// What is played in its world.
    pub scenario: Option<ScenarioSetup>,
    /// Who talks to it.
    pub program: ProgramSpec,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct ExecEnd {
    /// The program's exit status, as a shell gives it.
    pub status: u8,
    /// What became of the scenario, where one was played to its end.
    pub report: Option<Report>,
}

/// Runs a module and, once its ports answer, a host program, which ends it. Nothing of either is left
/// when it returns.
pub fn run_exec(setup: ExecSetup) -> Result<ExecEnd, HostError> {
    super::runtime()?.block_on(async {
        let mut signals = Signals::to_pass_on().map_err(HostError::running)?;
        let mut running = None;
        let (reports, report) = oneshot::channel();
        let played = setup.scenario.is_some();
        let scenario = setup.scenario.map(|scenario| (scenario, reports));
        let end = ModemHost::run_beside(setup.modem, scenario, async |announced| {
            let place = match place(announced, &mut signals).await? {
                Ok(place) => place,
                Err(status) => return Ok(ExecEnd { status, report: None }),
            };
            let program = running.insert(setup.program.start(&place)?);
            if played {
                with_scenario(program, &setup.program, &mut signals, report).await
            } else {
                let status = program.run(&mut signals, setup.program.limit).await?;
                Ok(ExecEnd { status, report: None })
            }
        });
        let end = end.await;
        if let Some(mut program) = running {
            // Only where the module or the scenario failed before it.
            program.end().await;
        }
        end
    })
}

/// Where the module is, once its ports answer; or the exit status where a signal came first.
async fn place(
    announced: oneshot::Receiver<Whereabouts>,
    signals: &mut Signals,
) -> Result<Result<Whereabouts, u8>, HostError> {
    tokio::select! {
        place = announced => match place {
            Ok(place) => Ok(Ok(place)),
            Err(_) => Err(HostError::running("the module ended before it was ready")),
        },
        signal = poll_fn(|cx| signals.poll_which(cx)) => Ok(Err(status_by_signal(signal.as_raw()))),
    }
}

/// Runs the program until it or the scenario has failed, or both are done.
async fn with_scenario(
    program: &mut HostProgram,
    spec: &ProgramSpec,
    signals: &mut Signals,
    mut report: oneshot::Receiver<Report>,
) -> Result<ExecEnd, HostError> {
    let watch = Stopwatch::start();
    let mut done = None;
    let status = {
        let mut running = pin!(program.run(signals, spec.limit));
        loop {
            tokio::select! {
                status = &mut running => break status?,
                ended = &mut report, if done.is_none() => {
                    let ended = ended.map_err(|_| HostError::running("the module has ended"))?;
                    if !ended.has_passed() {
                        return Ok(ExecEnd { status: 1, report: Some(ended) });
                    }
                    done = Some(ended);
                }
            }
        }
    };
    if status != 0 && done.is_none() {
        tracing::warn!("COMMAND has ended with {status} before the scenario was over");
    }
    if status != 0 || done.is_some() {
        return Ok(ExecEnd { status, report: done });
    }
    let left = spec.limit.map(|limit| limit.saturating_sub(watch.elapsed()));
    tokio::select! {
        ended = report => {
            let ended = ended.map_err(|_| HostError::running("the module has ended"))?;
            Ok(ExecEnd { status: u8::from(!ended.has_passed()), report: Some(ended) })
        }
        () = Clock::wait(left) => Err(HostError::new(
            ErrorKind::TimedOut,
            format_args!("the scenario: not at its end after {} (--timeout)", humantime::format_duration(spec.limit.unwrap_or_default())),
        )),
        signal = poll_fn(|cx| signals.poll_which(cx)) => {
            Ok(ExecEnd { status: status_by_signal(signal.as_raw()), report: None })
        }
    }
}
