//! [`Fit`]: what of a script can be played to a real module on a serial port.
//!
//! It is told before a byte is sent: much of what a module does it does once and for good, so a script
//! that cannot be played leaves it alone.

use super::script::{
    Act, ClockChange, LineMischief, ModemSource, NetworkChange, PortRef, PowerSwitch, Script, Statement,
    Variables, What,
};

/// A script whose dialogue a real module can be played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Statements that there is nothing to do for: their lines, and what is taken for granted.
    pub passed_over: Vec<(usize, &'static str)>,
    /// Lines that assert something of the service, which is not asked.
    pub unasked: Vec<usize>,
}

/// The first statement that only an emulator can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Its line.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// What one statement is here.
enum Part {
    /// Spoken, listened or waited for.
    Played,
    /// There is nothing to do: this is taken for granted.
    PassedOver(&'static str),
    /// The dialogue goes on without it, but whether it holds is not known.
    Unasked,
    /// It cannot be, and nothing behind it would mean what it says.
    Unable(&'static str),
}

impl Fit {
    /// Looks at every statement of a script.
    ///
    /// # Errors
    /// The first that only an emulator can do.
    pub fn of(script: &Script) -> Result<Self, Unfit> {
        let mut fit = Self::default();
        for (place, statement) in script.statements.iter().enumerate() {
            let before = &script.statements[..place];
            match part(&statement.what, before) {
                Part::Played => {}
                Part::PassedOver(granted) => fit.passed_over.push((statement.line, granted)),
                Part::Unasked => fit.unasked.push(statement.line),
                Part::Unable(reason) => {
                    return Err(Unfit { line: statement.line, reason: reason.to_owned() });
                }
            }
        }
        Ok(fit)
    }

    /// Why a script whose dialogue held has not passed, where it asserts more than that.
    pub fn unasked_reason(&self) -> Option<(usize, String)> {
        let (first, more) = self.unasked.split_first()?;
        let more = match more.len() {
            0 => String::new(),
            count => format!(", and {count} more like it"),
        };
        Some((*first, format!("the dialogue held; the service of a real module is not asked for this{more}")))
    }
}

fn part(what: &What, before: &[Statement]) -> Part {
    match what {
        What::Act(act) => act_part(act, before),
        What::WaitPhase { .. } => Part::Unable("the phases of a real bootstrap cannot be seen from its port"),
        _ => what.port().map_or(Part::Played, port_part),
    }
}

fn port_part(port: PortRef) -> Part {
    match port.port {
        0 => Part::Played,
        _ => Part::Unable("one port of the module is there"),
    }
}

fn act_part(act: &Act, before: &[Statement]) -> Part {
    match act {
        Act::Modem(..) if acts(before).any(|act| matches!(act, Act::Modem(..))) => {
            Part::Unable("one module is there")
        }
        Act::Modem(_, spec) => match spec.source {
            ModemSource::Factory(..) => Part::PassedOver("that is the module at the port"),
            ModemSource::Memory { .. } => Part::Unable("a real module has a memory of its own"),
            ModemSource::CloneOf(_) => Part::Unable("a real module cannot be copied"),
        },
        Act::DeviceProfile(spec) => {
            let edits = acts(before).any(|act| matches!(act, Act::DeviceProfile(old) if old.uid == spec.uid));
            match edits {
                false => Part::PassedOver("the service has that device profile"),
                true => NO_OPERATOR,
            }
        }
        Act::Power(_, PowerSwitch::On) if before.iter().any(switches_off) => {
            Part::Unable("PWR_ON of a real module is out of reach")
        }
        Act::Power(_, PowerSwitch::On) => Part::PassedOver("it is on"),
        Act::Power(_, PowerSwitch::Off | PowerSwitch::Cut) => {
            Part::Unable("the power of a real module is out of reach")
        }
        Act::Reset(_) => Part::Unable("RESET_N of a real module is out of reach"),
        Act::Network(_, NetworkChange::Coverage(true)) => Part::PassedOver("there is coverage"),
        Act::Network(_, NetworkChange::Loss(0)) => Part::PassedOver("its link to the service is well"),
        Act::Network(..) => Part::Unable("the network of a real module is out of reach"),
        Act::Clock(_, ClockChange::By(0)) => Part::PassedOver("its clock stays as it is"),
        Act::Clock(..) => Part::Unable("the clock of a real module is set by AT+CCLK only"),
        Act::Line(_, fault) if fault.mischief == LineMischief::None => {
            Part::PassedOver("nothing is wrong with the line")
        }
        Act::Fault(..) | Act::Line(..) | Act::ServiceSilent(_) => {
            Part::Unable("faults are for a module in memory")
        }
        Act::Service(true) => Part::PassedOver("the service is there"),
        Act::Service(false) => Part::Unable("the service of a real module is out of reach"),
        Act::FactoryReset(_) => Part::Unable("a real module is never again as new"),
        Act::Operate(..) | Act::Whitelist { .. } => NO_OPERATOR,
        Act::AssertDevice(..) | Act::AssertEvents(..) | Act::AssertKey(..) => Part::Unasked,
    }
}

const NO_OPERATOR: Part = Part::Unable("there is no operator of the service of a real module");

fn acts(statements: &[Statement]) -> impl Iterator<Item = &Act> {
    statements.iter().filter_map(|statement| match &statement.what {
        What::Act(act) => Some(act),
        _ => None,
    })
}

/// Nothing but PWR_ON brings a module back from this.
fn switches_off(statement: &Statement) -> bool {
    let (What::Send(_, text) | What::SendRaw(_, text)) = &statement.what else { return false };
    let text = text.render(&Variables::new()).to_ascii_uppercase();
    text.windows(8).any(|part| part == b"+CPWROFF")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(text: &str) -> Result<Fit, Unfit> {
        let text =
            format!("device-profile \"AgbCtixjwqLjwV3VWpfPyz\"\nmodem dut sara-r510s ports=2 off\n{text}");
        Fit::of(&Script::parse(&text, "x.at").expect("a scenario"))
    }

    #[test]
    fn a_dialogue_and_what_is_so_anyway_can_be_played() {
        let fit = fit("network dut up\npower dut on\nservice on\n> AT\n< OK\nwait 1d\nfault dut line none\n");
        let lines: Vec<_> = fit.expect("it fits").passed_over.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 9]);
    }

    #[test]
    fn what_only_an_emulator_can_do_is_named_before_anything_is_sent() {
        for statement in [
            "power dut cut",
            "power dut off",
            "reset dut",
            "network dut down",
            "network dut loss 30%",
            "clock dut +5m",
            "fault dut at phase 3 cut",
            "fault dut line drop 3",
            "fault service silent for 10m",
            "service cut",
            "suspend dut",
            "whitelist \"AgbCtixjwqLjwV3VWpfPyz\" add dut",
            "device-profile \"AgbCtixjwqLjwV3VWpfPyz\" plan=flex",
            "factory-reset dut",
            "wait until dut at phase 3 within 10m",
            "modem two sara-r510s",
            "modem two clone-of dut",
            "dut.2> AT",
            "dut.2<none for 1s",
        ] {
            let unfit = fit(&format!("dut> AT\n{statement}\n")).expect_err(statement);
            assert_eq!(unfit.line, 4, "{statement}: {}", unfit.reason);
        }
    }

    #[test]
    fn nobody_switches_on_what_was_switched_off() {
        let unfit = fit("power dut on\n> at+cpwroff\n< OK\npower dut on\n").expect_err("it is off");
        assert_eq!(unfit.line, 6);
    }

    #[test]
    fn what_the_service_must_say_keeps_a_dialogue_that_held_from_passing() {
        let fit = fit("> AT\n< OK\ndevice dut state=ACTIVE\nno event\n").expect("its dialogue fits");
        let (line, reason) = fit.unasked_reason().expect("unasked");
        assert_eq!(line, 5);
        assert!(reason.contains("and 1 more"), "{reason}");
        assert_eq!(Fit::default().unasked_reason(), None);
    }
}
