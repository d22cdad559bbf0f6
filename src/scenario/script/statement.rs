//! What a line of a scenario can say.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ModemIndex;
use super::key_claim::KeyClaim;
use super::pattern::{Pattern, Variables};
use crate::c2c::Secret;
use crate::module::{IpVersion, Timing};
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::scenario::fault::{Point, Strike};
use crate::service::event::EventKind;
use crate::service::plan::Plan;
use crate::time::Timestamp;

/// One statement and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Line, counted from 1.
    pub line: usize,
    /// As it is written.
    pub text: String,
    /// What it says.
    pub what: What,
}

/// A port of a modem of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRef {
    /// Which modem.
    pub modem: ModemIndex,
    /// Which of its ports, from 0.
    pub port: usize,
}

/// What a statement says. Durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `NAME> text`: the text and CR.
    Send(PortRef, Template),
    /// `NAME>> "bytes"`.
    SendRaw(PortRef, Template),
    /// `NAME< text`: the next line that is not empty.
    Expect(PortRef, Pattern),
    /// `NAME<< text within 5m`: skips lines until this one.
    SkipTo(PortRef, Pattern, i64),
    /// `NAME<prompt "@"`: these bytes, without a line end.
    Prompt(PortRef, Vec<u8>),
    /// `NAME<data +X: {x}`: information text that ends in a length and that many bytes in quotes.
    Data(PortRef, DataPattern),
    /// `NAME<none for 10s`.
    Silence(PortRef, i64),
    /// `wait 24h`.
    Wait(i64),
    /// `wait until NAME < +X: 1 within 10m`: repeats the read command.
    WaitUntil {
        /// Where to ask.
        port: PortRef,
        /// `AT+X?`.
        command: String,
        /// What the answer is to be.
        pattern: Pattern,
        /// How long at most.
        within_ms: i64,
    },
    /// `wait until NAME at phase 3 within 10m`: the next time that phase of a bootstrap begins.
    WaitPhase {
        /// Whose bootstrap.
        modem: ModemIndex,
        /// 1 to 4.
        phase: u8,
        /// How long at most.
        within_ms: i64,
    },
    /// `c2c NAME …`: what the chip of the host at a port does.
    ChipToChip(PortRef, ChipAct),
    /// Something happens to the world, or something of it is asserted.
    Act(Act),
}

/// What comes after a fault that cuts the power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// What the script says.
    AsScripted,
    /// `recover`: power comes back after a minute, and the host program goes on as a real one does.
    Recovers,
}

/// What the chip of a host does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChipAct {
    /// `pair "TE secret"`: gets keys, and confirms them.
    Pair(Secret),
    /// `open "TE secret"`: from here on what is said on the port is in frames.
    Open(Secret),
    /// `close`: up to here.
    Close,
}

/// Information text that ends in a length and that many bytes in quotes, whatever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPattern {
    /// What stands before the length, without blanks around it: `+X:`.
    pub head: Vec<u8>,
    /// What the bytes are to be.
    pub bytes: DataWish,
}

/// What binary data is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataWish {
    /// `{x}`: anything, captured.
    Capture(String),
    /// `"bytes"`: these.
    Is(Template),
}

/// Bytes to send, in which `${x}` stands for what was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub(super) Vec<TemplatePart>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TemplatePart {
    Bytes(Vec<u8>),
    Variable(String),
}

/// What happens to the world besides the dialogue on the ports, and what is asserted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `device-profile "UID" …`
    DeviceProfile(ProfileSpec),
    /// `modem NAME …`
    Modem(ModemIndex, ModemSpec),
    /// `power NAME on|off|cut`
    Power(ModemIndex, PowerSwitch),
    /// `reset NAME`: RESET_N.
    Reset(ModemIndex),
    /// `network NAME …`
    Network(ModemIndex, NetworkChange),
    /// `clock NAME …`
    Clock(ModemIndex, ClockChange),
    /// `fault NAME at …`
    Fault(ModemIndex, Point, Strike, Aftermath),
    /// `fault service silent for 10m`, in milliseconds.
    ServiceSilent(i64),
    /// `fault NAME line …`
    Line(ModemIndex, LineFault),
    /// `service cut` (false), `service on` (true).
    Service(bool),
    /// What an operator does to the Thing of a module.
    Operate(ModemIndex, Operation),
    /// `whitelist "UID" add|remove NAME`
    Whitelist {
        /// Of which device profile.
        uid: String,
        /// Whose root of trust.
        modem: ModemIndex,
        /// On the list, or off it.
        listed: bool,
    },
    /// `factory-reset NAME`
    FactoryReset(ModemIndex),
    /// `device NAME …`
    AssertDevice(ModemIndex, Claims),
    /// `event KIND NAME …`, `no event [KIND] NAME`
    AssertEvents(ModemIndex, EventClaim),
    /// `psk NAME …`, `uplink NAME …`
    AssertKey(ModemIndex, KeyClaim),
}

/// A device profile of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSpec {
    /// DeviceProfileUID.
    pub uid: String,
    /// What is not said stays as it is; in a new one as published.
    pub plan: Option<Plan>,
    /// Features at the bootstrap.
    pub features: Option<BTreeSet<Feature>>,
    /// Whitelist check.
    pub whitelist: Option<bool>,
    /// Heartbeat period, in seconds.
    pub heartbeat_period_s: Option<u32>,
    /// Whose it is.
    pub domain: Option<String>,
}

/// A modem of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModemSpec {
    /// What it is made of.
    pub source: ModemSource,
    /// Latencies.
    pub timing: Timing,
    /// IP version of its data connection.
    pub ip: IpVersion,
    /// How many AT ports.
    pub ports: usize,
    /// Whether the name of the security service resolves.
    pub service_resolves: bool,
    /// Whether it is powered on at once.
    pub on: bool,
}

/// What a modem is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModemSource {
    /// Fresh from the factory: a profile by its name or file, and a root of trust where one is given.
    Factory(String, Option<RotUid>),
    /// With the memory of a state directory.
    Memory {
        /// Name or file of the profile.
        profile: String,
        /// `nvm.toml`, or the directory with it.
        path: String,
    },
    /// With a copy of another's memory as it is now.
    CloneOf(ModemIndex),
}

/// Positions of the power switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerSwitch {
    /// Supply and PWR_ON.
    On,
    /// PWR_ON held: an orderly power-off.
    Off,
    /// The supply is gone.
    Cut,
}

/// A change of coverage, or of the link to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkChange {
    /// `up`, `down`.
    Coverage(bool),
    /// `loss 30%`; 0 ends every condition of the link.
    Loss(u8),
    /// `drop 2`
    Drop(u32),
    /// `delay 2s`, in milliseconds.
    Delay(i64),
    /// `duplicate 1`
    Duplicate(u32),
    /// `reorder`
    Reorder,
}

/// A change of a module's real-time clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// By so many milliseconds.
    By(i64),
    /// To a moment.
    To(Timestamp),
}

/// What goes wrong on the serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// What.
    pub mischief: LineMischief,
    /// How much of it.
    pub amount: Amount,
    /// In which direction; both where none is said.
    pub direction: Option<Direction>,
}

/// What can go wrong on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineMischief {
    /// Bytes are lost.
    Drop,
    /// A bit of a byte is wrong.
    Corrupt,
    /// What was written in one piece arrives in pieces.
    Split,
    /// What was written in two pieces arrives in one.
    Merge,
    /// Arrives this much later, in milliseconds.
    Delay(i64),
    /// Nothing any more.
    None,
}

/// How much of something: the next so many, or a part of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// The next so many.
    Next(u32),
    /// So many of a hundred.
    Percent(u8),
}

/// A direction of the serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the module.
    ToModule,
    /// From the module to the host.
    ToHost,
}

/// What an operator does to a Thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `feature NAME ldp on`
    Feature(Feature, bool),
    /// `heartbeat-period NAME 1d`, in seconds.
    HeartbeatPeriod(u32),
    /// `plan NAME flex`
    Plan(Plan),
    /// `unblock NAME`
    Unblock,
    /// `suspend NAME`
    Suspend,
    /// `transfer NAME to DOMAIN`
    Transfer(String),
    /// `forget NAME`
    Forget,
    /// `new-keys NAME`: a new key set at the next heartbeat.
    NewKeys,
}

/// What the service must say of a device, all of it at once.
pub type Claims = Vec<Claim>;

/// One thing the service must say of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `state=ACTIVE`; `NONE`: the service has never heard of it.
    State(String),
    /// `owner=DOMAIN`; empty: nobody's.
    Owner(String),
    /// `profile=UID`; empty: none.
    Profile(String),
    /// `serial=TEXT`
    Serial(String),
    /// `plan=flex`
    Plan(Plan),
    /// `features=ldp,c2c`: the applied ones.
    Applied(BTreeSet<Feature>),
    /// `wanted=ldp`
    Wanted(BTreeSet<Feature>),
    /// `services=on`: applied.
    Services(bool),
    /// `certificate=on`: in force, as reported.
    Certificate(bool),
    /// `blacklisted=on`
    Blacklisted(bool),
    /// `overdue=on`
    Overdue(bool),
    /// `period=7d`: wanted, in seconds.
    Period(u32),
    /// `heartbeats=2`
    Heartbeats(Comparison),
    /// `bytes>=1048`: those of the last complete bootstrap.
    Bytes(Comparison),
    /// `bytes>OTHER`: the same, compared to those of another modem's.
    BytesOf(Operator, ModemIndex),
    /// `key-set=1`: the committed one.
    KeySet(Comparison),
}

/// A number and how another compares to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// `=`, `>=`, `<=`, `>`, `<`
    pub operator: Operator,
    /// The right-hand side.
    pub number: u64,
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
}

/// What the service must have noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventClaim {
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// How often; at least once where nothing is said.
    pub count: Comparison,
}

impl What {
    /// The port it is about, where it is about one.
    pub fn port(&self) -> Option<PortRef> {
        match self {
            Self::Send(port, _)
            | Self::SendRaw(port, _)
            | Self::Expect(port, _)
            | Self::SkipTo(port, ..)
            | Self::Prompt(port, _)
            | Self::Data(port, _)
            | Self::Silence(port, _)
            | Self::ChipToChip(port, _)
            | Self::WaitUntil { port, .. } => Some(*port),
            Self::Wait(_) | Self::WaitPhase { .. } | Self::Act(_) => None,
        }
    }
}

impl DataPattern {
    /// A line that begins as wanted.
    pub fn any(&self) -> Pattern {
        Pattern::beginning_with(&self.head)
    }

    /// As a report shows it, with what was captured put in.
    pub fn shown(&self, variables: &Variables) -> String {
        let head = String::from_utf8_lossy(&self.head);
        match &self.bytes {
            DataWish::Capture(name) => format!("{head} {{{name}}}"),
            DataWish::Is(template) => format!("{head} \"{}\"", template.render(variables).escape_ascii()),
        }
    }
}

impl Template {
    /// These bytes and nothing else.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(vec![TemplatePart::Bytes(bytes)])
    }

    /// Whether nothing that was captured is in it.
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|part| matches!(part, TemplatePart::Bytes(_)))
    }

    /// The bytes, with what was captured put in.
    pub fn render(&self, variables: &Variables) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.0 {
            match part {
                TemplatePart::Bytes(text) => bytes.extend_from_slice(text),
                TemplatePart::Variable(name) => bytes.extend(variables.get(name).into_iter().flatten()),
            }
        }
        bytes
    }
}

impl Act {
    /// The same with what was captured put in.
    pub fn resolved(&self, variables: &Variables) -> Cow<'_, Self> {
        match self {
            Self::AssertKey(modem, claim) => Cow::Owned(Self::AssertKey(*modem, claim.resolved(variables))),
            act => Cow::Borrowed(act),
        }
    }

    /// The modem it is about, where it is about one.
    pub fn modem(&self) -> Option<ModemIndex> {
        match self {
            Self::DeviceProfile(_) | Self::ServiceSilent(_) | Self::Service(_) => None,
            Self::Modem(modem, _)
            | Self::Power(modem, _)
            | Self::Reset(modem)
            | Self::Network(modem, _)
            | Self::Clock(modem, _)
            | Self::Fault(modem, ..)
            | Self::Line(modem, _)
            | Self::Operate(modem, _)
            | Self::Whitelist { modem, .. }
            | Self::FactoryReset(modem)
            | Self::AssertDevice(modem, _)
            | Self::AssertEvents(modem, _)
            | Self::AssertKey(modem, _) => Some(*modem),
        }
    }
}

impl ClockChange {
    /// The moment a clock that shows `shown` is set to.
    pub fn of(self, shown: Timestamp) -> Timestamp {
        match self {
            Self::By(millis) => shown.offset_millis(millis),
            Self::To(moment) => moment,
        }
    }
}

impl Claim {
    /// The other modem that this is about.
    pub fn compared_with(&self) -> Option<ModemIndex> {
        match self {
            Self::BytesOf(_, other) => Some(*other),
            _ => None,
        }
    }
}

impl Comparison {
    /// Whether a number is as wanted.
    pub fn holds(self, number: u64) -> bool {
        match self.operator {
            Operator::Equal => number == self.number,
            Operator::AtLeast => number >= self.number,
            Operator::AtMost => number <= self.number,
            Operator::Above => number > self.number,
            Operator::Below => number < self.number,
        }
    }
}

impl std::fmt::Display for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        })
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.operator, self.number)
    }
}
