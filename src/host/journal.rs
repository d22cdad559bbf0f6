//! [`Journal`]: the last things that passed a service: datagrams, the CoAP in them, what it noted.
//!
//! It shows what modules say in clear, device profile UIDs among it, so it is for the admin only.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::host::event_log::service_event;
use crate::service;
use crate::time::Timestamp;

/// Most bytes of entries that are kept; the oldest go first.
const JOURNAL_LEN_MAX: usize = 8 << 20;

/// What an entry costs beside its bytes.
const ENTRY_LEN: usize = 128;

/// The last things that passed.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    len: usize,
}

/// One thing that passed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, system time.
    pub at: Timestamp,
    /// What.
    pub what: Passed,
}

/// What passed.
#[derive(Clone, Debug)]
pub enum Passed {
    /// A datagram on the link.
    Datagram(Way, SocketAddr, Vec<u8>),
    /// The CoAP message in one.
    Coap(Way, SocketAddr, Vec<u8>),
    /// Something was noted.
    Event(Arc<service::Event>),
    /// Anything else, in words.
    Trace(String),
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a module.
    In,
    /// To a module.
    Out,
}

impl Journal {
    /// Something passed.
    pub fn note(&mut self, at: Timestamp, what: Passed) {
        let entry = Entry { at, what };
        self.len += entry.len();
        self.entries.push_back(entry);
        while self.len > JOURNAL_LEN_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.len -= oldest.len();
        }
    }

    /// What is kept, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Entry {
    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        let time = self.at;
        match &self.what {
            Passed::Datagram(way, peer, bytes) => {
                json!({ "time": time, "what": "datagram", "way": way.name(), "peer": peer.to_string(),
                        "length": bytes.len(), "bytes": hex::encode(bytes) })
            }
            Passed::Coap(way, peer, bytes) => {
                json!({ "time": time, "what": "coap", "way": way.name(), "peer": peer.to_string(),
                        "length": bytes.len(), "bytes": hex::encode(bytes) })
            }
            Passed::Event(event) => json!({ "time": time, "what": "event", "event": service_event(event) }),
            Passed::Trace(text) => json!({ "time": time, "what": "trace", "text": text }),
        }
    }

    fn len(&self) -> usize {
        ENTRY_LEN
            + match &self.what {
                Passed::Datagram(_, _, bytes) | Passed::Coap(_, _, bytes) => bytes.len(),
                Passed::Trace(text) => text.len(),
                Passed::Event(_) => 0,
            }
    }
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_go_first_and_the_journal_stays_within_its_limit() {
        let peer = ([127, 0, 0, 1], 1).into();
        let mut journal = Journal::default();
        for n in 0..20_000_i64 {
            journal.note(Timestamp::from_millis(n), Passed::Datagram(Way::In, peer, vec![0; 1000]));
        }
        assert!(journal.len <= JOURNAL_LEN_MAX);
        let kept: Vec<_> = journal.entries().map(|entry| entry.at.as_millis()).collect();
        assert_eq!(kept.len(), JOURNAL_LEN_MAX / (ENTRY_LEN + 1000));
        assert_eq!(kept.last(), Some(&19_999));
        journal.clear();
        assert_eq!((journal.len, journal.entries().count()), (0, 0));
    }
}
