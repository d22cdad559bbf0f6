//! [`Replay`]: a script played back to a host program, by what stands in for its module. Without IO.
//!
//! 1. What the host program sends is handed in by [`Replay::hear`]; what there is to say is taken by
//!    [`Replay::poll`], also at [`Replay::wakeup`].
//! 2. A command is looked for in the script, wherever it stands, and answered as it is written there.
//! 3. What it had to guess, and what was never asked, is in its [`Account`].
//!
//! | file | what it holds |
//! |---|---|
//! | `book` | a script as the module has to know it |
//! | `command` | command lines as a module reads them |
//! | `order` | which of several answers |
//! | `voice` | how it is said |
//! | `account` | what became of it |

mod account;
mod book;
mod command;
mod order;
mod voice;

use std::collections::VecDeque;

pub use self::account::{Account, Remark};
use self::book::{Book, Step, StepKind, Unasked, bytes};
use self::command::Manners;
use self::order::{Choice, Order, Why};
use self::voice::Voice;
use super::player::shown;
use super::real_module::Unfit;
use super::script::{LINE_LEN_MAX, Script};
use crate::time::Timestamp;

/// How long after an answer something unasked comes where nothing else is said, in milliseconds.
const UNASKED_MS: i64 = 100;

/// How long data that is shorter than written is waited for, in milliseconds.
const DATA_QUIET_MS: i64 = 1000;

/// Most data that is taken at once, in bytes.
const DATA_MAX: usize = 64 * 1024;

/// What ends data that is text, and what gives it up (3GPP TS 27.005).
const CTRL_Z: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;

/// The editing character (V.250, S5).
const BACKSPACE: u8 = 8;

/// A stand-in for a module, at some place of its script.
#[derive(Debug)]
pub struct Replay {
    book: Book,
    order: Order,
    voice: Voice,
    /// Something in the script is sent without a CR.
    has_bytes: bool,
    /// What the host has sent of a command line.
    line: Vec<u8>,
    taking: Option<Taking>,
    /// What comes unasked, when, and behind which exchange.
    unasked: VecDeque<(Timestamp, Option<usize>, Step)>,
    account: Account,
}

/// Data that is on its way from the host.
#[derive(Debug)]
struct Taking {
    exchange: usize,
    /// Which step of it.
    step: usize,
    wanted: Vec<u8>,
    data: Vec<u8>,
    heard: Timestamp,
}

impl Replay {
    /// A stand-in at the beginning of a script.
    ///
    /// # Errors
    /// The script speaks on several ports, or on none.
    pub fn new(script: &Script) -> Result<Self, Unfit> {
        let book = Book::of(script)?;
        let account = Account { passed_over: book.passed_over.clone(), ..Account::default() };
        Ok(Self {
            order: Order::new(book.exchanges.len()),
            has_bytes: book.exchanges.iter().any(|exchange| !exchange.is_line),
            book,
            voice: Voice::default(),
            line: Vec::new(),
            taking: None,
            unasked: VecDeque::new(),
            account,
        })
    }

    /// A host program has opened the port for the first time: what the script begins with follows.
    pub fn opened(&mut self, now: Timestamp) {
        let before = std::mem::take(&mut self.book.before);
        self.schedule(before, None, now);
    }

    /// The host sent this.
    pub fn hear(&mut self, bytes: &[u8], now: Timestamp) {
        for byte in bytes {
            match &mut self.taking {
                Some(taking) => {
                    taking.data.push(*byte);
                    taking.heard = now;
                    if taking.is_done() {
                        self.take_data(now);
                    }
                }
                None => self.hear_command(*byte, now),
            }
        }
    }

    /// Takes what there is to say by now.
    pub fn poll(&mut self, now: Timestamp) -> Vec<u8> {
        if self.taking.as_ref().and_then(Taking::timeout).is_some_and(|at| at <= now) {
            self.take_data(now);
        }
        while self.may_interrupt() && self.unasked.front().is_some_and(|(at, ..)| *at <= now) {
            self.say_unasked();
        }
        self.voice.take_said()
    }

    /// When [`Replay::poll`] has something to do next.
    pub fn wakeup(&self) -> Option<Timestamp> {
        match &self.taking {
            Some(taking) => taking.timeout(),
            None => self.unasked.front().filter(|_| self.may_interrupt()).map(|(at, ..)| *at),
        }
    }

    /// What became of it so far.
    pub fn account(&self) -> Account {
        let never_asked = self.order.left().map(|index| {
            let exchange = &self.book.exchanges[index];
            (exchange.line, exchange.text.clone())
        });
        Account { never_asked: never_asked.collect(), ..self.account.clone() }
    }

    // ---- the host ----------------------------------------------------------------------------

    fn hear_command(&mut self, byte: u8, now: Timestamp) {
        // What many programs send behind CR, and V.250 ignores.
        if byte == b'\n' && self.line.is_empty() {
            return;
        }
        self.voice.echo(byte);
        match byte {
            b'\r' => {
                let line = std::mem::take(&mut self.line);
                self.command(&line, now);
            }
            BACKSPACE => drop(self.line.pop()),
            _ => {
                // A longer line than a script can hold is in none.
                if self.line.len() <= LINE_LEN_MAX {
                    self.line.push(byte);
                }
                if self.has_bytes {
                    self.look_for_bytes(now);
                }
            }
        }
    }

    /// Bytes that need no CR: `A/`, `+++`.
    fn look_for_bytes(&mut self, now: Timestamp) {
        let Self { book, order, voice, line, .. } = self;
        let variables = &voice.variables;
        let fits = |it: usize| {
            let exchange = &book.exchanges[it];
            !exchange.is_line && exchange.is_asked_by(line, variables)
        };
        if let Some(choice) = order.choose(fits, |it| book.exchanges[it].changes_state) {
            self.line.clear();
            self.answer(choice, now);
        }
    }

    fn command(&mut self, line: &[u8], now: Timestamp) {
        let key = command::key(line);
        let Self { book, order, voice, .. } = self;
        let variables = &voice.variables;
        let is_line = |it: usize| book.exchanges[it].is_line;
        let fits = |it: usize| is_line(it) && book.exchanges[it].is_asked_by(&key, variables);
        let changes = |it: usize| book.exchanges[it].changes_state;
        if let Some(choice) = order.choose(fits, changes) {
            return self.answer(choice, now);
        }
        let setter = command::setter(&key);
        let alike = |it: usize| {
            is_line(it) && setter.is_some() && command::setter(&book.exchanges[it].key(variables)) == setter
        };
        if let Some(choice) = order.choose(alike, changes) {
            let line_number = book.exchanges[choice.exchange].line;
            self.account.guess(line_number, format!("{} has other values; answered as here", shown(line)));
            return self.answer(choice, now);
        }
        // A module takes no notice of noise.
        if command::is_command(&key) {
            self.account.unknown(&shown(line));
            self.voice.say_error();
        }
    }

    // ---- the answer --------------------------------------------------------------------------

    fn answer(&mut self, Choice { exchange, why }: Choice, now: Timestamp) {
        let line = self.book.exchanges[exchange].line;
        self.account.answered += 1;
        match why {
            Why::Next => {}
            Why::OutOfOrder | Why::LeftOut => self.account.out_of_order += 1,
            Why::Again => self.account.repeated += 1,
            Why::MovedOn => {
                self.account
                    .guess(line, "asked again and again; went on to this, over what is before".into());
            }
            Why::Early => {
                self.account.guess(line, "asked before its turn; the state may be another".into());
            }
        }
        if matches!(why, Why::Next | Why::OutOfOrder | Why::MovedOn) {
            self.say_what_came_before(exchange);
        }
        let found = &self.book.exchanges[exchange];
        if found.is_carried_out() {
            let key = found.key(&self.voice.variables);
            self.voice.take_on(Manners::of(&key));
        }
        self.go_on(exchange, 0, now);
    }

    /// The script has gone on: what it says before this command has come by now.
    fn say_what_came_before(&mut self, exchange: usize) {
        while self.unasked.front().is_some_and(|(_, behind, _)| behind.is_none_or(|behind| behind < exchange))
        {
            self.say_unasked();
        }
    }

    /// Goes through the steps of an exchange, up to one that waits for the host.
    fn go_on(&mut self, exchange: usize, from: usize, now: Timestamp) {
        for step in from..self.book.exchanges[exchange].steps.len() {
            let steps = &self.book.exchanges[exchange].steps;
            if let StepKind::Take(sent) = &steps[step].what {
                let wanted = bytes(sent, &self.voice.variables);
                self.taking = Some(Taking { exchange, step, wanted, data: Vec::new(), heard: now });
                return;
            }
            // The lines of one answer follow each other without an empty one in between.
            let is_text = |step: &Step| matches!(step.what, StepKind::Say(_)) && !step.is_final();
            let follows = step > 0 && is_text(&steps[step - 1]) && is_text(&steps[step]);
            self.say_step(exchange, step, !follows);
        }
        let after = std::mem::take(&mut self.book.exchanges[exchange].after);
        self.schedule(after, Some(exchange), now);
    }

    fn say_step(&mut self, exchange: usize, step: usize, header: bool) {
        let exchange = &self.book.exchanges[exchange];
        let key = exchange.key(&self.voice.variables);
        self.voice.say(&exchange.steps[step], &key, header, &mut self.account);
    }

    fn take_data(&mut self, now: Timestamp) {
        let Some(Taking { exchange, step, wanted, data, .. }) = self.taking.take() else { return };
        if data != wanted {
            let line = self.book.exchanges[exchange].steps[step].line;
            self.account.guess(line, format!("{} other bytes came; answered as here", data.len()));
        }
        self.go_on(exchange, step + 1, now);
    }

    // ---- what comes unasked ------------------------------------------------------------------

    fn schedule(&mut self, unasked: Vec<Unasked>, behind: Option<usize>, now: Timestamp) {
        let mut at = now;
        for Unasked { delay_ms, step } in unasked {
            at = at.offset_millis(delay_ms.saturating_add(UNASKED_MS));
            let place = self.unasked.partition_point(|(other, ..)| *other <= at);
            self.unasked.insert(place, (at, behind, step));
        }
    }

    /// A module says nothing by itself while a command line or data is on its way.
    fn may_interrupt(&self) -> bool {
        self.line.is_empty() && self.taking.is_none()
    }

    fn say_unasked(&mut self) {
        if let Some((_, _, step)) = self.unasked.pop_front() {
            self.voice.say(&step, b"", true, &mut self.account);
        }
    }
}

impl Taking {
    fn is_done(&self) -> bool {
        let ends_text = |byte: Option<&u8>| matches!(byte, Some(&(CTRL_Z | ESCAPE)));
        match ends_text(self.wanted.last()) {
            true => ends_text(self.data.last()) || self.data.len() >= DATA_MAX,
            false => self.data.len() >= self.wanted.len().min(DATA_MAX),
        }
    }

    fn timeout(&self) -> Option<Timestamp> {
        (!self.data.is_empty()).then(|| self.heard.offset_millis(DATA_QUIET_MS))
    }
}

#[cfg(test)]
mod tests;
