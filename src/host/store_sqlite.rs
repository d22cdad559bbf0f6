//! The service's store on disk: SQLite, in WAL mode with full synchronisation.
//!
//! Records are JSON, so that the file is a database people can open: `things` and `log` are views
//! that read well. What is searched for has columns of its own beside the record. Key sets are in
//! the records, so the file is as secret as they are.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::protocol::keys::{RotUid, UidTail};
use crate::service::access_key::AccessKey;
use crate::service::authority::Authority;
use crate::service::campaign::{Campaign, Outcome, Progress};
use crate::service::certificate::IssuedCertificate;
use crate::service::device::Device;
use crate::service::device_profile::DeviceProfile;
use crate::service::domain::Domain;
use crate::service::event::Event;
use crate::service::plan::Plan;
use crate::service::store::{
    Batch, CertificateQuery, DeviceQuery, EventQuery, NotedDevice, Page, ServiceRecord, Store, StoreError,
    Window, Write,
};
use crate::time::Timestamp;
use filter::{Filter, limit};
use recent::RecentDevices;
use writes::{encode, put};

mod filter;
mod recent;
mod schema;
mod snapshot;
mod writes;

pub use snapshot::{check_snapshot, save_snapshot};

/// A store in one SQLite file.
pub struct SqliteStore {
    connection: Connection,
    /// Between the two ends of a group.
    is_grouped: bool,
    recent: RefCell<RecentDevices>,
}

/// Prepared statements kept; more than this file has.
const STATEMENTS_KEPT: usize = 96;

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
        // Of what a savepoint would put back, all beyond 64 KiB would go through a file.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        schema::migrate(&mut connection)?;
        let record = ServiceRecord { service_id, generation: 0 };
        connection.execute("INSERT OR IGNORE INTO service (id, record) VALUES (1, ?)", [encode(&record)?])?;
        Ok(Self::of(connection))
    }

    fn of(connection: Connection) -> Self {
        Self { connection, is_grouped: false, recent: RefCell::default() }
    }

    /// From here to [`SqliteStore::end_group`] everything committed is one transaction: it costs one
    /// wait for the disk, and nobody may hear of it before that is over.
    pub fn begin_group(&mut self) -> Result<(), StoreError> {
        self.roll_back()?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        match version {
            Ok(version) => self.recent.get_mut().begin(version),
            Err(error) => {
                self.roll_back()?;
                return Err(error.into());
            }
        }
        self.is_grouped = true;
        Ok(())
    }

    /// Everything since [`SqliteStore::begin_group`] is on disk once this has returned; where it fails,
    /// some of it or nothing is.
    pub fn end_group(&mut self) -> Result<(), StoreError> {
        self.is_grouped = false;
        // On some failures, such as a full disk, SQLite gives up the whole transaction by itself, and
        // what is committed behind that is on its own.
        if self.connection.is_autocommit() {
            self.recent.get_mut().clear();
            return Err(StoreError("the transaction was given up".to_owned()));
        }
        let ended = self.connection.execute_batch("COMMIT");
        if ended.is_err() {
            self.roll_back()?;
        }
        Ok(ended?)
    }

    /// Where this fails too, the next group begins with it.
    fn roll_back(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.recent.borrow_mut().clear();
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.is_grouped {
            // One write is one statement that changes anything, and whole by itself. A savepoint has
            // SQLite copy every page that is written.
            if let [write] = &batch[..] {
                return put(&self.connection, write);
            }
            let savepoint = self.connection.savepoint()?;
            batch.iter().try_for_each(|write| put(&savepoint, write))?;
            return Ok(savepoint.commit()?);
        }
        let transaction = self.connection.transaction()?;
        batch.iter().try_for_each(|write| put(&transaction, write))?;
        Ok(transaction.commit()?)
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

    /// Part of what a filter leaves of a table, and how much that is.
    fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        order: &str,
        filter: Filter,
        window: Window,
    ) -> Result<Page<T>, StoreError> {
        let total = self.count("count(*)", table, &filter)?;
        let select = format!("SELECT record FROM {} ORDER BY {order} LIMIT ? OFFSET ?", filter.clause(table));
        Ok(Page { items: self.many(&select, filter.within(window))?, total })
    }

    fn count(&self, what: &str, table: &str, filter: &Filter) -> Result<usize, StoreError> {
        let sql = format!("SELECT {what} FROM {}", filter.clause(table));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let count: i64 = statement.query_row(params_from_iter(filter.values()), |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Names and how often each is there.
    fn counted(&self, sql: &str, key: impl rusqlite::Params) -> Result<Vec<(String, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)));
        let counted = statement.query_map(key, read)?.collect::<Result<_, _>>()?;
        Ok(counted)
    }
}

impl Store for SqliteStore {
    fn service(&self) -> Result<ServiceRecord, StoreError> {
        let record = self.one("SELECT record FROM service WHERE id = 1", [])?;
        record.ok_or_else(|| StoreError("the file has no service record".to_owned()))
    }

    fn device(&self, rot: RotUid) -> Result<Option<Arc<Device>>, StoreError> {
        let mut recent = self.recent.borrow_mut();
        if self.is_grouped
            && let Some(device) = recent.get(rot)
        {
            return Ok(Some(device));
        }
        let device: Option<Arc<Device>> = self.one("SELECT record FROM device WHERE rot = ?", [rot.0])?;
        if let Some(device) = device.as_ref().filter(|_| self.is_grouped) {
            recent.insert(device);
        }
        Ok(device)
    }

    fn devices_with_tail(&self, tail: UidTail) -> Result<Vec<Arc<Device>>, StoreError> {
        let sql = "SELECT record FROM device WHERE substr(rot, 3) = ? ORDER BY rot";
        self.many(sql, vec![Value::Blob(tail.0.to_vec())])
    }

    fn profile(&self, uid: &str) -> Result<Option<Arc<DeviceProfile>>, StoreError> {
        self.one("SELECT record FROM profile WHERE uid = ?", [uid])
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
        Ok(self.page("profile", "uid", filter, Window::ALL)?.items)
    }

    fn devices(&self, query: &DeviceQuery, window: Window) -> Result<Page<Arc<Device>>, StoreError> {
        self.page("device", "rot", Filter::of_devices(query), window)
    }

    fn devices_behind(
        &self,
        domain: &str,
        profile_uid: Option<&str>,
        behind: Option<RotUid>,
        max: usize,
    ) -> Result<Vec<Arc<Device>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", Some(domain.to_owned()));
        filter.add("owner_uid = ?", profile_uid.map(str::to_owned));
        filter.add("rot > ?", behind.map(|rot| rot.0.to_vec()));
        let sql = format!("SELECT record FROM {} ORDER BY rot LIMIT ? OFFSET ?", filter.clause("device"));
        self.many(&sql, filter.within(Window { offset: 0, count: max }))
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
        let order = if query.newest_first { "id DESC" } else { "id" };
        self.page("event", order, Filter::of_events(query), window)
    }

    fn noted_devices(&self, query: &EventQuery, window: Window) -> Result<Page<NotedDevice>, StoreError> {
        let filter = Filter::of_events(query);
        let total = self.count("count(DISTINCT rot)", "event", &filter)?;
        // Beside a `max`, SQLite takes other columns from the row that has it.
        let sql = format!(
            "SELECT record, sum(record ->> '$.count'), max(last_at) FROM {} \
             GROUP BY rot ORDER BY rot LIMIT ? OFFSET ?",
            filter.clause("event")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(filter.within(window)))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            let last: Event = decode(&row.get::<_, String>(0)?)?;
            let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            let mine = EventQuery { rot: Some(last.rot), ..query.clone() };
            let first =
                self.events(&EventQuery { newest_first: false, ..mine }, Window { offset: 0, count: 1 })?;
            let first_at = first.items.first().map_or(last.at, |first| first.at);
            items.push(NotedDevice { rot: last.rot, count, first_at, last });
        }
        Ok(Page { items, total })
    }

    fn domain(&self, name: &str) -> Result<Option<Arc<Domain>>, StoreError> {
        self.one("SELECT record FROM domain WHERE name = ?", [name])
    }

    fn domains(&self, window: Window) -> Result<Page<Arc<Domain>>, StoreError> {
        self.page("domain", "name", Filter::default(), window)
    }

    fn access_key(&self, api_key: &str) -> Result<Option<Arc<AccessKey>>, StoreError> {
        self.one("SELECT record FROM access_key WHERE api_key = ?", [api_key])
    }

    fn access_keys(&self, domain: &str) -> Result<Vec<Arc<AccessKey>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", Some(domain.to_owned()));
        Ok(self.page("access_key", "api_key", filter, Window::ALL)?.items)
    }

    fn campaign(&self, uid: &str) -> Result<Option<Arc<Campaign>>, StoreError> {
        self.one("SELECT record FROM campaign WHERE uid = ?", [uid])
    }

    fn campaigns(&self, domain: &str, window: Window) -> Result<Page<Arc<Campaign>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", Some(domain.to_owned()));
        // Texts of moments do not sort as the moments do: their fractions are as long as need be.
        self.page("campaign", "julianday(json_extract(record, '$.created_at')) DESC, uid", filter, window)
    }

    fn running_campaigns(&self) -> Result<Vec<Arc<Campaign>>, StoreError> {
        self.many("SELECT record FROM campaign WHERE running ORDER BY uid", Vec::new())
    }

    fn campaign_progress(&self, uid: &str) -> Result<Progress, StoreError> {
        let sql = "SELECT outcome, count(*) FROM campaign_device WHERE campaign_uid = ? GROUP BY outcome";
        let mut progress = Progress::default();
        for (name, count) in self.counted(sql, [uid])? {
            progress.add(outcome_of(&name)?, count);
        }
        Ok(progress)
    }

    fn campaign_devices(
        &self,
        uid: &str,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Page<(RotUid, Outcome)>, StoreError> {
        let mut filter = Filter::default();
        filter.add("campaign_uid = ?", Some(uid.to_owned()));
        filter.add("outcome = ?", outcome.map(|outcome| outcome.name().to_owned()));
        let total = self.count("count(*)", "campaign_device", &filter)?;
        let sql = format!(
            "SELECT rot, outcome FROM {} ORDER BY rot LIMIT ? OFFSET ?",
            filter.clause("campaign_device")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(filter.within(window)))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            items.push((rot_of(row)?, outcome_of(&row.get::<_, String>(1)?)?));
        }
        Ok(Page { items, total })
    }

    fn authority(&self, uid: &str) -> Result<Option<Arc<Authority>>, StoreError> {
        self.one("SELECT record FROM authority WHERE uid = ?", [uid])
    }

    fn authorities(&self, domain: &str) -> Result<Vec<Arc<Authority>>, StoreError> {
        let mut filter = Filter::default();
        filter.add("domain = ?", Some(domain.to_owned()));
        Ok(self.page("authority", "uid", filter, Window::ALL)?.items)
    }

    fn certificates(
        &self,
        query: &CertificateQuery,
        window: Window,
    ) -> Result<Page<Arc<IssuedCertificate>>, StoreError> {
        let filter = Filter::of_certificates(query);
        self.page("certificate", "not_before DESC, serial DESC", filter, window)
    }

    fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.counted("SELECT state, count(*) FROM device GROUP BY state ORDER BY state", [])
    }

    /// On disk when this returns; within a group, when the group ends.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written = self.write(batch);
        let recent = self.recent.get_mut();
        match &written {
            Ok(()) => batch.iter().for_each(|write| {
                if let Write::Device(device) = write {
                    recent.insert(device);
                }
            }),
            Err(_) => recent.clear(),
        }
        written
    }
}

fn outcome_of(name: &str) -> Result<Outcome, StoreError> {
    let found = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
    found.ok_or_else(|| StoreError(format!("{name:?} is no outcome of a campaign")))
}

fn rot_of(row: &Row<'_>) -> rusqlite::Result<RotUid> {
    row.get(0).map(RotUid)
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
    use crate::service::event::{EventKind, Reason};
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
        assert_eq!(store.devices(&DeviceQuery::default(), Window::ALL).map(|page| page.total), Ok(6));
        assert_eq!(store.last_event_id(), Ok(4));
        let mode = std::fs::metadata(&path).map(|file| file.permissions().mode() & 0o777);
        assert_eq!(mode.ok(), Some(0o600));
    }

    #[test]
    fn what_a_device_has_is_searched_by_the_device_and_what_a_ca_signed_by_the_ca() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = open(&directory.path().join("service.db"));
        let check = |table: &str, order: &str, filter: Filter, expected: &str| {
            for (what, order) in [("count(*)", ""), ("record", order)] {
                let from = filter.clause(table);
                let sql = format!("EXPLAIN QUERY PLAN SELECT {what} FROM {from} {order}");
                let mut statement = store.connection.prepare(&sql).expect("SQL");
                let rows = statement.query_map(params_from_iter(filter.values()), |row| row.get(3));
                let plan: Vec<String> = rows.expect("a plan").collect::<Result<_, _>>().expect("read");
                assert!(plan[0].contains(expected), "{sql}: {plan:?}");
            }
        };
        let (rot, domain) = (Some(RotUid([1; 8])), Some("default".to_owned()));
        let authority_uid = Some("Authority0123456789abc".to_owned());
        let mut query = CertificateQuery { domain: domain.clone(), rot, authority_uid };
        let newest = "ORDER BY not_before DESC, serial DESC";
        check("certificate", newest, Filter::of_certificates(&query), "certificate_rot (rot=?)");
        query.authority_uid = None;
        check("certificate", newest, Filter::of_certificates(&query), "certificate_rot (rot=?)");
        query = CertificateQuery { rot: None, authority_uid: Some("Authority".to_owned()), ..query };
        check(
            "certificate",
            newest,
            Filter::of_certificates(&query),
            "certificate_authority (authority_uid=?)",
        );
        query.authority_uid = None;
        check("certificate", newest, Filter::of_certificates(&query), "certificate_domain (domain=?)");
        let mut query = EventQuery { domain, rot, ..EventQuery::default() };
        check("event", "ORDER BY id", Filter::of_events(&query), "event_rot (rot=?)");
        query.rot = None;
        check("event", "ORDER BY id", Filter::of_events(&query), "event_domain (domain=?)");
    }

    #[test]
    fn a_group_begins_with_nothing_of_one_that_could_not_end() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        let mut store = open(&path);
        let device = |number: u8| Device::new(RotUid([number; 8]), 0, Timestamp::from_millis(0));
        let put = |number| vec![Write::Device(Arc::new(device(number)))];
        store.begin_group().expect("begun");
        store.commit(&put(1)).expect("written");
        store.begin_group().expect("begun anew");
        store.commit(&put(2)).expect("written");
        store.end_group().expect("on disk");
        let rots = open(&path).devices(&DeviceQuery::default(), Window::ALL).expect("read").items;
        assert_eq!(rots.iter().map(|device| device.rot).collect::<Vec<_>>(), [device(2).rot]);
    }

    #[test]
    fn a_group_reads_its_devices_as_the_file_has_them() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        let mut store = open(&path);
        let with = |heartbeats| {
            let device = Device::new(RotUid([1; 8]), 0, Timestamp::from_millis(0));
            Arc::new(Device { heartbeats, ..device })
        };
        let read = |store: &SqliteStore| {
            store.device(RotUid([1; 8])).expect("read").expect("it is there").heartbeats
        };
        let put = |heartbeats| vec![Write::Device(with(heartbeats))];
        store.commit(&put(1)).expect("written");
        store.begin_group().expect("begun");
        assert_eq!(read(&store), 1);
        store.commit(&put(2)).expect("written");
        assert_eq!(read(&store), 2, "the group sees what it wrote");
        store.roll_back().expect("nothing was written");
        store.begin_group().expect("begun anew");
        assert_eq!(read(&store), 1, "what was taken back is forgotten");
        store.end_group().expect("on disk");

        store.commit(&put(3)).expect("written");
        assert_eq!(read(&store), 3, "an operator's write between two groups");
        open(&path).commit(&put(4)).expect("written");
        assert_eq!(read(&store), 4);
        store.begin_group().expect("begun");
        assert_eq!(read(&store), 4, "another program's write between two groups");
        store.end_group().expect("on disk");

        store.clear().expect("cleared");
        store.begin_group().expect("begun");
        assert_eq!(store.device(RotUid([1; 8])), Ok(None));
    }

    #[test]
    fn a_group_that_failed_to_write_a_device_does_not_go_on_with_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut store = open(&directory.path().join("service.db"));
        let device = Arc::new(Device::new(RotUid([1; 8]), 0, Timestamp::from_millis(0)));
        let changed = Arc::new(Device { heartbeats: 1, ..Device::clone(&device) });
        store.commit(&vec![Write::Device(Arc::clone(&device))]).expect("written");
        store.connection.execute_batch("DROP TABLE domain").expect("the table is there");
        let domain = Write::Domain(Arc::new(Domain::new("acme", Timestamp::from_millis(0))));
        store.begin_group().expect("begun");
        assert!(store.commit(&vec![Write::Device(Arc::clone(&changed)), domain]).is_err());
        assert_eq!(store.device(device.rot), Ok(Some(Arc::clone(&device))));

        // SQLite gives up all of the group, what was written before included.
        let gives_up =
            "CREATE TRIGGER gives_up BEFORE INSERT ON event BEGIN SELECT RAISE(ROLLBACK, 'no'); END";
        store.connection.execute_batch(gives_up).expect("SQL");
        let at = Timestamp::from_millis(0);
        let (kind, reason) = (EventKind::Heartbeat, Reason::Heartbeat);
        let rot = device.rot;
        let event = Event { id: 1, at, kind, rot, domain: None, reason, peer: None, count: 1, last_at: at };
        store.commit(&vec![Write::Device(Arc::clone(&changed))]).expect("written");
        assert_eq!(store.device(rot), Ok(Some(changed)));
        assert!(store.commit(&vec![Write::Event(event)]).is_err());
        assert_eq!(store.device(rot), Ok(Some(device)));
    }

    #[test]
    fn a_batch_is_written_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("service.db");
        let mut store = open(&path);
        store.connection.execute_batch("DROP TABLE event").expect("the table is there");
        let device = Device::new(RotUid([1; 8]), 0, Timestamp::from_millis(0));
        let at = Timestamp::from_millis(0);
        let (rot, kind, reason) = (device.rot, EventKind::Heartbeat, Reason::Heartbeat);
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
