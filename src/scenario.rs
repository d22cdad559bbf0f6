//! A world in memory: modules, one service, the network between them, one virtual clock.
//!
//! Nothing here touches the operating system, so a week passes in microseconds, a fault can be
//! placed at every datagram and every NVM write, and the same seed gives the same run.

pub mod bless;
pub mod claims;
pub mod fault;
pub mod link;
pub mod player;
pub mod real_module;
pub mod recording;
pub mod report;
pub mod script;
pub mod serial_line;
pub mod service_acts;
pub mod stage;
pub mod sweep;
mod trace;
pub mod transcribe;
pub mod world;

pub use self::fault::{Fault, Point, Strike};
pub use self::link::{Condition, Link};
pub use self::player::Player;
pub use self::recording::Recording;
pub use self::report::{Report, Verdict, play};
pub use self::script::Script;
pub use self::serial_line::SerialLine;
pub use self::stage::{BuiltIn, Library, Stage};
pub use self::world::{ModemId, World, WorldOptions};
