//! Domains: the accounts of the security service.

use clap::Subcommand;
use serde_json::json;

use super::errand::Errand;
use super::show::{Column, List, Shown, cell};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Make one
    #[command(after_help = "Example:\n  vsara ctl domain create acme --company 'Acme Pumps'")]
    Create {
        /// Letters, digits, hyphens, underscores and dots
        name: String,
        /// Who registers it
        #[arg(long)]
        company: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List them
    #[command(after_help = "Example:\n  vsara ctl domain list --json | jq -r '.Domains[].Name'")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

const COLUMNS: &[Column] = &[
    ("DOMAIN", |domain| cell(&domain["Name"])),
    ("COMPANY", |domain| cell(&domain["Company"])),
    ("SINCE", |domain| cell(&domain["CreatedAt"])),
];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        let (body, shown, json) = match self {
            Self::Create { name, company, json } => {
                (Some(json!({ "Name": name, "Company": company })), Shown::Row(COLUMNS), *json)
            }
            Self::List { json } => (None, Shown::Table(List::whole("Domains"), COLUMNS), *json),
        };
        Errand::admin("/domains", body, if json { Shown::Json } else { shown })
    }
}
