//! End-to-end encrypted messages, from the command line to the last byte of the answer.

use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::modem::{Input, Modem, PortId};
use vsara::module::{IpVersion, ModuleOptions, Nvm, Timing};
use vsara::profile::Profile;
use vsara::protocol::keys::e2e::{E2eHeader, MessageKey};
use vsara::protocol::protection::{protect, split_header};
use vsara::scenario::{World, WorldOptions};
use vsara::service::DeviceProfile;
use vsara::time::{Now, Timestamp};

use super::rounds::Work;

const PROFILE_UID: &str = "AgbCtixjwqLjwV3VWpfPyz";

/// As long as the message of the vendor's own test.
const MESSAGE: [u8; 231] = [b'm'; 231];

/// A module that is owned, and protects messages.
pub(crate) struct Protect {
    modem: Modem,
    now: Now,
}

/// The cipher alone.
pub(crate) struct Cipher {
    header: E2eHeader,
    key: MessageKey,
}

impl Protect {
    pub(crate) fn new() -> Self {
        let profile = Arc::new(Profile::built_in("sara-r510s").expect("a built-in profile"));
        let now = Now::both(Timestamp::from_millis(1_767_225_600_000));
        let options = ModuleOptions {
            timing: Timing::Fast,
            ip: IpVersion::V4,
            service_resolves: false,
            seed: 1,
            entropy: ChaCha12Rng::seed_from_u64(7),
            session_seed: None,
        };
        let mut modem = Modem::new(Arc::clone(&profile), owned(&profile), options, 1, now);
        modem.handle_input(Input::PowerOn, now);
        while modem.poll_output().is_some() {}
        Self { modem, now }
    }
}

impl Work for Protect {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            let command = format!("AT+USECE2EDATAENC={}\r", MESSAGE.len());
            for bytes in [command.as_bytes(), &MESSAGE] {
                self.modem.handle_input(Input::Serial { port: PortId(0), bytes }, self.now);
            }
            // The echo, the prompt, what is stored, the answer, OK.
            assert_eq!(std::iter::from_fn(|| self.modem.poll_output()).count(), 5);
        }
    }
}

impl Cipher {
    pub(crate) fn new() -> Self {
        let header = [&[0x11, 0x01][..], &[0; 14]].concat();
        let (header, _) = split_header(&header).expect("a header of version 1");
        Self { header, key: MessageKey { key: [1; 16], nonce: [2; 12] } }
    }
}

impl Work for Cipher {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            assert_eq!(protect(&self.header, &self.key, &MESSAGE).len(), MESSAGE.len() + 32);
        }
    }
}

/// The memory of a module that has bootstrapped and is its owner's.
fn owned(profile: &Arc<Profile>) -> Nvm {
    let mut world = World::new(1);
    let devices = DeviceProfile::new(PROFILE_UID, "bench");
    world.operator().expect("it runs").create_device_profile(devices).expect("a new profile");
    let modem = world.add_modem(profile, WorldOptions::default());
    world.input(modem, Input::PowerOn);
    assert_eq!(world.at(modem, &format!("AT+USECDEVINFO=\"{PROFILE_UID}\",\"serial-1\"")), "OK");
    world.run_for(60_000);
    world.disk(modem).primary.clone()
}
