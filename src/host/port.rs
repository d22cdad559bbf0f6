//! [`Port`]: a serial interface of the module, whatever it is made of.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::task::{Context, Poll};

use crate::host::pty::Pty;
use crate::host::serial::Serial;
use crate::host::tcp::Tcp;

/// Where a port is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortSpec {
    /// A new pseudo-terminal.
    Pty,
    /// A real serial port.
    Serial(PathBuf),
    /// A TCP listener.
    Tcp(SocketAddr),
}

/// Text that names no port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a port is pty, tty:PATH (tty:/dev/ttyUSB0) or tcp:ADDRESS (tcp:127.0.0.1:5000)")]
pub struct PortSpecError;

/// An open port.
#[derive(Debug)]
pub enum Port {
    /// A pseudo-terminal.
    Pty(Pty),
    /// A real serial port.
    Serial(Serial),
    /// A TCP listener.
    Tcp(Tcp),
}

impl Port {
    /// Opens a port; `mode` are the permissions of a pseudo-terminal. To be called in a runtime.
    pub fn open(spec: &PortSpec, mode: Option<u32>) -> io::Result<Self> {
        Ok(match spec {
            PortSpec::Pty => Self::Pty(Pty::open(mode)?),
            PortSpec::Serial(path) => Self::Serial(Serial::open(path)?),
            PortSpec::Tcp(address) => Self::Tcp(Tcp::listen(*address)?),
        })
    }

    /// Reads what a host program wrote; an error means that the port is gone.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(port) => port.poll_input(cx, buffer),
            Self::Serial(port) => port.poll_input(cx, buffer),
            Self::Tcp(port) => port.poll_input(cx, buffer),
        }
    }

    /// Sends one line in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Pty(port) => port.send(bytes),
            Self::Serial(port) => port.send(bytes),
            Self::Tcp(port) => port.send(bytes),
        }
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pty(port) => port.poll_flush(cx),
            Self::Serial(port) => port.poll_flush(cx),
            Self::Tcp(port) => port.poll_flush(cx),
        }
    }
}

/// Where a host program finds it: `/dev/pts/7`, `tty:/dev/ttyUSB0`, `tcp:127.0.0.1:5000`.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pty(port) => write!(f, "{}", port.path().display()),
            Self::Serial(port) => write!(f, "tty:{}", port.path().display()),
            Self::Tcp(port) => write!(f, "tcp:{}", port.address()),
        }
    }
}

impl FromStr for PortSpec {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "pty" => Ok(Self::Pty),
            Some(("tty", path)) if !path.is_empty() => Ok(Self::Serial(path.into())),
            Some(("tcp", address)) => address.parse().map(Self::Tcp).map_err(|_| PortSpecError),
            _ => Err(PortSpecError),
        }
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pty => f.write_str("pty"),
            Self::Serial(path) => write!(f, "tty:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_reads_back_as_it_is_written() {
        for text in ["pty", "tty:/dev/ttyUSB0", "tcp:127.0.0.1:5000", "tcp:[::1]:0"] {
            assert_eq!(text.parse::<PortSpec>().map(|port| port.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "tty", "tty:", "tcp:5000", "tcp:localhost:5000", "pty:1", "/dev/ttyUSB0"] {
            assert_eq!(text.parse::<PortSpec>(), Err(PortSpecError), "{text}");
        }
    }
}
