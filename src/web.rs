//! Doors of the security service for people and programs: REST, its document, the admin API and
//! the console. All of them read and write the service core, each call between two turns of the
//! service's loop.
//!
//! A request takes this road:
//! 1. `listener` takes the connection, within its [`limits`].
//! 2. `doors` looks at address, `Host` and `Origin`, before anything of it is read.
//! 3. `operation` finds out who calls, reads the body, and has the handler called in the loop.
//! 4. What the handler returns, or why it refuses, is the answer.
//!
//! Nothing of this is there before the first connection comes: a module nobody looks at pays with
//! one listening socket.

mod admin;
mod api;
mod app;
mod by_control;
mod console;
mod document;
mod documentation;
mod doors;
mod error;
mod front;
pub mod limits;
mod listener;
mod operation;
mod secret;
mod token;

pub use front::Front;
