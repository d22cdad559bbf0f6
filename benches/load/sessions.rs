//! Sessions that are opened and left alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use vsara::host::clock::{Clock, Pace};
use vsara::protocol::keys::{FACTORY_KEY_SET, MasterKey, PskIdentity, RotUid};
use vsara::protocol::session::{ClientEvent, ClientSession, SessionOptions};

/// Proves the key of a module that asks for nothing, and goes away without a word. Its port is taken
/// by no other as long as this program has room for more: each has an address of its own.
pub(crate) async fn open(number: u64, service: SocketAddr) -> Duration {
    let rot = RotUid((0x0a04_0000_0000_0000 | number).to_be_bytes());
    let key = MasterKey::development().factory_secret(rot).key;
    let identity = PskIdentity { rot, key_set: FACTORY_KEY_SET };
    let clock = Clock::start(Pace::Real, None);
    let address = std::net::Ipv4Addr::from_bits(0x7f01_0000 + number as u32);
    let socket = tokio::net::UdpSocket::bind((address, 0)).await.expect("all of 127/8 is this machine");
    socket.connect(service).await.expect("loopback");
    let began = Instant::now();
    let mut session = ClientSession::new(identity, &key, SessionOptions::default(), clock.now().steady);
    let mut buffer = [0; 2048];
    loop {
        while let Some(bytes) = session.poll_transmit() {
            socket.send(&bytes).await.expect("loopback");
        }
        match session.poll_event() {
            Some(ClientEvent::Connected) => return began.elapsed(),
            Some(other) => panic!("no session: {other:?}"),
            None => {}
        }
        let steady = session.next_timeout();
        let wait = clock.until(vsara::time::Wakeup { steady, system: None });
        tokio::select! {
            received = socket.recv(&mut buffer) => {
                let count = received.expect("loopback");
                session.handle_datagram(&buffer[..count], clock.now().steady);
            }
            () = Clock::wait(wait) => session.handle_timeout(clock.now().steady),
        }
    }
}
