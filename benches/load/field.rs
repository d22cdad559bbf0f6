//! A module fresh from the factory, with the sockets that the program gives it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::host::clock::Clock;
use vsara::host::udp::{ModuleSockets, Received, ServiceSpec};
use vsara::modem::{Input, Modem, Output};
use vsara::module::{self, IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::MasterKey;

/// Powers a module on and waits until it has bootstrapped; how long that took.
pub(crate) async fn bootstrap(
    number: u64,
    service: SocketAddr,
    clock: Clock,
    profile: Arc<Profile>,
) -> Duration {
    let mut modem = make(number, profile, &clock);
    let mut sockets = ModuleSockets::new(ServiceSpec::Address(service));
    let mut buffer = [0; 2048];
    let began = Instant::now();
    modem.handle_input(Input::PowerOn, clock.now());
    loop {
        while let Some(output) = modem.poll_output() {
            if let Output::Module(module::Output::Datagram { flow, bytes }) = output {
                sockets.send(flow, bytes);
            }
        }
        if modem.module().nvm().security.is_bootstrapped() {
            return began.elapsed();
        }
        let wait = clock.until(modem.next_timeout());
        tokio::select! {
            received = std::future::poll_fn(|cx| sockets.poll_received(cx, &mut buffer)) => {
                let Received::Datagram(flow, count) = received else { panic!("an address resolves") };
                modem.handle_input(Input::Datagram { flow, bytes: &buffer[..count] }, clock.now());
            }
            () = Clock::wait(wait) => modem.handle_timeout(clock.now()),
        }
    }
}

fn make(number: u64, profile: Arc<Profile>, clock: &Clock) -> Modem {
    let mut random = ChaCha12Rng::seed_from_u64(number);
    let rot = factory::new_rot(&mut random);
    let nvm = factory::new_module(&profile, rot, &MasterKey::development(), &mut random);
    let options = ModuleOptions {
        timing: Timing::Fast,
        ip: IpVersion::V4,
        service_resolves: true,
        seed: number,
        entropy: random,
        session_seed: None,
    };
    Modem::new(profile, nvm, options, 1, clock.now())
}
