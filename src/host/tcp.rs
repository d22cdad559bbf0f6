//! [`Tcp`]: a port of the module as a TCP listener: bytes as on the line, nothing else.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpStream};

use crate::host::output_queue::OutputQueue;

/// A listener that lets one client at a time have the line.
///
/// A newer one takes it over, so that a client that died without a word locks nobody out.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    listener: TcpListener,
    client: Option<TcpStream>,
}

impl Listener {
    /// Binds the address; port 0 takes any. To be called in a runtime.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { address, listener: TcpListener::from_std(listener)?, client: None })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.is_some()
    }

    /// Whether there is a new client.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_new = false;
        while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
            match accepted {
                Ok((client, peer)) => {
                    // An answer leaves when it is written: a host program waits for each.
                    let _ = client.set_nodelay(true);
                    if self.client.replace(client).is_some() {
                        tracing::info!("{}: {peer} takes the line over", self.address);
                    }
                    is_new = true;
                }
                // That client is gone already, or descriptors ran out; the listener stands.
                Err(error) => {
                    tracing::warn!("{}: {error}", self.address);
                    break;
                }
            }
        }
        is_new
    }

    /// Reads what the client wrote; zero bytes mean that it has gone.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        while let Some(client) = &self.client {
            let Poll::Ready(ready) = client.poll_read_ready(cx) else { break };
            match ready.and_then(|()| client.try_read(buffer)) {
                Ok(count) if count > 0 => return Poll::Ready(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => {
                    self.client = None;
                    return Poll::Ready(0);
                }
            }
        }
        Poll::Pending
    }

    /// Writes what the client takes at once.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.client {
            Some(client) => client.try_write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether the client may take more.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.client {
            Some(client) => client.poll_write_ready(cx),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// The client cannot be written to.
    pub(super) fn hang_up(&mut self) {
        self.client = None;
    }
}

/// A line and what its client has not taken yet.
#[derive(Debug)]
pub struct Tcp {
    line: Listener,
    output: OutputQueue,
}

impl Tcp {
    /// Binds the address; port 0 takes any. To be called in a runtime.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { line: Listener::bind(address)?, output: OutputQueue::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.line.address()
    }

    /// Reads what the client wrote.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.line.poll_accept(cx) {
            self.output.clear();
        }
        match self.line.poll_read(cx, buffer) {
            Poll::Ready(0) => self.output.clear(),
            Poll::Ready(count) => return Poll::Ready(Ok(count)),
            Poll::Pending => {}
        }
        Poll::Pending
    }

    /// Sends one line in one write; drops it where nobody is connected.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.line.is_connected() && self.output.send(bytes, |bytes| self.line.try_write(bytes)).is_err() {
            self.hang_up();
        }
        Ok(())
    }

    /// Sends what the client did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let Poll::Ready(ready) = self.line.poll_room(cx) else { return Poll::Pending };
            if ready.and_then(|()| self.output.flush(|bytes| self.line.try_write(bytes))).is_err() {
                self.hang_up();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn hang_up(&mut self) {
        self.line.hang_up();
        self.output.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn the_newer_client_has_the_line() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut port = Tcp::listen("127.0.0.1:0".parse().expect("an address")).expect("bound");
            let mut buffer = [0; 64];
            let mut older = TcpStream::connect(port.address()).await.expect("connected");
            older.write_all(b"AT\r").await.expect("written");
            let count = std::future::poll_fn(|cx| port.poll_input(cx, &mut buffer)).await.expect("read");
            assert_eq!(&buffer[..count], b"AT\r");
            let mut newer = TcpStream::connect(port.address()).await.expect("connected");
            newer.write_all(b"ATI\r").await.expect("written");
            let count = std::future::poll_fn(|cx| port.poll_input(cx, &mut buffer)).await.expect("read");
            assert_eq!(&buffer[..count], b"ATI\r");
            port.send(b"\r\nOK\r\n").expect("sent");
            let count = newer.read(&mut buffer).await.expect("read");
            assert_eq!(&buffer[..count], b"\r\nOK\r\n");
            assert_eq!(older.read(&mut buffer).await.expect("closed"), 0);
        });
    }

    #[test]
    fn nothing_is_held_back_to_fill_a_segment() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut port = Tcp::listen("127.0.0.1:0".parse().expect("an address")).expect("bound");
            let mut client = TcpStream::connect(port.address()).await.expect("connected");
            client.write_all(b"AT\r").await.expect("written");
            let mut buffer = [0; 64];
            std::future::poll_fn(|cx| port.poll_input(cx, &mut buffer)).await.expect("read");
            assert!(port.line.client.as_ref().expect("a client").nodelay().expect("known"));
        });
    }

    #[test]
    fn a_client_that_has_gone_leaves_nothing_to_the_next() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut port = Tcp::listen("127.0.0.1:0".parse().expect("an address")).expect("bound");
            let mut buffer = [0; 64];
            for _ in 0..20 {
                let mut client = TcpStream::connect(port.address()).await.expect("connected");
                client.write_all(b"AT\r").await.expect("written");
                let reading = std::future::poll_fn(|cx| port.poll_input(cx, &mut buffer));
                assert_eq!(reading.await.expect("read"), 3);
                for _ in 0..1000 {
                    port.send(&[b'x'; 1000]).expect("sent or dropped");
                }
                drop(client);
            }
            let mut client = TcpStream::connect(port.address()).await.expect("connected");
            client.write_all(b"AT\r").await.expect("written");
            std::future::poll_fn(|cx| port.poll_input(cx, &mut buffer)).await.expect("read");
            port.send(b"OK").expect("sent");
            let count = client.read(&mut buffer).await.expect("read");
            assert_eq!(&buffer[..count], b"OK");
        });
    }
}
