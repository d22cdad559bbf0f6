//! A module on a desk: what command tests share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses some of it")]

use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::modem::{Input, Modem, Output, PortId};
use vsara::module::{IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::{MasterKey, RotUid};
use vsara::time::{Now, Timestamp};

pub const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);
pub const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A module without a service, with two ports.
pub struct Desk {
    pub modem: Modem,
    pub now: Now,
}

impl Desk {
    /// A module of this type on the desk, just powered on.
    pub fn new(profile: &str, timing: Timing) -> Self {
        Self::over(profile, timing, IpVersion::V4)
    }

    /// The same with a data connection of this IP version.
    pub fn over(profile: &str, timing: Timing, ip: IpVersion) -> Self {
        let profile = Arc::new(Profile::built_in(profile).expect("a built-in profile"));
        let now = Now::both(START);
        let mut entropy = ChaCha12Rng::seed_from_u64(1);
        let nvm = factory::new_module(&profile, ROT, &MasterKey::development(), &mut entropy);
        let options =
            ModuleOptions { timing, ip, service_resolves: true, seed: 1, entropy, session_seed: Some(1) };
        let mut desk = Self { modem: Modem::new(profile, nvm, options, 2, now), now };
        desk.input(Input::PowerOn);
        desk
    }

    /// What a port says when this happens.
    pub fn input(&mut self, input: Input<'_>) -> String {
        self.modem.handle_input(input, self.now);
        self.drain(0)
    }

    /// What a port has said.
    pub fn drain(&mut self, port: usize) -> String {
        let mut text = Vec::new();
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Serial { port: PortId(at), bytes } if at == port => text.extend(bytes),
                _ => {}
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// What a command line answers, echo and line ends left out.
    pub fn at(&mut self, line: &str) -> String {
        let answer = self.input(Input::Serial { port: PortId(0), bytes: format!("{line}\r").as_bytes() });
        let answer = answer.strip_prefix(&format!("{line}\r")).unwrap_or(&answer).to_owned();
        answer.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }

    /// What comes while time goes on.
    pub fn wait(&mut self, millis: i64) -> String {
        self.now = Now::both(self.now.system.offset_millis(millis));
        self.modem.handle_timeout(self.now);
        self.drain(0).split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }
}

/// Each line on a new module, and what it answers.
#[track_caller]
pub fn check(profile: &str, session: &[(&str, &str)]) {
    let mut desk = Desk::new(profile, Timing::Fast);
    for (line, expected) in session {
        assert_eq!(desk.at(line), *expected, "{profile}: {line}");
    }
}
