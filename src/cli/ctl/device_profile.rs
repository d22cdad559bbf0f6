//! Device profiles: what Things get when they bootstrap.

use clap::{Args, Subcommand};
use serde_json::json;

use super::errand::Errand;
use super::names::{self, FeatureList, OnOff, OwnerArgs, PageArgs};
use super::show::{Column, List, Shown, cell, period};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Make one; prints the UID to seal into modules
    #[command(
        after_help = "Example:\n  vsara ctl device-profile create pumps --plan flex --features ldp,c2c --heartbeat-period 1d"
    )]
    Create {
        /// What people call it
        name: String,
        #[command(flatten)]
        parts: PartArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List them
    #[command(after_help = "Example:\n  vsara ctl device-profile list")]
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Show one
    #[command(after_help = "Example:\n  vsara ctl device-profile show AgbCtixjwqLjwV3VWpfPyz")]
    Show {
        /// 22 letters and digits
        uid: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Change what is named of one, for later bootstraps only
    #[command(
        after_help = "Example:\n  vsara ctl device-profile update AgbCtixjwqLjwV3VWpfPyz --features none --whitelist on"
    )]
    Update {
        /// 22 letters and digits
        uid: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        parts: PartArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
}

/// What a device profile says.
#[derive(Clone, Debug, Args)]
pub(super) struct PartArgs {
    /// Price plan of its devices
    #[arg(long, value_parser = names::plan())]
    plan: Option<String>,
    /// Features switched on at the bootstrap: some of ldp,c2c,ztp,c2c-pairing; or none
    #[arg(long, value_name = "LIST")]
    features: Option<FeatureList>,
    /// Whether only whitelisted roots of trust become active
    #[arg(long)]
    whitelist: Option<OnOff>,
    /// Security heartbeat period, like 7d, 12h or 5m
    #[arg(long, value_name = "PERIOD", value_parser = names::period_s)]
    heartbeat_period: Option<u32>,
    /// The private CA that signs the certificates of its devices, by its UID; or newest
    #[arg(long, value_name = "UID")]
    ca: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("DEVICE PROFILE UID", |profile| cell(&profile["DeviceProfileUID"])),
    ("NAME", |profile| cell(&profile["Name"])),
    ("PLAN", |profile| cell(&profile["Plan"])),
    ("FEATURES", |profile| cell(&profile["Features"])),
    ("WHITELIST", |profile| if profile["Whitelist"] == true { "on" } else { "off" }.to_owned()),
    ("PERIOD", |profile| period(&profile["HeartbeatPeriod"])),
    ("CA", |profile| profile["CAUID"].as_str().unwrap_or("newest").to_owned()),
];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        match self {
            Self::Create { name, parts, owner } => {
                let body = parts.body(None, Some(name));
                owner.ask("/v1/deviceprofile/create", body, Shown::Values(&["DeviceProfileUID"]))
            }
            Self::List { page: PageArgs { count, offset }, owner } => {
                let shown = Shown::Table(List::part("DeviceProfiles", *offset), COLUMNS);
                owner.ask("/v1/deviceprofile/list", json!({ "Offset": offset, "Count": count }), shown)
            }
            Self::Show { uid, owner } => {
                owner.ask("/v1/deviceprofile/get", json!({ "DeviceProfileUID": uid }), Shown::Row(COLUMNS))
            }
            Self::Update { uid, name, parts, owner } => {
                let body = parts.body(Some(uid), name.as_ref());
                owner.ask("/v1/deviceprofile/update", body, Shown::Row(COLUMNS))
            }
        }
    }
}

impl PartArgs {
    fn body(&self, uid: Option<&String>, name: Option<&String>) -> serde_json::Value {
        let mut body = json!({
            "DeviceProfileUID": uid,
            "Name": name,
            "Plan": self.plan,
            "Features": self.features.as_ref().map(|list| &list.0),
            "Whitelist": self.whitelist.map(OnOff::is_on),
            "HeartbeatPeriod": self.heartbeat_period,
        });
        // Null is an answer of its own here: whichever is the newest.
        if let Some(ca) = &self.ca {
            body["CAUID"] = json!(Some(ca).filter(|ca| *ca != "newest"));
        }
        body
    }
}
