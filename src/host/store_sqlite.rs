//! The service's store on disk: SQLite, in WAL mode with full synchronisation.
//!
//! Records are JSON, so that the file is a database people can open: `things` and `log` are views
//! that read well. What is searched for has columns of its own beside the record. Key sets are in
//! the records, so the file is as secret as they are.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::protocol::keys::RotUid;
use crate::protocol::message::Standing;
use crate::service::device::Device;
use crate::service::device_profile::DeviceProfile;
use crate::service::event::Event;
use crate::service::plan::Plan;
use crate::service::store::{Batch, EventQuery, Page, ServiceRecord, Store, StoreError, Window, Write};
use crate::time::Timestamp;

mod schema;

/// A store in one SQLite file.
pub struct SqliteStore {
    connection: Connection,
}

/// Prepared statements kept; more than this file has.
const STATEMENTS_KEPT: usize = 48;

impl SqliteStore {
    /// Opens the file, made with mode 0600 where there is none, and brings its schema up to date.
    /// A store that is new calls its service `service_id`.
    pub fn open(path: &Path, service_id: [u8; 8]) -> Result<Self, StoreError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| StoreError(format!("{}: {error}", path.display())))?;
        let connection = Connection::open(path)?;
        Self::set_up(connection, service_id)
            .map_err(|error| StoreError(format!("{}: {}", path.display(), error.0)))
    }

    fn set_up(mut connection: Connection, service_id: [u8; 8]) -> Result<Self, StoreError> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        schema::migrate(&mut connection)?;
        let record = ServiceRecord { service_id, generation: 0 };
        connection.execute("INSERT OR IGNORE INTO service (id, record) VALUES (1, ?)", [encode(&record)?])?;
        Ok(Self { connection })
    }

    fn one<T: DeserializeOwned>(
        &self,
        sql: &str,
        key: impl rusqlite::Params,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let record: Option<String> = statement.query_row(key, |row| row.get(0)).optional()?;
        record.map(|record| decode(&record)).transpose()
    }

    fn many<T: DeserializeOwned>(&self, sql: &str, values: Vec<Value>) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(0))?;
        rows.map(|record| decode(&record?)).collect()
    }

    /// Part of what `FROM … WHERE …` finds, and how much that is.
    fn page<T: DeserializeOwned>(
        &self,
        from: &str,
        order: &str,
        mut values: Vec<Value>,
        window: Window,
    ) -> Result<Page<T>, StoreError> {
        let count = format!("SELECT count(*) {from}");
        let total: i64 =
            self.connection.prepare_cached(&count)?.query_row(params_from_iter(&values), |row| row.get(0))?;
        values.push(limit(window.count).into());
        values.push(limit(window.offset).into());
        let select = format!("SELECT record {from} ORDER BY {order} LIMIT ? OFFSET ?");
        let items = self.many(&select, values)?;
        Ok(Page { items, total: usize::try_from(total).unwrap_or(0) })
    }
}

impl Store for SqliteStore {
    fn service(&self) -> Result<ServiceRecord, StoreError> {
        let record = self.one("SELECT record FROM service WHERE id = 1", [])?;
        record.ok_or_else(|| StoreError("the file has no service record".to_owned()))
    }

    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError> {
        Ok(self.one("SELECT record FROM device WHERE rot = ?", [rot.0])?.map(Arc::new))
    }

    fn profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, StoreError> {
        Ok(self.one("SELECT record FROM profile WHERE uid = ?", [uid])?.map(Arc::new))
    }

    fn is_whitelisted(&self, profile_uid: &str, rot: RotUid) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM whitelist WHERE profile_uid = ? AND rot = ?)";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![profile_uid, rot.0], |row| row.get(0))?)
    }

    fn active_devices(&self, domain: &str, plan: Plan) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM device WHERE active AND domain = ? AND plan = ?";
        let key = params![domain, plan.facts().name];
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn serial_holder(
        &self,
        profile_uid: &str,
        serial: &str,
        rot: RotUid,
    ) -> Result<Option<RotUid>, StoreError> {
        let sql =
            "SELECT rot FROM device WHERE sealed_uid = ? AND serial = ? AND rot <> ? ORDER BY rot LIMIT 1";
        let key = params![profile_uid, serial, rot.0];
        Ok(self.connection.prepare_cached(sql)?.query_row(key, rot_of).optional()?)
    }

    fn next_overdue(&self) -> Result<Option<(Timestamp, RotUid)>, StoreError> {
        let sql = "SELECT rot, overdue_at FROM device WHERE overdue_at IS NOT NULL \
                   ORDER BY overdue_at, rot LIMIT 1";
        let read = |row: &Row<'_>| Ok((Timestamp::from_millis(row.get(1)?), rot_of(row)?));
        Ok(self.connection.prepare_cached(sql)?.query_row([], read).optional()?)
    }

    fn overdue_by(&self, at: Timestamp, max: usize) -> Result<Vec<RotUid>, StoreError> {
        let sql = "SELECT rot FROM device WHERE overdue_at <= ? ORDER BY overdue_at, rot LIMIT ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rots = statement.query_map([at.as_millis(), limit(max)], rot_of)?;
        Ok(rots.collect::<Result<_, _>>()?)
    }

    fn repeated_event(&self, event: &Event) -> Result<Option<Event>, StoreError> {
        if !event.kind.is_counted() {
            return Ok(None);
        }
        let sql = "SELECT record FROM event WHERE rot = ? AND kind = ? ORDER BY id DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![event.rot.0, event.kind.name()])?;
        while let Some(row) = rows.next()? {
            let stored: Event = decode(&row.get::<_, String>(0)?)?;
            if stored.is_repeated_by(event) {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    fn last_event_id(&self) -> Result<u64, StoreError> {
        let sql = "SELECT ifnull(max(id), 0) FROM event";
        let id: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(id).unwrap_or(0))
    }

    fn profiles(&self, domain: Option<&str>) -> Result<Vec<Arc<DeviceProfile>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", domain.map(str::to_owned));
        let profiles = self.page(&filter.from("profile"), "uid", filter.values, Window::ALL)?;
        Ok(profiles.items.into_iter().map(Arc::new).collect())
    }

    fn devices(&self, domain: Option<&str>, window: Window) -> Result<Page<Arc<Device>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", domain.map(str::to_owned));
        let page = self.page(&filter.from("device"), "rot", filter.values, window)?;
        Ok(Page { items: page.items.into_iter().map(Arc::new).collect(), total: page.total })
    }

    fn whitelist(&self, profile_uid: &str, window: Window) -> Result<Page<RotUid>, StoreError> {
        let sql = "SELECT count(*) FROM whitelist WHERE profile_uid = ?";
        let total: i64 = self.connection.prepare_cached(sql)?.query_row([profile_uid], |row| row.get(0))?;
        let sql = "SELECT rot FROM whitelist WHERE profile_uid = ? ORDER BY rot LIMIT ? OFFSET ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![profile_uid, limit(window.count), limit(window.offset)];
        let items = statement.query_map(key, rot_of)?.collect::<Result<_, _>>()?;
        Ok(Page { items, total: usize::try_from(total).unwrap_or(0) })
    }

    fn events(&self, query: &EventQuery, window: Window) -> Result<Page<Event>, StoreError> {
        let mut filter = Filter::default();
        filter.add("id > ?", Some(limit(usize::try_from(query.after).unwrap_or(usize::MAX))));
        filter.add("rot = ?", query.rot.map(|rot| rot.0.to_vec()));
        filter.add("kind = ?", query.kind.map(|kind| kind.name().to_owned()));
        filter.add("domain = ?", query.domain.clone());
        filter.add("last_at >= ?", query.since.map(Timestamp::as_millis));
        self.page(&filter.from("event"), "id", filter.values, window)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for write in batch {
            match write {
                Write::Service(record) => put_service(&transaction, record)?,
                Write::Device(device) => put_device(&transaction, device)?,
                Write::Profile(profile) => put_profile(&transaction, profile)?,
                Write::Whitelist { profile_uid, rot, listed } => {
                    put_listed(&transaction, profile_uid, *rot, *listed)?;
                }
                Write::Event(event) => put_event(&transaction, event)?,
            }
        }
        Ok(transaction.commit()?)
    }
}

fn put_service(transaction: &Transaction<'_>, record: &ServiceRecord) -> Result<(), StoreError> {
    transaction.execute("UPDATE service SET record = ? WHERE id = 1", [encode(record)?])?;
    Ok(())
}

fn put_device(transaction: &Transaction<'_>, device: &Device) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO device \
               (rot, domain, plan, active, sealed_uid, serial, overdue_at, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![
        device.rot.0,
        device.domain(),
        device.plan.facts().name,
        device.standing == Standing::Active,
        device.seal.as_ref().map(|seal| &seal.profile_uid),
        device.seal.as_ref().map(|seal| &seal.serial_number),
        device.overdue_at().map(Timestamp::as_millis),
        encode(device)?,
    ])?;
    Ok(())
}

fn put_profile(transaction: &Transaction<'_>, profile: &DeviceProfile) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO profile (uid, domain, record) VALUES (?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![profile.uid, profile.domain, encode(profile)?])?;
    Ok(())
}

fn put_listed(transaction: &Transaction<'_>, uid: &str, rot: RotUid, listed: bool) -> Result<(), StoreError> {
    let sql = if listed {
        "INSERT OR IGNORE INTO whitelist (profile_uid, rot) VALUES (?, ?)"
    } else {
        "DELETE FROM whitelist WHERE profile_uid = ? AND rot = ?"
    };
    transaction.prepare_cached(sql)?.execute(params![uid, rot.0])?;
    Ok(())
}

fn put_event(transaction: &Transaction<'_>, event: &Event) -> Result<(), StoreError> {
    let sql =
        "INSERT OR REPLACE INTO event (id, last_at, kind, rot, domain, record) VALUES (?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![
        limit(usize::try_from(event.id).unwrap_or(usize::MAX)),
        event.last_at.as_millis(),
        event.kind.name(),
        event.rot.0,
        event.domain,
        encode(event)?,
    ])?;
    Ok(())
}

/// Conditions that are there or not.
#[derive(Default)]
struct Filter {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl Filter {
    fn add(&mut self, condition: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.conditions.push(condition);
            self.values.push(value.into());
        }
    }

    fn from(&self, table: &str) -> String {
        match self.conditions.as_slice() {
            [] => format!("FROM {table}"),
            conditions => format!("FROM {table} WHERE {}", conditions.join(" AND ")),
        }
    }
}

/// SQLite counts in signed numbers.
fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn rot_of(row: &Row<'_>) -> rusqlite::Result<RotUid> {
    row.get(0).map(RotUid)
}

fn encode(record: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError(error.to_string()))
}

fn decode<T: DeserializeOwned>(record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|error| StoreError(format!("a record cannot be read: {error}")))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::service::store::contract;

    fn open(path: &Path) -> SqliteStore {
        SqliteStore::open(path, [7; 8]).expect("a file in a directory of the test's own")
    }

    #[test]
    fn it_keeps_what_every_store_promises_and_over_a_restart() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        contract::check(&mut open(&path));
        let store = SqliteStore::open(&path, [8; 8]).expect("the file is there");
        assert_eq!(store.service().map(|record| record.service_id), Ok([7; 8]));
        assert_eq!(store.devices(None, Window::ALL).map(|page| page.total), Ok(3));
        assert_eq!(store.last_event_id(), Ok(3));
        let mode = std::fs::metadata(&path).map(|file| file.permissions().mode() & 0o777);
        assert_eq!(mode.ok(), Some(0o600));
    }

    #[test]
    fn a_batch_is_written_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        let mut store = open(&path);
        store.connection.execute_batch("DROP TABLE event").expect("the table is there");
        let device = Device::new(RotUid([1; 8]), 0, Timestamp::from_millis(0));
        let at = Timestamp::from_millis(0);
        let (rot, kind) = (device.rot, crate::service::event::EventKind::Heartbeat);
        let reason = crate::service::event::Reason::Heartbeat;
        let event = Event { id: 1, at, kind, rot, domain: None, reason, peer: None, count: 1, last_at: at };
        let batch = vec![Write::Device(Arc::new(device)), Write::Event(event)];
        assert!(store.commit(&batch).is_err());
        assert_eq!(store.device(rot), Ok(None));
    }

    #[test]
    fn a_file_of_a_later_version_or_of_something_else_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        open(&path).connection.pragma_update(None, "user_version", 99).expect("the file is there");
        let refused = SqliteStore::open(&path, [7; 8]).err().map(|error| error.0).unwrap_or_default();
        assert!(refused.contains("version 99") && refused.contains("service.db"), "{refused}");
        let other = directory.path().join("other.db");
        std::fs::write(&other, "not a database at all, whatever its name says").expect("written");
        assert!(SqliteStore::open(&other, [7; 8]).is_err());
    }

    #[test]
    fn people_can_read_the_views() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut store = open(&directory.path().join("service.db"));
        contract::check(&mut store);
        let sql = "SELECT rot || ' ' || standing FROM things ORDER BY rot LIMIT 1";
        let line: Result<String, _> = store.connection.query_row(sql, [], |row| row.get(0));
        assert_eq!(line.as_deref(), Ok("0100000000000001 suspended"));
        let sql = "SELECT kind FROM log WHERE rot = '0200000000000002'";
        let kind: Result<String, _> = store.connection.query_row(sql, [], |row| row.get(0));
        assert_eq!(kind.as_deref(), Ok("clone"));
    }
}
