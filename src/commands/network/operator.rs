//! Which network, and why not.

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::character_set::{decode, encode};
use crate::commands::{Context, Pending, Reply, no_such_form};
use crate::module::network::{self, Operator, RSRP_DBM, RSRQ_DB, Registration, Standing};
use crate::time::Timestamp;

/// The longest name of an operator. Source: 3GPP 27.007, 16 characters and some more.
const NAME_LEN_MAX: usize = 32;

/// The same in UCS2.
const WRITTEN_LEN_MAX: usize = 4 * NAME_LEN_MAX;

/// The `<format>` of digits.
const NUMERIC: u8 = 2;

/// How long a choice by hand waits for the registration. Source: driver.
const SELECTION_MS: u32 = 180_000;

/// `+COPS`, operator selection (3GPP 27.007 §7.3).
///
/// | form | response |
/// |---|---|
/// | `AT+COPS=0[,<format>]` | automatic; changes nothing where it is so already (driver) |
/// | `AT+COPS=1,<format>,"<oper>"[,<AcT>]` | by hand: `OK` once registered, an error if refused (driver) |
/// | `AT+COPS=2` | deregisters; after `AT&W` on the same port, beyond the next power-on |
/// | `AT+COPS=3,<format>` | |
/// | `AT+COPS=4,<format>,"<oper>"[,<AcT>]` | by hand, else automatic |
/// | `AT+COPS=5` | deep scan (SARA-R5): a line a cell |
/// | `AT+COPS?` | `+COPS: <mode>[,<format>,"<oper>"[,<AcT>]]` |
/// | `AT+COPS=?` | `+COPS: (<stat>,"<long>","<short>","<numeric>",<AcT>),…,,(<modes>),(<formats>)` |
///
/// Names stand in the character set of the TE. Scans and a choice by hand take their time and can be aborted; a choice that is aborted stands.
/// A network that is not there leaves everything as it was. Source: manual, driver; which networks
/// there are is `designed`.
pub(super) fn operator(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(args) => select(context, args),
        Form::Read => Ok(Reply::line(operator_line(context))),
        Form::Test => scan(context, Scan::Networks),
        Form::Action => Err(no_such_form()),
    }
}

fn select(context: &mut Context<'_>, mut args: Args) -> Result<Reply, Failure> {
    let deep_scan = context.module.profile().network.deep_scan;
    let mode = args.optional_number(0..=if deep_scan { 5 } else { 4u8 })?.unwrap_or(0);
    let format = args.optional_number(0..=2u8)?;
    let name = args.optional_string(WRITTEN_LEN_MAX)?;
    let technology = args.optional_number(0..=9u8)?;
    args.finish()?;
    if let Some(format) = format {
        context.module.set_operator_format(format);
    }
    match (mode, format, name) {
        (0 | 2, _, None) => {
            context.interface.deregistered = mode == 2;
            context.module.request_operator(mode, None, context.now);
            Ok(Reply::OK)
        }
        (3, Some(_), None) => Ok(Reply::OK),
        (5, None, None) => scan(context, Scan::Cells),
        (1 | 4, Some(format), Some(name)) => {
            let set = context.interface.character_set;
            let rat = context.module.network().rat;
            let fits = technology.is_none_or(|technology| technology == rat.access_technology());
            let name = if format == NUMERIC { Some(name) } else { decode(&name, set) };
            let operator = name.and_then(|name| Operator::named(&name, format)).filter(|_| fits);
            let heard =
                operator.filter(|named| context.module.network().heard().any(|other| other == *named));
            choose(context, mode, heard)
        }
        _ => Err(CmeError::INCORRECT_PARAMETERS.into()),
    }
}

/// A choice by hand.
fn choose(
    context: &mut Context<'_>,
    mode: u8,
    operator: Option<&'static Operator>,
) -> Result<Reply, Failure> {
    if operator.is_some() || mode == 4 {
        context.interface.deregistered = false;
        context.module.request_operator(mode, operator, context.now);
        let until = context.module.search_ends_at(SELECTION_MS, context.now);
        return wait_or_answer(context, Pending::Selection { until });
    }
    let profile = context.module.profile();
    let search = context.module.network().rat_facts(profile).map_or(0, |facts| facts.registration_ms);
    let until = context.module.search_ends_at(search, context.now);
    wait_or_answer(context, Pending::NoNetwork { until })
}

fn wait_or_answer(context: &mut Context<'_>, pending: Pending) -> Result<Reply, Failure> {
    pending.poll(context).unwrap_or(Ok(Reply::Wait(pending)))
}

/// The answer to a choice by hand, once there is one.
pub(in crate::commands) fn poll_selection(
    context: &Context<'_>,
    until: Timestamp,
) -> Option<Result<Reply, Failure>> {
    let network = context.module.network();
    match network.state {
        Registration::Home | Registration::Roaming => Some(Ok(Reply::OK)),
        // The radio is off: the choice stands for when it is on.
        Registration::Idle => Some(Ok(Reply::OK)),
        Registration::Denied => Some(Err(CmeError::PLMN_NOT_ALLOWED.into())),
        Registration::Searching if until <= context.now.system => {
            Some(Err(CmeError::NO_NETWORK_SERVICE.into()))
        }
        Registration::Searching => None,
    }
}

/// What a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// `AT+COPS=?`.
    Networks,
    /// `AT+COPS=5`.
    Cells,
}

fn scan(context: &mut Context<'_>, scan: Scan) -> Result<Reply, Failure> {
    if !context.module.network().wanted {
        return Err(CmeError::PLMN_SCAN_NOT_ALLOWED.into());
    }
    let scan_ms = context.module.profile().network.scan_ms;
    let milliseconds = if scan == Scan::Cells { scan_ms.saturating_mul(2) } else { scan_ms };
    let until = context.module.search_ends_at(milliseconds, context.now);
    wait_or_answer(context, Pending::Scan { scan, until })
}

/// The answer to a scan, once there is one.
pub(in crate::commands) fn poll_scan(
    context: &Context<'_>,
    scan: Scan,
    until: Timestamp,
) -> Option<Result<Reply, Failure>> {
    if !context.module.network().wanted {
        return Some(Err(CmeError::PLMN_SCAN_NOT_ALLOWED.into()));
    }
    (until <= context.now.system).then(|| {
        Ok(match scan {
            Scan::Networks => Reply::line(networks(context)),
            Scan::Cells => Reply::Lines(context.module.network().heard().map(cell_line).collect()),
        })
    })
}

/// All networks in all technologies that are selected, and what the command takes.
fn networks(context: &Context<'_>) -> String {
    let network = context.module.network();
    let rats = &context.module.nvm().network.rats;
    let set = context.interface.character_set;
    let mut entries = String::new();
    for operator in network.audible() {
        for rat in rats.iter().filter(|rat| operator.rats.contains(rat)) {
            let here = network.serving == Some(operator) && network.rat == *rat;
            let stat = match operator.standing {
                _ if here => 2,
                Standing::Forbidden => 3,
                Standing::Home | Standing::Partner => 1,
            };
            let Operator { long, short, plmn, .. } = operator;
            let (long, short) = (encode(long, set), encode(short, set));
            let technology = rat.access_technology();
            entries.push_str(&format!("({stat},\"{long}\",\"{short}\",\"{plmn}\",{technology}),"));
        }
    }
    let modes = if context.module.profile().network.deep_scan { 5 } else { 4 };
    format!("+COPS: {entries},(0-{modes}),(0-2)")
}

/// A cell of the deep scan, as hosts parse it (driver).
fn cell_line(operator: &'static Operator) -> Line {
    /// Uplink above downlink channel number in LTE (3GPP 36.101 §5.7.3).
    const UPLINK_OFFSET: u16 = 18_000;
    let Operator { area, cell, physical_cell, channel, .. } = operator;
    Line::from(format!(
        "MCC:{}, MNC:{}, TAC:{area:04x}, CI:{cell:x}, DLF:{channel}, ULF:{}, PCI:{physical_cell}, \
         RSRP LEV:{RSRP_DBM}, RSRQ LEV:{RSRQ_DB}",
        operator.country(),
        operator.network(),
        channel + UPLINK_OFFSET,
    ))
}

fn operator_line(context: &Context<'_>) -> String {
    let network = context.module.network();
    let (mode, format) = (network.operator_mode, network.operator_format);
    match network.serving {
        None => format!("+COPS: {mode}"),
        Some(operator) => {
            let technology = network.rat.access_technology();
            let name = operator.name(format);
            let set = context.interface.character_set;
            let name = if format == NUMERIC { name.to_owned() } else { encode(name, set) };
            format!("+COPS: {mode},{format},\"{name}\",{technology}")
        }
    }
}

/// `+CEER`, extended error report (3GPP 27.007 §6.10): why the network last said no, a line a
/// layer: `+CEER: "EMM cause",<code>,"<text>"`. Source: driver; without a cause, `designed`.
pub(super) fn error_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let causes = &context.module.network().causes;
            if causes.is_empty() {
                return Ok(Reply::line("+CEER: \"EMM cause\",0,\"No report available\""));
            }
            let line = |cause: &network::Cause| {
                Line::from(format!("+CEER: \"{} cause\",{},\"{}\"", cause.layer, cause.code, cause.text))
            };
            Ok(Reply::Lines(causes.iter().map(line).collect()))
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}
