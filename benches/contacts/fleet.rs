//! Modules in a world: virtual time, and memory.

use std::sync::Arc;

use vsara::modem::{Input, Modem};
use vsara::module::Nvm;
use vsara::profile::Profile;
use vsara::scenario::{Link, ModemId, SerialLine, World, WorldOptions};
use vsara::service::Device;

use super::rounds::Work;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Weeks of one bootstrapped module.
pub(crate) struct Weeks {
    world: World,
    modem: ModemId,
}

impl Weeks {
    pub(crate) fn new() -> Self {
        let (mut world, modems) = bootstrapped(1);
        world.run_for(1000);
        Self { world, modem: modems[0] }
    }
}

impl Work for Weeks {
    fn run(&mut self, times: usize) {
        let weeks = i64::try_from(times).expect("a number of weeks");
        self.world.run_for(weeks * WEEK_MS);
        assert!(self.world.take_events(self.modem).len() >= times);
    }
}

/// What a powered, bootstrapped module takes, in words.
pub(crate) fn memory(count: usize) -> String {
    let before = resident_bytes();
    let (world, modems) = bootstrapped(count);
    let each = resident_bytes().saturating_sub(before) / count;
    let all_there = modems.iter().all(|modem| world.modem(*modem).module().nvm().security.is_bootstrapped());
    assert!(all_there);
    let parts = [
        ("its state, with the port's interpreter", size_of::<Modem>()),
        ("two copies of its memory on the disk", 2 * size_of::<Nvm>()),
        ("its link and its serial line, each with a generator", size_of::<Link>() + size_of::<SerialLine>()),
        ("what the service keeps of it", size_of::<Device>()),
    ];
    let known: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    let mut text = format!(
        "{each} bytes of resident memory for each of {count} powered, bootstrapped modules in one world:"
    );
    for (what, bytes) in parts {
        text += &format!("\n{bytes:>7}  {what}");
    }
    text + &format!(
        "\n{:>7}  what these point to: names, key sets, contexts, events, indices",
        each.saturating_sub(known)
    )
}

/// A world with modules that have bootstrapped.
fn bootstrapped(count: usize) -> (World, Vec<ModemId>) {
    let profile = Arc::new(Profile::built_in("sara-r510s").expect("a built-in profile"));
    let mut world = World::new(7);
    let modems: Vec<_> = (0..count).map(|_| world.add_modem(&profile, WorldOptions::default())).collect();
    for modem in &modems {
        world.input(*modem, Input::PowerOn);
        world.run_for(1000);
        world.take_events(*modem);
        world.take_serial(*modem);
    }
    (world, modems)
}

/// The resident set of this process (proc(5)).
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("proc(5)");
    pages * rustix::param::page_size()
}
