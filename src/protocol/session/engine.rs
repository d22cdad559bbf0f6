//! The DTLS engine (`dimpl`) behind the clock of the core.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::crypto::{CryptoProvider, Dtls12CipherSuite, rust_crypto};
use dimpl::{Config, ConfigBuilder, Dtls, Error, Output, SecurityError, TimeoutError};

use super::{FLIGHT_RETRIES, FLIGHT_START_RTO, HANDSHAKE_TIMEOUT, SessionFailure, SessionOptions};
use crate::time::Timestamp;

/// One end of one DTLS session: datagrams in and out, plaintext in and out.
pub(super) struct Engine {
    /// In a box, since it is large and sessions are moved about.
    dtls: Box<Dtls>,
    /// The engine counts on the system's monotonic clock; this pair ties it to the core's.
    base: (Instant, Timestamp),
    /// The time the engine was told last.
    told: Timestamp,
    timeout: Option<Timestamp>,
    connected: bool,
    end: Option<End>,
    transmit: VecDeque<Vec<u8>>,
    plaintext: VecDeque<Vec<u8>>,
}

/// How an engine ended; it is never touched again after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) failure: SessionFailure,
    /// The alert (RFC 5246 7.2) that tells the peer, where there is one it was not told yet.
    pub(super) alert: Option<u8>,
}

/// Most datagrams fit; a larger plaintext gets a buffer of its own.
const DATAGRAM_BUFFER_LEN: usize = 1536;

/// What the engine calls idle is a deadline in ten years; beyond this is no deadline at all.
const IDLE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const BAD_RECORD_MAC: u8 = 20;
const HANDSHAKE_FAILURE: u8 = 40;
const DECRYPT_ERROR: u8 = 51;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;
const UNKNOWN_PSK_IDENTITY: u8 = 115;

/// The settings both ends share; only the key is missing.
pub(super) fn config(options: &SessionOptions) -> ConfigBuilder {
    let builder = Config::builder()
        .with_crypto_provider(provider().clone())
        .dtls12_cipher_suites(&[Dtls12CipherSuite::PSK_AES128_CCM_8])
        .dtls13_cipher_suites(&[])
        .mtu(options.mtu)
        .flight_start_rto(FLIGHT_START_RTO)
        .flight_retries(FLIGHT_RETRIES)
        .handshake_timeout(HANDSHAKE_TIMEOUT);
    match options.seed {
        Some(seed) => builder.dangerously_set_rng_seed(seed),
        None => builder,
    }
}

/// Only what the one suite needs: building a configuration tests every algorithm of its provider,
/// and three key exchanges for each session would cost many times the session.
fn provider() -> &'static CryptoProvider {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let all = rust_crypto::default_provider();
        let psk = all.cipher_suites.iter().position(|it| it.suite() == Dtls12CipherSuite::PSK_AES128_CCM_8);
        // expect: the engine was chosen for this suite, and every version so far has it.
        let psk = psk.expect("the DTLS engine has TLS_PSK_WITH_AES_128_CCM_8");
        CryptoProvider {
            cipher_suites: &all.cipher_suites[psk..=psk],
            kx_groups: &[],
            // Never used, but the engine wants to see one.
            dtls13_cipher_suites: &all.dtls13_cipher_suites[..1],
            ..all
        }
    })
}

impl Engine {
    /// A client, which has its first hello ready, or a server, which waits for one.
    pub(super) fn new(config: Arc<Config>, client: bool, now: Timestamp) -> Self {
        let base = (monotonic_now(), now);
        let mut dtls = Box::new(Dtls::new_12_psk(config, base.0));
        dtls.set_active(client);
        let mut engine = Self {
            dtls,
            base,
            told: now,
            timeout: None,
            connected: false,
            end: None,
            transmit: VecDeque::new(),
            plaintext: VecDeque::new(),
        };
        engine.handle_timeout(now);
        engine
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub(super) fn handle_datagram(&mut self, datagram: &[u8], now: Timestamp) {
        // The engine takes the time only as a timeout, and wants to know it before a datagram.
        if now != self.told {
            self.tell(now);
        }
        self.attempt(|dtls| dtls.handle_packet(datagram));
        self.drain();
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        self.tell(now);
        self.drain();
    }

    pub(super) fn send(&mut self, plaintext: &[u8]) {
        self.attempt(|dtls| dtls.send_application_data(plaintext).map(drop));
        self.drain();
    }

    /// Says goodbye, where there is anybody to say it to.
    pub(super) fn close(&mut self) {
        self.attempt(Dtls::close);
        self.drain();
        self.plaintext.clear();
        self.end.get_or_insert(End { failure: SessionFailure::Closed, alert: None });
    }

    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        self.timeout.filter(|_| self.end.is_none())
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmit.pop_front()
    }

    pub(super) fn poll_plaintext(&mut self) -> Option<Vec<u8>> {
        self.plaintext.pop_front()
    }

    /// Sends a datagram behind those that wait already.
    pub(super) fn transmit(&mut self, datagram: Option<Vec<u8>>) {
        self.transmit.extend(datagram);
    }

    /// Gives back what its queues do not need.
    pub(super) fn free_unused(&mut self) {
        self.transmit.shrink_to_fit();
        self.plaintext.shrink_to_fit();
    }

    fn tell(&mut self, now: Timestamp) {
        self.told = now;
        let at = self.base.0 + (now - self.base.1);
        self.attempt(|dtls| dtls.handle_timeout(at));
    }

    fn attempt(&mut self, act: impl FnOnce(&mut Dtls) -> Result<(), Error>) {
        if self.end.is_none()
            && let Err(error) = act(&mut self.dtls)
        {
            self.end = Some(End::of(&error, self.connected));
        }
    }

    fn drain(&mut self) {
        if self.end.is_some() {
            return;
        }
        let mut small = [0; DATAGRAM_BUFFER_LEN];
        let mut large = Vec::new();
        let mut wanted = 0;
        loop {
            let buffer = if wanted > small.len() {
                large.resize(wanted, 0);
                &mut large[..]
            } else {
                &mut small[..]
            };
            match self.dtls.poll_output(buffer) {
                Output::Packet(datagram) => self.transmit.push_back(datagram.to_vec()),
                Output::ApplicationData(plaintext) => self.plaintext.push_back(plaintext.to_vec()),
                Output::Connected => self.connected = true,
                Output::CloseNotify => {
                    self.end = Some(End { failure: SessionFailure::Closed, alert: None });
                    return;
                }
                Output::BufferTooSmall { needed } => wanted = needed,
                Output::Timeout(at) => {
                    self.timeout = self.timestamp(at);
                    return;
                }
                _ => {}
            }
        }
    }

    /// Rounded up, so that the engine finds its deadline passed when it is called at this time.
    fn timestamp(&self, at: Instant) -> Option<Timestamp> {
        let after = at.saturating_duration_since(self.base.0);
        let millis = i64::try_from(after.as_nanos().div_ceil(1_000_000)).ok()?;
        let deadline = self.base.1.offset_millis(millis);
        (after < IDLE).then_some(deadline)
    }
}

impl End {
    fn of(error: &Error, connected: bool) -> Self {
        let handshake = !connected;
        match error {
            Error::Timeout(TimeoutError::Connect | TimeoutError::Handshake) => {
                Self { failure: SessionFailure::HandshakeTimeout, alert: None }
            }
            Error::SecurityError(SecurityError::FatalAlert {
                description: BAD_RECORD_MAC | DECRYPT_ERROR | UNKNOWN_PSK_IDENTITY,
            }) if handshake => Self { failure: SessionFailure::KeyRefused, alert: None },
            Error::SecurityError(SecurityError::FatalAlert { description }) => Self {
                failure: SessionFailure::Protocol(format!("the peer sent alert {description}")),
                alert: None,
            },
            // With another key on the other side its Finished cannot be decrypted (RFC 4279 2
            // names the alert).
            Error::CryptoError(_)
            | Error::SecurityError(
                SecurityError::ClientFinishedVerificationFailed
                | SecurityError::ServerFinishedVerificationFailed,
            ) if handshake => Self { failure: SessionFailure::KeyRefused, alert: Some(DECRYPT_ERROR) },
            Error::ConnectionClosed => Self { failure: SessionFailure::Closed, alert: None },
            other => {
                let alert = match other {
                    Error::SecurityError(SecurityError::UnsupportedClientVersion(_)) => PROTOCOL_VERSION,
                    Error::SecurityError(_) => HANDSHAKE_FAILURE,
                    _ => INTERNAL_ERROR,
                };
                let failure = SessionFailure::Protocol(other.to_string());
                Self { failure, alert: Some(alert).filter(|_| handshake) }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the named exception: the DTLS engine counts in Instants, and an Instant comes from a clock only"
)]
fn monotonic_now() -> Instant {
    Instant::now()
}
