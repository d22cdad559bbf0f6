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

/// The ways to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Usage, or a file the user wrote: exit status 2.
    Usage,
    /// It failed while running: exit status 1.
    Running,
    /// A host program ran for too long: exit status 124, as `timeout` has it.
    TimedOut,
    /// A host program cannot be executed: exit status 126, as shells have it.
    NotExecutable,
    /// There is no such host program: exit status 127, as shells have it.
    NotFound,
}

impl ErrorKind {
    /// The exit status of a program that ends for this reason.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }
}

impl HostError {
    /// The user asked for something that cannot be, or wrote a file that is wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Something failed.
    pub fn running(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Running, message)
    }

    /// It ended for this reason.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), advice: None }
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
