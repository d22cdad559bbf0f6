//! What a port has beside data: rates and autobauding, circuits, flow control.

mod desk;

use std::num::NonZeroU32;

use desk::{Desk, check};
use vsara::modem::{Dce, Dte, Input, Output, PortId};
use vsara::module::Timing;
use vsara::profile::Profile;

const PORT: PortId = PortId(0);
const R4: &str = "sara-r410m-02b";
const R5: &str = "sara-r510s";
/// A module whose `AT+USECDEVINFO?` blocks until it has bootstrapped.
const BLOCKING: &str = "sara-r410m-83b";

fn fast(profile: &str) -> Desk {
    Desk::new(profile, Timing::Fast)
}

fn rate(bps: u32) -> NonZeroU32 {
    NonZeroU32::new(bps).expect("not zero")
}

/// The DTE is at this rate from now on.
fn set_rate(desk: &mut Desk, bps: u32) {
    let dte = Dte { rate_bps: NonZeroU32::new(bps), ..Dte::default() };
    assert_eq!(desk.input(Input::Line { port: PORT, dte }), "");
}

fn send(desk: &mut Desk, bytes: &[u8]) -> String {
    desk.input(Input::Serial { port: PORT, bytes })
}

fn at_rate(desk: &mut Desk, bps: u32, line: &str) -> String {
    set_rate(desk, bps);
    desk.at(line)
}

#[track_caller]
fn assert_garbage(said: &str) {
    assert!(!said.is_empty() && said.chars().all(|c| !c.is_ascii()), "{said:?}");
}

/// Off and on again.
fn power_cycle(desk: &mut Desk) {
    desk.input(Input::PowerCut);
    desk.input(Input::PowerOn);
}

/// What happens, and what the module then shows.
fn shows(desk: &mut Desk, input: Input<'_>) -> Option<Dce> {
    desk.modem.handle_input(input, desk.now);
    let shown = std::iter::from_fn(|| desk.modem.poll_output()).filter_map(|output| match output {
        Output::Line { port: PORT, dce } => Some(dce),
        _ => None,
    });
    shown.last()
}

fn shows_after(desk: &mut Desk, line: &str) -> Option<Dce> {
    shows(desk, Input::Serial { port: PORT, bytes: format!("{line}\r").as_bytes() })
}

#[test]
fn whoever_never_chose_a_rate_is_served_at_any() {
    for profile in [R4, R5] {
        let mut desk = fast(profile);
        for bps in [9600, 115_200, 38_400, 1, 3_250_000, u32::MAX] {
            assert_eq!(at_rate(&mut desk, bps, "AT+CGMI"), "u-blox|OK", "{profile} at {bps}");
        }
    }
}

#[test]
fn a_port_without_a_rate_is_served_whatever_was_chosen() {
    check(R4, &[("AT+IPR=9600", "OK"), ("AT+CGMI", "u-blox|OK"), ("AT+IPR?", "+IPR: 9600|OK")]);
    check(R5, &[("AT+IPR=0", "OK"), ("AT+CGMI", "u-blox|OK"), ("AT+IPR?", "+IPR: 115200|OK")]);
}

#[test]
fn the_ok_of_ipr_leaves_at_the_old_rate_and_the_new_one_is_in_force() {
    let mut desk = fast(R4);
    assert_eq!(at_rate(&mut desk, 115_200, "AT+IPR=9600;+IPR?"), "+IPR: 9600|OK");
    assert_garbage(&send(&mut desk, b"AT\r"));
    assert_eq!(at_rate(&mut desk, 9600, "AT"), "OK");
    assert_eq!(desk.at("AT+IPR=57600"), "OK");
    assert_eq!(at_rate(&mut desk, 57_600, "AT"), "OK");
}

#[test]
fn under_the_modules_own_timing_too() {
    let mut desk = Desk::new(R4, Timing::Module);
    desk.wait(10_000);
    set_rate(&mut desk, 115_200);
    assert_eq!(desk.at("AT+IPR=9600"), "");
    assert_eq!(desk.wait(1000), "OK");
    assert_garbage(&send(&mut desk, b"AT\r"));
}

#[test]
fn garbage_is_never_a_command_nor_an_answer() {
    let rates = Profile::built_in(R5).expect("built in").at.rates_bps;
    for own in rates.iter().filter(|rate| **rate > 0) {
        for other in rates.iter().filter(|rate| **rate > 0 && *rate != own) {
            let mut desk = fast(R5);
            assert_eq!(at_rate(&mut desk, *own, &format!("AT+IPR={own};+CREG=2")), "OK");
            set_rate(&mut desk, *other);
            for line in ["AT+CFUN=4\r", "UUUUAT+CFUN=4\r\r\r", "\0\0AT\rAT+CFUN=4\r"] {
                assert_garbage(&send(&mut desk, line.as_bytes()));
            }
            assert_garbage(&desk.input(Input::Coverage(false)));
            assert_eq!(
                at_rate(&mut desk, *own, "\rAT+CFUN?;+CREG?"),
                "+CFUN: 1,0|+CREG: 2,2|OK",
                "{own} {other}"
            );
        }
    }
}

#[test]
fn a_chosen_rate_is_kept_by_w_alone() {
    let mut desk = fast(R4);
    assert_eq!(at_rate(&mut desk, 115_200, "AT+IPR=9600"), "OK");
    power_cycle(&mut desk);
    assert_eq!(desk.at("AT+IPR?"), "+IPR: 115200|OK");
    assert_eq!(desk.at("AT+IPR=9600;&W"), "OK");
    power_cycle(&mut desk);
    assert_garbage(&send(&mut desk, b"AT\r"));
    assert_eq!(at_rate(&mut desk, 9600, "AT&F"), "OK", "the factory's is the old rate's last answer");
    assert_eq!(at_rate(&mut desk, 115_200, "AT"), "OK");
    assert_eq!(desk.at("ATZ"), "OK");
    assert_garbage(&send(&mut desk, b"AT\r"));
}

#[test]
fn autobauding_takes_the_rate_of_the_first_at_and_stays_there() {
    let mut desk = fast(R5);
    assert_eq!(desk.at("AT+IPR=0;&W"), "OK");
    for (bps, first) in [(57_600, "AT"), (9600, "at"), (115_200, "ATE1")] {
        power_cycle(&mut desk);
        set_rate(&mut desk, bps);
        for silent in ["At\r", "aT\r", "A\r", "\x04T"] {
            assert_eq!(send(&mut desk, silent.as_bytes()), "", "{bps}");
        }
        assert_eq!(desk.at(first), "OK", "{bps}");
        assert_eq!(desk.at("AT+IPR?"), format!("+IPR: {bps}|OK"));
        assert!(desk.at("AT&V").contains(" +IPR:0"));
        set_rate(&mut desk, 38_400);
        assert_garbage(&send(&mut desk, b"AT\r"));
        assert_eq!(at_rate(&mut desk, bps, "\rAT+IPR=0"), "OK");
        set_rate(&mut desk, 38_400);
        assert_garbage(&send(&mut desk, b"AT\r"));
    }
}

#[test]
fn autobauding_finds_what_comes_in_pieces_and_not_every_rate() {
    let mut desk = fast(R5);
    desk.at("AT+CREG=2;+IPR=0");
    set_rate(&mut desk, 3_000_000);
    assert_eq!(send(&mut desk, b"AT\rAT\r"), "", "found only when fixed");
    assert_eq!(desk.input(Input::Coverage(false)), "", "at which rate, nobody knows");
    set_rate(&mut desk, 117_000);
    assert_eq!(send(&mut desk, b"\r\x1bA"), "");
    assert_eq!(send(&mut desk, b"T+IPR?\r"), "AT+IPR?\r\r\n+IPR: 115200\r\n\r\nOK\r\n");
}

#[test]
fn a_fixed_rate_after_autobauding_and_back() {
    let mut desk = fast(R5);
    assert_eq!(at_rate(&mut desk, 115_200, "AT+IPR=3250000"), "OK");
    assert_eq!(at_rate(&mut desk, 3_250_000, "AT+IPR=0"), "OK");
    assert_eq!(send(&mut desk, b"AT\r"), "", "this one is not detected");
    assert_eq!(at_rate(&mut desk, 9600, "AT+IPR?"), "+IPR: 9600|OK");
}

#[test]
fn each_port_has_a_rate_of_its_own() {
    let mut desk = fast(R4);
    assert_eq!(at_rate(&mut desk, 115_200, "AT+IPR=9600"), "OK");
    let dte = Dte { rate_bps: Some(rate(115_200)), ..Dte::default() };
    desk.input(Input::Line { port: PortId(1), dte });
    desk.input(Input::Serial { port: PortId(1), bytes: b"AT\r" });
    desk.modem.handle_input(Input::Serial { port: PortId(1), bytes: b"AT\r" }, desk.now);
    assert_eq!(desk.drain(1), "AT\r\r\nOK\r\n");
    assert_garbage(&send(&mut desk, b"AT\r"));
}

#[test]
fn the_lines_follow_their_commands() {
    let mut desk = fast(R5);
    let off = Dce::default();
    let usual = Dce { cts: true, ..off };
    let mut line = |line: &str, expected| assert_eq!(shows_after(&mut desk, line), expected, "{line}");
    line("AT", None);
    line("AT&C0", Some(Dce { dcd: true, ..usual }));
    line("AT&S0", Some(Dce { dcd: true, dsr: true, ..usual }));
    line("AT&C1&S1", Some(usual));
    line("AT&D1&K0", None);
    line("AT&C0&S0&W", Some(Dce { dcd: true, dsr: true, ..usual }));
    line("AT+IPR=9600", Some(Dce { dcd: true, dsr: true, rate_bps: rate(9600), ..usual }));
    assert_eq!(shows(&mut desk, Input::PowerCut), Some(off));
    assert_eq!(shows(&mut desk, Input::PowerOn), Some(Dce { dcd: true, dsr: true, ..usual }), "kept by &W");
    assert_eq!(shows_after(&mut desk, "AT+CPWROFF"), Some(off));
}

#[test]
fn a_new_rate_is_shown_behind_the_ok() {
    let mut desk = fast(R4);
    desk.modem.handle_input(Input::Serial { port: PORT, bytes: b"AT+IPR=9600\r" }, desk.now);
    let outputs: Vec<_> = std::iter::from_fn(|| desk.modem.poll_output()).collect();
    let ok = Output::Serial { port: PORT, bytes: b"\r\nOK\r\n".to_vec() };
    let ok = outputs.iter().rposition(|output| *output == ok).expect("OK");
    let new = outputs
        .iter()
        .position(|output| matches!(output, Output::Line { port: PORT, dce } if dce.rate_bps == rate(9600)));
    assert!(new.expect("shown") > ok, "{outputs:?}");
}

#[test]
fn rts_holds_output_back_under_hardware_flow_control_alone() {
    let mut desk = fast(R5);
    let rts = |rts| Input::Line { port: PORT, dte: Dte { rts, ..Dte::default() } };
    desk.at("AT+CREG=2");
    assert_eq!(desk.input(rts(false)), "");
    assert_eq!(send(&mut desk, b"AT\r"), "");
    assert_eq!(desk.input(Input::Coverage(false)), "");
    assert_eq!(desk.input(rts(true)), "AT\r\r\nOK\r\n\r\n+CREG: 2\r\n", "it waited, in order");
    assert_eq!(desk.at("AT&K0"), "OK");
    assert_eq!(desk.input(rts(false)), "");
    assert_eq!(desk.at("AT"), "OK", "nobody looks at it");
    assert_eq!(desk.at("AT+IFC=2"), "", "the same as &K3: the OK waits");
    assert_eq!(desk.input(rts(true)), "AT+IFC=2\r\r\nOK\r\n");
}

#[test]
fn xoff_holds_output_back_under_software_flow_control_alone() {
    let mut desk = fast(R5);
    assert_eq!(send(&mut desk, b"\x13AT\r"), "\x13AT\r\r\nOK\r\n", "two characters like any other");
    assert_eq!(desk.at("AT&K4"), "OK");
    assert_eq!(send(&mut desk, b"A\x13T\r"), "");
    assert_eq!(send(&mut desk, b"\x11"), "AT\r\r\nOK\r\n", "and no data");
    assert_eq!(send(&mut desk, b"\x13\x11\x13"), "");
    power_cycle(&mut desk);
    assert_eq!(desk.at("AT"), "OK", "it is forgotten");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut desk = fast(R5);
    desk.input(Input::Line { port: PORT, dte: Dte { rts: false, ..Dte::default() } });
    for _ in 0..10_000 {
        assert_eq!(send(&mut desk, b"AT\r"), "");
    }
    let said = desk.input(Input::Line { port: PORT, dte: Dte::default() });
    assert!((8 * 1024..=16 * 1024).contains(&said.len()), "{}", said.len());
    assert!(said.starts_with("AT\r\r\nOK\r\nAT\r"), "the newest is lost");
    assert_eq!(desk.at("AT"), "OK");
}

#[test]
fn the_module_asks_for_a_pause_when_hardly_any_room_is_left() {
    let room = Profile::built_in(BLOCKING).expect("built in").at.waiting_input_max;
    let cts = |cts| Some(Dce { cts, ..Dce::default() });
    for (setting, pauses, goes_on) in
        [("AT&K3", cts(false), cts(true)), ("AT&K4", None, None), ("AT&K0", None, None)]
    {
        let mut desk = fast(BLOCKING);
        assert_eq!(desk.at(&format!("ATE0{}", &setting[2..])), "OK");
        assert_eq!(desk.at("AT+USECDEVINFO?"), "", "it blocks");
        let feed = |desk: &mut Desk, count: usize| {
            shows(desk, Input::Serial { port: PORT, bytes: &vec![b'\r'; count] })
        };
        assert_eq!(feed(&mut desk, room / 4 * 3), None, "{setting}");
        assert_eq!(feed(&mut desk, 1), pauses, "{setting}");
        assert_eq!(feed(&mut desk, room), None, "{setting}: the rest is lost");
        assert_eq!(shows(&mut desk, Input::Coverage(false)), goes_on, "{setting}");
    }
}

#[test]
fn under_software_flow_control_it_asks_with_xoff_and_xon() {
    let room = Profile::built_in(BLOCKING).expect("built in").at.waiting_input_max;
    let mut desk = fast(BLOCKING);
    assert_eq!(desk.at("ATE0&K4"), "OK");
    assert_eq!(desk.at("AT+USECDEVINFO?"), "", "it blocks");
    assert_eq!(send(&mut desk, &vec![b'\r'; room]), "\x13");
    assert_eq!(send(&mut desk, b"\r"), "");
    let said = desk.input(Input::Coverage(false));
    assert_eq!(said, "\x11\r\nERROR\r\n");
}

#[test]
fn a_drop_of_dtr_does_nothing_in_command_state() {
    let dtr = |dtr| Input::Line { port: PORT, dte: Dte { dtr, ..Dte::default() } };
    for setting in 0..=2 {
        let mut desk = fast(R5);
        assert_eq!(desk.at(&format!("AT&D{setting}")), "OK");
        assert_eq!(send(&mut desk, b"AT+CG"), "AT+CG");
        assert_eq!(desk.input(dtr(false)), "");
        assert_eq!(
            send(&mut desk, b"MI\r"),
            "MI\r\r\nu-blox\r\n\r\nOK\r\n",
            "&D{setting}: half a line stays"
        );
        assert_eq!(desk.input(dtr(true)), "");
        let mut desk = Desk::new(R5, Timing::Module);
        desk.wait(60_000);
        assert_eq!(desk.at(&format!("AT&D{setting}")), "");
        desk.wait(100);
        assert_eq!(desk.at("AT+COPS=?"), "");
        assert_eq!(desk.input(dtr(false)), "", "a scan, which a character would abort, goes on");
        desk.wait(120_000);
        let said = desk.wait(1000);
        assert!(said.contains("+COPS: ("), "&D{setting}: {said}");
    }
}
