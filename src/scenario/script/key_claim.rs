//! What a script says of keys and messages: `psk NAME "id" is "key"`, `uplink NAME "message" is "text"`.

use super::cursor::Cursor;
use super::error::Problem;
use super::parse::Parser;
use super::pattern::Variables;
use super::statement::{Act, Template};

/// What the owner of a device finds with the service's help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// What is looked up.
    pub sort: KeyClaimSort,
    /// By what: an identity in hex, a protected message.
    pub of: Template,
    /// What is found: a key in hex, the message in clear. None: nothing is found.
    pub is: Option<Template>,
}

/// Sorts of look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyClaimSort {
    /// The pre-shared key of an identity.
    Psk,
    /// What an uplink message says.
    Uplink,
}

impl KeyClaim {
    /// The same with what was captured put in.
    pub fn resolved(&self, variables: &Variables) -> Self {
        let fixed = |template: &Template| Template::of_bytes(template.render(variables));
        Self { sort: self.sort, of: fixed(&self.of), is: self.is.as_ref().map(fixed) }
    }
}

impl<'t> Parser<'t> {
    /// `psk NAME "id" is "key"`, and its like.
    pub(super) fn key_claim(&mut self, sort: KeyClaimSort, cursor: &mut Cursor<'t>) -> Result<Act, Problem> {
        let modem = self.modem(cursor)?;
        let of = self.raw_template(cursor.word("what is looked up, in quotes")?)?;
        cursor.keyword("is")?;
        let word = cursor.word("what is found, in quotes, or `nothing`")?;
        let is = if word.text == "nothing" { None } else { Some(self.raw_template(word)?) };
        Ok(Act::AssertKey(modem, KeyClaim { sort, of, is }))
    }
}
