//! [`Rfc2217`]: a port of the module behind Telnet with the Com Port Control option, so that a host
//! program has its lines and its rate over a network.
//!
//! 1. The options are offered to each new client; a newer one takes the line over.
//! 2. What it sends is taken apart. A change of its lines or rate ends a read, so that the module
//!    sees changes and data in their order.
//! 3. Under the client's hardware flow control, data waits here while the module's CTS is off.
//! 4. Replies go out at once, data while the client takes it; what finds no room then is lost.

mod com_port;
mod telnet;

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::host::output_queue::OutputQueue;
use crate::host::tcp::Listener;
use crate::modem::{Dce, Dte};
use com_port::ComPort;
use telnet::{COM_PORT, Decoder, Item, Options, escaped};

/// Most bytes taken from the client at once.
const RECEIVED_MAX: usize = 4096;

/// Most data that waits for the module's CTS, and that it is given at once then: what it takes after
/// it said stop.
const INPUT_MAX: usize = 512;

/// Nothing more is read while so many bytes wait for a client that asks and does not listen.
const REPLIES_MAX: usize = 8 * 1024;

/// Most bytes of data in one write.
const WRITE_MAX: usize = 4096;

/// A listener and the client that has the line.
#[derive(Debug)]
pub struct Rfc2217 {
    line: Listener,
    decoder: Decoder,
    options: Options,
    com_port: ComPort,
    /// The client speaks RFC 2217: it said so, or it just does, as one that takes our request for
    /// the answer to its offer.
    speaks: bool,
    /// What the module has been told of the client.
    shown: Dte,
    /// Read from the client, and how far it has been taken apart.
    received: Vec<u8>,
    taken: usize,
    /// Data for the module.
    input: Vec<u8>,
    /// On its way to the client, and never cut.
    wire: OutputQueue,
    /// Data that waits behind it.
    output: OutputQueue,
}

impl Rfc2217 {
    /// Binds the address; port 0 takes any. To be called in a runtime.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let nobody = ComPort::new(Dce::default(), false);
        Ok(Self {
            line: Listener::bind(address)?,
            decoder: Decoder::default(),
            options: Options::new(),
            shown: nobody.dte(),
            com_port: nobody,
            speaks: false,
            received: Vec::new(),
            taken: 0,
            input: Vec::new(),
            wire: OutputQueue::default(),
            output: OutputQueue::default(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.line.address()
    }

    /// What the client shows beside data, as of what was read last.
    pub fn dte(&self) -> Dte {
        self.shown
    }

    /// What the module shows beside data has changed.
    pub fn show(&mut self, dce: Dce) {
        let told = self.com_port.set_dce(dce);
        // A client that does not listen need not be told.
        let listens = self.speaks && self.wire.len() <= REPLIES_MAX;
        if let Some(told) = told.filter(|_| listens) {
            self.put(&told);
        }
    }

    /// Reads what the client wrote: data, or nothing where only [`Rfc2217::dte`] has changed.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.line.poll_accept(cx) {
            self.begin(true);
            self.put(&self.options.offers());
        }
        loop {
            let held = self.com_port.holds_input();
            if !held && !self.input.is_empty() {
                let count = self.input.len().min(buffer.len());
                buffer[..count].copy_from_slice(&self.input[..count]);
                self.input.drain(..count);
                return Poll::Ready(Ok(count));
            }
            if self.shown != self.com_port.dte() {
                self.shown = self.com_port.dte();
                return Poll::Ready(Ok(0));
            }
            // The loop comes here again when the module's CTS, or the wire, has changed.
            if self.input.len() >= INPUT_MAX || self.wire.len() > REPLIES_MAX {
                return Poll::Pending;
            }
            if self.taken < self.received.len() {
                self.take_apart();
                continue;
            }
            self.received.resize(RECEIVED_MAX, 0);
            let read = self.line.poll_read(cx, &mut self.received);
            self.taken = 0;
            self.received.truncate(match read {
                Poll::Ready(count) => count,
                Poll::Pending => 0,
            });
            match read {
                Poll::Ready(0) => self.begin(false),
                Poll::Ready(_) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends one line in one write; drops it where nobody is connected.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.line.is_connected() {
            return Ok(());
        }
        let at_once = self.wire.is_empty() && self.output.is_empty() && !self.com_port.is_suspended();
        if at_once && bytes.len() <= WRITE_MAX {
            self.put(&escaped(bytes));
        } else {
            self.output.send(bytes, |_| Err(io::ErrorKind::WouldBlock.into()))?;
        }
        Ok(())
    }

    /// Sends what the client did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.fill_wire();
            if self.wire.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let Poll::Ready(ready) = self.line.poll_room(cx) else { return Poll::Pending };
            if ready.and_then(|()| self.wire.flush(|bytes| self.line.try_write(bytes))).is_err() {
                self.hang_up();
            }
        }
    }

    /// Data goes on the wire a piece at a time.
    fn fill_wire(&mut self) {
        let Self { line, wire, output, com_port, .. } = self;
        let moved = output.flush(|bytes| {
            if !wire.is_empty() || com_port.is_suspended() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let piece = &bytes[..bytes.len().min(WRITE_MAX)];
            wire.send(&escaped(piece), |bytes| line.try_write(bytes))?;
            Ok(piece.len())
        });
        if moved.is_err() {
            self.hang_up();
        }
    }

    /// Takes apart what was read, up to a change that the module has to know of.
    fn take_apart(&mut self) {
        while self.taken < self.received.len()
            && self.input.len() < INPUT_MAX
            && self.shown == self.com_port.dte()
        {
            let byte = self.received[self.taken];
            self.taken += 1;
            match self.decoder.take(byte, self.options.is_binary()) {
                Item::Nothing => {}
                Item::Data(byte) => self.input.push(byte),
                Item::Negotiation(verb, option) => self.negotiate(verb, option),
                Item::Subnegotiation => self.negotiate_port(),
            }
        }
    }

    fn negotiate(&mut self, verb: u8, option: u8) {
        if let Some(answer) = self.options.negotiate(verb, option) {
            self.put(&answer);
        }
        if self.options.has_com_port() {
            self.note_that_it_speaks();
        }
    }

    /// From here on the client is told of lines, and first how they are.
    fn note_that_it_speaks(&mut self) {
        if !std::mem::replace(&mut self.speaks, true) {
            let told = self.com_port.notification();
            self.put(&told);
        }
    }

    fn negotiate_port(&mut self) {
        if self.decoder.subnegotiation().first() == Some(&COM_PORT) {
            self.note_that_it_speaks();
        }
        let (answer, purge) = self.com_port.handle(self.decoder.subnegotiation());
        if purge.output {
            self.output.clear();
        }
        if purge.input {
            self.input.clear();
        }
        if let Some(answer) = answer {
            self.put(&answer);
        }
    }

    /// Puts bytes of the stream on the wire, in one write where nothing waits there.
    fn put(&mut self, bytes: &[u8]) {
        if self.line.is_connected() && self.wire.send(bytes, |bytes| self.line.try_write(bytes)).is_err() {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.line.hang_up();
        self.begin(false);
    }

    /// Nothing of the client before is left.
    fn begin(&mut self, connected: bool) {
        self.decoder = Decoder::default();
        self.options = Options::new();
        self.com_port = ComPort::new(self.com_port.dce(), connected);
        self.speaks = false;
        self.received.clear();
        self.taken = 0;
        self.input.clear();
        self.wire.clear();
        self.output.clear();
    }
}

#[cfg(test)]
#[path = "rfc2217_tests.rs"]
mod tests;
