//! Rewrites the expected lines of a script to what the module really says.
//!
//! One line is mended at a time, and the script is played anew, so that everything behind it sees
//! what it would see. Only lines `NAME< text` change: what is asserted of devices and events does
//! not, and neither do prompts and silences.

use crate::scenario::player::{Failure, Problem};
use crate::scenario::report::{PlayOptions, Verdict, play};
use crate::scenario::script::{Script, ScriptError, What, escape};
use crate::scenario::stage::Library;

/// What was blessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blessed {
    /// The text with its expected lines rewritten; as it was where nothing had to be.
    pub text: String,
    /// How many lines changed.
    pub changes: usize,
    /// Why it does not pass even so; none where it does.
    pub left: Option<Box<Failure>>,
}

/// Rewrites the expected lines of a script.
///
/// # Errors
/// The text is no script.
pub fn bless(
    text: &str,
    file: &str,
    options: PlayOptions,
    library: &dyn Library,
) -> Result<Blessed, ScriptError> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    // Each change mends one line for good, or brings one that was not there.
    let changes_max = 4 * lines.len() + 64;
    let mut before: Option<Blessed> = None;
    for changes in 0..=changes_max {
        let text = lines.join("\n");
        let script = match (Script::parse(&text, file), before) {
            (Ok(script), _) => script,
            // A line that was mended had captured what another needs: it stays as it was.
            (Err(_), Some(before)) => return Ok(before),
            (Err(error), None) => return Err(error),
        };
        let left = match play(&script, file, options, library).verdict {
            Verdict::Failed(failure) => failure,
            _ => return Ok(Blessed { text, changes, left: None }),
        };
        let mended = mend(&mut lines, &script, &left);
        let blessed = Blessed { text, changes, left: Some(left) };
        if changes == changes_max || !mended {
            return Ok(blessed);
        }
        before = Some(blessed);
    }
    Ok(Blessed { text: text.to_owned(), changes: 0, left: None })
}

/// Mends the line that failed; whether that could be done.
fn mend(lines: &mut Vec<String>, script: &Script, failure: &Failure) -> bool {
    let expects = script
        .statements
        .iter()
        .any(|statement| statement.line == failure.line && matches!(statement.what, What::Expect(..)));
    let Some(at) = failure.line.checked_sub(1).filter(|at| expects && *at < lines.len()) else {
        return false;
    };
    match &failure.problem {
        // Nothing comes any more: the line is not there.
        Problem::Nothing { seen: None, .. } => drop(lines.remove(at)),
        Problem::Line { seen, stale_at, .. } => {
            let line = expectation(&lines[at], seen);
            match stale_at.and_then(|line| line.checked_sub(1)).filter(|sender| *sender < at) {
                // It was there before something else was sent: that is where it belongs.
                Some(sender) => lines.insert(sender, line),
                None => lines[at] = line,
            }
        }
        _ => return false,
    }
    true
}

/// `NAME< text` with another text, indented as before.
fn expectation(line: &str, seen: &[u8]) -> String {
    let head = line.split_once('<').map_or("", |(head, _)| head);
    let end = if line.ends_with('\r') { "\r" } else { "" };
    format!("{head}< {}{end}", escape(seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BuiltIn;

    fn check(text: &str, expected: &str, passes: bool) {
        let blessed = bless(text, "test.at", PlayOptions::default(), &BuiltIn).expect("a script");
        assert_eq!(blessed.text, expected);
        assert_eq!(blessed.left.is_none(), passes, "{:?}", blessed.left);
    }

    #[test]
    fn expected_lines_become_what_the_module_says() {
        check(
            "modem dut sara-r510s\n  dut> AT+CMEE?\n  dut< +CMEE: 7\ndut< OK\n",
            "modem dut sara-r510s\n  dut> AT+CMEE?\n  dut< +CMEE: 0\ndut< OK\n",
            true,
        );
        let fine = "modem dut sara-r510s\n# it fits\n> AT+CSQ\n< +CSQ: *\n< OK";
        check(fine, fine, true);
    }

    #[test]
    fn lines_too_few_and_too_many_are_mended() {
        check(
            "modem dut sara-r510s\n> AT+CMEE?\n< +CMEE: 0\n> AT+CGMI\n< u-blox\n",
            "modem dut sara-r510s\n> AT+CMEE?\n< +CMEE: 0\n< OK\n> AT+CGMI\n< u-blox\n",
            true,
        );
        check("modem dut sara-r510s\n> AT\n< OK\n< OK\n", "modem dut sara-r510s\n> AT\n< OK\n", true);
    }

    #[test]
    fn line_ends_stay_and_so_does_a_capture_that_is_needed() {
        check(
            "modem dut sara-r510s\r\n> AT+CGMI\r\n< v-blox\r\n< OK\r\n",
            "modem dut sara-r510s\r\n> AT+CGMI\r\n< u-blox\r\n< OK\r\n",
            true,
        );
        let needed = "modem dut sara-r510s\n> AT+CGMI\n< v{x}\n< OK\n> AT\n< ${x}\n";
        check(needed, needed, false);
    }

    #[test]
    fn what_is_asserted_is_never_rewritten() {
        let text = "modem dut sara-r510s\ndevice state=ACTIVE\n> AT\n< NO";
        check(text, text, false);
    }
}
