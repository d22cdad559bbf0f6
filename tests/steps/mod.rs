//! Steps the world tests share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses some of them")]

use std::sync::Arc;

use vsara::modem::Input;
use vsara::module::security::{DeviceCertificate, Phase, Purpose};
use vsara::module::{Event, IpVersion};
use vsara::profile::Profile;
use vsara::protocol::message::Feature;
use vsara::scenario::{ModemId, World, WorldOptions};
use vsara::service::DeviceProfile;
use vsara::service::event::EventKind;

/// The device profile the world's service knows.
pub const PROFILE_UID: &str = "AgbCtixjwqLjwV3VWpfPyz";

/// The seal of every module here.
pub const SEAL: &str = "AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"serial-1\"";

/// Milliseconds.
pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// When a module is sealed, seen from its bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    Before,
    During,
    After,
    Never,
}

impl Sealed {
    pub const ALL: [Self; 4] = [Self::Before, Self::During, Self::After, Self::Never];

    pub fn flags(self) -> &'static str {
        if self == Sealed::Never { "+USECDEVINFO: 1,0,1|OK" } else { "+USECDEVINFO: 1,1,1|OK" }
    }
}

pub fn profile(name: &str) -> Arc<Profile> {
    Arc::new(Profile::built_in(name).expect("a built-in profile"))
}

/// A world with one module, off, and a device profile on its service.
pub fn world(profile_name: &str, ip: IpVersion, seed: u64) -> (World, ModemId) {
    let mut world = World::new(seed);
    let devices = DeviceProfile::new(PROFILE_UID, "tests");
    let mut operator = world.operator().expect("the service runs");
    operator.create_device_profile(devices).expect("a new profile");
    let modem = world.add_modem(&profile(profile_name), WorldOptions { ip, ..WorldOptions::default() });
    (world, modem)
}

/// A heartbeat, whatever limit there is.
pub fn heartbeat(world: &mut World, modem: ModemId) {
    world.run_for(DAY);
    world.take_serial(modem);
    assert_eq!(world.at_within(modem, "AT+USECCONN", 10 * MINUTE), "OK");
}

/// Powers the module on and seals it at its time, as a host would that repeats what was not
/// answered; restores power a minute after it was lost. Returns once all is done, or after a day.
pub fn live_through_bootstrap(world: &mut World, modem: ModemId, sealed: Sealed) {
    if sealed == Sealed::Before {
        world.input(modem, Input::Coverage(false));
        power_on(world, modem);
        seal_until_answered(world, modem);
        world.input(modem, Input::Coverage(true));
    } else {
        power_on(world, modem);
    }
    if sealed == Sealed::During {
        let end = world.now().offset_millis(HOUR);
        world.run_while(end, |world| world.is_on(modem) && !has_begun(world, modem, Phase::Replace));
        seal_until_answered(world, modem);
    }
    settle(world, modem, |world| is_bootstrapped(world, modem));
    if sealed == Sealed::After {
        seal_until_answered(world, modem);
    }
    settle(world, modem, |world| is_at_rest(world, modem));
}

pub fn power_on(world: &mut World, modem: ModemId) {
    if !world.is_on(modem) {
        world.input(modem, Input::PowerOn);
    }
}

/// Runs until `done`, giving power back a minute after it was lost.
pub fn settle(world: &mut World, modem: ModemId, mut done: impl FnMut(&World) -> bool) {
    let end = world.now().offset_millis(DAY);
    while world.now() < end {
        if !world.is_on(modem) {
            world.run_for(MINUTE);
            world.input(modem, Input::PowerOn);
        }
        if done(world) {
            return;
        }
        world.run_while(end, |world| world.is_on(modem) && !done(world));
        if world.is_on(modem) && !done(world) {
            // Nothing more happens by itself.
            return;
        }
    }
}

fn seal_until_answered(world: &mut World, modem: ModemId) {
    for _ in 0..4 {
        if world.is_on(modem) && world.at(modem, SEAL).ends_with("OK") {
            return;
        }
        world.run_for(MINUTE);
        power_on(world, modem);
    }
    panic!("the seal was never answered");
}

/// The feature in force.
pub fn has_feature(world: &World, modem: ModemId, feature: Feature) -> bool {
    world.modem(modem).module().nvm().security.applied.features.contains(&feature)
}

/// The certificate in force.
pub fn held(world: &World, modem: ModemId) -> Option<&DeviceCertificate> {
    world.modem(modem).module().nvm().secrets.certificate()
}

pub fn is_bootstrapped(world: &World, modem: ModemId) -> bool {
    world.modem(modem).module().nvm().security.is_bootstrapped()
}

/// Bootstrapped, nothing going on, nothing pending.
pub fn is_at_rest(world: &World, modem: ModemId) -> bool {
    let module = world.modem(modem).module();
    let nvm = &module.nvm().security;
    let pending = nvm.registration_pending() || nvm.report_pending;
    nvm.is_bootstrapped() && !pending && module.security().contact.is_none() && world.is_on(modem)
}

fn has_begun(world: &World, modem: ModemId, phase: Phase) -> bool {
    world.events(modem).contains(&Event::PhaseBegan(phase))
}

/// How many contacts of a sort have begun since the events were last taken.
pub fn contacts_begun(world: &World, modem: ModemId, purpose: Purpose) -> usize {
    world.events(modem).iter().filter(|event| **event == Event::ContactBegan(purpose)).count()
}

/// How often the service noted this of the module's root of trust, repetitions counted.
pub fn noted(world: &mut World, modem: ModemId, kind: EventKind) -> u32 {
    world.noted(modem, kind)
}

/// No refusal, nothing suspicious: the module is what it is.
#[track_caller]
pub fn assert_unsuspected(world: &mut World, modem: ModemId, when: &dyn std::fmt::Debug) {
    assert_eq!(noted(world, modem, EventKind::Clone), 0, "a clone event at {when:?}");
    assert_eq!(noted(world, modem, EventKind::Suspicious), 0, "a suspicious event at {when:?}");
}
