//! Takes a table of a profile apart, key by key, and notes every fault on the way.
//!
//! A faulty value reads as an empty one, so that reading goes on and the faults can be put in the
//! order of the file; a profile with a fault never leaves [`super::schema::read`].

use std::cell::RefCell;
use std::ops::RangeInclusive;

use super::document::{Kind, Place, Table, Value};

/// What is wrong somewhere in a document.
pub(super) struct Fault {
    /// Whether something is missing: reported only if nothing else is wrong, since a misspelt key
    /// is also a missing one.
    pub(super) missing: bool,
    /// Where.
    pub(super) place: Place,
    /// What is wrong.
    pub(super) message: String,
    /// What would be right.
    pub(super) allowed: String,
}

/// All faults found so far.
pub(super) type Faults = RefCell<Vec<Fault>>;

/// A table being read.
pub(super) struct Fields<'d> {
    table: &'d Table,
    /// Its header, where a missing key is reported.
    header: Place,
    /// Dotted path with a dot at the end, or empty for the root.
    path: String,
    /// Every key asked for: the keys that are allowed.
    asked: Vec<&'static str>,
    faults: &'d Faults,
}

impl<'d> Fields<'d> {
    /// Begins with the root of a document.
    pub(super) fn root(table: &'d Table, faults: &'d Faults) -> Self {
        Self { table, header: Place::default(), path: String::new(), asked: Vec::new(), faults }
    }

    /// Notes every key that was never asked for.
    pub(super) fn finish(self) {
        for (name, entry) in self.table {
            if !self.asked.contains(&name.as_str()) {
                let what = if matches!(entry.value.kind, Kind::Table(_)) { "table" } else { "key" };
                self.fault(entry.key, format!("unknown {what} `{}{name}`", self.path), self.asked.join(", "));
            }
        }
    }

    /// An integer within `range`.
    pub(super) fn integer<T: TryFrom<i64> + Default>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> T {
        let allowed = format!("{} to {}", range.start(), range.end());
        self.integer_if(key, &allowed, |number| range.contains(&number))
    }

    /// An integer that `right` accepts; `allowed` says which those are.
    pub(super) fn integer_if<T: TryFrom<i64> + Default>(
        &mut self,
        key: &'static str,
        allowed: &str,
        right: impl Fn(i64) -> bool,
    ) -> T {
        let Some(value) = self.value(key) else { return T::default() };
        let Kind::Integer(number) = value.kind else {
            return self.wrong_type(key, value, "an integer", allowed.to_owned());
        };
        match T::try_from(number) {
            Ok(fitting) if right(number) => fitting,
            _ => {
                self.fault(
                    value.place,
                    format!("`{}{key}` can't be {number}", self.path),
                    allowed.to_owned(),
                );
                T::default()
            }
        }
    }

    /// Integers, each within `range`.
    pub(super) fn integers<T: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Vec<T> {
        let allowed = format!("integers of {} to {}", range.start(), range.end());
        let items = self.array(key, &allowed);
        let number = |item: &Value| match item.kind {
            Kind::Integer(number) if range.contains(&number) => T::try_from(number).ok(),
            _ => None,
        };
        items
            .iter()
            .filter_map(|item| {
                let found = number(item);
                if found.is_none() {
                    self.fault(item.place, format!("wrong item in `{}{key}`", self.path), allowed.clone());
                }
                found
            })
            .collect()
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        match value.kind {
            Kind::Boolean(yes) => yes,
            _ => self.wrong_type(key, value, "a boolean", "true, false".to_owned()),
        }
    }

    /// A string that `right` accepts; `allowed` says which those are.
    pub(super) fn text(&mut self, key: &'static str, allowed: &str, right: impl Fn(&str) -> bool) -> String {
        let Some(value) = self.value(key) else { return String::new() };
        match &value.kind {
            Kind::Text(text) if right(text) => text.clone(),
            Kind::Text(text) => {
                self.fault(
                    value.place,
                    format!("`{}{key}` can't be `{text}`", self.path),
                    allowed.to_owned(),
                );
                String::new()
            }
            _ => self.wrong_type(key, value, "a string", allowed.to_owned()),
        }
    }

    /// One of a few words; each stands for a value.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let word = self.text(key, &words.join(", "), |text| words.contains(&text));
        choices.iter().find(|(known, _)| *known == word).unwrap_or(&choices[0]).1
    }

    /// Strings and where they stand; none twice, each one accepted by `right`.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        allowed: &str,
        right: impl Fn(&str) -> bool,
    ) -> Vec<(String, Place)> {
        let mut texts: Vec<(String, Place)> = Vec::new();
        for item in self.array(key, allowed) {
            match &item.kind {
                Kind::Text(text) if texts.iter().any(|(earlier, _)| earlier == text) => {
                    self.fault(
                        item.place,
                        format!("`{text}` stands twice in `{}{key}`", self.path),
                        String::new(),
                    );
                }
                Kind::Text(text) if right(text) => texts.push((text.clone(), item.place)),
                Kind::Text(text) => {
                    self.fault(
                        item.place,
                        format!("`{text}` can't be in `{}{key}`", self.path),
                        allowed.to_owned(),
                    );
                }
                other => {
                    let message =
                        format!("an item of `{}{key}` is {}, not a string", self.path, other.article());
                    self.fault(item.place, message, allowed.to_owned());
                }
            }
        }
        texts
    }

    /// As [`Self::texts`], at least one.
    pub(super) fn some_texts(
        &mut self,
        key: &'static str,
        allowed: &str,
        right: impl Fn(&str) -> bool,
    ) -> Vec<(String, Place)> {
        if let Some(Value { place, kind: Kind::Array(items) }) = self.table.get(key).map(|entry| &entry.value)
            && items.is_empty()
        {
            self.fault(*place, format!("`{}{key}` is empty", self.path), allowed.to_owned());
        }
        self.texts(key, allowed, right)
    }

    /// A table that must be there.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'d>) -> T,
    ) -> Option<T> {
        let found = self.optional_table(key, read);
        if found.is_none() && !self.table.contains_key(key) {
            self.missing(self.header, format!("table `[{}{key}]` is missing", self.path));
        }
        found
    }

    /// A table that may be absent.
    pub(super) fn optional_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'d>) -> T,
    ) -> Option<T> {
        self.asked.push(key);
        let entry = self.table.get(key)?;
        let Kind::Table(table) = &entry.value.kind else {
            let message = format!("`{}{key}` is {}, not a table", self.path, entry.value.kind.article());
            self.fault(entry.value.place, message, String::new());
            return None;
        };
        let path = format!("{}{key}.", self.path);
        let mut fields = Fields { table, header: entry.key, path, asked: Vec::new(), faults: self.faults };
        let read = read(&mut fields);
        fields.finish();
        Some(read)
    }

    /// A table that the file says is not there.
    pub(super) fn no_table<T>(&mut self, key: &'static str) -> Option<T> {
        self.asked.push(key);
        None
    }

    /// Whether `key` is set to the word `word`.
    pub(super) fn is_word(&self, key: &str, word: &str) -> bool {
        matches!(self.table.get(key).map(|entry| &entry.value.kind), Some(Kind::Text(text)) if text == word)
    }

    /// Notes a fault between two keys, at the one to mend.
    pub(super) fn conflict(&self, first: &str, second: &str, message: &str) {
        let places = [first, second].map(|key| self.table.get(key).map(|entry| entry.value.place));
        if let [Some(first), Some(second)] = places {
            self.fault(first.to_mend(second), message.to_owned(), String::new());
        }
    }

    /// Notes a fault at a key of one of its tables.
    pub(super) fn fault_within(&self, table: &str, key: &str, message: String) {
        if let Some(Kind::Table(table)) = self.table.get(table).map(|entry| &entry.value.kind)
            && let Some(entry) = table.get(key)
        {
            self.fault(entry.value.place, message, String::new());
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&self, place: Place, message: String, allowed: String) {
        self.faults.borrow_mut().push(Fault { missing: false, place, message, allowed });
    }

    /// Notes that something is missing.
    pub(super) fn missing(&self, place: Place, message: String) {
        self.faults.borrow_mut().push(Fault { missing: true, place, message, allowed: String::new() });
    }

    fn value(&mut self, key: &'static str) -> Option<&'d Value> {
        self.asked.push(key);
        let found = self.table.get(key).map(|entry| &entry.value);
        if found.is_none() {
            self.missing(self.header, format!("`{}{key}` is missing", self.path));
        }
        found
    }

    fn array(&mut self, key: &'static str, allowed: &str) -> &'d [Value] {
        let Some(value) = self.value(key) else { return &[] };
        match &value.kind {
            Kind::Array(items) => items,
            _ => self.wrong_type(key, value, "an array", format!("[{allowed}]")),
        }
    }

    fn wrong_type<T: Default>(&self, key: &str, value: &Value, wanted: &str, allowed: String) -> T {
        let message = format!("`{}{key}` is {}, not {wanted}", self.path, value.kind.article());
        self.fault(value.place, message, allowed);
        T::default()
    }
}
