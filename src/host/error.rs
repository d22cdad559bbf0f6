//! [`HostError`]: what stops a program, in one line, with what to do about it.

use std::fmt;

/// Why a program ends early.
#[derive(Debug)]
pub struct HostError {
    /// Which exit status it is.
    pub kind: ErrorKind,
    message: String,
    advice: Option<String>,
}

/// The two ways to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Usage, or a file the user wrote: exit status 2.
    Usage,
    /// It failed while running: exit status 1.
    Running,
}

impl HostError {
    /// The user asked for something that cannot be, or wrote a file that is wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Usage, message: message.to_string(), advice: None }
    }

    /// Something failed.
    pub fn running(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Running, message: message.to_string(), advice: None }
    }

    /// What to do about it.
    pub fn advise(mut self, advice: impl fmt::Display) -> Self {
        self.advice = Some(advice.to_string());
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

impl std::error::Error for HostError {}
