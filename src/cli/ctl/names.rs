//! Words that mean something to the service, checked before anything is asked.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::errand::Errand;
use super::show::Shown;
use crate::host::control::Request;
use crate::host::event_log::Sort;
use crate::host::rest_call::RestCall;
use crate::protocol::message::Feature;
use crate::service::Plan;
use crate::service::campaign::Outcome;
use crate::service::device::DeviceState;
use crate::service::domain::DEFAULT_DOMAIN;
use crate::service::operator::{HEARTBEAT_PERIOD_MAX_S, HEARTBEAT_PERIOD_MIN_S};

/// As whom something is asked, and how the answer is to come.
#[derive(Clone, Debug, Args)]
pub(super) struct OwnerArgs {
    /// As the owner of which domain
    #[arg(long, value_name = "D", default_value = DEFAULT_DOMAIN)]
    pub(super) domain: String,
    /// As JSON, the way REST answers
    #[arg(long)]
    pub(super) json: bool,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct PageArgs {
    /// How many to show at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) count: u32,
    /// How many to leave out in front
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=2_147_483_647))]
    pub(super) offset: u32,
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnOff {
    On,
    Off,
}

/// Several features, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FeatureList(pub(super) Vec<&'static str>);

impl OwnerArgs {
    /// Has REST do something.
    pub(super) fn ask(&self, path: &str, body: Value, shown: Shown) -> Errand {
        let request =
            Request::Rest(RestCall { path: path.to_owned(), domain: self.domain.clone(), body: Some(body) });
        Errand { request, shown: if self.json { Shown::Json } else { shown } }
    }
}

impl OnOff {
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}

impl std::str::FromStr for FeatureList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let known = || Feature::ALL.into_iter().map(Feature::name);
        let feature = |name: &str| {
            let wrong = || {
                let allowed = known().collect::<Vec<_>>().join(", ");
                format!("{name:?} is not a feature; allowed: {allowed} with commas between them, or none")
            };
            known().find(|known| *known == name).ok_or_else(wrong)
        };
        text.split(',').map(|name| feature(name.trim())).collect::<Result<_, _>>().map(Self)
    }
}

/// A feature, by its name.
pub(super) fn feature() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(Feature::ALL.map(Feature::name))
}

/// A price plan, by its name.
pub(super) fn plan() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(Plan::all().map(|plan| plan.facts().name))
}

/// The state of a Thing, in capitals or not.
pub(super) fn state() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(DeviceState::ALL.map(DeviceState::name)).map(|name| name.to_uppercase())
}

/// What became of a campaign on a Thing.
pub(super) fn outcome() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::name))
}

/// A sort of events.
pub(super) fn sort() -> impl TypedValueParser<Value = Sort> {
    PossibleValuesParser::new(Sort::all().map(Sort::name)).try_map(|name| name.parse::<Sort>())
}

/// A heartbeat period such as `1d`, in seconds.
pub(super) fn period_s(text: &str) -> Result<u32, String> {
    let wrong = |error| format!("{error}; a heartbeat period is a time like 7d, 12h or 5m");
    let period: Duration = humantime::parse_duration(text).map_err(wrong)?;
    let seconds = u32::try_from(period.as_secs()).unwrap_or(u32::MAX);
    let allowed = HEARTBEAT_PERIOD_MIN_S..=HEARTBEAT_PERIOD_MAX_S;
    let is_whole = period.subsec_nanos() == 0;
    if is_whole && allowed.contains(&seconds) {
        Ok(seconds)
    } else {
        Err("a heartbeat period is 5m to 365d, in whole seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_five_minutes_to_a_year() {
        let check = |text: &str, expected: Option<u32>| assert_eq!(period_s(text).ok(), expected, "{text}");
        check("5m", Some(300));
        check("1d", Some(86_400));
        check("365d", Some(31_536_000));
        check("299s", None);
        check("366d", None);
        check("300s 1ms", None);
        check("soon", None);
        check("300", None);
    }

    #[test]
    fn features_are_listed_by_name_or_there_are_none() {
        let check = |text: &str, expected: Option<&[&'static str]>| {
            let read = text.parse::<FeatureList>().ok();
            assert_eq!(read.as_ref().map(|list| list.0.as_slice()), expected, "{text}");
        };
        check("ldp", Some(&["ldp"]));
        check("ldp,c2c-pairing", Some(&["ldp", "c2c-pairing"]));
        check("none", Some(&[]));
        check("", None);
        check("ldp,none", None);
        check("warp", None);
    }
}
