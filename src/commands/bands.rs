//! Chapter *Network service*, second part: MNO profile and bands.

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::configuration::BandMask;
use crate::profile::Rat;

/// `+UMNOPROF`, set MNO profile.
///
/// | form | response |
/// |---|---|
/// | `AT+UMNOPROF=<profile>` | |
/// | `AT+UMNOPROF?` | `+UMNOPROF: <profile>` |
///
/// Only while not registered; takes the bands back to the factory's, and on some switches PSM and
/// eDRX on. Under 3 the contexts of SARA-R5 are fixed, from the next boot on. Stored and shown only
/// otherwise. Kept at once. Source: manual, driver.
fn mno_profile(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let known = &context.module.profile().network.mno_profiles;
    match form {
        Form::Set(mut args) => {
            let number = args.number(0..=999u16)?;
            args.finish()?;
            if !known.contains(&number) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            only_deregistered(context)?;
            context.module.request_mno_profile(number);
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+UMNOPROF: {}", context.module.mno_profile()))),
        Form::Test => {
            let known: Vec<_> = known.iter().map(u16::to_string).collect();
            Ok(Reply::line(format!("+UMNOPROF: ({})", known.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// `+UBANDMASK`, band selection bitmask.
///
/// | form | response |
/// |---|---|
/// | `AT+UBANDMASK=<RAT>,<mask 1-64>[,<mask 65-128>]` | |
/// | `AT+UBANDMASK?` | `+UBANDMASK: <RAT>,<mask>[,<mask>][,<RAT>,<mask>[,<mask>]…]` |
///
/// `<RAT>` 0 LTE-M, 1 NB-IoT, 2 GSM. SARA-R5 shows the technology in use with both masks, SARA-R4
/// all of them, with the second masks where there are any.
/// Only while not registered. Stored and shown only: the network is heard on any band. Kept at
/// once. Source: AT manual UBX-17003787 R16, p. 67; driver.
fn band_mask(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let facts = &context.module.profile().network;
    match form {
        Form::Set(mut args) => {
            let code = args.number(0..=2u8)?;
            let rat = facts.rats.iter().map(|facts| facts.rat).find(|rat| band_code(*rat) == code);
            let rat = rat.ok_or(CmeError::INCORRECT_PARAMETERS)?;
            let low = args.number(0..=i64::MAX)?.cast_unsigned();
            let high = args.optional_number(0..=i64::MAX)?.unwrap_or(0).cast_unsigned();
            args.finish()?;
            let fits = if rat == Rat::Gsm { low & !GSM_BANDS == 0 && high == 0 } else { true };
            if !fits || (low, high) == (0, 0) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            only_deregistered(context)?;
            context.module.change_settings(|nvm| {
                nvm.configuration.bands.retain(|mask| mask.rat != rat);
                nvm.configuration.bands.push(BandMask { rat, low, high });
            });
            Ok(Reply::OK)
        }
        Form::Read => {
            let all = facts.bandmask_of_all_rats;
            let in_use = context.module.network().rat;
            let shown = facts.rats.iter().filter(|facts| all || facts.rat == in_use);
            let masks: Vec<_> = shown.map(|facts| context.module.band_mask(facts)).collect();
            Ok(Reply::line(format!("+UBANDMASK: {}", shown_masks(&masks, all))))
        }
        Form::Test => {
            let codes: Vec<_> = facts.rats.iter().map(|facts| band_code(facts.rat).to_string()).collect();
            let any = "0xffffffffffffffff";
            Ok(Reply::line(format!("+UBANDMASK: ({}),{any},{any}", codes.join(","))))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// Bits of 1800, 900, 850 and 1900 MHz. Source: AT manual UBX-17003787 R16, p. 67.
const GSM_BANDS: u64 = 1 << 8 | 1 << 9 | 1 << 20 | 1 << 22;

fn band_code(rat: Rat) -> u8 {
    match rat {
        Rat::LteM => 0,
        Rat::NbIot => 1,
        Rat::Gsm => 2,
    }
}

/// Hosts count the numbers to tell masks from technologies, so all technologies have a second mask,
/// or none: none where nobody uses it and the line is for all (driver). That of GSM is always 0.
fn shown_masks(masks: &[BandMask], of_all_rats: bool) -> String {
    let second = !of_all_rats || masks.iter().any(|mask| mask.high != 0);
    let shown = |mask: &BandMask| {
        let BandMask { rat, low, high } = mask;
        let code = band_code(*rat);
        if second { format!("{code},{low},{high}") } else { format!("{code},{low}") }
    };
    masks.iter().map(shown).collect::<Vec<_>>().join(",")
}

fn only_deregistered(context: &Context<'_>) -> Result<(), Failure> {
    match context.module.network().is_registered() {
        true => Err(CmeError::OPERATION_NOT_ALLOWED.into()),
        false => Ok(()),
    }
}

/// What is stored and shown only.
pub const STORED: &[Command] =
    &[Command { name: "+UMNOPROF", run: mno_profile }, Command { name: "+UBANDMASK", run: band_mask }];
