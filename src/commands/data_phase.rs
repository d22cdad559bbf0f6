//! Commands that ask the DTE for data, as values: how many bytes, and what is done with them.
//!
//! 1. A command that has checked its parameters and its gates returns [`Reply::Data`].
//! 2. The prompt leaves; from there on bytes are data, whatever they are, and are not echoed. The
//!    line feed of a host that ends its lines with two characters is no part of them.
//! 3. With the last byte [`DataUse::run`] is called, and answers as a command does.
//! 4. Where the last byte does not come in time, [`DataUse::timed_out`] is the answer and what had
//!    come is dropped. Nothing else ends it but the loss of power or a reset: no byte can, since
//!    any may be data.

use crate::at::{CmeError, Failure};
use crate::commands::{Context, Reply, credentials, security};
use crate::module::credentials::CredentialKind;

/// The prompt for a number of bytes, as `>` of `AT+USECMNG` and its like.
pub const PROMPT: &str = ">";

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataRequest {
    /// What shows that data may come.
    pub prompt: &'static str,
    /// How many bytes; what was asked for is within the limit of the command.
    pub length: usize,
    /// From the prompt to the last byte, in milliseconds.
    pub timeout_ms: i64,
    /// What is done with them.
    pub usage: DataUse,
}

/// What is done with data that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataUse {
    /// An uplink message is protected.
    ProtectUplink,
    /// A downlink message is opened.
    OpenDownlink,
    /// Local data is protected.
    ProtectLocal,
    /// Local data is opened.
    OpenLocal,
    /// A certificate or key is imported.
    Import(CredentialKind, String),
}

impl DataRequest {
    /// `length` bytes behind the prompt `>`, within the time of the profile.
    pub fn new(context: &Context<'_>, length: usize, usage: DataUse) -> Self {
        let timeout_ms = i64::from(context.module.profile().at.data_phase_s) * 1000;
        Self { prompt: PROMPT, length, timeout_ms, usage }
    }
}

impl DataUse {
    /// The command that asked.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::ProtectUplink => "+USECE2EDATAENC",
            Self::OpenDownlink => "+USECE2EDATADEC",
            Self::ProtectLocal => "+USECDATAENC",
            Self::OpenLocal => "+USECDATADEC",
            Self::Import(..) => "+USECMNG",
        }
    }

    /// All bytes are there.
    pub fn run(&self, context: &mut Context<'_>, data: &[u8]) -> Result<Reply, Failure> {
        match self {
            Self::ProtectUplink | Self::OpenDownlink | Self::ProtectLocal | Self::OpenLocal => {
                security::protection::run(context, self, data)
            }
            Self::Import(kind, name) => credentials::import(context, *kind, name, data),
        }
    }

    /// Not all bytes came in time.
    pub fn timed_out(&self, context: &Context<'_>) -> Failure {
        match self {
            Self::ProtectUplink | Self::OpenDownlink | Self::ProtectLocal | Self::OpenLocal => {
                security::error(context, |errors| errors.timeout)
            }
            Self::Import(..) => CmeError::USECMNG_IMPORT_TIMEOUT.into(),
        }
    }
}
