//! Unsolicited result codes: what an interface is told of a module's events.

use crate::at::Line;
use crate::commands::network::{Domain, status};
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

fn registration(module: &Module, mut interface: Interface) -> Vec<Line> {
    let line = |domain: Domain| {
        let level = *domain.level(&mut interface);
        (level > 0).then(|| Line::from(format!("{}: {}", domain.command(), status(module, domain, level))))
    };
    Domain::ALL.into_iter().filter_map(line).collect()
}
