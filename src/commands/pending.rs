//! Commands that have not answered yet, as values: they can be shown, saved and cut off anywhere.

use crate::at::{CmeError, Failure, Request};
use crate::commands::{Context, Reply, security};

/// What a command waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// The end of a security heartbeat, by its number.
    Heartbeat(u32),
    /// The end of a security heartbeat, and then the command itself.
    HeartbeatFirst(u32, Request),
    /// The end of the bootstrap: `AT+USECDEVINFO?` of a SARA-R4.
    DeviceInfo,
}

impl Pending {
    /// Whether a character from the DTE aborts the command. An atomic message operation is not
    /// abortable (`seed`), and neither is what blocks for it.
    pub fn is_abortable(&self) -> bool {
        false
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
        }
    }
}
