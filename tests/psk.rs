//! Symmetric KMS: what `AT+USECPSK` hands out, the service finds again by its identity alone.

mod steps;

use std::collections::BTreeSet;

use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::protocol::keys::psk::PskId;
use vsara::scenario::{ModemId, Point, Strike, World};
use vsara::service::OperatorError;
use vsara::time::Now;

const PROFILES: [&str; 2] = ["sara-r510s", "sara-r410m-83b"];

/// Identity and key, in hex.
type Psk = (String, String);

fn owned(profile: &str) -> (World, ModemId) {
    let (mut world, modem) = world(profile, IpVersion::V4, 1);
    live_through_bootstrap(&mut world, modem, Sealed::Before);
    (world, modem)
}

/// Asks the module for a key; none where it answers an error or nothing.
fn ask(world: &mut World, modem: ModemId, length: usize) -> Option<Psk> {
    let answer = world.at(modem, &format!("AT+USECPSK={length}"));
    let strings = answer.strip_prefix("+USECPSK: \"")?.strip_suffix("\"|OK")?;
    let (id, key) = strings.split_once("\",\"")?;
    Some((id.to_owned(), key.to_owned()))
}

/// What the service says to an identity: the key, in hex.
fn find(world: &mut World, domain: &str, id: &str) -> Result<String, OperatorError> {
    let id = PskId::decode(&hex::decode(id).expect("hex")).expect("an identity");
    let now = Now::both(world.now());
    let (_, key) = world.service().expect("it runs").account(domain, now).psk(&id)?;
    Ok(hex::encode(key.as_bytes()))
}

#[test]
fn the_service_finds_every_key_by_its_identity() {
    for profile in PROFILES {
        let (mut world, modem) = owned(profile);
        let uid = world.rot(modem).to_string();
        let mut keys = Vec::new();
        for length in [16, 32, 16, 32] {
            let (id, key) = ask(&mut world, modem, length).expect("a key");
            assert_eq!((id.len(), key.len()), (28, 2 * length), "{profile}: identity first");
            assert_eq!(id[..16], format!("1101{}", &uid[4..]), "{profile}");
            keys.push((id, key));
        }
        // Neither end has to remember anything but what was stored.
        world.input(modem, Input::PowerCut);
        world.cut_service();
        world.start_service();
        for (id, key) in &keys {
            assert_eq!(find(&mut world, "default", id).as_ref(), Ok(key), "{profile}: the module is off");
            let unknown = OperatorError::UnknownKey("other".into());
            assert_eq!(find(&mut world, "other", id), Err(unknown), "{profile}: not to others");
        }
        world.input(modem, Input::PowerOn);
        keys.push(ask(&mut world, modem, 16).expect("a key after a power cut"));
        let distinct: BTreeSet<_> = keys.iter().flat_map(|(id, key)| [id, key]).collect();
        assert_eq!(distinct.len(), 2 * keys.len(), "{profile}");
    }
}

#[test]
fn no_identity_comes_twice_wherever_the_power_goes() {
    for strike in Strike::AT_NVM_WRITE {
        for write in 1..=3 {
            let (mut world, modem) = owned("sara-r510s");
            let mut seen: Vec<String> = Vec::new();
            world.place(modem, Point::NvmWrite(write), strike);
            for _ in 0..5 {
                // What had left the module before the cut counts, complete or not.
                seen.extend(ask(&mut world, modem, 32).map(|(id, _)| id));
                if !world.is_on(modem) {
                    world.run_for(MINUTE);
                    world.input(modem, Input::PowerOn);
                }
            }
            assert!(world.faults_struck(modem), "{strike:?} at {write}");
            let distinct: BTreeSet<_> = seen.iter().collect();
            assert_eq!(distinct.len(), seen.len(), "{strike:?} at {write}: {seen:?}");
            assert!(seen.len() >= 4, "{strike:?} at {write}");
            assert!(seen.iter().all(|id| find(&mut world, "default", id).is_ok()));
        }
    }
}

#[test]
fn keys_of_an_earlier_key_set_are_found_too() {
    let (mut world, modem) = owned("sara-r510s");
    let first = ask(&mut world, modem, 16).expect("a key");
    let rot = world.rot(modem);
    world.operator().expect("it runs").ask_for_new_key_set(rot).expect("known");
    world.run_for(DAY);
    assert_eq!(world.at_within(modem, "AT+USECCONN", MINUTE), "OK");
    let second = ask(&mut world, modem, 16).expect("a key");
    assert_eq!((&first.0[16..20], &second.0[16..20]), ("0001", "0002"), "the identity names the set");
    for (id, key) in [first, second] {
        assert_eq!(find(&mut world, "default", &id), Ok(key));
    }
}

#[test]
fn an_identity_that_nobody_made_finds_nothing() {
    let (mut world, modem) = owned("sara-r510s");
    let (id, _) = ask(&mut world, modem, 16).expect("a key");
    for (at, with) in [(4, "ffff"), (16, "0000"), (16, "0002")] {
        let mut other = id.clone();
        other.replace_range(at..at + with.len(), with);
        assert_eq!(
            find(&mut world, "default", &other),
            Err(OperatorError::UnknownKey("default".into())),
            "{other}"
        );
    }
}

#[test]
fn a_length_other_than_16_or_32_is_refused() {
    let (mut world, modem) = owned("sara-r510s");
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    for wrong in ["", "0", "15", "17", "24", "31", "33", "-16", "\"16\"", "16,", "16,16", "0x10", "1e1"] {
        assert_eq!(world.at(modem, &format!("AT+USECPSK={wrong}")), "+CME ERROR: 50", "{wrong}");
    }
    for form in ["AT+USECPSK", "AT+USECPSK?"] {
        assert_eq!(world.at(modem, form), "+CME ERROR: 4", "{form}");
    }
    assert_eq!(world.modem(modem).module().nvm().security.counters.psk, 0, "and uses up nothing");
    assert_eq!(world.at(modem, "AT+USECPSK=?"), "+USECPSK: (16,32)|OK");
}
