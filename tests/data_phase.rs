//! Data phases: a command asks for a number of bytes, and what comes is data and nothing else.

mod steps;

use steps::*;
use vsara::modem::{Input, PortId};
use vsara::module::{IpVersion, Timing};
use vsara::scenario::{ModemId, World, WorldOptions};

const FIRST: PortId = PortId(0);
const SECOND_PORT: PortId = PortId(1);

fn owned() -> (World, ModemId) {
    let (mut world, modem) = world("sara-r510s", IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    world.take_serial(modem);
    (world, modem)
}

/// Sends bytes and takes what is said at once.
fn send(world: &mut World, modem: ModemId, bytes: &[u8]) -> Vec<u8> {
    world.input(modem, Input::Serial { port: FIRST, bytes });
    world.take_bytes_of(modem, FIRST)
}

/// Asks for a data phase of so many bytes.
#[track_caller]
fn open(world: &mut World, modem: ModemId, length: usize) {
    let command = format!("AT+USECE2EDATAENC={length}\r");
    let said = send(world, modem, command.as_bytes());
    assert_eq!(String::from_utf8_lossy(&said), format!("{command}\r\n>"));
}

/// Whether this is the whole answer to a message of so many bytes.
fn is_answer(said: &[u8], length: usize) -> bool {
    let head = format!("\r\n+USECE2EDATAENC: {0},\"", length + 32);
    let tail = b"\"\r\n\r\nOK\r\n";
    said.starts_with(head.as_bytes())
        && said.ends_with(tail)
        && said.len() == head.len() + length + 32 + tail.len()
}

fn counter(world: &World, modem: ModemId) -> u32 {
    world.modem(modem).module().nvm().security.counters.uplink_1
}

#[test]
fn every_byte_is_data_and_none_is_echoed() {
    let (mut world, modem) = owned();
    let all: Vec<u8> = (0..=255).collect();
    let one_by_one: Vec<&[u8]> = all.chunks(1).collect();
    for pieces in [vec![&all[..]], one_by_one] {
        open(&mut world, modem, all.len());
        let mut said = Vec::new();
        for piece in pieces {
            assert!(said.is_empty(), "nothing before the last byte");
            said = send(&mut world, modem, piece);
        }
        assert!(is_answer(&said, all.len()), "{}", String::from_utf8_lossy(&said));
        assert_eq!(world.at(modem, "AT"), "OK");
    }
}

#[test]
fn what_follows_the_last_byte_is_the_next_command_line() {
    let (mut world, modem) = owned();
    open(&mut world, modem, 2);
    let said = send(&mut world, modem, b"hiAT+CGMM\r");
    assert!(is_answer(&said[..said.len() - b"AT+CGMM\r\r\nSARA-R510S\r\n\r\nOK\r\n".len()], 2));
    assert!(said.ends_with(b"AT+CGMM\r\r\nSARA-R510S\r\n\r\nOK\r\n"), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_line_feed_of_the_command_is_no_data() {
    let (mut world, modem) = owned();
    assert_eq!(send(&mut world, modem, b"AT\r\n"), b"AT\r\r\nOK\r\n");
    let said = send(&mut world, modem, b"AT+USECE2EDATAENC=2\r\n");
    assert_eq!(said, b"AT+USECE2EDATAENC=2\r\r\n>");
    assert!(is_answer(&send(&mut world, modem, b"hi"), 2));
}

#[test]
fn no_data_at_all_is_answered_behind_the_prompt() {
    let (mut world, modem) = owned();
    let said = send(&mut world, modem, b"AT+USECE2EDATAENC=0\r");
    let behind = said.strip_prefix(b"AT+USECE2EDATAENC=0\r\r\n>").expect("the prompt");
    assert!(is_answer(behind, 0), "{}", String::from_utf8_lossy(behind));
}

#[test]
fn a_length_that_is_none_opens_nothing() {
    let (mut world, modem) = owned();
    for wrong in ["", "-1", "1025", "99999999999999999999", "a", "\"2\"", "2,2", "2,", "1.0"] {
        assert_eq!(world.at(modem, &format!("AT+USECE2EDATAENC={wrong}")), "+CME ERROR: 50", "{wrong}");
    }
    for form in ["AT+USECE2EDATAENC", "AT+USECE2EDATAENC?"] {
        assert_eq!(world.at(modem, form), "+CME ERROR: 4", "{form}");
    }
    assert_eq!(world.at(modem, "AT+USECE2EDATAENC=?"), "+USECE2EDATAENC: (0-1024)|OK");
    assert_eq!(counter(&world, modem), 0, "and nothing was used up");
    open(&mut world, modem, 1024);
    assert!(is_answer(&send(&mut world, modem, &[0xff; 1024]), 1024));
    assert_eq!(counter(&world, modem), 1);
}

#[test]
fn it_ends_with_an_error_when_the_data_does_not_come() {
    let (mut world, modem) = owned();
    for had_come in [&b""[..], b"\x1b", b"\x1a", b" \r", b"12345678\r"] {
        open(&mut world, modem, 10);
        world.run_for(10 * SECOND);
        assert_eq!(send(&mut world, modem, had_come), b"", "no byte ends it");
        world.run_for(10 * SECOND - 1);
        assert_eq!(world.take_serial(modem), "");
        world.run_for(1);
        assert_eq!(world.take_serial(modem), "\r\n+CME ERROR: 1678\r\n");
        // The rest comes too late for a data phase, and is no command either.
        assert_eq!(send(&mut world, modem, b"90"), b"90");
        assert_eq!(world.at(modem, "AT"), "OK");
    }
    assert_eq!(counter(&world, modem), 0, "nothing was used up");
}

#[test]
fn the_clock_of_the_rules_does_not_end_it() {
    let (mut world, modem) = owned();
    open(&mut world, modem, 2);
    let moment = world.now().offset_millis(30 * DAY);
    world.input(modem, Input::SetClock(moment));
    assert_eq!(world.take_serial(modem), "", "a heartbeat that falls due says nothing");
    assert!(is_answer(&send(&mut world, modem, b"hi"), 2));
}

#[test]
fn urcs_wait_until_it_is_through_and_other_ports_go_on() {
    let (mut world, template) = world("sara-r510s", IpVersion::V4, 1);
    let nvm = world.disk(template).primary.clone();
    let modem = world.add_modem_with_ports(&profile("sara-r510s"), WorldOptions::default(), nvm, 2);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    assert_eq!(world.at(modem, "AT+CEREG=1"), "OK");
    world.take_serial(modem);
    open(&mut world, modem, 3);
    world.input(modem, Input::Coverage(false));
    world.run_for(SECOND);
    assert_eq!(send(&mut world, modem, b"ab"), b"", "no URC between prompt and answer");
    world.take_serial_of(modem, SECOND_PORT);
    world.send_to(modem, SECOND_PORT, "AT+CGMM");
    assert_eq!(world.take_serial_of(modem, SECOND_PORT), "AT+CGMM\r\r\nSARA-R510S\r\n\r\nOK\r\n");
    let said = send(&mut world, modem, b"c");
    let urc = b"\r\n+CEREG: 2\r\n";
    assert!(said.ends_with(urc), "{}", String::from_utf8_lossy(&said));
    assert!(is_answer(&said[..said.len() - urc.len()], 3));
}

#[test]
fn power_loss_or_a_reset_in_it_leaves_a_module_that_takes_commands() {
    for end in ["cut", "off", "reset"] {
        let (mut world, modem) = owned();
        open(&mut world, modem, 100);
        assert_eq!(send(&mut world, modem, &[b'x'; 99]), b"");
        match end {
            "cut" => world.input(modem, Input::PowerCut),
            "off" => world.input(modem, Input::PowerOff),
            _ => world.input(modem, Input::Reset),
        }
        world.run_for(MINUTE);
        power_on(&mut world, modem);
        world.run_for(MINUTE);
        world.take_serial(modem);
        assert_eq!(world.at(modem, "AT"), "OK", "{end}");
        assert_eq!(counter(&world, modem), 0, "{end}");
        open(&mut world, modem, 1);
        assert!(is_answer(&send(&mut world, modem, b"x"), 1), "{end}");
    }
}

#[test]
fn the_gates_are_asked_again_when_the_data_is_there() {
    let (mut world, modem) = owned();
    let rot = world.rot(modem);
    world.operator().expect("it runs").suspend(rot).expect("known");
    world.run_for(7 * DAY - 10 * SECOND);
    open(&mut world, modem, 1);
    // The heartbeat that falls due meanwhile takes the service away.
    world.run_for(15 * SECOND);
    assert_eq!(send(&mut world, modem, b"x"), b"\r\n+CME ERROR: 1689\r\n");
    assert_eq!(counter(&world, modem), 0);
}

#[test]
fn the_prompt_takes_no_artificial_time() {
    let (mut world, _) = world("sara-r510s", IpVersion::V4, 1);
    let options = WorldOptions { timing: Timing::Module, ..WorldOptions::default() };
    let modem = world.add_modem(&profile("sara-r510s"), options);
    world.input(modem, Input::PowerOn);
    world.run_for(5 * MINUTE);
    assert_eq!(world.at_within(modem, SEAL, SECOND), "OK");
    world.run_for(5 * MINUTE);
    world.take_serial(modem);
    open(&mut world, modem, 2);
    assert_eq!(send(&mut world, modem, b"hi"), b"", "the answer does");
    world.run_for(20);
    assert!(is_answer(&world.take_bytes_of(modem, FIRST), 2));
}
