//! With the module's own timing: what is answered leaves before the module goes, and no time a
//! phase takes harms it.

mod steps;

use steps::*;
use vsara::modem::Input;
use vsara::module::{IpVersion, Timing};
use vsara::scenario::{ModemId, World, WorldOptions};

fn booted(name: &str, timing: Timing) -> (World, ModemId) {
    let (mut world, template) = world(name, IpVersion::V4, 1);
    let nvm = world.disk(template).primary.clone();
    let modem = world.add_modem_with(&profile(name), WorldOptions { timing, ..WorldOptions::default() }, nvm);
    world.input(modem, Input::PowerOn);
    world.run_for(30 * SECOND);
    world.take_serial(modem);
    (world, modem)
}

#[test]
fn a_command_that_ends_the_power_is_answered_first() {
    for name in ["sara-r510s", "sara-r410m-83b", "sara-r422m8s", "sara-r410m-02b"] {
        for timing in [Timing::Fast, Timing::Module] {
            let resets = profile(name).power.cfun_reset.clone();
            let mut lines: Vec<_> = resets.iter().map(|level| format!("AT+CFUN={level}")).collect();
            lines.extend(["AT+CPWROFF".to_owned(), "AT+CFUN=1,1".to_owned(), "AT+CFUN=4".to_owned()]);
            for line in lines {
                let (mut world, modem) = booted(name, timing);
                world.send(modem, &line);
                world.run_for(SECOND);
                let said = world.take_serial(modem);
                assert!(
                    said.starts_with(&format!("{line}\r\r\nOK\r\n")),
                    "{name} {timing:?} {line}: {said:?}"
                );
                world.run_for(MINUTE);
                let off = line == "AT+CPWROFF";
                assert_eq!(world.is_on(modem), !off, "{name} {timing:?} {line}");
                world.send(modem, "AT");
                world.run_for(SECOND);
                assert_eq!(world.take_serial(modem).ends_with("OK\r\n"), !off, "{name} {timing:?} {line}");
            }
        }
    }
}

#[test]
fn a_module_that_takes_its_time_bootstraps_through_cuts_at_any_moment() {
    for name in ["sara-r510s", "sara-r410m-83b"] {
        for cut_after in (0..40).map(|n| n * 700) {
            let (mut world, modem) = booted(name, Timing::Module);
            world.input(modem, Input::PowerCut);
            world.input(modem, Input::PowerOn);
            world.run_for(5 * SECOND + cut_after);
            world.input(modem, Input::PowerCut);
            world.run_for(MINUTE);
            world.input(modem, Input::PowerOn);
            settle(&mut world, modem, |world| is_at_rest(world, modem));
            assert!(is_at_rest(&world, modem), "{name}: cut after {cut_after} ms");
            assert_unsuspected(&mut world, modem, &(name, cut_after));
        }
    }
}
