//! [`Signals`]: SIGINT, SIGTERM and SIGHUP all end a program in order.

use std::io;
use std::task::{Context, Poll};

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::oneshot;

/// The signals that end a program.
const ENDING: &[Signal] = &[Signal::INT, Signal::TERM, Signal::HUP];

/// What a program passes on to one that runs beside it: these, and what else a terminal or a shell
/// does to a job.
const PASSED_ON: &[Signal] =
    &[Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::TSTP, Signal::CONT];

/// Signals this process takes instead of ending by them.
#[derive(Debug)]
pub struct Signals(Vec<(Signal, unix::Signal)>);

/// What ends the loop of a program.
#[derive(Debug)]
pub enum End {
    /// A signal.
    Signals(Signals),
    /// Whoever has the other end says so, or drops it.
    Order(oneshot::Receiver<()>),
}

impl Signals {
    /// Takes the signals that end a program from now on. To be called in a runtime.
    pub fn new() -> io::Result<Self> {
        Self::take(ENDING)
    }

    /// Takes what is to be passed on to another program from now on. To be called in a runtime.
    pub fn to_pass_on() -> io::Result<Self> {
        Self::take(PASSED_ON)
    }

    fn take(signals: &[Signal]) -> io::Result<Self> {
        let take = |signal: &Signal| {
            let taken = unix::signal(SignalKind::from_raw(signal.as_raw()))?;
            Ok((*signal, taken))
        };
        signals.iter().map(take).collect::<io::Result<_>>().map(Self)
    }

    /// Ready when one of them came.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_which(cx).map(drop)
    }

    /// Ready with the one that came.
    pub fn poll_which(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        let came =
            self.0.iter_mut().find_map(|(signal, taken)| taken.poll_recv(cx).is_ready().then_some(*signal));
        came.map_or(Poll::Pending, Poll::Ready)
    }
}

impl End {
    /// By a signal. To be called in a runtime.
    pub fn by_signal() -> io::Result<Self> {
        Signals::new().map(Self::Signals)
    }

    /// Ready when the loop is to end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Signals(signals) => signals.poll(cx),
            Self::Order(order) if order.is_terminated() => Poll::Pending,
            Self::Order(order) => std::pin::Pin::new(order).poll(cx).map(drop),
        }
    }
}
