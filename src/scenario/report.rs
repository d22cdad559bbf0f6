//! [`Report`]: what became of a scenario, for people to read.

use std::fmt;

use crate::scenario::player::{End, Failure, Problem, Trouble, shown};
use crate::scenario::script::{Script, shown_ms};
use crate::scenario::stage::{Library, Stage};
use crate::scenario::world::BEGINNING;

/// Entries of the transcript a report shows.
const SHOWN_ENTRIES: usize = 12;

/// The seed of a scenario where nobody says another.
pub const SEED: u64 = 1;

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file, as it was named.
    pub file: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The time it took, in milliseconds; virtual in a world in memory.
    pub took_ms: i64,
    /// What happened, where it was asked for.
    pub trace: String,
}

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every statement held.
    Passed,
    /// One did not.
    Failed(Box<Failure>),
    /// It could not be played to its end here: the line, and why.
    Skipped(usize, String),
}

/// How a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayOptions {
    /// Makes everything that is random repeatable.
    pub seed: u64,
    /// Whether to write down what happens.
    pub trace: bool,
}

impl Default for PlayOptions {
    fn default() -> Self {
        Self { seed: SEED, trace: false }
    }
}

/// Plays a script in a world of its own.
pub fn play(script: &Script, file: &str, options: PlayOptions, library: &dyn Library) -> Report {
    let mut stage = Stage::new(options.seed, library);
    if options.trace {
        stage.world().begin_trace();
    }
    let player = stage.play(script);
    let world = stage.world();
    let took_ms = world.now().millis_since(BEGINNING);
    let verdict = Verdict::of(player.end());
    Report { file: file.to_owned(), verdict, took_ms, trace: world.take_trace() }
}

impl Verdict {
    /// That of a player which has come to an end.
    pub fn of(end: Option<&End>) -> Self {
        match end.cloned() {
            Some(End::Passed) | None => Self::Passed,
            Some(End::Failed(failure)) => Self::Failed(failure),
            Some(End::Skipped { line, reason }) => Self::Skipped(line, reason),
        }
    }
}

impl Report {
    /// Whether it passed.
    pub fn has_passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// The line a runner prints, and for a failure all there is to know about it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "pass {} ({})", self.file, shown_ms(self.took_ms)),
            Verdict::Skipped(line, reason) => write!(f, "skip {}:{line}: {reason}", self.file),
            Verdict::Failed(failure) => {
                writeln!(f, "FAIL {}:{}: {}", self.file, failure.line, failure.statement)?;
                write!(f, "{failure}")
            }
        }
    }
}

/// What was wrong and what came before it, a line each, indented by two.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  at {} ({})", shown_ms(self.at.millis_since(self.began)), self.at)?;
        self.problem.fmt(f)?;
        let hidden = self.transcript.len().saturating_sub(SHOWN_ENTRIES);
        if !self.transcript.is_empty() {
            write!(f, "\n  before it:")?;
        }
        for entry in &self.transcript[hidden..] {
            write!(f, "\n    {:>10}  {}", shown_ms(entry.at.millis_since(self.began)), entry.text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { expected, seen, agrees, stale_at } => {
                write!(f, "  expected  {expected}\n  seen      {}", shown(seen))?;
                if let Some(agrees) = agrees {
                    let column = shown(&seen[..*agrees]).chars().count();
                    write!(f, "\n            {}^", " ".repeat(column))?;
                }
                match stale_at {
                    Some(line) => {
                        write!(f, "\n  it was there, unread, before line {line} sent anything")
                    }
                    None => Ok(()),
                }
            }
            Self::Nothing { expected, within_ms, seen } => {
                write!(f, "  expected  {expected}\n  seen      ")?;
                match seen {
                    Some(line) => write!(f, "{} and no more within {}", shown(line), shown_ms(*within_ms)),
                    None => write!(f, "nothing within {}", shown_ms(*within_ms)),
                }
            }
            Self::Heard(bytes) => write!(f, "  expected  nothing\n  seen      {}", shown(bytes)),
            Self::TooMuch => write!(f, "  the port said more than a scenario keeps unread"),
            Self::Trouble(Trouble::Refused(reason) | Trouble::Unable(reason)) => write!(f, "  {reason}"),
            Self::Trouble(Trouble::Differs { expected, seen }) => {
                write!(f, "  expected  {expected}\n  seen      {seen}")
            }
            Self::NeverStruck => write!(f, "  this fault never struck: there was no such point after it"),
            Self::NeverEnds(why) => write!(f, "  {why}"),
        }
    }
}
