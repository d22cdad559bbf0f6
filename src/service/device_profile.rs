//! Device profiles: what a group of devices gets when they bootstrap.

use std::collections::BTreeSet;

use rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::domain::DEFAULT_DOMAIN;
use super::plan::Plan;
use super::random_text::letters_and_digits;
use crate::protocol::message::Feature;

/// Length of a DeviceProfileUID, in characters.
pub const PROFILE_UID_LEN: usize = 22;

/// Security heartbeat period where nobody said otherwise: 7 days, in seconds (published).
pub const HEARTBEAT_PERIOD_S: u32 = 7 * 24 * 60 * 60;

/// A device profile. Devices copy its values when they bootstrap, so that an edit applies to
/// later bootstraps only (published).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceProfile {
    /// The DeviceProfileUID: 22 letters and digits. To be kept secret: who has it can claim.
    pub uid: String,
    /// What its owner calls it.
    pub name: String,
    /// Who owns the devices sealed with it.
    pub domain: String,
    /// Price plan of its devices.
    pub plan: Plan,
    /// Features switched on at the bootstrap.
    pub features: BTreeSet<Feature>,
    /// Whether only whitelisted roots of trust become active; the list is in the store.
    pub whitelist: bool,
    /// Security heartbeat period, in seconds.
    pub heartbeat_period_s: u32,
    /// The private CA that signs certificates of its devices; else the newest of the domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_uid: Option<String>,
    /// Counts edits, so that an interrupted bootstrap knows whether it copied the newest values.
    pub revision: u32,
}

impl DeviceProfile {
    /// A profile under a given UID with the published defaults: plan `developer`, no feature,
    /// no whitelist check, a heartbeat a week.
    pub fn new(uid: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uid: uid.into(),
            name: name.into(),
            domain: DEFAULT_DOMAIN.to_owned(),
            plan: Plan::default(),
            features: BTreeSet::new(),
            whitelist: false,
            heartbeat_period_s: HEARTBEAT_PERIOD_S,
            authority_uid: None,
            revision: 0,
        }
    }

    /// Whether text has the shape of a DeviceProfileUID: 22 ASCII letters and digits.
    pub fn is_uid(text: &str) -> bool {
        text.len() == PROFILE_UID_LEN && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// A new random DeviceProfileUID.
    pub fn draw_uid(rng: &mut impl Rng) -> String {
        letters_and_digits(rng, PROFILE_UID_LEN)
    }
}

/// A DeviceProfileUID as a log or an event may show it: the first four characters.
pub fn short_uid(uid: &str) -> String {
    uid.chars().take(4).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_drawn_uid_has_the_published_shape() {
        assert!(DeviceProfile::is_uid("AgbCtixjwqLjwV3VWpfPyz"));
        assert!(!DeviceProfile::is_uid("AgbCtixjwqLjwV3VWpfPy"));
        assert!(!DeviceProfile::is_uid("AgbCtixjwqLjwV3VWpfPy-"));
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let uids: BTreeSet<_> = (0..100).map(|_| DeviceProfile::draw_uid(&mut rng)).collect();
        assert_eq!(uids.len(), 100);
        assert!(uids.iter().all(|uid| DeviceProfile::is_uid(uid)));
    }

    #[test]
    fn a_uid_is_shown_shortened() {
        assert_eq!(short_uid("AgbCtixjwqLjwV3VWpfPyz"), "AgbC…");
        assert_eq!(short_uid(""), "…");
    }
}
