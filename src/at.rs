//! The AT language of ITU-T V.250 and 3GPP TS 27.007: bytes to requests, responses to bytes.
//!
//! It knows no command, not even `ATE`. [`Interpreter`] is one port's command interpreter, without
//! IO: the owner hands it what the DTE sent, executes the [`Request`] it asks for next, answers with
//! a [`Response`], and writes each item of [`Interpreter::poll_output`] in one piece.
//!
//! | file | what it holds |
//! |---|---|
//! | `interpreter` | the façade, the only place that has modes: command, running, data |
//! | `line` | the byte automaton: prefix, S3, S5, `A/`, the LF after a CR, the length limit |
//! | `parse`, `args` | the grammar of a complete command line, and typed access to parameters |
//! | `response` | information text, result codes, and the only place that writes CR LF |
//! | `cme` | `+CME ERROR` codes and texts |
//! | `settings` | what V.250 and `+CMEE` set on a port |

mod args;
mod cme;
mod interpreter;
mod line;
mod parse;
mod response;
mod settings;

pub use args::{Args, Value};
pub use cme::CmeError;
pub use interpreter::{DataPhase, Event, Interpreter, Limits};
pub use parse::{Form, Request};
pub use response::{Failure, Final, Line, Response};
pub use settings::{Registers, Settings};
