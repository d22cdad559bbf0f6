//! Snapshots: copies of a store that is in use, and putting one in its place.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{SqliteStore, schema};
use crate::service::access_key::AccessKey;
use crate::service::authority::Authority;
use crate::service::campaign::Campaign;
use crate::service::store::{CertificateQuery, DeviceQuery, EventQuery, Store, StoreError, Window, Write};

/// How long a copy waits for a writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Copies the store in a file, which may be in use, as it is at one moment, into a new file. Takes
/// as long as reading it does; whoever writes goes on meanwhile.
pub fn save_snapshot(store: &Path, snapshot: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(PATIENCE)?;
    let path = snapshot.to_str().ok_or_else(|| StoreError("the path is not UTF-8".to_owned()))?;
    connection.execute("VACUUM INTO ?", [path])?;
    Ok(())
}

/// Looks whether a file is a store this program can go on with, and brings it up to date.
pub fn check_snapshot(snapshot: &Path) -> Result<(), StoreError> {
    let mut connection = Connection::open_with_flags(snapshot, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError(format!("the snapshot is damaged: {found}")));
    }
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        return Err(StoreError("this is no snapshot of a security service".to_owned()));
    }
    schema::migrate(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    SqliteStore::of(connection).read_whole()
}

impl SqliteStore {
    /// Puts a snapshot that was checked in the place of everything, in one step: a crash leaves the
    /// one or the other. Its file gets a generation that neither has had, so that each root of trust is
    /// accepted once, and marked suspicious.
    pub fn restore_from(&mut self, snapshot: &Path) -> Result<(), StoreError> {
        let from = Connection::open_with_flags(snapshot, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut from = SqliteStore::of(from);
        let mut record = from.service()?;
        record.generation = record.generation.max(self.service()?.generation).wrapping_add(1);
        from.commit(&vec![Write::Service(record)])?;
        self.connection.flush_prepared_statement_cache();
        self.recent.get_mut().clear();
        let backup = Backup::new(&from.connection, &mut self.connection)?;
        match backup.step(-1)? {
            StepResult::Done => {}
            other => return Err(StoreError(format!("the snapshot could not be put in place: {other:?}"))),
        }
        drop(backup);
        Ok(self.connection.pragma_update(None, "journal_mode", "WAL")?)
    }

    /// Forgets everything but which service this is.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        self.recent.get_mut().clear();
        let transaction = self.connection.transaction()?;
        for table in tables(&transaction)?.iter().filter(|table| *table != "service") {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        Ok(transaction.commit()?)
    }

    /// Reads one record of each sort, so that a file that only looks like a store is refused.
    fn read_whole(&self) -> Result<(), StoreError> {
        let one = Window { offset: 0, count: 1 };
        self.service()?;
        self.devices(&DeviceQuery::default(), one)?;
        self.events(&EventQuery::default(), one)?;
        self.profiles(None)?;
        self.domains(one)?;
        self.one::<AccessKey>("SELECT record FROM access_key LIMIT 1", [])?;
        self.one::<Campaign>("SELECT record FROM campaign LIMIT 1", [])?;
        self.one::<Authority>("SELECT record FROM authority LIMIT 1", [])?;
        self.certificates(&CertificateQuery::default(), one)?;
        Ok(())
    }
}

fn tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = tables.query_map([], |row| row.get(0))?;
    Ok(tables.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::keys::RotUid;
    use crate::service::device::Device;
    use crate::service::store::contract;
    use crate::time::Timestamp;

    fn devices(store: &SqliteStore) -> usize {
        store.devices(&DeviceQuery::default(), Window::ALL).expect("read").total
    }

    /// Which tables have anything in them.
    fn filled(store: &SqliteStore) -> Vec<String> {
        let is_filled = |table: &String| {
            let count = format!("SELECT count(*) > 0 FROM {table}");
            store.connection.query_row(&count, [], |row| row.get(0)).expect("read")
        };
        tables(&store.connection).expect("read").into_iter().filter(is_filled).collect()
    }

    #[test]
    fn cleared_a_store_knows_only_which_service_it_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut store = SqliteStore::open(&dir.path().join("service.db"), [7; 8]).expect("made");
        contract::check(&mut store);
        for table in ["device", "domain", "authority", "certificate"] {
            assert!(filled(&store).iter().any(|filled| filled == table), "{table}");
        }
        store.clear().expect("cleared");
        assert_eq!(filled(&store), ["service"]);
    }

    #[test]
    fn put_back_a_snapshot_has_a_generation_that_was_never_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, snapshot) = (dir.path().join("service.db"), dir.path().join("snapshot.db"));
        let mut store = SqliteStore::open(&path, [7; 8]).expect("made");
        save_snapshot(&path, &snapshot).expect("saved");
        let generation = |store: &SqliteStore| store.service().expect("read").generation;
        for expected in 1..=3 {
            let again = dir.path().join("again.db");
            std::fs::copy(&snapshot, &again).expect("copied");
            check_snapshot(&again).expect("good");
            store.restore_from(&again).expect("put in place");
            assert_eq!(generation(&store), expected);
            store.begin_group().expect("begun");
            assert_eq!(store.device(RotUid([1; 8])), Ok(None), "it came after the snapshot");
            store.end_group().expect("on disk");
            let device = Device::new(RotUid([1; 8]), 0, Timestamp::from_millis(0));
            store.commit(&vec![Write::Device(Arc::new(device))]).expect("written");
            let file = SqliteStore::open(&path, [8; 8]).expect("there");
            assert_eq!(generation(&file), expected, "on disk");
        }
    }

    #[test]
    fn a_snapshot_of_a_store_in_use_can_take_its_place() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, snapshot) = (dir.path().join("service.db"), dir.path().join("snapshot.db"));
        let mut store = SqliteStore::open(&path, [7; 8]).expect("made");
        contract::check(&mut store);
        save_snapshot(&path, &snapshot).expect("saved");
        let before = devices(&store);
        store.clear().expect("cleared");
        assert_eq!((devices(&store), store.last_event_id()), (0, Ok(0)));
        assert_eq!(store.service().map(|record| record.service_id), Ok([7; 8]));

        check_snapshot(&snapshot).expect("good");
        store.restore_from(&snapshot).expect("put in place");
        assert_eq!(devices(&store), before);
        drop(store);
        let store = SqliteStore::open(&path, [8; 8]).expect("there");
        assert_eq!((devices(&store), store.service().map(|record| record.service_id)), (before, Ok([7; 8])));
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("other");
        let check = |content: &[u8], expected: &str| {
            std::fs::write(&path, content).expect("written");
            let message = check_snapshot(&path).expect_err("refused").0;
            assert!(message.contains(expected), "{message}");
        };
        check(b"", "no snapshot");
        check(b"some text that is not a database at all, whatever its name says", "not a database");
        let (store, snapshot) = (dir.path().join("service.db"), dir.path().join("snapshot.db"));
        drop(SqliteStore::open(&store, [7; 8]).expect("made"));
        save_snapshot(&store, &snapshot).expect("saved");
        let whole = std::fs::read(&snapshot).expect("there");
        check(&whole[..whole.len() / 2], "");
        let connection = Connection::open(&snapshot).expect("there");
        connection.pragma_update(None, "user_version", 99).expect("a pragma");
        drop(connection);
        let newer = std::fs::read(&snapshot).expect("there");
        check(&newer, "version 99");
    }
}
