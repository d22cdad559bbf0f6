//! [`Signals`]: SIGINT, SIGTERM and SIGHUP all end a program in order.

use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a program.
#[derive(Debug)]
pub struct Signals([Signal; 3]);

impl Signals {
    /// Takes the signals from now on. To be called in a runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Ready when one of them came.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let came = self.0.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    }
}
