//! What the factory and the SIM give a module: its names and numbers.

use serde::{Deserialize, Serialize};

use crate::protocol::keys::RotUid;

/// The numbers a module is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Root-of-trust public UID.
    pub rot: RotUid,
    /// IMEI, 15 digits (3GPP 23.003 §6).
    pub imei: String,
    /// ICCID of the SIM, 19 or 20 digits (ITU-T E.118).
    pub iccid: String,
    /// IMSI of the SIM, 15 digits (3GPP 23.003 §2).
    pub imsi: String,
}

/// The Luhn check digit that follows `digits` (3GPP 23.003 annex B, ITU-T E.118).
pub fn check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0')).min(9);
            let doubled = if place % 2 == 0 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::check_digit;

    #[test]
    fn check_digits_are_those_of_published_numbers() {
        assert_eq!(check_digit("49015420323751"), '8');
        assert_eq!(check_digit("35275309000001"), '7');
        assert_eq!(check_digit("7992739871"), '3');
    }
}
