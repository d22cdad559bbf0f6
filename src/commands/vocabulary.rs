//! The commands a profile has.

use crate::commands::{Command, all};
use crate::profile::Profile;

/// The commands of one module type, sorted by name.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    commands: Vec<&'static Command>,
}

impl Vocabulary {
    /// What the profile lists and vsara knows.
    pub fn of(profile: &Profile) -> Self {
        let listed: std::collections::BTreeSet<&str> = profile.commands.all().collect();
        let mut commands: Vec<_> = all().filter(|command| listed.contains(command.name)).collect();
        commands.sort_unstable_by_key(|command| command.name);
        Self { commands }
    }

    /// The command of this name, as typed, in upper case.
    pub fn find(&self, name: &str) -> Option<&'static Command> {
        let place = self.commands.binary_search_by_key(&name, |command| command.name).ok()?;
        self.commands.get(place).copied()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.commands.iter().map(|command| command.name)
    }
}
