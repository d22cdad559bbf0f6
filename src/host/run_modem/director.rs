//! A scenario beside a real host program: the script plays the world and asserts on module and
//! service while the program speaks AT.
//!
//! The script has an AT port of its own, as a further interface of the module, so that what it says
//! and hears does not meet what the host program does. It goes on between two turns of the loop;
//! faults strike where the module's outputs are done. Times are the module's system time, at
//! whatever pace that runs. At `--time virtual` a `wait` moves it, and a statement that listens lets a
//! second pass for each tenth of a real one, so that the host program is heard.

use std::time::Duration;

use tokio::sync::oneshot;

use super::ModemHost;
use crate::host::air::Direction;
use crate::host::clock::Pace;
use crate::host::error::HostError;
use crate::host::line::Line;
use crate::modem::{Input, PortId};
use crate::module::{Event, Flow, Nvm};
use crate::scenario::fault::{Fault, Point, Strike};
use crate::scenario::player::{End, Next, Outcome, Player, Problem, Trouble};
use crate::scenario::report::{Report, Verdict};
use crate::scenario::script::{
    Act, Aftermath, ModemIndex, ModemSource, ModemSpec, NetworkChange, PortRef, Script, What,
};
use crate::time::{Now, Timestamp, Wakeup};

/// The only modem of a script that is played beside a host program.
const MODEM: ModemIndex = ModemIndex(0);

/// At `--time virtual` a statement that listens gives the host program so much real time,
const VIRTUAL_PATIENCE: Duration = Duration::from_millis(100);

/// and then lets so much system time pass, in milliseconds. `designed`
const VIRTUAL_STEP_MS: i64 = 1000;

/// A script to be played beside a host program. It lives as long as the program.
#[derive(Clone, Debug)]
pub struct ScenarioSetup {
    /// What to play.
    pub script: &'static Script,
    /// What reports call it.
    pub file: String,
}

/// A script that is being played.
#[derive(Debug)]
pub(super) struct Director {
    player: Player<'static>,
    file: String,
    /// The script's own port of the module.
    port: PortId,
    /// Faults that were placed, with the lines that placed them.
    faults: Vec<(usize, Fault)>,
    /// The same for faults of the lines: their numbers, port by port.
    line_faults: Vec<(usize, Vec<u32>)>,
    at_request: Option<Strike>,
    answer_is_lost: bool,
    /// Until when the service hears nothing, in system time.
    silent_until: Timestamp,
    /// How many datagrams it did not hear for that, and before each silence.
    unheard: u64,
    silences: Vec<(usize, u64)>,
    /// The host program had its time to say something.
    patient: bool,
    /// Who waits for its end.
    ended: Option<oneshot::Sender<Report>>,
}

impl ScenarioSetup {
    /// The modem that the script declares, where a host program can have it.
    ///
    /// # Errors
    /// The line of the first statement that cannot be played beside a host program, and why.
    pub fn modem(&self, embedded: bool) -> Result<Option<&'static ModemSpec>, (usize, String)> {
        let mut declared: Option<&ModemSpec> = None;
        for statement in &self.script.statements {
            let embedded = embedded && declared.is_none_or(|spec| spec.service_resolves);
            let refused = match &statement.what {
                What::Act(act) => refusal(act, embedded),
                _ => None,
            };
            if let Some(reason) = refused {
                return Err((statement.line, reason.to_owned()));
            }
            if let What::Act(Act::Modem(_, spec)) = &statement.what {
                if declared.is_some() {
                    return Err((statement.line, "beside a host program there is one modem".to_owned()));
                }
                declared = Some(spec);
            }
        }
        Ok(declared)
    }
}

/// Why an act cannot be played beside a host program.
fn refusal(act: &Act, embedded: bool) -> Option<&'static str> {
    match act {
        Act::Modem(_, spec) if !matches!(spec.source, ModemSource::Factory(..)) => {
            Some("beside a host program a modem is one of the state directory; --state names it")
        }
        Act::Modem(_, spec) if spec.ports > 1 => Some("beside a host program the script has one port"),
        Act::Modem(_, spec) if !spec.on => Some("beside a host program the modem is powered on"),
        Act::Service(_) => {
            Some("beside a host program the service is there; `fault service silent` stops it")
        }
        Act::Fault(.., Aftermath::Recovers) => {
            Some("beside a host program it is that program that recovers; leave out `recover`")
        }
        Act::Fault(_, Point::NvmWrite(_), Strike::CutBetween, _) => {
            Some("beside a host program a write is done or not; cut before, or after")
        }
        Act::DeviceProfile(_)
        | Act::Operate(..)
        | Act::Whitelist { .. }
        | Act::AssertDevice(..)
        | Act::AssertEvents(..)
        | Act::AssertKey(..)
            if !embedded =>
        {
            Some("this needs the embedded security service")
        }
        _ => None,
    }
}

impl Director {
    /// A script at its beginning; `port` is its own.
    pub(super) fn new(
        setup: &ScenarioSetup,
        port: PortId,
        now: Timestamp,
        ended: oneshot::Sender<Report>,
    ) -> Self {
        Self {
            player: Player::new(setup.script, now),
            file: setup.file.clone(),
            port,
            faults: Vec::new(),
            line_faults: Vec::new(),
            at_request: None,
            answer_is_lost: false,
            silent_until: Timestamp::default(),
            unheard: 0,
            silences: Vec::new(),
            patient: false,
            ended: Some(ended),
        }
    }

    /// The strike that meets this point, if one does.
    fn meet(&mut self, point: Point) -> Option<Strike> {
        Fault::meet_all(self.faults.iter_mut().map(|(_, fault)| fault), point)
    }

    /// Something happened in the module.
    fn happened(&mut self, event: &Event) -> Option<Strike> {
        match event {
            Event::Booted => self.player.booted(MODEM),
            Event::PhaseBegan(phase) => {
                let number = phase.number()?;
                self.player.phase_began(MODEM, number);
                let strike = self.meet(Point::Phase(number));
                if strike != Some(Strike::CutBefore) {
                    self.at_request = strike.or(self.at_request);
                }
                return strike;
            }
            _ => {}
        }
        None
    }

    /// It is over: whoever waits gets the report.
    fn finish(&mut self, lines: &[Line], now: Timestamp) {
        let placed = self.faults.iter().find(|(_, fault)| !fault.struck).map(|(line, _)| *line);
        // A fault of all lines has struck once it has on one of them.
        let waits = |(_, numbers): &&(usize, Vec<u32>)| {
            let mut on_each = lines.iter().zip(numbers);
            !numbers.is_empty() && on_each.all(|(line, number)| line.is_waiting(*number))
        };
        let ordered = self.line_faults.iter().find(waits).map(|(line, _)| *line);
        let silent = self.silences.iter().find(|(_, before)| self.unheard == *before).map(|(line, _)| *line);
        if self.player.has_passed()
            && let Some(line) = placed.or(ordered).or(silent)
        {
            self.player.fail_at(Some(line), Problem::NeverStruck, now);
        }
        let verdict = match self.player.end().cloned() {
            Some(End::Failed(failure)) => Verdict::Failed(failure),
            Some(End::Skipped { line, reason }) => Verdict::Skipped(line, reason),
            Some(End::Passed) | None => Verdict::Passed,
        };
        let took_ms = now.millis_since(self.player.began());
        if let Some(ended) = self.ended.take() {
            // An error means that nobody waits any more.
            let _ = ended.send(Report { file: self.file.clone(), verdict, took_ms, trace: String::new() });
        }
    }
}

impl ModemHost {
    /// Whether a port is the script's own.
    pub(super) fn is_directors(&self, port: PortId) -> bool {
        self.director.as_ref().is_some_and(|director| director.port == port)
    }

    /// The module says something on the script's port.
    pub(super) fn tell_director(&mut self, bytes: &[u8], now: Now) {
        if let Some(director) = &mut self.director {
            director.player.hear(PortRef { modem: MODEM, port: 0 }, bytes, now.system);
        }
    }

    /// Plays on until the script waits; how long it does, in real time.
    pub(super) async fn direct(&mut self) -> Result<Option<Duration>, HostError> {
        while !self.stopping {
            let now = self.clock.now();
            let Some(director) = &mut self.director else { break };
            let statement = director.player.statement();
            match director.player.next(now.system) {
                Next::Send(_, bytes) => {
                    let port = director.port;
                    self.input(Input::Serial { port, bytes: &bytes })?;
                }
                Next::Act(act) => {
                    let act = act.resolved(director.player.variables()).into_owned();
                    let outcome =
                        self.direct_act(&act, statement.map_or(0, |statement| statement.line)).await?;
                    let now = self.clock.now();
                    if let Some(director) = &mut self.director {
                        director.player.acted(outcome, now.system);
                    }
                }
                Next::Wait(until) => {
                    if self.clock.pace() != Pace::Virtual {
                        return Ok(self.clock.until(Wakeup::system(Some(until))));
                    }
                    let moves = matches!(statement.map(|statement| &statement.what), Some(What::Wait(_)));
                    if !moves && !std::mem::take(&mut director.patient) {
                        director.patient = true;
                        return Ok(Some(VIRTUAL_PATIENCE));
                    }
                    let step =
                        if moves { until } else { until.min(now.system.offset_millis(VIRTUAL_STEP_MS)) };
                    self.advance_to(step).await?;
                }
                Next::Ended => {
                    director.finish(&self.lines, now.system);
                    break;
                }
            }
        }
        Ok(None)
    }

    async fn direct_act(&mut self, act: &Act, line: usize) -> Result<Outcome, HostError> {
        match act {
            // It is there already.
            Act::Modem(..) => {}
            Act::Power(_, to) => self.input(Input::from(*to))?,
            Act::Reset(_) => self.input(Input::Reset)?,
            Act::Network(_, NetworkChange::Coverage(up)) => self.input(Input::Coverage(*up))?,
            Act::Network(_, change) => self.air.condition().apply(*change),
            Act::Clock(_, change) => {
                let shown = self.modem.module().nvm().rtc.at(self.clock.now().system);
                self.input(Input::SetClock(change.of(shown)))?;
            }
            Act::Line(_, fault) => {
                let numbers = self.lines.iter_mut().map(|of_port| of_port.order(*fault)).collect();
                if let Some(director) = &mut self.director {
                    director.line_faults.push((line, numbers));
                }
            }
            Act::Fault(_, point, strike, _) => {
                if let Some(director) = &mut self.director {
                    director.faults.push((line, Fault::new(*point, *strike)));
                }
            }
            Act::ServiceSilent(millis) => {
                let until = self.clock.now().system.offset_millis(*millis);
                if let Some(director) = &mut self.director {
                    director.silences.push((line, director.unheard));
                    director.silent_until = until;
                }
            }
            Act::FactoryReset(_) => drop(self.factory_reset().await?),
            _ => return Ok(self.direct_service(act).await),
        }
        Ok(Ok(()))
    }

    async fn direct_service(&mut self, act: &Act) -> Outcome {
        let rot = act.modem().map(|_| self.modem.module().nvm().identity.rot);
        match &self.service {
            Some(service) => service.perform(act.clone(), rot).await,
            None => Err(Trouble::Unable("this needs the embedded security service".to_owned())),
        }
    }

    // ---- faults ------------------------------------------------------------------------------

    /// Something happened in the module; the request of a phase may be struck.
    pub(super) fn strike_event(&mut self, event: &Event, now: Now) -> Result<(), HostError> {
        let strike = self.director.as_mut().and_then(|director| director.happened(event));
        if strike == Some(Strike::CutBefore) { self.cut(now) } else { Ok(()) }
    }

    /// Writes the module's memory, unless a fault strikes there.
    pub(super) fn write_memory(&mut self, nvm: &Nvm, now: Now) -> Result<(), HostError> {
        let strike = self.director.as_mut().and_then(|director| director.meet(Point::NvmWrite(1)));
        if strike != Some(Strike::CutBefore) {
            self.nvm_file.save(nvm, &nvm.secrets).map_err(|error| {
                HostError::running(format_args!("the module's memory could not be written: {error}"))
            })?;
        }
        if strike.is_some() { self.cut(now) } else { Ok(()) }
    }

    /// A datagram of the module sets out.
    pub(super) fn transmit(&mut self, flow: Flow, bytes: Vec<u8>, now: Now) -> Result<(), HostError> {
        let Some(director) = &mut self.director else {
            self.air.carry(Direction::ToService, flow, bytes, now.steady);
            return Ok(());
        };
        let of_phase = director.at_request.take();
        director.answer_is_lost |= of_phase == Some(Strike::DropResponse);
        let strike = director.meet(Point::Datagram(1)).or(of_phase);
        let silent = now.system < director.silent_until;
        director.unheard += u64::from(silent);
        if strike == Some(Strike::CutBefore) {
            return self.cut(now);
        }
        if !silent {
            self.carry_struck(Direction::ToService, flow, bytes, strike, now);
        }
        if strike.is_some_and(Strike::is_cut) { self.cut(now) } else { Ok(()) }
    }

    /// A datagram of the service sets out to the module.
    pub(super) fn receive(&mut self, flow: Flow, bytes: Vec<u8>, now: Now) -> Result<(), HostError> {
        let Some(director) = &mut self.director else {
            self.air.carry(Direction::ToModule, flow, bytes, now.steady);
            return Ok(());
        };
        let lost = std::mem::take(&mut director.answer_is_lost);
        let strike = director.meet(Point::Datagram(1)).or(lost.then_some(Strike::Drop));
        match strike {
            Some(Strike::CutBefore) => self.cut(now),
            Some(Strike::CutAfter | Strike::CutBetween) => {
                self.datagram(flow, &bytes, now);
                while let Some(output) = self.modem.poll_output() {
                    self.act(output, now)?;
                }
                self.cut(now)
            }
            strike => {
                self.carry_struck(Direction::ToModule, flow, bytes, strike, now);
                Ok(())
            }
        }
    }

    fn carry_struck(
        &mut self,
        direction: Direction,
        flow: Flow,
        bytes: Vec<u8>,
        strike: Option<Strike>,
        now: Now,
    ) {
        match strike {
            Some(Strike::Drop | Strike::DropRequest) => {}
            Some(Strike::Duplicate) => {
                self.air.carry(direction, flow, bytes.clone(), now.steady);
                self.air.carry(direction, flow, bytes, now.steady);
            }
            Some(Strike::Delay(millis)) => {
                self.air.carry(direction, flow, bytes, now.steady.offset_millis(millis));
            }
            Some(Strike::Corrupt) => {
                let bytes = self.air.corrupt(bytes);
                self.air.carry(direction, flow, bytes, now.steady);
            }
            _ => self.air.carry(direction, flow, bytes, now.steady),
        }
    }

    /// Power loss at this instant: the module finds on its disk what was written.
    fn cut(&mut self, now: Now) -> Result<(), HostError> {
        self.modem.handle_input(Input::PowerCut, now);
        let loaded = self.nvm_file.load::<Nvm, _>().map_err(HostError::running)?;
        if let Some((nvm, secrets)) = loaded {
            self.modem.load(Nvm { secrets, ..nvm });
        }
        self.replug_on_power_cut();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(text: &str) -> ScenarioSetup {
        let script = Script::parse(text, "x.at").expect("a script");
        ScenarioSetup { script: Box::leak(Box::new(script)), file: "x.at".to_owned() }
    }

    #[test]
    fn what_cannot_be_played_beside_a_host_program_is_known_before_it_starts() {
        let check = |line: &str, embedded: bool, fine: bool| {
            let text = format!("modem dut sara-r510s\n{line}\n");
            let answer = setup(&text).modem(embedded);
            assert_eq!(answer.is_ok(), fine, "{line}: {answer:?}");
            if let Err((at, _)) = answer {
                assert_eq!(at, 2, "{line}");
            }
        };
        check("power dut cut", true, true);
        check("fault dut at phase 3 cut", true, true);
        check("device dut state=ACTIVE", true, true);
        check("device dut state=ACTIVE", false, false);
        check("feature dut ldp on", false, false);
        check("service cut", true, false);
        check("fault dut at nvm-write 1 cut between", true, false);
        check("fault dut at nvm-write 1 cut recover", true, false);
        check("modem two sara-r510s", true, false);
        check("modem two clone-of dut", true, false);
    }
}
