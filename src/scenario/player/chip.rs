//! [`Chips`]: the chips of hosts that a scenario plays at the ports of its modems.
//!
//! 1. `c2c NAME pair` asks for keys and confirms them; the scenario keeps them.
//! 2. `c2c NAME open` opens a session with them: from its `OK` on, what is sent on that port and heard
//!    from it passes the chip.
//! 3. `c2c NAME close` ends it, and so does a restart of the module.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

use super::listen::is_final;
use super::{Next, Player, Problem, Trouble};
use crate::c2c::{Pairing, Secret, Session, Side};
use crate::scenario::script::{ChipAct, ModemIndex, PATIENCE_MS, PortRef};
use crate::time::Timestamp;

/// What a module answers when it pairs.
const OFFER: &[u8] = b"+USECC2C: 0,0,";

/// The command that opens a session, up to its secret.
const OPEN: &[u8] = b"AT+USECC2C=1,\"";

/// Chips, their keys and their sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Chips {
    keys: Vec<(ModemIndex, Pairing)>,
    sessions: BTreeMap<PortRef, (Session, Ending)>,
    /// How many sessions there were: each has IVs of its own.
    opened: u64,
    step: Step,
    /// Keys that were told and have still to be confirmed, with the tag that does.
    offered: Option<(Pairing, Secret)>,
}

/// Where the statement that is being played is.
#[derive(Clone, Debug, Default)]
enum Step {
    #[default]
    Begun,
    /// Waits for the final result code; lines of others are kept for them.
    Asked { offer: Option<Vec<u8>>, others: Vec<Vec<u8>> },
}

/// Whether a session ends in what is heard next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// With the answer to the command that closes it.
    Answer,
    /// The module has restarted.
    Restart,
}

impl Chips {
    /// What a port said, of what came over its line.
    pub(super) fn receive<'b>(&mut self, port: PortRef, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some((session, ending)) = self.sessions.get_mut(&port) else { return Cow::Borrowed(bytes) };
        if *ending == Ending::No {
            return Cow::Owned(session.receive(bytes));
        }
        // Behind the last frame it is clear.
        let (mut text, mut framed) = (Vec::new(), 0);
        for (at, byte) in bytes.iter().enumerate() {
            let part = session.receive(&[*byte]);
            if !part.is_empty() {
                text.extend(part);
                framed = at + 1;
            }
        }
        if *ending == Ending::Restart || text.ends_with(b"OK\r\n") || text.ends_with(b"0\r") {
            self.sessions.remove(&port);
            text.extend_from_slice(&bytes[framed..]);
        }
        Cow::Owned(text)
    }

    /// What goes over the line of a port for this.
    pub(super) fn frames(&mut self, port: PortRef, bytes: Vec<u8>) -> Vec<u8> {
        if matches!(self.sessions.get(&port), Some((_, Ending::Restart))) {
            self.sessions.remove(&port);
        }
        match self.sessions.get_mut(&port) {
            Some((session, _)) => session.send(&bytes).concat(),
            None => bytes,
        }
    }

    /// A module has restarted.
    pub(super) fn restarted(&mut self, modem: ModemIndex) {
        for (port, (_, ending)) in &mut self.sessions {
            if port.modem == modem {
                *ending = Ending::Restart;
            }
        }
    }

    /// A module lost its power, and what it said before was heard.
    pub(super) fn lost(&mut self, modem: ModemIndex) {
        self.sessions.retain(|port, _| port.modem != modem);
        self.step = Step::Begun;
    }

    /// The keys of a modem under a secret; a copy of another modem has those of the other.
    fn keys_of(&self, modem: ModemIndex, te_secret: &Secret) -> Option<&Pairing> {
        let mut under = self.keys.iter().filter(|(_, pairing)| pairing.te_secret == *te_secret).rev();
        let own = under.clone().find(|(owner, _)| *owner == modem);
        own.or_else(|| under.next()).map(|(_, pairing)| pairing)
    }
}

impl<'s> Player<'s> {
    /// Goes on with what a chip does; none where it is done.
    pub(super) fn play_chip(&mut self, port: PortRef, act: &'s ChipAct, now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish_until(PATIENCE_MS, now);
        let Step::Asked { mut offer, mut others } = std::mem::take(&mut self.chips.step) else {
            return Some(self.begin_chip(port, act, now));
        };
        let hearing = self.ports.entry(port).or_default();
        let mut result = None;
        while result.is_none()
            && let Some((line, stale)) = hearing.line()
        {
            match line {
                line if !stale && is_final(&line) => result = Some(line),
                line if !stale && line.starts_with(OFFER) => offer = Some(line),
                line => others.push(line),
            }
        }
        let Some(result) = result else {
            self.chips.step = Step::Asked { offer, others };
            return Some(self.wait_or_fail(port, deadline, "OK".to_owned(), PATIENCE_MS, now));
        };
        if !matches!(result.as_slice(), b"OK" | b"0") {
            let problem = Problem::Line { expected: "OK".into(), seen: result, agrees: None, stale_at: None };
            self.fail(problem, now);
            return Some(Next::Ended);
        }
        let next = self.chip_answered(port, act, offer.as_deref(), now);
        let hearing = self.ports.entry(port).or_default();
        others.drain(..).rev().for_each(|other| hearing.unread_line(&other));
        next
    }

    fn begin_chip(&mut self, port: PortRef, act: &ChipAct, now: Timestamp) -> Next<'s> {
        let line = match act {
            ChipAct::Pair(te_secret) => match &self.chips.offered {
                // The answer to the confirmation was lost: said again it changes nothing.
                Some((pairing, tag)) if pairing.te_secret == *te_secret => confirmation(pairing, tag),
                _ => format!("AT+USECC2C=0,\"{}\"", te_secret.to_hex()),
            },
            ChipAct::Open(te_secret) if self.chips.keys_of(port.modem, te_secret).is_none() => {
                let why = "the scenario has no keys under this secret; `c2c NAME pair` gets them";
                self.fail(Problem::Trouble(Trouble::Refused(why.to_owned())), now);
                return Next::Ended;
            }
            ChipAct::Open(te_secret) => format!("AT+USECC2C=1,\"{}\"", te_secret.to_hex()),
            ChipAct::Close => "AT+USECC2C=2".to_owned(),
        };
        self.ask_for_chip(port, &line, now)
    }

    fn ask_for_chip(&mut self, port: PortRef, line: &str, now: Timestamp) -> Next<'s> {
        self.chips.step = Step::Asked { offer: None, others: Vec::new() };
        let next = self.say_line(port, [line.as_bytes(), b"\r"].concat(), now);
        if line == "AT+USECC2C=2"
            && let Some((_, ending)) = self.chips.sessions.get_mut(&port)
        {
            *ending = Ending::Answer;
        }
        next
    }

    /// The module answered `OK`.
    fn chip_answered(
        &mut self,
        port: PortRef,
        act: &ChipAct,
        offer: Option<&[u8]>,
        now: Timestamp,
    ) -> Option<Next<'s>> {
        match act {
            ChipAct::Pair(te_secret) => {
                match (offer.map(|line| read_offer(te_secret, line)), self.chips.offered.take()) {
                    (Some(Some((pairing, Some(tag)))), _) => {
                        let line = confirmation(&pairing, &tag);
                        self.chips.offered = Some((pairing, tag));
                        return Some(self.ask_for_chip(port, &line, now));
                    }
                    (Some(Some((pairing, None))), _) | (None, Some((pairing, _))) => {
                        self.chips.keys.push((port.modem, pairing));
                    }
                    (Some(None) | None, _) => {
                        let seen = offer.unwrap_or(b"OK").to_vec();
                        let expected = "+USECC2C: 0,0,\"<key>\"[,\"<HMAC key>\",\"<tag>\"]".to_owned();
                        self.fail(Problem::Line { expected, seen, agrees: None, stale_at: None }, now);
                        return Some(Next::Ended);
                    }
                }
            }
            ChipAct::Open(te_secret) => {
                let line = [OPEN, te_secret.to_hex().as_bytes(), b"\"\r"].concat();
                self.errands.note(port, &line);
                self.open_session(port, te_secret);
            }
            ChipAct::Close => {
                self.chips.sessions.remove(&port);
                self.errands.forget(port, OPEN);
            }
        }
        self.go_on();
        None
    }

    /// A line that opens a session was answered `OK`, whoever sent it.
    pub(super) fn opened_again(&mut self, port: PortRef, line: &[u8]) {
        let te_secret = line.strip_prefix(OPEN).and_then(|rest| rest.get(..32));
        let te_secret = te_secret.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        if let Some(te_secret) = te_secret {
            self.open_session(port, &te_secret);
        }
    }

    fn open_session(&mut self, port: PortRef, te_secret: &Secret) {
        let Some(pairing) = self.chips.keys_of(port.modem, te_secret).cloned() else { return };
        self.chips.opened += 1;
        let random = ChaCha12Rng::seed_from_u64(self.chips.opened);
        let mut session = Session::new(pairing, Side::Host, random);
        // What came behind the `OK` is in frames already.
        let hearing = self.ports.entry(port).or_default();
        let text = session.receive(&hearing.take_all());
        hearing.hear(&text);
        self.chips.sessions.insert(port, (session, Ending::No));
    }
}

fn confirmation(pairing: &Pairing, tag: &Secret) -> String {
    // Under keys that are used for nothing else yet, and for one text only.
    let body = pairing.seal(tag.as_bytes(), &[0; 16]);
    format!("AT+USECC2C=4,\"{}\",\"{}\"", pairing.te_secret.to_hex(), hex::encode(body))
}

/// `+USECC2C: 0,0,"<key>"[,"<HMAC key>","<tag>"]`.
fn read_offer(te_secret: &Secret, line: &[u8]) -> Option<(Pairing, Option<Secret>)> {
    let strings = std::str::from_utf8(line.strip_prefix(OFFER)?).ok()?;
    let secret = |text: &str| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    let secrets: Option<Vec<Secret>> = strings.split(',').map(secret).collect();
    let mut secrets = secrets?.into_iter();
    let (key, hmac_key, tag) = (secrets.next()?, secrets.next(), secrets.next());
    let whole = hmac_key.is_some() == tag.is_some() && secrets.next().is_none();
    whole.then(|| (Pairing { te_secret: te_secret.clone(), key, hmac_key }, tag))
}
