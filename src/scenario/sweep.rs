//! The fault sweep: a script is played again with one fault at each datagram and each write of a
//! memory it has.
//!
//! After a power cut the host program of the script goes on as a real one does: power comes back
//! after a minute, ports are set up again, and the command that was not answered is repeated. What
//! does not hold even so is a finding; the fault comes with the line that brings it about.

use std::fmt;

use crate::scenario::fault::{Point, Strike};
use crate::scenario::player::{End, Failure};
use crate::scenario::report::PlayOptions;
use crate::scenario::script::{Act, ModemIndex, ModemSource, Script, What};
use crate::scenario::stage::{Library, Stage};
use crate::scenario::world::Counts;

/// Most faults of one script; beyond that the sweep says that it left some out.
pub const FAULTS_MAX: usize = 200_000;

/// A fault that is placed as soon as its modem is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// On which modem.
    pub modem: ModemIndex,
    /// Where, counted from the making of the modem.
    pub point: Point,
    /// What.
    pub strike: Strike,
}

/// What to try on a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every fault there is to try.
    pub faults: Vec<PlannedFault>,
    /// How many were left out: [`FAULTS_MAX`].
    pub left_out: usize,
    marks: Vec<(usize, Vec<Counts>)>,
}

/// A fault under which the script does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was named.
    pub file: String,
    /// The fault.
    pub fault: PlannedFault,
    /// Where to put which line to see it again.
    pub cure: Paste,
    /// What did not hold.
    pub failure: Box<Failure>,
}

/// Lines of a script that bring a fault about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paste {
    /// This line, before the line of this number.
    Before(usize, String),
    /// These lines, in place of the line of this number: the fault strikes while the modem powers
    /// on for the first time.
    InPlaceOf(usize, Vec<String>),
}

/// Finds every fault there is to try; the script has to hold without one.
///
/// # Errors
/// Why it does not.
pub fn plan(script: &Script, options: PlayOptions, library: &dyn Library) -> Result<Plan, End> {
    let mut stage = Stage::new(options.seed, library);
    let player = stage.play(script);
    if !player.has_passed() {
        return Err(player.end().cloned().unwrap_or(End::Passed));
    }
    let marks = stage.marks().to_vec();
    let mut faults = Vec::new();
    let mut total = 0;
    for index in (0..script.modems.len()).map(ModemIndex) {
        let Some(modem) = stage.modem(index) else { continue };
        let counts = stage.world().counts(modem);
        let datagrams = (1..=counts.datagrams)
            .flat_map(|number| Strike::AT_DATAGRAM.map(|strike| (Point::Datagram(number), strike)));
        let writes = (1..=counts.nvm_writes)
            .flat_map(|number| Strike::AT_NVM_WRITE.map(|strike| (Point::NvmWrite(number), strike)));
        for (point, strike) in datagrams.chain(writes) {
            total += 1;
            if faults.len() < FAULTS_MAX {
                faults.push(PlannedFault { modem: index, point, strike });
            }
        }
    }
    Ok(Plan { left_out: total - faults.len(), faults, marks })
}

/// Plays a script with one fault; what does not hold is a finding.
pub fn try_fault(
    script: &Script,
    file: &str,
    plan: &Plan,
    fault: PlannedFault,
    options: PlayOptions,
    library: &dyn Library,
) -> Result<(), Box<Finding>> {
    let mut stage = Stage::new(options.seed, library);
    stage.plan(fault);
    match stage.play(script).end().cloned() {
        Some(End::Failed(failure)) => {
            let cure = plan.paste(script, fault);
            Err(Box::new(Finding { file: file.to_owned(), fault, cure, failure }))
        }
        _ => Ok(()),
    }
}

impl Plan {
    /// The line that brings a fault about: counted from the last statement before it strikes.
    fn paste(&self, script: &Script, fault: PlannedFault) -> Paste {
        let number = match fault.point {
            Point::Datagram(number) | Point::NvmWrite(number) => number,
            Point::Phase(number) => u32::from(number),
        };
        let before = |counts: &Vec<Counts>| {
            let counts = counts.get(fault.modem.0)?;
            Some(match fault.point {
                Point::Datagram(_) => counts.datagrams,
                Point::NvmWrite(_) => counts.nvm_writes,
                Point::Phase(_) => 0,
            })
        };
        let name = script.name(fault.modem);
        let aftermath = if fault.strike.is_cut() { " recover" } else { "" };
        let line = |point: Point| format!("fault {name} at {point} {}{aftermath}", fault.strike);
        // Before its own statement a modem has no counts.
        let last = self.marks.iter().rev().find_map(|(line, counts)| {
            before(counts).filter(|count| *count < number).map(|count| (*line, count))
        });
        match last {
            Some((at, count)) => Paste::Before(at, line(fault.point.less(count))),
            None => self.paste_at_power_on(script, fault, &line(fault.point)),
        }
    }

    fn paste_at_power_on(&self, script: &Script, fault: PlannedFault, line: &str) -> Paste {
        let made = script.statements.iter().find_map(|statement| match &statement.what {
            What::Act(Act::Modem(index, spec)) if *index == fault.modem => Some((statement, spec)),
            _ => None,
        });
        let name = script.name(fault.modem);
        match made {
            Some((statement, spec)) => {
                let off = match spec.source {
                    // A clone has the power state of its original.
                    ModemSource::CloneOf(_) => statement.text.clone(),
                    _ => format!("{} off", statement.text),
                };
                Paste::InPlaceOf(statement.line, vec![off, line.to_owned(), format!("power {name} on")])
            }
            None => Paste::Before(1, line.to_owned()),
        }
    }
}

impl Point {
    /// The same point, counted from `count` later on.
    fn less(self, count: u32) -> Self {
        match self {
            Self::Datagram(number) => Self::Datagram(number - count),
            Self::NvmWrite(number) => Self::NvmWrite(number - count),
            Self::Phase(number) => Self::Phase(number),
        }
    }
}

impl fmt::Display for Paste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(line, text) => write!(f, "before line {line}: {text}"),
            Self::InPlaceOf(line, texts) => {
                write!(f, "in place of line {line}:")?;
                texts.iter().try_for_each(|text| write!(f, "\n    {text}"))
            }
        }
    }
}

/// What a runner prints.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = &self.failure;
        writeln!(f, "FAIL {}:{}: {}", self.file, failure.line, failure.statement)?;
        writeln!(f, "  under this fault, {}", self.cure)?;
        write!(f, "{failure}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BuiltIn;

    const OPTIONS: PlayOptions = PlayOptions { seed: 1, trace: false };

    fn findings(text: &str) -> (usize, Vec<Finding>) {
        let script = Script::parse(text, "test.at").expect("a script");
        let plan = plan(&script, OPTIONS, &BuiltIn).expect("it holds without a fault");
        let tried =
            |fault: &PlannedFault| try_fault(&script, "test.at", &plan, *fault, OPTIONS, &BuiltIn).err();
        let found = plan.faults.iter().filter_map(tried).map(|finding| *finding).collect();
        (plan.faults.len(), found)
    }

    const SEALED: &str = "device-profile \"AgbCtixjwqLjwV3VWpfPyz\"\n\
        modem dut sara-r510s\n\
        dut> AT+CMEE=2\n\
        dut< OK\n\
        wait until dut < +USECDEVINFO: 1,0,1 within 1d\n\
        dut> AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"serial-1\"\n\
        dut< OK\n\
        wait until dut < +USECDEVINFO: 1,1,1 within 1d\n\
        no event\n";

    #[test]
    fn a_script_that_asks_for_what_is_promised_has_no_finding() {
        let (tried, found) = findings(SEALED);
        assert!(tried > 200, "{tried} faults");
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}", shown.join("\n\n"));
    }

    #[test]
    fn a_finding_comes_with_the_line_that_brings_it_about() {
        // A drop makes the bootstrap repeat a datagram, and cost more; a cut makes it late.
        check_cures(&format!("{SEALED}device bytes<=2400\n"), Strike::Drop);
        check_cures(&SEALED.replace("within 1d", "within 30s"), Strike::CutBefore);
    }

    fn check_cures(text: &str, strike: Strike) {
        let (_, found) = findings(text);
        assert!(found.iter().any(|finding| finding.fault.strike == strike), "{strike}");
        for Finding { cure, failure, .. } in &found {
            let mut lines: Vec<&str> = text.lines().collect();
            match cure {
                Paste::Before(line, fault) => lines.insert(line - 1, fault),
                Paste::InPlaceOf(line, texts) => {
                    lines.splice(line - 1..*line, texts.iter().map(String::as_str));
                }
            }
            let pasted = lines.join("\n");
            let script =
                Script::parse(&pasted, "pasted.at").unwrap_or_else(|error| panic!("{error}\n{pasted}"));
            let player = Stage::new(OPTIONS.seed, &BuiltIn).play(&script);
            let Some(End::Failed(again)) = player.end() else { panic!("{cure} brings it about") };
            assert_eq!((&again.statement, &again.problem), (&failure.statement, &failure.problem), "{cure}");
        }
    }

    #[test]
    fn a_script_that_does_not_hold_is_not_swept() {
        let script = Script::parse("modem dut sara-r510s\n> AT\n< NO", "test.at").expect("a script");
        assert!(matches!(plan(&script, OPTIONS, &BuiltIn), Err(End::Failed(_))));
    }
}
