//! What tests and the fuzzer check of any bytes taken for a scenario file.

use vsara::scenario::script::{Script, decode};

/// Reads the bytes as a scenario: it is one, or the error has a place in it and says what is allowed.
pub(crate) fn check(input: &[u8]) {
    let error = match decode(input.to_vec(), "any.at") {
        Ok(text) => match Script::parse(&text, "any.at") {
            Ok(script) => {
                let statements = text.lines().filter(|line| !line.trim().is_empty()).count();
                assert!(script.statements.len() <= statements, "one statement a line");
                return;
            }
            Err(error) => error,
        },
        Err(error) => error,
    };
    let lines = input.split(|byte| *byte == b'\n').count();
    assert!((1..=lines).contains(&error.line), "{error}: there are {lines} lines");
    assert!(error.column >= 1, "{error}");
    assert!(!error.message.is_empty(), "{error}");
}
