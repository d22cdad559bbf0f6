//! What has to be true before a key is made or used: every command, every state, every module type.

mod steps;

use steps::*;
use vsara::modem::{Input, PortId};
use vsara::module::{IpVersion, Timing};
use vsara::profile;
use vsara::protocol::message::Feature;
use vsara::scenario::{ModemId, World, WorldOptions};
use vsara::service::{DeviceProfile, Plan};

/// What a command needs beside an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Services,
    Feature(Feature),
}

const LDP: Needs = Needs::Feature(Feature::LocalDataProtection);
const ZTP: Needs = Needs::Feature(Feature::ZeroTouchProvisioning);

/// Commands, with as much data as is refused last.
const COMMANDS: [(&str, Needs); 8] = [
    ("AT+USECPSK=16", Needs::Services),
    ("AT+USECE2EDATAENC=3", Needs::Services),
    ("AT+USECE2EDATADEC=35", Needs::Services),
    ("AT+USECDATAENC=3", LDP),
    ("AT+USECDATADEC=31", LDP),
    ("AT+USECDEVCERT=0", ZTP),
    ("AT+USECDEVCERT=1", ZTP),
    ("AT+USECDEVCERT=2", ZTP),
];

/// Those a module type has: no SARA-R4 reads a certificate.
fn commands_of(profile_name: &str) -> Vec<(&'static str, Needs)> {
    let reads_certificates = profile_name.starts_with("sara-r5");
    COMMANDS.into_iter().filter(|(_, needs)| reads_certificates || *needs != ZTP).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotBootstrapped,
    Unsealed,
    UnknownProfile,
    NotWhitelisted,
    NoFeature,
    NoPlan,
    Suspended,
    Fine,
}

const STATES: [State; 8] = [
    State::NotBootstrapped,
    State::Unsealed,
    State::UnknownProfile,
    State::NotWhitelisted,
    State::NoFeature,
    State::NoPlan,
    State::Suspended,
    State::Fine,
];

/// The error of a command, if there is one. It is pinned here: hosts depend on it.
fn refusal(r5: bool, state: State, needs: Needs) -> Option<u16> {
    match (state, needs) {
        (State::NotBootstrapped, _) => Some(1670),
        (State::Unsealed | State::UnknownProfile, _) => Some(1671),
        (State::Suspended, _) => Some(if r5 { 1689 } else { 1673 }),
        (State::NotWhitelisted | State::NoPlan, Needs::Services) => Some(1673),
        (State::NotWhitelisted | State::NoFeature, Needs::Feature(_)) => Some(1676),
        (State::NoFeature, Needs::Services) | (State::NoPlan, Needs::Feature(_)) | (State::Fine, _) => None,
    }
}

/// Module types with a root of trust.
fn profiles() -> Vec<&'static str> {
    let with_security =
        |name: &&str| profile::Profile::built_in(name).is_some_and(|it| it.security.is_some());
    profile::list().map(|(name, _)| name).filter(with_security).collect()
}

fn in_state(profile_name: &str, state: State) -> (World, ModemId) {
    let mut world = World::new(1);
    let mut devices = DeviceProfile::new(PROFILE_UID, "tests");
    devices.plan = if state == State::NoPlan { Plan::Basic } else { Plan::Flex };
    devices.whitelist = state == State::NotWhitelisted;
    if state != State::NoFeature {
        devices.features.extend([Feature::LocalDataProtection, Feature::ZeroTouchProvisioning]);
    }
    if state == State::UnknownProfile {
        devices.uid = "1111111111111111111111".into();
    }
    world.operator().expect("it runs").create_device_profile(devices).expect("new");
    let modem = world.add_modem(&profile(profile_name), WorldOptions::default());
    if state == State::NotBootstrapped {
        world.input(modem, Input::Coverage(false));
        world.input(modem, Input::PowerOn);
        assert_eq!(world.at(modem, SEAL), "OK");
    } else {
        let sealed = if state == State::Unsealed { Sealed::Never } else { Sealed::Before };
        live_through_bootstrap(&mut world, modem, sealed);
    }
    if state == State::Suspended {
        let rot = world.rot(modem);
        world.operator().expect("it runs").suspend(rot).expect("owned");
        heartbeat(&mut world, modem);
    }
    assert_eq!(world.at(modem, "AT+CMEE=1"), "OK");
    (world, modem)
}

/// Whether a command was let in, or its error. Data that is no message is refused as such, later.
fn run(world: &mut World, modem: ModemId, command: &str) -> Option<u16> {
    let answer = world.at(modem, command);
    if answer == ">" {
        let (_, length) = command.split_once('=').expect("a set command");
        let data = vec![b'x'; length.parse().expect("a length")];
        world.input(modem, Input::Serial { port: PortId(0), bytes: &data });
        world.take_bytes_of(modem, PortId(0));
        return None;
    }
    let code = answer.strip_prefix("+CME ERROR: ");
    assert!(code.is_some() || answer.ends_with("|OK"), "{command}: {answer}");
    code.map(|code| code.parse().expect("a number"))
}

#[test]
fn every_command_in_every_state_of_every_type() {
    assert!(profiles().len() >= 11, "{:?}", profiles());
    for profile_name in profiles() {
        for state in STATES {
            let (mut world, modem) = in_state(profile_name, state);
            let before = world.counts(modem).nvm_writes;
            for (command, needs) in commands_of(profile_name) {
                let expected = refusal(profile_name.starts_with("sara-r5"), state, needs);
                assert_eq!(run(&mut world, modem, command), expected, "{profile_name} {state:?}: {command}");
            }
            let wrote = world.counts(modem).nvm_writes > before;
            let any = COMMANDS.iter().any(|(_, needs)| refusal(true, state, *needs).is_none());
            assert_eq!(wrote, any, "{profile_name} {state:?}: what is refused uses up nothing");
        }
    }
}

#[test]
fn types_without_a_root_of_trust_have_none_of_the_commands() {
    for (profile_name, _) in profile::list().filter(|(name, _)| !profiles().contains(name)) {
        let (mut world, modem) = world(profile_name, IpVersion::V4, 1);
        world.input(modem, Input::PowerOn);
        for (command, _) in COMMANDS {
            assert_eq!(world.at(modem, command), "ERROR", "{profile_name}: {command}");
        }
    }
}

#[test]
fn no_sara_r4_reads_a_certificate() {
    for profile_name in profiles().into_iter().filter(|name| name.starts_with("sara-r4")) {
        let (mut world, modem) = in_state(profile_name, State::Fine);
        let unknown = world.at(modem, "AT+USECNOSUCH=1");
        assert_eq!(world.at(modem, "AT+USECDEVCERT=1"), unknown, "{profile_name}");
    }
}

#[test]
fn a_root_of_trust_that_is_not_ready_is_busy() {
    for profile_name in profiles() {
        let (mut world, _) = world(profile_name, IpVersion::V4, 1);
        let options = WorldOptions { timing: Timing::Module, ..WorldOptions::default() };
        let modem = world.add_modem(&profile(profile_name), options);
        world.input(modem, Input::PowerOn);
        let end = world.now().offset_millis(MINUTE);
        world.run_while(end, |world| !world.answers(modem));
        assert_eq!(world.at_within(modem, "AT+CMEE=1", SECOND), "OK", "{profile_name}");
        for (command, _) in commands_of(profile_name) {
            let answer = world.at_within(modem, command, SECOND);
            assert_eq!(answer, "+CME ERROR: 1684", "{profile_name}: {command}");
        }
    }
}

#[test]
fn a_change_takes_effect_at_the_next_heartbeat_and_not_before() {
    for profile_name in ["sara-r510s", "sara-r410m-83b"] {
        let (mut world, modem) = in_state(profile_name, State::Fine);
        let rot = world.rot(modem);
        for state in
            [State::NoFeature, State::Fine, State::NoPlan, State::Fine, State::Suspended, State::Fine]
        {
            let mut operator = world.operator().expect("it runs");
            let plan = if state == State::NoPlan { Plan::Basic } else { Plan::Flex };
            operator.set_plan(rot, plan).expect("owned");
            for feature in [Feature::LocalDataProtection, Feature::ZeroTouchProvisioning] {
                operator.set_feature(rot, feature, state != State::NoFeature).expect("owned");
            }
            if state == State::Suspended { operator.suspend(rot) } else { operator.unblock(rot) }
                .expect("owned");
            let commands = commands_of(profile_name);
            let answers = |world: &mut World| -> Vec<_> {
                commands.iter().map(|(command, _)| run(world, modem, command)).collect()
            };
            let before = answers(&mut world);
            world.run_for(HOUR);
            let later = answers(&mut world);
            assert_eq!(before, later, "{profile_name} {state:?}: not before");
            heartbeat(&mut world, modem);
            for (command, needs) in commands_of(profile_name) {
                let expected = refusal(profile_name.starts_with("sara-r5"), state, needs);
                assert_eq!(run(&mut world, modem, command), expected, "{profile_name} {state:?}: {command}");
            }
        }
    }
}

#[test]
fn neither_coverage_nor_the_service_is_needed() {
    for profile_name in ["sara-r510s", "sara-r410m-83b"] {
        let (mut world, modem) = in_state(profile_name, State::Fine);
        world.cut_service();
        world.input(modem, Input::Coverage(false));
        for (command, _) in commands_of(profile_name) {
            assert_eq!(run(&mut world, modem, command), None, "{profile_name}: {command}");
        }
    }
}
