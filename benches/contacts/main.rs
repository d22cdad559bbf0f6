//! What the core costs, in memory and on one core: contacts with the security service against the
//! bare DTLS engine, AT command lines, protected messages, virtual time, memory.
//!
//! `cargo bench --bench contacts` takes about a minute; `-- --quick` a few seconds, for a smoke.
#![allow(missing_docs, reason = "a program of its own")]
#![allow(clippy::print_stdout, reason = "it prints a table")]

mod bare;
mod field;
mod fleet;
mod line;
mod messages;
mod rounds;
mod scenario;

use bare::{BOOTSTRAP, Bare, HANDSHAKE, HEARTBEAT};
use rounds::{Effort, Row};

fn main() {
    // `cargo bench` adds `--bench`, and `cargo test --benches` only wants to see it run.
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let effort = if quick { Effort::QUICK } else { Effort::FULL };

    // First, while the heap has nothing to give back.
    let memory = fleet::memory(effort.fleet);
    let rows = [
        Row::new("bare DTLS handshake, both ends", Bare::new(HANDSHAKE)),
        Row::new("bare DTLS of a bootstrap", Bare::new(BOOTSTRAP)).against(0, 2.0),
        Row::new("bare DTLS of a heartbeat", Bare::new(HEARTBEAT)).against(0, 1.0),
        Row::new("bootstrap, from power-on", field::Bootstrap::new()).against(0, 2.0).against(1, 1.0),
        Row::new("heartbeat with its report", field::Heartbeat::new()).against(0, 1.0).against(2, 1.0),
        Row::new("virtual week of a module, with its heartbeat", fleet::Weeks::new()),
        Row::new("scenario: bootstrap, seal, heartbeat", scenario::Play).against(0, 4.0),
        Row::new("AT+CREG? through at::Interpreter", line::Language::new()),
        Row::new("AT+CREG? through Modem", line::Whole::new("AT+CREG?")),
        Row::new("AT through Modem", line::Whole::new("AT")),
        Row::new("AES-128-CCM of 231 bytes", messages::Cipher::new()),
        Row::new("AT+USECE2EDATAENC of 231 bytes", messages::Protect::new()).against(10, 1.0),
    ];
    rounds::measure(rows, effort);
    println!("\n{memory}");
}
