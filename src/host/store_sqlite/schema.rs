//! The tables, and how an older file is brought up to date.

use rusqlite::Connection;

use crate::service::store::StoreError;

/// One step a version: the first makes version 1 of an empty file. Steps are only ever added. The second
/// is REST's: what people look for, accounts, campaigns. The third finds the device of a key. The fourth
/// is zero touch provisioning's: private CAs and what they signed.
const STEPS: [&str; 4] = [
    "
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
",
    "
    ALTER TABLE device ADD COLUMN owner_uid TEXT;
    ALTER TABLE device ADD COLUMN state TEXT NOT NULL DEFAULT '';
    ALTER TABLE device ADD COLUMN blacklisted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE device ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0;
    UPDATE device SET
        owner_uid = record ->> '$.owner.profile_uid',
        state = CASE WHEN record ->> '$.bootstrap' IS NULL THEN upper(record ->> '$.standing')
                ELSE 'BOOTSTRAPPING' END,
        blacklisted = ifnull(record ->> '$.blocked' = 'not_whitelisted', 0),
        overdue = record ->> '$.overdue';
    DROP INDEX device_domain;
    CREATE INDEX device_domain ON device (domain, rot, serial);
    CREATE INDEX device_state ON device (domain, state, rot);
    CREATE INDEX device_owner ON device (domain, owner_uid, rot);
    CREATE INDEX device_is_overdue ON device (domain, rot) WHERE overdue;
    CREATE INDEX device_is_blacklisted ON device (domain, rot) WHERE blacklisted;
    CREATE INDEX event_domain ON event (domain, id);
    CREATE INDEX event_domain_kind ON event (domain, kind, id);
    CREATE TABLE domain (name TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE access_key (
        api_key TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, record TEXT NOT NULL
    );
    CREATE INDEX access_key_domain ON access_key (domain, api_key);
    CREATE TABLE campaign (
        uid TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, running INTEGER NOT NULL, record TEXT NOT NULL
    );
    CREATE INDEX campaign_domain ON campaign (domain, uid);
    CREATE INDEX campaign_running ON campaign (uid) WHERE running;
    CREATE TABLE campaign_device (
        campaign_uid TEXT NOT NULL, rot BLOB NOT NULL, outcome TEXT NOT NULL,
        PRIMARY KEY (campaign_uid, rot)
    ) WITHOUT ROWID;
    CREATE INDEX campaign_outcome ON campaign_device (campaign_uid, outcome, rot);
",
    "
    CREATE INDEX device_tail ON device (substr(rot, 3));
",
    "
    CREATE TABLE authority (uid TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, record TEXT NOT NULL);
    CREATE INDEX authority_domain ON authority (domain, uid);
    CREATE TABLE certificate (
        serial TEXT NOT NULL PRIMARY KEY,
        rot BLOB NOT NULL,
        domain TEXT NOT NULL,
        authority_uid TEXT NOT NULL,
        not_before INTEGER NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX certificate_rot ON certificate (rot, not_before, serial);
    CREATE INDEX certificate_domain ON certificate (domain, not_before, serial);
    CREATE INDEX certificate_authority ON certificate (authority_uid, not_before, serial);
",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A device of version 1, as that version wrote it.
    const DEVICE: &str = r#"{"rot":"0101010101010101","standing":"allocated","blocked":"not_whitelisted",
        "owner":{"domain":"acme","profile_uid":"P","profile_revision":0},"bootstrap":null,"overdue":true}"#;

    #[test]
    fn a_file_of_version_1_keeps_its_devices_and_gets_what_is_searched_for() {
        let mut connection = Connection::open_in_memory().expect("memory is there");
        connection.execute_batch(STEPS[0]).expect("the first step stands by itself");
        connection.pragma_update(None, "user_version", 1).expect("a pragma");
        let sql = "INSERT INTO device (rot, domain, plan, active, serial, record) \
                   VALUES (x'0101010101010101', 'acme', 'flex', 0, 'A', ?), (x'02', NULL, 'flex', 0, NULL, ?)";
        let starting = DEVICE
            .replace("\"bootstrap\":null", "\"bootstrap\":{\"phase\":\"hello\"}")
            .replace("\"not_whitelisted\"", "null")
            .replace("true", "false");
        connection.execute(sql, [DEVICE, &starting]).expect("rows of version 1");

        migrate(&mut connection).expect("the steps are right");
        let version: u32 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("there");
        assert_eq!(version as usize, STEPS.len());
        let columns = |rot: &str| -> (String, Option<String>, bool, bool) {
            let sql =
                format!("SELECT state, owner_uid, blacklisted, overdue FROM device WHERE rot = x'{rot}'");
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            connection.query_row(&sql, [], read).expect("the row is there")
        };
        assert_eq!(columns("0101010101010101"), ("ALLOCATED".into(), Some("P".into()), true, true));
        assert_eq!(columns("02"), ("BOOTSTRAPPING".into(), Some("P".into()), false, false));
        migrate(&mut connection).expect("there is nothing left to do");
    }
}
