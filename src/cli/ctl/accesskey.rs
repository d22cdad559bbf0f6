//! Access keys: what programs sign in with at REST.

use clap::Subcommand;
use serde_json::json;

use super::errand::Errand;
use super::names::OwnerArgs;
use super::show::{Column, List, Shown, cell};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Make one; its secret is shown now and never again
    #[command(after_help = "Example:\n  vsara ctl accesskey create --domain acme --json")]
    Create {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List them, never their secrets
    #[command(after_help = "Example:\n  vsara ctl accesskey list")]
    List {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Delete one: whoever holds it is locked out
    #[command(
        after_help = "Example:\n  vsara ctl accesskey delete KEY        (as `vsara ctl accesskey list` names it)"
    )]
    Delete {
        /// Its APIKey
        #[arg(value_name = "KEY", allow_hyphen_values = true)]
        api_key: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
}

const COLUMNS: &[Column] = &[("APIKEY", |key| cell(&key["APIKey"])), ("MADE", |key| cell(&key["CreatedAt"]))];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        match self {
            Self::Create { owner } => owner.ask("/v1/accesskey/create", json!({}), Shown::Fields),
            Self::List { owner } => {
                let shown = Shown::Table(List::whole("AccessKeys"), COLUMNS);
                owner.ask("/v1/accesskey/list", json!({}), shown)
            }
            Self::Delete { api_key, owner } => {
                owner.ask("/v1/accesskey/delete", json!({ "APIKey": api_key }), Shown::Fields)
            }
        }
    }
}
