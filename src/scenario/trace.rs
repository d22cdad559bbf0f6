//! [`Trace`]: everything that happens in a world, a line each, with virtual times: what passes the
//! ports, datagrams and what becomes of them, messages in CBOR diagnostic notation, writes of the
//! memory with what they change, events. Ciphertext is never part of it, so that the same script
//! and seed give the same trace, byte for byte.

use std::collections::BTreeMap;

use crate::modem::PortId;
use crate::module::{Event, Nvm};
use crate::scenario::fault::Strike;
use crate::scenario::script::shown_ms;
use crate::service;
use crate::time::Timestamp;

/// Lines that were not taken yet.
#[derive(Debug)]
pub(super) struct Trace {
    began: Timestamp,
    names: BTreeMap<usize, String>,
    text: String,
}

/// What became of a datagram.
#[derive(Debug)]
pub(super) struct Fate {
    /// From the module to the service.
    pub(super) up: bool,
    /// Its length.
    pub(super) bytes: usize,
    /// After how many milliseconds each of its copies arrives.
    pub(super) arrivals_ms: Vec<i64>,
    /// The fault that struck it.
    pub(super) met: Option<Strike>,
}

impl Trace {
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, names: BTreeMap::new(), text: String::new() }
    }

    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    pub(super) fn name(&mut self, modem: usize, name: &str) {
        self.names.insert(modem, name.to_owned());
    }

    pub(super) fn note(&mut self, now: Timestamp, text: &str) {
        let at = now.millis_since(self.began);
        self.text.push_str(&format!("{:>12} {text}\n", shown_ms(at)));
    }

    pub(super) fn serial(&mut self, now: Timestamp, modem: usize, port: PortId, sign: char, bytes: &[u8]) {
        let port = if port.0 == 0 { String::new() } else { format!(".{}", port.0 + 1) };
        self.of(now, modem, &format!("{port}{sign} \"{}\"", bytes.escape_ascii()));
    }

    pub(super) fn module_event(&mut self, now: Timestamp, modem: usize, event: &Event) {
        self.of(now, modem, &format!(": {event}"));
    }

    pub(super) fn cut(&mut self, now: Timestamp, modem: usize) {
        self.of(now, modem, ": power cut");
    }

    pub(super) fn datagram(&mut self, now: Timestamp, modem: usize, fate: &Fate) {
        let direction = if fate.up { "to the service" } else { "from the service" };
        let arrivals = match fate.arrivals_ms.as_slice() {
            [] => "lost".to_owned(),
            arrivals => arrivals.iter().map(|at| shown_ms(*at)).collect::<Vec<_>>().join(" and "),
        };
        let met = fate.met.map(|strike| format!(", struck: {strike}")).unwrap_or_default();
        self.of(now, modem, &format!(" ~ {} bytes {direction}, {arrivals}{met}", fate.bytes));
    }

    /// What a write changes, key by key; secrets by their number only.
    pub(super) fn nvm_write(&mut self, now: Timestamp, modem: usize, number: u32, before: &Nvm, after: &Nvm) {
        self.of(now, modem, &format!(" = write {number} of the memory"));
        let (before, after) = (flat(before), flat(after));
        let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
        let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
        let lines: Vec<_> = changed
            .map(|(key, value)| format!("{key} = {value}"))
            .chain(gone.map(|(key, _)| format!("{key} is gone")))
            .collect();
        for line in lines {
            self.of(now, modem, &format!(" =   {line}"));
        }
    }

    pub(super) fn service_event(&mut self, now: Timestamp, event: &service::Event) {
        let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
        self.note(now, &format!("service: {} {}: {}{times}", event.kind, event.rot, event.reason));
    }

    pub(super) fn service(&mut self, now: Timestamp, modem: Option<usize>, happened: &service::Trace) {
        let who = modem.map_or_else(|| "nobody".to_owned(), |modem| self.name_of(modem));
        match happened {
            service::Trace::Connected { identity, .. } => {
                self.note(now, &format!("service: session of {who} stands under {identity}"));
            }
            service::Trace::Exchange { path, code, diagnostic, request, answer, .. } => {
                self.note(now, &format!("service: {who} asks {path} {}", minicbor::display(request)));
                let why = diagnostic.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
                self.note(now, &format!("service: answers {who} {code}{why} {}", minicbor::display(answer)));
            }
            service::Trace::Ended { failure, .. } => {
                self.note(now, &format!("service: session of {who} ended: {failure}"));
            }
            service::Trace::StoreFailed(error) => self.note(now, &format!("service: {error}")),
        }
    }

    fn of(&mut self, now: Timestamp, modem: usize, text: &str) {
        let name = self.name_of(modem);
        self.note(now, &format!("{name}{text}"));
    }

    fn name_of(&self, modem: usize) -> String {
        self.names.get(&modem).cloned().unwrap_or_else(|| format!("modem{}", modem + 1))
    }
}

/// The memory as key and value, nested keys joined by dots.
fn flat(nvm: &Nvm) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    // The memory is made to be written as TOML.
    if let Ok(table) = toml::Table::try_from(nvm) {
        flatten("", &toml::Value::Table(table), &mut keys);
    }
    keys.insert("secrets.key_set".to_owned(), nvm.secrets.in_use().number.to_string());
    keys
}

fn flatten(prefix: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, value, keys);
            }
        }
        value => drop(keys.insert(prefix.to_owned(), value.to_string())),
    }
}
