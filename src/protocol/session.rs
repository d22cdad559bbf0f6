//! DTLS 1.2 sessions that carry CoAP: [`ClientSession`] for the module, [`ServerSession`] for the
//! service. Sans-IO; suite `TLS_PSK_WITH_AES_128_CCM_8`, full handshakes only, cookies on.
//!
//! Both are driven alike: after every call drain `poll_transmit` and `poll_event`, then wait for
//! a datagram or `next_timeout`. Time is the steady clock.

mod client;
mod engine;
mod record;
mod server;

pub use client::{ClientEvent, ClientSession};
pub use server::{Plaintext, PskLookup, ServerEndpoint, ServerEvent, ServerSession};

pub use super::coap::RequestRefused;

use std::time::Duration;

/// The first wait before a flight of the handshake is repeated; it doubles each time (RFC 6347
/// 4.2.4.1 recommends 1 s), with jitter.
pub const FLIGHT_START_RTO: Duration = Duration::from_secs(1);

/// Repetitions of one flight: enough that [`HANDSHAKE_TIMEOUT`] is what ends a handshake.
pub const FLIGHT_RETRIES: usize = 6;

/// A handshake that takes longer than this, all flights together, is given up.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(45);

/// The largest datagram of a handshake, in bytes: what IPv6's smallest MTU of 1280 leaves.
pub const DEFAULT_MTU: usize = 1232;

/// What a session may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// The largest datagram of a handshake, in bytes, IP and UDP headers not counted.
    pub mtu: usize,
    /// Makes hello randoms, cookies, jitter, message IDs and tokens reproducible: for virtual
    /// time only, since whoever knows it can foresee them. Without it the system's randomness.
    pub seed: Option<u64>,
    /// Whether a server keeps a copy of each decrypted message for [`ServerSession::poll_plaintext`].
    pub tap: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { mtu: DEFAULT_MTU, seed: None, tap: false }
    }
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionFailure {
    /// The peer did not answer, or the handshake took longer than [`HANDSHAKE_TIMEOUT`].
    #[error("the handshake got no answer")]
    HandshakeTimeout,
    /// The peer holds another key for this identity, or none.
    #[error("this service does not know that key set, or holds another key")]
    KeyRefused,
    /// The session stood, but a request got no answer.
    #[error("a request got no answer")]
    NoAnswer,
    /// The peer closed the session.
    #[error("the peer closed the session")]
    Closed,
    /// The peer broke the protocol, or sent the alert that says this end did.
    #[error("{0}")]
    Protocol(String),
}

#[cfg(test)]
mod tests;
