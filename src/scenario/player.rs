//! [`Player`]: plays a script against whatever world it is given, without touching it.
//!
//! 1. Its owner asks for what is [`Next`], does it, and says how it went: a world in memory does
//!    that in virtual time, the host in real time.
//! 2. What ports say is handed in by [`Player::hear`].
//! 3. A statement that listens waits until what it wants has come, or its time is over.
//! 4. The first statement that does not hold ends it.

mod chip;
mod hearing;
mod listen;
mod recover;
mod transcript;

use std::collections::BTreeMap;

use self::chip::Chips;
use self::hearing::Hearing;
use self::listen::Wish;
pub(in crate::scenario) use self::listen::is_final;
use self::recover::Errands;
pub(in crate::scenario) use self::transcript::shown;
pub use self::transcript::{Entry, Transcript};
use super::script::{Act, ModemIndex, PortRef, Script, Statement, Variables, What};
use crate::time::Timestamp;

/// What the owner has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<'s> {
    /// Send these bytes.
    Send(PortRef, Vec<u8>),
    /// Do this and say how it went: [`Player::acted`].
    Act(&'s Act),
    /// Let time pass until then, or until a port says something.
    Wait(Timestamp),
    /// It is over: [`Player::end`].
    Ended,
}

/// How an act went.
pub type Outcome = Result<(), Trouble>;

/// Why an act did not do what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was refused, for this reason.
    Refused(String),
    /// Something was asserted that does not hold.
    Differs {
        /// What was asserted.
        expected: String,
        /// What is.
        seen: String,
    },
    /// This world cannot do it: a real module has no faults to order.
    Unable(String),
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every statement held.
    Passed,
    /// One did not.
    Failed(Box<Failure>),
    /// It could not be played to its end here.
    Skipped {
        /// The statement this world cannot do.
        line: usize,
        /// Why.
        reason: String,
    },
}

/// The statement that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Line, counted from 1; 0 where it is no statement's.
    pub line: usize,
    /// As it is written.
    pub statement: String,
    /// When.
    pub at: Timestamp,
    /// When the scenario began.
    pub began: Timestamp,
    /// What was wrong with it.
    pub problem: Problem,
    /// What happened before, the latest last.
    pub transcript: Vec<Entry>,
}

/// What was wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Another line came.
    Line {
        /// The line that was wanted, with what was captured put in.
        expected: String,
        /// The line that came.
        seen: Vec<u8>,
        /// How many of its bytes are as wanted, where that can be told.
        agrees: Option<usize>,
        /// It was there before the statement of this line sent something, unread.
        stale_at: Option<usize>,
    },
    /// Nothing came in time.
    Nothing {
        /// What was wanted.
        expected: String,
        /// How long it was waited for, in milliseconds.
        within_ms: i64,
        /// What did come, last.
        seen: Option<Vec<u8>>,
    },
    /// Something came that should not.
    Heard(Vec<u8>),
    /// More came than is kept.
    TooMuch,
    /// An act did not go well.
    Trouble(Trouble),
    /// A fault never struck.
    NeverStruck,
    /// The scenario went on for longer than it may.
    NeverEnds(String),
}

/// A script that is being played.
#[derive(Clone, Debug)]
pub struct Player<'s> {
    script: &'s Script,
    /// The statement that is next.
    at: usize,
    began: Timestamp,
    ports: BTreeMap<PortRef, Hearing>,
    /// The place of the statement that sent last on each port.
    sent_at: BTreeMap<PortRef, usize>,
    errands: Errands,
    chips: Chips,
    variables: Variables,
    wish: Option<Wish>,
    transcript: Transcript,
    end: Option<End>,
}

impl<'s> Player<'s> {
    /// A player at the first statement.
    pub fn new(script: &'s Script, now: Timestamp) -> Self {
        Self {
            script,
            at: 0,
            began: now,
            ports: BTreeMap::new(),
            sent_at: BTreeMap::new(),
            errands: Errands::default(),
            chips: Chips::default(),
            variables: Variables::new(),
            wish: None,
            transcript: Transcript::default(),
            end: None,
        }
    }

    /// When it began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether every statement held.
    pub fn has_passed(&self) -> bool {
        self.end == Some(End::Passed)
    }

    /// What was captured so far.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The statement that is being played; none at the end.
    pub fn statement(&self) -> Option<&'s Statement> {
        self.script.statements.get(self.at)
    }

    /// A port said this.
    pub fn hear(&mut self, port: PortRef, bytes: &[u8], now: Timestamp) {
        let said = self.chips.receive(port, bytes);
        let hearing = self.ports.entry(port).or_default();
        hearing.hear(&said);
        let overflown = hearing.is_overflown();
        self.transcript.heard(self.script, port, &said, now);
        if overflown {
            self.fail(Problem::TooMuch, now);
        }
    }

    /// A modem has booted: what it was asked before, it will not answer.
    pub fn booted(&mut self, modem: ModemIndex) {
        self.ports.range_mut(PortRef { modem, port: 0 }..).for_each(|(port, hearing)| {
            if port.modem == modem {
                hearing.forget_echo();
            }
        });
        self.chips.restarted(modem);
        self.ask_again(modem);
    }

    /// A phase of a bootstrap, 1 to 4, has begun: its request has left.
    pub fn phase_began(&mut self, modem: ModemIndex, phase: u8) {
        self.reach(modem, phase);
    }

    /// What to do next.
    pub fn next(&mut self, now: Timestamp) -> Next<'s> {
        loop {
            if self.end.is_some() {
                return Next::Ended;
            }
            if let Some(next) = self.run_errand(now) {
                return next;
            }
            let Some(statement) = self.statement() else {
                self.end = Some(End::Passed);
                return Next::Ended;
            };
            match &statement.what {
                What::Act(act) => return Next::Act(act),
                What::Send(port, template) => {
                    let bytes = [template.render(&self.variables), b"\r".to_vec()].concat();
                    self.ports.entry(*port).or_default().sent_line(&bytes);
                    return self.send(*port, bytes, now);
                }
                What::SendRaw(port, template) => {
                    let bytes = template.render(&self.variables);
                    self.ports.entry(*port).or_default().sent_raw(&bytes);
                    return self.send(*port, bytes, now);
                }
                listening => {
                    if let Some(next) = self.listen(listening, now) {
                        return next;
                    }
                }
            }
        }
    }

    /// How the last [`Next::Act`] went.
    pub fn acted(&mut self, outcome: Outcome, now: Timestamp) {
        let Some(statement) = self.statement() else { return };
        self.transcript.acted(statement, now);
        match outcome {
            Ok(()) => self.go_on(),
            Err(Trouble::Unable(reason)) => self.end = Some(End::Skipped { line: statement.line, reason }),
            Err(trouble) => self.fail(Problem::Trouble(trouble), now),
        }
    }

    /// Ends it for a reason outside its statements, at the one that is being played or at `line`.
    pub fn fail_at(&mut self, line: Option<usize>, problem: Problem, now: Timestamp) {
        self.end = None;
        if let Some(line) = line {
            self.at = self.script.statements.partition_point(|statement| statement.line < line);
        }
        self.fail(problem, now);
    }

    fn send(&mut self, port: PortRef, bytes: Vec<u8>, now: Timestamp) -> Next<'s> {
        self.transcript.sent(self.script, port, &bytes, now);
        self.sent_at.insert(port, self.at);
        self.errands.note(port, &bytes);
        self.go_on();
        Next::Send(port, self.chips.frames(port, bytes))
    }

    /// Sends a line that is no statement.
    fn say_line(&mut self, port: PortRef, line: Vec<u8>, now: Timestamp) -> Next<'s> {
        self.ports.entry(port).or_default().sent_line(&line);
        self.transcript.sent(self.script, port, &line, now);
        Next::Send(port, self.chips.frames(port, line))
    }

    fn go_on(&mut self) {
        self.at += 1;
        self.wish = None;
    }

    fn fail(&mut self, problem: Problem, now: Timestamp) {
        let statement = self.statement().or(self.script.statements.last());
        self.end.get_or_insert_with(|| {
            End::Failed(Box::new(Failure {
                line: statement.map_or(0, |statement| statement.line),
                statement: statement.map(|statement| statement.text.clone()).unwrap_or_default(),
                at: now,
                began: self.began,
                problem,
                transcript: self.transcript.entries().cloned().collect(),
            }))
        });
    }
}
