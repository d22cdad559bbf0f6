//! What the module and the security service share: keys, messages, CoAP and DTLS sessions.

pub mod coap;
pub mod keys;
pub mod message;
pub mod protection;
pub mod session;
