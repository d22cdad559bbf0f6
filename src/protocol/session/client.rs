//! The module's end of a session.

use std::collections::VecDeque;
use std::sync::Arc;

use dimpl::PskResolver;

use super::engine::{self, Engine};
use super::{RequestRefused, SessionFailure, SessionOptions};
use crate::protocol::coap::{Code, Reply, Requester};
use crate::protocol::keys::{Key, PskIdentity};
use crate::time::{Timestamp, earlier};

/// One DTLS session of a client and the CoAP exchanges in it: one local UDP port.
///
/// 1. [`ClientSession::new`] has the first hello ready to be sent.
/// 2. [`ClientEvent::Connected`]: the handshake is done, and with it the proof that the peer
///    holds the key.
/// 3. [`ClientSession::request`], one at a time, each ending in [`ClientEvent::Answer`].
/// 4. [`ClientSession::close`], or [`ClientEvent::Failed`]: nothing comes after either.
pub struct ClientSession {
    engine: Engine,
    requester: Requester,
    connected: bool,
    over: bool,
    events: VecDeque<ClientEvent>,
}

/// What a client session tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The handshake is done; requests may follow.
    Connected,
    /// The response to the request.
    Answer {
        /// Success or error, in the words of CoAP.
        code: Code,
        /// The payload, as long as the peer made it.
        payload: Vec<u8>,
    },
    /// The session is over.
    Failed(SessionFailure),
}

struct OneKey(Key);

impl PskResolver for OneKey {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.as_bytes().to_vec())
    }
}

impl ClientSession {
    /// Starts a handshake with this identity and its key.
    pub fn new(identity: PskIdentity, key: &Key, options: SessionOptions, now: Timestamp) -> Self {
        let config = engine::config(&options)
            .with_psk_client(identity.to_string().into_bytes(), Arc::new(OneKey(key.clone())))
            .build()
            // expect: the settings are constants, all within the limits of the engine; an MTU
            // below 64 bytes is no MTU of any network.
            .expect("the settings of a session are valid");
        let mut session = Self {
            engine: Engine::new(Arc::new(config), true, now),
            requester: Requester::new(options.seed.unwrap_or(now.as_millis() as u64)),
            connected: false,
            over: false,
            events: VecDeque::new(),
        };
        session.settle(now);
        session
    }

    /// Posts CBOR to a path. Refused before the session stands, while an exchange is open, and
    /// once the session is over.
    pub fn request(&mut self, path: &str, payload: Vec<u8>, now: Timestamp) -> Result<(), RequestRefused> {
        if self.over {
            return Err(RequestRefused::Over);
        }
        if !self.connected {
            return Err(RequestRefused::NotConnected);
        }
        self.requester.request(path, payload, now)?;
        self.settle(now);
        Ok(())
    }

    /// Takes a datagram of the peer, whatever it is.
    pub fn handle_datagram(&mut self, datagram: &[u8], now: Timestamp) {
        if !self.over {
            self.engine.handle_datagram(datagram, now);
            self.settle(now);
        }
    }

    /// Repeats or gives up what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if !self.over {
            self.engine.handle_timeout(now);
            self.requester.handle_timeout(now);
            self.settle(now);
        }
    }

    /// When [`ClientSession::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.over { None } else { earlier(self.engine.next_timeout(), self.requester.next_timeout()) }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.engine.poll_transmit()
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Whether nothing more will happen; datagrams may still wait to be sent.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Says goodbye. No event follows.
    pub fn close(&mut self, now: Timestamp) {
        if self.over {
            return;
        }
        self.settle(now);
        self.engine.close();
        self.over = true;
    }

    /// Carries everything between CoAP, the engine and the owner.
    fn settle(&mut self, now: Timestamp) {
        if self.engine.is_connected() && !self.connected {
            self.connected = true;
            self.events.push_back(ClientEvent::Connected);
        }
        while let Some(plaintext) = self.engine.poll_plaintext() {
            self.requester.handle_datagram(&plaintext, now);
        }
        while let Some(message) = self.requester.poll_transmit() {
            self.engine.send(&message);
        }
        match self.requester.poll_reply() {
            Some(Reply::Answer { code, payload }) => {
                self.events.push_back(ClientEvent::Answer { code, payload })
            }
            Some(Reply::Reset) => self.fail(SessionFailure::Protocol("the peer reset the exchange".into())),
            Some(Reply::NoAnswer) => self.fail(SessionFailure::NoAnswer),
            None => {}
        }
        if let Some(end) = self.engine.end().cloned() {
            self.engine.transmit(end.alert.map(super::record::fatal_alert));
            self.fail(end.failure);
        }
    }

    fn fail(&mut self, failure: SessionFailure) {
        if !self.over {
            self.over = true;
            self.events.push_back(ClientEvent::Failed(failure));
        }
    }
}

impl std::fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { connected, over, .. } = self;
        f.debug_struct("ClientSession")
            .field("connected", connected)
            .field("over", over)
            .finish_non_exhaustive()
    }
}
