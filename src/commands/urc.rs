//! Unsolicited result codes: what an interface is told of a module's events.

use crate::at::Line;
use crate::commands::network::{Domain, status};
use crate::module::settings::Reports;
use crate::module::{Event, Module};

/// The URCs of an event, for an interface with these reports.
pub fn render(event: &Event, module: &Module, reports: &Reports) -> Vec<Line> {
    match event {
        Event::Registration(_) => registration(module, *reports),
        Event::PoweredOff { restart: false } if module.profile().power.announces_power_off => {
            vec![Line::from("+UCPWROFF")]
        }
        _ => Vec::new(),
    }
}

fn registration(module: &Module, mut reports: Reports) -> Vec<Line> {
    let line = |domain: Domain| {
        let level = *domain.level(&mut reports);
        (level > 0).then(|| Line::from(format!("{}: {}", domain.command(), status(module, domain, level))))
    };
    Domain::ALL.into_iter().filter_map(line).collect()
}
