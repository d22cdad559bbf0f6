//! The tables, and how an older file is brought up to date.

use rusqlite::Connection;

use crate::service::store::StoreError;

/// One step a version: the first makes version 1 of an empty file. Steps are only ever added.
const STEPS: [&str; 1] = ["
    CREATE TABLE service (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE device (
        rot BLOB NOT NULL PRIMARY KEY,
        domain TEXT,
        plan TEXT NOT NULL,
        active INTEGER NOT NULL,
        sealed_uid TEXT,
        serial TEXT,
        overdue_at INTEGER,
        record TEXT NOT NULL
    );
    CREATE INDEX device_domain ON device (domain, rot);
    CREATE INDEX device_active ON device (domain, plan) WHERE active;
    CREATE INDEX device_serial ON device (sealed_uid, serial) WHERE sealed_uid IS NOT NULL;
    CREATE INDEX device_overdue ON device (overdue_at, rot) WHERE overdue_at IS NOT NULL;
    CREATE TABLE profile (uid TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, record TEXT NOT NULL);
    CREATE TABLE whitelist (
        profile_uid TEXT NOT NULL, rot BLOB NOT NULL, PRIMARY KEY (profile_uid, rot)
    ) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        last_at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        rot BLOB NOT NULL,
        domain TEXT,
        record TEXT NOT NULL
    );
    CREATE INDEX event_rot ON event (rot, kind);
    CREATE INDEX event_kind ON event (kind, id);
    CREATE VIEW things AS
        SELECT lower(hex(rot)) AS rot, domain, plan, record ->> 'standing' AS standing, serial,
               record ->> 'last_heartbeat' AS last_heartbeat
        FROM device;
    CREATE VIEW log AS
        SELECT id, record ->> 'at' AS at, kind, lower(hex(rot)) AS rot, domain,
               record ->> 'count' AS count, record ->> 'reason' AS reason
        FROM event;
"];

/// Takes the file to the newest version, one transaction a step; one from a later program is
/// refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let steps = STEPS.get(found as usize..).ok_or_else(|| {
        let newest = STEPS.len();
        StoreError(format!("the file has schema version {found}, and this program knows up to {newest}"))
    })?;
    for (version, step) in (found + 1..).zip(steps) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
