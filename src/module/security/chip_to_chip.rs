//! Chip-to-chip security: the pairings a module holds, and who may make and use them.
//!
//! 1. A host chip pairs with a secret of its own, the TE secret: the module draws the keys, and hands
//!    them out this once ([`Module::request_pairing`]).
//! 2. In version 2 the host confirms that it has them ([`Module::confirm_pairing`]); until then an
//!    older pairing under the same secret stays. In version 1 there is nothing to confirm.
//! 3. Whoever knows the secret opens a session ([`Module::request_c2c_session`]), and whoever has the
//!    keys can use it.
//!
//! Before the bootstrap all of it works. After it, pairing needs the feature `c2c-pairing`, and a
//! session the feature `c2c`; a pairing that was begun may be confirmed. A pairing is never made anew
//! without that feature, and is gone only with a factory reset. Source: driver; which error, how many,
//! and what stays until when are designed.

use std::fmt;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::c2c::{Mishaps, Pairing, Secret, Session, Side, Version};
use crate::module::event::Event;
use crate::module::{Module, Output};
use crate::protocol::message::Feature;
use crate::time::Now;

/// Length of what confirms a pairing, in bytes: IV, the tag and its padding, MAC.
pub const CONFIRMATION_LEN: usize = 64;

/// Pairings a module holds; they live with its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairings {
    /// Those that can be used, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<Pairing>,
    /// The one that was offered last, confirmed or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offered: Option<OfferedPairing>,
}

/// A pairing as its host is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferedPairing {
    /// Secrets of both.
    pub pairing: Pairing,
    /// What the host has to send back encrypted; in version 2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Secret>,
}

/// Why nothing was paired, confirmed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChipToChipRefusal {
    /// The root of trust is not ready yet.
    Busy,
    /// The feature it needs after the bootstrap is off.
    NotAuthorized,
    /// There is a pairing under this secret.
    AlreadyPaired,
    /// There are as many pairings as the module holds.
    ChannelsConsumed,
    /// There is no pairing under this secret.
    NotPaired,
    /// The confirmation is not that of the pairing that was offered.
    WrongConfirmation,
    /// The module's version has no confirmation.
    NoConfirmation,
}

/// What happened with chip-to-chip security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChipToChipEvent {
    /// A pairing waits for its confirmation.
    Offered,
    /// A pairing can be used from now on.
    Paired,
    /// A session stands.
    Opened,
    /// A session was ended.
    Closed,
    /// Something of what came was dropped.
    Dropped(Mishaps),
}

impl Pairings {
    /// How many can be used.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none can be used.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn under(&self, te_secret: &Secret) -> Option<&Pairing> {
        self.held.iter().find(|pairing| pairing.te_secret == *te_secret)
    }

    /// It can be used from now on, in place of an older one under the same secret.
    fn hold(&mut self, pairing: Pairing) {
        match self.held.iter_mut().find(|held| held.te_secret == pairing.te_secret) {
            Some(held) => *held = pairing,
            None => self.held.push(pairing),
        }
    }
}

impl Module {
    /// `AT+USECC2C=0`: offers keys to the chip with this secret.
    ///
    /// # Errors
    /// Why it gets none.
    pub fn request_pairing(
        &mut self,
        te_secret: Secret,
        now: Now,
    ) -> Result<OfferedPairing, ChipToChipRefusal> {
        let (version, pairings_max) = self.chip_to_chip_facts(now)?;
        let again = self.has_feature(Feature::ChipToChipPairing);
        let pairings = &self.nvm.secrets.pairings;
        let held = pairings.under(&te_secret).is_some();
        match (held, self.nvm.security.is_bootstrapped()) {
            (true, _) if !again => return Err(ChipToChipRefusal::AlreadyPaired),
            (false, true) if !again => return Err(ChipToChipRefusal::NotAuthorized),
            (false, _) if pairings.len() >= pairings_max => return Err(ChipToChipRefusal::ChannelsConsumed),
            _ => {}
        }
        let pairing = Pairing {
            te_secret,
            key: self.draw_secret(),
            hmac_key: (version == Version::Two).then(|| self.draw_secret()),
        };
        let tag = (version == Version::Two).then(|| self.draw_secret());
        let offered = OfferedPairing { pairing, tag };
        self.nvm.secrets.pairings.offered = Some(offered.clone());
        if version == Version::One {
            self.nvm.secrets.pairings.hold(offered.pairing.clone());
        }
        self.save();
        self.note(Event::ChipToChip {
            port: None,
            what: match version {
                Version::One => ChipToChipEvent::Paired,
                Version::Two => ChipToChipEvent::Offered,
            },
        });
        Ok(offered)
    }

    /// `AT+USECC2C=4`: the chip has the keys. Said again it changes nothing, for a host that did not
    /// hear the answer.
    ///
    /// # Errors
    /// Why nothing is confirmed.
    pub fn confirm_pairing(
        &mut self,
        te_secret: &Secret,
        confirmation: &[u8],
        now: Now,
    ) -> Result<(), ChipToChipRefusal> {
        if self.chip_to_chip_facts(now)?.0 == Version::One {
            return Err(ChipToChipRefusal::NoConfirmation);
        }
        let pairings = &mut self.nvm.secrets.pairings;
        let offered = pairings.offered.as_ref().filter(|offered| offered.pairing.te_secret == *te_secret);
        let Some(OfferedPairing { pairing, tag: Some(tag) }) = offered else {
            return Err(ChipToChipRefusal::NotPaired);
        };
        if pairing.open(confirmation).as_deref() != Some(tag.as_bytes()) {
            return Err(ChipToChipRefusal::WrongConfirmation);
        }
        if pairings.under(te_secret) != Some(pairing) {
            let pairing = pairing.clone();
            pairings.hold(pairing);
            self.save();
            self.note(Event::ChipToChip { port: None, what: ChipToChipEvent::Paired });
        }
        Ok(())
    }

    /// `AT+USECC2C=1`: the module's end of a session with the chip that has this secret.
    ///
    /// # Errors
    /// Why there is none.
    pub fn request_c2c_session(
        &mut self,
        te_secret: &Secret,
        now: Now,
    ) -> Result<Session, ChipToChipRefusal> {
        self.chip_to_chip_facts(now)?;
        if self.nvm.security.is_bootstrapped() && !self.has_feature(Feature::ChipToChip) {
            return Err(ChipToChipRefusal::NotAuthorized);
        }
        let pairing = self.nvm.secrets.pairings.under(te_secret).cloned();
        let pairing = pairing.ok_or(ChipToChipRefusal::NotPaired)?;
        Ok(Session::new(pairing, Side::Module, ChaCha12Rng::from_rng(&mut self.entropy)))
    }

    /// Something happened on a port, counted from 0.
    pub fn note_chip_to_chip(&mut self, port: usize, what: ChipToChipEvent) {
        self.output.push_back(Output::Event(Event::ChipToChip { port: Some(port), what }));
    }

    /// Version and number of pairings, once the root of trust is ready.
    fn chip_to_chip_facts(&self, now: Now) -> Result<(Version, usize), ChipToChipRefusal> {
        let facts = self.profile.security.as_ref().filter(|_| self.is_security_ready(now));
        let facts = &facts.ok_or(ChipToChipRefusal::Busy)?.chip_to_chip;
        let version = if facts.version == 1 { Version::One } else { Version::Two };
        Ok((version, facts.pairings_max))
    }

    fn has_feature(&self, feature: Feature) -> bool {
        self.nvm.security.applied.features.contains(&feature)
    }

    /// A host tells version 2 by an HMAC key that is not zero behind its first byte (driver).
    fn draw_secret(&mut self) -> Secret {
        let mut bytes = [0; 16];
        while bytes[1..].iter().all(|byte| *byte == 0) {
            self.entropy.fill_bytes(&mut bytes);
        }
        Secret::from_bytes(bytes)
    }
}

impl fmt::Display for ChipToChipEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offered => f.write_str("pairing offered"),
            Self::Paired => f.write_str("paired"),
            Self::Opened => f.write_str("session opened"),
            Self::Closed => f.write_str("session closed"),
            Self::Dropped(Mishaps { wrong_macs, bytes_passed_over }) => {
                write!(f, "dropped {wrong_macs} with a wrong MAC, passed over {bytes_passed_over} bytes")
            }
        }
    }
}
