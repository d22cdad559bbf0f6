//! The floor: the DTLS engine behind one UDP socket in a process of its own, with the settings of our
//! sessions; no store, no CoAP, one key for all.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::crypto::{CryptoProvider, Dtls12CipherSuite, rust_crypto};
use dimpl::{Config, ConfigBuilder, Dtls, Output, PskResolver};
use vsara::protocol::session::{DEFAULT_MTU, FLIGHT_RETRIES, FLIGHT_START_RTO, HANDSHAKE_TIMEOUT};

use super::process::{first_line_field, processor_time_s};
use super::socket_to;

/// Makes this program the bare server.
pub(crate) const ARGUMENT: &str = "--bare-server";

/// Ends with this value.
pub(crate) struct BareServer {
    child: Child,
    pub(crate) address: SocketAddr,
}

struct Key;

impl PskResolver for Key {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(vec![7; 32])
    }
}

impl BareServer {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a program"))
            .arg(ARGUMENT)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let address = first_line_field(&mut child, "dtls=");
        Self { child, address }
    }

    /// The time it was on a processor.
    pub(crate) fn processor_time_s(&self) -> f64 {
        processor_time_s(&self.child)
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves handshakes until it is killed. A session that stands is forgotten.
pub(crate) fn serve() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    println!("dtls={}", socket.local_addr().expect("bound"));
    let config = config(|builder| builder.with_psk_server(None, Arc::new(Key)));
    let mut sessions: HashMap<SocketAddr, Dtls> = HashMap::new();
    let (mut datagram, mut buffer) = ([0; 2048], [0; 2048]);
    loop {
        let (count, peer) = socket.recv_from(&mut datagram).expect("a socket");
        let session = sessions.entry(peer).or_insert_with(|| begin(&config, false));
        session.handle_packet(&datagram[..count]).expect("a peer with the same settings");
        let connected = drain(session, &mut buffer, |bytes| {
            socket.send_to(bytes, peer).expect("loopback");
        });
        if connected {
            sessions.remove(&peer);
        }
    }
}

/// One handshake; how long it took.
pub(crate) async fn handshake(server: SocketAddr) -> Duration {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    let identity = || b"0a04f008003c9623:0".to_vec();
    let config = CONFIG.get_or_init(|| config(|builder| builder.with_psk_client(identity(), Arc::new(Key))));
    let socket = socket_to(server);
    let (mut datagram, mut buffer) = ([0; 2048], [0; 2048]);
    let began = Instant::now();
    let mut session = begin(config, true);
    loop {
        let mut outgoing = Vec::new();
        let connected = drain(&mut session, &mut buffer, |bytes| outgoing.push(bytes.to_vec()));
        for bytes in outgoing {
            socket.send(&bytes).await.expect("loopback");
        }
        if connected {
            return began.elapsed();
        }
        match tokio::time::timeout(FLIGHT_START_RTO, socket.recv(&mut datagram)).await {
            Ok(received) => {
                let count = received.expect("loopback");
                session.handle_packet(&datagram[..count]).expect("a peer with the same settings");
            }
            Err(_) => session.handle_timeout(Instant::now()).expect("within its patience"),
        }
    }
}

fn begin(config: &Arc<Config>, client: bool) -> Dtls {
    let now = Instant::now();
    let mut session = Dtls::new_12_psk(Arc::clone(config), now);
    session.set_active(client);
    session.handle_timeout(now).expect("a session begins");
    session
}

/// Sends what the engine has to say; whether the handshake is done.
fn drain(session: &mut Dtls, buffer: &mut [u8], mut send: impl FnMut(&[u8])) -> bool {
    let mut connected = false;
    loop {
        match session.poll_output(buffer) {
            Output::Packet(bytes) => send(bytes),
            Output::Connected => connected = true,
            Output::Timeout(_) => return connected,
            _ => {}
        }
    }
}

fn config(role: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Arc<Config> {
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

/// The one suite of our sessions.
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
