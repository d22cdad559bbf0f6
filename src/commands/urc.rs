//! Unsolicited result codes: what an interface is told of a module's events.

use crate::at::Line;
use crate::commands::network::{Domain, status};
use crate::commands::packet::address_of;
use crate::commands::{indicators, power_saving};
use crate::module::settings::Interface;
use crate::module::{Event, Module};
use crate::time::Timestamp;

/// The URCs of an event, for an interface with these settings.
pub fn render(event: &Event, module: &Module, interface: &Interface) -> Vec<Line> {
    let reports = &interface.reports;
    let packet_event = |text: &str| (reports.packet_events > 0).then(|| format!("+CGEV: {text}"));
    let line = match *event {
        Event::Registration(_) => return registration(module, *interface),
        Event::NetworkTime(moment) => network_time(moment, reports.time_zone),
        Event::RadioConnection(on) => {
            (reports.radio_connection > 0).then(|| format!("+CSCON: {}", u8::from(on)))
        }
        Event::Context { cid, active: true, .. } => packet_event(&format!("ME PDN ACT {cid}")),
        Event::Context { cid, active: false, by_network } => {
            packet_event(&format!("{} PDN DEACT {cid}", if by_network { "NW" } else { "ME" }))
        }
        Event::Detached { by_network: true } => packet_event("NW DETACH"),
        Event::Detached { by_network: false } => packet_event("ME DETACH"),
        Event::InternalProfile { profile, active: true } => {
            let cid = module.packet().internal_profile(profile).cid;
            let address = address_of(module, cid).unwrap_or_default();
            Some(format!("+UUPSDA: 0,\"{address}\""))
        }
        Event::InternalProfile { profile, active: false } => Some(format!("+UUPSDD: {profile}")),
        Event::PoweredOff { restart: false } if module.profile().power.announces_power_off => {
            Some("+UCPWROFF".to_owned())
        }
        _ => None,
    };
    line.into_iter().map(Line::from).collect()
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

/// `+CTZV` or `+CTZE`; the network is in UTC.
fn network_time(moment: Timestamp, level: u8) -> Option<String> {
    match level {
        0 => None,
        1 => Some("+CTZV: +00".to_owned()),
        _ => {
            let shown = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or_default();
            let shown = shown.to_zoned(jiff::tz::TimeZone::UTC);
            Some(format!("+CTZE: +00,0,\"{}\"", shown.strftime("%Y/%m/%d,%H:%M:%S")))
        }
    }
}
