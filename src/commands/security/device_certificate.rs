//! `+USECDEVCERT`.

use super::{error, key_refusal};
use crate::at::{CmeError, Failure, Form};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::security::certificate::DeviceDocument;
use crate::protocol::message::Feature;

/// `+USECDEVCERT`, device certificate of zero touch provisioning.
///
/// | form | response |
/// |---|---|
/// | `AT+USECDEVCERT=<type>` | `+USECDEVCERT: <type>,"<PEM>"` |
///
/// `<type>` 0 is the private key (PKCS #8), 1 the public certificate of the device, 2 the certificate
/// of the CA that signed it. PEM has lines, ended by line feeds, within the quotes. It needs the feature
/// `ztp`; while `c2c` is on as well it is read in a chip-to-chip session only.
/// Source: driver; kind of key, subject and error codes designed.
pub(super) fn device_certificate(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let mut args = match form {
        Form::Set(args) => args,
        Form::Test => return Ok(Reply::line("+USECDEVCERT: (0-2)")),
        Form::Action | Form::Read => return Err(no_such_form()),
    };
    let number: u8 = args.number(0..=2)?;
    args.finish()?;
    let document = DeviceDocument::ALL.get(usize::from(number)).ok_or(CmeError::INCORRECT_PARAMETERS)?;
    let pem = context.module.device_document(*document, context.now);
    let pem = pem.map_err(|refusal| key_refusal(context, refusal))?;
    let c2c_is_on = context.module.check_feature(Feature::ChipToChip, context.now).is_ok();
    if c2c_is_on && !context.channel.is_open() {
        return Err(error(context, |errors| errors.outside_c2c));
    }
    Ok(Reply::line(format!("+USECDEVCERT: {number},\"{pem}\"")))
}
