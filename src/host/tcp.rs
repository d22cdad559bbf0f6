//! [`Tcp`]: a port of the module as a TCP listener: bytes as on the line, nothing else.
//!
//! One client at a time, as on a line. A newer one takes the line over, so that a client that died
//! without a word locks nobody out.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpStream};

use crate::host::output_queue::OutputQueue;

/// A listener and the client that has the line.
#[derive(Debug)]
pub struct Tcp {
    address: SocketAddr,
    listener: TcpListener,
    client: Option<TcpStream>,
    output: OutputQueue,
}

impl Tcp {
    /// Binds the address; port 0 takes any. To be called in a runtime.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self { address, listener, client: None, output: OutputQueue::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads what the client wrote.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
            match accepted {
                Ok((client, peer)) => self.connected(client, peer),
                // That client is gone already, or descriptors ran out; the listener stands.
                Err(error) => {
                    tracing::warn!("tcp:{}: {error}", self.address);
                    break;
                }
            }
        }
        while let Some(client) = &self.client {
            let Poll::Ready(ready) = client.poll_read_ready(cx) else { break };
            match ready.and_then(|()| client.try_read(buffer)) {
                Ok(count) if count > 0 => return Poll::Ready(Ok(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => self.disconnected(),
            }
        }
        Poll::Pending
    }

    /// Sends one line in one write; drops it where nobody is connected.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        if self.output.send(bytes, |bytes| client.try_write(bytes)).is_err() {
            self.disconnected();
        }
        Ok(())
    }

    /// Sends what the client did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let (Some(client), false) = (&self.client, self.output.is_empty()) {
            let Poll::Ready(ready) = client.poll_write_ready(cx) else { return Poll::Pending };
            if ready.and_then(|()| self.output.flush(|bytes| client.try_write(bytes))).is_err() {
                self.disconnected();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn connected(&mut self, client: TcpStream, peer: SocketAddr) {
        // An answer leaves when it is written: a host program waits for each.
        let _ = client.set_nodelay(true);
        if self.client.replace(client).is_some() {
            tracing::info!("tcp:{}: {peer} takes the line over", self.address);
        }
        self.output.clear();
    }

    fn disconnected(&mut self) {
        self.client = None;
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
}
