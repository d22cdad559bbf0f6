//! A TOML file and what it inherits from, merged key by key; every key remembers where it stands.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ProfileError, built_in};

/// The user's file over the built-in files it inherits from.
pub(super) struct Document<'t> {
    /// Name and text of each file, the user's first.
    files: Vec<(String, &'t str)>,
    /// The merged keys, without `inherits`.
    pub(super) root: Table,
}

/// Where something stands: file 0 is the user's, the others are what it inherits from. The order
/// is the order of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of the document's files.
    file: usize,
    /// Byte in its text.
    offset: usize,
}

impl Place {
    /// Of two places that contradict each other, the one to mend: the user's file comes before what
    /// it inherits from, and within a file the later one.
    pub(super) fn to_mend(self, other: Self) -> Self {
        let rank = |place: Self| (Reverse(place.file), place.offset);
        if rank(self) > rank(other) { self } else { other }
    }
}

/// The keys of a table.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key and its value.
pub(super) struct Entry {
    /// Where the key stands; of a table, its header.
    pub(super) key: Place,
    /// What it is set to.
    pub(super) value: Value,
}

/// A value and where it stands.
pub(super) struct Value {
    /// Where it begins.
    pub(super) place: Place,
    /// What it is.
    pub(super) kind: Kind,
}

/// The kinds of value that profiles use.
pub(super) enum Kind {
    /// An integer of any radix.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A string of any quotes.
    Text(String),
    /// `[…]`
    Array(Vec<Value>),
    /// `[header]` or `{…}`
    Table(Table),
    /// Floats, dates and integers beyond 64 bits: no key takes them.
    Other(&'static str),
}

impl<'t> Document<'t> {
    /// Parses `text` and everything it inherits from.
    pub(super) fn parse(text: &'t str, file: &str) -> Result<Self, ProfileError> {
        let mut document = Self { files: vec![(file.to_owned(), text)], root: Table::new() };
        document.root = document.parse_last()?;
        // Ends because only the user's file comes from outside, and no built-in file inherits from itself.
        while let Some(entry) = document.root.remove("inherits") {
            let (name, base) = document.base(&entry)?;
            document.files.push((format!("{name}.toml"), base));
            let mut merged = document.parse_last()?;
            merge(&mut merged, std::mem::take(&mut document.root));
            document.root = merged;
        }
        Ok(document)
    }

    /// An error at `place`.
    pub(super) fn error(&self, place: Place, message: String, allowed: String) -> ProfileError {
        let (file, text) = &self.files[place.file];
        ProfileError::at(file, text, place.offset, message, allowed)
    }

    /// Parses the file added last.
    fn parse_last(&self) -> Result<Table, ProfileError> {
        let file = self.files.len() - 1;
        let table = DeTable::parse(self.files[file].1).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            self.error(Place { file, offset }, error.message().to_owned(), String::new())
        })?;
        Ok(convert_table(table.get_ref(), file))
    }

    /// Name and text of the built-in profile that `inherits` names.
    fn base(&self, entry: &Entry) -> Result<(String, &'static str), ProfileError> {
        let Kind::Text(name) = &entry.value.kind else {
            let message = format!("`inherits` is {}, not a string", entry.value.kind.article());
            return Err(self.error(entry.value.place, message, built_in::names()));
        };
        match built_in::source(name) {
            Some(text) => Ok((name.clone(), text)),
            None => {
                let message = format!("there is no built-in profile `{name}` to inherit from");
                Err(self.error(entry.value.place, message, built_in::names()))
            }
        }
    }
}

impl Kind {
    /// Its type in words.
    pub(super) fn article(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(words) => words,
        }
    }
}

/// Lays `over` upon `base`: tables key by key, everything else whole.
fn merge(base: &mut Table, over: Table) {
    for (name, mut entry) in over {
        if let Some(below) = base.get_mut(&name)
            && let Kind::Table(lower) = &mut below.value.kind
            && let Kind::Table(upper) = &mut entry.value.kind
        {
            merge(lower, std::mem::take(upper));
            below.key = entry.key;
            below.value.place = entry.value.place;
        } else {
            base.insert(name, entry);
        }
    }
}

fn convert_table(table: &DeTable<'_>, file: usize) -> Table {
    let entry = |key: usize, value| Entry { key: Place { file, offset: key }, value: convert(value, file) };
    table.iter().map(|(key, value)| (key.get_ref().to_string(), entry(key.span().start, value))).collect()
}

fn convert(value: &Spanned<DeValue<'_>>, file: usize) -> Value {
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => Kind::Integer(number),
            Err(_) => Kind::Other("a huge integer"),
        },
        DeValue::Boolean(yes) => Kind::Boolean(*yes),
        DeValue::Array(items) => Kind::Array(items.iter().map(|item| convert(item, file)).collect()),
        DeValue::Table(table) => Kind::Table(convert_table(table, file)),
        DeValue::Float(_) => Kind::Other("a float"),
        DeValue::Datetime(_) => Kind::Other("a date"),
    };
    Value { place: Place { file, offset: value.span().start }, kind }
}
