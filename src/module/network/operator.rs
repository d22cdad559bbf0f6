//! The networks there are to hear, where there is coverage. `designed`

use crate::profile::Rat;

/// An operator's network, as the module hears it.
#[derive(Debug, PartialEq, Eq)]
pub struct Operator {
    /// Numeric name: mobile country and network code (ITU-T E.212).
    pub plmn: &'static str,
    /// Long name.
    pub long: &'static str,
    /// Short name, at most 8 characters.
    pub short: &'static str,
    /// What the SIM is to it.
    pub standing: Standing,
    /// The technologies it has.
    pub rats: &'static [Rat],
    /// Location or tracking area code of its cell.
    pub area: u16,
    /// Identity of its cell, 28 bits.
    pub cell: u32,
    /// Physical identity of its cell.
    pub physical_cell: u16,
    /// Downlink channel (EARFCN) of its cell, in band 20.
    pub channel: u16,
}

/// What a SIM is to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its own.
    Home,
    /// A partner's: it may roam there.
    Partner,
    /// It is turned away.
    Forbidden,
}

/// Every network, in the order in which a module tries them. The first is the test network of
/// ITU-T E.212, which the SIM is from.
pub static OPERATORS: [Operator; 3] = [
    Operator {
        plmn: "00101",
        long: "vsara test network",
        short: "vsara",
        standing: Standing::Home,
        rats: &[Rat::LteM, Rat::NbIot, Rat::Gsm],
        area: 0x0001,
        cell: 0x01a2_d001,
        physical_cell: 101,
        channel: 6300,
    },
    Operator {
        plmn: "00102",
        long: "vsara roaming partner",
        short: "partner",
        standing: Standing::Partner,
        rats: &[Rat::LteM, Rat::NbIot, Rat::Gsm],
        area: 0x0102,
        cell: 0x01b3_e002,
        physical_cell: 202,
        channel: 6200,
    },
    Operator {
        plmn: "00103",
        long: "vsara closed network",
        short: "closed",
        standing: Standing::Forbidden,
        rats: &[Rat::LteM, Rat::Gsm],
        area: 0x0103,
        cell: 0x01c4_f003,
        physical_cell: 303,
        channel: 6400,
    },
];

impl Operator {
    /// Its name in `<format>` of `+COPS`: 0 long, 1 short, 2 numeric.
    pub fn name(&self, format: u8) -> &'static str {
        match format {
            0 => self.long,
            1 => self.short,
            _ => self.plmn,
        }
    }

    /// The network of this name.
    pub fn named(name: &str, format: u8) -> Option<&'static Self> {
        OPERATORS.iter().find(|operator| operator.name(format) == name)
    }

    /// Mobile country code, 3 digits.
    pub fn country(&self) -> &'static str {
        &self.plmn[..3]
    }

    /// Mobile network code, 2 digits.
    pub fn network(&self) -> &'static str {
        &self.plmn[3..]
    }
}
