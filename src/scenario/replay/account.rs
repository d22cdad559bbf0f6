//! [`Account`]: what became of a replay: where it had to guess, and what was never asked.

use std::fmt;

use serde::Serialize;

/// Most different remarks that are kept; more are counted.
const REMARKS_MAX: usize = 1000;

/// Most lines of one kind that are shown to people.
const SHOWN_MAX: usize = 20;

/// How a replay went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Command lines that were answered.
    pub answered: usize,
    /// Those of them that came in another order than they are written in.
    pub out_of_order: usize,
    /// Those of them that had been answered before, more often than they are written.
    pub repeated: usize,
    /// Command lines that are not in the file; the answer was `ERROR`.
    pub unknown: usize,
    /// How often an answer was a guess.
    pub guessed: usize,
    /// What was guessed, and what was unknown.
    pub remarks: Vec<Remark>,
    /// Remarks that are not kept.
    pub remarks_left_out: usize,
    /// Statements that send something the host never sent: line, statement.
    pub never_asked: Vec<(usize, String)>,
    /// Lines of statements that have nothing to do with the port.
    pub passed_over: Vec<usize>,
}

/// Something that was guessed or unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The line it is about; none: the host sent what is in no line.
    pub line: Option<usize>,
    /// What.
    pub text: String,
    /// How often.
    pub count: usize,
}

impl Account {
    pub(super) fn guess(&mut self, line: usize, text: String) {
        self.guessed += 1;
        self.remark(Some(line), text);
    }

    pub(super) fn unknown(&mut self, text: &str) {
        self.unknown += 1;
        self.remark(None, format!("{text} is in no line; the answer was ERROR"));
    }

    fn remark(&mut self, line: Option<usize>, text: String) {
        let same = |remark: &Remark| remark.line == line && remark.text == text;
        match self.remarks.iter().position(same) {
            Some(known) => self.remarks[known].count += 1,
            None if self.remarks.len() == REMARKS_MAX => self.remarks_left_out += 1,
            None => self.remarks.push(Remark { line, text, count: 1 }),
        }
    }

    /// The lines for people: `FILE:LINE: …`, and one that sums up.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let remarks = self.remarks.iter().map(|Remark { line, text, count }| {
            let place = line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
            let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
            format!("{place}: {text}{times}")
        });
        let mut lines = shortened(remarks, "remarks", self.remarks_left_out);
        let over = self.passed_over.iter().map(|line| format!("{file}:{line}: passed over: not of the port"));
        lines.extend(shortened(over, "statements passed over", 0));
        let never = self.never_asked.iter().map(|(line, text)| format!("{file}:{line}: never asked: {text}"));
        lines.extend(shortened(never, "statements never asked", 0));
        lines.push(self.to_string());
        lines
    }
}

fn shortened(lines: impl ExactSizeIterator<Item = String>, what: &str, left_out: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN_MAX) + left_out;
    let mut shown: Vec<_> = lines.take(SHOWN_MAX).collect();
    if more > 0 {
        shown.push(format!("… and {more} more {what}"));
    }
    shown
}

/// `37 answered (2 out of order, 1 repeated), 1 unknown, 1 guessed, 3 never asked`.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, out_of_order, repeated, unknown, guessed, .. } = self;
        write!(
            f,
            "{answered} answered ({out_of_order} out of order, {repeated} repeated), {unknown} unknown, \
             {guessed} guessed, {} never asked",
            self.never_asked.len()
        )
    }
}
