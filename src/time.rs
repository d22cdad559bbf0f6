//! Time as the core sees it: an argument, never a clock reading.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// One reading of both clocks, handed to every call into the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Never goes back, always runs at the pace of the link: transport timers.
    pub steady: Timestamp,
    /// The system time of the emulator, possibly scaled or virtual: limits, periods, back-off,
    /// the five-minute abort.
    pub system: Timestamp,
}

/// When a state machine next wants to be called, on each of the two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakeup {
    /// The next deadline on the steady clock.
    pub steady: Option<Timestamp>,
    /// The next deadline on the system clock.
    pub system: Option<Timestamp>,
}

impl Timestamp {
    /// A moment from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`; negative where `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment moved by a signed number of milliseconds.
    pub const fn offset_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Now {
    /// Both clocks at the same moment, as in a scenario.
    pub const fn both(at: Timestamp) -> Self {
        Self { steady: at, system: at }
    }
}

impl Wakeup {
    /// Nothing to wait for.
    pub const NEVER: Self = Self { steady: None, system: None };

    /// A deadline on the steady clock only.
    pub const fn steady(at: Option<Timestamp>) -> Self {
        Self { steady: at, system: None }
    }

    /// A deadline on the system clock only.
    pub const fn system(at: Option<Timestamp>) -> Self {
        Self { steady: None, system: at }
    }

    /// The earlier deadline of both, clock by clock.
    pub fn earlier(self, other: Self) -> Self {
        Self { steady: earlier(self.steady, other.steady), system: earlier(self.system, other.system) }
    }

    /// Whether a deadline has been reached.
    pub fn is_due(self, now: Now) -> bool {
        self.steady.is_some_and(|at| at <= now.steady) || self.system.is_some_and(|at| at <= now.system)
    }
}

/// The earlier of two optional moments, where none means never.
pub fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.offset_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// The time from `earlier` to `self`, zero where `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis_since(earlier)).unwrap_or(0))
    }
}

/// RFC 3339 in UTC, with milliseconds where there are any.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_millisecond()))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<C> minicbor::Encode<C> for Timestamp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i64(self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Timestamp {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.i64().map(Self)
    }
}
