//! Things: what is wanted of them, and what they have reported.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::errand::Errand;
use super::names::{self, OnOff, OwnerArgs, PageArgs};
use super::show::{Column, List, Shown, cell, period};
use crate::protocol::keys::RotUid;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// List Things: what the service knows of the modules of a domain
    #[command(
        after_help = "Example:\n  vsara ctl things --in-state ACTIVE --search pump\n  vsara ctl things --json | jq -r '.Devices[].ROTPublicUID'"
    )]
    Things(ThingsArgs),
    /// Show a Thing
    #[command(after_help = "Example:\n  vsara ctl thing 0a04f008003c9623")]
    Thing(ThingArgs),
    /// Switch a feature of a Thing, from its next heartbeat on
    #[command(after_help = "Example:\n  vsara ctl feature 0a04f008003c9623 ldp on")]
    Feature {
        /// 16 hex digits
        rot: RotUid,
        /// Which feature
        #[arg(value_parser = names::feature())]
        feature: String,
        /// What is wanted
        to: OnOff,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Set the heartbeat period of a Thing, from its next heartbeat on
    #[command(after_help = "Example:\n  vsara ctl heartbeat-period 0a04f008003c9623 1d")]
    HeartbeatPeriod {
        /// 16 hex digits
        rot: RotUid,
        /// Like 7d, 12h or 5m
        #[arg(value_name = "PERIOD", value_parser = names::period_s)]
        period_s: u32,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Move a Thing to another price plan
    #[command(after_help = "Example:\n  vsara ctl plan 0a04f008003c9623 flex")]
    Plan {
        /// 16 hex digits
        rot: RotUid,
        /// Which plan
        #[arg(value_parser = names::plan())]
        plan: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List price plans, and how many devices are active under each
    #[command(after_help = "Example:\n  vsara ctl plans")]
    Plans {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Suspend a Thing: no features and no services from its next heartbeat on
    #[command(after_help = "Example:\n  vsara ctl suspend 0a04f008003c9623")]
    Suspend(ThingArgs),
    /// Make a suspended Thing active again
    #[command(after_help = "Example:\n  vsara ctl resume 0a04f008003c9623")]
    Resume(ThingArgs),
    /// Make a blocked or suspended Thing active, whitelisted or not
    #[command(after_help = "Example:\n  vsara ctl unblock 0a04f008003c9623")]
    Unblock(ThingArgs),
    /// Ask for new keys of a Thing, from its next heartbeat on
    #[command(after_help = "Example:\n  vsara ctl new-keys 0a04f008003c9623")]
    NewKeys(ThingArgs),
    /// Move Things to another domain, all of them or none
    #[command(
        after_help = "Example:\n  vsara ctl transfer 0a04f008003c9623 --device-profile AgbCtixjwqLjwV3VWpfPyz --to acme"
    )]
    Transfer {
        /// 16 hex digits each
        #[arg(value_name = "ROT", required = true)]
        rots: Vec<RotUid>,
        /// The device profile they were sealed with
        #[arg(long, value_name = "UID")]
        device_profile: String,
        /// Their present owner's domain
        #[arg(long, value_name = "D", default_value = crate::service::domain::DEFAULT_DOMAIN)]
        domain: String,
        /// Their future owner's domain
        #[arg(long, value_name = "D")]
        to: String,
    },
}

#[derive(Clone, Debug, Args)]
pub(super) struct ThingsArgs {
    /// In this state only
    #[arg(long, value_name = "STATE", value_parser = names::state(), ignore_case = true)]
    in_state: Option<String>,
    /// With this in the root of trust or in the serial number only
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Of this device profile only
    #[arg(long, value_name = "UID")]
    device_profile: Option<String>,
    /// Not heard of for too long only
    #[arg(long)]
    overdue: bool,
    /// Kept out by a whitelist only
    #[arg(long)]
    blacklisted: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    owner: OwnerArgs,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ThingArgs {
    /// 16 hex digits
    rot: RotUid,
    #[command(flatten)]
    owner: OwnerArgs,
}

const COLUMNS: &[Column] = &[
    ("ROT", |thing| cell(&thing["ROTPublicUID"])),
    ("SERIAL NUMBER", |thing| cell(&thing["SerialNumber"])),
    ("STATE", state),
    ("PLAN", |thing| cell(&thing["Plan"])),
    ("FEATURES", features),
    ("PERIOD", heartbeat_period),
    ("LAST HEARTBEAT", |thing| cell(&thing["LastHeartbeat"])),
];

const PLANS: &[Column] = &[
    ("PLAN", |plan| cell(&plan["Plan"])),
    ("SERVICES", |plan| cell(&plan["Services"])),
    ("ACTIVE", |plan| cell(&plan["ActiveDevices"])),
    ("AT MOST", |plan| cell(&plan["ActiveDevicesMax"])),
];

impl Verb {
    pub(super) fn errand(&self) -> Errand {
        let row = Shown::Row(COLUMNS);
        match self {
            Self::Things(args) => args.errand(),
            Self::Thing(args) => args.ask("/v1/device/get", Shown::Fields),
            Self::Feature { rot, feature, to, owner } => {
                let body = json!({ "ROTPublicUID": rot, "Feature": feature, "Enabled": to.is_on() });
                owner.ask("/v1/device/feature/set", body, row)
            }
            Self::HeartbeatPeriod { rot, period_s, owner } => {
                let body = json!({ "ROTPublicUID": rot, "HeartbeatPeriod": period_s });
                owner.ask("/v1/device/heartbeat/set", body, row)
            }
            Self::Plan { rot, plan, owner } => {
                owner.ask("/v1/device/update", json!({ "ROTPublicUID": rot, "Plan": plan }), row)
            }
            Self::Plans { owner } => {
                owner.ask("/v1/plan/list", json!({}), Shown::Table(List::whole("Plans"), PLANS))
            }
            Self::Suspend(args) => args.suspended(true),
            Self::Resume(args) => args.suspended(false),
            Self::Unblock(args) => args.ask("/v1/device/unblock", row),
            Self::NewKeys(args) => args.ask("/v1/e2e/key/rotate", row),
            Self::Transfer { rots, device_profile, domain, to } => {
                let body = json!({
                    "ROTPublicUIDs": rots, "DeviceProfileUID": device_profile, "From": domain, "To": to,
                });
                Errand::admin("/ownership/transfer", Some(body), Shown::Fields)
            }
        }
    }
}

impl ThingsArgs {
    fn errand(&self) -> Errand {
        let only = |flag: bool| flag.then_some(true);
        let PageArgs { count, offset } = self.page;
        let body = json!({
            "State": self.in_state, "Search": self.search, "DeviceProfileUID": self.device_profile,
            "Overdue": only(self.overdue), "Blacklisted": only(self.blacklisted),
            "Offset": offset, "Count": count,
        });
        let shown = Shown::Table(List::part("Devices", offset), COLUMNS);
        self.owner.ask("/v1/device/list", body, shown)
    }
}

impl ThingArgs {
    fn ask(&self, path: &str, shown: Shown) -> Errand {
        self.owner.ask(path, json!({ "ROTPublicUID": self.rot }), shown)
    }

    fn suspended(&self, suspended: bool) -> Errand {
        let body = json!({ "ROTPublicUID": self.rot, "Suspended": suspended });
        self.owner.ask("/v1/device/update", body, Shown::Row(COLUMNS))
    }
}

fn state(thing: &Value) -> String {
    let marks = [("Blacklisted", "blacklisted"), ("Overdue", "overdue")];
    let marks = marks.iter().filter(|(field, _)| thing[field] == true).map(|(_, mark)| format!(" {mark}"));
    cell(&thing["State"]) + &marks.collect::<String>()
}

fn features(thing: &Value) -> String {
    side_by_side(cell(&thing["Features"]["Applied"]), cell(&thing["Features"]["Wanted"]))
}

fn heartbeat_period(thing: &Value) -> String {
    side_by_side(period(&thing["HeartbeatPeriod"]["Applied"]), period(&thing["HeartbeatPeriod"]["Wanted"]))
}

/// What is in force, and what is wanted where that is something else.
fn side_by_side(applied: String, wanted: String) -> String {
    if applied == wanted { applied } else { format!("{applied} (wanted: {wanted})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_stands_beside_what_is_in_force_where_they_differ() {
        let thing = json!({
            "State": "ALLOCATED", "Blacklisted": true, "Overdue": false,
            "Features": { "Applied": [], "Wanted": ["ldp", "c2c"] },
            "HeartbeatPeriod": { "Applied": 604_800, "Wanted": 604_800 },
        });
        assert_eq!(features(&thing), "- (wanted: ldp,c2c)");
        assert_eq!(heartbeat_period(&thing), "7d");
        assert_eq!(state(&thing), "ALLOCATED blacklisted");
    }
}
