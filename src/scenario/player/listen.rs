//! Statements that listen: what they wait for, and for how long.

use super::hearing::Front;
use super::{Next, Player, Problem};
use crate::scenario::script::{DataPattern, DataWish, ModemIndex, PATIENCE_MS, Pattern, PortRef, What};
use crate::time::Timestamp;

/// How often `wait until` asks again, counted from its last answer, in milliseconds.
const ASK_AGAIN_MS: i64 = 1000;

/// What the statement that is being played waits for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// When its time is over.
    deadline: Timestamp,
    /// What came instead, last.
    seen: Option<Vec<u8>>,
    asking: Asking,
}

/// Where `wait until` is.
#[derive(Clone, Debug)]
enum Asking {
    /// Sends its command at this moment.
    At(Timestamp),
    /// Waits for the final result code; lines that are not its answer are kept for others.
    Answer { fulfilled: bool, others: Vec<Vec<u8>> },
}

impl<'s> Player<'s> {
    /// Goes on with a statement that listens; none where it holds.
    pub(super) fn listen(&mut self, what: &'s What, now: Timestamp) -> Option<Next<'s>> {
        match what {
            What::Wait(millis) => self.let_pass(*millis, now),
            What::Silence(port, millis) => self.silence(*port, *millis, now),
            What::Expect(port, pattern) => self.expect(*port, pattern, now),
            What::SkipTo(port, pattern, within_ms) => self.skip_to(*port, pattern, *within_ms, now),
            What::Prompt(port, bytes) => self.prompt(*port, bytes, now),
            What::Data(port, pattern) => self.data(*port, pattern, now),
            What::WaitUntil { port, command, pattern, within_ms } => {
                self.wait_until(*port, command, pattern, *within_ms, now)
            }
            What::WaitPhase { modem, phase, within_ms } => self.wait_phase(*modem, *phase, *within_ms, now),
            What::ChipToChip(port, act) => self.play_chip(*port, act, now),
            // These are no listeners, and never come here.
            What::Send(..) | What::SendRaw(..) | What::Act(_) => None,
        }
    }

    fn let_pass(&mut self, millis: i64, now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish(millis, now).deadline;
        if now < deadline {
            return Some(Next::Wait(deadline));
        }
        self.go_on();
        None
    }

    fn silence(&mut self, port: PortRef, millis: i64, now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish(millis, now).deadline;
        let heard = self.ports.entry(port).or_default().unread();
        if !heard.is_empty() {
            self.fail(Problem::Heard(heard), now);
            return Some(Next::Ended);
        }
        if now < deadline {
            return Some(Next::Wait(deadline));
        }
        self.go_on();
        None
    }

    fn expect(&mut self, port: PortRef, pattern: &Pattern, now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish(PATIENCE_MS, now).deadline;
        let expected = pattern.shown(&self.variables);
        let Some((line, stale)) = self.ports.entry(port).or_default().line() else {
            return Some(self.wait_or_fail(port, deadline, expected, PATIENCE_MS, now));
        };
        if pattern.matches(&line, &mut self.variables) {
            self.go_on();
            return None;
        }
        let problem = Problem::Line {
            expected,
            agrees: pattern.agrees_for(&line, &self.variables),
            stale_at: if stale { self.sender_line(port) } else { None },
            seen: line,
        };
        self.fail(problem, now);
        Some(Next::Ended)
    }

    fn skip_to(
        &mut self,
        port: PortRef,
        pattern: &Pattern,
        within_ms: i64,
        now: Timestamp,
    ) -> Option<Next<'s>> {
        let deadline = self.wish(within_ms, now).deadline;
        while let Some((line, _)) = self.ports.entry(port).or_default().line() {
            if pattern.matches(&line, &mut self.variables) {
                self.go_on();
                return None;
            }
            if let Some(wish) = &mut self.wish {
                wish.seen = Some(line);
            }
        }
        let expected = pattern.shown(&self.variables);
        Some(self.wait_or_fail(port, deadline, expected, within_ms, now))
    }

    fn prompt(&mut self, port: PortRef, bytes: &[u8], now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish(PATIENCE_MS, now).deadline;
        match self.ports.entry(port).or_default().front(bytes) {
            Front::Taken => {
                self.go_on();
                None
            }
            Front::NotYet => {
                let expected = bytes.escape_ascii().to_string();
                Some(self.wait_or_fail(port, deadline, expected, PATIENCE_MS, now))
            }
            Front::Other => {
                let seen = self.ports.entry(port).or_default().unread();
                let agrees = Some(seen.iter().zip(bytes).take_while(|(a, b)| a == b).count());
                let expected = bytes.escape_ascii().to_string();
                self.fail(Problem::Line { expected, seen, agrees, stale_at: None }, now);
                Some(Next::Ended)
            }
        }
    }

    fn data(&mut self, port: PortRef, pattern: &DataPattern, now: Timestamp) -> Option<Next<'s>> {
        let deadline = self.wish(PATIENCE_MS, now).deadline;
        let expected = pattern.shown(&self.variables);
        let heard = match self.ports.entry(port).or_default().data(&pattern.head) {
            Ok(Some(heard)) => heard,
            Ok(None) => return Some(self.wait_or_fail(port, deadline, expected, PATIENCE_MS, now)),
            Err(seen) => {
                self.fail(Problem::Line { expected, seen, agrees: None, stale_at: None }, now);
                return Some(Next::Ended);
            }
        };
        match &pattern.bytes {
            DataWish::Capture(name) => drop(self.variables.insert(name.clone(), heard)),
            DataWish::Is(wanted) if wanted.render(&self.variables) == heard => {}
            DataWish::Is(_) => {
                self.fail(Problem::Line { expected, seen: heard, agrees: None, stale_at: None }, now);
                return Some(Next::Ended);
            }
        }
        self.go_on();
        None
    }

    /// The command is sent, and again a second after each answer that is not the wanted one.
    fn wait_until(
        &mut self,
        port: PortRef,
        command: &str,
        pattern: &Pattern,
        within_ms: i64,
        now: Timestamp,
    ) -> Option<Next<'s>> {
        let mut wish = self.wish(within_ms, now).clone();
        let next = match &mut wish.asking {
            Asking::At(at) if now < *at && now < wish.deadline => Some(Next::Wait((*at).min(wish.deadline))),
            Asking::At(_) if now >= wish.deadline && wish.seen.is_some() => {
                self.wish = Some(wish.clone());
                return Some(self.out_of_time(port, pattern.shown(&self.variables), within_ms, now));
            }
            Asking::At(_) => {
                wish.asking = Asking::Answer { fulfilled: false, others: Vec::new() };
                let bytes = [command.as_bytes(), b"\r"].concat();
                Some(self.say_line(port, bytes, now))
            }
            Asking::Answer { .. } => match self.answered(port, command, pattern, &mut wish) {
                Some(true) => {
                    self.go_on();
                    return None;
                }
                Some(false) => {
                    wish.asking = Asking::At(now.offset_millis(ASK_AGAIN_MS));
                    None
                }
                None if now >= wish.deadline => {
                    self.wish = Some(wish.clone());
                    return Some(self.out_of_time(port, pattern.shown(&self.variables), within_ms, now));
                }
                None => Some(Next::Wait(wish.deadline)),
            },
        };
        self.wish = Some(wish);
        next
    }

    /// Reads lines up to the final result code; whether one of them was the wanted one.
    fn answered(&mut self, port: PortRef, command: &str, pattern: &Pattern, wish: &mut Wish) -> Option<bool> {
        let Asking::Answer { fulfilled, others } = &mut wish.asking else { return None };
        let prefix = command.trim_start_matches("AT").trim_end_matches('?').as_bytes();
        let hearing = self.ports.entry(port).or_default();
        while let Some((line, stale)) = hearing.line() {
            // What was there before the question is no answer to it.
            if !stale && pattern.matches(&line, &mut self.variables) {
                *fulfilled = true;
                wish.seen = Some(line);
            } else if is_final(&line) && !stale {
                wish.seen.get_or_insert_with(|| line.clone());
                others.drain(..).rev().for_each(|other| hearing.unread_line(&other));
                return Some(*fulfilled);
            } else if line.starts_with(prefix) && !stale {
                wish.seen = Some(line);
            } else {
                others.push(line);
            }
        }
        None
    }

    /// The line of the statement that sent last on a port.
    fn sender_line(&self, port: PortRef) -> Option<usize> {
        let place = *self.sent_at.get(&port)?;
        Some(self.script.statements.get(place)?.line)
    }

    /// Nothing but [`Player::phase_began`] ends it well.
    fn wait_phase(
        &mut self,
        modem: ModemIndex,
        phase: u8,
        within_ms: i64,
        now: Timestamp,
    ) -> Option<Next<'s>> {
        let deadline = self.wish(within_ms, now).deadline;
        if now < deadline {
            return Some(Next::Wait(deadline));
        }
        let expected = format!("{} at phase {phase}", self.script.name(modem));
        let seen = self.wish.take().and_then(|wish| wish.seen);
        self.fail(Problem::Nothing { expected, within_ms, seen }, now);
        Some(Next::Ended)
    }

    /// A phase of a bootstrap began: `wait until NAME at phase 3` holds, or has seen another.
    pub(super) fn reach(&mut self, modem: ModemIndex, begun: u8) {
        match self.statement().map(|statement| &statement.what) {
            Some(What::WaitPhase { modem: wanted, phase, .. }) if *wanted == modem => {
                if *phase == begun {
                    self.go_on();
                } else if let Some(wish) = &mut self.wish {
                    wish.seen = Some(format!("phase {begun}").into_bytes());
                }
            }
            _ => {}
        }
    }

    /// A question that will not be answered any more is asked again.
    pub(super) fn ask_again(&mut self, modem: ModemIndex) {
        let asked = matches!(self.statement().map(|statement| &statement.what),
            Some(What::WaitUntil { port, .. }) if port.modem == modem);
        if let (true, Some(wish)) = (asked, &mut self.wish) {
            wish.asking = Asking::At(Timestamp::default());
        }
    }

    fn wish(&mut self, millis: i64, now: Timestamp) -> &Wish {
        self.wish.get_or_insert_with(|| Wish {
            deadline: now.offset_millis(millis),
            seen: None,
            asking: Asking::At(now),
        })
    }

    /// When the time of the statement that is being played is over.
    pub(super) fn wish_until(&mut self, millis: i64, now: Timestamp) -> Timestamp {
        self.wish(millis, now).deadline
    }

    pub(super) fn wait_or_fail(
        &mut self,
        port: PortRef,
        deadline: Timestamp,
        expected: String,
        within_ms: i64,
        now: Timestamp,
    ) -> Next<'s> {
        if now < deadline { Next::Wait(deadline) } else { self.out_of_time(port, expected, within_ms, now) }
    }

    fn out_of_time(&mut self, port: PortRef, expected: String, within_ms: i64, now: Timestamp) -> Next<'s> {
        let unread = self.ports.entry(port).or_default().unread();
        let seen = (!unread.is_empty()).then_some(unread);
        let seen = seen.or(self.wish.take().and_then(|wish| wish.seen));
        self.fail(Problem::Nothing { expected, within_ms, seen }, now);
        Next::Ended
    }
}

/// Whether a line ends an answer, under `ATV1` or `ATV0`.
pub(in crate::scenario) fn is_final(line: &[u8]) -> bool {
    const CODES: [&[u8]; 12] = [
        b"OK",
        b"ERROR",
        b"ABORTED",
        b"Command aborted",
        b"NO CARRIER",
        b"BUSY",
        b"NO ANSWER",
        b"NO DIALTONE",
        b"CONNECT",
        b"0",
        b"4",
        b"3000",
    ];
    CODES.contains(&line) || line.starts_with(b"+CME ERROR:") || line.starts_with(b"+CMS ERROR:")
}
