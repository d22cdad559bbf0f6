//! [`Filter`]: conditions of a `WHERE` that are there or not.

use rusqlite::types::Value;

use crate::service::store::{CertificateQuery, DeviceQuery, EventQuery, Window};
use crate::time::Timestamp;

/// Conditions, and what to put in the place of their question marks.
#[derive(Default)]
pub(super) struct Filter {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl Filter {
    /// The devices a query asks for.
    pub(super) fn of_devices(query: &DeviceQuery) -> Self {
        let mut filter = Self::default();
        filter.add("domain = ?", query.domain.clone());
        filter.add("state = ?", query.state.map(|state| state.name().to_owned()));
        filter.add("owner_uid = ?", query.profile_uid.clone());
        filter.add_flag("blacklisted", "NOT blacklisted", query.blacklisted);
        filter.add_flag("overdue", "NOT overdue", query.overdue);
        // As `Device::search_text`.
        let text = query.text.as_ref().map(|text| text.to_ascii_lowercase());
        filter.add("instr(lower(hex(rot) || char(10) || ifnull(serial, '')), ?)", text);
        filter
    }

    /// The events a query asks for.
    pub(super) fn of_events(query: &EventQuery) -> Self {
        let mut filter = Self::default();
        let after = limit(usize::try_from(query.after).unwrap_or(usize::MAX));
        filter.add("id > ?", Some(after).filter(|after| *after > 0));
        filter.add("rot = ?", query.rot.map(|rot| rot.0.to_vec()));
        filter.add("kind = ?", query.kind.map(|kind| kind.name().to_owned()));
        filter.add_domain(query.domain.as_ref(), query.rot.is_some());
        filter.add("last_at >= ?", query.since.map(Timestamp::as_millis));
        filter
    }

    /// The certificates a query asks for.
    pub(super) fn of_certificates(query: &CertificateQuery) -> Self {
        let mut filter = Self::default();
        filter.add("rot = ?", query.rot.map(|rot| rot.0.to_vec()));
        // Of one device there are few, of one CA there may be as many as there are devices.
        let uid = query.authority_uid.clone();
        filter.add(if query.rot.is_some() { "+authority_uid = ?" } else { "authority_uid = ?" }, uid);
        filter.add_domain(query.domain.as_ref(), query.rot.is_some() || query.authority_uid.is_some());
        filter
    }

    /// Whose it is. Where something else says more, SQLite is to search by that: it cannot know that a
    /// domain may have a million devices, and a plus keeps it from the domain's index.
    fn add_domain(&mut self, domain: Option<&String>, something_says_more: bool) {
        self.add(if something_says_more { "+domain = ?" } else { "domain = ?" }, domain.cloned());
    }

    /// One more condition, with a question mark in it.
    pub(super) fn add(&mut self, condition: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.conditions.push(condition);
            self.values.push(value.into());
        }
    }

    fn add_flag(&mut self, set: &'static str, unset: &'static str, wanted: Option<bool>) {
        self.conditions.extend(wanted.map(|wanted| if wanted { set } else { unset }));
    }

    /// What stands behind `FROM`.
    pub(super) fn clause(&self, table: &str) -> String {
        match self.conditions.as_slice() {
            [] => table.to_owned(),
            conditions => format!("{table} WHERE {}", conditions.join(" AND ")),
        }
    }

    /// For the question marks of the conditions.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The same, with those of `LIMIT ? OFFSET ?` behind them.
    pub(super) fn within(mut self, window: Window) -> Vec<Value> {
        self.values.push(limit(window.count).into());
        self.values.push(limit(window.offset).into());
        self.values
    }
}

/// SQLite counts in signed numbers.
pub(super) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
