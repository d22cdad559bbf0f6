//! [`ModuleSockets`]: one local UDP port a flow of the module.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::task::{Context, Poll};

use rustix::net::SendFlags;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::module::{Flow, IpVersion};

/// How many flows stay open: answers to the one before the last are still of use to nobody, but
/// cost nothing.
const FLOWS_MAX: usize = 3;

/// Most datagrams that wait for a name to resolve.
const WAITING_MAX: usize = 8;

/// Where the security service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceSpec {
    /// In this process.
    Embedded,
    /// Its name does not resolve.
    None,
    /// At an address.
    Address(SocketAddr),
    /// `HOST:PORT`, resolved for each flow.
    Name(String),
}

/// Text that names no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service is embedded, none or HOST:PORT (127.0.0.1:5684, [::1]:5684)")]
pub struct ServiceSpecError;

/// What a flow brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes of a datagram.
    Datagram(Flow, usize),
    /// The name did not resolve.
    Unresolved(Flow),
}

/// The module's sockets.
#[derive(Debug)]
pub struct ModuleSockets {
    destination: ServiceSpec,
    flows: VecDeque<(Flow, Route)>,
    resolving: JoinSet<(Flow, io::Result<SocketAddr>)>,
}

#[derive(Debug)]
enum Route {
    Open(UdpSocket),
    Resolving(Vec<Vec<u8>>),
    Dead,
}

impl ModuleSockets {
    /// Sockets towards a service; of one embedded, its address.
    pub fn new(destination: ServiceSpec) -> Self {
        Self { destination, flows: VecDeque::new(), resolving: JoinSet::new() }
    }

    /// Sends a datagram, from a new local port if the flow is new. What the network does not take
    /// is lost, like anything a network loses.
    pub fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        if !self.flows.iter().any(|(number, _)| *number == flow) {
            self.open(flow);
        }
        match self.flows.iter_mut().find(|(number, _)| *number == flow) {
            Some((_, Route::Open(socket))) => {
                // Not by tokio's `try_send`: that refuses until the loop has seen the new socket once.
                if let Err(error) = rustix::net::send(&*socket, &bytes, SendFlags::DONTWAIT) {
                    tracing::debug!("datagram not sent: {error}");
                }
            }
            Some((_, Route::Resolving(waiting))) if waiting.len() < WAITING_MAX => waiting.push(bytes),
            _ => {}
        }
    }

    /// The next thing a flow brings.
    pub fn poll_received(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Received> {
        while let Poll::Ready(Some(done)) = self.resolving.poll_join_next(cx) {
            if let Ok((flow, address)) = done
                && self.resolved(flow, address)
            {
                return Poll::Ready(Received::Unresolved(flow));
            }
        }
        for (flow, route) in &self.flows {
            let Route::Open(socket) = route else { continue };
            let mut space = ReadBuf::new(buffer);
            while let Poll::Ready(received) = socket.poll_recv(cx, &mut space) {
                match received {
                    Ok(()) => return Poll::Ready(Received::Datagram(*flow, space.filled().len())),
                    // An ICMP message: on a cellular network silence, so here too.
                    Err(error) => tracing::debug!("the service's port does not answer: {error}"),
                }
            }
        }
        Poll::Pending
    }

    fn open(&mut self, flow: Flow) {
        let route = match &self.destination {
            ServiceSpec::Address(address) => connected(*address),
            ServiceSpec::Name(name) => {
                let name = name.clone();
                self.resolving.spawn(async move { (flow, resolve(&name).await) });
                Route::Resolving(Vec::new())
            }
            ServiceSpec::Embedded | ServiceSpec::None => Route::Dead,
        };
        if self.flows.len() == FLOWS_MAX {
            self.flows.pop_front();
        }
        self.flows.push_back((flow, route));
    }

    /// The answer of the name server is here; whether it was none.
    fn resolved(&mut self, flow: Flow, address: io::Result<SocketAddr>) -> bool {
        let Some((_, route)) = self.flows.iter_mut().find(|(number, _)| *number == flow) else {
            return false;
        };
        let (next, failed) = match address {
            Ok(address) => (connected(address), false),
            Err(error) => {
                tracing::warn!("the name of the security service does not resolve: {error}");
                (Route::Dead, true)
            }
        };
        if let Route::Resolving(waiting) = std::mem::replace(route, next) {
            waiting.into_iter().for_each(|bytes| self.send(flow, bytes));
        }
        failed
    }
}

impl ServiceSpec {
    /// The IP version of the module's data connection.
    pub fn ip(&self) -> IpVersion {
        match self {
            Self::Address(SocketAddr::V6(_)) => IpVersion::V6,
            _ => IpVersion::V4,
        }
    }
}

/// The first IPv4 address of a name, as the data connection is IPv4; else the first of all.
async fn resolve(name: &str) -> io::Result<SocketAddr> {
    let found: Vec<_> = tokio::net::lookup_host(name).await?.collect();
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
    address.copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn connected(address: SocketAddr) -> Route {
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let open = || {
        let socket = std::net::UdpSocket::bind(local)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    };
    match open() {
        Ok(socket) => Route::Open(socket),
        Err(error) => {
            tracing::warn!("no way to the security service at {address}: {error}");
            Route::Dead
        }
    }
}

impl FromStr for ServiceSpec {
    type Err = ServiceSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "none" => Ok(Self::None),
            _ => match text.parse() {
                Ok(address) => Ok(Self::Address(address)),
                Err(_) => match text.rsplit_once(':') {
                    Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                        Ok(Self::Name(text.to_owned()))
                    }
                    _ => Err(ServiceSpecError),
                },
            },
        }
    }
}

/// RFC 1123: letters, digits, hyphens and dots; addresses were parsed before.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl fmt::Display for ServiceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::None => f.write_str("none"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_embedded_none_an_address_or_a_name() {
        let check =
            |text: &str, expected: Option<ServiceSpec>| assert_eq!(text.parse().ok(), expected, "{text}");
        let address = |text: &str| Some(ServiceSpec::Address(text.parse().expect("an address")));
        check("embedded", Some(ServiceSpec::Embedded));
        check("none", Some(ServiceSpec::None));
        check("127.0.0.1:5684", address("127.0.0.1:5684"));
        check("[::1]:5684", address("[::1]:5684"));
        check("service.local:5684", Some(ServiceSpec::Name("service.local:5684".to_owned())));
        check("service.local", None);
        check("service.local:0", None);
        check("::1:5684", None);
        check(":5684", None);
        check("", None);
    }

    #[test]
    fn each_flow_has_a_port_of_its_own_and_gets_its_answers() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let service = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
            let address = service.local_addr().expect("bound");
            for destination in
                [ServiceSpec::Address(address), ServiceSpec::Name(format!("localhost:{}", address.port()))]
            {
                let mut sockets = ModuleSockets::new(destination);
                let mut buffer = [0; 64];
                let mut peers = Vec::new();
                for flow in 0..5 {
                    sockets.send(Flow(flow), vec![flow as u8]);
                    // A name has to resolve first, which takes polls.
                    let received = async {
                        let mut space = [0; 64];
                        service.recv_from(&mut space).await
                    };
                    let polling = std::future::poll_fn(|cx| sockets.poll_received(cx, &mut buffer));
                    let (_, peer) = tokio::select! {
                        received = received => received.expect("received"),
                        unexpected = polling => panic!("{unexpected:?}"),
                    };
                    service.send_to(&[100 + flow as u8], peer).await.expect("sent");
                    let received = std::future::poll_fn(|cx| sockets.poll_received(cx, &mut buffer)).await;
                    assert_eq!(received, Received::Datagram(Flow(flow), 1));
                    assert_eq!(buffer[0], 100 + flow as u8);
                    peers.push(peer);
                }
                peers.dedup();
                assert_eq!(peers.len(), 5);
            }
        });
    }

    #[test]
    fn a_name_that_does_not_resolve_says_so() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut sockets = ModuleSockets::new(ServiceSpec::Name("no-such-host.invalid:5684".to_owned()));
            sockets.send(Flow(1), vec![1]);
            let mut buffer = [0; 64];
            let received = std::future::poll_fn(|cx| sockets.poll_received(cx, &mut buffer)).await;
            assert_eq!(received, Received::Unresolved(Flow(1)));
        });
    }
}
