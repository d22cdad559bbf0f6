//! Events, and the Things with clones and suspicious contacts among them.

use clap::{Args, Subcommand};
use serde_json::json;

use super::errand::Errand;
use super::names::{self, OwnerArgs, PageArgs};
use super::show::{Column, List, Shown, cell};
use crate::host::control::Request;
use crate::host::event_log::{EventFilter, Sort};
use crate::protocol::keys::RotUid;
use crate::time::Timestamp;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// What happened in the module and at the service: the last thousand events that fit
    #[command(
        after_help = "Example:\n  vsara ctl events --kind clone --since 2026-01-01T00:00:00Z\n  vsara ctl events --follow --json"
    )]
    Events {
        /// Of this sort only
        #[arg(long, value_name = "KIND", value_parser = names::sort())]
        kind: Option<Sort>,
        /// About this root of trust only
        #[arg(long)]
        rot: Option<RotUid>,
        /// Of the Things of this domain only
        #[arg(long, value_name = "D")]
        domain: Option<String>,
        /// That last happened then or later; RFC 3339
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
        /// Go on with what happens from now on
        #[arg(long)]
        follow: bool,
        /// As JSON lines
        #[arg(long)]
        json: bool,
    },
    /// List Things of which a clone was refused
    #[command(after_help = "Example:\n  vsara ctl clones")]
    Clones(NotedArgs),
    /// List Things with suspicious contacts
    #[command(after_help = "Example:\n  vsara ctl suspicious --since 2026-01-01T00:00:00Z")]
    Suspicious(NotedArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct NotedArgs {
    /// This Thing only
    #[arg(long)]
    rot: Option<RotUid>,
    /// What happened then or later; RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    owner: OwnerArgs,
}

const COLUMNS: &[Column] = &[
    ("ROT", |noted| cell(&noted["ROTPublicUID"])),
    ("COUNT", |noted| cell(&noted["Count"])),
    ("FIRST", |noted| cell(&noted["FirstTime"])),
    ("LAST", |noted| cell(&noted["LastTime"])),
    ("WHY, THE LAST TIME", |noted| cell(&noted["Reason"])),
];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        match self {
            Self::Events { kind, rot, domain, since, follow, json } => {
                let filter = EventFilter { rot: *rot, kind: *kind, domain: domain.clone(), since: *since };
                let request = Request::Events { filter, follow: *follow };
                Errand { request, shown: Shown::Events { json: *json } }
            }
            Self::Clones(args) => args.ask("/v1/device/clone/get"),
            Self::Suspicious(args) => args.ask("/v1/device/suspicious/get"),
        }
    }
}

impl NotedArgs {
    fn ask(&self, path: &str) -> Errand {
        let PageArgs { count, offset } = self.page;
        let body = json!({ "ROTPublicUID": self.rot, "Since": self.since, "Offset": offset, "Count": count });
        self.owner.ask(path, body, Shown::Table(List::part("Devices", offset), COLUMNS))
    }
}
