//! An owner's server: it speaks DTLS 1.2 with pre-shared keys it has never seen before. When a client
//! presents the identity of a key (what `AT+USECPSK` said first, in hex), the server asks the security
//! service for the key of it by REST. Whoever has no key of a device of this owner gets no answer.
//!
//! ```sh
//! vsara server &                                                            # or a `vsara` with its service inside
//! export API_KEY=… API_SECRET=…                                             # vsara ctl accesskey create
//! cargo run --example psk_server -- 127.0.0.1:8480 127.0.0.1:7684           # the service's REST, where to listen
//! python3 examples/psk_client.py .vsara/tty 127.0.0.1:7684 hello            # the host of a module
//! ```
//!
//! It answers every message with the root of trust of its sender in front. A server for more than a
//! demonstration would ask before the handshake's answer is due, and not while others wait.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what it does")]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dimpl::crypto::Dtls12CipherSuite;
use dimpl::{Config, Dtls, Output, PskResolver};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// Sessions at a time; the next client has to wait for one to end.
const SESSIONS_MAX: usize = 64;

/// The longest answer of the service, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;

/// How long the service may take for a call.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// How long a session may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The security service, as far as this server needs it.
struct Service {
    address: String,
    api_key: String,
    api_secret: String,
}

/// Finds the key of one session, and remembers whose it was.
struct KeyFinder {
    service: Arc<Service>,
    sender: Arc<Mutex<Option<String>>>,
}

/// A client and what it said.
struct Session {
    dtls: Dtls,
    sender: Arc<Mutex<Option<String>>>,
    timeout: Instant,
    silent_since: Instant,
}

impl Service {
    /// A `POST` with JSON, answered with JSON.
    fn call(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(ANSWER_TIME))?;
        write!(
            connection,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n{token}\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        connection.take(ANSWER_MAX).read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer of the service")?;
        if head.split(' ').nth(1) != Some("200") {
            return Err(format!("{path}: {}: {body}", head.lines().next().unwrap_or_default()).into());
        }
        Ok(serde_json::from_str(body)?)
    }

    /// The key of an identity, and whose it is.
    fn key_of(&self, identity: &str) -> Result<(Vec<u8>, String), Failure> {
        let credentials = json!({ "APIKey": self.api_key, "APISecret": self.api_secret });
        let tokens = self.call("/v1/authenticate", None, &credentials)?;
        let token = tokens["AuthToken"].as_str().ok_or("no token")?;
        let found = self.call("/v1/psk/get", Some(token), &json!({ "PSKIdentity": identity }))?;
        let key = hex::decode(found["PSK"].as_str().ok_or("no key")?)?;
        Ok((key, found["ROTPublicUID"].as_str().ok_or("nobody's key")?.to_owned()))
    }
}

impl PskResolver for KeyFinder {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        let identity = std::str::from_utf8(identity).ok()?;
        match self.service.key_of(identity) {
            Ok((key, rot)) => {
                eprintln!("{identity} is a key of {rot}");
                *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(rot);
                Some(key)
            }
            Err(error) => {
                eprintln!("{identity}: {error}");
                None
            }
        }
    }
}

impl Session {
    fn new(service: &Arc<Service>, now: Instant) -> Result<Self, Failure> {
        let sender = Arc::new(Mutex::new(None));
        let finder = KeyFinder { service: Arc::clone(service), sender: Arc::clone(&sender) };
        let config = Config::builder()
            .dtls12_cipher_suites(&[Dtls12CipherSuite::PSK_AES128_CCM_8])
            .dtls13_cipher_suites(&[])
            .with_psk_server(None, Arc::new(finder))
            .build()?;
        let mut dtls = Dtls::new_12_psk(Arc::new(config), now);
        dtls.handle_timeout(now)?;
        Ok(Self { dtls, sender, timeout: now, silent_since: now })
    }

    /// Sends what is to be sent, and answers what was said; whether the session goes on.
    fn progress(&mut self, socket: &UdpSocket, peer: SocketAddr) -> Result<bool, Failure> {
        let mut buffer = vec![0; 2048];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => drop(socket.send_to(datagram, peer)?),
                Output::ApplicationData(message) => {
                    let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let answer = [sender.unwrap_or_default().as_bytes(), b": ", message].concat();
                    self.dtls.send_application_data(&answer)?;
                }
                Output::CloseNotify => return Ok(false),
                Output::Timeout(at) => {
                    self.timeout = at;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    fn handle(&mut self, datagram: &[u8], now: Instant) -> Result<(), Failure> {
        self.silent_since = now;
        self.dtls.handle_timeout(now)?;
        Ok(self.dtls.handle_packet(datagram)?)
    }
}

#[expect(clippy::disallowed_methods, reason = "a server of its own, outside the core")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [rest, listen] = &arguments[..] else { return Err("psk_server REST_ADDRESS LISTEN_ADDRESS".into()) };
    let service = Arc::new(Service {
        address: rest.trim_start_matches("http://").to_owned(),
        api_key: std::env::var("API_KEY")?,
        api_secret: std::env::var("API_SECRET")?,
    });
    let socket = UdpSocket::bind(listen)?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    println!("listening on {}", socket.local_addr()?);
    let mut sessions: HashMap<SocketAddr, Session> = HashMap::new();
    let mut datagram = [0; 2048];
    loop {
        let received = match socket.recv_from(&mut datagram) {
            Ok(received) => Some(received),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
            Err(error) => return Err(error.into()),
        };
        let now = Instant::now();
        if let Some((length, peer)) = received {
            if sessions.len() < SESSIONS_MAX && !sessions.contains_key(&peer) {
                sessions.insert(peer, Session::new(&service, now)?);
            }
            let handled = sessions.get_mut(&peer).map(|session| session.handle(&datagram[..length], now));
            if let Some(Err(error)) = handled {
                eprintln!("{peer}: {error}");
                sessions.remove(&peer);
            }
        }
        sessions.retain(|peer, session| {
            let due = session.timeout > now || session.dtls.handle_timeout(now).is_ok();
            due && now - session.silent_since < SILENCE_MAX
                && session.progress(&socket, *peer).unwrap_or(false)
        });
    }
}
