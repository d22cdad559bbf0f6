//! One port's command interpreter: the only place that has modes.

use std::collections::VecDeque;

use super::line::{Complete, LineReader};
use super::parse::next_command;
use super::response::{render_prompt, render_result};
use super::{CmeError, Failure, Final, Line, Request, Response, Settings};

/// How many URCs wait at most; beyond that the oldest are lost.
const WAITING_URCS_MAX: usize = 256;

const CTRL_Z: u8 = 0x1a;
const ESC: u8 = 0x1b;

/// A V.250 command interpreter, without IO and without commands.
///
/// 1. *Command*: bytes are echoed and collected to a line ([`Interpreter::handle_bytes`]).
/// 2. *Running*: each command of the line in turn is given out as [`Event::Request`] and waits for
///    [`Interpreter::answer`]. Input waits too, up to a limit; or its first byte aborts.
/// 3. *Data*: a running command asked for data by [`Interpreter::prompt`]. With the last byte it is
///    *running* again.
/// 4. The first result other than `OK`, or the last command's, is the line's final result code. URCs
///    that waited follow it, then the input that waited; unless the owner wanted to change something
///    right behind it ([`Interpreter::pause_behind_line`]).
#[derive(Debug)]
pub struct Interpreter {
    limits: Limits,
    settings: Settings,
    state: State,
    line: LineReader,
    /// Where in the line's body the next command begins.
    next: usize,
    event: Option<Event>,
    /// What arrived while a command ran.
    waiting: Vec<u8>,
    urcs: VecDeque<Line>,
    output: VecDeque<Vec<u8>>,
    pause: Pause,
}

/// Whether anything passes between two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    None,
    BehindLine,
    Now,
}

/// The limits of one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest command line in bytes, prefix and S3 included.
    pub command_line_max: usize,
    /// How many bytes wait while a command runs; more are dropped.
    pub waiting_input_max: usize,
}

/// What the owner has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Execute this and [`Interpreter::answer`], now or later.
    Request(Request),
    /// The data the running request asked for by [`Interpreter::prompt`]. It is still running.
    Data(Vec<u8>),
    /// ESC ended the text the running request asked for. It is still running.
    DataAborted,
    /// A byte came while the running request was abortable. It is running until the owner answers
    /// it, with [`Response::aborted`] if it could be stopped. Said once a request.
    Abort,
}

/// How a data phase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPhase {
    /// After so many bytes, whatever they are. They are not echoed.
    Exactly(usize),
    /// At Ctrl-Z (sent) or ESC (given up), as an SMS. Echoed under `ATE1`.
    UntilCtrlZ {
        /// The longest text in bytes; what is beyond it is dropped.
        max: usize,
    },
}

#[derive(Debug)]
enum State {
    Command,
    Running { abortable: bool },
    Data { phase: DataPhase, data: Vec<u8> },
}

impl Interpreter {
    /// An interpreter in command state with nothing received.
    pub fn new(limits: Limits, settings: Settings) -> Self {
        Self {
            limits,
            settings,
            state: State::Command,
            line: LineReader::new(limits.command_line_max),
            next: 0,
            event: None,
            waiting: Vec::new(),
            urcs: VecDeque::new(),
            output: VecDeque::new(),
            pause: Pause::None,
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, for the commands that change them. A change made before a command is answered
    /// already rules its result code.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// What the DTE sent: any bytes, split anywhere.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        // Unless something waits already, bytes are taken where they are.
        if self.waiting.is_empty() {
            bytes = &bytes[self.consume(bytes)..];
        }
        self.hold_back(bytes);
        self.release_urcs();
    }

    /// Whether a command line is being executed.
    pub fn is_running(&self) -> bool {
        !matches!(self.state, State::Command)
    }

    /// Whether three quarters of the room for input that waits are taken.
    pub fn is_nearly_full(&self) -> bool {
        self.waiting.len() > self.limits.waiting_input_max / 4 * 3
    }

    /// What the owner has to do next; `None` while a request runs or there is nothing to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Completes the running request, also in the middle of its data phase, and goes on with its
    /// line. Without a running request nothing happens.
    pub fn answer(&mut self, response: Response) {
        if matches!(self.state, State::Command) {
            return;
        }
        self.event = None;
        for (index, line) in response.lines.iter().enumerate() {
            self.output.push_back(line.render(&self.settings, index == 0));
        }
        match response.result {
            Ok(Final::Ok) => self.run_next(),
            result => self.end_line(result),
        }
        self.resume();
    }

    /// Whether any byte from now on, or one that already waits, aborts the running request.
    pub fn set_abortable(&mut self, yes: bool) {
        if let State::Running { abortable } = &mut self.state {
            *abortable = yes;
            let waiting = std::mem::take(&mut self.waiting);
            self.hold_back(&waiting);
        }
    }

    /// The running request asks the DTE for data. From here on bytes are data, before the prompt
    /// leaves. `prompt` is what shows, for example `@`; the header is written here.
    pub fn prompt(&mut self, prompt: &[u8], phase: DataPhase) {
        if !matches!(self.state, State::Running { .. }) {
            return;
        }
        self.event = None;
        self.state = State::Data { phase, data: Vec::new() };
        self.output.push_back(render_prompt(prompt, &self.settings));
        if phase == DataPhase::Exactly(0) {
            self.end_data(Event::Data(Vec::new()));
        }
        self.resume();
    }

    /// An unsolicited result code. It waits while a command runs, a data phase is open, or the echo
    /// of a line is half done, and is dropped under `ATQ1`.
    pub fn urc(&mut self, line: Line) {
        if self.urcs.len() == WAITING_URCS_MAX {
            self.urcs.pop_front();
        }
        self.urcs.push_back(line);
        self.release_urcs();
    }

    /// Behind the final result code of the line that runs, nothing is said or taken until
    /// [`Interpreter::go_on`].
    pub fn pause_behind_line(&mut self) {
        if self.is_running() {
            self.pause = Pause::BehindLine;
        }
    }

    /// Whether the line has ended and everything waits for [`Interpreter::go_on`].
    pub fn is_paused(&self) -> bool {
        self.pause == Pause::Now
    }

    /// Ends a pause: URCs that waited are said, and input that waited is taken.
    pub fn go_on(&mut self) {
        self.pause = Pause::None;
        self.release_urcs();
        self.resume();
    }

    /// What waits and was not taken yet: it will not be taken any more.
    pub fn take_waiting(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }

    /// The next bytes for the DTE: one echo, one line, one URC or one prompt, to be written in one
    /// piece.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    /// Power-on: everything in RAM is gone but what was already on its way to the DTE.
    pub fn reset(&mut self, settings: Settings) {
        let output = std::mem::take(&mut self.output);
        *self = Self { output, ..Self::new(self.limits, settings) };
    }

    /// Takes bytes until a request runs; returns how many.
    fn consume(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_paused() {
            taken += match self.state {
                State::Command => self.consume_line(&bytes[taken..]),
                State::Data { .. } => self.consume_data(&bytes[taken..]),
                State::Running { .. } => break,
            };
        }
        taken
    }

    /// Takes bytes in command state up to the end of a line; returns how many, at least one.
    fn consume_line(&mut self, bytes: &[u8]) -> usize {
        let mut echo = Vec::new();
        let mut complete = None;
        let mut taken = 0;
        while complete.is_none() && taken < bytes.len() {
            let byte = bytes[taken];
            taken += 1;
            if self.line.is_line_feed(byte) {
                continue;
            }
            if self.settings.echo {
                if echo.is_empty() {
                    echo.reserve_exact(bytes.len() - taken + 1);
                }
                echo.push(byte);
            }
            complete = self.line.handle_byte(byte, &self.settings.registers);
        }
        self.push_echo(echo);
        if let Some(Complete) = complete {
            self.begin_line();
        }
        taken
    }

    /// Takes bytes in a data phase up to its end; returns how many, at least one.
    fn consume_data(&mut self, bytes: &[u8]) -> usize {
        if self.line.is_line_feed_after_prompt(bytes[0]) {
            return 1;
        }
        let State::Data { phase, data } = &mut self.state else { return bytes.len() };
        match *phase {
            DataPhase::Exactly(length) => {
                let taken = bytes.len().min(length - data.len());
                data.extend_from_slice(&bytes[..taken]);
                if data.len() == length {
                    let event = Event::Data(std::mem::take(data));
                    self.end_data(event);
                }
                taken
            }
            DataPhase::UntilCtrlZ { max } => {
                let end = bytes.iter().position(|byte| matches!(*byte, CTRL_Z | ESC));
                let text = &bytes[..end.unwrap_or(bytes.len())];
                data.extend_from_slice(&text[..text.len().min(max - data.len())]);
                let taken = end.map_or(bytes.len(), |end| end + 1);
                let event = end.map(|end| match bytes[end] {
                    ESC => Event::DataAborted,
                    _ => Event::Data(std::mem::take(data)),
                });
                if self.settings.echo {
                    self.push_echo(bytes[..taken].to_vec());
                }
                if let Some(event) = event {
                    self.end_data(event);
                }
                taken
            }
        }
    }

    fn end_data(&mut self, event: Event) {
        self.state = State::Running { abortable: false };
        self.event = Some(event);
    }

    /// Keeps what cannot be taken while a request runs; the first byte may abort it.
    fn hold_back(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let [first, rest @ ..] = bytes
            && self.waiting.is_empty()
            && self.line.is_line_feed(*first)
        {
            bytes = rest;
        }
        if let (State::Running { abortable: abortable @ true }, [_, rest @ ..]) = (&mut self.state, bytes) {
            *abortable = false;
            self.event = Some(Event::Abort);
            bytes = rest;
        }
        let room = self.limits.waiting_input_max.saturating_sub(self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Goes on with what waited, after a line ended or a data phase began.
    fn resume(&mut self) {
        if self.waiting.is_empty() || self.is_paused() || matches!(self.state, State::Running { .. }) {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let taken = self.consume(&waiting);
        waiting.drain(..taken);
        self.hold_back(&waiting);
        self.release_urcs();
    }

    fn begin_line(&mut self) {
        self.next = 0;
        match self.line.body() {
            Some(_) => self.run_next(),
            None => self.end_line(Err(Failure::Cme(CmeError::COMMAND_LINE_TOO_LONG))),
        }
    }

    fn run_next(&mut self) {
        let body = self.line.body().unwrap_or_default();
        match next_command(&body[self.next..]) {
            Some((request, left)) => {
                self.next = body.len() - left.len();
                self.state = State::Running { abortable: false };
                self.event = Some(Event::Request(request));
            }
            None => self.end_line(Ok(Final::Ok)),
        }
    }

    fn end_line(&mut self, result: Result<Final, Failure>) {
        self.state = State::Command;
        self.output.extend(render_result(result, &self.settings));
        if self.pause == Pause::BehindLine {
            self.pause = Pause::Now;
        }
        self.release_urcs();
    }

    fn release_urcs(&mut self) {
        let splits_echo = self.settings.echo && self.line.is_half_typed();
        if splits_echo || self.is_paused() || !matches!(self.state, State::Command) {
            return;
        }
        for line in self.urcs.drain(..) {
            if !self.settings.quiet {
                self.output.push_back(line.render(&self.settings, true));
            }
        }
    }

    fn push_echo(&mut self, echo: Vec<u8>) {
        if !echo.is_empty() {
            self.output.push_back(echo);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { command_line_max: 16, waiting_input_max: 32 };

    /// What an owner may do, in any order.
    #[derive(Clone, Debug)]
    enum Step {
        Bytes(Vec<u8>),
        Poll,
        Answer(bool),
        Prompt(usize),
        Text(usize),
        Abortable(bool),
        Urc,
        Reset,
        Pause,
        GoOn,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100).prop_map(Step::Bytes),
            "(AT|A/)[EI;+=\"1 ]{0,30}\r\n?".prop_map(|text| Step::Bytes(text.into_bytes())),
            Just(Step::Poll),
            any::<bool>().prop_map(Step::Answer),
            (0..20_usize).prop_map(Step::Prompt),
            (0..20_usize).prop_map(Step::Text),
            any::<bool>().prop_map(Step::Abortable),
            Just(Step::Urc),
            Just(Step::Reset),
            Just(Step::Pause),
            Just(Step::GoOn),
        ]
    }

    fn apply(interpreter: &mut Interpreter, step: Step) {
        match step {
            Step::Bytes(bytes) => interpreter.handle_bytes(&bytes),
            Step::Poll => drop(interpreter.poll_event()),
            Step::Answer(true) => interpreter.answer(Response::ok()),
            Step::Answer(false) => interpreter.answer(Response::failed(Failure::Error)),
            Step::Prompt(length) => interpreter.prompt(b"@", DataPhase::Exactly(length)),
            Step::Text(max) => interpreter.prompt(b"> ", DataPhase::UntilCtrlZ { max }),
            Step::Abortable(yes) => interpreter.set_abortable(yes),
            Step::Urc => interpreter.urc("+URC".into()),
            Step::Reset => interpreter.reset(Settings::factory(0)),
            Step::Pause => interpreter.pause_behind_line(),
            Step::GoOn => interpreter.go_on(),
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_every_buffer_keeps_its_limit(steps in prop::collection::vec(step(), 0..60)) {
            let mut interpreter = Interpreter::new(LIMITS, Settings::factory(2));
            for step in steps {
                apply(&mut interpreter, step);
                while interpreter.poll_output().is_some() {}
                prop_assert!(interpreter.waiting.len() <= LIMITS.waiting_input_max);
                prop_assert!(interpreter.line.body().unwrap_or_default().len() <= LIMITS.command_line_max);
                let running = !matches!(interpreter.state, State::Command);
                let waits = !interpreter.waiting.is_empty() && !interpreter.is_paused();
                prop_assert!(running || (!waits && interpreter.event.is_none()));
                if let State::Data { phase: DataPhase::Exactly(max) | DataPhase::UntilCtrlZ { max }, data } =
                    &interpreter.state
                {
                    prop_assert!(data.len() <= *max);
                }
            }
        }
    }

    #[test]
    fn the_oldest_urcs_are_lost_when_too_many_wait() {
        let mut interpreter = Interpreter::new(LIMITS, Settings::factory(2));
        interpreter.handle_bytes(b"ATE0\r");
        (0..=WAITING_URCS_MAX).for_each(|number| interpreter.urc(number.to_string().into()));
        while interpreter.poll_output().is_some() {}
        interpreter.answer(Response::ok());
        let output: Vec<_> = std::iter::from_fn(|| interpreter.poll_output()).collect();
        assert_eq!(output.len(), 1 + WAITING_URCS_MAX);
        assert_eq!(output[1], b"\r\n1\r\n");
    }
}
