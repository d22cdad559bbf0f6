//! Snapshots: copies of a store that is in use, and putting one in its place.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{SqliteStore, schema};
use crate::service::store::StoreError;

/// Every table with anything in it but the service's own record.
const TABLES: [&str; 8] =
    ["device", "profile", "whitelist", "event", "domain", "access_key", "campaign", "campaign_device"];

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
    SqliteStore { connection, is_grouped: false }.read_whole()
}

impl SqliteStore {
    /// Puts a snapshot that was checked in the place of everything, in one step: a crash leaves the
    /// one or the other.
    pub fn restore_from(&mut self, snapshot: &Path) -> Result<(), StoreError> {
        let from = Connection::open_with_flags(snapshot, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        self.connection.flush_prepared_statement_cache();
        let backup = Backup::new(&from, &mut self.connection)?;
        match backup.step(-1)? {
            StepResult::Done => {}
            other => return Err(StoreError(format!("the snapshot could not be put in place: {other:?}"))),
        }
        drop(backup);
        Ok(self.connection.pragma_update(None, "journal_mode", "WAL")?)
    }

    /// Forgets everything but which service this is.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for table in TABLES {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        Ok(transaction.commit()?)
    }

    /// Reads one record of each sort, so that a file that only looks like a store is refused.
    fn read_whole(&self) -> Result<(), StoreError> {
        use crate::service::store::{DeviceQuery, EventQuery, Store, Window};
        let one = Window { offset: 0, count: 1 };
        self.service()?;
        self.devices(&DeviceQuery::default(), one)?;
        self.events(&EventQuery::default(), one)?;
        self.profiles(None)?;
        self.domains(one)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::store::{DeviceQuery, Store, Window, contract};

    fn devices(store: &SqliteStore) -> usize {
        store.devices(&DeviceQuery::default(), Window::ALL).expect("read").total
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
