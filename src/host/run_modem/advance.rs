//! Moving system time forward, deadline by deadline.
//!
//! 1. What has arrived is handled.
//! 2. Time moves to the next deadline of the module or of the embedded service; whoever is due is
//!    called, and while an exchange progresses time waits for it.
//! 3. Where there is no deadline before the target any more, time moves there, as in 2.

use std::time::Duration;

use super::{ModemHost, Turn};
use crate::host::clock::Clock;
use crate::host::error::HostError;
use crate::time::{Timestamp, earlier};

/// How long an exchange may go without a datagram before time moves on.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long nothing happens before everything that has arrived counts as handled.
const QUIET: Duration = Duration::from_millis(2);

/// Calls at one and the same deadline; more is a machine that cannot come to rest.
const STOPS_AT_ONCE_MAX: u32 = 1000;

impl ModemHost {
    /// Moves system time to `target`.
    pub(super) async fn advance_to(&mut self, target: Timestamp) -> Result<(), HostError> {
        self.come_to_rest().await?;
        let mut stops = 0;
        while !self.stopping {
            let Some(deadline) = self.next_deadline().await.filter(|deadline| *deadline <= target) else {
                break;
            };
            let ahead = deadline > self.clock.now().system;
            stops = if ahead { 0 } else { stops + 1 };
            if stops > STOPS_AT_ONCE_MAX {
                tracing::warn!("the deadline {deadline} does not pass");
                break;
            }
            self.stop_at(deadline).await?;
        }
        if !self.stopping {
            self.stop_at(target).await?;
        }
        self.keep_time_durably()
    }

    async fn next_deadline(&mut self) -> Option<Timestamp> {
        let of_service = match &self.service {
            Some(service) => service.settle().await.system,
            None => None,
        };
        earlier(self.modem.next_timeout().system, of_service)
    }

    async fn stop_at(&mut self, moment: Timestamp) -> Result<(), HostError> {
        self.clock.advance_to(moment);
        self.handle_due(self.clock.now())?;
        self.come_to_rest().await
    }

    /// Handles what has arrived, and waits while an exchange progresses.
    async fn come_to_rest(&mut self) -> Result<(), HostError> {
        let mut patience_ends = Clock::real_in(PATIENCE);
        while !self.stopping {
            if let Some(service) = &self.service {
                service.settle().await;
            }
            let turn = self.turn(QUIET, false).await?;
            if matches!(turn, Turn::Datagram) {
                patience_ends = Clock::real_in(PATIENCE);
            }
            let out_of_patience = Clock::real_in(Duration::ZERO) >= patience_ends;
            let exchanging = self.modem.module().security().contact.is_some() && !out_of_patience;
            // Deadlines of transport timers go on by themselves: they are no reason to stay.
            if !exchanging && (matches!(turn, Turn::Nothing) || out_of_patience) {
                return Ok(());
            }
        }
        Ok(())
    }
}
