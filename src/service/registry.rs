//! The book of devices: what is stored, and the one way to write it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

use super::campaign::Outcome;
use super::device::Device;
use super::event::{Event, EventKind, Reason};
use super::store::{ServiceRecord, Store, StoreError, Write};
use crate::protocol::keys::{Key, MasterKey, PskIdentity, RotUid};
use crate::protocol::session::PskLookup;
use crate::time::{Now, Timestamp, earlier};

/// Devices made overdue in one go, so that no call takes long.
const OVERDUE_AT_ONCE: usize = 256;

/// Campaigns that wait for the report of one device; the oldest goes first.
const DEVICE_CAMPAIGNS_MAX: usize = 16;

/// From a failure of the store to the next attempt that nobody waits for.
const STORE_PAUSE: Duration = Duration::from_secs(60);

/// The store with everything that is needed to judge a contact and to write the verdict down.
pub(super) struct Registry<S> {
    store: Arc<Mutex<S>>,
    pub(super) master: MasterKey,
    entropy: ChaCha12Rng,
    service: ServiceRecord,
    last_event_id: u64,
    /// Nothing becomes overdue before this; kept without asking the store.
    overdue_from: Option<Timestamp>,
    /// When to take the next slice of a campaign.
    campaigns_from: Option<Timestamp>,
    noted: VecDeque<Event>,
}

/// A change of one device, before it is written.
pub(super) struct Draft {
    pub(super) device: Device,
    pub(super) peer: Option<SocketAddr>,
    pub(super) notes: Vec<(EventKind, Reason)>,
    /// Whatever else belongs to the change.
    pub(super) also: Vec<Write>,
}

/// Finds keys for handshakes.
pub(super) struct KeyFinder<S> {
    store: Arc<Mutex<S>>,
    master: MasterKey,
}

impl Draft {
    /// A change that came from an operator or the clock.
    pub(super) fn of(device: Device) -> Self {
        Self { device, peer: None, notes: Vec::new(), also: Vec::new() }
    }

    pub(super) fn note(&mut self, kind: EventKind, reason: Reason) {
        self.notes.push((kind, reason));
    }
}

impl<S: Store> PskLookup for KeyFinder<S> {
    /// Every key set a root of trust ever held authenticates; the factory secret even of one
    /// that was never seen.
    fn key(&self, identity: &PskIdentity) -> Option<Key> {
        if identity.key_set == 0 {
            return Some(self.master.factory_secret(identity.rot).key);
        }
        let device = lock(&self.store).device(identity.rot).ok().flatten()?;
        Some(device.keys.get(identity.key_set, identity.rot, &self.master)?.key)
    }
}

impl<S: Store> Registry<S> {
    pub(super) fn new(store: S, master: MasterKey, entropy: ChaCha12Rng) -> Result<Self, StoreError> {
        let service = store.service()?;
        let store = Arc::new(Mutex::new(store));
        let (overdue_from, campaigns_from, noted) = (None, None, VecDeque::new());
        let mut registry =
            Self { store, master, entropy, service, last_event_id: 0, overdue_from, campaigns_from, noted };
        registry.reload()?;
        Ok(registry)
    }

    /// Reads again what is kept without asking the store.
    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        let store = lock(&self.store);
        let (service, last_event_id) = (store.service()?, store.last_event_id()?);
        let overdue_from = store.next_overdue()?.map(|(at, _)| at);
        let running = !store.running_campaigns()?.is_empty();
        drop(store);
        // The first call there is goes on with what a restart interrupted.
        self.campaigns_from = running.then_some(Timestamp::from_millis(i64::MIN));
        (self.service, self.last_event_id, self.overdue_from) = (service, last_event_id, overdue_from);
        Ok(())
    }

    pub(super) fn key_finder(&self) -> KeyFinder<S> {
        KeyFinder { store: Arc::clone(&self.store), master: self.master.clone() }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, S> {
        lock(&self.store)
    }

    pub(super) fn service(&self) -> &ServiceRecord {
        &self.service
    }

    pub(super) fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError> {
        self.store().device(rot)
    }

    pub(super) fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut nonce = [0; N];
        self.entropy.fill_bytes(&mut nonce);
        nonce
    }

    pub(super) fn entropy(&mut self) -> &mut ChaCha12Rng {
        &mut self.entropy
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.noted.pop_front()
    }

    /// Writes a changed device and what is to be noted of it, in one transaction.
    pub(super) fn write(&mut self, draft: Draft, now: Timestamp) -> Result<(), StoreError> {
        self.write_all(vec![draft], Vec::new(), now)
    }

    /// Notes something about a device that stays as it is.
    pub(super) fn note(
        &mut self,
        device: &Device,
        peer: SocketAddr,
        notes: Vec<(EventKind, Reason)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let events = self.events(device, Some(peer), notes, now, 0)?;
        self.commit(events.iter().cloned().map(Write::Event).collect(), events)
    }

    /// Writes several devices, and whatever else belongs to the same change.
    pub(super) fn write_all(
        &mut self,
        drafts: Vec<Draft>,
        mut batch: Vec<Write>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut events = Vec::new();
        let mut overdue_from = self.overdue_from;
        for mut draft in drafts {
            self.settle_campaigns(&mut draft.device, &mut batch)?;
            let mine = self.events(&draft.device, draft.peer, draft.notes, now, events.len() as u64)?;
            batch.append(&mut draft.also);
            batch.extend(mine.iter().cloned().map(Write::Event));
            events.extend(mine);
            overdue_from = earlier(overdue_from, draft.device.overdue_at());
            batch.push(Write::Device(Arc::new(draft.device)));
        }
        self.commit(batch, events)?;
        self.overdue_from = overdue_from;
        Ok(())
    }

    /// What became of campaigns is known by now, or will never be.
    fn settle_campaigns(&self, device: &mut Device, batch: &mut Vec<Write>) -> Result<(), StoreError> {
        let crowd = device.campaigns.len().saturating_sub(DEVICE_CAMPAIGNS_MAX);
        for (index, uid) in std::mem::take(&mut device.campaigns).into_iter().enumerate() {
            // One that is not there yet is written in this very batch.
            let Some(campaign) = self.store().campaign(&uid)? else {
                device.campaigns.push(uid);
                continue;
            };
            let goes_on = device.domain() == Some(&campaign.domain) && index >= crowd;
            let outcome = if goes_on { campaign.change.outcome(device) } else { Outcome::Superseded };
            if outcome == Outcome::Waiting {
                device.campaigns.push(uid);
            } else {
                batch.push(Write::CampaignDevice { campaign_uid: uid, rot: device.rot, outcome });
            }
        }
        Ok(())
    }

    /// When [`Registry::handle_timeout`] is due.
    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        earlier(self.overdue_from, self.campaigns_from)
    }

    /// Marks devices that are overdue, and takes campaigns on.
    pub(super) fn handle_timeout(&mut self, now: Now) -> Result<(), StoreError> {
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now.system);
        if is_due(self.overdue_from) {
            self.mark_overdue(now)?;
        }
        if is_due(self.campaigns_from) {
            self.campaigns_from = Some(now.system + STORE_PAUSE);
            self.advance_campaigns(now.system)?;
        }
        Ok(())
    }

    /// A campaign may have begun.
    pub(super) fn look_for_campaigns(&mut self, now: Timestamp) {
        self.campaigns_from = Some(now);
    }

    /// None is under way.
    pub(super) fn no_more_campaigns(&mut self) {
        self.campaigns_from = None;
    }

    /// Marks the devices that are overdue by now, some of them at a time. Where the store fails,
    /// the next attempt is a while later.
    fn mark_overdue(&mut self, now: Now) -> Result<(), StoreError> {
        self.overdue_from = Some(now.system + STORE_PAUSE);
        let mut drafts = Vec::new();
        let overdue = self.store().overdue_by(now.system, OVERDUE_AT_ONCE)?;
        for rot in overdue {
            let Some(device) = self.device(rot)? else { continue };
            let due = device.heartbeat_due().unwrap_or(now.system);
            let mut draft = Draft::of(Device { overdue: true, ..Device::clone(&device) });
            draft.note(EventKind::Overdue, Reason::Overdue { due });
            drafts.push(draft);
        }
        if !drafts.is_empty() {
            self.write_all(drafts, Vec::new(), now.system)?;
        }
        let next = self.store().next_overdue()?;
        self.overdue_from = next.map(|(at, _)| at);
        Ok(())
    }

    fn events(
        &self,
        device: &Device,
        peer: Option<SocketAddr>,
        notes: Vec<(EventKind, Reason)>,
        now: Timestamp,
        ahead: u64,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::with_capacity(notes.len());
        let mut id = self.last_event_id + ahead;
        for (kind, reason) in notes {
            id += 1;
            let domain = device.domain().map(str::to_owned);
            let mut event =
                Event { id, at: now, kind, rot: device.rot, domain, reason, peer, count: 1, last_at: now };
            if kind.is_counted()
                && let Some(mut stored) = self.store().repeated_event(&event)?
            {
                stored.repeat(now);
                event = stored;
                id -= 1;
            }
            events.push(event);
        }
        Ok(events)
    }

    fn commit(&mut self, batch: Vec<Write>, events: Vec<Event>) -> Result<(), StoreError> {
        self.store().commit(&batch)?;
        self.last_event_id = events.iter().map(|event| event.id).fold(self.last_event_id, u64::max);
        self.noted.extend(events);
        Ok(())
    }
}

/// A store is not left half-written by a panic: a batch is committed whole or not at all.
fn lock<S>(store: &Mutex<S>) -> MutexGuard<'_, S> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
