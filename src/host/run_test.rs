//! [`RealPort`]: scenarios played to a module on a serial port, in real time.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::host::clock::{Clock, Pace};
use crate::host::error::HostError;
use crate::host::serial::Serial;
use crate::scenario::player::{Next, Player, Problem, Trouble};
use crate::scenario::real_module::{Fit, Unfit};
use crate::scenario::report::{Report, Verdict};
use crate::scenario::script::{ModemIndex, PortRef, Script, What, shown_ms};
use crate::time::Timestamp;

/// The one port that is there.
const PORT: PortRef = PortRef { modem: ModemIndex(0), port: 0 };

/// Most bytes taken from the port at once.
const BUFFER_LEN: usize = 4096;

/// From how long a wait is announced, in milliseconds.
const LONG_MS: i64 = 10_000;

/// How long the port may take to send one statement.
const SEND_LIMIT: Duration = Duration::from_secs(60);

/// How long a repeated read command may stay unanswered before it is sent again: a module that was
/// booting has not seen it.
const UNANSWERED: Duration = Duration::from_secs(20);

/// How long the line has to be quiet before a scenario begins, and behind a command that was sent
/// again, so that no late answer is taken for another.
const QUIET: Duration = Duration::from_millis(100);

/// How long that is waited for: a module that talks all the time is played to as it is.
const QUIET_LIMIT: Duration = Duration::from_secs(2);

/// A serial port with a module at its other end.
#[derive(Debug)]
pub struct RealPort {
    runtime: Runtime,
    bench: Bench,
}

/// The port, and what it is used with.
#[derive(Debug)]
struct Bench {
    line: Serial,
    clock: Clock,
    buffer: Box<[u8; BUFFER_LEN]>,
}

/// What came of waiting for the port.
enum News {
    /// So many bytes are in the buffer.
    Heard(usize),
    /// Everything was sent.
    Sent,
}

impl RealPort {
    /// Opens a port at this rate, in bits per second.
    pub fn open(path: &Path, rate: u32) -> Result<Self, HostError> {
        let runtime = super::runtime()?;
        let bench = {
            let _entered = runtime.enter();
            let line = Serial::open(path);
            let mut line =
                line.map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
            line.set_rate(rate);
            Bench { line, clock: Clock::start(Pace::Real, None), buffer: Box::new([0; BUFFER_LEN]) }
        };
        Ok(Self { runtime, bench })
    }

    /// Plays a script to its end. `note` gets what is passed over and long waits, each with its line.
    /// Also gives why the port cannot be used any more, where it has gone.
    pub fn play(
        &mut self,
        script: &Script,
        file: &str,
        mut note: impl FnMut(usize, &str),
    ) -> (Report, Option<HostError>) {
        let report =
            |verdict, took_ms| Report { file: file.to_owned(), verdict, took_ms, trace: String::new() };
        let fit = match Fit::of(script) {
            Ok(fit) => fit,
            Err(Unfit { line, reason }) => return (report(Verdict::Skipped(line, reason), 0), None),
        };
        for (line, granted) in &fit.passed_over {
            note(*line, &format!("passed over: {granted}"));
        }
        let Self { runtime, bench } = self;
        let settled = runtime.block_on(bench.let_settle());
        let began = bench.now();
        let mut player = Player::new(script, began);
        let played = settled.and_then(|()| runtime.block_on(bench.play(&mut player, &mut note)));
        let gone = played.err().map(|error| {
            let why = format!("{}: {error}", bench.line.path().display());
            player.fail_at(None, Problem::Trouble(Trouble::Refused(why.clone())), bench.now());
            HostError::running(why)
        });
        let verdict = match (Verdict::of(player.end()), fit.unasked_reason()) {
            (Verdict::Passed, Some((line, reason))) => Verdict::Skipped(line, reason),
            (verdict, _) => verdict,
        };
        (report(verdict, bench.now().millis_since(began)), gone)
    }
}

impl Bench {
    fn now(&self) -> Timestamp {
        self.clock.now().steady
    }

    async fn play(&mut self, player: &mut Player<'_>, note: &mut impl FnMut(usize, &str)) -> io::Result<()> {
        let (mut line, mut asked_again) = (0, false);
        loop {
            let now = self.now();
            let next = player.next(now);
            if let Some(statement) = player.statement().filter(|statement| statement.line != line) {
                line = statement.line;
                if let What::Wait(millis) | What::Silence(_, millis) = statement.what
                    && millis >= LONG_MS
                {
                    note(line, &format!("waits {} of real time", shown_ms(millis)));
                }
                if std::mem::take(&mut asked_again) {
                    self.let_settle().await?;
                }
            }
            match next {
                Next::Send(_, bytes) => self.send(player, &bytes).await?,
                // What there is to say of it was said before the first.
                Next::Act(_) => player.acted(Ok(()), now),
                Next::Wait(until) => {
                    let asks = player.statement().is_some_and(|it| matches!(it.what, What::WaitUntil { .. }));
                    let heard = self.listen(player, until, asks.then_some(UNANSWERED)).await?;
                    if asks && !heard && self.now() < until {
                        player.booted(PORT.modem);
                        asked_again = true;
                    }
                }
                Next::Ended => return Ok(()),
            }
        }
    }

    /// Sends, and hears what comes meanwhile.
    async fn send(&mut self, player: &mut Player<'_>, bytes: &[u8]) -> io::Result<()> {
        self.line.send(bytes)?;
        let sent = async {
            loop {
                match poll_fn(|cx| self.poll_sent(cx)).await? {
                    News::Sent => return Ok(()),
                    News::Heard(count) => player.hear(PORT, &self.buffer[..count], self.clock.now().steady),
                }
            }
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the port does not take what is sent");
        timeout(SEND_LIMIT, sent).await.map_err(late)?
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<News>> {
        if self.line.poll_flush(cx)?.is_ready() {
            return Poll::Ready(Ok(News::Sent));
        }
        self.line.poll_input(cx, &mut self.buffer[..]).map_ok(News::Heard)
    }

    /// Waits for the port, and no longer than until then, or for so long. Whether it said something.
    async fn listen(
        &mut self,
        player: &mut Player<'_>,
        until: Timestamp,
        limit: Option<Duration>,
    ) -> io::Result<bool> {
        let left_ms = u64::try_from(until.millis_since(self.now())).unwrap_or(0);
        let left = limit.unwrap_or(Duration::MAX).min(Duration::from_millis(left_ms));
        let Self { line, clock, buffer } = self;
        match timeout(left, poll_fn(|cx| line.poll_input(cx, &mut buffer[..]))).await {
            Ok(count) => {
                player.hear(PORT, &buffer[..count?], clock.now().steady);
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    }

    /// Forgets what is said until the line is quiet.
    async fn let_settle(&mut self) -> io::Result<()> {
        let Self { line, buffer, .. } = self;
        let settled = async {
            while let Ok(count) = timeout(QUIET, poll_fn(|cx| line.poll_input(cx, &mut buffer[..]))).await {
                count?;
            }
            Ok(())
        };
        timeout(QUIET_LIMIT, settled).await.unwrap_or(Ok(()))
    }
}
