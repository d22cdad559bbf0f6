//! Chip-to-chip security (C2C): a layer between the line of a port and the language spoken on it,
//! which knows neither. Bytes of the line in, plain bytes out; plain bytes in, frames out.
//!
//! ```text
//! F9 | length, 2 bytes | body | FCS, 2 bytes | F9
//! ```
//!
//! Length (of the body) and FCS are little-endian; the FCS is that of RFC 1662 over length and body.
//! There is no byte stuffing. A body is text that is padded (RFC 5652), encrypted and authenticated
//! with the keys of a [`Pairing`], in one of two ways:
//!
//! | version | body |
//! |---|---|
//! | 1 | AES-128-CBC(padded text ‖ SHA-256(padded text)) ‖ IV |
//! | 2 | IV ‖ AES-128-CBC(padded text) ‖ HMAC-SHA256(IV ‖ ciphertext ‖ TE secret), its first 16 bytes |
//!
//! Borders between frames mean nothing to what is said in them. Whatever is no frame is passed over,
//! and a frame that was not made with the keys of the pairing is dropped; both are counted, neither is
//! answered. Source: driver.
//!
//! | file | what it holds |
//! |---|---|
//! | `frame` | frames, and how they are found again where bytes were lost |
//! | `fcs` | the frame check sequence |
//! | `pairing` | the secrets of two chips |
//! | `protection` | text to bodies, bodies to text |
//! | `session` | one end of an open session |
//! | `channel` | a line that is clear or has a session |

mod channel;
mod fcs;
mod frame;
mod pairing;
mod protection;
mod session;

pub use self::channel::Channel;
pub use self::pairing::{Pairing, Secret, SecretTextError, Version};
pub use self::session::{Mishaps, Session, Side};
