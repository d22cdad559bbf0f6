//! A test of a host program in one process: the program as it is, the module and its security
//! service in memory, the time virtual.
//!
//! ```sh
//! cargo run --example in_process
//! ```
//!
//! The program takes its serial port as a `Read` and a `Write`, so that a real one does
//! (`serialport::new("/dev/ttyUSB0", 115_200).open()?`) and so does [`World::port`].

use std::io::{self, Read, Write};
use std::sync::Arc;

use vsara::profile::Profile;
use vsara::scenario::{Input, Point, Strike, World, WorldOptions};
use vsara::service::DeviceProfile;
use vsara::service::device::DeviceState;
use vsara::service::event::EventKind;

const PROFILE_UID: &str = "AgbCtixjwqLjwV3VWpfPyz";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The program under test: it brings a device into service, and may be started again at any time.
mod host {
    use super::{PROFILE_UID, Read, Write, io};

    /// How often the state of the bootstrap is read.
    const READS_MAX: usize = 60;

    /// Seals the module and waits until it is the owner's.
    pub(super) fn enrol(port: &mut (impl Read + Write), serial_number: &str) -> io::Result<()> {
        command(port, "ATE0")?;
        let answer = command(port, &format!("AT+USECDEVINFO=\"{PROFILE_UID}\",\"{serial_number}\""))?;
        if !answer.ends_with("OK\r\n") {
            return Err(io::Error::other(answer));
        }
        for _ in 0..READS_MAX {
            if command(port, "AT+USECDEVINFO?")?.contains("+USECDEVINFO: 1,1,1") {
                return Ok(());
            }
            // Nothing comes meanwhile, so this is how long a read waits.
            let _ = port.read(&mut [0; 64]);
        }
        Err(io::Error::other("not in service"))
    }

    /// Sends a command line; gives everything up to the final result code.
    fn command(port: &mut (impl Read + Write), line: &str) -> io::Result<String> {
        port.write_all(format!("{line}\r").as_bytes())?;
        let (mut said, mut some) = (String::new(), [0; 64]);
        while !["OK\r\n", "ERROR\r\n"].iter().any(|end| said.ends_with(end)) {
            let count = port.read(&mut some)?;
            said += &String::from_utf8_lossy(&some[..count]);
        }
        Ok(said)
    }
}

/// A power loss while the third phase of the bootstrap is under way costs the program an error, and
/// nobody anything else.
fn a_power_loss_in_the_third_phase_is_survived() -> Result<(), Box<dyn std::error::Error>> {
    let profile = Arc::new(Profile::built_in("sara-r510s").ok_or("a built-in profile")?);
    let mut world = World::new(1);
    let devices = DeviceProfile::new(PROFILE_UID, "gateways");
    world.operator().ok_or("the service runs")?.create_device_profile(devices)?;
    let modem = world.add_modem(&profile, WorldOptions::default());

    // The module bootstraps by itself once it has power; in phase 3 it loses it again.
    let fault = world.place(modem, Point::Phase(3), Strike::CutAfter);
    world.input(modem, Input::PowerOn);
    let error = host::enrol(&mut world.port(modem), "gateway-1").expect_err("the module is gone");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(world.has_struck(modem, fault));
    let device = world.device(modem).ok_or("the service has heard of it")?;
    assert!(matches!(device.state(), DeviceState::Bootstrapping(_)), "{}", device.state());

    // Power is back, and the program is started again.
    world.input(modem, Input::PowerOn);
    host::enrol(&mut world.port(modem), "gateway-1")?;
    let device = world.device(modem).ok_or("the service knows it")?;
    assert_eq!(device.state(), DeviceState::Active);
    assert_eq!(device.seal.as_ref().map(|seal| seal.serial_number.as_str()), Some("gateway-1"));

    // It was bootstrapped once and nobody took it for a clone; a week later it has called by itself.
    world.run_for(7 * DAY_MS);
    let noted = |kind| world.noted(modem, kind);
    assert_eq!([EventKind::Bootstrap, EventKind::Clone, EventKind::Heartbeat].map(noted), [1, 0, 1]);
    Ok(())
}

/// Says that it went well, or ends with the error.
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    a_power_loss_in_the_third_phase_is_survived()?;
    writeln!(io::stdout(), "a power loss in the third phase is survived")?;
    Ok(())
}
