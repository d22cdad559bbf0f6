//! The module's state: power, SIM, network, packet, root of trust, bootstrap, heartbeat, NVM.
//!
//! It knows no AT text: commands call its `request_*` and read its state, URCs are made from its
//! [`Event`]s. It does no IO: time and input are arguments, output is drained in order, and an
//! [`Output::Nvm`] has to be on disk before anything after it leaves.
//!
//! A module works through these, from power-on on:
//!
//! 1. [`power`]: off, booting, on, shutting down; asleep in PSM ([`power_saving`]).
//! 2. [`network`]: searches, registers; takes the network's time ([`rtc`]).
//! 3. [`packet`]: attaches, activates the first PDP context: the data connection.
//!    Which of these it is asked for, and what follows from each, is in `attachment`.
//! 4. [`security`]: whenever there is a data connection, what is due: bootstrap, registration of
//!    a seal, security heartbeat, a report that got no answer.

pub mod configuration;
pub mod credentials;
pub mod event;
pub mod factory;
pub mod gpio;
pub mod identity;
pub mod nvm;

pub mod network;
pub mod packet;
pub mod power;
pub mod power_saving;
pub mod radio;
pub mod rtc;
pub mod settings;
pub mod sim;
pub mod tls;

pub mod security;

mod attachment;
mod core;

pub use self::core::{Flow, IpVersion, Module, ModuleOptions, Output, Timing};
pub use self::event::Event;
pub use self::nvm::Nvm;
