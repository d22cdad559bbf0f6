//! What a context carried.

use crate::module::radio::Direction;

/// Bytes of a context, IP and UDP headers included (`+UGCNTRD`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Sent since the context was activated.
    pub session_up: u64,
    /// Received since the context was activated.
    pub session_down: u64,
    /// Sent in all, from what `+UGCNTSET` set or power-on.
    pub total_up: u64,
    /// Received in all.
    pub total_down: u64,
}

impl Counter {
    pub(in crate::module) fn count(&mut self, direction: Direction, bytes: u64) {
        let (session, total) = match direction {
            Direction::Up => (&mut self.session_up, &mut self.total_up),
            Direction::Down => (&mut self.session_down, &mut self.total_down),
        };
        *session = session.saturating_add(bytes);
        *total = total.saturating_add(bytes);
    }

    pub(in crate::module) fn begin_session(&mut self) {
        (self.session_up, self.session_down) = (0, 0);
    }
}
