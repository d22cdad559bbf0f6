//! What the admin API does with a service as a whole: faults, journal, reset, snapshots, numbers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::ServiceHost;
use super::faults::FaultState;
use crate::host::journal::{Journal, Way};
use crate::host::pcapng;
use crate::host::service_file;
use crate::protocol::coap::Code;
use crate::service::event::EventKind;
use crate::service::{Event, OperatorError, StoreError, Trace};

/// What has passed a service since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams from modules, and their bytes.
    pub datagrams_in: (u64, u64),
    /// Datagrams to modules, and their bytes.
    pub datagrams_out: (u64, u64),
    /// Handshakes that were done.
    pub handshakes: u64,
    /// Handshakes and sessions that failed.
    pub failures: u64,
    /// Exchanges, by path and response code.
    pub exchanges: BTreeMap<(String, Code), u64>,
    /// Events, by kind.
    pub events: BTreeMap<EventKind, u64>,
    /// Failures of the store where nobody waited for an answer.
    pub store_failures: u64,
}

/// Most different paths and codes that are counted; there are fewer, but a path is the peer's to
/// choose.
const EXCHANGES_MAX: usize = 64;

impl ServiceHost {
    /// What is wrong on purpose.
    pub fn faults(&mut self) -> FaultState {
        let now = self.clock.now();
        self.faults.state(now)
    }

    /// This is wrong on purpose from now on, and nothing else.
    pub fn set_faults(&mut self, state: FaultState) {
        self.faults.set(state);
    }

    /// What passed, where a journal is kept.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// The journal as a packet capture.
    pub fn capture(&self) -> Vec<u8> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 5684));
        let address = self.socket.local_addr().unwrap_or(unknown);
        pcapng::capture(self.journal.iter().flat_map(Journal::entries), address)
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// As at the first start: everything is forgotten but `service.toml`, the service's identity, the
    /// time, and the tokens of its doors. Modules that have bootstrapped hold keys nobody knows any
    /// more; a factory reset makes them as new.
    pub fn reset(&mut self) -> Result<(), OperatorError> {
        self.service.store().clear()?;
        self.begin_anew()?;
        let listed = service_file::load(&self.state_dir)
            .map_err(|error| StoreError(format!("after the reset: {error}")))?;
        self.begin(&listed)
    }

    /// Everything is as in a snapshot, whatever it was; each root of trust is accepted once, and marked
    /// suspicious.
    pub fn restore(&mut self, snapshot: &Path) -> Result<(), OperatorError> {
        self.service.store().restore_from(snapshot)?;
        Ok(self.begin_anew()?)
    }

    fn begin_anew(&mut self) -> Result<(), StoreError> {
        self.faults.set(FaultState::default());
        if let Some(journal) = &mut self.journal {
            journal.clear();
        }
        self.service.reload()
    }
}

impl Counters {
    pub(super) fn datagram(&mut self, way: Way, len: usize) {
        let (count, bytes) = match way {
            Way::In => &mut self.datagrams_in,
            Way::Out => &mut self.datagrams_out,
        };
        *count += 1;
        *bytes += len as u64;
    }

    pub(super) fn event(&mut self, event: &Event) {
        *self.events.entry(event.kind).or_default() += 1;
    }

    pub(super) fn trace(&mut self, trace: &Trace) {
        match trace {
            Trace::Connected { .. } => self.handshakes += 1,
            Trace::Ended { .. } => self.failures += 1,
            Trace::StoreFailed(_) => self.store_failures += 1,
            Trace::Exchange { path, code, .. } => {
                let exchange = (path.clone(), *code);
                let path = if self.exchanges.len() < EXCHANGES_MAX || self.exchanges.contains_key(&exchange) {
                    exchange.0
                } else {
                    "other".to_owned()
                };
                *self.exchanges.entry((path, *code)).or_default() += 1;
            }
        }
    }
}
