//! The façade: joins the AT language, the commands and the module. [`Input`] in, [`Output`] out.
//!
//! 1. Bytes of a port go to its [`Interpreter`], which asks for one request at a time.
//! 2. The request is run by its command: against the [`Module`], to a reply or a [`Pending`].
//! 3. What the module wants done is queued first (a write before the `OK` that depends on it),
//!    then what the interpreters have to say.
//! 4. Events of the module become URCs on every port that wants them.
//! 5. Between the line of a port and its interpreter stands a [`Channel`]: the line may carry the frames
//!    of a chip-to-chip session.
//! 6. What is pending is asked again after every input, unless a character aborts it; what waits for
//!    data of the DTE goes on with its last byte.

mod mismatch;
mod uart;

pub use uart::{Dce, Dte};

use std::collections::VecDeque;
use std::sync::Arc;

use crate::at::{self, CmeError, Failure, Interpreter, Limits, Request, Response};
use crate::c2c::Channel;
use crate::commands::{Command, Context, DataRequest, Pending, Reply, Vocabulary, urc};
use crate::module::network::Operator;
use crate::module::power::Power;
use crate::module::security::ChipToChipEvent;
use crate::module::settings::{Interface, StoredProfile};
use crate::module::{self, Event, Flow, Module, ModuleOptions, Nvm, Timing};
use crate::profile::Profile;
use crate::time::{Now, Timestamp, Wakeup};
use uart::Uart;

/// A port of the module: an AT interface with its own command line and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub usize);

/// What happens to a modem.
#[derive(Debug)]
pub enum Input<'a> {
    /// Supply and PWR_ON; wakes a module that is asleep.
    PowerOn,
    /// PWR_ON held: an orderly power-off.
    PowerOff,
    /// The supply is gone, at this instant.
    PowerCut,
    /// RESET_N.
    Reset,
    /// Bytes from the DTE.
    Serial {
        /// On which port.
        port: PortId,
        /// Any bytes.
        bytes: &'a [u8],
    },
    /// What the DTE shows beside data has changed. Until then it is [`Dte::default`].
    Line {
        /// On which port.
        port: PortId,
        /// Its rate and lines.
        dte: Dte,
    },
    /// A datagram from the security service.
    Datagram {
        /// To which local port.
        flow: Flow,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The service's name did not resolve.
    Unresolved {
        /// For a datagram from this local port.
        flow: Flow,
    },
    /// There is a cell to hear, or none.
    Coverage(bool),
    /// Networks that have cells here, wherever there is coverage; no other has.
    Networks(&'a [&'static Operator]),
    /// The network deactivates this PDP context.
    ContextLost(u8),
    /// The real-time clock is set, UTC.
    SetClock(Timestamp),
}

/// What a modem wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To be written in one piece.
    Serial {
        /// On which port.
        port: PortId,
        /// One echo, line, URC or prompt.
        bytes: Vec<u8>,
    },
    /// What the module shows beside data has changed, behind the bytes before. Until then it is
    /// [`Dce::default`].
    Line {
        /// On which port.
        port: PortId,
        /// Its rate and lines.
        dce: Dce,
    },
    /// What the module wants done.
    Module(module::Output),
}

/// A virtual module with its AT interfaces.
#[derive(Debug)]
pub struct Modem {
    module: Module,
    vocabulary: Vocabulary,
    ports: Vec<Port>,
    output: VecDeque<Output>,
}

#[derive(Debug)]
struct Port {
    interpreter: Interpreter,
    uart: Uart,
    channel: Channel,
    interface: Interface,
    running: Option<Running>,
}

/// A request that has not been answered yet.
#[derive(Debug)]
enum Running {
    Pending(Pending),
    /// Data is to come, by this moment of the steady clock.
    Data(DataRequest, Timestamp),
    /// Under `--timing module` an answer takes its time.
    Answer(Timestamp, Response),
}

impl Modem {
    /// A modem with this memory and this many ports, powered off.
    pub fn new(profile: Arc<Profile>, nvm: Nvm, options: ModuleOptions, ports: usize, now: Now) -> Self {
        let vocabulary = Vocabulary::of(&profile);
        let module = Module::new(profile, nvm, options, now);
        let ports = (0..ports).map(|_| Port::new(&module)).collect();
        Self { module, vocabulary, ports, output: VecDeque::new() }
    }

    /// The module behind the ports.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What is on the disk of a modem that is off, where that is not what it believed.
    pub fn load(&mut self, nvm: Nvm) {
        self.module.load(nvm);
    }

    /// Something happened.
    pub fn handle_input(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::PowerOn => self.module.power_on(now),
            Input::PowerOff => self.module.request_power_off(now),
            Input::PowerCut => self.cut_power(now),
            Input::Reset => {
                self.silence_ports();
                self.module.pull_reset(now);
            }
            Input::Serial { port, bytes } => self.handle_serial(port, bytes, now),
            Input::Line { port: PortId(index), dte } => {
                if let Some(port) = self.ports.get_mut(index) {
                    port.uart.set_dte(dte);
                }
            }
            Input::Datagram { flow, bytes } => self.module.handle_datagram(flow, bytes, now),
            Input::Unresolved { flow } => self.module.handle_unresolved(flow, now),
            Input::Coverage(coverage) => self.module.set_coverage(coverage, now),
            Input::Networks(around) => self.module.set_networks(around.to_vec(), now),
            Input::ContextLost(cid) => self.module.lose_context(cid, now),
            Input::SetClock(moment) => self.module.set_clock(moment, None, now),
        }
        if matches!(input, Input::PowerOff | Input::Reset) {
            // Nobody waits for an answer: without artificial latency it is done already.
            self.module.handle_timeout(now);
        }
        self.progress(now);
    }

    /// A deadline of [`Modem::next_timeout`] may have been reached. Calls too many are harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.module.handle_timeout(now);
        self.progress(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// When to call [`Modem::handle_timeout`] next.
    pub fn next_timeout(&self) -> Wakeup {
        let answers = self.ports.iter().filter_map(|port| match &port.running {
            Some(Running::Answer(at, _)) => Some(*at),
            Some(Running::Pending(pending)) => pending.deadline(),
            Some(Running::Data(..)) | None => None,
        });
        let data = self.ports.iter().filter_map(|port| match &port.running {
            Some(Running::Data(_, deadline)) => Some(*deadline),
            _ => None,
        });
        self.module.next_timeout().earlier(Wakeup { steady: data.min(), system: answers.min() })
    }

    fn handle_serial(&mut self, PortId(index): PortId, bytes: &[u8], now: Now) {
        if self.module.power() == Power::On
            && let Some(port) = self.ports.get_mut(index)
        {
            self.module.note_input(now);
            let detectable = &self.module.profile().at.rates_detected_bps;
            let received = port.uart.receive(bytes, port.interpreter.settings(), detectable);
            let said = port.channel.receive(&received);
            port.interpreter.handle_bytes(&said);
            note_mishaps(&mut self.module, index, port);
        }
    }

    fn cut_power(&mut self, now: Now) {
        self.module.power_cut(now);
        self.output.clear();
        self.silence_ports();
    }

    /// What ports were about to say is lost.
    fn silence_ports(&mut self) {
        self.reset_ports();
        for port in &mut self.ports {
            while port.interpreter.poll_output().is_some() {}
        }
    }

    /// Goes on until nobody has anything to do.
    fn progress(&mut self, now: Now) {
        loop {
            self.drain_module();
            let worked = (0..self.ports.len()).any(|port| self.advance(port, now));
            self.drain_ports();
            if !worked {
                return;
            }
            self.module.handle_timeout(now);
        }
    }

    /// One step of one port; whether there was one.
    fn advance(&mut self, index: usize, now: Now) -> bool {
        let Some(port) = self.ports.get_mut(index) else { return false };
        match port.running.take() {
            Some(Running::Answer(at, response)) if at <= now.system => {
                port.answer(response);
                true
            }
            Some(Running::Pending(_)) if port.interpreter.poll_event() == Some(at::Event::Abort) => {
                port.answer(Response::aborted());
                true
            }
            Some(Running::Pending(pending)) => self.ask_again(index, pending, now),
            Some(Running::Data(request, deadline)) => self.take_data(index, request, deadline, now),
            waiting @ Some(Running::Answer(..)) => {
                port.running = waiting;
                false
            }
            None => match port.interpreter.poll_event() {
                Some(at::Event::Request(request)) => {
                    self.run(index, request, now);
                    true
                }
                // Data is asked for by what runs, and what can be aborted is pending.
                Some(at::Event::Data(_) | at::Event::DataAborted | at::Event::Abort) => true,
                None => false,
            },
        }
    }

    fn run(&mut self, index: usize, request: Request, now: Now) {
        let Some(command) = self.vocabulary.find(&request.name) else {
            let code = self.module.profile().at.unknown_command_cme;
            let failure = code.map_or(Failure::Error, |code| Failure::Cme(CmeError(code)));
            return self.answer(index, Err(failure), now);
        };
        if let Some(failure) = crate::commands::sim::refusal(&self.module, command.name, &request.form, now) {
            return self.answer(index, Err(failure), now);
        }
        match self.heartbeat_first(command, &request, now) {
            Some(number) => {
                let pending = Pending::HeartbeatFirst(number, request);
                self.answer(index, Ok(Reply::Wait(pending)), now);
            }
            None => {
                let result = self.with_context(index, now, |context| (command.run)(context, request.form));
                if let Some(result) = result {
                    self.answer(index, result, now);
                }
            }
        }
    }

    /// Whether a due security heartbeat has to run before this command.
    fn heartbeat_first(&mut self, command: &Command, request: &Request, now: Now) -> Option<u32> {
        let facts = self.module.profile().security.as_ref()?;
        let listed = facts.heartbeat_first.contains(command.name) && request.form != at::Form::Test;
        if listed { self.module.request_due_heartbeat(now) } else { None }
    }

    fn ask_again(&mut self, index: usize, pending: Pending, now: Now) -> bool {
        let answer = self.with_context(index, now, |context| pending.poll(context)).flatten();
        let answered = answer.is_some();
        match answer {
            Some(result) => {
                self.end_abortable(index, &pending);
                self.answer(index, result, now);
            }
            None => self.wait(index, Running::Pending(pending)),
        }
        answered
    }

    /// One step of a data phase: its last byte has come, or its time is over.
    fn take_data(&mut self, index: usize, request: DataRequest, deadline: Timestamp, now: Now) -> bool {
        let Some(port) = self.ports.get_mut(index) else { return false };
        let result = match port.interpreter.poll_event() {
            Some(at::Event::Data(data)) => {
                self.with_context(index, now, |context| request.usage.run(context, &data))
            }
            Some(at::Event::DataAborted) => Some(Err(Failure::Aborted)),
            _ if deadline <= now.steady => {
                self.with_context(index, now, |context| Err(request.usage.timed_out(context)))
            }
            _ => {
                port.running = Some(Running::Data(request, deadline));
                return false;
            }
        };
        if let Some(result) = result {
            self.answer(index, result, now);
        }
        true
    }

    /// An answer that is on its way is no longer aborted.
    fn end_abortable(&mut self, index: usize, pending: &Pending) {
        if pending.is_abortable()
            && let Some(port) = self.ports.get_mut(index)
        {
            port.interpreter.set_abortable(false);
        }
    }

    fn answer(&mut self, index: usize, result: Result<Reply, Failure>, now: Now) {
        let response = match result {
            Ok(Reply::Wait(pending)) => return self.wait(index, Running::Pending(pending)),
            Ok(Reply::Data(request)) => return self.ask_for_data(index, request, now),
            Ok(Reply::Lines(lines)) => Response::lines(lines),
            Err(failure) => Response::failed(self.as_the_profile_says(failure)),
        };
        let delay_ms = i64::from(self.module.profile().power.response_ms);
        match self.module.timing() {
            Timing::Module if delay_ms > 0 => {
                self.wait(index, Running::Answer(now.system.offset_millis(delay_ms), response));
            }
            _ => self.answer_now(index, response),
        }
    }

    /// The port takes data from now on, before the prompt leaves.
    fn ask_for_data(&mut self, index: usize, request: DataRequest, now: Now) {
        self.drain_module();
        if let Some(port) = self.ports.get_mut(index) {
            port.interpreter.prompt(request.prompt.as_bytes(), at::DataPhase::Exactly(request.length));
            let deadline = now.steady.offset_millis(request.timeout_ms);
            port.running = Some(Running::Data(request, deadline));
        }
    }

    fn answer_now(&mut self, index: usize, response: Response) {
        // What the module has to write comes before the result code that depends on it.
        self.drain_module();
        if let Some(port) = self.ports.get_mut(index) {
            port.answer(response);
        }
    }

    fn wait(&mut self, index: usize, running: Running) {
        if let Some(port) = self.ports.get_mut(index) {
            if matches!(&running, Running::Pending(pending) if pending.is_abortable()) {
                port.interpreter.set_abortable(true);
            }
            port.running = Some(running);
        }
    }

    fn with_context<T>(
        &mut self,
        index: usize,
        now: Now,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> Option<T> {
        let port = self.ports.get_mut(index)?;
        Some(work(&mut Context {
            module: &mut self.module,
            settings: port.interpreter.settings_mut(),
            interface: &mut port.interface,
            channel: &mut port.channel,
            detected_bps: port.uart.detected_bps(),
            vocabulary: &self.vocabulary,
            now,
        }))
    }

    fn as_the_profile_says(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Cme(CmeError::INCORRECT_PARAMETERS) => {
                Failure::Cme(CmeError(self.module.profile().at.bad_parameter_cme))
            }
            other => other,
        }
    }

    fn drain_module(&mut self) {
        while let Some(output) = self.module.poll_output() {
            if let module::Output::Event(event) = &output {
                self.tell_ports(event);
            }
            self.output.push_back(Output::Module(output));
        }
    }

    fn tell_ports(&mut self, event: &Event) {
        for port in &mut self.ports {
            let lines = urc::render(event, &self.module, &port.interface);
            for line in lines.into_iter().chain(urc::configured(event, &self.module, &port.interface)) {
                port.interpreter.urc(line);
            }
        }
        match event {
            Event::Booted => self.greet(),
            Event::PoweredOff { .. } => {
                self.answer_what_is_decided();
                self.drain_ports();
                self.reset_ports();
            }
            Event::PowerSaving(true) => {
                self.drain_ports();
                self.reset_ports();
            }
            _ => {}
        }
    }

    /// The ports are as after power-on, and show the greeting text.
    fn greet(&mut self) {
        self.reset_ports();
        if let Some(greeting) = urc::greeting(&self.module) {
            self.ports.iter_mut().for_each(|port| port.interpreter.urc(greeting.clone()));
        }
    }

    /// An answer that only took its time leaves before the module goes: `OK` of the reset itself.
    fn answer_what_is_decided(&mut self) {
        for port in &mut self.ports {
            if let Some(Running::Answer(_, response)) = port.running.take() {
                port.answer(response);
            }
        }
    }

    fn reset_ports(&mut self) {
        for port in &mut self.ports {
            let stored = power_on_profile(&self.module);
            port.interpreter.reset(stored.v250);
            port.interface = stored.interface;
            port.uart.reset(&port.interface);
            port.channel = Channel::default();
            port.running = None;
        }
    }

    fn drain_ports(&mut self) {
        let ready = self.module.power() == Power::On;
        for (index, port) in self.ports.iter_mut().enumerate() {
            if let Some(what) = port.pass_on() {
                self.module.note_chip_to_chip(index, what);
                note_mishaps(&mut self.module, index, port);
            }
            port.drain(PortId(index), ready, &mut self.output);
        }
    }
}

impl Port {
    fn new(module: &Module) -> Self {
        let facts = &module.profile().at;
        let limits =
            Limits { command_line_max: facts.command_line_max, waiting_input_max: facts.waiting_input_max };
        let stored = power_on_profile(module);
        Self {
            interpreter: Interpreter::new(limits, stored.v250),
            uart: Uart::default(),
            channel: Channel::default(),
            interface: stored.interface,
            running: None,
        }
    }

    /// Answers the request that runs. Where the line ends with it, a session begins or ends behind it.
    fn answer(&mut self, response: Response) {
        match response.result {
            Ok(_) if self.channel.is_about_to_switch() => self.interpreter.pause_behind_line(),
            Ok(_) => {}
            Err(_) => self.channel.stay(),
        }
        self.interpreter.answer(response);
    }

    /// What the interpreter has to say passes the channel, which may change behind it.
    fn pass_on(&mut self) -> Option<ChipToChipEvent> {
        self.transmit();
        if !self.interpreter.is_paused() {
            return None;
        }
        let was_open = self.channel.is_open();
        self.channel.switch();
        let is_open = self.channel.is_open();
        if is_open && !was_open {
            // What came in the meantime can only be frames, sent early.
            let waiting = self.interpreter.take_waiting();
            let said = self.channel.receive(&waiting).into_owned();
            self.interpreter.go_on();
            self.interpreter.handle_bytes(&said);
        } else {
            self.interpreter.go_on();
        }
        self.transmit();
        match (was_open, is_open) {
            (false, true) => Some(ChipToChipEvent::Opened),
            (true, false) => Some(ChipToChipEvent::Closed),
            _ => None,
        }
    }

    fn transmit(&mut self) {
        while let Some(bytes) = self.interpreter.poll_output() {
            for piece in self.channel.send(bytes) {
                self.uart.transmit(piece);
            }
        }
    }

    /// What passed the channel passes the line, and then a new rate is in force.
    fn drain(&mut self, port: PortId, ready: bool, output: &mut VecDeque<Output>) {
        let settings = self.interpreter.settings();
        let full = self.interpreter.is_nearly_full();
        if let Some(bytes) = self.uart.poll_flow_character(full, settings) {
            output.push_back(Output::Serial { port, bytes });
        }
        while let Some(bytes) = self.uart.poll_output(settings) {
            output.push_back(Output::Serial { port, bytes });
        }
        if !self.interpreter.is_running() {
            self.uart.adopt(&self.interface);
        }
        if let Some(dce) = self.uart.poll_dce(ready, full, settings) {
            output.push_back(Output::Line { port, dce });
        }
    }
}

/// What was dropped on a port is nobody's to know but the log's.
fn note_mishaps(module: &mut Module, index: usize, port: &mut Port) {
    let mishaps = port.channel.take_mishaps();
    if !mishaps.is_none() {
        module.note_chip_to_chip(index, ChipToChipEvent::Dropped(mishaps));
    }
}

/// What `AT&W` stored, or the factory's; `+CMEE` is volatile (manual).
fn power_on_profile(module: &Module) -> StoredProfile {
    let profile = module.profile();
    let mut stored = module.nvm().stored_profile.clone().unwrap_or_else(|| StoredProfile::factory(profile));
    stored.v250.cmee = profile.at.cmee_default;
    stored
}
