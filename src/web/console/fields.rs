//! [`Fields`]: what a form or a query says.

use std::str::FromStr;
use std::time::Duration;

use crate::protocol::keys::RotUid;
use crate::protocol::message::Feature;
use crate::service::Plan;
use crate::web::error::ApiError;

/// Names with their values, in the order they came; a name may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of `application/x-www-form-urlencoded`.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The value of a name without white space around it; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The same; none where it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Every value of a name.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.trim())
    }

    /// A value of any type, where one is given; `what` names it to the user.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, ApiError> {
        let wrong = || refused(format!("{:?} is not {what}", shortened(self.get(name))));
        self.given(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
    }

    /// A root of trust, where one is given.
    pub(super) fn rot(&self, name: &str) -> Result<Option<RotUid>, ApiError> {
        self.parsed(name, "a root of trust, which is 16 hex digits")
    }

    /// Roots of trust, apart by spaces, commas or line ends: all of them, or it is refused.
    pub(super) fn rots(&self, name: &str, max: usize) -> Result<Vec<RotUid>, ApiError> {
        let is_between = |c: char| c.is_whitespace() || c == ',' || c == ';';
        let mut rots = Vec::new();
        for word in self.get(name).split(is_between).filter(|word| !word.is_empty()) {
            let wrong = || {
                let word = shortened(word);
                refused(format!("{word:?} is not a root of trust, which is 16 hex digits; nothing was done"))
            };
            rots.push(word.parse().map_err(|_| wrong())?);
            if rots.len() > max {
                return Err(refused(format!("at most {max} roots of trust at a time; nothing was done")));
            }
        }
        if rots.is_empty() { Err(refused("there is no root of trust in it")) } else { Ok(rots) }
    }

    /// A whole number within limits; 0 where none is given.
    pub(super) fn number(&self, name: &str, what: &str, max: u32) -> Result<u32, ApiError> {
        let number: u32 = self.parsed(name, "a whole number")?.unwrap_or_default();
        let wrong = || refused(format!("{what} is 0 to {max}"));
        (number <= max).then_some(number).ok_or_else(wrong)
    }

    /// A time as `7d` or `12h`.
    pub(super) fn duration(&self, name: &str) -> Result<Duration, ApiError> {
        let text = self.get(name);
        let wrong = || refused(format!("{:?} is not a time like 7d, 12h or 5m", shortened(text)));
        humantime::parse_duration(text).map_err(|_| wrong())
    }

    /// A heartbeat period in seconds; its limits are the service's.
    pub(super) fn period_s(&self, name: &str) -> Result<u32, ApiError> {
        Ok(u32::try_from(self.duration(name)?.as_secs()).unwrap_or(u32::MAX))
    }

    /// A price plan; the usual one where none is given.
    pub(super) fn plan(&self) -> Result<Plan, ApiError> {
        Ok(self.parsed("plan", "a price plan")?.unwrap_or_default())
    }

    /// Every feature that was ticked.
    pub(super) fn features(&self) -> Result<Vec<Feature>, ApiError> {
        self.all("feature").map(feature).collect()
    }

    /// Whether a box was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// As a query, with one value changed.
    pub(super) fn query_with(&self, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let others =
            self.0.iter().filter(|(found, value)| found != name && found != "done" && !value.is_empty());
        for (found, value) in others {
            query.append_pair(found, value);
        }
        query.append_pair(name, value).finish()
    }
}

/// A feature by its name.
pub(super) fn feature(name: &str) -> Result<Feature, ApiError> {
    let wrong = || refused(format!("{:?} is not a feature", shortened(name)));
    Feature::ALL.into_iter().find(|feature| feature.name() == name).ok_or_else(wrong)
}

/// What was filled in is wrong.
pub(super) fn refused(message: impl Into<String>) -> ApiError {
    ApiError::bad_request(message, "")
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let fields = Fields::parse(b"name=+P%C3%BCmpen+&feature=ldp&feature=ztp&empty=&odd");
        assert_eq!((fields.get("name"), fields.given("empty"), fields.get("none")), ("Pümpen", None, ""));
        assert_eq!(fields.all("feature").collect::<Vec<_>>(), ["ldp", "ztp"]);
        assert_eq!(fields.features().map(|features| features.len()), Ok(2));
        assert!(!fields.is_ticked("odd") && fields.is_ticked("name"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let check = |text: &str, fine: bool| {
            let fields = Fields::parse(text.as_bytes());
            let read = fields
                .rot("rot")
                .and(fields.number("loss", "Loss", 100))
                .and(fields.features().map(drop))
                .and(fields.plan().map(drop));
            assert_eq!(read.is_ok(), fine, "{text}");
        };
        check("", true);
        check("rot=0a04f008003c9623&loss=100&feature=ldp&plan=flex", true);
        check("rot=0a04", false);
        check("loss=101", false);
        check("loss=-1", false);
        check("feature=warp", false);
        check("plan=gold", false);
        let period = |text: &str| Fields::parse(text.as_bytes()).period_s("period").ok();
        assert_eq!(period("period=7d"), Some(604_800));
        assert_eq!(period("period=soon"), None);
        assert_eq!(period(""), None);
    }

    #[test]
    fn roots_of_trust_are_taken_all_or_none() {
        let check = |text: &str, expected: Option<usize>| {
            let fields = Fields(vec![("rots".to_owned(), text.to_owned())]);
            assert_eq!(fields.rots("rots", 3).ok().map(|rots| rots.len()), expected, "{text}");
        };
        check("0a04f008003c9623", Some(1));
        check(" 0a04f008003c9623,0A04F008003C9624;\r\n0a04f008003c9625 ", Some(3));
        check("0a04f008003c9623 nonsense", None);
        check(" , ", None);
        check(&"0a04f008003c9623 ".repeat(4), None);
    }

    #[test]
    fn a_query_is_carried_on_without_what_was_said_once() {
        let fields = Fields::parse(b"q=a%26b&done=key&state=&page=2");
        assert_eq!(fields.query_with("page", "3"), "q=a%26b&page=3");
    }
}
