//! Private CAs, and the certificates they have signed for Things.

use clap::Subcommand;
use serde_json::json;

use super::errand::Errand;
use super::names::{OwnerArgs, PageArgs};
use super::show::{Column, List, Shown, cell};
use crate::protocol::keys::RotUid;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Make one; prints its UID. Its key never leaves the service
    #[command(after_help = "Example:\n  vsara ctl ca create 'Acme devices' --validity-days 3650")]
    Create {
        /// Its common name
        name: String,
        /// How long it holds, in days [default: 20 years]
        #[arg(long, value_name = "DAYS")]
        validity_days: Option<u32>,
        /// How long the certificates hold that it signs, in days, but two periods of the heartbeat at least
        /// [default: a year]
        #[arg(long, value_name = "DAYS")]
        certificate_validity_days: Option<u32>,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List them
    #[command(after_help = "Example:\n  vsara ctl ca list\n  vsara ctl ca list --pem > trusted.pem")]
    List {
        /// Their own certificates, for a server that is to trust their devices
        #[arg(long, conflicts_with = "json")]
        pem: bool,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Delete one: its Things get new certificates at their next heartbeat
    #[command(after_help = "Example:\n  vsara ctl ca delete UID        (as `vsara ctl ca list` names it)")]
    Delete {
        /// 22 letters and digits
        uid: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum CertificateVerb {
    /// List them, the newest first
    #[command(
        after_help = "Example:\n  vsara ctl certificate list --rot 0a04f008003c9623 --pem | openssl x509 -text"
    )]
    List {
        /// Of this Thing only
        #[arg(long)]
        rot: Option<RotUid>,
        /// Signed by this private CA only, deleted or not
        #[arg(long, value_name = "UID")]
        ca: Option<String>,
        /// The certificates themselves
        #[arg(long, conflicts_with = "json")]
        pem: bool,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
}

const COLUMNS: &[Column] = &[
    ("CA UID", |ca| cell(&ca["CAUID"])),
    ("NAME", |ca| cell(&ca["Name"])),
    ("HOLDS UNTIL", |ca| cell(&ca["NotAfter"])),
    ("ITS CERTIFICATES HOLD", |ca| format!("{} days", cell(&ca["CertificateValidityDays"]))),
];

const CERTIFICATES: &[Column] = &[
    ("ROT", |certificate| cell(&certificate["ROTPublicUID"])),
    ("SERIAL NUMBER", |certificate| cell(&certificate["SerialNumber"])),
    ("CERTIFICATE", |certificate| cell(&certificate["CertificateSerialNumber"])),
    ("CA UID", |certificate| cell(&certificate["CAUID"])),
    ("HOLDS UNTIL", |certificate| cell(&certificate["NotAfter"])),
    ("IN FORCE", |certificate| cell(&certificate["InForce"])),
];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        match self {
            Self::Create { name, validity_days, certificate_validity_days, owner } => {
                let body = json!({
                    "Name": name, "ValidityDays": validity_days,
                    "CertificateValidityDays": certificate_validity_days,
                });
                owner.ask("/v1/ca/create", body, Shown::Values(&["CAUID"]))
            }
            Self::List { pem, page: PageArgs { count, offset }, owner } => {
                let list = List::part("CAs", *offset);
                let body = json!({ "Offset": offset, "Count": count });
                owner.ask("/v1/ca/list", body, pem_or_table(*pem, list, COLUMNS))
            }
            Self::Delete { uid, owner } => owner.ask("/v1/ca/delete", json!({ "CAUID": uid }), Shown::Fields),
        }
    }
}

impl CertificateVerb {
    pub(super) fn errand(&self) -> Errand {
        let Self::List { rot, ca, pem, page: PageArgs { count, offset }, owner } = self;
        let list = List::part("Certificates", *offset);
        let body = json!({ "ROTPublicUID": rot, "CAUID": ca, "Offset": offset, "Count": count });
        owner.ask("/v1/certificate/list", body, pem_or_table(*pem, list, CERTIFICATES))
    }
}

fn pem_or_table(pem: bool, list: List, columns: &'static [Column]) -> Shown {
    if pem { Shown::Each(list, "Certificate") } else { Shown::Table(list, columns) }
}
