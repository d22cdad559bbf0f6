//! The vocabulary: one file per chapter of the AT manual, each ending in its table, and a second
//! one of what is stored and shown only.
//!
//! A command is one function; inside, a `match` on the form of the request. It reads and asks the
//! [`Module`], returns a value, and holds no state: what cannot be answered at once is a
//! [`Pending`], which [`pending`] asks again after every input, and what needs data of the DTE is a
//! [`DataRequest`], which is called back with it ([`data_phase`]). Which commands exist is the
//! profile's: [`Vocabulary`].

pub mod data_phase;
pub mod pending;
pub mod urc;
pub mod vocabulary;

pub mod bands;
pub mod character_set;
pub mod control;
pub mod general;
pub mod gpio;
pub mod indicators;
pub mod network;
pub mod packet;
pub mod power_saving;
pub mod security;
pub mod short_message;
pub mod sim;
pub mod system;
pub mod v25ter;

use crate::at::{CmeError, Failure, Form, Line, Settings};
use crate::c2c::Channel;
use crate::module::Module;
use crate::module::settings::Interface;
use crate::time::Now;

pub use self::data_phase::DataRequest;
pub use self::pending::Pending;
pub use self::vocabulary::Vocabulary;

/// An entry of a chapter's table.
#[derive(Debug)]
pub struct Command {
    /// As it is typed: `E`, `&W`, `+CREG`.
    pub name: &'static str,
    /// Runs it.
    pub run: Run,
}

/// Runs a request.
pub type Run = fn(&mut Context<'_>, Form) -> Result<Reply, Failure>;

/// What a command may look at and change.
#[derive(Debug)]
pub struct Context<'a> {
    /// The module behind the port.
    pub module: &'a mut Module,
    /// V.250 parameters of the port the command came from.
    pub settings: &'a mut Settings,
    /// What that port has beside them.
    pub interface: &'a mut Interface,
    /// What stands between the line of that port and its commands.
    pub channel: &'a mut Channel,
    /// The rate that autobauding found on that port, in bits per second.
    pub detected_bps: u32,
    /// The commands there are.
    pub vocabulary: &'a Vocabulary,
    /// Both clocks.
    pub now: Now,
}

/// What a command answers, now or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Information text, then `OK`.
    Lines(Vec<Line>),
    /// Nothing yet.
    Wait(Pending),
    /// The DTE is to send data first.
    Data(DataRequest),
}

impl Reply {
    /// `OK`.
    pub const OK: Self = Reply::Lines(Vec::new());

    /// One line of information text, then `OK`.
    pub fn line(line: impl Into<Line>) -> Self {
        Reply::Lines(vec![line.into()])
    }
}

/// A chapter of the AT manual, or a part of one.
#[derive(Debug)]
pub struct Chapter {
    /// What it is about.
    pub title: &'static str,
    /// Commands with state behind every answer.
    pub commands: &'static [Command],
    /// Commands whose parameters are stored and shown, and do nothing else.
    pub stored: &'static [Command],
}

const fn chapter(title: &'static str, commands: &'static [Command], stored: &'static [Command]) -> Chapter {
    Chapter { title, commands, stored }
}

/// The chapters, in the order of the manual. What is emulated, and how far, is listed from here.
pub const CHAPTERS: &[Chapter] = &[
    chapter("identification", general::COMMANDS, &[]),
    chapter("control and status", control::COMMANDS, &[]),
    chapter("activity and indicators", indicators::COMMANDS, indicators::STORED),
    chapter("network service", network::COMMANDS, &[]),
    chapter("MNO profile and bands", &[], bands::STORED),
    chapter("SIM and its locks", sim::COMMANDS, &[]),
    chapter("short messages", &[], short_message::STORED),
    chapter("V.24 control and V.25ter", v25ter::COMMANDS, v25ter::STORED),
    chapter("packet switched data", packet::COMMANDS, &[]),
    chapter("power management", power_saving::COMMANDS, power_saving::STORED),
    chapter("GPIO", gpio::COMMANDS, &[]),
    chapter("system features", system::COMMANDS, system::STORED),
    chapter("device and data security", security::COMMANDS, &[]),
];

/// Every command there is, in any profile.
pub fn all() -> impl Iterator<Item = &'static Command> {
    CHAPTERS.iter().flat_map(|chapter| chapter.commands.iter().chain(chapter.stored))
}

/// The form of a request does not exist for its command.
fn no_such_form() -> Failure {
    Failure::Cme(CmeError::OPERATION_NOT_SUPPORTED)
}
