//! The values of requests and answers: what is refused is refused while it is read, and the
//! document says the same.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::protocol::certificate::AUTHORITY_NAME_LEN_MAX;
use crate::protocol::keys::RotUid;
use crate::protocol::keys::e2e::{E2eHeader, NotAHeader};
use crate::protocol::keys::psk::{NotAPskId, PskId};
use crate::protocol::message::Feature;
use crate::service::authority::{Authority, VALIDITY_DAYS_MAX};
use crate::service::campaign::Outcome;
use crate::service::device::DeviceState;
use crate::service::domain::{TITLE_LEN_MAX, is_title};
use crate::service::event::EventKind;
use crate::service::operator::{HEARTBEAT_PERIOD_MAX_S, HEARTBEAT_PERIOD_MIN_S};
use crate::service::store::Window;
use crate::service::{OperatorError, Plan};
use crate::time::Timestamp;
use crate::web::limits::{PAGE_LEN, PAGE_LEN_MAX};

/// Longest text to search for, in characters.
const SEARCH_LEN_MAX: usize = 64;

/// Longest name that is looked for, in characters.
const GIVEN_NAME_LEN_MAX: usize = 100;

/// A root of trust public UID: 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct Rot(pub(in crate::web) RotUid);

/// A security feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct FeatureName(pub(in crate::web) Feature);

/// A price plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct PlanName(pub(in crate::web) Plan);

/// A sort of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct KindName(pub(in crate::web) EventKind);

/// What became of a campaign on a Thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct OutcomeName(pub(in crate::web) Outcome);

/// The state of a Thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct StateName(pub(in crate::web) DeviceState);

/// A moment, RFC 3339; answers are in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct Moment(pub(in crate::web) Timestamp);

/// What a person calls something: 1 to 100 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct Title(pub(in crate::web) String);

/// The common name of a private CA: 1 to 32 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct AuthorityName(pub(in crate::web) String);

/// A time in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Whole")]
pub(in crate::web) struct Days(pub(in crate::web) u32);

/// Text to search for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct SearchText(pub(in crate::web) String);

/// A security heartbeat period, in seconds: five minutes to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Whole")]
pub(in crate::web) struct HeartbeatPeriod(pub(in crate::web) u32);

/// How many entries to leave out in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Whole")]
pub(in crate::web) struct Offset(u32);

/// How many entries to give at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Whole")]
pub(in crate::web) struct Count(u32);

/// A name the service gave: a DeviceProfileUID, an APIKey; or a domain's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct GivenName(pub(in crate::web) String);

/// The identity of a pre-shared key, in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct PskIdentityText(pub(in crate::web) PskId);

/// What stands before a message that a module has protected, in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::web) struct UplinkHeaderText(pub(in crate::web) E2eHeader);

/// A whole number, however it is written: to JSON `1` and `1.0` are one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Whole(pub(in crate::web) u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl serde::de::Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Whole, E> {
        let unexpected = serde::de::Unexpected::Unsigned(value);
        u32::try_from(value).map(Whole).map_err(|_| E::invalid_value(unexpected, &self))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Whole, E> {
        Err(E::invalid_value(serde::de::Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Whole, E> {
        let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
        let wrong = || E::invalid_value(serde::de::Unexpected::Float(value), &self);
        fits.then_some(Whole(value as u32)).ok_or_else(wrong)
    }
}

/// The part of a list that is asked for.
pub(in crate::web) fn window(offset: Option<Offset>, count: Option<Count>) -> Window {
    let offset = offset.map_or(0, |offset| offset.0 as usize);
    Window { offset, count: count.map_or(PAGE_LEN, |count| count.0 as usize) }
}

impl TryFrom<String> for StateName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let state = DeviceState::from_name(&text).map(Self);
        state.ok_or("a state is BOOTSTRAPPING, UNOWNED, ACTIVE, ALLOCATED or SUSPENDED")
    }
}

impl Serialize for StateName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl TryFrom<String> for Title {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("a name is 1 to {TITLE_LEN_MAX} characters on one line");
        is_title(&text).then_some(Self(text)).ok_or_else(wrong)
    }
}

impl TryFrom<String> for SearchText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fine =
            (1..=SEARCH_LEN_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let wrong = || format!("a search is for 1 to {SEARCH_LEN_MAX} characters");
        fine.then_some(Self(text)).ok_or_else(wrong)
    }
}

impl TryFrom<String> for GivenName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fine = text.chars().count() <= GIVEN_NAME_LEN_MAX;
        fine.then_some(Self(text)).ok_or_else(|| format!("a name is at most {GIVEN_NAME_LEN_MAX} characters"))
    }
}

impl TryFrom<String> for PskIdentityText {
    type Error = NotAPskId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        PskId::decode(&hex::decode(text).map_err(|_| NotAPskId)?).map(Self)
    }
}

impl TryFrom<String> for UplinkHeaderText {
    type Error = NotAHeader;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match E2eHeader::decode(&hex::decode(text).map_err(|_| NotAHeader)?)? {
            E2eHeader::Downlink { .. } => Err(NotAHeader),
            uplink => Ok(Self(uplink)),
        }
    }
}

impl TryFrom<Whole> for HeartbeatPeriod {
    type Error = String;

    fn try_from(Whole(period_s): Whole) -> Result<Self, Self::Error> {
        let (min, max) = (HEARTBEAT_PERIOD_MIN_S, HEARTBEAT_PERIOD_MAX_S);
        let wrong = || format!("a heartbeat period is {min} to {max} seconds");
        (min..=max).contains(&period_s).then_some(Self(period_s)).ok_or_else(wrong)
    }
}

impl TryFrom<String> for AuthorityName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fine = Authority::is_name(&text);
        fine.then_some(Self(text)).ok_or_else(|| OperatorError::AuthorityName.to_string())
    }
}

impl TryFrom<Whole> for Days {
    type Error = String;

    fn try_from(Whole(days): Whole) -> Result<Self, Self::Error> {
        let fine = (1..=VALIDITY_DAYS_MAX).contains(&days);
        fine.then_some(Self(days)).ok_or_else(|| OperatorError::Validity.to_string())
    }
}

impl TryFrom<Whole> for Offset {
    type Error = String;

    fn try_from(Whole(offset): Whole) -> Result<Self, Self::Error> {
        let max = i32::MAX;
        (offset <= max as u32).then_some(Self(offset)).ok_or_else(|| format!("an offset is 0 to {max}"))
    }
}

impl TryFrom<Whole> for Count {
    type Error = String;

    fn try_from(Whole(count): Whole) -> Result<Self, Self::Error> {
        let fine = (1..=PAGE_LEN_MAX).contains(&(count as usize));
        fine.then_some(Self(count)).ok_or_else(|| format!("a count is 1 to {PAGE_LEN_MAX}"))
    }
}

/// Gives a type its schema.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema.build()))
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn one_of<'a>(description: &str, names: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    text(description).enum_values(Some(names.into_iter().collect::<Vec<_>>()))
}

fn number(description: &str, min: u32, max: u32) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .description(Some(description))
        .minimum(Some(f64::from(min)))
        .maximum(Some(f64::from(max)))
}

schema!(
    Rot,
    "ROTPublicUID",
    text("A root of trust public UID.").pattern(Some("^[0-9A-Fa-f]{16}$")).examples(["0a04f008003c9623"])
);
schema!(FeatureName, "Feature", one_of("A security feature.", Feature::ALL.iter().map(|it| it.name())));
schema!(PlanName, "Plan", one_of("A price plan.", Plan::all().map(|plan| plan.facts().name)));
schema!(KindName, "EventKind", one_of("A sort of events.", EventKind::ALL.iter().map(|it| it.name())));
schema!(
    OutcomeName,
    "CampaignOutcome",
    one_of("What became of a campaign on a Thing.", Outcome::ALL.iter().map(|it| it.name()))
);
schema!(StateName, "State", one_of("The state of a Thing.", DeviceState::ALL.iter().map(|it| it.name())));
schema!(
    Moment,
    "Time",
    text("A moment, RFC 3339; answers are in UTC.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples(["2026-01-01T00:00:00Z"])
);
schema!(
    Title,
    "Name",
    text("What a person calls something: on one line, and not only spaces.")
        .min_length(Some(1))
        .max_length(Some(TITLE_LEN_MAX))
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00-\x1f\x7f-\x9f]*$"))
        .examples(["pumps"])
);
schema!(
    SearchText,
    "SearchText",
    text("Part of a ROTPublicUID or of a serial number; capitals are as good as small letters.")
        .min_length(Some(1))
        .max_length(Some(SEARCH_LEN_MAX))
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"))
);
schema!(
    GivenName,
    "GivenName",
    text("A name that was given: a UID, an APIKey, a domain.").max_length(Some(GIVEN_NAME_LEN_MAX))
);
schema!(
    PskIdentityText,
    "PSKIdentity",
    text("The identity of a pre-shared key, as AT+USECPSK says it.")
        .pattern(Some("^1101[0-9A-Fa-f]{24}$"))
        .examples(["1101f008003c9623000180000001"])
);
schema!(
    UplinkHeaderText,
    "EncryptedHeader",
    text("The key identity: what stands before a message of AT+USECE2EDATAENC. 16 bytes, 11 in version 2.")
        .pattern(Some("^(1101[0-9A-Fa-f]{24}0000|2[0-9A-Fa-f]{21})$"))
        .examples(["1101f008003c96230001000000010000"])
);
schema!(
    HeartbeatPeriod,
    "HeartbeatPeriod",
    number("A security heartbeat period, in seconds.", HEARTBEAT_PERIOD_MIN_S, HEARTBEAT_PERIOD_MAX_S)
        .examples([604_800])
);
schema!(
    AuthorityName,
    "CAName",
    text("The common name of a private CA: printable ASCII, with no space at its ends.")
        .min_length(Some(1))
        .max_length(Some(AUTHORITY_NAME_LEN_MAX))
        .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
        .examples(["pumps"])
);
schema!(Days, "Days", number("A time in days.", 1, VALIDITY_DAYS_MAX).examples([365]));
schema!(Offset, "Offset", number("How many entries to leave out in front; 0.", 0, i32::MAX as u32));
schema!(Count, "Count", number("How many entries to give at most; 100.", 1, PAGE_LEN_MAX as u32));

#[cfg(test)]
mod tests {
    use super::*;

    fn reads<T: for<'a> Deserialize<'a>>(text: &str) -> bool {
        serde_json::from_str::<T>(text).is_ok()
    }

    #[test]
    fn values_are_checked_while_they_are_read() {
        let check = |read: bool, expected: bool, what: &str| assert_eq!(read, expected, "{what}");
        check(reads::<Rot>("\"0a04f008003c9623\""), true, "rot");
        check(reads::<Rot>("\"0A04F008003C9623\""), true, "rot in capitals");
        check(reads::<Rot>("\"0a04\""), false, "short rot");
        check(reads::<Rot>("16"), false, "no text");
        check(reads::<PskIdentityText>("\"1101f008003c9623000180000001\""), true, "identity");
        check(reads::<PskIdentityText>("\"1101F008003C9623000180000001\""), true, "identity in capitals");
        check(reads::<PskIdentityText>("\"1101f008003c962300018000000\""), false, "odd");
        check(reads::<PskIdentityText>("\"1101f008003c96230001800000\""), false, "short identity");
        check(reads::<PskIdentityText>("\"1201f008003c9623000180000001\""), false, "another version");
        check(reads::<PskIdentityText>("\"\""), false, "no identity");
        check(reads::<UplinkHeaderText>("\"1101f008003c96230001000000010000\""), true, "header");
        check(reads::<UplinkHeaderText>("\"20f008003c962301000001\""), true, "header of version 2");
        check(reads::<UplinkHeaderText>("\"1102f008003c96230001000000010000\""), false, "downlink");
        check(reads::<UplinkHeaderText>("\"20f008003c96230100000\""), false, "odd header");
        check(reads::<UplinkHeaderText>("\"1101f008003c96230001000000010001\""), false, "no zeros behind");
        check(reads::<FeatureName>("\"c2c-pairing\""), true, "feature");
        check(reads::<FeatureName>("\"LDP\""), false, "feature in capitals");
        check(reads::<PlanName>("\"gold\""), false, "plan");
        check(reads::<StateName>("\"ACTIVE\""), true, "state");
        check(reads::<StateName>("\"active\""), false, "state in small letters");
        check(reads::<HeartbeatPeriod>("300"), true, "period");
        check(reads::<HeartbeatPeriod>("299"), false, "short period");
        check(reads::<HeartbeatPeriod>("300.0"), true, "a whole number with a point");
        check(reads::<HeartbeatPeriod>("3e2"), true, "a whole number with an exponent");
        check(reads::<HeartbeatPeriod>("300.5"), false, "half a second");
        check(reads::<AuthorityName>("\"A b\""), true, "name of a CA");
        check(reads::<AuthorityName>("\" b\""), false, "a space in front");
        check(reads::<AuthorityName>("\"Größe\""), false, "not ASCII");
        check(reads::<AuthorityName>(&format!("\"{}\"", "a".repeat(33))), false, "a long name");
        check(reads::<Days>("0"), false, "no day");
        check(reads::<Days>("36500"), true, "a century");
        check(reads::<Days>("36501"), false, "more than a century");
        check(reads::<Offset>("1e300"), false, "far too far");
        check(reads::<HeartbeatPeriod>("\"300\""), false, "period in words");
        check(reads::<Count>("0"), false, "nothing");
        check(reads::<Count>("1001"), false, "too much");
        check(reads::<Offset>("-1"), false, "backwards");
        check(reads::<Offset>("2147483648"), false, "too far");
        check(reads::<Moment>("\"2026-01-01T00:00:00+01:00\""), true, "time");
        check(reads::<Moment>("\"yesterday\""), false, "no time");
        check(reads::<SearchText>("\"\""), false, "nothing to search for");
    }
}
