//! The world as a host program and its test have it in one process.

mod steps;

#[path = "../examples/in_process.rs"]
mod example;

use std::io::{ErrorKind, Read, Write};

use steps::*;
use vsara::module::IpVersion;
use vsara::scenario::{BEGINNING, Input, ModemId, PortId, World, WorldOptions};
use vsara::service::event::EventKind;

fn powered() -> (World, ModemId) {
    let (mut world, modem) = world("sara-r510s", IpVersion::V4, 1);
    power_on(&mut world, modem);
    (world, modem)
}

#[test]
fn the_example_does_what_it_says() {
    example::main().expect("it ends well");
}

#[test]
fn a_port_reads_what_there_is_in_pieces_of_any_size() {
    let (mut world, modem) = powered();
    let mut port = world.port(modem);
    port.write_all(b"AT\r").expect("written");
    let mut said = [0; 9];
    port.read_exact(&mut said[..1]).expect("a byte");
    port.read_exact(&mut said[1..]).expect("the rest");
    assert_eq!(&said, b"AT\r\r\nOK\r\n");
    assert_eq!(port.now(), BEGINNING, "nothing was waited for");
    assert_eq!(port.read(&mut []).expect("no room, no wait"), 0);
}

#[test]
fn a_read_waits_in_virtual_time_and_ends() {
    let (mut world, modem) = powered();
    let check = |world: &mut World, waits_ms: i64, timeout_ms: i64| {
        let began = world.now();
        let mut port = world.port(modem).with_timeout_ms(timeout_ms);
        let error = port.read(&mut [0; 8]).expect_err("nothing is said");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(port.now().millis_since(began), waits_ms, "{timeout_ms}");
    };
    check(&mut world, 0, -1);
    check(&mut world, 0, 0);
    check(&mut world, DAY, DAY);
    world.input(modem, Input::PowerCut);
    world.port(modem).write_all(b"AT\r").expect("a line takes anything");
    check(&mut world, 1_000, 1_000);
    assert_eq!(
        world.port_of(modem, PortId(7)).read(&mut [0; 8]).map_err(|error| error.kind()),
        Err(ErrorKind::TimedOut)
    );
}

#[test]
fn a_read_is_woken_by_what_another_minute_brings() {
    let (mut world, modem) = powered();
    world.run_for(MINUTE);
    assert_eq!(world.at(modem, "ATE0"), "OK");
    let began = world.now();
    let mut port = world.port(modem).with_timeout_ms(10 * MINUTE);
    port.write_all(b"AT+USECCONN\r").expect("written");
    let mut said = [0; 6];
    port.read_exact(&mut said).expect("the answer of the service");
    assert_eq!(&said, b"\r\nOK\r\n");
    assert!((1..SECOND).contains(&port.now().millis_since(began)), "no longer than the exchange took");
}

#[test]
fn each_port_of_a_modem_is_heard_by_itself() {
    let (mut world, _) = world("sara-r510s", IpVersion::V4, 1);
    let profile = profile("sara-r510s");
    let nvm = world.factory_memory(&profile, None);
    let modem = world.add_modem_with_ports(&profile, WorldOptions::default(), nvm, 2);
    world.input(modem, Input::PowerOn);
    world.port(modem).write_all(b"ATE0\r").expect("written");
    world.port_of(modem, PortId(1)).write_all(b"AT\r").expect("written");
    let mut said = [0; 9];
    world.port_of(modem, PortId(1)).read_exact(&mut said).expect("what it said");
    assert_eq!(&said, b"AT\r\r\nOK\r\n");
    world.port(modem).read_exact(&mut said).expect("what it said");
    assert_eq!(&said, b"ATE0\r\r\nOK");
}

#[test]
fn a_command_is_waited_for_until_its_final_result_code_and_no_longer() {
    let (mut world, modem) = powered();
    let check = |world: &mut World, line: &str, expected: &str, longest_ms: i64| {
        let began = world.now();
        assert_eq!(world.at_within(modem, line, 5 * MINUTE), expected);
        assert!(world.now().millis_since(began) <= longest_ms, "{line}");
    };
    check(&mut world, "ATI", "SARA-R510S-01B-00|OK", 0);
    check(&mut world, "AT+NONSENSE", "ERROR", 0);
    check(&mut world, "AT+CMEE=2", "OK", 0);
    check(&mut world, "AT+NONSENSE", "+CME ERROR: operation not supported", 0);
    world.run_for(MINUTE);
    check(&mut world, "AT+USECCONN", "OK", SECOND);
    world.input(modem, Input::PowerCut);
    let began = world.now();
    assert_eq!(world.at_within(modem, "AT", 5 * MINUTE), "", "what came: nothing");
    assert_eq!(world.now().millis_since(began), 5 * MINUTE);
}

#[test]
fn the_books_of_the_service_are_open_while_it_is_cut() {
    let (mut world, modem) = powered();
    let stranger = world.add_modem(&profile("sara-r510s"), WorldOptions::default());
    world.run_for(MINUTE);
    let books = |world: &World| {
        let device = world.device(modem).expect("known");
        (device.bootstrapped_at, world.noted(modem, EventKind::Bootstrap), world.service_events(modem).len())
    };
    let before = books(&world);
    assert_eq!((before.0.is_some(), before.1), (true, 1));
    world.cut_service();
    assert_eq!(books(&world), before);
    assert_eq!(world.device(stranger), None);
    assert_eq!(world.noted(stranger, EventKind::Bootstrap), 0);
    assert_eq!(world.modems().collect::<Vec<_>>(), [modem, stranger]);
}
