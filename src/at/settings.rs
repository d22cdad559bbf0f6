//! What V.250 and `+CMEE` set on one port.

use serde::{Deserialize, Serialize};

use super::CmeError;

/// The settings of one port's interpreter, as `AT&W` stores and `AT&V` shows them.
///
/// Field names are those of V.250's parameters; a comment gives the command, defaults are those of
/// [`Settings::factory`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `E`: what arrives in command state is sent back. Default on.
    pub echo: bool,
    /// `Q`: result codes, unsolicited ones too, are suppressed. Default off.
    pub quiet: bool,
    /// `V`: result codes are words, with full headers and trailers. Default on.
    pub verbose: bool,
    /// `X`: which call progress result codes there are, 0–4. Default 4.
    pub call_progress: u8,
    /// `&C`: what circuit 109 (DCD) follows, 0–1. Default 1.
    pub circuit_109: u8,
    /// `&D`: what a drop of circuit 108/2 (DTR) does, 0–2. Default 1.
    pub circuit_108: u8,
    /// `&K`: flow control, 0 or 3–6. Default 3, RTS/CTS.
    pub flow_control: u8,
    /// `&S`: what circuit 107 (DSR) follows, 0–1. Default 1.
    pub circuit_107: u8,
    /// `+CMEE`: 0 `ERROR`, 1 numbers, 2 texts.
    pub cmee: u8,
    /// The S-registers.
    pub registers: Registers,
}

/// The S-registers a SARA module has. All but S3, S4 and S5 are stored for the DTE and have no
/// effect on the language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registers {
    /// S0: rings before an automatic answer, 0 is never.
    pub auto_answer_rings: u8,
    /// S2: the escape character of `+++`.
    pub escape_character: u8,
    /// S3: the command line termination character, 0–127.
    pub line_termination: u8,
    /// S4: the response formatting character, 0–127.
    pub response_formatting: u8,
    /// S5: the command line editing character, 0–127.
    pub line_editing: u8,
    /// S6: seconds before blind dialling.
    pub blind_dial_s: u8,
    /// S7: seconds to wait for a connection, 1–255.
    pub connection_timeout_s: u8,
    /// S8: seconds a comma in a dial string pauses.
    pub comma_pause_s: u8,
    /// S10: tenths of a second from carrier loss to disconnection, 1–254.
    pub disconnect_delay_ds: u8,
    /// S12: guard time around `+++`, in fiftieths of a second.
    pub escape_guard_20ms: u8,
}

impl Settings {
    /// The settings of a new module, and of `AT&F`; `cmee` is the profile's `+CMEE` default.
    pub fn factory(cmee: u8) -> Self {
        Self {
            echo: true,
            quiet: false,
            verbose: true,
            call_progress: 4,
            circuit_109: 1,
            circuit_108: 1,
            flow_control: 3,
            circuit_107: 1,
            cmee,
            registers: Registers::factory(),
        }
    }

    /// `&K3`, `&K6`: RTS and CTS. `designed` for 6, which some makers read so.
    pub fn has_hardware_flow_control(&self) -> bool {
        matches!(self.flow_control, 3 | 6)
    }

    /// `&K4`, `&K5`, `&K6`: XON and XOFF. `designed` for 5 and 6, which some makers read so.
    pub fn has_software_flow_control(&self) -> bool {
        matches!(self.flow_control, 4..=6)
    }

    /// The value of S-register `number`, where the module has it.
    pub fn register(&self, number: u8) -> Option<u8> {
        self.registers.clone().entry(number).map(|(value, _)| *value)
    }

    /// Sets S-register `number`.
    ///
    /// # Errors
    /// [`CmeError::OPERATION_NOT_SUPPORTED`] for a register the module has not,
    /// [`CmeError::INCORRECT_PARAMETERS`] for a value out of its range.
    pub fn set_register(&mut self, number: u8, value: u8) -> Result<(), CmeError> {
        let (place, range) = self.registers.entry(number).ok_or(CmeError::OPERATION_NOT_SUPPORTED)?;
        if !range.contains(&value) {
            return Err(CmeError::INCORRECT_PARAMETERS);
        }
        *place = value;
        Ok(())
    }
}

impl Registers {
    /// The numbers of all registers, ascending.
    pub const NUMBERS: [u8; 10] = [0, 2, 3, 4, 5, 6, 7, 8, 10, 12];

    fn factory() -> Self {
        Self {
            auto_answer_rings: 0,
            escape_character: b'+',
            line_termination: b'\r',
            response_formatting: b'\n',
            line_editing: 8,
            blind_dial_s: 2,
            connection_timeout_s: 60,
            comma_pause_s: 2,
            disconnect_delay_ds: 1,
            escape_guard_20ms: 50,
        }
    }

    fn entry(&mut self, number: u8) -> Option<(&mut u8, std::ops::RangeInclusive<u8>)> {
        Some(match number {
            0 => (&mut self.auto_answer_rings, 0..=255),
            2 => (&mut self.escape_character, 0..=255),
            3 => (&mut self.line_termination, 0..=127),
            4 => (&mut self.response_formatting, 0..=127),
            5 => (&mut self.line_editing, 0..=127),
            6 => (&mut self.blind_dial_s, 0..=255),
            7 => (&mut self.connection_timeout_s, 1..=255),
            8 => (&mut self.comma_pause_s, 0..=255),
            10 => (&mut self.disconnect_delay_ds, 1..=254),
            12 => (&mut self.escape_guard_20ms, 0..=255),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_set_within_their_range_only() {
        let check = |number, value, expected: Result<(), CmeError>| {
            let mut settings = Settings::factory(0);
            assert_eq!(settings.set_register(number, value), expected, "S{number}={value}");
            let changed = settings.register(number) == Some(value);
            assert_eq!(changed, expected.is_ok(), "S{number}={value}");
        };
        check(3, 127, Ok(()));
        check(3, 128, Err(CmeError::INCORRECT_PARAMETERS));
        check(0, 255, Ok(()));
        check(7, 0, Err(CmeError::INCORRECT_PARAMETERS));
        check(1, 0, Err(CmeError::OPERATION_NOT_SUPPORTED));
        check(255, 0, Err(CmeError::OPERATION_NOT_SUPPORTED));
    }

    #[test]
    fn every_numbered_register_exists() {
        let settings = Settings::factory(2);
        assert!(
            (0..=255).all(|number| {
                settings.register(number).is_some() == Registers::NUMBERS.contains(&number)
            })
        );
    }

    #[test]
    fn settings_survive_a_file() {
        let settings = Settings { echo: false, ..Settings::factory(2) };
        let text = toml::to_string(&settings).expect("settings are plain values");
        assert_eq!(toml::from_str::<Settings>(&text), Ok(settings), "{text}");
    }
}
