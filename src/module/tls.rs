//! TLS profiles: what `+USECPRF` configures for the sockets that will use it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::module::Module;
use crate::profile::Tls as TlsFacts;

/// How many profiles there are, numbered from 0. Source: driver.
pub const PROFILES: u8 = 5;

/// Most cipher suites in a list. `designed`: more than hosts have names for
pub const CIPHER_SUITES_MAX: usize = 64;

/// Profiles that are not the factory's. They live with the secrets: a profile may hold a
/// pre-shared key and a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsNvm {
    /// By rising number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<Numbered>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    number: u8,
    profile: TlsProfile,
}

/// One profile; names and keys are empty where there are none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsProfile {
    /// Op 0: 0 none, 1 against the CA, 2 and the host name, 3 and the dates.
    pub certificate_check: u8,
    /// Op 1: lowest version; 0 any, 1 to 3 TLS 1.0 to 1.2.
    pub version: u8,
    /// Op 2.
    pub cipher_suites: CipherSuites,
    /// Op 3: name of the CA certificate.
    pub ca: String,
    /// Op 4: the host name that a certificate has to show.
    pub host_name: String,
    /// Op 5: name of the client certificate.
    pub client_certificate: String,
    /// Op 6: name of the client's private key.
    pub client_key: String,
    /// Op 7: password of that key.
    pub key_password: String,
    /// Op 8: pre-shared key.
    pub psk: String,
    /// Op 9: its identity.
    pub psk_identity: String,
    /// Op 10: server name indication.
    pub sni: String,
    /// Op 11: the root of trust makes the pre-shared key and its identity.
    pub rot_psk: bool,
    /// Op 13.
    pub resumption: Resumption,
    /// Op 14: 0 off, 1 device certificate and CAs, 2 device certificate only.
    pub device_certificate: u8,
}

/// Which cipher suites are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CipherSuites {
    /// The module's choice.
    #[default]
    Default,
    /// One of the maker's table.
    Number(u8),
    /// One, by its IANA number.
    Iana(u16),
    /// Several, by their IANA numbers, in the order in which they were added.
    List(Vec<u16>),
}

/// Session resumption.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// Parameter 0: whether it is on.
    pub on: bool,
    /// Parameter 1: 0 session ID, 1 session ticket.
    pub kind: u8,
    /// Parameter 2: the session to resume.
    pub session: String,
    /// Parameter 2: its secret.
    pub secret: String,
}

impl TlsProfile {
    /// What `AT+USECPRF=<profile>` restores.
    pub fn factory(facts: &TlsFacts) -> Self {
        Self {
            certificate_check: facts.certificate_check_default,
            version: facts.version_default,
            cipher_suites: CipherSuites::Default,
            ca: String::new(),
            host_name: String::new(),
            client_certificate: String::new(),
            client_key: String::new(),
            key_password: String::new(),
            psk: String::new(),
            psk_identity: String::new(),
            sni: String::new(),
            rot_psk: false,
            resumption: Resumption::default(),
            device_certificate: 0,
        }
    }
}

impl CipherSuites {
    /// Adds one to the list, and begins one where there is none; false where it is full.
    pub fn add(&mut self, suite: u16) -> bool {
        let mut list = match std::mem::take(self) {
            CipherSuites::List(list) => list,
            _ => Vec::new(),
        };
        let fits = list.contains(&suite) || list.len() < CIPHER_SUITES_MAX;
        if fits && !list.contains(&suite) {
            list.push(suite);
        }
        *self = CipherSuites::List(list);
        fits
    }

    /// Takes one off the list, and with the last one the list; false where it is not on it.
    pub fn remove(&mut self, suite: u16) -> bool {
        let CipherSuites::List(list) = self else { return false };
        let before = list.len();
        list.retain(|listed| *listed != suite);
        let removed = list.len() < before;
        if list.is_empty() {
            *self = CipherSuites::Default;
        }
        removed
    }
}

impl TlsNvm {
    fn find(&self, number: u8) -> Option<&TlsProfile> {
        self.profiles.iter().find(|one| one.number == number).map(|one| &one.profile)
    }

    fn put(&mut self, number: u8, profile: Option<TlsProfile>) {
        self.profiles.retain(|one| one.number != number);
        self.profiles.extend(profile.map(|profile| Numbered { number, profile }));
        self.profiles.sort_by_key(|one| one.number);
    }
}

impl Module {
    /// `+USECPRF`: a TLS profile.
    pub fn tls_profile(&self, number: u8) -> TlsProfile {
        let set = self.nvm.secrets.tls.find(number).cloned();
        set.unwrap_or_else(|| TlsProfile::factory(&self.profile.tls))
    }

    /// `AT+USECPRF=…`: stores a TLS profile; `None` restores the factory's.
    pub fn set_tls_profile(&mut self, number: u8, profile: Option<TlsProfile>) {
        let factory = TlsProfile::factory(&self.profile.tls);
        let profile = profile.filter(|profile| *profile != factory);
        if self.nvm.secrets.tls.find(number) != profile.as_ref() {
            self.change_settings(|nvm| Arc::make_mut(&mut nvm.secrets.tls).put(number, profile));
        }
    }
}

/// Keys and passwords stay out of logs.
impl std::fmt::Debug for TlsProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsProfile").field("ca", &self.ca).field("sni", &self.sni).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Resumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resumption").field("on", &self.on).finish_non_exhaustive()
    }
}
