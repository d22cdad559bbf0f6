//! [`Book`]: a script as the module has to know it: what it is asked, and what it says then.

use crate::scenario::player::is_final;
use crate::scenario::script::{Act, Pattern, PortRef, Script, Statement, Template, Variables, What};

use super::command;
use crate::scenario::real_module::Unfit;

/// Everything a script has the module say.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// What it says before it is asked anything.
    pub(super) before: Vec<Unasked>,
    /// What it is asked, in order.
    pub(super) exchanges: Vec<Exchange>,
    /// Lines of statements that have nothing to do with the port.
    pub(super) passed_over: Vec<usize>,
}

/// Something the host sends, and what the module says to it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) line: usize,
    /// The statement, as it is written.
    pub(super) text: String,
    ask: Vec<Sent>,
    /// Ends with CR; other bytes are taken as soon as they are there.
    pub(super) is_line: bool,
    /// As it is compared, where nothing captured is in it.
    key: Option<Vec<u8>>,
    pub(super) changes_state: bool,
    pub(super) steps: Vec<Step>,
    pub(super) after: Vec<Unasked>,
    is_over: bool,
}

/// What the host sends.
#[derive(Debug)]
pub(super) enum Sent {
    Command(String),
    Template(Template),
}

/// One thing the module does, and where it is written.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) what: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    /// Says a line.
    Say(Pattern),
    /// Says this final result code.
    Ok,
    /// Says bytes without a line end.
    Prompt(Vec<u8>),
    /// Takes data.
    Take(Vec<Sent>),
}

/// Something the module says by itself.
#[derive(Debug)]
pub(super) struct Unasked {
    /// So many milliseconds after what is before it.
    pub(super) delay_ms: i64,
    pub(super) step: Step,
}

impl Book {
    pub(super) fn of(script: &Script) -> Result<Self, Unfit> {
        let mut book = Self::default();
        let mut spoken = None;
        let mut delay_ms = 0;
        for statement in &script.statements {
            if let Some(port) = speaker(&statement.what)
                && *spoken.get_or_insert(port) != port
            {
                let reason = "another port speaks here; a replay stands for one";
                return Err(Unfit { line: statement.line, reason: reason.to_owned() });
            }
            book.add(statement, &mut delay_ms);
        }
        match spoken {
            Some(_) => Ok(book),
            None => Err(Unfit { line: 1, reason: "nothing is said in this file".to_owned() }),
        }
    }

    fn add(&mut self, statement: &Statement, delay_ms: &mut i64) {
        let line = statement.line;
        match &statement.what {
            What::Send(_, text) => self.ask(statement, Sent::Template(text.clone()), true, delay_ms),
            What::SendRaw(_, text) => self.bytes(statement, text, delay_ms),
            What::Expect(_, pattern) | What::SkipTo(_, pattern, _) => {
                self.say(Step { line, what: StepKind::Say(pattern.clone()) }, delay_ms);
            }
            What::Data(_, pattern) => {
                self.say(Step { line, what: StepKind::Say(pattern.any()) }, delay_ms);
            }
            What::Prompt(_, bytes) => {
                self.say(Step { line, what: StepKind::Prompt(bytes.clone()) }, delay_ms);
            }
            What::WaitUntil { command, pattern, .. } => {
                self.ask(statement, Sent::Command(command.clone()), true, delay_ms);
                self.say(Step { line, what: StepKind::Say(pattern.clone()) }, delay_ms);
                self.say(Step { line, what: StepKind::Ok }, delay_ms);
            }
            What::Wait(millis) | What::Silence(_, millis) if self.open().is_none() => {
                *delay_ms = delay_ms.saturating_add(*millis);
            }
            // How long an answer took does not matter to the host; it gets it at once.
            What::Wait(_) | What::Silence(..) => {}
            What::Act(Act::Modem(..) | Act::DeviceProfile(_)) => {}
            What::Act(_) | What::WaitPhase { .. } | What::ChipToChip(..) => self.passed_over.push(line),
        }
    }

    fn ask(&mut self, statement: &Statement, sent: Sent, is_line: bool, delay_ms: &mut i64) {
        *delay_ms = 0;
        let mut exchange = Exchange {
            line: statement.line,
            text: statement.text.clone(),
            ask: vec![sent],
            is_line,
            key: None,
            changes_state: true,
            steps: Vec::new(),
            after: Vec::new(),
            is_over: false,
        };
        exchange.set_key();
        self.exchanges.push(exchange);
    }

    /// `>>`: data where a command waits for it, and a command or what is like one elsewhere.
    fn bytes(&mut self, statement: &Statement, text: &Template, delay_ms: &mut i64) {
        let sent = Sent::Template(text.clone());
        let is_line = text.render(&Variables::new()).ends_with(b"\r");
        match self.open() {
            None => self.ask(statement, sent, is_line, delay_ms),
            Some(open) if open.steps.is_empty() && !open.is_line => {
                open.ask.push(sent);
                open.is_line = is_line;
                open.set_key();
            }
            Some(open) => match open.steps.last_mut() {
                Some(Step { what: StepKind::Take(all), .. }) => all.push(sent),
                _ => open.steps.push(Step { line: statement.line, what: StepKind::Take(vec![sent]) }),
            },
        }
    }

    fn say(&mut self, step: Step, delay_ms: &mut i64) {
        if let Some(open) = self.open() {
            open.is_over = step.is_final();
            open.steps.push(step);
            return;
        }
        let unasked = Unasked { delay_ms: std::mem::take(delay_ms), step };
        match self.exchanges.last_mut() {
            Some(last) => last.after.push(unasked),
            None => self.before.push(unasked),
        }
    }

    /// The exchange that has no final result code yet.
    fn open(&mut self) -> Option<&mut Exchange> {
        self.exchanges.last_mut().filter(|last| !last.is_over)
    }
}

impl Exchange {
    fn set_key(&mut self) {
        let is_fixed = |sent: &Sent| match sent {
            Sent::Command(_) => true,
            Sent::Template(template) => template.is_fixed(),
        };
        let key = self.key(&Variables::new());
        self.changes_state = command::changes_state(&key);
        self.key = self.ask.iter().all(is_fixed).then_some(key);
    }

    /// What is sent, as it is compared.
    pub(super) fn key(&self, variables: &Variables) -> Vec<u8> {
        if let Some(key) = &self.key {
            return key.clone();
        }
        let bytes = bytes(&self.ask, variables);
        if self.is_line { command::key(&bytes) } else { bytes }
    }

    /// Whether the host sent this; a command line in its one form, other bytes as they are.
    pub(super) fn is_asked_by(&self, key: &[u8], variables: &Variables) -> bool {
        match &self.key {
            Some(own) => own == key,
            None => self.key(variables) == key,
        }
    }

    /// Whether it ends well: what it sets is set then.
    pub(super) fn is_carried_out(&self) -> bool {
        self.steps.last().is_some_and(|step| match &step.what {
            StepKind::Ok => true,
            StepKind::Say(pattern) => matches!(pattern.shown(&Variables::new()).as_str(), "OK" | "0"),
            StepKind::Prompt(_) | StepKind::Take(_) => false,
        })
    }
}

impl Step {
    /// Whether it ends the answer to a command; behind `CONNECT` there is more.
    pub(super) fn is_final(&self) -> bool {
        match &self.what {
            StepKind::Ok => true,
            StepKind::Say(pattern) => {
                let text = pattern.shown(&Variables::new());
                is_final(text.as_bytes()) && text != "CONNECT"
            }
            StepKind::Prompt(_) | StepKind::Take(_) => false,
        }
    }
}

/// What the host is to send, with what was captured put in.
pub(super) fn bytes(sent: &[Sent], variables: &Variables) -> Vec<u8> {
    let one = |sent: &Sent| match sent {
        Sent::Command(text) => text.clone().into_bytes(),
        Sent::Template(template) => template.render(variables),
    };
    sent.iter().flat_map(one).collect()
}

/// Where something is said: a silence, and what a chip does, are passed over.
fn speaker(what: &What) -> Option<PortRef> {
    match what {
        What::Silence(..) | What::ChipToChip(..) => None,
        what => what.port(),
    }
}
