//! Domains: the accounts of a service. What belongs to one is unseen by every other.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The domain things belong to where nobody said otherwise; made at the first start.
pub const DEFAULT_DOMAIN: &str = "default";

/// Longest name of a domain, in bytes.
pub const DOMAIN_NAME_LEN_MAX: usize = 64;

/// Longest name a person gives something, in characters: a company, a device profile, a campaign.
pub const TITLE_LEN_MAX: usize = 100;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// By which it is known everywhere.
    pub name: String,
    /// Who registered it; none while nobody has signed up.
    pub company: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Domain {
    /// A domain nobody has signed up for yet.
    pub fn new(name: impl Into<String>, now: Timestamp) -> Self {
        Self { name: name.into(), company: None, created_at: now }
    }

    /// Whether text is the name of a domain: letters, digits, `-`, `_` and `.`, with a letter or a
    /// digit first.
    pub fn is_name(text: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        text.len() <= DOMAIN_NAME_LEN_MAX
            && text.bytes().all(is_plain)
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
    }
}

/// Whether a person may call something this: something to read, on one line.
pub fn is_title(text: &str) -> bool {
    let count = text.chars().count();
    (1..=TITLE_LEN_MAX).contains(&count)
        && !text.chars().any(char::is_control)
        && text.chars().any(|c| !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_a_name_that_needs_no_quotes() {
        let check = |text: &str, fine: bool| assert_eq!(Domain::is_name(text), fine, "{text:?}");
        check("default", true);
        check("acme-2.example_x", true);
        check("2acme", true);
        check("", false);
        check("-acme", false);
        check("acme co", false);
        check("acmé", false);
        check(&"a".repeat(DOMAIN_NAME_LEN_MAX), true);
        check(&"a".repeat(DOMAIN_NAME_LEN_MAX + 1), false);
    }

    #[test]
    fn a_title_is_something_to_read_on_one_line() {
        let check = |text: &str, fine: bool| assert_eq!(is_title(text), fine, "{text:?}");
        check("Pümpen & Söhne", true);
        check("", false);
        check("  ", false);
        check("two\nlines", false);
        check(&"é".repeat(TITLE_LEN_MAX), true);
        check(&"é".repeat(TITLE_LEN_MAX + 1), false);
    }
}
