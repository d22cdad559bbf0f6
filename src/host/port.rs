//! [`Port`]: a serial interface of the module, whatever it is made of.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::task::{Context, Poll};

use crate::host::pty::{Pty, StandsFor};
use crate::host::rfc2217::Rfc2217;
use crate::host::serial::Serial;
use crate::host::tcp::Tcp;
use crate::modem::{Dce, Dte};

/// Where a port is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortSpec {
    /// A new pseudo-terminal.
    Pty,
    /// A real serial port.
    Serial(PathBuf),
    /// A TCP listener.
    Tcp(SocketAddr),
    /// A Telnet listener with the Com Port Control option.
    Rfc2217(SocketAddr),
}

impl PortSpec {
    /// Where it listens.
    pub fn listens_at(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Rfc2217(address) => Some(*address),
            Self::Pty | Self::Serial(_) => None,
        }
    }
}

/// Text that names no port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a port is pty, tty:PATH (tty:/dev/ttyUSB0), tcp:ADDRESS (tcp:127.0.0.1:5000) or rfc2217:ADDRESS \
     (rfc2217:127.0.0.1:2217)"
)]
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
    /// A Telnet listener with the Com Port Control option.
    Rfc2217(Box<Rfc2217>),
    /// A pseudo-terminal whose last output may still be read.
    Leaving(Pty),
    /// A pseudo-terminal that has gone, and may come back.
    Unplugged,
}

impl Port {
    /// Opens a port; `mode` are the permissions of a pseudo-terminal. To be called in a runtime.
    pub fn open(spec: &PortSpec, mode: Option<u32>, pty_stands_for: StandsFor) -> io::Result<Self> {
        Ok(match spec {
            PortSpec::Pty => Self::Pty(Pty::open(mode, pty_stands_for)?),
            PortSpec::Serial(path) => Self::Serial(Serial::open(path)?),
            PortSpec::Tcp(address) => Self::Tcp(Tcp::listen(*address)?),
            PortSpec::Rfc2217(address) => Self::Rfc2217(Box::new(Rfc2217::listen(*address)?)),
        })
    }

    /// Nothing passes a pseudo-terminal any more but what is on its way.
    pub fn leave(&mut self) {
        *self = match std::mem::replace(self, Self::Unplugged) {
            Self::Pty(port) => Self::Leaving(port),
            other => other,
        };
    }

    /// Whether a host program has not read all of a pseudo-terminal that leaves.
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Leaving(port) if port.is_unread())
    }

    /// A pseudo-terminal that leaves has gone.
    pub fn unplug(&mut self) {
        if let Self::Leaving(_) = self {
            *self = Self::Unplugged;
        }
    }

    /// Reads what a host program wrote, or nothing where only [`Port::dte`] has changed; an error
    /// means that the port is gone.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(port) => port.poll_input(cx, buffer),
            Self::Serial(port) => port.poll_input(cx, buffer),
            Self::Tcp(port) => port.poll_input(cx, buffer),
            Self::Rfc2217(port) => port.poll_input(cx, buffer),
            Self::Leaving(_) | Self::Unplugged => Poll::Pending,
        }
    }

    /// What the host program shows beside data, as of what was read last.
    pub fn dte(&mut self) -> Dte {
        match self {
            Self::Pty(port) => Dte { rate_bps: port.rate_bps(), ..Dte::default() },
            // A serial port is always at the module's rate.
            Self::Serial(_) | Self::Tcp(_) | Self::Leaving(_) | Self::Unplugged => Dte::default(),
            Self::Rfc2217(port) => port.dte(),
        }
    }

    /// What the module shows beside data has changed, behind what was sent before.
    pub fn show(&mut self, dce: Dce) {
        match self {
            Self::Serial(port) => port.set_rate(dce.rate_bps.get()),
            Self::Rfc2217(port) => port.show(dce),
            Self::Pty(_) | Self::Tcp(_) | Self::Leaving(_) | Self::Unplugged => {}
        }
    }

    /// Sends one line in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Pty(port) => port.send(bytes),
            Self::Serial(port) => port.send(bytes),
            Self::Tcp(port) => port.send(bytes),
            Self::Rfc2217(port) => port.send(bytes),
            Self::Leaving(_) | Self::Unplugged => Ok(()),
        }
    }

    /// Sends what the line did not take before.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pty(port) => port.poll_flush(cx),
            Self::Serial(port) => port.poll_flush(cx),
            Self::Tcp(port) => port.poll_flush(cx),
            Self::Rfc2217(port) => port.poll_flush(cx),
            Self::Leaving(port) => port.poll_flush(cx),
            Self::Unplugged => Poll::Ready(Ok(())),
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
            Self::Rfc2217(port) => write!(f, "rfc2217:{}", port.address()),
            Self::Leaving(_) | Self::Unplugged => f.write_str("unplugged"),
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
            Some(("rfc2217", address)) => address.parse().map(Self::Rfc2217).map_err(|_| PortSpecError),
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
            Self::Rfc2217(address) => write!(f, "rfc2217:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_reads_back_as_it_is_written() {
        for text in ["pty", "tty:/dev/ttyUSB0", "tcp:127.0.0.1:5000", "tcp:[::1]:0", "rfc2217:[::1]:2217"] {
            assert_eq!(text.parse::<PortSpec>().map(|port| port.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "tty", "tty:", "tcp:5000", "tcp:localhost:5000", "rfc2217:", "pty:1", "/dev/ttyUSB0"]
        {
            assert_eq!(text.parse::<PortSpec>(), Err(PortSpecError), "{text}");
        }
    }
}
