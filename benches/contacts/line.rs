//! AT command lines: the language alone, and all the way through a modem.

use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::at::{Event, Interpreter, Limits, Response, Settings};
use vsara::modem::{Input, Modem, PortId};
use vsara::module::{IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::{MasterKey, RotUid};
use vsara::time::{Now, Timestamp};

use super::rounds::Work;

/// The interpreter, with an owner that always says the same.
pub(crate) struct Language(Interpreter);

/// A modem that is registered.
pub(crate) struct Whole {
    modem: Modem,
    line: Vec<u8>,
    now: Now,
}

impl Language {
    pub(crate) fn new() -> Self {
        let limits = Limits { command_line_max: 1650, waiting_input_max: 4096 };
        Self(Interpreter::new(limits, Settings::factory(0)))
    }
}

impl Work for Language {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            self.0.handle_bytes(b"AT+CREG?\r");
            while let Some(Event::Request(_)) = self.0.poll_event() {
                self.0.answer(Response::lines(["+CREG: 0,1"]));
            }
            assert_eq!(std::iter::from_fn(|| self.0.poll_output()).count(), 3);
        }
    }
}

impl Whole {
    pub(crate) fn new(line: &str) -> Self {
        let profile = Arc::new(Profile::built_in("sara-r510s").expect("a built-in profile"));
        let now = Now::both(Timestamp::from_millis(1_767_225_600_000));
        let mut entropy = ChaCha12Rng::seed_from_u64(7);
        let nvm = factory::new_module(&profile, RotUid([7; 8]), &MasterKey::development(), &mut entropy);
        let options = ModuleOptions {
            timing: Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: false,
            seed: 1,
            entropy,
            session_seed: None,
        };
        let mut modem = Modem::new(profile, nvm, options, 1, now);
        modem.handle_input(Input::PowerOn, now);
        while modem.poll_output().is_some() {}
        Self { modem, line: [line.as_bytes(), b"\r"].concat(), now }
    }
}

impl Work for Whole {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            self.modem.handle_input(Input::Serial { port: PortId(0), bytes: &self.line }, self.now);
            assert!(std::iter::from_fn(|| self.modem.poll_output()).count() >= 2);
        }
    }
}
