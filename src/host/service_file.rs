//! `service.toml`: the device profiles of a service, for people to write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use crate::host::error::HostError;
use crate::host::replace_file;
use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::service::device_profile::HEARTBEAT_PERIOD_S;
use crate::service::domain::DEFAULT_DOMAIN;
use crate::service::operator::{HEARTBEAT_PERIOD_MAX_S, HEARTBEAT_PERIOD_MIN_S};
use crate::service::{DeviceProfile, Plan};

/// What is written at the first start.
const FIRST: &str = r#"# Device profiles of this security service, read at each start of vsara.
# Devices copy a profile's values when they bootstrap; an edit applies to later bootstraps only.

[[device-profile]]
uid = "AgbCtixjwqLjwV3VWpfPyz"     # 22 letters and digits: AT+USECDEVINFO="<uid>","<serial number>"
name = "default"
plan = "developer"                 # developer, daily, flex, freedom or basic
features = []                      # any of "ldp", "c2c", "ztp", "c2c-pairing"
heartbeat-period = "7d"
whitelist = false                  # true: only the roots of trust in `whitelisted` become active
whitelisted = []                   # for example ["0a04f008003c9623"]
domain = "default"
"#;

/// A device profile with its whitelist.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The profile.
    pub profile: DeviceProfile,
    /// Roots of trust on its whitelist.
    pub whitelisted: Vec<RotUid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    #[serde(default)]
    device_profile: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    #[serde(deserialize_with = "uid")]
    uid: String,
    name: Option<String>,
    #[serde(default)]
    plan: Plan,
    #[serde(default)]
    features: BTreeSet<Feature>,
    #[serde(default = "week", deserialize_with = "period")]
    heartbeat_period: u32,
    #[serde(default)]
    whitelist: bool,
    #[serde(default)]
    whitelisted: Vec<RotUid>,
    domain: Option<String>,
}

/// Reads `service.toml` of a state directory, which is made where there is none.
pub fn load(dir: &Path) -> Result<Vec<Listed>, HostError> {
    let path = dir.join("service.toml");
    let failed = |error: io::Error| HostError::running(format_args!("{}: {error}", path.display()));
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace_file(&path, FIRST.as_bytes()).map_err(failed)?;
            FIRST.to_owned()
        }
        text => text.map_err(failed)?,
    };
    parse(&text, &path.display().to_string())
}

/// Reads the text of `file`.
pub fn parse(text: &str, file: &str) -> Result<Vec<Listed>, HostError> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        HostError::usage(format_args!("{file}:{line}:{column}: {message}"))
    })?;
    let listed: Vec<_> = document.device_profile.into_iter().map(Listed::from).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = listed.iter().find(|listed| !seen.insert(&listed.profile.uid)) {
        let second = text.match_indices(twice.profile.uid.as_str()).nth(1).map_or(0, |(at, _)| at);
        let line = text[..second].matches('\n').count() + 1;
        return Err(HostError::usage(format_args!("{file}:{line}:1: this uid is there twice")));
    }
    Ok(listed)
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        let name = entry.name.unwrap_or_else(|| "unnamed".to_owned());
        let profile = DeviceProfile {
            domain: entry.domain.unwrap_or_else(|| DEFAULT_DOMAIN.to_owned()),
            plan: entry.plan,
            features: entry.features,
            whitelist: entry.whitelist,
            heartbeat_period_s: entry.heartbeat_period,
            ..DeviceProfile::new(entry.uid, name)
        };
        Self { profile, whitelisted: entry.whitelisted }
    }
}

fn week() -> u32 {
    HEARTBEAT_PERIOD_S
}

fn uid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if DeviceProfile::is_uid(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom("a device profile UID is 22 letters and digits"))
}

fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .ok()
        .and_then(|period| u32::try_from(period.as_secs()).ok())
        .filter(|period| (HEARTBEAT_PERIOD_MIN_S..=HEARTBEAT_PERIOD_MAX_S).contains(period))
        .ok_or_else(|| serde::de::Error::custom("a heartbeat period is a time from 5m to 365d, such as 7d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_is_the_published_profile_with_its_defaults() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = load(dir.path()).expect("made");
        let profile = DeviceProfile::new("AgbCtixjwqLjwV3VWpfPyz", "default");
        assert_eq!(first, [Listed { profile, whitelisted: Vec::new() }]);
        assert_eq!(load(dir.path()).expect("read again"), first);
    }

    #[test]
    fn faults_are_named_by_line_and_column() {
        let check = |text: &str, expected: &str| {
            let message = parse(text, "service.toml").expect_err("refused").to_string();
            assert!(message.starts_with(expected), "{message}");
        };
        let uid = "uid = \"AgbCtixjwqLjwV3VWpfPyz\"\n";
        check("[[device-profile]]\nuid = \"short\"\n", "service.toml:2:7: a device profile UID");
        check(
            &format!("[[device-profile]]\n{uid}plan = \"gold\"\n"),
            "service.toml:3:8: unknown variant `gold`",
        );
        check(&format!("[[device-profile]]\n{uid}colour = 1\n"), "service.toml:3:1: unknown field `colour`");
        check(
            &format!("[[device-profile]]\n{uid}heartbeat-period = \"1s\"\n"),
            "service.toml:3:20: a heartbeat period",
        );
        check(
            &format!("[[device-profile]]\n{uid}features = [\"ldp\", \"x\"]\n"),
            "service.toml:3:20: unknown variant",
        );
        check(&format!("[[device-profile]]\n{uid}[[device-profile]]\n{uid}"), "service.toml:4:1: this uid");
        check("[[device-profile\n", "service.toml:1:");
    }
}
