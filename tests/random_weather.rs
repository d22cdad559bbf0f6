//! Thousands of seeds of loss, delay, duplication, reordering, corruption and power cuts: every
//! module bootstraps in the end, and none is ever called a clone.

mod steps;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use steps::*;
use vsara::modem::Input;
use vsara::module::IpVersion;
use vsara::scenario::{Condition, ModemId, World};

/// How many seeds, by default and in the long run.
fn seeds() -> std::ops::Range<u64> {
    if std::env::var_os("VSARA_LONG").is_some() { 0..40_000 } else { 0..3_000 }
}

fn weather(random: &mut ChaCha12Rng) -> Condition {
    let mut percent = |most: u32| (random.next_u32() % (most + 1)) as u8;
    Condition {
        loss_percent: percent(30),
        duplicate_percent: percent(20),
        corrupt_percent: percent(10),
        reorder: percent(1) == 1,
        delay_ms: i64::from(percent(200)) * 10,
        ..Condition::default()
    }
}

fn live_in_weather(seed: u64) {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let profile = if seed.is_multiple_of(2) { "sara-r510s" } else { "sara-r410m-83b" };
    let ip = if seed % 4 < 2 { IpVersion::V4 } else { IpVersion::V6 };
    let (mut world, modem) = world(profile, ip, seed);
    power_on(&mut world, modem);
    let mut sealed = false;
    for _ in 0..12 {
        world.link(modem).condition = weather(&mut random);
        world.run_for(i64::from(random.next_u32() % 120_000));
        match random.next_u32() % 4 {
            0 => cut_and_restore(&mut world, modem, &mut random),
            1 if world.is_on(modem) => sealed |= world.at(modem, SEAL).ends_with("OK"),
            2 if world.is_on(modem) => world.send(modem, "AT+USECCONN"),
            _ => {}
        }
    }
    world.link(modem).condition = Condition::default();
    // A heartbeat that still blocks the port ends within five minutes.
    world.run_for(6 * MINUTE);
    sealed = sealed || world.at(modem, SEAL).ends_with("OK");
    settle(&mut world, modem, |world| is_at_rest(world, modem));
    assert!(sealed && is_at_rest(&world, modem), "seed {seed}: never came to rest");
    assert_unsuspected(&mut world, modem, &seed);
    world.run_for(8 * DAY);
    assert_unsuspected(&mut world, modem, &seed);
    assert!(world.modem(modem).module().nvm().security.heartbeat_answered_at.is_some(), "seed {seed}");
}

fn cut_and_restore(world: &mut World, modem: ModemId, random: &mut ChaCha12Rng) {
    world.input(modem, Input::PowerCut);
    world.run_for(i64::from(random.next_u32() % 60_000));
    world.input(modem, Input::PowerOn);
}

#[test]
fn no_weather_keeps_a_module_out_or_makes_it_a_clone() {
    for seed in seeds() {
        live_in_weather(seed);
    }
}
