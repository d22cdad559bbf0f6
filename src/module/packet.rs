//! Packet domain: attach, PDP contexts, the data connection.

mod counter;
mod internal_profile;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::module::network::Cause;
use crate::profile::Profile;
use crate::protocol::keys::RotUid;

pub use counter::Counter;
pub use internal_profile::{InternalProfile, PROFILE_MAX};

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

/// The APN a context without one is given. `designed`
pub const DEFAULT_APN: &str = "internet";

/// APNs and user names under this name, which no network has (RFC 2606), are refused. `designed`
const UNKNOWN_SUFFIX: &str = ".invalid";

/// How a context authenticates (`+UAUTHREQ`, `+CGAUTH`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// `<cid>`.
    pub cid: u8,
    /// 1 PAP, 2 CHAP, 3 automatic.
    pub protocol: u8,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// PDP contexts as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketNvm {
    /// Defined contexts, by `<cid>`.
    #[serde(default)]
    pub contexts: Vec<Context>,
    /// Contexts that authenticate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentications: Vec<Authentication>,
    /// What `+UPSDA=<profile>,1` stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub internal_profiles: Vec<InternalProfile>,
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
    /// What each context carried.
    pub counters: BTreeMap<u8, Counter>,
    /// Profiles of the module's own IP stack that differ from the factory's.
    pub internal_profiles: BTreeMap<u8, InternalProfile>,
    /// Those that are active.
    pub active_profiles: BTreeSet<u8>,
}

/// Why a context can't be activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextRefusal {
    /// Not attached, or as many contexts active as there may be.
    NotNow,
    /// It is not of the IP version that the profile of the internal stack asks for.
    IpType,
    /// The network refused it.
    Network(Cause),
}

impl Context {
    /// The default context from the factory, with the network's APN.
    pub fn factory(profile: &Profile) -> Self {
        Self { cid: DEFAULT_CID, pdp_type: profile.packet.pdp_type_default.clone(), apn: String::new() }
    }
}

impl PacketNvm {
    /// From the factory: the default context.
    pub fn factory(profile: &Profile) -> Self {
        Self {
            contexts: vec![Context::factory(profile)],
            authentications: Vec::new(),
            internal_profiles: Vec::new(),
        }
    }

    /// How a context authenticates, if it does.
    pub fn authentication(&self, cid: u8) -> Option<&Authentication> {
        self.authentications.iter().find(|authentication| authentication.cid == cid)
    }

    /// Sets how a context authenticates; protocol 0 is not at all.
    pub fn authenticate(&mut self, authentication: Authentication) {
        self.authentications.retain(|other| other.cid != authentication.cid);
        if authentication.protocol > 0 {
            self.authentications.push(authentication);
        }
    }

    /// What the network has against a context.
    pub fn refusal(&self, cid: u8) -> Option<Cause> {
        let unknown = |name: &str| name.to_ascii_lowercase().ends_with(UNKNOWN_SUFFIX);
        if self.context(cid).is_some_and(|context| unknown(&context.apn)) {
            return Some(Cause::UNKNOWN_APN);
        }
        let user = self.authentication(cid).map(|authentication| authentication.user.as_str());
        user.filter(|user| unknown(user)).map(|_| Cause::AUTHENTICATION_FAILED)
    }

    /// Stores a profile of the module's own IP stack.
    pub fn store_profile(&mut self, profile: InternalProfile) {
        self.internal_profiles.retain(|other| other.number != profile.number);
        self.internal_profiles.push(profile);
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
    /// Just powered on.
    pub fn new(nvm: &PacketNvm) -> Self {
        let stored = nvm.internal_profiles.iter().map(|profile| (profile.number, *profile));
        Self { internal_profiles: stored.collect(), ..Self::default() }
    }

    /// A profile of the module's own IP stack.
    pub fn internal_profile(&self, number: u8) -> InternalProfile {
        self.internal_profiles.get(&number).copied().unwrap_or_else(|| InternalProfile::factory(number))
    }

    /// Follows the registration: attaches and activates the default context, or loses everything.
    /// A refused default context can't attach, but where an attach needs no context.
    pub fn settle(&mut self, registered: bool, refused: bool, attach_needs_context: bool) {
        if !registered || self.detach_wanted {
            self.attached = false;
            self.active.clear();
        } else if !self.attached {
            self.attached = !refused || !attach_needs_context;
            if !refused {
                self.active.insert(DEFAULT_CID);
            }
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
