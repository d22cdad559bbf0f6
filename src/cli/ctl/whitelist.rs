//! Whitelists: which roots of trust become active under a device profile that asks for it.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::json;

use super::errand::Errand;
use super::names::{OwnerArgs, PageArgs};
use super::show::{List, Shown};
use crate::host::error::HostError;
use crate::protocol::keys::RotUid;

/// Most that is read from standard input, in bytes: more roots of trust than one call may name.
const INPUT_LEN_MAX: u64 = 256 * 1024;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Put roots of trust on it, seen already or not
    #[command(
        after_help = "Example:\n  vsara ctl whitelist add AgbCtixjwqLjwV3VWpfPyz 0a04f008003c9623 0a04f008003c9624\n  vsara ctl whitelist add AgbCtixjwqLjwV3VWpfPyz - < rots.txt"
    )]
    Add(ChangeArgs),
    /// List it
    #[command(after_help = "Example:\n  vsara ctl whitelist list AgbCtixjwqLjwV3VWpfPyz")]
    List {
        /// Of which device profile
        uid: String,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Take roots of trust off it; devices that are active stay so
    #[command(after_help = "Example:\n  vsara ctl whitelist remove AgbCtixjwqLjwV3VWpfPyz 0a04f008003c9623")]
    Remove(ChangeArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct ChangeArgs {
    /// Of which device profile
    uid: String,
    /// 16 hex digits each, at most 10,000; - reads them from standard input, apart by spaces or line ends
    #[arg(value_name = "ROT", required = true)]
    rots: Vec<Named>,
    #[command(flatten)]
    owner: OwnerArgs,
}

/// A root of trust, or many of them to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Here(RotUid),
    OnStandardInput,
}

impl std::str::FromStr for Named {
    type Err = <RotUid as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" { Ok(Self::OnStandardInput) } else { text.parse().map(Self::Here) }
    }
}

impl Verb {
    pub(super) fn errand(&self) -> Result<Errand, HostError> {
        match self {
            Self::Add(args) => args.errand("/v1/whitelist/add"),
            Self::Remove(args) => args.errand("/v1/whitelist/remove"),
            Self::List { uid, page: PageArgs { count, offset }, owner } => {
                let body = json!({ "DeviceProfileUID": uid, "Offset": offset, "Count": count });
                let shown = Shown::Lines(List::part("ROTPublicUIDs", *offset));
                Ok(owner.ask("/v1/whitelist/list", body, shown))
            }
        }
    }
}

impl ChangeArgs {
    fn errand(&self, path: &str) -> Result<Errand, HostError> {
        let mut rots = Vec::with_capacity(self.rots.len());
        for named in &self.rots {
            match named {
                Named::Here(rot) => rots.push(*rot),
                Named::OnStandardInput => rots.extend(from_standard_input()?),
            }
        }
        let body = json!({ "DeviceProfileUID": self.uid, "ROTPublicUIDs": rots });
        Ok(self.owner.ask(path, body, Shown::Fields))
    }
}

fn from_standard_input() -> Result<Vec<RotUid>, HostError> {
    let mut text = String::new();
    let read = std::io::stdin().take(INPUT_LEN_MAX).read_to_string(&mut text);
    read.map_err(|error| HostError::usage(format_args!("standard input: {error}")))?;
    text.lines().zip(1..).try_fold(Vec::new(), |mut rots, (line, number)| {
        for word in line.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty()) {
            let wrong = |error| {
                let word: String = word.chars().take(40).collect();
                HostError::usage(format_args!("standard input:{number}: {word:?}: {error}"))
            };
            rots.push(word.parse().map_err(wrong)?);
        }
        Ok(rots)
    })
}
