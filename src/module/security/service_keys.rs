//! Keys of the services, and what has to be true before one is made.
//!
//! 1. A request passes its [gate](Module::check_services), in the order of [`KeyRefusal`].
//! 2. The counter that makes the key or the nonce is advanced and stored: whatever happens from here
//!    on, it is never used again.
//! 3. The key is derived from the committed key set. A new set begins its counters anew. The key of
//!    local data is the exception: it was made once, and is kept.

use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::module::Module;
use crate::protocol::keys::e2e::{E2eHeader, E2eVersion, MESSAGES_1_MAX, MESSAGES_2_MAX};
use crate::protocol::keys::local::LocalHeader;
use crate::protocol::keys::psk::{PSKS_MAX, Psk, PskId, PskLength};
use crate::protocol::message::{Feature, Standing};
use crate::protocol::protection::{self, NotGenuine};
use crate::time::Now;

/// How often each kind of key of the committed set was used; all of it survives a power loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyCounters {
    /// Pre-shared keys made.
    pub psk: u32,
    /// Uplink messages protected under version 1.
    pub uplink_1: u32,
    /// Uplink messages protected under version 2.
    pub uplink_2: u32,
}

/// Why a key of a service is not made or not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// The root of trust is not ready yet.
    Busy,
    /// Not bootstrapped yet.
    NotBootstrapped,
    /// Nobody's: not sealed, or the service has not answered for the seal.
    Unsealed,
    /// Suspended by its owner.
    Suspended,
    /// The plan does not include the service.
    NoService,
    /// The feature is not applied.
    NoFeature,
    /// All keys of this key set are used up.
    UsedUp,
    /// What is to be decrypted was changed, or is not for this module, or of a key set long replaced.
    NotGenuine,
}

impl Module {
    /// Whether Symmetric KMS and E2E Data Protection may be used now.
    pub fn check_services(&self, now: Now) -> Result<(), KeyRefusal> {
        self.check_owned(now)?;
        if self.nvm.security.applied.services { Ok(()) } else { Err(KeyRefusal::NoService) }
    }

    /// Whether a feature may be used now.
    pub fn check_feature(&self, feature: Feature, now: Now) -> Result<(), KeyRefusal> {
        self.check_owned(now)?;
        let applied = self.nvm.security.applied.features.contains(&feature);
        if applied { Ok(()) } else { Err(KeyRefusal::NoFeature) }
    }

    /// Whether it is somebody's who has not suspended it.
    fn check_owned(&self, now: Now) -> Result<(), KeyRefusal> {
        if !self.is_security_ready(now) {
            return Err(KeyRefusal::Busy);
        }
        let nvm = &self.nvm.security;
        if !nvm.is_bootstrapped() {
            return Err(KeyRefusal::NotBootstrapped);
        }
        match nvm.applied.standing {
            _ if !nvm.registered => Err(KeyRefusal::Unsealed),
            Standing::Unowned => Err(KeyRefusal::Unsealed),
            Standing::Suspended => Err(KeyRefusal::Suspended),
            Standing::Active | Standing::Allocated => Ok(()),
        }
    }

    /// `AT+USECPSK`: a pre-shared key that was never handed out before, and by what the service
    /// finds it again.
    pub fn request_psk(&mut self, length: PskLength, now: Now) -> Result<(PskId, Psk), KeyRefusal> {
        self.check_services(now)?;
        let set = self.nvm.secrets.committed();
        let rot = self.nvm.identity.rot;
        let counter = self.use_counter(PSKS_MAX, |counters| &mut counters.psk)?;
        let id = PskId { tail: rot.tail(), key_set: set.short_number(), length, counter };
        Ok((id, set.psk(rot, &id)))
    }

    /// `AT+USECE2EDATAENC`: an uplink message as it may pass anybody.
    pub fn protect_uplink(&mut self, message: &[u8], now: Now) -> Result<Vec<u8>, KeyRefusal> {
        self.check_services(now)?;
        let set = self.nvm.secrets.committed();
        let rot = self.nvm.identity.rot;
        let version = self.nvm.security.e2e_version;
        let (counter, key_set) = match version {
            E2eVersion::One => {
                (self.use_counter(MESSAGES_1_MAX, |counters| &mut counters.uplink_1)?, set.short_number())
            }
            E2eVersion::Two => {
                let counter = self.use_counter(MESSAGES_2_MAX, |counters| &mut counters.uplink_2)?;
                (counter, set.short_number() & 0x0fff)
            }
        };
        let header = E2eHeader::Uplink { version, tail: rot.tail(), key_set, counter };
        Ok(protection::protect(&header, &set.message_key(rot, &header), message))
    }

    /// `AT+USECE2EDATADEC`: a downlink message in clear.
    ///
    /// It may come more than once: who needs to know has to look into the message.
    pub fn open_downlink(&self, protected: &[u8], now: Now) -> Result<Vec<u8>, KeyRefusal> {
        self.check_services(now)?;
        let rot = self.nvm.identity.rot;
        let (header, sealed) = protection::split_header(protected)?;
        if !matches!(header, E2eHeader::Downlink { .. }) || header.tail() != rot.tail() {
            return Err(KeyRefusal::NotGenuine);
        }
        let set = self.nvm.secrets.find(|set| header.names(set)).ok_or(KeyRefusal::NotGenuine)?;
        Ok(protection::unprotect(&header, &set.message_key(rot, &header), sealed)?)
    }

    /// `AT+USECDATAENC`: data that only this module can read again.
    pub fn protect_local(&mut self, data: &[u8], now: Now) -> Result<Vec<u8>, KeyRefusal> {
        self.check_feature(Feature::LocalDataProtection, now)?;
        let header = LocalHeader { counter: self.nvm.security.local_used };
        self.nvm.security.local_used = header.counter.checked_add(1).ok_or(KeyRefusal::UsedUp)?;
        let (set, rot, entropy) = (self.nvm.secrets.committed(), self.nvm.identity.rot, &mut self.entropy);
        let key = self.nvm.secrets.local_or_make(|| {
            let mut salt = [0; 32];
            entropy.fill_bytes(&mut salt);
            set.local_key(rot, &salt)
        });
        let sealed = protection::seal(&header.message_key(key), data);
        self.save();
        Ok([&header.encode()[..], &sealed].concat())
    }

    /// `AT+USECDATADEC`: data that this module has protected.
    pub fn open_local(&self, protected: &[u8], now: Now) -> Result<Vec<u8>, KeyRefusal> {
        self.check_feature(Feature::LocalDataProtection, now)?;
        let (header, sealed) = LocalHeader::split(protected).ok_or(KeyRefusal::NotGenuine)?;
        let key = self.nvm.secrets.local().ok_or(KeyRefusal::NotGenuine)?;
        Ok(protection::open(&header.message_key(key), sealed)?)
    }

    /// The value of a counter, which is stored as used before anything that is made of it leaves.
    fn use_counter(
        &mut self,
        max: u32,
        counter: fn(&mut KeyCounters) -> &mut u32,
    ) -> Result<u32, KeyRefusal> {
        let counter = counter(&mut self.nvm.security.counters);
        let value = *counter;
        if value >= max {
            return Err(KeyRefusal::UsedUp);
        }
        *counter += 1;
        self.save();
        Ok(value)
    }
}

impl From<NotGenuine> for KeyRefusal {
    fn from(_: NotGenuine) -> Self {
        Self::NotGenuine
    }
}
