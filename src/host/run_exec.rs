//! [`run_exec`]: a module for as long as a host program runs.

use std::future::poll_fn;

use tokio::sync::oneshot;

use crate::host::error::HostError;
use crate::host::host_program::{HostProgram, ProgramSpec, status_by_signal};
use crate::host::run_modem::{ModemHost, ModemSetup};
use crate::host::signals::Signals;
use crate::host::whereabouts::Whereabouts;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ExecSetup {
    /// The module.
    pub modem: ModemSetup,
    /// Who talks to it.
    pub program: ProgramSpec,
}

/// Runs a module and, once its ports answer, a host program, which ends it; gives the program's exit
/// status as a shell does. Nothing of either is left when it returns.
pub fn run_exec(setup: ExecSetup) -> Result<u8, HostError> {
    super::runtime()?.block_on(async {
        let mut signals = Signals::to_pass_on().map_err(HostError::running)?;
        let mut running = None;
        let status = ModemHost::run_beside(setup.modem, async |announced| {
            execute(&setup.program, announced, &mut signals, &mut running).await
        });
        let status = status.await;
        if let Some(mut program) = running {
            // Only where the module failed before it.
            program.end().await;
        }
        status
    })
}

async fn execute(
    spec: &ProgramSpec,
    announced: oneshot::Receiver<Whereabouts>,
    signals: &mut Signals,
    running: &mut Option<HostProgram>,
) -> Result<u8, HostError> {
    let place = tokio::select! {
        place = announced => place.map_err(|_| HostError::running("the module ended before it was ready"))?,
        signal = poll_fn(|cx| signals.poll_which(cx)) => return Ok(status_by_signal(signal.as_raw())),
    };
    running.insert(spec.start(&place)?).run(signals, spec.limit).await
}
