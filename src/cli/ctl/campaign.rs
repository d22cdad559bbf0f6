//! Campaigns: one change for many Things, with progress.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::errand::Errand;
use super::names::{self, OnOff, OwnerArgs, PageArgs};
use super::show::{Column, List, Shown, cell, period};
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Begin one: each Thing takes up the change at its next heartbeat
    #[command(
        after_help = "Example:\n  vsara ctl campaign create 'ldp for pumps' --feature ldp=on --device-profile AgbCtixjwqLjwV3VWpfPyz\n  vsara ctl campaign create daily --heartbeat-period 1d --all"
    )]
    Create(Box<CreateArgs>),
    /// List them, with how far each has come
    #[command(after_help = "Example:\n  vsara ctl campaign list")]
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Show one, with how far it has come
    #[command(after_help = "Example:\n  vsara ctl campaign show UID --json | jq .Progress")]
    Show {
        /// 22 letters and digits
        uid: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List the Things of one, with what became of it
    #[command(after_help = "Example:\n  vsara ctl campaign things UID --outcome waiting")]
    Things {
        /// 22 letters and digits
        uid: String,
        /// With this outcome only
        #[arg(long, value_parser = names::outcome())]
        outcome: Option<String>,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
}

#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).args(["feature", "heartbeat_period", "plan"]))]
#[command(group = ArgGroup::new("targets").required(true).multiple(true).args(["rots", "device_profile", "all"]))]
pub(super) struct CreateArgs {
    /// What people call it
    name: String,
    /// For these Things only; 16 hex digits each, at most 1000
    #[arg(value_name = "ROT", conflicts_with = "all")]
    rots: Vec<RotUid>,
    /// Switch a feature, such as ldp=on
    #[arg(long, value_name = "FEATURE=on|off")]
    feature: Option<Switched>,
    /// Set the heartbeat period, like 7d, 12h or 5m
    #[arg(long, value_name = "PERIOD", value_parser = names::period_s)]
    heartbeat_period: Option<u32>,
    /// Set the price plan
    #[arg(long, value_parser = names::plan())]
    plan: Option<String>,
    /// For the Things of this device profile only
    #[arg(long, value_name = "UID", conflicts_with = "all")]
    device_profile: Option<String>,
    /// For all Things of the domain
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    owner: OwnerArgs,
}

/// A feature, on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switched {
    feature: &'static str,
    to: OnOff,
}

impl std::str::FromStr for Switched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |name: &str| Feature::ALL.into_iter().map(Feature::name).find(|known| *known == name);
        let read = text.split_once('=').and_then(|(feature, to)| {
            let to = match to {
                "on" => OnOff::On,
                "off" => OnOff::Off,
                _ => return None,
            };
            Some(Self { feature: named(feature)?, to })
        });
        read.ok_or_else(|| {
            let features = Feature::ALL.map(Feature::name).join(", ");
            format!("a feature is switched by FEATURE=on or FEATURE=off; features: {features}")
        })
    }
}

const COLUMNS: &[Column] = &[
    ("CAMPAIGN UID", |campaign| cell(&campaign["CampaignUID"])),
    ("NAME", |campaign| cell(&campaign["Name"])),
    ("CHANGE", change),
    ("MADE", |campaign| cell(&campaign["CreatedAt"])),
    ("APPLIED", applied),
    ("WAITING", |campaign| cell(&campaign["Progress"]["Waiting"])),
    ("SUPERSEDED", |campaign| cell(&campaign["Progress"]["Superseded"])),
    ("REFUSED", |campaign| cell(&campaign["Progress"]["Refused"])),
];

const THINGS: &[Column] =
    &[("ROT", |thing| cell(&thing["ROTPublicUID"])), ("OUTCOME", |thing| cell(&thing["Outcome"]))];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        match self {
            Self::Create(args) => args.errand(),
            Self::List { page: PageArgs { count, offset }, owner } => {
                let shown = Shown::Table(List::part("Campaigns", *offset), COLUMNS);
                owner.ask("/v1/campaign/list", json!({ "Offset": offset, "Count": count }), shown)
            }
            Self::Show { uid, owner } => {
                owner.ask("/v1/campaign/get", json!({ "CampaignUID": uid }), Shown::Row(COLUMNS))
            }
            Self::Things { uid, outcome, page: PageArgs { count, offset }, owner } => {
                let body =
                    json!({ "CampaignUID": uid, "Outcome": outcome, "Offset": offset, "Count": count });
                let shown = Shown::Table(List::part("Devices", *offset), THINGS);
                owner.ask("/v1/campaign/device/list", body, shown)
            }
        }
    }
}

impl CreateArgs {
    fn errand(&self) -> Errand {
        let mut body = json!({
            "Name": self.name,
            "ROTPublicUIDs": Some(&self.rots).filter(|rots| !rots.is_empty()),
            "DeviceProfileUID": self.device_profile,
        });
        let path = if let Some(Switched { feature, to }) = self.feature {
            body["Feature"] = feature.into();
            body["Enabled"] = to.is_on().into();
            "/v1/campaign/feature/set"
        } else if let Some(period_s) = self.heartbeat_period {
            body["HeartbeatPeriod"] = period_s.into();
            "/v1/campaign/heartbeat/set"
        } else {
            body["Plan"] = self.plan.clone().into();
            "/v1/campaign/plan/set"
        };
        self.owner.ask(path, body, Shown::Row(COLUMNS))
    }
}

fn change(campaign: &Value) -> String {
    if let Some(feature) = campaign["Feature"].as_str() {
        let to = if campaign["Enabled"] == true { "on" } else { "off" };
        return format!("{feature}={to}");
    }
    match &campaign["HeartbeatPeriod"] {
        Value::Null => format!("plan {}", cell(&campaign["Plan"])),
        seconds => format!("period {}", period(seconds)),
    }
}

/// How many have it of all that were told; more may be told while it runs.
fn applied(campaign: &Value) -> String {
    let progress = &campaign["Progress"];
    let more = if progress["Running"] == true { "+" } else { "" };
    format!("{} of {}{more}", cell(&progress["Applied"]), cell(&progress["Total"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_told_in_a_row() {
        let mut campaign = json!({
            "Feature": "ldp", "Enabled": false, "HeartbeatPeriod": null, "Plan": null,
            "Progress": { "Applied": 3, "Total": 256, "Running": true },
        });
        assert_eq!((change(&campaign).as_str(), applied(&campaign).as_str()), ("ldp=off", "3 of 256+"));
        campaign["Feature"] = Value::Null;
        campaign["HeartbeatPeriod"] = 86_400.into();
        campaign["Progress"]["Running"] = false.into();
        assert_eq!((change(&campaign).as_str(), applied(&campaign).as_str()), ("period 1d", "3 of 256"));
    }
}
