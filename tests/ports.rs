//! Several ports of one module: what blocks on one lets the others go on, and one heartbeat serves
//! all who wait for it. What each port is told comes line by line.

mod steps;

use std::sync::Arc;

use steps::*;
use vsara::modem::{Input, Output, PortId};
use vsara::module::security::{Phase, Purpose};
use vsara::module::{Event, IpVersion};
use vsara::profile::Profile;
use vsara::protocol::message::Feature;
use vsara::scenario::{Condition, ModemId, World, WorldOptions};

const R5: &str = "sara-r510s";
const R4: &str = "sara-r410m-83b";
const FIRST: PortId = PortId(0);
const SECOND_PORT: PortId = PortId(1);
const THIRD: PortId = PortId(2);

/// A module with three ports, off.
fn three_ports(profile: &Arc<Profile>) -> (World, ModemId) {
    let (mut world, template) = world(R5, IpVersion::V4, 1);
    let nvm = world.disk(template).primary.clone();
    let modem = world.add_modem_with_ports(profile, WorldOptions::default(), nvm, 3);
    (world, modem)
}

fn all_lost() -> Condition {
    Condition { loss_percent: 100, ..Condition::default() }
}

fn at_port(world: &mut World, modem: ModemId, port: PortId, line: &str) -> String {
    world.take_serial_of(modem, port);
    world.send_to(modem, port, line);
    lines(&world.take_serial_of(modem, port), line)
}

fn lines(said: &str, echo: &str) -> String {
    let said = said.strip_prefix(echo).unwrap_or(said);
    let said = said.strip_prefix('\r').filter(|_| !echo.is_empty()).unwrap_or(said);
    said.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
}

#[test]
fn an_r4_blocks_one_port_and_the_others_go_on() {
    let (mut world, modem) = three_ports(&profile(R4));
    world.link(modem).condition = all_lost();
    world.input(modem, Input::PowerOn);
    for port in [FIRST, SECOND_PORT] {
        assert_eq!(at_port(&mut world, modem, port, "AT+USECDEVINFO?"), "", "{port:?} blocks");
    }
    assert_eq!(at_port(&mut world, modem, THIRD, "AT"), "OK");
    assert_eq!(at_port(&mut world, modem, THIRD, SEAL), "OK", "sealed while another port blocks");
    assert_eq!(at_port(&mut world, modem, THIRD, "AT+CREG=1;+CMEE=1"), "OK");
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), "", "input waits");
    assert_eq!(at_port(&mut world, modem, FIRST, " "), "", "it can't be aborted");
    // A retry is pending for hours: it blocks all the time.
    world.run_for(5 * HOUR);
    assert_eq!(world.take_serial_of(modem, FIRST), "");
    world.link(modem).condition = Condition::default();
    world.run_for(2 * HOUR);
    let said = world.take_serial_of(modem, FIRST);
    assert!(said.starts_with("\r\n+USECDEVINFO: 1,"), "{said:?}");
    assert!(said.ends_with("AT+CGMM\r\r\nSARA-R410M-83B\r\n\r\nOK\r\n \r"), "what waited goes on: {said:?}");
    assert!(world.take_serial_of(modem, SECOND_PORT).contains("+USECDEVINFO: 1,"));
    assert_eq!(at_port(&mut world, modem, SECOND_PORT, "AT+USECDEVINFO?"), "+USECDEVINFO: 1,1,1|OK");
}

#[test]
fn a_blocked_port_keeps_a_bounded_amount_of_input_and_its_urcs() {
    let (mut world, modem) = three_ports(&profile(R4));
    world.link(modem).condition = all_lost();
    world.input(modem, Input::PowerOn);
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CREG=1"), "OK");
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+USECDEVINFO?"), "");
    let flood = b"AT\r".repeat(1 << 16);
    world.input(modem, Input::Serial { port: FIRST, bytes: &flood });
    assert_eq!(world.take_serial_of(modem, FIRST), "", "nothing is even echoed");
    world.input(modem, Input::Coverage(false));
    let said = world.take_serial_of(modem, FIRST);
    assert!(said.starts_with("\r\nERROR\r\n"), "the answer comes first: {:?}", &said[..said.len().min(60)]);
    assert_eq!(said.matches("+CREG: 2\r\n").count(), 1, "then what waited");
    let limit = world.modem(modem).module().profile().at.waiting_input_max;
    assert!(said.len() < 10 * limit, "{} bytes for a limit of {limit}", said.len());
}

#[test]
fn a_heartbeat_by_command_is_joined_by_the_other_ports() {
    let (mut world, modem) = three_ports(&profile(R5));
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    world.take_events(modem);
    world.link(modem).condition = Condition { delay_ms: 500, ..Condition::default() };
    for port in [FIRST, SECOND_PORT] {
        assert_eq!(at_port(&mut world, modem, port, "AT+USECCONN"), "", "{port:?}");
        world.run_for(SECOND);
    }
    assert_eq!(at_port(&mut world, modem, THIRD, "AT+CGMM"), "SARA-R510S|OK", "the third goes on");
    world.run_for(MINUTE);
    for port in [FIRST, SECOND_PORT] {
        assert_eq!(world.take_serial_of(modem, port), "\r\nOK\r\n", "{port:?}");
        assert_eq!(at_port(&mut world, modem, port, "AT+CMEE=1"), "OK");
    }
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1, "one heartbeat for both");
    for port in [FIRST, SECOND_PORT] {
        assert!(at_port(&mut world, modem, port, "AT+USECCONN").starts_with("+CME ERROR: "), "the limit");
    }
}

/// Runs until the automatic heartbeat has reached this phase.
fn run_to_phase(world: &mut World, modem: ModemId, phase: Phase) {
    let end = world.now().offset_millis(8 * DAY);
    world.run_while(end, |world| !world.events(modem).contains(&Event::PhaseBegan(phase)));
    assert!(world.events(modem).contains(&Event::PhaseBegan(phase)), "{phase}");
}

#[test]
fn an_automatic_heartbeat_is_joined_in_any_phase() {
    for profile_name in [R4, R5] {
        for phase in [Phase::Heartbeat, Phase::Report] {
            for lost_after in [false, true] {
                let when = (profile_name, phase, lost_after);
                let (mut world, modem) = three_ports(&profile(profile_name));
                live_through_bootstrap(&mut world, modem, Sealed::Before);
                world.take_events(modem);
                run_to_phase(&mut world, modem, phase);
                // The answer of the phase is lost, and its contact fails while it is waited for.
                if lost_after {
                    world.link(modem).condition = all_lost();
                }
                assert_eq!(at_port(&mut world, modem, FIRST, "AT+USECCONN"), "", "{when:?}: joined");
                world.run_for(if lost_after { 100 * SECOND } else { 0 });
                world.link(modem).condition = Condition::default();
                world.run_for(3 * MINUTE);
                assert_eq!(world.take_serial_of(modem, FIRST), "\r\nOK\r\n", "{when:?}");
                let sent = world.events(modem).iter().filter(|e| **e == Event::PhaseBegan(Phase::Heartbeat));
                // One that was answered is reported, not sent again.
                let expected = if phase == Phase::Heartbeat && lost_after { 2 } else { 1 };
                assert_eq!(sent.count(), expected, "{when:?}");
            }
        }
    }
}

/// An R5 whose `+CGMM` runs a due heartbeat first.
fn with_listed_command() -> Arc<Profile> {
    let mut profile = Profile::clone(&profile(R5));
    let facts = profile.security.as_mut().expect("an R5 has a root of trust");
    facts.heartbeat_first = ["+CGMM".to_owned()].into();
    Arc::new(profile)
}

const MODEL: &str = "SARA-R510S|OK";

#[test]
fn a_listed_command_runs_a_due_heartbeat_first() {
    let (mut world, modem) = three_ports(&with_listed_command());
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    world.take_events(modem);
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), MODEL, "nothing is due");
    // Off while it falls due, so that the command is the first to find it.
    world.input(modem, Input::PowerCut);
    world.run_for(8 * DAY);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), MODEL, "impossible without coverage");
    world.link(modem).condition = Condition { delay_ms: 200, ..Condition::default() };
    world.input(modem, Input::Coverage(true));
    for line in ["AT+CGMM", "AT+CGMM=?"] {
        let port = if line == "AT+CGMM" { FIRST } else { SECOND_PORT };
        let answer = at_port(&mut world, modem, port, line);
        assert_eq!(answer, if line == "AT+CGMM" { "" } else { "OK" }, "{line}");
    }
    assert_eq!(at_port(&mut world, modem, THIRD, "AT+CGMM"), "", "joined");
    world.run_for(MINUTE);
    for port in [FIRST, THIRD] {
        assert_eq!(lines(&world.take_serial_of(modem, port), ""), MODEL, "{port:?}");
    }
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1);
    assert_unsuspected(&mut world, modem, &"listed");
}

#[test]
fn a_failed_heartbeat_lets_the_listed_command_go_on_and_waits_its_interval() {
    let (mut world, modem) = three_ports(&with_listed_command());
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    world.input(modem, Input::PowerCut);
    world.run_for(8 * DAY);
    world.link(modem).condition = all_lost();
    world.take_events(modem);
    world.input(modem, Input::PowerOn);
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), "");
    let began = world.now();
    world.run_while(began.offset_millis(HOUR), |world| world.serial(modem).is_empty());
    assert_eq!(lines(&world.take_serial(modem), ""), MODEL, "it goes on");
    assert!(world.now().millis_since(began) <= 5 * MINUTE);
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1);
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), MODEL, "at once, within the interval");
    assert_eq!(contacts_begun(&world, modem, Purpose::Heartbeat), 1);
}

#[test]
fn an_announced_change_makes_a_listed_command_run_a_heartbeat() {
    let (mut world, modem) = three_ports(&with_listed_command());
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    world.take_events(modem);
    let rot = world.rot(modem);
    world.link(modem).condition = Condition { delay_ms: 200, ..Condition::default() };
    world.send(modem, "AT+USECCONN");
    run_to_phase(&mut world, modem, Phase::Report);
    let mut operator = world.operator().expect("it runs");
    operator.set_feature(rot, Feature::LocalDataProtection, true).expect("a sealed device");
    operator.ask_for_new_key_set(rot).expect("a known device");
    world.run_for(MINUTE);
    world.take_events(modem);
    assert!(world.modem(modem).module().nvm().security.change_announced, "by the answer to the report");
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), "", "a heartbeat runs first");
    world.run_for(MINUTE);
    assert_eq!(lines(&world.take_serial(modem), ""), MODEL);
    assert!(world.events(modem).contains(&Event::PhaseEnded(Phase::Confirm)), "phases 2 and 4 as well");
    let nvm = &world.modem(modem).module().nvm().security;
    assert!(!nvm.change_announced && !nvm.new_key_set_wanted, "all is applied");
    assert!(nvm.applied.features.contains(&Feature::LocalDataProtection));
    assert_eq!(at_port(&mut world, modem, FIRST, "AT+CGMM"), MODEL, "and nothing is due any more");
}

#[test]
fn every_line_is_one_write() {
    let profile = profile(R5);
    let (world, modem) = three_ports(&profile);
    let nvm = world.disk(modem).primary.clone();
    let mut desk = Desk::new(&profile, nvm);
    let check = |writes: Vec<Vec<u8>>, expected: &[&str]| {
        let writes: Vec<_> = writes.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        assert_eq!(writes, expected);
    };
    check(desk.send(b"AT"), &["AT"]);
    check(
        desk.send(b"+CREG?;+CGMM\r\n"),
        &["+CREG?;+CGMM\r", "\r\n+CREG: 0,1\r\n", "\r\nSARA-R510S\r\n", "\r\nOK\r\n"],
    );
    check(desk.send(b"AT&V\r")[1..2].to_vec(), &["\r\nACTIVE PROFILE:\r\n"]);
    check(desk.send(b"ATE0\r"), &["ATE0\r", "\r\nOK\r\n"]);
    check(desk.send(b"AT+CREG=2;+CEREG=4\r"), &["\r\nOK\r\n"]);
    desk.modem.handle_input(Input::Coverage(false), desk.now);
    check(desk.writes(), &["\r\n+CREG: 2\r\n", "\r\n+CEREG: 2\r\n"]);
}

struct Desk {
    modem: vsara::modem::Modem,
    now: vsara::time::Now,
}

impl Desk {
    fn new(profile: &Arc<Profile>, nvm: vsara::module::Nvm) -> Self {
        let now = vsara::time::Now::both(vsara::scenario::world::BEGINNING);
        let options = vsara::module::ModuleOptions {
            timing: vsara::module::Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: true,
            seed: 1,
            entropy: rand_core::SeedableRng::seed_from_u64(1),
            session_seed: Some(1),
        };
        let mut modem = vsara::modem::Modem::new(profile.clone(), nvm, options, 1, now);
        modem.handle_input(Input::PowerOn, now);
        while modem.poll_output().is_some() {}
        Self { modem, now }
    }

    fn send(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.modem.handle_input(Input::Serial { port: FIRST, bytes }, self.now);
        self.writes()
    }

    fn writes(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.modem.poll_output())
            .filter_map(|output| match output {
                Output::Serial { bytes, .. } => Some(bytes),
                Output::Line { .. } | Output::Module(_) => None,
            })
            .collect()
    }
}
