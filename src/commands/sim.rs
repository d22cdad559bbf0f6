//! Chapters *Security* and *SIM management*: PIN, locks, what is on the SIM.

use crate::at::{Args, CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::Module;
use crate::module::identity::Identity;
use crate::module::sim::{PinRefusal, SimFile, SimState};
use crate::time::Now;

/// Commands that act only with a SIM that is ready: the attribute *PIN required* of the manual.
const PIN_REQUIRED: &[&str] = &["+CIMI", "+CNUM", "+COPS", "+CGATT", "+CGACT", "+UPSDA"];

/// Facilities of `+CLCK` that are never locked (3GPP 27.007 §7.4): fixed dialling, personalisation.
const OPEN_FACILITIES: &[&str] = &["FD", "PN", "PU", "PP", "PC", "PS"];

/// PIN2 and PUK2 are never asked for; what `+UPINCNT` says of them.
const PIN2_ATTEMPTS: u8 = 3;
const PUK2_ATTEMPTS: u8 = 10;

/// Why the SIM keeps this command from being run, if it does.
pub fn refusal(module: &Module, name: &str, form: &Form, now: Now) -> Option<Failure> {
    if module.profile().power.sim_busy_commands.contains(name) && !module.is_sim_ready(now) {
        return Some(CmeError::SIM_BUSY.into());
    }
    let acts = matches!(form, Form::Set(_) | Form::Action);
    (acts && PIN_REQUIRED.contains(&name)).then(|| waiting_for(module)).flatten()
}

/// The error of a SIM that asks for something.
fn waiting_for(module: &Module) -> Option<Failure> {
    let error = match module.sim_state() {
        SimState::PinRequired => CmeError::SIM_PIN_REQUIRED,
        SimState::PukRequired => CmeError::SIM_PUK_REQUIRED,
        SimState::Dead => CmeError::SIM_BLOCKED,
        SimState::Ready => return None,
    };
    Some(error.into())
}

/// The SIM, once it answers, whatever it asks for. It does so at every level of `+CFUN`: a host reads
/// it at 0 (driver).
pub(super) fn card(module: &Module, now: Now) -> Result<&Identity, Failure> {
    if module.is_sim_ready(now) { Ok(&module.nvm().identity) } else { Err(CmeError::SIM_BUSY.into()) }
}

/// `+CPIN`, state of the SIM (3GPP 27.007 §8.3).
///
/// | form | response |
/// |---|---|
/// | `AT+CPIN="<pin>"` | |
/// | `AT+CPIN="<puk>","<new pin>"` | |
/// | `AT+CPIN?` | `+CPIN: READY`, `SIM PIN`, `SIM PUK` |
///
/// A new SIM asks for nothing until `+CLCK="SC"` locks it. Attempts left are kept at once.
fn pin(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let now = context.now;
    match form {
        Form::Read => {
            card(context.module, now)?;
            match context.module.sim_state() {
                SimState::Ready => Ok(Reply::line("+CPIN: READY")),
                SimState::PinRequired => Ok(Reply::line("+CPIN: SIM PIN")),
                SimState::PukRequired => Ok(Reply::line("+CPIN: SIM PUK")),
                SimState::Dead => Err(CmeError::SIM_BLOCKED.into()),
            }
        }
        Form::Set(mut args) => {
            card(context.module, now)?;
            let first = code(&mut args)?;
            let new = if args.is_empty() { None } else { Some(code(&mut args)?) };
            args.finish()?;
            let outcome = match new {
                Some(new) => context.module.request_puk(&first, &new, now),
                None => context.module.request_pin(&first, now),
            };
            outcome.map(|()| Reply::OK).map_err(refused)
        }
        Form::Test => Ok(Reply::OK),
        Form::Action => Err(no_such_form()),
    }
}

/// A PIN or PUK: 4 to 8 digits, with or without quotes.
fn code(args: &mut Args) -> Result<String, Failure> {
    let code = args.text(8)?;
    let right = code.len() >= 4 && code.bytes().all(|byte| byte.is_ascii_digit());
    if right { Ok(code) } else { Err(CmeError::INCORRECT_PARAMETERS.into()) }
}

fn refused(refusal: PinRefusal) -> Failure {
    Failure::Cme(match refusal {
        PinRefusal::Wrong => CmeError::INCORRECT_PASSWORD,
        PinRefusal::PukRequired => CmeError::SIM_PUK_REQUIRED,
        PinRefusal::Dead => CmeError::SIM_BLOCKED,
        PinRefusal::NotAsked => CmeError::OPERATION_NOT_ALLOWED,
    })
}

/// `+UPINCNT`, PIN attempts left: `+UPINCNT: <PIN>,<PIN2>,<PUK>,<PUK2>`. Source: driver.
fn attempts(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            card(context.module, context.now)?;
            let sim = &context.module.nvm().sim;
            Ok(Reply::line(format!(
                "+UPINCNT: {},{PIN2_ATTEMPTS},{},{PUK2_ATTEMPTS}",
                sim.pin_attempts, sim.puk_attempts
            )))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CLCK`, facility lock (3GPP 27.007 §7.4).
///
/// | form | response |
/// |---|---|
/// | `AT+CLCK="SC",<mode>,"<pin>"[,<class>]` | |
/// | `AT+CLCK="<fac>",2` | `+CLCK: <status>` |
///
/// Mode 0 unlocks, 1 locks. `SC`, the SIM's PIN, is the one facility that can be locked, whatever
/// the class; it is kept at once.
fn facility_lock(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            card(context.module, context.now)?;
            let facility = args.string(2)?;
            let mode = args.number(0..=2u8)?;
            let pin_lock = facility == "SC";
            if !pin_lock && !OPEN_FACILITIES.contains(&facility.as_str()) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            if mode == 2 {
                let on = pin_lock && context.module.nvm().sim.lock;
                return Ok(Reply::line(format!("+CLCK: {}", u8::from(on))));
            }
            if !pin_lock {
                return Err(CmeError::OPERATION_NOT_ALLOWED.into());
            }
            let pin = code(&mut args)?;
            args.optional_number(1..=255u8)?;
            args.finish()?;
            if let Some(failure) = waiting_for(context.module) {
                return Err(failure);
            }
            let outcome = context.module.request_sim_lock(mode == 1, &pin, context.now);
            outcome.map(|()| Reply::OK).map_err(refused)
        }
        Form::Test => Ok(Reply::line("+CLCK: (\"SC\",\"FD\",\"PN\",\"PU\",\"PP\",\"PC\",\"PS\")")),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// `+CPWD`, change password (3GPP 27.007 §7.5): `AT+CPWD="SC","<old pin>","<new pin>"`, while the
/// SIM is locked by its PIN. Kept at once.
fn change_password(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            card(context.module, context.now)?;
            if args.string(2)? != "SC" {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            let (old, new) = (code(&mut args)?, code(&mut args)?);
            args.finish()?;
            if let Some(failure) = waiting_for(context.module) {
                return Err(failure);
            }
            let outcome = context.module.request_new_pin(&old, &new, context.now);
            outcome.map(|()| Reply::OK).map_err(refused)
        }
        Form::Test => Ok(Reply::line("+CPWD: (\"SC\",8)")),
        Form::Read | Form::Action => Err(no_such_form()),
    }
}

/// `+CCID`, card identification: `+CCID: <ICCID>`. Source: manual.
fn card_identification(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action | Form::Read => {
            let identity = card(context.module, context.now)?;
            Ok(Reply::line(format!("+CCID: {}", identity.iccid)))
        }
        Form::Test => Ok(Reply::OK),
        Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CIMI`, international mobile subscriber identity (3GPP 27.007 §5.6): bare digits.
fn subscriber_identity(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => Ok(Reply::line(card(context.module, context.now)?.imsi.as_str())),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CNUM`, subscriber number (3GPP 27.007 §7.1): the SIM has none, so `OK` alone.
fn subscriber_number(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => card(context.module, context.now).map(|_| Reply::OK),
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CRSM`, restricted SIM access (3GPP 27.007 §8.18).
///
/// | form | response |
/// |---|---|
/// | `AT+CRSM=<command>,<fileid>[,<P1>,<P2>,<P3>[,<data>]]` | `+CRSM: <sw1>,<sw2>[,"<response>"]` |
///
/// 176 READ BINARY of ICCID, IMSI, administrative data and forbidden PLMNs; 214 UPDATE BINARY of
/// the last, kept at once; 192 GET RESPONSE gives its size (3GPP 51.011 §9.2.1). What fails has no
/// response, for an empty one that is read ends a host library; an update has an empty one (driver).
fn restricted_access(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let mut args = match form {
        Form::Set(args) => args,
        Form::Test => return Ok(Reply::OK),
        Form::Read | Form::Action => return Err(no_such_form()),
    };
    card(context.module, context.now)?;
    let command = args.number(0..=255u8)?;
    let file = args.optional_number(0..=u16::MAX)?.unwrap_or(0);
    let mut parameter = || args.optional_number(0..=255u8).map(|number| usize::from(number.unwrap_or(0)));
    let (high, low, length) = (parameter()?, parameter()?, parameter()?);
    let data = args.optional_string(510)?.unwrap_or_default();
    let Some(file) = SimFile::find(file) else { return Ok(status_words(FILE_NOT_FOUND)) };
    let content = file.content(&context.module.nvm().sim, &context.module.nvm().identity);
    let place = high << 8 | low;
    let part = content.get(place..if length == 0 { content.len() } else { place + length });
    let locked = file != SimFile::Iccid && waiting_for(context.module).is_some();
    Ok(match (command, part) {
        (READ_BINARY | UPDATE_BINARY, _) if locked => status_words(SECURITY_STATUS),
        (READ_BINARY, Some(part)) if !part.is_empty() => response(&hex(part)),
        (UPDATE_BINARY, _) if file != SimFile::ForbiddenPlmns => status_words(SECURITY_STATUS),
        (UPDATE_BINARY, Some(_)) if is_hex_of(&data, length) => {
            let part = 2 * place..2 * (place + length);
            let written = data.to_ascii_uppercase();
            context.module.change_settings(|nvm| nvm.sim.forbidden_plmns.replace_range(part, &written));
            response("")
        }
        (READ_BINARY | UPDATE_BINARY, _) => status_words(WRONG_LENGTH),
        (GET_RESPONSE, _) => response(&format!("0000{:04X}000004000000000000", content.len())),
        _ => status_words(NO_SUCH_INSTRUCTION),
    })
}

const READ_BINARY: u8 = 176;
const GET_RESPONSE: u8 = 192;
const UPDATE_BINARY: u8 = 214;

/// Status words (3GPP 31.101 §10.2.1).
const WRONG_LENGTH: (u8, u8) = (103, 0);
const SECURITY_STATUS: (u8, u8) = (105, 130);
const FILE_NOT_FOUND: (u8, u8) = (106, 130);
const NO_SUCH_INSTRUCTION: (u8, u8) = (109, 0);

/// Why it failed.
fn status_words((sw1, sw2): (u8, u8)) -> Reply {
    Reply::line(format!("+CRSM: {sw1},{sw2}"))
}

/// The status words of success, 90 00, and the response.
fn response(response: &str) -> Reply {
    Reply::line(format!("+CRSM: 144,0,\"{response}\""))
}

fn is_hex_of(text: &str, length: usize) -> bool {
    text.len() == 2 * length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The chapters' table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CPIN", run: pin },
    Command { name: "+UPINCNT", run: attempts },
    Command { name: "+CLCK", run: facility_lock },
    Command { name: "+CPWD", run: change_password },
    Command { name: "+CCID", run: card_identification },
    Command { name: "+CIMI", run: subscriber_identity },
    Command { name: "+CNUM", run: subscriber_number },
    Command { name: "+CRSM", run: restricted_access },
];
