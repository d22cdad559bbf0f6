//! **vsara**, a virtual u-blox SARA-R4/SARA-R5 cellular module with IoT Security-as-a-Service.
//!
//! The crate is a house of layers; each may use those below it, never those above
//! (`tests/layers.rs` holds this). Below [`host`] nothing reads a clock, opens a file, owns a
//! socket, spawns a task or asks for randomness: the [`modem`] and the security [`service`]
//! are two state machines without IO, and time is an argument.
//!
//! | layer | what it is |
//! |---|---|
//! | [`cli`] | arguments to values to one call; one file a subcommand |
//! | [`web`] | REST, admin API and console of the service: doors for people and programs |
//! | [`host`] | IO: pty, serial, TCP, UDP, files, clock, the only event loops |
//! | [`scenario`] | a world of modules, one service, a lossy network and one virtual clock |
//! | [`modem`] | the façade that joins AT language, commands and module |
//! | [`commands`] | the vocabulary: one file per chapter of the AT manual |
//! | [`module`] | the state: power, network, packet, root of trust, bootstrap, heartbeat, NVM |
//! | [`service`] | the security service core: devices, profiles, clone detection, events |
//! | [`protocol`] | what module and service share: CoAP, CBOR messages, DTLS sessions, keys |
//! | [`at`] | the language (V.250): bytes to requests, responses to bytes |
//! | [`c2c`] | chip-to-chip frames, between the line of a port and the language on it |
//! | [`profile`], [`time`] | facts about a module type; [`time::Timestamp`] |

#![warn(missing_docs)]

pub mod profile;
pub mod time;

pub mod at;
pub mod c2c;
pub mod protocol;

pub mod service;

pub mod commands;
pub mod modem;
pub mod module;

pub mod cli;
pub mod host;
pub mod scenario;
pub mod web;
