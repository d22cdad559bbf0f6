//! What is wrong with a scenario file.

use std::fmt;

/// What is wrong with a scenario, for the person who wrote it: the place, the fault, the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The file, as it was named by the user.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty where the message says it all.
    pub allowed: String,
}

/// The same before the file is known: the place is a byte of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) offset: usize,
    pub(super) message: String,
    pub(super) allowed: String,
}

impl ScriptError {
    /// An error at byte `offset` of `text`.
    pub(super) fn at(file: &str, text: &str, offset: usize, message: String, allowed: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self { file: file.to_owned(), line, column, message, allowed }
    }

    /// An error of the whole file.
    pub(super) fn whole(file: &str, message: String, allowed: String) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, message, allowed }
    }
}

impl Problem {
    pub(super) fn in_file(self, file: &str, text: &str) -> ScriptError {
        ScriptError::at(file, text, self.offset, self.message, self.allowed)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if self.allowed.is_empty() { Ok(()) } else { write!(f, "; allowed: {}", self.allowed) }
    }
}

impl std::error::Error for ScriptError {}
