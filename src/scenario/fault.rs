//! One fault, placed at one point of a module's life.

use crate::scenario::script::shown_ms;

/// Where a fault strikes, counted from the moment it is placed, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The n-th datagram of the module's link, in either direction.
    Datagram(u32),
    /// The n-th write of the module's memory.
    NvmWrite(u32),
    /// The request of a phase of the bootstrap, 1 to 4, when it comes next.
    Phase(u8),
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Power loss before the datagram leaves or the write begins.
    CutBefore,
    /// Power loss between the two copies of a write; at a datagram, as [`Strike::CutAfter`].
    CutBetween,
    /// Power loss after the datagram has arrived or the write is done.
    CutAfter,
    /// The datagram is lost.
    Drop,
    /// The datagram arrives twice.
    Duplicate,
    /// The datagram arrives this much later, in milliseconds.
    Delay(i64),
    /// A bit of the datagram arrives wrong.
    Corrupt,
    /// The request of a phase is lost.
    DropRequest,
    /// The answer to it is lost.
    DropResponse,
}

/// A fault that waits for its point, or has struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub point: Point,
    /// What.
    pub strike: Strike,
    /// Whether it has struck.
    pub struck: bool,
}

impl Strike {
    /// Every strike that makes sense at a datagram.
    pub const AT_DATAGRAM: [Self; 6] =
        [Self::CutBefore, Self::CutAfter, Self::Drop, Self::Duplicate, Self::Delay(9_000), Self::Corrupt];
    /// Every strike that makes sense at a write.
    pub const AT_NVM_WRITE: [Self; 3] = [Self::CutBefore, Self::CutBetween, Self::CutAfter];
    /// Every strike that makes sense at a phase.
    pub const AT_PHASE: [Self; 4] = [Self::CutBefore, Self::CutAfter, Self::DropRequest, Self::DropResponse];
}

impl Strike {
    /// Whether it cuts the power.
    pub fn is_cut(self) -> bool {
        matches!(self, Self::CutBefore | Self::CutBetween | Self::CutAfter)
    }
}

/// As a scenario writes it, behind the point.
impl std::fmt::Display for Strike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CutBefore => f.write_str("cut before"),
            Self::CutBetween => f.write_str("cut between"),
            Self::CutAfter => f.write_str("cut after"),
            Self::Drop => f.write_str("drop"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Delay(millis) => write!(f, "delay {}", shown_ms(*millis)),
            Self::Corrupt => f.write_str("corrupt"),
            Self::DropRequest => f.write_str("drop-request"),
            Self::DropResponse => f.write_str("drop-response"),
        }
    }
}

/// As a scenario writes it.
impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Datagram(number) => write!(f, "datagram {number}"),
            Self::NvmWrite(number) => write!(f, "nvm-write {number}"),
            Self::Phase(number) => write!(f, "phase {number}"),
        }
    }
}

impl Fault {
    /// A fault that has not struck yet.
    pub fn new(point: Point, strike: Strike) -> Self {
        Self { point, strike, struck: false }
    }

    /// Counts one datagram, write or phase for every fault; the first that strikes there does.
    pub fn meet_all<'f>(faults: impl Iterator<Item = &'f mut Self>, what: Point) -> Option<Strike> {
        let struck: Vec<_> = faults.filter_map(|fault| fault.meets(what).then_some(fault.strike)).collect();
        struck.first().copied()
    }

    /// Counts one datagram or write; whether this is the one it strikes.
    fn meets(&mut self, what: Point) -> bool {
        if self.struck {
            return false;
        }
        self.struck = match (&mut self.point, what) {
            (Point::Datagram(left), Point::Datagram(_)) | (Point::NvmWrite(left), Point::NvmWrite(_)) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            (Point::Phase(wanted), Point::Phase(begun)) => *wanted == begun,
            _ => false,
        };
        self.struck
    }
}
