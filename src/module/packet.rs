//! Packet domain: attach, PDP contexts, the data connection.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::protocol::keys::RotUid;

/// The context that comes with the attach, and carries the security service.
pub const DEFAULT_CID: u8 = 1;

/// A PDP context definition (`+CGDCONT`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `<cid>`.
    pub cid: u8,
    /// `<PDP_type>`: `IP`, `IPV6`, `IPV4V6` or `NONIP`.
    pub pdp_type: String,
    /// `<APN>`.
    pub apn: String,
}

/// PDP contexts as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketNvm {
    /// Defined contexts, by `<cid>`.
    #[serde(default)]
    pub contexts: Vec<Context>,
}

/// Packet domain state in RAM.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    /// Attached to the packet domain.
    pub attached: bool,
    /// Whether the host asked to stay detached (`+CGATT=0`).
    pub detach_wanted: bool,
    /// Active contexts.
    pub active: BTreeSet<u8>,
}

impl PacketNvm {
    /// From the factory: the default context, with the network's APN.
    pub fn factory(profile: &Profile) -> Self {
        let pdp_type = profile.packet.pdp_type_default.clone();
        Self { contexts: vec![Context { cid: DEFAULT_CID, pdp_type, apn: String::new() }] }
    }

    /// The definition of a context.
    pub fn context(&self, cid: u8) -> Option<&Context> {
        self.contexts.iter().find(|context| context.cid == cid)
    }

    /// Defines a context, or defines it anew.
    pub fn define(&mut self, context: Context) {
        self.undefine(context.cid);
        let place = self.contexts.partition_point(|other| other.cid < context.cid);
        self.contexts.insert(place, context);
    }

    /// Forgets a context.
    pub fn undefine(&mut self, cid: u8) {
        self.contexts.retain(|context| context.cid != cid);
    }
}

impl Packet {
    /// Follows the registration: attaches and activates the default context, or loses everything.
    pub fn settle(&mut self, registered: bool) {
        if !registered || self.detach_wanted {
            self.attached = false;
            self.active.clear();
        } else if !self.attached {
            self.attached = true;
            self.active.insert(DEFAULT_CID);
        }
    }

    /// Whether datagrams can pass.
    pub fn is_connected(&self) -> bool {
        self.attached && self.active.contains(&DEFAULT_CID)
    }
}

/// The address a context has, made from the root of trust so that it is the same every time.
pub fn address(rot: RotUid, cid: u8, ip: super::IpVersion) -> IpAddr {
    let [.., a, b, c] = rot.0;
    match ip {
        super::IpVersion::V4 => IpAddr::V4(Ipv4Addr::new(10, a, b, c.wrapping_add(cid).max(1))),
        super::IpVersion::V6 => {
            let host = u16::from_be_bytes([b, c]);
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0x5a, u16::from(a), u16::from(cid), 0, 0, 0, host.max(1)))
        }
    }
}
