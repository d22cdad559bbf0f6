//! Chip-to-chip security of a module: who may pair and open when, and what passes in a session.

mod chip;
mod steps;

use std::collections::BTreeSet;

use chip::*;
use steps::*;
use vsara::c2c::Mishaps;
use vsara::modem::{Input, PortId};
use vsara::module::security::ChipToChipEvent;
use vsara::module::{Event, IpVersion, Nvm, Timing};
use vsara::protocol::message::Feature;
use vsara::scenario::{ModemId, Point, Strike, World, WorldOptions};
use vsara::service::DeviceProfile;

const V2: &str = "sara-r510s";
const V1: &str = "sara-r510s-00b";
const R4: &str = "sara-r410m-83b";
const OTHER: &str = "ffffffffffffffffffffffffffffffff";
const PAIR: &str = "AT+USECC2C=0,\"0001020304050607f8f9fafbfcfdfeff\"";
const OPEN: &str = "AT+USECC2C=1,\"0001020304050607f8f9fafbfcfdfeff\"";
const CLOSE: &str = "AT+USECC2C=2";

const UNSEALED: &str = "+CME ERROR: SEC ROT not personalized";
const NO_FEATURE: &str = "+CME ERROR: SEC resource not available";
const SUSPENDED: &str = "+CME ERROR: SEC disabled";
const SUSPENDED_R4: &str = "+CME ERROR: SEC service not authorized";
const PAIRED: &str = "+CME ERROR: SEC C2C already paired";
const CONSUMED: &str = "+CME ERROR: SEC C2C channels consumed";
const NOT_PAIRED: &str = "+CME ERROR: SEC C2C pairing not present";
const INCONSISTENT: &str = "+CME ERROR: SEC data inconsistent or unsupported";

/// A module that is on, has no coverage yet, and says errors in words.
fn on(profile_name: &str) -> (World, ModemId) {
    let (mut world, modem) = world(profile_name, IpVersion::V4, 1);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    world.at(modem, "AT+CMEE=2");
    (world, modem)
}

/// A bootstrapped module with these features; it holds what it paired before.
fn bootstrap_with(world: &mut World, modem: ModemId, features: &[Feature]) {
    let devices = DeviceProfile {
        features: features.iter().copied().collect::<BTreeSet<_>>(),
        ..DeviceProfile::new("BgbCtixjwqLjwV3VWpfPyz", "tests")
    };
    world.operator().expect("it runs").create_device_profile(devices).expect("a new profile");
    assert_eq!(world.at(modem, "AT+USECDEVINFO=\"BgbCtixjwqLjwV3VWpfPyz\",\"s1\""), "OK");
    world.input(modem, Input::Coverage(true));
    settle(world, modem, |world| is_at_rest(world, modem));
    world.take_serial(modem);
    assert!(is_at_rest(world, modem));
}

fn mishaps(world: &mut World, modem: ModemId) -> Vec<Mishaps> {
    let events = world.take_events(modem);
    let of = |event| match event {
        Event::ChipToChip { port: Some(0), what: ChipToChipEvent::Dropped(mishaps) } => Some(mishaps),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[test]
fn a_chip_pairs_opens_speaks_and_closes() {
    for (profile_name, hmac) in [(V2, true), (V1, false), (R4, true)] {
        let (mut world, modem) = on(profile_name);
        let pairing = pair(&mut world, modem, TE);
        assert_eq!(pairing.hmac_key.is_some(), hmac, "{profile_name}");
        let mut chip = Chip::open(&mut world, modem, &pairing);
        assert_eq!(chip.say(&mut world, "AT\r"), "AT\r\r\nOK\r\n", "echo and all");
        assert!(chip.at(&mut world, "AT+CGMM").ends_with("|OK"));
        assert_eq!(chip.at(&mut world, "AT+NOSUCH"), "+CME ERROR: operation not supported");
        assert_eq!(chip.at(&mut world, CLOSE), "OK");
        assert_eq!(world.at(modem, "AT"), "OK", "in clear again");
    }
}

#[test]
fn wrong_parameters_are_refused_and_change_nothing() {
    let (mut world, modem) = on(V2);
    let te = format!("\"{TE}\"");
    let tag = "0".repeat(128);
    for parameters in [
        "".to_owned(),
        "0".to_owned(),
        "0,".to_owned(),
        format!("0,{TE}"),
        format!("0,\"{}\"", &TE[1..]),
        format!("0,\"{TE}0\""),
        format!("0,\"{TE}00\""),
        format!("0,\"{}g\"", &TE[1..]),
        "0,\"\"".to_owned(),
        format!("0,{te},"),
        format!("0,{te},{te}"),
        "1".to_owned(),
        format!("1,\"{}\"", &TE[2..]),
        format!("1,{te},1"),
        "2,".to_owned(),
        format!("2,{te}"),
        format!("3,{te}"),
        format!("4,{te}"),
        format!("4,{te},\"\""),
        format!("4,{te},\"{}\"", &tag[1..]),
        format!("4,{te},\"{}\"", &tag[2..]),
        format!("4,{te},\"{tag}00\""),
        format!("4,{te},\"{}xy\"", &tag[2..]),
        format!("4,{te},\"{tag}\",1"),
        format!("5,{te}"),
        "-1".to_owned(),
        "x".to_owned(),
    ] {
        let answer = world.at(modem, &format!("AT+USECC2C={parameters}"));
        assert_eq!(answer, "+CME ERROR: incorrect parameters", "{parameters}");
    }
    for form in ["", "?"] {
        assert_eq!(world.at(modem, &format!("AT+USECC2C{form}")), "+CME ERROR: operation not supported");
    }
    assert_eq!(world.at(modem, "AT+USECC2C=?"), "OK");
    assert_eq!(world.at(modem, "AT"), "OK", "nothing was opened");
    assert!(world.modem(modem).module().nvm().secrets.pairings().is_empty());
}

/// What pairing, opening and closing answer in every state that a module of each type can be in.
#[test]
fn every_state_allows_what_it_should() {
    type Prepare = fn(&mut World, ModemId);
    const C2C: Feature = Feature::ChipToChip;
    const AGAIN: Feature = Feature::ChipToChipPairing;
    let suspend: Prepare = |world, modem| {
        bootstrap_with(world, modem, &[C2C, AGAIN]);
        let rot = world.rot(modem);
        world.operator().expect("it runs").suspend(rot).expect("it may");
        heartbeat(world, modem);
    };
    let no_plan: Prepare = |world, modem| {
        bootstrap_with(world, modem, &[C2C]);
        let rot = world.rot(modem);
        world.operator().expect("it runs").set_plan(rot, vsara::service::Plan::Basic).expect("it may");
        heartbeat(world, modem);
    };
    let unsealed: Prepare = |world, modem| {
        world.input(modem, Input::Coverage(true));
        settle(world, modem, |world| is_at_rest(world, modem));
    };
    // Pairing another secret, pairing the same again, opening.
    let states: [(&str, Prepare, [&str; 3]); 8] = [
        ("not bootstrapped", |_, _| {}, ["OK", PAIRED, "OK"]),
        ("unsealed", unsealed, [UNSEALED, PAIRED, UNSEALED]),
        ("no feature", |world, modem| bootstrap_with(world, modem, &[]), [NO_FEATURE, PAIRED, NO_FEATURE]),
        ("c2c", |world, modem| bootstrap_with(world, modem, &[C2C]), [NO_FEATURE, PAIRED, "OK"]),
        ("pairing only", |world, modem| bootstrap_with(world, modem, &[AGAIN]), ["OK", "OK", NO_FEATURE]),
        ("both", |world, modem| bootstrap_with(world, modem, &[C2C, AGAIN]), ["OK", "OK", "OK"]),
        ("no plan", no_plan, [NO_FEATURE, PAIRED, "OK"]),
        ("suspended", suspend, [SUSPENDED, PAIRED, SUSPENDED]),
    ];
    let types = vsara::profile::list().map(|(name, _)| name);
    for profile_name in types.filter(|name| profile(name).security.is_some()) {
        for (state, prepare, answers) in states {
            let r4 = profile_name.starts_with("sara-r4");
            let here = |answer| if r4 && answer == SUSPENDED { SUSPENDED_R4 } else { answer };
            let [other, again, open] = answers.map(here);
            let (mut world, modem) = on(profile_name);
            pair(&mut world, modem, TE);
            prepare(&mut world, modem);
            let mut last = |line: &str| {
                let answer = world.at(modem, line);
                answer.rsplit('|').next().unwrap_or_default().to_owned()
            };
            let what = format!("{profile_name}, {state}");
            assert_eq!(last(&format!("AT+USECC2C=0,\"{OTHER}\"")), other, "{what}: another");
            assert_eq!(last(CLOSE), "+CME ERROR: operation not allowed", "{what}: nothing to close");
            assert_eq!(
                last("AT+USECC2C=1,\"00000000000000000000000000000000\""),
                match open {
                    "OK" => NOT_PAIRED,
                    refused => refused,
                }
            );
            assert_eq!(last(PAIR), again, "{what}: the same again");
            assert_eq!(last(OPEN), open, "{what}: open");
        }
    }
}

#[test]
fn a_feature_counts_from_the_next_heartbeat_on_and_a_session_outlives_it() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    bootstrap_with(&mut world, modem, &[]);
    let rot = world.rot(modem);
    let set = |world: &mut World, on| {
        world.operator().expect("it runs").set_feature(rot, Feature::ChipToChip, on).expect("it may");
    };
    set(&mut world, true);
    assert_eq!(world.at(modem, OPEN), NO_FEATURE, "not before it");
    heartbeat(&mut world, modem);
    let mut chip = Chip::open(&mut world, modem, &pairing);
    set(&mut world, false);
    world.run_for(DAY);
    let frames = chip.session.send(b"AT+USECCONN\r").concat();
    chip.send(&mut world, &frames);
    world.run_for(MINUTE);
    assert!(chip.hear(&mut world).ends_with("\r\nOK\r\n"));
    assert_eq!(chip.at(&mut world, "AT"), "OK", "what is open stays open");
    assert_eq!(chip.at(&mut world, CLOSE), "OK");
    assert_eq!(world.at(modem, OPEN), NO_FEATURE);
}

#[test]
fn a_pairing_counts_once_it_is_confirmed_and_may_be_confirmed_again() {
    let (mut world, modem) = on(V2);
    let (first, _) = offer(&mut world, modem, TE);
    assert_eq!(world.at(modem, OPEN), NOT_PAIRED, "not confirmed");
    // The answer may have been lost: pairing again is fine until it is confirmed.
    let (second, tag) = offer(&mut world, modem, TE);
    let tag = tag.expect("a tag");
    assert_ne!(first, second);
    for (wrong, answer) in [
        (confirmation(&first, TE, &tag), INCONSISTENT),
        (confirmation(&second, TE, OTHER), INCONSISTENT),
        (confirmation(&second, TE, &tag[2..]), "+CME ERROR: incorrect parameters"),
        (confirmation(&second, OTHER, &tag), NOT_PAIRED),
    ] {
        assert_eq!(world.at(modem, &wrong), answer, "{wrong}");
        assert_eq!(world.at(modem, OPEN), NOT_PAIRED);
    }
    for _ in 0..2 {
        assert_eq!(world.at(modem, &confirmation(&second, TE, &tag)), "OK");
    }
    assert_eq!(world.at(modem, PAIR), PAIRED, "once and for all");
    let mut chip = Chip::open(&mut world, modem, &second);
    assert_eq!(chip.at(&mut world, "AT"), "OK");
}

#[test]
fn version_1_has_nothing_to_confirm() {
    let (mut world, modem) = on(V1);
    pair(&mut world, modem, TE);
    let line = format!("AT+USECC2C=4,\"{TE}\",\"{}\"", "0".repeat(128));
    assert_eq!(world.at(modem, &line), "+CME ERROR: operation not supported");
}

#[test]
fn a_pairing_that_is_made_anew_replaces_the_old_one_when_it_is_confirmed() {
    let (mut world, modem) = on(V2);
    let old = pair(&mut world, modem, TE);
    bootstrap_with(&mut world, modem, &[Feature::ChipToChip, Feature::ChipToChipPairing]);
    let (new, tag) = offer(&mut world, modem, TE);
    let mut chip = Chip::open(&mut world, modem, &old);
    assert_eq!(chip.at(&mut world, "AT"), "OK", "the old one still counts");
    assert_eq!(chip.at(&mut world, CLOSE), "OK");
    assert_eq!(world.at(modem, &confirmation(&new, TE, &tag.expect("a tag"))), "OK");
    let mut chip = Chip::open(&mut world, modem, &new);
    assert_eq!(chip.at(&mut world, "AT"), "OK");
}

#[test]
fn there_is_an_end_of_pairings() {
    let (mut world, modem) = on(V2);
    let max = profile(V2).security.as_ref().expect("it has it").chip_to_chip.pairings_max;
    for number in 0..max {
        // Offers that nobody confirms take no room.
        offer(&mut world, modem, OTHER);
        pair(&mut world, modem, &format!("{number:032x}"));
    }
    assert_eq!(world.at(modem, &format!("AT+USECC2C=0,\"{OTHER}\"")), CONSUMED);
    assert_eq!(world.at(modem, &format!("AT+USECC2C=0,\"{:032x}\"", 0)), PAIRED);
}

#[test]
fn the_root_of_trust_is_busy_in_the_first_seconds() {
    let (mut world, _) = world(V2, IpVersion::V4, 1);
    let options = WorldOptions { timing: Timing::Module, ..WorldOptions::default() };
    let modem = world.add_modem(&profile(V2), options);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    world.run_for(7 * SECOND);
    for line in [PAIR, OPEN, &format!("AT+USECC2C=4,\"{TE}\",\"{}\"", "0".repeat(128))] {
        assert_eq!(
            world.at_within(modem, &format!("AT+CMEE=2;{}", &line[2..]), SECOND),
            "+CME ERROR: SEC busy"
        );
    }
}

/// A URC that waited for the answer comes behind it, and so as everything there.
#[test]
fn a_urc_behind_the_answer_is_in_a_frame_or_clear_as_what_follows() {
    let (mut world, _) = world(V2, IpVersion::V4, 1);
    let options = WorldOptions { timing: Timing::Module, ..WorldOptions::default() };
    let modem = world.add_modem(&profile(V2), options);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    world.run_for(5 * MINUTE);
    world.take_serial(modem);
    assert_eq!(world.at_within(modem, "ATE0;+CREG=1", SECOND), "OK");
    let line = format!("{PAIR}\r");
    world.input(modem, Input::Serial { port: FIRST, bytes: line.as_bytes() });
    world.run_for(SECOND);
    let answer = world.take_serial(modem);
    let strings: Vec<_> = answer.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let secret = |text: &str| text.parse().expect("32 hex digits");
    let pairing = vsara::c2c::Pairing {
        te_secret: secret(TE),
        key: secret(&strings[0]),
        hmac_key: Some(secret(&strings[1])),
    };
    assert_eq!(world.at_within(modem, &confirmation(&pairing, TE, &strings[2]), SECOND), "OK");
    // Coverage is there and goes while the answer takes its time: +CREG waits behind it.
    world.input(modem, Input::Coverage(true));
    let end = world.now().offset_millis(5 * MINUTE);
    world.run_while(end, |world| !world.modem(modem).module().network().is_registered());
    world.take_serial(modem);
    world.input(modem, Input::Serial { port: FIRST, bytes: format!("{OPEN}\r").as_bytes() });
    world.input(modem, Input::Coverage(false));
    world.run_for(SECOND);
    let bytes = world.take_bytes_of(modem, FIRST);
    assert!(bytes.starts_with(b"\r\nOK\r\n\xf9"), "{:?}", bytes.escape_ascii().to_string());
    let mut chip = Chip::with(&pairing, modem, FIRST);
    let said = chip.session.receive(&bytes[6..]);
    assert!(said.starts_with(b"\r\n+CREG: "), "{:?}", said.escape_ascii().to_string());
    // And clear behind the end of the session.
    let frames = chip.session.send(format!("{CLOSE}\r").as_bytes()).concat();
    chip.send(&mut world, &frames);
    world.input(modem, Input::ContextLost(1));
    world.input(modem, Input::Coverage(true));
    world.run_for(10);
    let waits = world.take_bytes_of(modem, FIRST);
    assert!(waits.is_empty(), "the answer takes its time");
    world.run_for(5 * MINUTE);
    let bytes = world.take_bytes_of(modem, FIRST);
    let end = bytes.iter().rposition(|byte| *byte == 0xf9).expect("a frame");
    assert_eq!(chip.session.receive(&bytes[..=end]), b"\r\nOK\r\n");
    assert!(bytes[end + 1..].starts_with(b"\r\n+CREG: "), "{:?}", bytes.escape_ascii().to_string());
}

#[test]
fn a_line_that_fails_opens_and_closes_nothing() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    assert_eq!(world.at(modem, &format!("{OPEN};+NOSUCH")), "+CME ERROR: operation not supported");
    assert_eq!(world.at(modem, "AT"), "OK");
    assert_eq!(world.at(modem, &format!("{OPEN};{}", &OPEN[2..])), "+CME ERROR: operation not allowed");
    assert!(world.at(modem, &format!("{OPEN};+CGMM")).ends_with("|OK"), "open behind the line");
    let mut chip = Chip::with(&pairing, modem, FIRST);
    assert_eq!(chip.at(&mut world, OPEN), "+CME ERROR: operation not allowed", "it is open");
    assert_eq!(chip.at(&mut world, "AT+USECC2C=2;+NOSUCH"), "+CME ERROR: operation not supported");
    assert_eq!(chip.at(&mut world, "AT+USECC2C=2;+USECC2C=2"), "+CME ERROR: operation not allowed");
    assert_eq!(chip.at(&mut world, "AT"), "OK", "still open");
}

#[test]
fn frames_may_come_in_any_pieces_and_early() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    let mut chip = Chip::open(&mut world, modem, &pairing);
    for size in [1, 2, 53, 54, 200] {
        for piece in chip.session.send(b"AT+CGMM\r").concat().chunks(size) {
            chip.send(&mut world, piece);
        }
        assert!(chip.hear(&mut world).ends_with("\r\nOK\r\n"), "{size}");
    }
    // A command in many frames, and many commands in one.
    for letter in "AT+CGMM\r".chars() {
        let frame = chip.session.send(letter.to_string().as_bytes()).concat();
        chip.send(&mut world, &frame);
    }
    assert!(chip.hear(&mut world).ends_with("\r\nOK\r\n"));
    assert_eq!(chip.say(&mut world, "ATE0\rAT\rAT\r"), "ATE0\r\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n");
    assert_eq!(chip.at(&mut world, CLOSE), "OK");
    // Frames behind the command that opens, before its answer; clear text there is none.
    let frame = chip.session.send(b"AT\r").concat();
    let line = [OPEN.as_bytes(), b"\rAT+CGMM\r", &frame].concat();
    chip.send(&mut world, &line);
    let bytes = world.take_bytes_of(modem, FIRST);
    assert!(bytes.starts_with(b"\r\nOK\r\n\xf9"), "{:?}", bytes.escape_ascii().to_string());
    assert_eq!(chip.session.receive(&bytes[6..]), b"\r\nOK\r\n");
}

#[test]
fn long_answers_and_long_lines_take_several_frames() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    let mut chip = Chip::open(&mut world, modem, &pairing);
    chip.at(&mut world, "ATE0");
    let line = format!("AT+CGDCONT=1,\"IP\",\"{}\"\r", "a".repeat(600));
    let frames = chip.session.send(line.as_bytes());
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|frame| frame.len() <= 6 + 16 + 256 + 16));
    chip.send(&mut world, &frames.concat());
    assert!(chip.hear(&mut world).contains("ERROR"));
    assert!(chip.say(&mut world, "AT+CLAC\r").len() > 500);
}

#[test]
fn what_is_spoilt_is_dropped_in_silence_and_counted() {
    for profile_name in [V2, V1] {
        let (mut world, modem) = on(profile_name);
        let pairing = pair(&mut world, modem, TE);
        let mut chip = Chip::open(&mut world, modem, &pairing);
        chip.at(&mut world, "ATE0");
        world.take_events(modem);
        let frame = chip.session.send(b"AT\r").concat();
        // Of two flags that meet one is enough; what lies between them is not.
        for at in 1..frame.len() - 1 {
            let mut lost = frame.clone();
            lost.remove(at);
            let mut wrong = frame.clone();
            wrong[at] ^= 0x10;
            for spoilt in [lost, wrong] {
                chip.send(&mut world, &spoilt);
                assert_eq!(chip.hear(&mut world), "", "{profile_name}: byte {at}");
                let what = format!("{profile_name}: byte {at}");
                assert_eq!(chip.say(&mut world, "AT\r"), "\r\nOK\r\n", "{what}");
                let told: u64 = mishaps(&mut world, modem).iter().map(|it| it.bytes_passed_over).sum();
                assert!(told + 2 >= spoilt.len() as u64, "{what}: {told}");
            }
        }
        // Made with other keys, and in the clear.
        let stranger = vsara::c2c::Pairing { key: OTHER.parse().expect("hex"), ..pairing.clone() };
        let stranger = vsara::c2c::Pairing {
            hmac_key: pairing.hmac_key.as_ref().map(|_| OTHER.parse().expect("hex")),
            ..stranger
        };
        let frames = Chip::with(&stranger, modem, FIRST).session.send(b"AT\r").concat();
        chip.send(&mut world, &frames);
        assert_eq!(chip.hear(&mut world), "");
        assert_eq!(mishaps(&mut world, modem), [Mishaps { wrong_macs: 1, bytes_passed_over: 0 }]);
        chip.send(&mut world, b"AT\r");
        chip.send(&mut world, b"AT\r");
        assert_eq!(chip.hear(&mut world), "", "the module looks as if it were gone");
        let told = mishaps(&mut world, modem);
        assert_eq!(told, [Mishaps { wrong_macs: 0, bytes_passed_over: 3 }], "noise is told when it begins");
        assert_eq!(chip.at(&mut world, CLOSE), "OK");
        assert_eq!(mishaps(&mut world, modem), [Mishaps { wrong_macs: 0, bytes_passed_over: 3 }]);
    }
}

#[test]
fn power_and_reboots_end_a_session_and_keep_the_pairing() {
    type End = fn(&mut World, &mut Chip);
    let ends: [(&str, End); 5] = [
        ("cut", |world, chip| {
            world.input(chip.modem, Input::PowerCut);
            world.input(chip.modem, Input::PowerOn);
        }),
        ("reset pin", |world, chip| world.input(chip.modem, Input::Reset)),
        ("CFUN=16", |world, chip| assert_eq!(chip.at(world, "AT+CFUN=16"), "OK", "in a frame")),
        ("off", |world, chip| {
            world.input(chip.modem, Input::PowerOff);
            world.input(chip.modem, Input::PowerOn);
        }),
        ("CPWROFF", |world, chip| {
            assert_eq!(chip.at(world, "AT+CPWROFF"), "OK", "in a frame");
            world.input(chip.modem, Input::PowerOn);
        }),
    ];
    for (how, end) in ends {
        let (mut world, modem) = on(V2);
        let pairing = pair(&mut world, modem, TE);
        let mut chip = Chip::open(&mut world, modem, &pairing);
        // Half a frame is on its way.
        let half = chip.session.send(b"AT\r").concat();
        end(&mut world, &mut chip);
        chip.send(&mut world, &half[..20]);
        world.run_for(MINUTE);
        world.take_serial(modem);
        assert_eq!(world.at(modem, "AT"), "OK", "{how}: in clear");
        let mut chip = Chip::open(&mut world, modem, &pairing);
        assert_eq!(chip.at(&mut world, "AT"), "OK", "{how}: paired");
    }
}

/// Whatever write the power is cut at: a pairing that was told is there, and another can be made.
#[test]
fn power_cut_at_a_write_of_a_pairing_loses_nothing_that_was_told() {
    for profile_name in [V2, V1] {
        for write in 1..=2 {
            for strike in [Strike::CutBefore, Strike::CutBetween, Strike::CutAfter] {
                let (mut world, modem) = on(profile_name);
                world.place(modem, Point::NvmWrite(write), strike);
                let what = format!("{profile_name} {write} {strike}");
                let answer = world.at(modem, PAIR);
                if write == 2 && profile_name == V2 {
                    let strings: Vec<_> = answer.split('"').skip(1).step_by(2).collect();
                    let secret = |text: &str| text.parse().expect("32 hex digits");
                    let pairing = vsara::c2c::Pairing {
                        te_secret: secret(TE),
                        key: secret(strings[0]),
                        hmac_key: Some(secret(strings[1])),
                    };
                    let line = confirmation(&pairing, TE, strings[2]);
                    assert_eq!(world.at(modem, &line), "", "{what}: no answer");
                    world.input(modem, Input::PowerOn);
                    world.at(modem, "AT+CMEE=2");
                    // Confirmed before or not: the host repeats it.
                    assert_eq!(world.at(modem, &line), "OK", "{what}");
                    let mut chip = Chip::open(&mut world, modem, &pairing);
                    assert_eq!(chip.at(&mut world, "AT"), "OK", "{what}");
                } else if write == 1 {
                    assert!(!answer.contains("+USECC2C: "), "{what}: {answer}");
                    world.input(modem, Input::PowerOn);
                    world.at(modem, "AT+CMEE=2");
                    // Keys of version 1 that nobody heard keep their secret; another one is free.
                    let again = world.at(modem, PAIR);
                    let lost = again == PAIRED && profile_name == V1 && strike != Strike::CutBefore;
                    assert!(lost || again.ends_with("OK"), "{what}: {again}");
                    pair(&mut world, modem, OTHER);
                }
            }
        }
    }
}

#[test]
fn a_session_belongs_to_its_port() {
    let (mut world, template) = world(V2, IpVersion::V4, 1);
    let nvm = world.disk(template).primary.clone();
    let modem = world.add_modem_with_ports(&profile(V2), WorldOptions::default(), nvm, 2);
    world.input(modem, Input::Coverage(false));
    world.input(modem, Input::PowerOn);
    let second = PortId(1);
    let pairing = pair(&mut world, modem, TE);
    let mut chip = Chip::open(&mut world, modem, &pairing);
    world.send_to(modem, second, "AT");
    assert_eq!(world.take_serial_of(modem, second), "AT\r\r\nOK\r\n", "clear");
    world.send_to(modem, second, OPEN);
    assert!(world.take_serial_of(modem, second).ends_with("\r\nOK\r\n"));
    let mut other = Chip::with(&pairing, modem, second);
    assert_eq!(other.at(&mut world, CLOSE), "OK", "its own");
    assert_eq!(chip.at(&mut world, "AT"), "OK", "and not the other's");
}

#[test]
fn a_factory_reset_forgets_pairings_and_a_copy_has_them() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    let copy = world.clone_modem(modem);
    world.input(copy, Input::PowerOn);
    let mut chip = Chip::open(&mut world, copy, &pairing);
    assert_eq!(chip.at(&mut world, "AT"), "OK");
    world.factory_reset(modem);
    world.at(modem, "AT+CMEE=2");
    assert_eq!(world.at(modem, OPEN), NOT_PAIRED);
}

#[test]
fn secrets_of_pairings_are_no_part_of_the_memory_that_everybody_reads() {
    let (mut world, modem) = on(V2);
    let pairing = pair(&mut world, modem, TE);
    let shown = |nvm: &Nvm| toml::to_string(nvm).expect("it is made for that");
    let text = shown(&world.disk(modem).primary) + &format!("{:?}", world.disk(modem).primary);
    for secret in [&pairing.te_secret, &pairing.key, pairing.hmac_key.as_ref().expect("version 2")] {
        assert!(!text.contains(&secret.to_hex()));
    }
}

/// A prompt comes in a frame, and the data behind it may be any bytes, in any frames.
#[test]
fn a_data_phase_passes_in_frames() {
    for profile_name in [V2, V1, R4] {
        let (mut world, modem) = on(profile_name);
        let pairing = pair(&mut world, modem, TE);
        bootstrap_with(&mut world, modem, &[Feature::ChipToChip]);
        let mut chip = Chip::open(&mut world, modem, &pairing);
        chip.at(&mut world, "ATE0");
        let message: Vec<u8> = (0..=255).cycle().take(1024).collect();
        assert_eq!(chip.say(&mut world, "AT+USECE2EDATAENC=1024\r"), "\r\n>");
        for part in message.chunks(100) {
            let frames = chip.session.send(part).concat();
            chip.send(&mut world, &frames);
        }
        let bytes = world.take_bytes_of(modem, FIRST);
        let said = chip.session.receive(&bytes);
        assert!(chip.session.take_mishaps().is_none(), "{profile_name}: all of it is in frames");
        assert!(said.starts_with(b"\r\n+USECE2EDATAENC: 1056,\""), "{profile_name}");
        assert!(said.ends_with(b"\"\r\n\r\nOK\r\n"), "{profile_name}");
        assert_eq!(said.len(), "\r\n+USECE2EDATAENC: 1056,\"".len() + 1056 + "\"\r\n\r\nOK\r\n".len());
        // Power goes in the middle of another one.
        chip.say(&mut world, "AT+USECE2EDATAENC=10\r");
        let half = chip.session.send(b"12345").concat();
        chip.send(&mut world, &half);
        world.input(modem, Input::PowerCut);
        world.input(modem, Input::PowerOn);
        world.take_serial(modem);
        assert_eq!(world.at(modem, "AT"), "OK", "{profile_name}: in clear, and no data");
    }
}
