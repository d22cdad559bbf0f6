//! What the module and the security service share: keys, certificates, messages, CoAP and DTLS sessions.

pub(crate) mod base64_text;
pub mod certificate;
pub mod coap;
pub mod keys;
pub mod message;
pub mod protection;
pub mod session;
