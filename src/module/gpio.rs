//! General purpose pins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::module::Module;

/// `<gpio_mode>`: the pin follows `+UGPIOW`.
pub const OUTPUT: u8 = 0;
/// `<gpio_mode>`: the pin is read by `+UGPIOR`.
pub const INPUT: u8 = 1;
/// `<gpio_mode>` from the factory: nothing.
pub const DISABLED: u8 = 255;

/// Functions of the pins that are not disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GpioNvm {
    /// One entry a pin.
    pub pins: Vec<Pin>,
}

/// A pin that has a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// `<gpio_id>`.
    pub id: u8,
    /// `<gpio_mode>`.
    pub mode: u8,
    /// The level of an output after power-on, the pull of an input: 0 none, 1 up, 2 down.
    pub value: u8,
}

/// Levels that `+UGPIOW` set, in RAM.
pub type Levels = BTreeMap<u8, bool>;

impl Module {
    /// The function of a pin.
    pub fn pin(&self, id: u8) -> Pin {
        let found = self.nvm.gpio.pins.iter().find(|pin| pin.id == id);
        found.copied().unwrap_or(Pin { id, mode: DISABLED, value: 0 })
    }

    /// `AT+UGPIOC`: gives a pin a function; false where another one has it already.
    pub fn request_pin_function(&mut self, pin: Pin) -> bool {
        let shared = matches!(pin.mode, OUTPUT | INPUT | DISABLED);
        if !shared && self.nvm.gpio.pins.iter().any(|other| other.id != pin.id && other.mode == pin.mode) {
            return false;
        }
        self.levels.remove(&pin.id);
        self.change_settings(|nvm| {
            nvm.gpio.pins.retain(|other| other.id != pin.id);
            if pin.mode != DISABLED {
                nvm.gpio.pins.push(pin);
                nvm.gpio.pins.sort_by_key(|pin| pin.id);
            }
        });
        true
    }

    /// `AT+UGPIOR`: the level of an input or output. At an input there is nothing but its pull.
    pub fn level(&self, id: u8) -> Option<bool> {
        let pin = self.pin(id);
        match pin.mode {
            OUTPUT => Some(self.levels.get(&id).copied().unwrap_or(pin.value == 1)),
            INPUT => Some(pin.value == 1),
            _ => None,
        }
    }

    /// `AT+UGPIOW`: sets an output; false where the pin is none.
    pub fn request_level(&mut self, id: u8, level: bool) -> bool {
        let output = self.pin(id).mode == OUTPUT;
        if output {
            self.levels.insert(id, level);
        }
        output
    }
}
