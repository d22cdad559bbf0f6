//! What the service of a world has on its books of a modem.

use std::sync::Arc;

use crate::protocol::keys::RotUid;
use crate::scenario::world::{ModemId, World};
use crate::service::event::EventKind;
use crate::service::store::{EventQuery, Page, Store, StoreError, Window};
use crate::service::{Device, Event, MemoryStore};

impl World {
    /// The device of a modem's root of trust; none where the service has never heard of it. While the
    /// service is cut, what it had committed.
    pub fn device(&self, id: ModemId) -> Option<Arc<Device>> {
        self.read_store(|store| store.device(self.rot(id))).flatten()
    }

    /// What the service has noted of a modem's root of trust, oldest first; copies of a module share
    /// one, and [`World::modem_at`] tells them apart by [`Event::peer`].
    pub fn service_events(&self, id: ModemId) -> Vec<Event> {
        self.find_events(self.rot(id), None)
    }

    /// How often it has noted this of a modem's root of trust, repetitions counted.
    pub fn noted(&self, id: ModemId, kind: EventKind) -> u32 {
        self.find_events(self.rot(id), Some(kind)).iter().map(|event| event.count).sum()
    }

    fn find_events(&self, rot: RotUid, kind: Option<EventKind>) -> Vec<Event> {
        let query = EventQuery { rot: Some(rot), kind, ..EventQuery::default() };
        let found: Option<Page<Event>> = self.read_store(|store| store.events(&query, Window::ALL));
        found.map(|page| page.items).unwrap_or_default()
    }

    /// A store in memory never fails, so that what cannot be read is not there.
    fn read_store<R>(&self, read: impl FnOnce(&MemoryStore) -> Result<R, StoreError>) -> Option<R> {
        match &self.service {
            Some(service) => read(&service.store()),
            None => read(&self.stored),
        }
        .ok()
    }
}
