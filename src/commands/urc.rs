//! Unsolicited result codes: what an interface is told of a module's events.

use crate::at::Line;
use crate::commands::network::{Domain, status};
use crate::commands::{indicators, power_saving};
use crate::module::settings::Interface;
use crate::module::{Event, Module};

/// The URCs of an event, for an interface with these interface.
pub fn render(event: &Event, module: &Module, interface: &Interface) -> Vec<Line> {
    match event {
        Event::Registration(_) => registration(module, *interface),
        Event::PoweredOff { restart: false } if module.profile().power.announces_power_off => {
            vec![Line::from("+UCPWROFF")]
        }
        _ => Vec::new(),
    }
}

/// The URCs of an event that settings ask for: PSM, eDRX, indicators.
pub fn configured(event: &Event, module: &Module, interface: &Interface) -> Vec<Line> {
    let indicators = |registration| indicators::changed(module, interface.indicators, registration);
    match event {
        Event::PowerSaving(asleep) if module.nvm().power_saving.psm_report => {
            vec![Line::from(format!("+UUPSMR: {}", u8::from(*asleep)))]
        }
        Event::Registration(_) => {
            indicators(true).into_iter().chain(power_saving::edrx_report(module)).collect()
        }
        Event::EdrxGranted => power_saving::edrx_report(module).into_iter().collect(),
        Event::DataConnection(_) => indicators(false),
        _ => Vec::new(),
    }
}

/// The text of `+CSGT`. SARA-R41x puts one more CR before it (driver).
pub fn greeting(module: &Module) -> Option<Line> {
    let cr = if module.profile().at.greeting_leading_cr { "\r" } else { "" };
    let greeting = module.nvm().configuration.greeting.as_ref().filter(|greeting| greeting.on)?;
    Some(Line::from(format!("{cr}{}", greeting.text)))
}

fn registration(module: &Module, mut interface: Interface) -> Vec<Line> {
    let line = |domain: Domain| {
        let level = *domain.level(&mut interface);
        (level > 0).then(|| Line::from(format!("{}: {}", domain.command(), status(module, domain, level))))
    };
    Domain::ALL.into_iter().filter_map(line).collect()
}
