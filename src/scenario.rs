//! A world in memory: modules, one service, the network between them, one virtual clock.
//!
//! Nothing here touches the operating system, so a week passes in microseconds, a fault can be
//! placed at every datagram and every NVM write, and the same seed gives the same run.
//!
//! # A test in one process
//!
//! A [`World`] is a value: make one in a test, power a modem on, let time pass, ask the service.
//!
//! ```
//! use std::sync::Arc;
//!
//! use vsara::profile::Profile;
//! use vsara::scenario::{Input, Point, Strike, World, WorldOptions};
//! use vsara::service::event::EventKind;
//!
//! let profile = Arc::new(Profile::built_in("sara-r510s").ok_or("no such profile")?);
//! let mut world = World::new(1);
//! let modem = world.add_modem(&profile, WorldOptions::default());
//!
//! // The power fails in the third of the four phases of the bootstrap.
//! world.place(modem, Point::Phase(3), Strike::CutAfter);
//! world.input(modem, Input::PowerOn);
//! world.run_for(60_000);
//! assert!(!world.is_on(modem));
//! assert_eq!(world.noted(modem, EventKind::Bootstrap), 0);
//!
//! // It starts again from the beginning, and succeeds.
//! world.input(modem, Input::PowerOn);
//! world.run_for(60_000);
//! assert_eq!(world.at(modem, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,0,1|OK");
//!
//! // A heartbeat waits for its answer; a second one within 24 hours is refused at once.
//! assert_eq!(world.at_within(modem, "AT+USECCONN", 300_000), "OK");
//! assert_eq!(world.at(modem, "AT+USECCONN"), "ERROR");
//! world.run_for(24 * 3_600_000);
//! assert_eq!(world.at_within(modem, "AT+USECCONN", 300_000), "OK");
//! assert_eq!(world.device(modem).map(|device| device.heartbeats), Some(2));
//! # Ok::<(), &str>(())
//! ```
//!
//! A host program that takes a [`Read`](std::io::Read) and a [`Write`](std::io::Write) runs against
//! [`World::port`] as it is: `examples/in_process.rs`.
//!
//! # A scenario from a program
//!
//! What `vsara test` does with a file, [`play`] does with a [`Script`]; a [`Stage`] leaves the world
//! to look at afterwards.
//!
//! ```
//! use vsara::scenario::{BuiltIn, PlayOptions, Script, Stage, play};
//!
//! let text = "modem dut sara-r510s\n\
//!             wait until dut < +USECDEVINFO: 1,0,1 within 10m\n";
//! let script = Script::parse(text, "mine.at")?;
//! let report = play(&script, "mine.at", PlayOptions::default(), &BuiltIn);
//! assert!(report.has_passed(), "{report}");
//!
//! let mut stage = Stage::new(1, &BuiltIn);
//! assert!(stage.play(&script).has_passed());
//! let dut = stage.modem(script.names()["dut"]).ok_or("it was made")?;
//! let device = stage.world().device(dut).ok_or("the service knows it")?;
//! assert_eq!(device.state().name(), "UNOWNED");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bless;
pub mod claims;
pub mod fault;
mod key_claims;
pub mod link;
pub mod player;
pub mod real_module;
pub mod recording;
pub mod replay;
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
pub use self::replay::Replay;
pub use self::report::{PlayOptions, Report, Verdict, play};
pub use self::script::Script;
pub use self::serial_line::SerialLine;
pub use self::stage::{BuiltIn, Library, Stage};
pub use self::world::{BEGINNING, Counts, Disk, ModemId, Port, World, WorldOptions};

pub use crate::modem::{Input, PortId};
pub use crate::module::{IpVersion, Timing};
