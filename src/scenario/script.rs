//! [`Script`]: a scenario as it is written, one statement a line. The language is described in
//! [`GUIDE`]; `vsara test --help` prints it.
//!
//! | file | what it holds |
//! |---|---|
//! | `statement` | what a line can say |
//! | `parse` | lines to statements |
//! | `cursor` | the words of one line, and where they stand |
//! | `dialogue` | statements that speak and listen on a port |
//! | `pattern` | wildcards and captures |
//! | `error` | what is wrong with a file, where, and what is allowed |

mod cursor;
mod dialogue;
mod error;
mod key_claim;
mod parse;
mod pattern;
mod statement;

use std::collections::BTreeMap;

pub use self::cursor::shown_ms;
pub(in crate::scenario) use self::dialogue::PATIENCE_MS;
pub use self::error::ScriptError;
pub use self::key_claim::{KeyClaim, KeyClaimSort};
pub use self::parse::ChangeError;
pub use self::pattern::{Pattern, Variables, escape};
pub use self::statement::{
    Act, Aftermath, Amount, ChipAct, Claim, Claims, ClockChange, Comparison, DataPattern, DataWish,
    Direction, EventClaim, LineFault, LineMischief, ModemSource, ModemSpec, NetworkChange, Operation,
    Operator, PortRef, PowerSwitch, ProfileSpec, Statement, Template, What,
};

/// The language, for `vsara test --help` and the documentation.
pub const GUIDE: &str = include_str!("script/guide.txt");

/// Longest file, in bytes.
pub const SCRIPT_LEN_MAX: usize = 4 * 1024 * 1024;

/// Most statements of a file.
pub const STATEMENTS_MAX: usize = 100_000;

/// Longest line, in bytes.
pub const LINE_LEN_MAX: usize = 16 * 1024;

/// Most modems of a scenario.
pub const MODEMS_MAX: usize = 10_000;

/// Most AT ports of a modem.
pub const PORTS_MAX: usize = 8;

/// A modem of a scenario, by the order of its `modem` statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModemIndex(pub usize);

/// A parsed scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What to do, in order.
    pub statements: Vec<Statement>,
    /// Names of its modems.
    pub modems: Vec<String>,
}

impl Script {
    /// Reads a scenario; `file` is what errors call it.
    ///
    /// # Errors
    /// The first line that is wrong: place, problem, what is allowed.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScriptError> {
        parse::script(text).map_err(|problem| problem.in_file(file, text))
    }

    /// Names of modems and their places.
    pub fn names(&self) -> BTreeMap<&str, ModemIndex> {
        self.modems.iter().enumerate().map(|(index, name)| (name.as_str(), ModemIndex(index))).collect()
    }

    /// The name of a modem.
    pub fn name(&self, modem: ModemIndex) -> &str {
        self.modems.get(modem.0).map_or("", String::as_str)
    }
}

/// A file that is given as bytes: UTF-8, and not longer than [`SCRIPT_LEN_MAX`].
///
/// # Errors
/// Not text, or too long.
pub fn decode(bytes: Vec<u8>, file: &str) -> Result<String, ScriptError> {
    if bytes.len() > SCRIPT_LEN_MAX {
        let problem = format!("the file has {} bytes", bytes.len());
        return Err(ScriptError::whole(file, problem, format!("at most {SCRIPT_LEN_MAX}")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        ScriptError::at(
            file,
            &before,
            before.len(),
            "this is no UTF-8 text".into(),
            "a scenario is plain text".into(),
        )
    })
}
