//! A module for as long as something beside it runs: a host program, a player of scenarios.
//!
//! Both are futures of one event loop. What the one beside wants of the module it asks as `vsara ctl`
//! does, by a [`crate::host::control::Call`], so that it is answered between two turns. When it is
//! done, the module is told to end, and its result is given once the module has.

use std::pin::pin;

use tokio::sync::oneshot;

use super::{ModemHost, ModemSetup, ScenarioSetup};
use crate::host::error::HostError;
use crate::host::signals::End;
use crate::host::whereabouts::Whereabouts;
use crate::scenario::report::Report;

impl ModemHost {
    /// Runs a module, and `beside` it what is told where it is once its ports answer; with a scenario,
    /// that is played from then on, and its report sent. Where the module fails, that future is dropped.
    pub(in crate::host) async fn run_beside<T>(
        setup: ModemSetup,
        scenario: Option<(ScenarioSetup, oneshot::Sender<Report>)>,
        beside: impl AsyncFnOnce(oneshot::Receiver<Whereabouts>) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let (order, ordered) = oneshot::channel();
        let mut host = Self::open(setup, scenario, End::Order(ordered))?;
        let (announce, announced) = oneshot::channel();
        let control = host.control_path();
        let result = {
            let mut module = pin!(host.run(|ready| {
                tracing::info!("{ready}");
                // An error means that the other one is done already.
                let _ = announce.send(Whereabouts::of(ready, &control)?);
                Ok(())
            }));
            tokio::select! {
                ended = &mut module => ended.and_then(|()| Err(HostError::running("the module has ended"))),
                result = beside(announced) => {
                    drop(order);
                    module.await.and(result)
                }
            }
        };
        let kept = host.keep_time_durably();
        result.and_then(|result| kept.map(|()| result))
    }
}
