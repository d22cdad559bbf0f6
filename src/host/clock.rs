//! [`Clock`]: the only place that reads a clock.
//!
//! *Steady* is the wall clock at start plus monotonic time; *system* is the same at a chosen
//! [`Pace`] plus whatever it was moved forward by. The last system time is kept in the file `time`
//! of the state directory, and a restart never starts earlier.

#![allow(clippy::disallowed_methods)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Now, Timestamp, Wakeup};

/// The latest system time there is, 9999-01-01T00:00:00Z: every moment has one length as text.
const LATEST: Timestamp = Timestamp::from_millis(253_370_764_800_000);

/// Length of the file `time`, in bytes.
const FILE_LEN: usize = "2026-01-01T00:00:00.000Z\n".len();

/// How fast system time runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As the wall clock does.
    #[default]
    Real,
    /// So many times as fast.
    Scaled(f64),
    /// Not at all: it is only ever moved.
    Virtual,
}

/// Text that names no pace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pace of time is real, virtual, or a factor such as 60x (more than 0, at most 1000000x)")]
pub struct PaceError;

/// Steady and system time, shared by every thread.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pace: Pace,
    started: Instant,
    steady_base: Timestamp,
    system_base: Timestamp,
    moved_ms: AtomicI64,
}

/// Measures how long something takes, in real time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

/// The file that keeps the last system time.
#[derive(Debug)]
pub struct TimeFile {
    path: PathBuf,
    file: File,
    last: Option<Timestamp>,
}

impl Clock {
    /// A clock that starts now, and not before `earliest`.
    pub fn start(pace: Pace, earliest: Option<Timestamp>) -> Self {
        let wall = wall_clock();
        Self(Arc::new(Shared {
            pace,
            started: Instant::now(),
            steady_base: wall,
            system_base: earliest.map_or(wall, |earliest| match pace {
                Pace::Virtual => earliest,
                Pace::Real | Pace::Scaled(_) => earliest.max(wall),
            }),
            moved_ms: AtomicI64::new(0),
        }))
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        let shared = &self.0;
        let elapsed_ms = i64::try_from(shared.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let run_ms = match shared.pace {
            Pace::Real => elapsed_ms,
            Pace::Scaled(factor) => (elapsed_ms as f64 * factor) as i64,
            Pace::Virtual => 0,
        };
        let moved_ms = shared.moved_ms.load(Ordering::Acquire);
        Now {
            steady: shared.steady_base.offset_millis(elapsed_ms),
            system: shared.system_base.offset_millis(run_ms).offset_millis(moved_ms).min(LATEST),
        }
    }

    /// Its pace.
    pub fn pace(&self) -> Pace {
        self.0.pace
    }

    /// The moment of real time so long from now.
    pub fn real_in(duration: Duration) -> Instant {
        Instant::now() + duration
    }

    /// Waits so long in real time; for ever where it is `None`.
    pub async fn wait(duration: Option<Duration>) {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    }

    /// Moves system time forward to `target`; never back.
    pub fn advance_to(&self, target: Timestamp) {
        let ahead_ms = target.min(LATEST).millis_since(self.now().system);
        if ahead_ms > 0 {
            self.0.moved_ms.fetch_add(ahead_ms, Ordering::AcqRel);
        }
    }

    /// Real time until a deadline is reached; `None` where that takes a move of virtual time, or
    /// where there is none.
    pub fn until(&self, wakeup: Wakeup) -> Option<Duration> {
        let now = self.now();
        let steady_ms = wakeup.steady.map(|at| at.millis_since(now.steady).max(0) as f64);
        let system_ms = wakeup.system.and_then(|at| {
            let ahead_ms = at.millis_since(now.system).max(0) as f64;
            match self.0.pace {
                Pace::Real => Some(ahead_ms),
                Pace::Scaled(factor) => Some((ahead_ms / factor).ceil()),
                Pace::Virtual => (ahead_ms == 0.0).then_some(0.0),
            }
        });
        let ms = match (steady_ms, system_ms) {
            (Some(steady), Some(system)) => Some(steady.min(system)),
            (steady, system) => steady.or(system),
        };
        ms.map(|ms| Duration::from_millis(ms as u64))
    }
}

impl Stopwatch {
    /// From now on.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl TimeFile {
    /// Opens or makes `time` in a state directory.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join("time");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut text = String::new();
        let read = file.by_ref().take(FILE_LEN as u64 * 2).read_to_string(&mut text);
        let last = read.ok().and_then(|_| text.trim().parse().ok());
        if last.is_none() && file.metadata()?.len() > 0 {
            tracing::warn!("{}: not a time; going on with the time of this computer", path.display());
        }
        Ok(Self { path, file, last })
    }

    /// The system time kept last.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a system time. The text always has the same length and goes into the same sector in
    /// one write, so that neither a kill nor a power loss can leave half of it.
    pub fn keep(&mut self, system: Timestamp) -> io::Result<()> {
        if self.last == Some(system) {
            return Ok(());
        }
        let text = render(system);
        self.file.write_all_at(text.as_bytes(), 0)?;
        if self.file.metadata()?.len() != FILE_LEN as u64 {
            self.file.set_len(FILE_LEN as u64)?;
        }
        self.last = Some(system);
        Ok(())
    }

    /// As [`TimeFile::keep`], and on disk when it returns.
    pub fn keep_durably(&mut self, system: Timestamp) -> io::Result<()> {
        self.keep(system)?;
        self.file.sync_data()
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "real" => Ok(Pace::Real),
            "virtual" => Ok(Pace::Virtual),
            _ => text
                .strip_suffix('x')
                .and_then(|factor| factor.parse::<f64>().ok())
                .filter(|factor| *factor > 0.0 && *factor <= 1e6)
                .map(Pace::Scaled)
                .ok_or(PaceError),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pace::Real => f.write_str("real"),
            Pace::Scaled(factor) => write!(f, "{factor}x"),
            Pace::Virtual => f.write_str("virtual"),
        }
    }
}

fn render(system: Timestamp) -> String {
    let system = system.clamp(Timestamp::from_millis(0), LATEST);
    let whole = system.offset_millis(-system.as_millis().rem_euclid(1000));
    format!("{}.{:03}Z\n", whole.to_string().trim_end_matches('Z'), system.as_millis().rem_euclid(1000))
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).min(LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    #[test]
    fn a_pace_is_real_virtual_or_a_factor() {
        let check = |text: &str, expected: Option<Pace>| assert_eq!(text.parse().ok(), expected, "{text}");
        check("real", Some(Pace::Real));
        check("virtual", Some(Pace::Virtual));
        check("60x", Some(Pace::Scaled(60.0)));
        check("0.5x", Some(Pace::Scaled(0.5)));
        check("0x", None);
        check("-1x", None);
        check("NaNx", None);
        check("infx", None);
        check("60", None);
        check("", None);
    }

    #[test]
    fn virtual_time_moves_only_when_told_and_never_back() {
        let clock = Clock::start(Pace::Virtual, Some(NEW_YEAR));
        assert_eq!(clock.now().system, NEW_YEAR);
        let shared = clock.clone();
        shared.advance_to(NEW_YEAR + Duration::from_secs(60));
        clock.advance_to(NEW_YEAR);
        assert_eq!(clock.now().system, NEW_YEAR + Duration::from_secs(60));
        assert_eq!(clock.until(Wakeup::system(Some(NEW_YEAR + Duration::from_secs(61)))), None);
        assert_eq!(clock.until(Wakeup::system(Some(NEW_YEAR))), Some(Duration::ZERO));
        assert!(clock.until(Wakeup::steady(Some(clock.now().steady + Duration::from_secs(9)))).is_some());
    }

    #[test]
    fn a_scaled_clock_waits_a_fraction() {
        let clock = Clock::start(Pace::Scaled(3600.0), None);
        let hour = clock.now().system + Duration::from_secs(3600);
        let wait = clock.until(Wakeup::system(Some(hour))).expect("it will come");
        assert!(wait <= Duration::from_millis(1000) && wait > Duration::from_millis(500), "{wait:?}");
    }

    #[test]
    fn a_restart_never_starts_earlier() {
        let ahead = Clock::start(Pace::Real, None).now().system + Duration::from_secs(86_400);
        for pace in [Pace::Real, Pace::Scaled(2.0), Pace::Virtual] {
            assert!(Clock::start(pace, Some(ahead)).now().system >= ahead, "{pace}");
        }
    }

    #[test]
    fn the_last_time_is_kept_in_one_length() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut file = TimeFile::open(dir.path()).expect("opened");
        assert_eq!(file.last(), None);
        for at in
            [NEW_YEAR, NEW_YEAR + Duration::from_millis(7), NEW_YEAR + Duration::from_millis(120), LATEST]
        {
            file.keep_durably(at).expect("kept");
            assert_eq!(std::fs::metadata(file.path()).expect("there").len(), FILE_LEN as u64);
            assert_eq!(TimeFile::open(dir.path()).expect("opened").last(), Some(at));
        }
        std::fs::write(file.path(), "half a ti").expect("written");
        let mut file = TimeFile::open(dir.path()).expect("opened");
        assert_eq!(file.last(), None);
        file.keep(NEW_YEAR).expect("kept");
        assert_eq!(TimeFile::open(dir.path()).expect("opened").last(), Some(NEW_YEAR));
    }
}
