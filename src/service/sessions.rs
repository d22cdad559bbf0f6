//! The open sessions: one at a peer address, and limits on all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::exchange::Contact;
use super::rate::{Bucket, Rate};
use super::traffic::Meter;
use crate::protocol::keys::{PskIdentity, RotUid};
use crate::protocol::session::{ServerEndpoint, ServerSession};
use crate::time::{Timestamp, earlier};

/// What the service puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions that stand at once; the oldest is closed for a new one.
    pub sessions_max: usize,
    /// Most handshakes at once; the oldest that has not shown its cookie is dropped for a new one.
    pub half_open_max: usize,
    /// Longest datagram that is read, in bytes.
    pub datagram_len_max: usize,
    /// Datagrams of one peer address; more are dropped unread.
    pub rate_per_peer: Rate,
    /// A session without a datagram for this long is dropped.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_max: 20_000,
            half_open_max: 4_096,
            datagram_len_max: 1_500,
            rate_per_peer: Rate { per_s: 50, burst: 200 },
            idle: Duration::from_secs(5 * 60),
        }
    }
}

/// Sessions by peer address. One that is worked on is taken out and put back.
pub(super) struct SessionTable {
    endpoint: Arc<ServerEndpoint>,
    limits: Limits,
    seed: Option<u64>,
    sessions: HashMap<SocketAddr, Box<Open>>,
    /// By age, so that the first is the oldest.
    unverified: BTreeMap<u64, SocketAddr>,
    verified: BTreeMap<u64, SocketAddr>,
    standing: BTreeMap<u64, SocketAddr>,
    by_rot: HashMap<RotUid, Vec<(u64, SocketAddr)>>,
    timers: BTreeSet<(Timestamp, SocketAddr)>,
    next_age: u64,
}

/// One session.
pub(super) struct Open {
    pub(super) session: ServerSession,
    pub(super) peer: SocketAddr,
    /// Counted until the session stands, then in its contact.
    pub(super) meter: Meter,
    /// Who it is, once the session stands.
    pub(super) contact: Option<Contact>,
    age: u64,
    bucket: Bucket,
    last_heard: Timestamp,
    timer: Option<Timestamp>,
}

impl SessionTable {
    pub(super) fn new(endpoint: Arc<ServerEndpoint>, limits: Limits, seed: Option<u64>) -> Self {
        Self {
            endpoint,
            limits,
            seed,
            sessions: HashMap::new(),
            unverified: BTreeMap::new(),
            verified: BTreeMap::new(),
            standing: BTreeMap::new(),
            by_rot: HashMap::new(),
            timers: BTreeSet::new(),
            next_age: 0,
        }
    }

    /// Drops every session without a word.
    pub(super) fn clear(&mut self) {
        self.sessions.clear();
        self.unverified.clear();
        self.verified.clear();
        self.standing.clear();
        self.by_rot.clear();
        self.timers.clear();
    }

    /// How many sessions stand, and how many handshakes are under way.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.standing.len(), self.unverified.len() + self.verified.len())
    }

    /// Takes out the session a datagram belongs to, a new one for a hello; none for what is
    /// noise or too much.
    pub(super) fn take_for(
        &mut self,
        peer: SocketAddr,
        datagram: &[u8],
        now: Timestamp,
    ) -> Option<Box<Open>> {
        if datagram.is_empty() || datagram.len() > self.limits.datagram_len_max {
            return None;
        }
        let mut open = match self.sessions.remove(&peer) {
            Some(open) => open,
            None if ServerSession::is_hello(datagram) => self.open(peer, now),
            None => return None,
        };
        if !open.bucket.take(self.limits.rate_per_peer, now) {
            self.sessions.insert(peer, open);
            return None;
        }
        open.last_heard = now;
        open.datagram(datagram.len());
        Some(open)
    }

    /// Takes out a session whose timer is due; ends those that are idle.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Box<Open>> {
        loop {
            let (at, peer) = *self.timers.first()?;
            if at > now {
                return None;
            }
            self.timers.pop_first();
            let Some(mut open) = self.sessions.remove(&peer) else { continue };
            open.timer = None;
            if now - open.last_heard >= self.limits.idle {
                self.unlist(&open);
                continue;
            }
            return Some(open);
        }
    }

    /// Puts a session back, or ends it. Its timer is never due at once, so that no call hangs.
    pub(super) fn put_back(&mut self, mut open: Box<Open>, now: Timestamp) {
        if open.session.is_over() {
            self.unlist(&open);
            return;
        }
        if open.contact.is_none() && open.session.is_verified() && self.unverified.remove(&open.age).is_some()
        {
            self.verified.insert(open.age, open.peer);
        }
        let idle = Some(open.last_heard + self.limits.idle);
        let timer = earlier(open.session.next_timeout(), idle).map(|at| at.max(now.offset_millis(1)));
        if timer != open.timer {
            if let Some(before) = open.timer {
                self.timers.remove(&(before, open.peer));
            }
            self.timers.extend(timer.map(|at| (at, open.peer)));
            open.timer = timer;
        }
        open.session.free_unused();
        self.sessions.insert(open.peer, open);
    }

    /// A handshake is done: from now on the session has a place among those of its root of trust.
    pub(super) fn stands(&mut self, open: &mut Open, identity: PskIdentity) {
        self.unlist_age(open);
        if self.standing.len() >= self.limits.sessions_max {
            let oldest = self.standing.first_key_value().map(|(_, peer)| *peer);
            self.drop_peer(oldest);
        }
        open.age = self.draw_age();
        // Where the peer started anew, what it cost so far goes on counting.
        let meter = open.contact.take().map_or(open.meter, |contact| contact.meter);
        open.contact = Some(Contact {
            identity,
            peer: open.peer,
            key_set: None,
            key_nonces: None,
            certified: false,
            phase: None,
            meter,
        });
        self.standing.insert(open.age, open.peer);
        // Most have no other, and a vector that grows begins with room for four.
        let sessions = self.by_rot.entry(identity.rot).or_insert_with(|| Vec::with_capacity(1));
        sessions.push((open.age, open.peer));
    }

    /// Closes the sessions of this root of trust that are older than this one; what still
    /// arrives in them is dropped without a verdict.
    pub(super) fn close_older(&mut self, open: &Open) {
        let Some(contact) = &open.contact else { return };
        let Some(sessions) = self.by_rot.get(&contact.identity.rot) else { return };
        if sessions.len() < 2 {
            return;
        }
        let older: Vec<_> =
            sessions.iter().filter(|(age, _)| *age < open.age).map(|(_, peer)| *peer).collect();
        for peer in older {
            self.drop_peer(Some(peer));
        }
    }

    /// When a session's timer is due.
    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn open(&mut self, peer: SocketAddr, now: Timestamp) -> Box<Open> {
        if self.unverified.len() + self.verified.len() >= self.limits.half_open_max {
            let oldest = self.unverified.first_key_value().or_else(|| self.verified.first_key_value());
            self.drop_peer(oldest.map(|(_, peer)| *peer));
        }
        let age = self.draw_age();
        // A seeded session makes up to one link a hello, each with the next seed.
        let seed = self.seed.map(|seed| seed.wrapping_add(age << 16));
        self.unverified.insert(age, peer);
        Box::new(Open {
            session: ServerSession::of(&self.endpoint, seed, now),
            peer,
            meter: Meter::new(peer),
            contact: None,
            age,
            bucket: Bucket::full(self.limits.rate_per_peer, now),
            last_heard: now,
            timer: None,
        })
    }

    fn draw_age(&mut self) -> u64 {
        self.next_age += 1;
        self.next_age
    }

    fn drop_peer(&mut self, peer: Option<SocketAddr>) {
        if let Some(open) = peer.and_then(|peer| self.sessions.remove(&peer)) {
            self.unlist(&open);
        }
    }

    fn unlist(&mut self, open: &Open) {
        if let Some(at) = open.timer {
            self.timers.remove(&(at, open.peer));
        }
        self.unlist_age(open);
    }

    fn unlist_age(&mut self, open: &Open) {
        self.unverified.remove(&open.age);
        self.verified.remove(&open.age);
        self.standing.remove(&open.age);
        let Some(rot) = open.contact.as_ref().map(|contact| contact.identity.rot) else { return };
        if let Some(sessions) = self.by_rot.get_mut(&rot) {
            sessions.retain(|(age, _)| *age != open.age);
            if sessions.is_empty() {
                self.by_rot.remove(&rot);
            }
        }
    }
}

impl Open {
    /// A datagram came or went.
    pub(super) fn datagram(&mut self, len: usize) {
        match &mut self.contact {
            Some(contact) => contact.meter.datagram(len),
            None => self.meter.datagram(len),
        }
    }
}
