//! Commands that have not answered yet, as values: they can be shown, saved and cut off anywhere.

use crate::at::{CmeError, Failure, Request};
use crate::commands::{Context, Reply, network, packet, security};
use crate::time::Timestamp;

pub use crate::commands::network::Scan;

/// What a command waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// The end of a security heartbeat, by its number.
    Heartbeat(u32),
    /// The end of a security heartbeat, and then the command itself.
    HeartbeatFirst(u32, Request),
    /// The end of the bootstrap: `AT+USECDEVINFO?` of a SARA-R4.
    DeviceInfo,
    /// The end of a scan.
    Scan {
        /// What it looks for.
        scan: Scan,
        /// When it ends, in system time.
        until: Timestamp,
    },
    /// Registration on the network chosen by hand.
    Selection {
        /// How long at most, in system time.
        until: Timestamp,
    },
    /// The attach.
    Attach {
        /// How long at most, in system time.
        until: Timestamp,
    },
    /// The end of a search for a network that is not there.
    NoNetwork {
        /// When it ends, in system time.
        until: Timestamp,
    },
}

impl Pending {
    /// Whether a character from the DTE aborts the command. An atomic message operation is not
    /// abortable (`seed`), and neither is what blocks for it.
    pub fn is_abortable(&self) -> bool {
        match self {
            Pending::Heartbeat(_) | Pending::HeartbeatFirst(..) | Pending::DeviceInfo => false,
            Pending::Scan { .. }
            | Pending::Selection { .. }
            | Pending::Attach { .. }
            | Pending::NoNetwork { .. } => true,
        }
    }

    /// When it is to be asked again though nothing happened, in system time.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self {
            Pending::Heartbeat(_) | Pending::HeartbeatFirst(..) | Pending::DeviceInfo => None,
            Pending::Scan { until, .. }
            | Pending::Selection { until }
            | Pending::Attach { until }
            | Pending::NoNetwork { until } => Some(*until),
        }
    }

    /// The answer, if there is one by now.
    pub fn poll(&self, context: &mut Context<'_>) -> Option<Result<Reply, Failure>> {
        match self {
            Pending::Heartbeat(number) => {
                let outcome = context.module.heartbeat_outcome(*number)?;
                Some(outcome.map(|()| Reply::OK).map_err(|failure| security::failure(context, &failure)))
            }
            Pending::HeartbeatFirst(number, request) => {
                // However the heartbeat ended, the command goes on.
                let _ended = context.module.heartbeat_outcome(*number)?;
                let command = context.vocabulary.find(&request.name);
                Some(match command {
                    Some(command) => (command.run)(context, request.form.clone()),
                    None => Err(Failure::Cme(CmeError::OPERATION_NOT_SUPPORTED)),
                })
            }
            Pending::DeviceInfo => match security::read_device_info(context) {
                Ok(Reply::Wait(_)) => None,
                answer => Some(answer),
            },
            Pending::Scan { scan, until } => network::poll_scan(context, *scan, *until),
            Pending::Selection { until } => network::poll_selection(context, *until),
            Pending::Attach { until } => packet::poll_attach(context, *until),
            Pending::NoNetwork { until } => {
                (*until <= context.now.system).then(|| Err(CmeError::NO_NETWORK_SERVICE.into()))
            }
        }
    }
}
