//! Protected data: end to end, and of what stays with the host.

mod steps;

use std::collections::BTreeSet;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use steps::*;
use vsara::modem::{Input, PortId};
use vsara::module::IpVersion;
use vsara::protocol::keys::RotUid;
use vsara::protocol::message::Feature;
use vsara::protocol::protection::{protect, split_header, unprotect};
use vsara::scenario::{ModemId, Point, Strike, World, WorldOptions};
use vsara::service::OperatorError;
use vsara::time::Now;

const R5: &str = "sara-r510s";
const FIRST: PortId = PortId(0);
const LDP: Feature = Feature::LocalDataProtection;
const NOT_GENUINE: &str = "+CME ERROR: 1679";

/// A module with services and local data protection.
fn owned(profile: &str) -> (World, ModemId) {
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    let rot = world.rot(modem);
    world.operator().expect("it runs").set_feature(rot, LDP, true).expect("known");
    heartbeat(&mut world, modem);
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    (world, modem)
}

/// Runs a command on data: the bytes it answers, or its error; nothing where the power went.
fn run(world: &mut World, modem: ModemId, command: &str, data: &[u8]) -> Result<Vec<u8>, String> {
    world.take_bytes_of(modem, FIRST);
    world.send(modem, &format!("AT{command}={}", data.len()));
    if !data.is_empty() && world.serial(modem).ends_with(b"\r\n>") {
        world.input(modem, Input::Serial { port: FIRST, bytes: data });
    }
    let said = world.take_bytes_of(modem, FIRST);
    let head = format!("{command}: ");
    let found = said.windows(head.len()).position(|window| window == head.as_bytes());
    let Some(at) = found else {
        let text = String::from_utf8_lossy(&said);
        return Err(text.rsplit("\r\n").find(|line| !line.is_empty()).unwrap_or_default().to_owned());
    };
    let rest = &said[at + head.len()..];
    let comma = rest.iter().position(|byte| *byte == b',').expect("a length");
    let length: usize = String::from_utf8_lossy(&rest[..comma]).parse().expect("a number");
    let bytes = rest.get(comma + 2..comma + 2 + length).ok_or("cut off")?;
    assert_eq!(rest.get(comma + 2 + length..), Some(&b"\"\r\n\r\nOK\r\n"[..]));
    Ok(bytes.to_vec())
}

/// What the owner reads of an uplink message, with nothing but what the service says to its header.
fn read(world: &mut World, protected: &[u8]) -> Result<Vec<u8>, String> {
    let (header, sealed) = split_header(protected).map_err(|error| error.to_string())?;
    let now = Now::both(world.now());
    let account = world.service().expect("it runs").account("default", now);
    let (_, key) = account.message_key(&header).map_err(|error| error.to_string())?;
    unprotect(&header, &key, sealed).map_err(|error| error.to_string())
}

/// What the owner sends to a module.
fn write(world: &mut World, rot: RotUid, message: &[u8]) -> Vec<u8> {
    let now = Now::both(world.now());
    let mut account = world.service().expect("it runs").account("default", now);
    let (header, key) = account.downlink(rot).expect("it has the service");
    protect(&header, &key, message)
}

fn set_version(world: &mut World, modem: ModemId, version: usize) {
    assert_eq!(world.at(modem, &format!("AT+USECOPCMD=\"e2e_enc\",{}", version - 1)), "OK");
}

#[test]
fn random_messages_of_every_length_go_up_down_and_round() {
    let (mut world, modem) = owned(R5);
    let rot = world.rot(modem);
    let mut random = ChaCha12Rng::seed_from_u64(6);
    let mut seen = BTreeSet::new();
    for number in 0..4096_usize {
        let mut message = vec![0; if number < 1025 { number } else { random.next_u32() as usize % 1025 }];
        random.fill_bytes(&mut message);
        let version = 1 + number % 2;
        if number % 64 < 2 {
            set_version(&mut world, modem, version);
        }
        let version = 1 + usize::from(world.modem(modem).module().nvm().security.e2e_version as u8);
        let up = run(&mut world, modem, "+USECE2EDATAENC", &message).expect("protected");
        assert_eq!(up.len(), message.len() + if version == 1 { 32 } else { 28 }, "{number}");
        assert_eq!(read(&mut world, &up), Ok(message.clone()), "{number}");
        assert!(
            seen.insert(up[..if version == 1 { 16 } else { 11 }].to_vec()),
            "{number}: a header of its own"
        );

        let down = write(&mut world, rot, &message);
        assert_eq!(run(&mut world, modem, "+USECE2EDATADEC", &down).as_ref(), Ok(&message), "{number}");
        assert!(seen.insert(down[..16].to_vec()), "{number}: a header of its own");

        let local = run(&mut world, modem, "+USECDATAENC", &message).expect("protected");
        assert_eq!(local.len(), message.len() + 28, "{number}");
        assert_eq!(run(&mut world, modem, "+USECDATADEC", &local).as_ref(), Ok(&message), "{number}");
        assert!(seen.insert(local[..12].to_vec()), "{number}: a header of its own");
    }
}

#[test]
fn a_change_of_any_byte_is_found() {
    let (mut world, modem) = owned(R5);
    let rot = world.rot(modem);
    let message = b"close the valve";
    let local = run(&mut world, modem, "+USECDATAENC", message).expect("protected");
    let cases = [("+USECE2EDATADEC", write(&mut world, rot, message)), ("+USECDATADEC", local)];
    for (command, protected) in cases {
        for at in 0..protected.len() {
            let mut changed = protected.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(run(&mut world, modem, command, &changed), Err(NOT_GENUINE.into()), "{command} {at}");
            let short = &protected[..at];
            assert_eq!(
                run(&mut world, modem, command, short),
                Err(NOT_GENUINE.into()),
                "{command} {at} bytes"
            );
        }
        let longer = [&protected[..], &[0]].concat();
        assert_eq!(run(&mut world, modem, command, &longer), Err(NOT_GENUINE.into()), "{command}");
        assert_eq!(run(&mut world, modem, command, &protected), Ok(message.to_vec()), "{command}");
    }
    for version in [1, 2] {
        set_version(&mut world, modem, version);
        let up = run(&mut world, modem, "+USECE2EDATAENC", message).expect("protected");
        for at in 0..up.len() {
            let mut changed = up.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(read(&mut world, &changed).is_err(), "version {version}, byte {at}");
        }
        let other_way = run(&mut world, modem, "+USECE2EDATADEC", &up);
        assert_eq!(other_way, Err(NOT_GENUINE.into()), "an uplink message is none to the module");
    }
}

#[test]
fn no_header_comes_twice_wherever_the_power_goes() {
    for (command, header) in [("+USECE2EDATAENC", 16), ("+USECDATAENC", 12)] {
        for strike in Strike::AT_NVM_WRITE {
            for write in 1..=3 {
                let (mut world, modem) = owned(R5);
                let mut seen: Vec<Vec<u8>> = Vec::new();
                world.place(modem, Point::NvmWrite(write), strike);
                for _ in 0..5 {
                    let protected = run(&mut world, modem, command, b"message");
                    if let Ok(protected) = &protected {
                        let opened = match command {
                            "+USECDATAENC" => run(&mut world, modem, "+USECDATADEC", protected),
                            _ => read(&mut world, protected),
                        };
                        assert_eq!(opened, Ok(b"message".to_vec()), "{command} {strike:?} at {write}");
                    }
                    seen.extend(protected.map(|bytes| bytes[..header].to_vec()));
                    if !world.is_on(modem) {
                        world.run_for(MINUTE);
                        world.input(modem, Input::PowerOn);
                        world.run_for(MINUTE);
                    }
                }
                assert!(world.faults_struck(modem), "{command} {strike:?} at {write}");
                assert!(seen.len() >= 4, "{command} {strike:?} at {write}");
                let distinct: BTreeSet<_> = seen.iter().collect();
                assert_eq!(distinct.len(), seen.len(), "{command} {strike:?} at {write}");
            }
        }
    }
}

#[test]
fn a_service_that_is_killed_gives_no_header_twice() {
    let (mut world, modem) = owned(R5);
    let rot = world.rot(modem);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        assert!(seen.insert(write(&mut world, rot, b"")));
        world.cut_service();
        world.start_service();
        assert!(seen.insert(write(&mut world, rot, b"")));
    }
}

#[test]
fn new_keys_leave_what_was_protected_before_readable() {
    let (mut world, modem) = owned(R5);
    let rot = world.rot(modem);
    let up = run(&mut world, modem, "+USECE2EDATAENC", b"up").expect("protected");
    let local = run(&mut world, modem, "+USECDATAENC", b"local").expect("protected");
    let down = write(&mut world, rot, b"down");
    for rotations in 1..=3 {
        let now = Now::both(world.now());
        world.service().expect("it runs").account("default", now).rotate_keys(rot).expect("mine");
        heartbeat(&mut world, modem);
        let fresh = run(&mut world, modem, "+USECE2EDATAENC", b"fresh").expect("protected");
        assert_ne!(fresh[8..10], up[8..10], "another key set");
        assert_eq!(read(&mut world, &fresh), Ok(b"fresh".to_vec()));
        assert_eq!(read(&mut world, &up), Ok(b"up".to_vec()), "the service keeps every set");
        assert_eq!(
            run(&mut world, modem, "+USECDATADEC", &local),
            Ok(b"local".to_vec()),
            "data at rest stays"
        );
        let opened = run(&mut world, modem, "+USECE2EDATADEC", &down);
        let expected = if rotations == 1 { Ok(b"down".to_vec()) } else { Err(NOT_GENUINE.into()) };
        assert_eq!(opened, expected, "the module keeps one set more: {rotations}");
    }
}

#[test]
fn local_data_is_read_by_this_very_module_only() {
    let (mut world, modem) = owned(R5);
    let local = run(&mut world, modem, "+USECDATAENC", b"at rest").expect("protected");
    let rot = world.rot(modem);
    for enabled in [false, true] {
        world.operator().expect("it runs").set_feature(rot, LDP, enabled).expect("known");
        heartbeat(&mut world, modem);
        let expected = if enabled { Ok(b"at rest".to_vec()) } else { Err("+CME ERROR: 1676".to_owned()) };
        assert_eq!(run(&mut world, modem, "+USECDATADEC", &local), expected, "feature {enabled}");
    }
    world.input(modem, Input::PowerCut);
    world.input(modem, Input::PowerOn);
    world.run_for(MINUTE);
    assert_eq!(run(&mut world, modem, "+USECDATADEC", &local), Ok(b"at rest".to_vec()), "after a power cut");

    let other = world.add_modem(&profile(R5), WorldOptions::default());
    live_through_bootstrap(&mut world, other, Sealed::Before);
    let other_rot = world.rot(other);
    world.operator().expect("it runs").set_feature(other_rot, LDP, true).expect("known");
    heartbeat(&mut world, other);
    for has_a_key in [false, true] {
        assert!(run(&mut world, other, "+USECDATADEC", &local).is_err(), "another module, {has_a_key}");
        run(&mut world, other, "+USECDATAENC", b"its own").expect("protected");
    }

    world.factory_reset(modem);
    world.operator().expect("it runs").forget(rot).expect("known");
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    world.operator().expect("it runs").set_feature(rot, LDP, true).expect("known");
    heartbeat(&mut world, modem);
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    for has_a_key in [false, true] {
        let opened = run(&mut world, modem, "+USECDATADEC", &local);
        assert_eq!(opened, Err(NOT_GENUINE.into()), "the same after a factory reset, {has_a_key}");
        run(&mut world, modem, "+USECDATAENC", b"anew").expect("protected");
    }
}

#[test]
fn the_version_is_kept_and_a_module_that_knows_one_only_has_no_choice() {
    let (mut world, modem) = owned(R5);
    let ask = "AT+USECOPCMD=\"e2e_enc\"";
    assert_eq!(world.at(modem, ask), "+USECOPCMD: \"e2e_enc\",0|OK");
    set_version(&mut world, modem, 2);
    world.input(modem, Input::PowerCut);
    world.input(modem, Input::PowerOn);
    assert_eq!(world.at(modem, ask), "+USECOPCMD: \"e2e_enc\",1|OK");
    let up = run(&mut world, modem, "+USECE2EDATAENC", b"hello").expect("protected");
    assert_eq!((up.len(), up[0] >> 4), (5 + 28, 2));
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    for wrong in [
        "",
        "\"e2e\"",
        "\"e2e_dec\",1",
        "\"e2e_enc\",2",
        "\"e2e_enc\",-1",
        "\"e2e_enc\",",
        "1",
        "\"e2e_enc\",1,1",
    ] {
        assert_eq!(world.at(modem, &format!("AT+USECOPCMD={wrong}")), "+CME ERROR: 50", "{wrong}");
    }
    for profile in ["sara-r410m-83b", "sara-r510s-00b"] {
        let (mut world, modem) = owned(profile);
        assert_eq!(world.at(modem, ask), "+CME ERROR: 4", "{profile}");
        let up = run(&mut world, modem, "+USECE2EDATAENC", b"hello").expect("protected");
        assert_eq!((up.len(), &up[..2]), (5 + 32, &[0x11, 0x01][..]), "{profile}");
    }
}

#[test]
fn a_header_of_nobody_here_finds_nothing() {
    let (mut world, modem) = owned(R5);
    let up = run(&mut world, modem, "+USECE2EDATAENC", b"hello").expect("protected");
    let (header, _) = split_header(&up).expect("a header");
    let now = Now::both(world.now());
    let rot = world.rot(modem);
    let mut other = world.service().expect("it runs").account("other", now);
    assert_eq!(other.message_key(&header).err(), Some(OperatorError::UnknownKey("other".into())));
    let not_yours = OperatorError::NotYours { rot, domain: "other".into() };
    assert_eq!(other.downlink(rot).err(), Some(not_yours.clone()));
    assert_eq!(other.rotate_keys(rot), Err(not_yours));
}
