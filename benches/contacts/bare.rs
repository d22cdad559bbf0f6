//! The floor: two ends of the DTLS engine, with the settings of our sessions and nothing around
//! them. A bare handshake is the engine's best: both ends share one configuration for all of them.
//! A client with an identity of its own needs its own, so the bare contacts set up one a session.

use std::sync::Arc;
use std::time::Instant;

use dimpl::crypto::{CryptoProvider, Dtls12CipherSuite, rust_crypto};
use dimpl::{Config, ConfigBuilder, Dtls, Output, PskResolver};
use vsara::protocol::session::{DEFAULT_MTU, FLIGHT_RETRIES, FLIGHT_START_RTO, HANDSHAKE_TIMEOUT};

use super::rounds::Work;

/// The plaintexts of each session: request and answer, in bytes.
pub(crate) type Sessions = &'static [&'static [(usize, usize)]];

/// One handshake.
pub(crate) const HANDSHAKE: Sessions = &[&[]];
/// What the four phases of a bootstrap transfer.
pub(crate) const BOOTSTRAP: Sessions = &[&[(155, 60), (63, 24), (65, 110)], &[(77, 21)]];
/// What a heartbeat and its report transfer.
pub(crate) const HEARTBEAT: Sessions = &[&[(71, 132), (62, 26)]];

/// Sessions without anything around them.
pub(crate) struct Bare {
    sessions: Sessions,
    client: Arc<Config>,
    server: Arc<Config>,
    now: Instant,
}

struct Key;

impl PskResolver for Key {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(vec![7; 32])
    }
}

impl Bare {
    pub(crate) fn new(sessions: Sessions) -> Self {
        let server = config(|builder| builder.with_psk_server(None, Arc::new(Key)));
        #[expect(clippy::disallowed_methods, reason = "the engine counts in Instants")]
        let now = Instant::now();
        Self { sessions, client: client_config(), server, now }
    }

    fn session(&self, exchanges: &[(usize, usize)]) {
        let config = if exchanges.is_empty() { Arc::clone(&self.client) } else { client_config() };
        let mut client = Dtls::new_12_psk(config, self.now);
        let mut server = Dtls::new_12_psk(Arc::clone(&self.server), self.now);
        client.set_active(true);
        server.set_active(false);
        client.handle_timeout(self.now).expect("a client begins");
        server.handle_timeout(self.now).expect("a server waits");
        let mut connected = 0;
        while connected < 2 {
            connected +=
                carry(&mut client, &mut server).connected + carry(&mut server, &mut client).connected;
        }
        for (request, answer) in exchanges {
            say(&mut client, &mut server, *request);
            say(&mut server, &mut client, *answer);
        }
        if !exchanges.is_empty() {
            client.close().expect("a session closes");
            carry(&mut client, &mut server);
            carry(&mut server, &mut client);
        }
    }
}

fn client_config() -> Arc<Config> {
    config(|builder| builder.with_psk_client(b"0a04f008003c9623:0".into(), Arc::new(Key)))
}

fn config(role: fn(ConfigBuilder) -> ConfigBuilder) -> Arc<Config> {
    let builder = Config::builder()
        .with_crypto_provider(provider())
        .dtls12_cipher_suites(&[Dtls12CipherSuite::PSK_AES128_CCM_8])
        .dtls13_cipher_suites(&[])
        .mtu(DEFAULT_MTU)
        .flight_start_rto(FLIGHT_START_RTO)
        .flight_retries(FLIGHT_RETRIES)
        .handshake_timeout(HANDSHAKE_TIMEOUT);
    Arc::new(role(builder).build().expect("settings as those of our sessions"))
}

/// The one suite of our sessions: a configuration tests all of its provider when it is built.
fn provider() -> CryptoProvider {
    let all = rust_crypto::default_provider();
    let psk = all.cipher_suites.iter().position(|it| it.suite() == Dtls12CipherSuite::PSK_AES128_CCM_8);
    let psk = psk.expect("the engine has the suite");
    CryptoProvider {
        cipher_suites: &all.cipher_suites[psk..=psk],
        kx_groups: &[],
        dtls13_cipher_suites: &all.dtls13_cipher_suites[..1],
        ..all
    }
}

impl Work for Bare {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            self.sessions.iter().for_each(|exchanges| self.session(exchanges));
        }
    }
}

#[derive(Default)]
struct Carried {
    connected: usize,
    plaintext: usize,
}

fn say(from: &mut Dtls, to: &mut Dtls, len: usize) {
    from.send_application_data(&[0x5a; 256][..len]).expect("a session stands");
    carry(from, to);
    assert_eq!(carry(to, from).plaintext, len);
}

/// Carries what `from` has to send to `to`.
fn carry(from: &mut Dtls, to: &mut Dtls) -> Carried {
    let mut buffer = [0; 1536];
    let mut carried = Carried::default();
    loop {
        match from.poll_output(&mut buffer) {
            Output::Packet(datagram) => to.handle_packet(datagram).expect("a peer with the same settings"),
            Output::Connected => carried.connected += 1,
            Output::ApplicationData(plaintext) => carried.plaintext += plaintext.len(),
            Output::Timeout(_) => return carried,
            _ => {}
        }
    }
}
