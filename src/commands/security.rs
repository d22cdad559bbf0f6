//! Chapter *Device and data security*: root of trust, seal, security heartbeat, keys of the services,
//! chip-to-chip, device certificates.

mod chip_to_chip;
mod device_certificate;
pub(in crate::commands) mod protection;

use crate::at::{CmeError, Failure, Form};
pub(in crate::commands) use crate::commands::no_such_form;
use crate::commands::{Command, Context, Pending, Reply};
use crate::module::security::heartbeat::HeartbeatRefusal;
use crate::module::security::seal::{NotYet, Sealing};
use crate::module::security::{self, KeyRefusal};
use crate::profile::{SealedAgain, Security, SecurityErrors, WhileBootstrapping};
use crate::protocol::keys::psk::PskLength;
use crate::protocol::message::Seal;

/// `+USECROTUID`, root of trust unique identifier.
///
/// | form | response |
/// |---|---|
/// | `AT+USECROTUID` | `+USECROTUID: "<16 hex digits>"` |
///
/// Source: driver.
fn root_of_trust_uid(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action if !context.module.is_security_ready(context.now) => Err(error(context, |e| e.busy)),
        Form::Action => Ok(Reply::line(format!("+USECROTUID: \"{}\"", context.module.nvm().identity.rot))),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+USECDEVINFO`, device seal and status.
///
/// | form | response |
/// |---|---|
/// | `AT+USECDEVINFO="<DeviceProfileUID>","<serial number>"` | |
/// | `AT+USECDEVINFO?` | `+USECDEVINFO: <module_registered>,<device_registered>,<device_activated>` |
///
/// The seal is set once; what a later one is answered is the profile's. While the bootstrap is in
/// progress the read command blocks (SARA-R4) or is an error (SARA-R5).
/// Source: seed, driver; limits of the strings driver and designed.
fn device_info(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let Some(facts) = facts(context) else { return Err(no_such_form()) };
            let (uid_max, serial_max) = (facts.profile_uid_max, facts.serial_number_max);
            let profile_uid = printable(args.string(uid_max)?)?;
            let serial_number = printable(args.string(serial_max)?)?;
            args.finish()?;
            seal(context, Seal { profile_uid, serial_number })
        }
        Form::Read => read_device_info(context),
        Form::Test => Ok(Reply::OK),
        Form::Action => Err(no_such_form()),
    }
}

fn seal(context: &mut Context<'_>, seal: Seal) -> Result<Reply, Failure> {
    let now = context.now;
    if !context.module.is_security_ready(now) {
        return Err(error(context, |e| e.busy));
    }
    let again = facts(context).map(|facts| facts.sealed_again);
    match (context.module.request_seal(seal, now), again) {
        (Sealing::AlreadySealed, Some(SealedAgain::Error)) => Err(error(context, |e| e.sealed)),
        _ => Ok(Reply::OK),
    }
}

/// The read form; asked again while it blocks.
pub(super) fn read_device_info(context: &mut Context<'_>) -> Result<Reply, Failure> {
    let blocks = facts(context).map(|facts| facts.devinfo_while_bootstrapping);
    match (context.module.device_info(context.now), blocks) {
        (Ok(info), _) => Ok(Reply::line(format!(
            "+USECDEVINFO: {},{},{}",
            u8::from(info.module_registered),
            u8::from(info.device_registered),
            u8::from(info.device_activated)
        ))),
        (Err(NotYet::Bootstrapping), Some(WhileBootstrapping::Block)) => Ok(Reply::Wait(Pending::DeviceInfo)),
        (Err(NotYet::Bootstrapping), _) => Err(error(context, |e| e.bootstrapping)),
        (Err(NotYet::Busy), _) => Err(error(context, |e| e.busy)),
        (Err(NotYet::NoConnection), _) => Err(error(context, |e| e.no_connection)),
        (Err(NotYet::Refused), _) => Err(error(context, |e| e.refused)),
    }
}

/// `+USECCONN`, security heartbeat trigger.
///
/// | form | response |
/// |---|---|
/// | `AT+USECCONN` | |
///
/// Refused within 5 minutes (SARA-R4) or 24 hours (SARA-R5) of the last security heartbeat sent.
/// Otherwise it blocks until the heartbeat was answered and reported, or its time limit is reached.
/// Source: seed.
fn connect(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => match context.module.request_heartbeat(context.now) {
            Ok(number) => Ok(Reply::Wait(Pending::Heartbeat(number))),
            Err(refusal) => Err(error(context, |errors| match refusal {
                HeartbeatRefusal::Busy => errors.busy,
                HeartbeatRefusal::NotBootstrapped => errors.not_bootstrapped,
                HeartbeatRefusal::TooSoon => errors.heartbeat_limit,
                HeartbeatRefusal::NoConnection => errors.no_connection,
                HeartbeatRefusal::Dns => errors.dns,
                HeartbeatRefusal::Refused => errors.refused,
            })),
        },
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+USECPSK`, pre-shared key of Symmetric KMS.
///
/// | form | response |
/// |---|---|
/// | `AT+USECPSK=<length>` | `+USECPSK: "<identity>","<key>"` |
///
/// Length in bytes, 16 or 32; both strings are hex, the identity has 14 bytes. Each call makes a new
/// key, which the service finds again by its identity. No data connection is needed.
/// Source: driver.
fn pre_shared_key(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let length = match args.number(16..=32)? {
                16 => PskLength::Bytes16,
                32 => PskLength::Bytes32,
                _ => return Err(CmeError::INCORRECT_PARAMETERS.into()),
            };
            args.finish()?;
            let (id, key) = context
                .module
                .request_psk(length, context.now)
                .map_err(|refusal| key_refusal(context, refusal))?;
            let (id, key) = (hex::encode(id.encode()), hex::encode(key.as_bytes()));
            Ok(Reply::line(format!("+USECPSK: \"{id}\",\"{key}\"")))
        }
        Form::Test => Ok(Reply::line("+USECPSK: (16,32)")),
        Form::Action | Form::Read => Err(no_such_form()),
    }
}

/// The error a key that is not made or not used is answered with.
pub(super) fn key_refusal(context: &Context<'_>, refusal: KeyRefusal) -> Failure {
    error(context, |errors| match refusal {
        KeyRefusal::Busy => errors.busy,
        KeyRefusal::NotBootstrapped => errors.not_bootstrapped,
        KeyRefusal::Unsealed => errors.unsealed,
        KeyRefusal::Suspended => errors.suspended,
        KeyRefusal::NoService => errors.no_service,
        KeyRefusal::NoFeature => errors.no_feature,
        KeyRefusal::UsedUp => errors.keys_used_up,
        KeyRefusal::NotGenuine => errors.not_genuine,
    })
}

/// The error a failed contact is answered with.
pub(super) fn failure(context: &Context<'_>, failure: &security::Failure) -> Failure {
    error(context, |errors| match failure {
        security::Failure::NoConnection | security::Failure::PowerLoss => errors.no_connection,
        security::Failure::Dns => errors.dns,
        security::Failure::Clone | security::Failure::KeyNotKnown(_) | security::Failure::NotBootstrapped => {
            errors.refused
        }
        security::Failure::NoAnswer
        | security::Failure::Service(_)
        | security::Failure::BadAnswer
        | security::Failure::Timeout => errors.timeout,
    })
}

fn facts<'a>(context: &'a Context<'_>) -> Option<&'a Security> {
    context.module.profile().security.as_ref()
}

/// The error of the module type for this reason.
pub(super) fn error(context: &Context<'_>, code: impl FnOnce(&SecurityErrors) -> u16) -> Failure {
    Failure::Cme(
        facts(context).map_or(CmeError::OPERATION_NOT_SUPPORTED, |facts| CmeError(code(&facts.errors))),
    )
}

/// Not empty, and printable ASCII only: what a JSON document, a log line and an X.509 subject can carry. `designed`
fn printable(text: String) -> Result<String, Failure> {
    match text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true if text.is_empty() => Err(CmeError::INCORRECT_PARAMETERS.into()),
        true => Ok(text),
        false => Err(CmeError::INVALID_CHARACTERS_IN_TEXT_STRING.into()),
    }
}

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+USECROTUID", run: root_of_trust_uid },
    Command { name: "+USECDEVINFO", run: device_info },
    Command { name: "+USECCONN", run: connect },
    Command { name: "+USECPSK", run: pre_shared_key },
    Command { name: "+USECE2EDATAENC", run: protection::uplink },
    Command { name: "+USECE2EDATADEC", run: protection::downlink },
    Command { name: "+USECDATAENC", run: protection::local_encryption },
    Command { name: "+USECDATADEC", run: protection::local_decryption },
    Command { name: "+USECOPCMD", run: protection::operation },
    Command { name: "+USECC2C", run: chip_to_chip::chip_to_chip },
    Command { name: "+USECDEVCERT", run: device_certificate::device_certificate },
];
