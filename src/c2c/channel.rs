//! [`Channel`]: a line that is clear or has a session, and changes at the end of a command line.

use std::borrow::Cow;

use super::session::{Mishaps, Session};

/// What stands between a line and the language spoken on it: nothing, or a session.
///
/// 1. Everything passes as it is until a session is to open: [`Channel::open`].
/// 2. The answer to that leaves as it is too; behind it comes [`Channel::switch`].
/// 3. From there on everything is in frames, until the answer to [`Channel::close`] has left in one.
#[derive(Debug, Default)]
pub struct Channel {
    session: Option<Box<Session>>,
    next: Option<Next>,
    /// What the last session left untold.
    left: Mishaps,
}

/// What the answer that is on its way ends with.
#[derive(Debug)]
enum Next {
    Open(Box<Session>),
    Close,
}

impl Channel {
    /// Whether there is a session.
    pub fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// A session is to begin behind the answer that comes next.
    pub fn open(&mut self, session: Session) {
        self.next = Some(Next::Open(Box::new(session)));
    }

    /// The session is to end behind the answer that comes next.
    pub fn close(&mut self) {
        self.next = Some(Next::Close);
    }

    /// Whether something is to begin or end.
    pub fn is_about_to_switch(&self) -> bool {
        self.next.is_some()
    }

    /// Nothing is to begin or end any more.
    pub fn stay(&mut self) {
        self.next = None;
    }

    /// The answer has left: what was to begin or end does.
    pub fn switch(&mut self) {
        let ended = match self.next.take() {
            Some(Next::Open(session)) => self.session.replace(session),
            Some(Next::Close) => self.session.take(),
            None => None,
        };
        self.left = ended.map(|session| session.end()).unwrap_or_default();
    }

    /// What the other end said, of what the line brought.
    pub fn receive<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &mut self.session {
            None => Cow::Borrowed(bytes),
            Some(session) => Cow::Owned(session.receive(bytes)),
        }
    }

    /// What goes over the line for this, each to be written in one piece.
    pub fn send(&mut self, text: Vec<u8>) -> Vec<Vec<u8>> {
        match &mut self.session {
            None => vec![text],
            Some(session) => session.send(&text),
        }
    }

    /// What was dropped and not told before.
    pub fn take_mishaps(&mut self) -> Mishaps {
        match &mut self.session {
            Some(session) => session.take_mishaps(),
            None => std::mem::take(&mut self.left),
        }
    }
}
