//! Lines to statements.

use std::collections::BTreeSet;

use super::cursor::{Cursor, Word, duration_ms};
use super::dialogue::{PATIENCE_MS, within};
use super::error::Problem;
use super::key_claim::KeyClaimSort;
use super::statement::*;
use super::{LINE_LEN_MAX, MODEMS_MAX, ModemIndex, PORTS_MAX, STATEMENTS_MAX, Script};
use crate::c2c::Secret;
use crate::module::{IpVersion, Timing};
use crate::protocol::message::Feature;
use crate::scenario::fault::{Point, Strike};
use crate::service::device_profile::DeviceProfile;
use crate::service::event::EventKind;
use crate::service::plan::Plan;
use crate::time::Timestamp;

/// Reads a script statement by statement; what was declared so far is known.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    modems: Vec<&'t str>,
    /// How many ports each has.
    ports: Vec<usize>,
    /// Whether the script declares one modem only, so that its name may be left out.
    single: bool,
    /// Names of variables captured so far.
    pub(super) captured: Vec<String>,
}

/// The first word of each statement that is no dialogue.
const VERBS: &str = "device-profile, modem, power, reset, network, fault, clock, wait, c2c, feature, \
heartbeat-period, plan, unblock, suspend, transfer, whitelist, forget, factory-reset, new-keys, service, \
device, event, no event, psk, uplink; or NAME> NAME>> NAME< NAME<< NAME<prompt NAME<data NAME<none";

const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];

pub(super) fn script(text: &str) -> Result<Script, Problem> {
    let is_modem = |line: &&str| line.split_whitespace().next() == Some("modem");
    let mut parser = Parser {
        modems: Vec::new(),
        ports: Vec::new(),
        single: text.lines().filter(is_modem).take(2).count() == 1,
        captured: Vec::new(),
    };
    let mut statements = Vec::new();
    // Some editors begin a file with a mark of its byte order.
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(text) => ('\u{feff}'.len_utf8(), text),
        None => (0, text),
    };
    let mut base = mark;
    for (index, whole) in text.split('\n').enumerate() {
        let line = whole.strip_suffix('\r').unwrap_or(whole);
        let shown = line.trim();
        if !shown.is_empty() && !shown.starts_with('#') {
            if line.len() > LINE_LEN_MAX {
                return Err(too_many(base, "this line is too long", LINE_LEN_MAX, "bytes"));
            }
            if statements.len() == STATEMENTS_MAX {
                return Err(too_many(base, "there are too many statements", STATEMENTS_MAX, "of them"));
            }
            let what = parser.statement(line, base)?;
            statements.push(Statement { line: index + 1, text: shown.to_owned(), what });
        }
        base += whole.len() + 1;
    }
    if statements.is_empty() {
        return Err(Problem {
            offset: 0,
            message: "there is no statement in it".to_owned(),
            allowed: VERBS.to_owned(),
        });
    }
    Ok(Script { statements, modems: parser.modems.into_iter().map(str::to_owned).collect() })
}

fn too_many(offset: usize, message: &str, max: usize, unit: &str) -> Problem {
    Problem { offset, message: message.to_owned(), allowed: format!("at most {max} {unit}") }
}

impl<'t> Parser<'t> {
    fn statement(&mut self, line: &'t str, base: usize) -> Result<What, Problem> {
        if let Some(what) = self.dialogue(line, base) {
            return what;
        }
        let mut cursor = Cursor::new(line, base);
        let verb = cursor.word(VERBS)?;
        let what = match verb.text {
            "wait" => self.wait(&mut cursor)?,
            "c2c" => self.chip_to_chip(&mut cursor)?,
            _ => What::Act(self.act(verb, &mut cursor)?),
        };
        cursor.finish()?;
        Ok(what)
    }

    fn act(&mut self, verb: Word<'t>, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        Ok(match verb.text {
            "device-profile" => Act::DeviceProfile(profile_spec(cursor)?),
            "modem" => self.declare(cursor)?,
            "power" => {
                let switches =
                    [("on", PowerSwitch::On), ("off", PowerSwitch::Off), ("cut", PowerSwitch::Cut)];
                Act::Power(self.modem(cursor)?, cursor.word("on, off, cut")?.one_of(&switches)?)
            }
            "reset" => Act::Reset(self.modem(cursor)?),
            "network" => Act::Network(self.modem(cursor)?, network_change(cursor)?),
            "clock" => Act::Clock(self.modem(cursor)?, clock_change(cursor)?),
            "fault" => self.fault(cursor)?,
            "service" => Act::Service(cursor.word("cut, on")?.one_of(&[("cut", false), ("on", true)])?),
            "whitelist" => self.whitelist(cursor)?,
            "factory-reset" => Act::FactoryReset(self.modem(cursor)?),
            "device" => Act::AssertDevice(self.modem(cursor)?, claims(self, cursor)?),
            "event" => self.events(cursor)?,
            "no" => self.no_events(cursor)?,
            "psk" => self.key_claim(KeyClaimSort::Psk, cursor)?,
            "uplink" => self.key_claim(KeyClaimSort::Uplink, cursor)?,
            _ => return self.operation(verb, cursor),
        })
    }

    fn operation(&mut self, verb: Word<'t>, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        const VERBS_OF_OPERATORS: [&str; 8] =
            ["feature", "heartbeat-period", "plan", "unblock", "suspend", "transfer", "forget", "new-keys"];
        if !VERBS_OF_OPERATORS.contains(&verb.text) {
            return Err(verb.wrong(format!("{} is no statement", verb.shown()), VERBS));
        }
        let modem = self.modem(cursor)?;
        let operation = match verb.text {
            "feature" => {
                let feature = feature(&cursor.word(&feature_names())?)?;
                Operation::Feature(feature, cursor.word("on, off")?.one_of(&ON_OFF)?)
            }
            "heartbeat-period" => {
                Operation::HeartbeatPeriod(seconds(&cursor.word("a duration such as 7d")?)?)
            }
            "plan" => Operation::Plan(cursor.word(&plan_names())?.parse(&plan_names())?),
            "transfer" => {
                cursor.keyword("to")?;
                Operation::Transfer(text_of(&cursor.word("the name of a domain")?)?)
            }
            "unblock" => Operation::Unblock,
            "suspend" => Operation::Suspend,
            "forget" => Operation::Forget,
            _ => Operation::NewKeys,
        };
        Ok(Act::Operate(modem, operation))
    }

    /// `c2c NAME pair|open "TE secret"`, `c2c NAME close`.
    fn chip_to_chip(&mut self, cursor: &mut Cursor<'t>) -> Result<What, Problem> {
        let named = cursor.peek().filter(|word| {
            let name = word.text.split_once('.').map_or(word.text, |(name, _)| name);
            self.modems.contains(&name)
        });
        let port = match named {
            Some(word) => {
                cursor.next();
                self.port(word)?
            }
            None => PortRef { modem: self.modem(cursor)?, port: 0 },
        };
        let word = cursor.word("pair, open, close")?;
        let act = match word.text {
            "pair" => ChipAct::Pair(te_secret(cursor)?),
            "open" => ChipAct::Open(te_secret(cursor)?),
            "close" => ChipAct::Close,
            _ => return Err(word.problem("pair, open, close")),
        };
        Ok(What::ChipToChip(port, act))
    }

    // ---- modems ------------------------------------------------------------------------------

    fn declare(&mut self, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        let name = cursor.word("the name of a new modem")?;
        self.check_new(&name)?;
        let profile = cursor.word("a module profile, such as sara-r510s, or clone-of NAME")?;
        let index = ModemIndex(self.modems.len());
        let mut spec = ModemSpec {
            source: ModemSource::Factory(text_of(&profile)?, None),
            timing: Timing::Fast,
            ip: IpVersion::V4,
            ports: 1,
            service_resolves: true,
            on: true,
        };
        if profile.text == "clone-of" {
            let original = cursor.word("the name of a modem")?;
            let original = self.modem_called(original)?;
            spec.source = ModemSource::CloneOf(original);
            spec.ports = self.ports_of(original);
        } else {
            while let Some(option) = cursor.next() {
                self.option(&mut spec, option, cursor)?;
            }
        }
        self.modems.push(name.text);
        self.ports.push(spec.ports);
        Ok(Act::Modem(index, spec))
    }

    fn option(&self, spec: &mut ModemSpec, option: Word<'t>, cursor: &mut Cursor<'t>) -> Result<(), Problem> {
        const ALLOWED: &str = "timing=module, ip=4, ip=6, ports=2, rot=UID, service=none, from FILE, off";
        let (key, value) = option.text.split_once('=').unwrap_or((option.text, ""));
        let value = Word { text: value, ..option.behind(key.len() + 1) };
        match (key, &mut spec.source) {
            ("off", _) if option.text == "off" => spec.on = false,
            ("timing", _) => {
                spec.timing = value.one_of(&[("fast", Timing::Fast), ("module", Timing::Module)])?
            }
            ("ip", _) => spec.ip = value.one_of(&[("4", IpVersion::V4), ("6", IpVersion::V6)])?,
            ("service", _) => spec.service_resolves = value.one_of(&[("none", false), ("there", true)])?,
            ("ports", _) => {
                let allowed = format!("1 to {PORTS_MAX}");
                let ports: usize = value.parse(&allowed)?;
                if !(1..=PORTS_MAX).contains(&ports) {
                    return Err(value.problem(&allowed));
                }
                spec.ports = ports;
            }
            ("rot", ModemSource::Factory(_, rot)) => *rot = Some(value.parse("16 hex digits")?),
            ("from", ModemSource::Factory(profile, None)) if option.text == "from" => {
                let path = text_of(&cursor.word("nvm.toml, or the state directory with it")?)?;
                spec.source = ModemSource::Memory { profile: std::mem::take(profile), path };
            }
            _ => return Err(option.problem(ALLOWED)),
        }
        Ok(())
    }

    fn check_new(&self, name: &Word<'_>) -> Result<(), Problem> {
        const RESERVED: [&str; 21] = [
            "service",
            "on",
            "off",
            "until",
            "line",
            "at",
            "cut",
            "to",
            "up",
            "down",
            "loss",
            "drop",
            "delay",
            "duplicate",
            "reorder",
            "add",
            "remove",
            "from",
            "pair",
            "open",
            "close",
        ];
        let mut characters = name.text.chars();
        let fine = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fine || RESERVED.contains(&name.text) || event_kinds().any(|kind| kind.name() == name.text) {
            return Err(name.wrong(
                format!("{} cannot be the name of a modem", name.shown()),
                "a letter, then letters, digits, - and _; no word of the language",
            ));
        }
        if self.modems.contains(&name.text) {
            return Err(name.wrong(format!("there is a modem {} already", name.text), "another name"));
        }
        if self.modems.len() == MODEMS_MAX {
            return Err(too_many(name.offset, "there are too many modems", MODEMS_MAX, "of them"));
        }
        Ok(())
    }

    /// The modem that is named next, or the only one there is.
    pub(super) fn modem(&self, cursor: &mut Cursor<'t>) -> Result<ModemIndex, Problem> {
        if let Some(word) = cursor.peek()
            && let Some(index) = self.modems.iter().position(|name| *name == word.text)
        {
            cursor.next();
            return Ok(ModemIndex(index));
        }
        if self.single && !self.modems.is_empty() {
            return Ok(ModemIndex(0));
        }
        let word = cursor.word(&self.known())?;
        self.modem_called(word)
    }

    pub(super) fn modem_called(&self, word: Word<'_>) -> Result<ModemIndex, Problem> {
        self.modem_of(&word).ok_or_else(|| {
            word.wrong(format!("there is no modem {} up to here", word.shown()), &self.known())
        })
    }

    fn modem_of(&self, word: &Word<'_>) -> Option<ModemIndex> {
        self.modems.iter().position(|name| *name == word.text).map(ModemIndex)
    }

    pub(super) fn only_modem(&self, word: Word<'_>) -> Result<ModemIndex, Problem> {
        if self.single && !self.modems.is_empty() {
            return Ok(ModemIndex(0));
        }
        Err(word.wrong("which modem?".to_owned(), &self.known()))
    }

    pub(super) fn ports_of(&self, modem: ModemIndex) -> usize {
        self.ports.get(modem.0).copied().unwrap_or(1)
    }

    pub(super) fn name(&self, modem: ModemIndex) -> &'t str {
        self.modems.get(modem.0).copied().unwrap_or_default()
    }

    fn known(&self) -> String {
        match self.modems.as_slice() {
            [] => "a line `modem NAME PROFILE` before it".to_owned(),
            names => names.join(", "),
        }
    }

    // ---- time, faults ------------------------------------------------------------------------

    fn wait(&mut self, cursor: &mut Cursor<'t>) -> Result<What, Problem> {
        const ALLOWED: &str =
            "a duration such as 24h, `until NAME < text within 10m`, or `until NAME at phase 3 within 10m`";
        let word = cursor.word(ALLOWED)?;
        if word.text != "until" {
            let is_duration = duration_ms(word.text).is_some();
            return if is_duration {
                Ok(What::Wait(word.duration_ms()?))
            } else {
                Err(word.problem(ALLOWED))
            };
        }
        let ahead = cursor.clone();
        let rest = cursor.rest();
        let Some((name, text)) = rest.text.split_once('<') else {
            *cursor = ahead;
            return self.wait_phase(cursor);
        };
        let port = self.port(Word { text: name.trim(), offset: rest.offset })?;
        let text = rest.behind(rest.text.len() - text.trim_start().len());
        let (text, within_ms) = within(text)?;
        let pattern = self.expected(text)?;
        let command = read_command(&pattern).ok_or_else(|| {
            text.wrong(
                "no read command answers like this".to_owned(),
                "an information text such as +USECDEVINFO: 1,1,1, which AT+USECDEVINFO? gives",
            )
        })?;
        Ok(What::WaitUntil { port, command, pattern, within_ms })
    }

    /// `NAME at phase 3 within 10m`.
    fn wait_phase(&mut self, cursor: &mut Cursor<'t>) -> Result<What, Problem> {
        const ALLOWED: &str = "NAME < text within 10m, or NAME at phase 3 within 10m";
        let modem = self.modem(cursor)?;
        for keyword in ["at", "phase"] {
            let word = cursor.word(ALLOWED)?;
            if word.text != keyword {
                return Err(word.problem(ALLOWED));
            }
        }
        let number = cursor.word(PHASES)?;
        let phase = phase(&number, number.parse(PHASES)?)?;
        let within_ms = match cursor.peek() {
            None => PATIENCE_MS,
            Some(_) => {
                cursor.keyword("within")?;
                cursor.word("a duration such as 10m")?.duration_ms()?
            }
        };
        Ok(What::WaitPhase { modem, phase, within_ms })
    }

    fn fault(&mut self, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        if cursor.peek().is_some_and(|word| word.text == "service") {
            cursor.next();
            cursor.keyword("silent")?;
            cursor.keyword("for")?;
            return Ok(Act::ServiceSilent(cursor.word("a duration such as 10m")?.duration_ms()?));
        }
        let modem = self.modem(cursor)?;
        let word = cursor.word("at, line")?;
        match word.text {
            "at" => {
                let (point, strike) = point_and_strike(cursor)?;
                Ok(Act::Fault(modem, point, strike, aftermath(cursor, strike)?))
            }
            "line" => Ok(Act::Line(modem, line_fault(cursor)?)),
            _ => Err(word.problem("at phase N, at datagram N, at nvm-write N, line")),
        }
    }

    // ---- service -----------------------------------------------------------------------------

    fn whitelist(&mut self, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        let uid = profile_uid(&cursor.word("a DeviceProfileUID in quotes")?)?;
        let listed = cursor.word("add, remove")?.one_of(&[("add", true), ("remove", false)])?;
        Ok(Act::Whitelist { uid, modem: self.modem(cursor)?, listed })
    }

    fn events(&mut self, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        let kind = event_kind(&cursor.word(&event_names())?)?;
        let modem = self.modem(cursor)?;
        let count = match cursor.next() {
            None => Comparison { operator: Operator::AtLeast, number: 1 },
            Some(word) => match split_claim(&word) {
                Some(("count", operator, number)) => {
                    Comparison { operator, number: number.parse("a number")? }
                }
                _ => return Err(word.problem("count=1, count>=2")),
            },
        };
        Ok(Act::AssertEvents(modem, EventClaim { kinds: vec![kind], count }))
    }

    fn no_events(&mut self, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        cursor.keyword("event")?;
        let kinds = match cursor.peek().map(|word| event_kind(&word)) {
            Some(Ok(kind)) => {
                cursor.next();
                vec![kind]
            }
            _ => vec![EventKind::Clone, EventKind::Suspicious],
        };
        let modem = self.modem(cursor)?;
        let count = Comparison { operator: Operator::Equal, number: 0 };
        Ok(Act::AssertEvents(modem, EventClaim { kinds, count }))
    }
}

/// `+X: 1` is what `AT+X?` answers.
fn read_command(pattern: &super::Pattern) -> Option<String> {
    let front = std::str::from_utf8(pattern.literal_front()).ok()?;
    let (name, _) = front.split_once(':')?;
    let fine = name.len() > 1
        && name.starts_with('+')
        && name[1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    fine.then(|| format!("AT{name}?"))
}

fn profile_spec(cursor: &mut Cursor<'_>) -> Result<ProfileSpec, Problem> {
    const ALLOWED: &str = "plan=developer, features=ldp,c2c,ztp, whitelist=on, heartbeat=7d, domain=NAME";
    let uid = profile_uid(&cursor.word("a DeviceProfileUID in quotes")?)?;
    let mut spec = ProfileSpec {
        uid,
        plan: None,
        features: None,
        whitelist: None,
        heartbeat_period_s: None,
        domain: None,
    };
    while let Some(word) = cursor.next() {
        let (key, value) = word.text.split_once('=').ok_or_else(|| word.problem(ALLOWED))?;
        let value = word.behind(word.text.len() - value.len());
        match key {
            "plan" => spec.plan = Some(value.parse(&plan_names())?),
            "features" => spec.features = Some(features(&value)?),
            "whitelist" => spec.whitelist = Some(value.one_of(&ON_OFF)?),
            "heartbeat" => spec.heartbeat_period_s = Some(seconds(&value)?),
            "domain" => spec.domain = Some(text_of(&value)?),
            _ => return Err(word.problem(ALLOWED)),
        }
    }
    Ok(spec)
}

fn profile_uid(word: &Word<'_>) -> Result<String, Problem> {
    let uid = word.quoted_text()?;
    if DeviceProfile::is_uid(&uid) {
        return Ok(uid);
    }
    Err(word.wrong("this is no DeviceProfileUID".to_owned(), "22 letters and digits in quotes"))
}

fn network_change(cursor: &mut Cursor<'_>) -> Result<NetworkChange, Problem> {
    const ALLOWED: &str = "up, down, loss 30%, drop 2, delay 2s, duplicate 1, reorder";
    let word = cursor.word(ALLOWED)?;
    let mut count = || cursor.word("a number")?.parse("a number");
    Ok(match word.text {
        "up" => NetworkChange::Coverage(true),
        "down" => NetworkChange::Coverage(false),
        "drop" => NetworkChange::Drop(count()?),
        "duplicate" => NetworkChange::Duplicate(count()?),
        "reorder" => NetworkChange::Reorder,
        "loss" => NetworkChange::Loss(cursor.word("0% to 100%")?.percent()?),
        "delay" => NetworkChange::Delay(cursor.word("a duration such as 2s")?.duration_ms()?),
        _ => return Err(word.problem(ALLOWED)),
    })
}

fn clock_change(cursor: &mut Cursor<'_>) -> Result<ClockChange, Problem> {
    const ALLOWED: &str = "+5m, -1h, =2026-01-01T00:00:00Z";
    let word = cursor.word(ALLOWED)?;
    let behind = word.behind(1);
    Ok(match word.text.chars().next() {
        Some('+') => ClockChange::By(behind.duration_ms()?),
        Some('-') => ClockChange::By(-behind.duration_ms()?),
        Some('=') => ClockChange::To(behind.parse::<Timestamp>("a moment such as 2026-01-01T00:00:00Z")?),
        _ => return Err(word.problem(ALLOWED)),
    })
}

fn point_and_strike(cursor: &mut Cursor<'_>) -> Result<(Point, Strike), Problem> {
    let word = cursor.word("phase, datagram, nvm-write")?;
    let number = cursor.word("a number from 1 on")?;
    let count = match number.parse::<u32>("a number from 1 on")? {
        0 => return Err(number.problem("a number from 1 on")),
        count => count,
    };
    match word.text {
        "phase" => Ok((
            Point::Phase(phase(&number, count)?),
            strike(cursor, "cut, cut before, cut after, drop-request, drop-response")?,
        )),
        "datagram" => Ok((
            Point::Datagram(count),
            strike(cursor, "drop, duplicate, delay 9s, corrupt, cut, cut before, cut after")?,
        )),
        "nvm-write" => {
            Ok((Point::NvmWrite(count), strike(cursor, "cut, cut before, cut between, cut after")?))
        }
        _ => Err(word.problem("phase, datagram, nvm-write")),
    }
}

/// What a cut may end with.
const RECOVER: &str = "recover";

/// Only a cut has an aftermath.
fn aftermath(cursor: &mut Cursor<'_>, strike: Strike) -> Result<Aftermath, Problem> {
    if !strike.is_cut() || cursor.peek().is_none() {
        return Ok(Aftermath::AsScripted);
    }
    cursor.keyword(RECOVER)?;
    Ok(Aftermath::Recovers)
}

/// The phases of a bootstrap.
const PHASES: &str = "phase 1 (hello), 2 (replace), 3 (provision), 4 (confirm)";

fn phase(word: &Word<'_>, number: u32) -> Result<u8, Problem> {
    let phase = u8::try_from(number).ok().filter(|phase| (1..=4).contains(phase));
    phase.ok_or_else(|| word.problem(PHASES))
}

/// What strikes; it has to be one of those that can strike there.
fn strike(cursor: &mut Cursor<'_>, allowed: &str) -> Result<Strike, Problem> {
    let word = cursor.word(allowed)?;
    if !allowed.split(", ").any(|one| one.split(' ').next() == Some(word.text)) {
        return Err(word.problem(allowed));
    }
    Ok(match word.text {
        "cut" => match cursor.next_unless(RECOVER) {
            None => Strike::CutAfter,
            Some(when) if !allowed.contains(&format!("cut {}", when.text)) => {
                return Err(when.problem(allowed));
            }
            Some(when) => when.one_of(&[
                ("before", Strike::CutBefore),
                ("between", Strike::CutBetween),
                ("after", Strike::CutAfter),
            ])?,
        },
        "drop" => Strike::Drop,
        "duplicate" => Strike::Duplicate,
        "delay" => Strike::Delay(cursor.word("a duration such as 9s")?.duration_ms()?),
        "corrupt" => Strike::Corrupt,
        "drop-request" => Strike::DropRequest,
        _ => Strike::DropResponse,
    })
}

fn line_fault(cursor: &mut Cursor<'_>) -> Result<LineFault, Problem> {
    const ALLOWED: &str = "drop 3, corrupt 5%, split 10%, merge 2, delay 200ms, none";
    let word = cursor.word(ALLOWED)?;
    let mischief = match word.text {
        "drop" => LineMischief::Drop,
        "corrupt" => LineMischief::Corrupt,
        "split" => LineMischief::Split,
        "merge" => LineMischief::Merge,
        "delay" => LineMischief::Delay(cursor.word("a duration such as 200ms")?.duration_ms()?),
        "none" => LineMischief::None,
        _ => return Err(word.problem(ALLOWED)),
    };
    let amount = match mischief {
        LineMischief::None => Amount::Percent(100),
        LineMischief::Delay(_) => match cursor.peek() {
            Some(word) if word.text.ends_with('%') || word.text.parse::<u32>().is_ok() => amount(cursor)?,
            _ => Amount::Percent(100),
        },
        _ => amount(cursor)?,
    };
    let directions = [("to-module", Direction::ToModule), ("to-host", Direction::ToHost)];
    let direction = cursor.next().map(|word| word.one_of(&directions)).transpose()?;
    Ok(LineFault { mischief, amount, direction })
}

fn amount(cursor: &mut Cursor<'_>) -> Result<Amount, Problem> {
    const ALLOWED: &str = "how many, such as 3, or how much, such as 5%";
    let word = cursor.word(ALLOWED)?;
    if word.text.ends_with('%') {
        return Ok(Amount::Percent(word.percent()?));
    }
    match word.parse(ALLOWED)? {
        0 => Err(word.problem(ALLOWED)),
        count => Ok(Amount::Next(count)),
    }
}

fn claims(parser: &Parser<'_>, cursor: &mut Cursor<'_>) -> Result<Claims, Problem> {
    const ALLOWED: &str = "state=ACTIVE, owner=DOMAIN, profile=UID, serial=TEXT, plan=developer, features=ldp, \
wanted=ldp, services=on, certificate=on, blacklisted=off, overdue=off, period=7d, heartbeats=2, bytes>=1048, \
bytes>OTHER, key-set=1";
    let mut claims = Vec::new();
    while let Some(word) = cursor.next() {
        let (key, operator, value) = split_claim(&word).ok_or_else(|| word.problem(ALLOWED))?;
        let number = || Ok::<_, Problem>(Comparison { operator, number: value.parse("a number")? });
        let claim = match key {
            "heartbeats" => Claim::Heartbeats(number()?),
            "bytes" => match parser.modem_of(&value) {
                Some(other) => Claim::BytesOf(operator, other),
                None => Claim::Bytes(number()?),
            },
            "key-set" => Claim::KeySet(number()?),
            _ if operator != Operator::Equal => return Err(word.problem(ALLOWED)),
            "state" => Claim::State(state(&value)?),
            "owner" => Claim::Owner(text_of(&value)?),
            "profile" => Claim::Profile(text_of(&value)?),
            "serial" => Claim::Serial(text_of(&value)?),
            "plan" => Claim::Plan(value.parse(&plan_names())?),
            "features" => Claim::Applied(features(&value)?),
            "wanted" => Claim::Wanted(features(&value)?),
            "services" => Claim::Services(value.one_of(&ON_OFF)?),
            "certificate" => Claim::Certificate(value.one_of(&ON_OFF)?),
            "blacklisted" => Claim::Blacklisted(value.one_of(&ON_OFF)?),
            "overdue" => Claim::Overdue(value.one_of(&ON_OFF)?),
            "period" => Claim::Period(seconds(&value)?),
            _ => return Err(word.problem(ALLOWED)),
        };
        claims.push(claim);
    }
    if claims.is_empty() {
        return Err(cursor.problem("nothing is asserted".to_owned(), ALLOWED));
    }
    Ok(claims)
}

/// `bytes>=1048`: key, operator, value.
fn split_claim<'t>(word: &Word<'t>) -> Option<(&'t str, Operator, Word<'t>)> {
    const OPERATORS: [(&str, Operator); 5] = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("=", Operator::Equal),
        (">", Operator::Above),
        ("<", Operator::Below),
    ];
    let at = word.text.find(['<', '>', '='])?;
    let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| word.text[at..].starts_with(sign))?;
    Some((&word.text[..at], operator, word.behind(at + sign.len())))
}

fn state(word: &Word<'_>) -> Result<String, Problem> {
    const STATES: [&str; 6] = ["BOOTSTRAPPING", "UNOWNED", "ACTIVE", "ALLOCATED", "SUSPENDED", "NONE"];
    if STATES.contains(&word.text) { Ok(word.text.to_owned()) } else { Err(word.problem(&STATES.join(", "))) }
}

/// `"0001020304050607f8f9fafbfcfdfeff"`
fn te_secret(cursor: &mut Cursor<'_>) -> Result<Secret, Problem> {
    const ALLOWED: &str = "a TE secret, 32 hex digits in quotes";
    let word = cursor.word(ALLOWED)?;
    word.quoted_text()?.parse().map_err(|_| word.problem(ALLOWED))
}

/// A word, or a text in quotes.
fn text_of(word: &Word<'_>) -> Result<String, Problem> {
    if word.text.starts_with('"') { word.quoted_text() } else { Ok(word.text.to_owned()) }
}

/// A duration in whole seconds.
fn seconds(word: &Word<'_>) -> Result<u32, Problem> {
    let millis = word.duration_ms()?;
    let whole = (millis % 1000 == 0).then(|| u32::try_from(millis / 1000).ok()).flatten();
    whole.ok_or_else(|| word.problem("whole seconds"))
}

/// `ldp,c2c`, or nothing.
fn features(word: &Word<'_>) -> Result<BTreeSet<Feature>, Problem> {
    let mut offset = word.offset;
    let mut set = BTreeSet::new();
    for name in word.text.split(',').filter(|_| !word.text.is_empty()) {
        set.insert(feature(&Word { text: name, offset })?);
        offset += name.len() + 1;
    }
    Ok(set)
}

fn feature(word: &Word<'_>) -> Result<Feature, Problem> {
    let found = Feature::ALL.into_iter().find(|feature| feature.name() == word.text);
    found.ok_or_else(|| word.problem(&feature_names()))
}

fn feature_names() -> String {
    Feature::ALL.map(Feature::name).join(", ")
}

fn plan_names() -> String {
    Plan::all().map(|plan| plan.facts().name).collect::<Vec<_>>().join(", ")
}

fn event_kinds() -> impl Iterator<Item = EventKind> {
    EventKind::ALL.into_iter()
}

fn event_kind(word: &Word<'_>) -> Result<EventKind, Problem> {
    event_kinds().find(|kind| kind.name() == word.text).ok_or_else(|| word.problem(&event_names()))
}

fn event_names() -> String {
    event_kinds().map(EventKind::name).collect::<Vec<_>>().join(", ")
}

/// Text that names no change, and what would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; allowed: {allowed}")]
pub struct ChangeError {
    message: String,
    allowed: String,
}

/// Reads a text that is one change and nothing else, as `vsara ctl` takes it.
fn whole<'t, T>(
    text: &'t str,
    read: impl FnOnce(&mut Cursor<'t>) -> Result<T, Problem>,
) -> Result<T, ChangeError> {
    let mut cursor = Cursor::new(text, 0);
    read(&mut cursor)
        .and_then(|value| cursor.finish().map(|()| value))
        .map_err(|Problem { message, allowed, .. }| ChangeError { message, allowed })
}

impl std::str::FromStr for NetworkChange {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole(text, network_change)
    }
}

impl std::str::FromStr for ClockChange {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole(text, clock_change)
    }
}

impl std::str::FromStr for LineFault {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole(text, line_fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_changes_are_by_or_to() {
        let check =
            |text: &str, expected: Option<ClockChange>| assert_eq!(text.parse().ok(), expected, "{text}");
        check("+5m", Some(ClockChange::By(300_000)));
        check("-1h", Some(ClockChange::By(-3_600_000)));
        check("=2026-01-01T00:00:00Z", Some(ClockChange::To(Timestamp::from_millis(1_767_225_600_000))));
        check("5m", None);
        check("=noon", None);
        check("+5m 3", None);
        check("", None);
    }

    #[test]
    fn network_changes_are_those_of_the_language() {
        let check =
            |text: &str, expected: Option<NetworkChange>| assert_eq!(text.parse().ok(), expected, "{text}");
        check("up", Some(NetworkChange::Coverage(true)));
        check("loss 30%", Some(NetworkChange::Loss(30)));
        check("loss 0%", Some(NetworkChange::Loss(0)));
        check("loss 101%", None);
        check("loss 30", None);
        check("drop 2", Some(NetworkChange::Drop(2)));
        check("delay 2s", Some(NetworkChange::Delay(2000)));
        check("duplicate 1", Some(NetworkChange::Duplicate(1)));
        check("reorder", Some(NetworkChange::Reorder));
        check("reorder 1", None);
        check("", None);
    }
}
