//! From a recording to a scenario: [`transcribe`].
//!
//! | file | what it holds |
//! |---|---|
//! | `dialogue` | from bytes to what was said |
//! | `wording` | from what was said to statements |

mod dialogue;
mod wording;

use self::dialogue::{Dialogue, Said};
use super::recording::Recording;
use super::script::{SCRIPT_LEN_MAX, STATEMENTS_MAX};
use crate::profile::{self, Profile};
use crate::time::Timestamp;

/// The profile of a module that did not say what it is.
const GUESS: &str = "sara-r510s";

/// Room for the last comment of a scenario that is full, in bytes.
const TAIL_LEN: usize = 200;

/// Where a recording is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The serial port.
    pub port: String,
    /// When it began.
    pub began: Timestamp,
    /// The host program that was run for it.
    pub program: Option<String>,
}

/// Writes a recording as a scenario. Whatever passed on the line, the text is one.
pub fn transcribe(recording: &Recording, origin: &Origin) -> String {
    let said = Dialogue::read(recording.chunks());
    let mut text = head(origin, &said);
    let first = text.lines().count();
    let mut is_cut = recording.is_cut();
    for (number, statement) in (first..).zip(said.iter().flat_map(wording::statements)) {
        let room = SCRIPT_LEN_MAX - TAIL_LEN - text.len();
        if statement.len() >= room || number == STATEMENTS_MAX {
            is_cut = true;
            break;
        }
        text.push_str(&statement);
        text.push('\n');
    }
    if is_cut {
        text.push_str("# More passed on the line than is kept.\n");
    }
    text
}

fn head(origin: &Origin, said: &[Said]) -> String {
    let Origin { port, began, program } = origin;
    let by = program.as_ref().map_or(String::new(), |program| format!(" by {}", comment(program)));
    let known = identity(said);
    let (profile, why) = match known {
        Some((profile, line)) => (profile, format!("The module says it is a {line}.")),
        None => (GUESS, "The module does not say what it is: its profile is a guess.".to_owned()),
    };
    let mut head = format!(
        "# Recorded by vsara record on {}, {began}{by}.\n\
         # Echo is left out and times are rounded. Put * for what is not the same every time.\n\
         # {why}\n\
         modem dut {profile}\n",
        comment(port),
    );
    for uid in device_profiles(said) {
        head.push_str(&format!("device-profile \"{uid}\"\n"));
    }
    head.push('\n');
    head
}

/// Text from outside in one line, and not endless.
fn comment(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The built-in profile of the module by what it answered, and that answer: a type number (`ATI`)
/// rather than a model (`AT+CGMM`).
fn identity(said: &[Said]) -> Option<(&'static str, String)> {
    let profiles: Vec<_> =
        profile::list().filter_map(|(name, _)| Some((name, Profile::built_in(name)?.identity))).collect();
    let mut found = None;
    for line in said.iter().filter_map(answer) {
        if let Some((name, _)) = profiles.iter().find(|(_, identity)| identity.type_number == line) {
            return Some((name, line.to_owned()));
        }
        // Another version of a known type, or its model: the first in the list stands for them.
        let is_of = |model: &str| {
            line.strip_prefix(model).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let model = profiles.iter().find(|(_, identity)| is_of(&identity.model));
        found = found.or(model.map(|(name, _)| (*name, line.to_owned())));
    }
    found
}

fn answer(said: &Said) -> Option<&str> {
    match said {
        Said::Answer(line) => std::str::from_utf8(line).ok(),
        _ => None,
    }
}

/// DeviceProfileUIDs the module was sealed with: the service has to know them.
fn device_profiles(said: &[Said]) -> Vec<String> {
    let mut uids: Vec<String> = Vec::new();
    for said in said {
        let Said::Command(text) = said else { continue };
        let text = String::from_utf8_lossy(text);
        let Some(at) = text.to_ascii_uppercase().find("+USECDEVINFO=\"") else { continue };
        let uid: String = text[at..].split('"').nth(1).unwrap_or_default().to_owned();
        let is_uid = uid.len() == 22 && uid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_uid && !uids.contains(&uid) {
            uids.push(uid);
        }
    }
    uids
}

#[cfg(test)]
mod tests;
