//! One write each: the record, and beside it what is searched for.

use rusqlite::{Connection, params};

use super::filter::limit;
use crate::protocol::keys::RotUid;
use crate::protocol::message::Standing;
use crate::service::campaign::{Campaign, Reach};
use crate::service::certificate::IssuedCertificate;
use crate::service::device::Device;
use crate::service::event::Event;
use crate::service::store::{StoreError, Write};
use crate::time::Timestamp;

/// Makes one write of a batch.
pub(super) fn put(connection: &Connection, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Service(record) => {
            let sql = "UPDATE service SET record = ? WHERE id = 1";
            connection.prepare_cached(sql)?.execute([encode(record)?])?;
        }
        Write::Device(device) => put_device(connection, device)?,
        Write::Profile(profile) => {
            let sql = "INSERT OR REPLACE INTO profile (uid, domain, record) VALUES (?, ?, ?)";
            let row = params![profile.uid, profile.domain, encode(profile)?];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        Write::Whitelist { profile_uid, rot, listed } => {
            put_listed(connection, profile_uid, *rot, *listed)?;
        }
        Write::Event(event) => put_event(connection, event)?,
        Write::Domain(domain) => {
            let sql = "INSERT OR REPLACE INTO domain (name, record) VALUES (?, ?)";
            connection.prepare_cached(sql)?.execute(params![domain.name, encode(domain)?])?;
        }
        Write::AccessKey(key) => {
            let sql = "INSERT OR REPLACE INTO access_key (api_key, domain, record) VALUES (?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![key.api_key, key.domain, encode(key)?])?;
        }
        Write::AccessKeyGone(api_key) => {
            connection.prepare_cached("DELETE FROM access_key WHERE api_key = ?")?.execute([api_key])?;
        }
        Write::Campaign(campaign) => put_campaign(connection, campaign)?,
        Write::CampaignDevice { campaign_uid, rot, outcome } => {
            let sql = "INSERT OR REPLACE INTO campaign_device (campaign_uid, rot, outcome) VALUES (?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![campaign_uid, rot.0, outcome.name()])?;
        }
        Write::Authority(authority) => {
            let sql = "INSERT OR REPLACE INTO authority (uid, domain, record) VALUES (?, ?, ?)";
            let row = params![authority.uid, authority.domain, encode(authority)?];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        Write::AuthorityGone(uid) => {
            connection.prepare_cached("DELETE FROM authority WHERE uid = ?")?.execute([uid])?;
        }
        Write::Certificate(certificate) => put_certificate(connection, certificate)?,
        Write::CertificateGone(certificate) => {
            let sql = "DELETE FROM certificate WHERE serial = ?";
            connection.prepare_cached(sql)?.execute([certificate.serial.to_string()])?;
        }
    }
    Ok(())
}

/// A heartbeat changes nothing that is searched for but the time when it is overdue, and then most
/// indexes are left alone.
fn put_device(connection: &Connection, device: &Device) -> Result<(), StoreError> {
    let row = params![
        encode(device)?,
        device.overdue_at().map(Timestamp::as_millis),
        device.rot.0,
        device.domain(),
        device.owner.as_ref().map(|owner| &owner.profile_uid),
        device.plan.facts().name,
        device.standing == Standing::Active,
        device.state().name(),
        device.is_blacklisted(),
        device.overdue,
        device.seal.as_ref().map(|seal| &seal.profile_uid),
        device.seal.as_ref().map(|seal| &seal.serial_number),
    ];
    let update = "UPDATE device SET record = ?, overdue_at = ? \
                  WHERE rot = ? AND domain IS ? AND owner_uid IS ? AND plan IS ? AND active IS ? AND state IS ? \
                  AND blacklisted IS ? AND overdue IS ? AND sealed_uid IS ? AND serial IS ?";
    if connection.prepare_cached(update)?.execute(row)? == 1 {
        return Ok(());
    }
    let replace = "INSERT OR REPLACE INTO device \
                   (record, overdue_at, rot, domain, owner_uid, plan, active, state, blacklisted, overdue, \
                    sealed_uid, serial) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(replace)?.execute(row)?;
    Ok(())
}

fn put_listed(connection: &Connection, uid: &str, rot: RotUid, listed: bool) -> Result<(), StoreError> {
    let sql = if listed {
        "INSERT OR IGNORE INTO whitelist (profile_uid, rot) VALUES (?, ?)"
    } else {
        "DELETE FROM whitelist WHERE profile_uid = ? AND rot = ?"
    };
    connection.prepare_cached(sql)?.execute(params![uid, rot.0])?;
    Ok(())
}

fn put_event(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let sql =
        "INSERT OR REPLACE INTO event (id, last_at, kind, rot, domain, record) VALUES (?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        limit(usize::try_from(event.id).unwrap_or(usize::MAX)),
        event.last_at.as_millis(),
        event.kind.name(),
        event.rot.0,
        event.domain,
        encode(event)?,
    ])?;
    Ok(())
}

fn put_campaign(connection: &Connection, campaign: &Campaign) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO campaign (uid, domain, running, record) VALUES (?, ?, ?, ?)";
    let running = campaign.reach != Reach::Complete;
    let row = params![campaign.uid, campaign.domain, running, encode(campaign)?];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn put_certificate(connection: &Connection, certificate: &IssuedCertificate) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO certificate (serial, rot, domain, authority_uid, not_before, record) \
               VALUES (?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        certificate.serial.to_string(),
        certificate.rot.0,
        certificate.domain,
        certificate.authority_uid,
        certificate.not_before.as_millis(),
        encode(certificate)?,
    ])?;
    Ok(())
}

/// A record as it is stored.
pub(super) fn encode(record: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError(error.to_string()))
}
