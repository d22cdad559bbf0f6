//! The character set of the TE, and text in it.

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::settings::CharacterSet;

/// What the character sets are called.
const NAMES: [(&str, CharacterSet); 3] =
    [("GSM", CharacterSet::Gsm), ("IRA", CharacterSet::Ira), ("UCS2", CharacterSet::Ucs2)];

/// `+CSCS`, select TE character set (3GPP 27.007 §5.5).
///
/// | form | response |
/// |---|---|
/// | `AT+CSCS="<chset>"` | |
/// | `AT+CSCS?` | `+CSCS: "<chset>"` |
/// | `AT+CSCS=?` | `+CSCS: ("GSM","IRA","UCS2")` |
///
/// Names of operators stand in it; digits and the text of errors do not. `IRA` from the factory,
/// kept by `AT&W`: `designed`. That hosts need `UCS2` in the list: driver.
pub(super) fn select(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let name = args.string(NAME_LEN_MAX)?;
            args.finish()?;
            let named = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
            context.interface.character_set = named.ok_or(CmeError::OPERATION_NOT_SUPPORTED)?.1;
            Ok(Reply::OK)
        }
        Form::Read => {
            let set = context.interface.character_set;
            let name = NAMES.iter().find(|(_, known)| *known == set).map_or("", |(name, _)| name);
            Ok(Reply::line(format!("+CSCS: \"{name}\"")))
        }
        Form::Test => {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            Ok(Reply::line(format!("+CSCS: ({})", names.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// Longer than any name in [`NAMES`].
const NAME_LEN_MAX: usize = 8;

/// ASCII text as it stands on the line. Letters, digits and blanks are the same in GSM and IRA.
pub(super) fn encode(text: &str, set: CharacterSet) -> String {
    match set {
        CharacterSet::Gsm | CharacterSet::Ira => text.to_owned(),
        CharacterSet::Ucs2 => text.encode_utf16().map(|unit| format!("{unit:04X}")).collect(),
    }
}

/// Text from the line, `None` where it is not in this character set.
pub(super) fn decode(text: &str, set: CharacterSet) -> Option<String> {
    match set {
        CharacterSet::Gsm | CharacterSet::Ira => Some(text.to_owned()),
        CharacterSet::Ucs2 => {
            let units = text.as_bytes().chunks(4).map(code_unit).collect::<Option<Vec<_>>>()?;
            String::from_utf16(&units).ok()
        }
    }
}

fn code_unit(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits).ok()?;
    let all_hex = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}
