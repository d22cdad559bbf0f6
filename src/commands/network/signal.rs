//! How well the module hears.

use crate::at::{CmeError, Failure, Form, Line};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::network::{Network, Operator, RSRP_DBM, RSRQ_DB, RSSI_DBM};
use crate::profile::{CellReport, Rat};

/// The code of 3GPP 27.007 for a strength not known.
const UNKNOWN: i16 = 99;
/// The same where codes go beyond 99.
const UNKNOWN_WIDE: i16 = 255;

/// `+CSQ`, signal quality (3GPP 27.007 §8.5): `+CSQ: <rssi>,<ber>`; in LTE there is no bit error rate.
/// Nothing is known before the search has found a cell.
pub(super) fn quality(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let has_cell = context.module.network().has_cell();
            let rssi = if has_cell { (RSSI_DBM + 113) / 2 } else { UNKNOWN };
            Ok(Reply::line(format!("+CSQ: {rssi},{UNKNOWN}")))
        }
        Form::Test => Ok(Reply::line("+CSQ: (0-31,99),(0-7,99)")),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CESQ`, extended signal quality (3GPP 27.007 §8.69):
/// `+CESQ: <rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>`.
pub(super) fn extended_quality(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            let network = context.module.network();
            let (rxlev, rsrq, rsrp) = match (network.has_cell(), network.rat) {
                (false, _) => (UNKNOWN, UNKNOWN_WIDE, UNKNOWN_WIDE),
                (true, Rat::Gsm) => (RSSI_DBM + 111, UNKNOWN_WIDE, UNKNOWN_WIDE),
                (true, Rat::LteM | Rat::NbIot) => (UNKNOWN, rsrq_code(), rsrp_code()),
            };
            Ok(Reply::line(format!("+CESQ: {rxlev},{UNKNOWN},{UNKNOWN_WIDE},{UNKNOWN_WIDE},{rsrq},{rsrp}")))
        }
        Form::Test => {
            Ok(Reply::line("+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)"))
        }
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// RSRP as 3GPP 36.133 §9.1.4 codes it.
fn rsrp_code() -> i16 {
    RSRP_DBM + 141
}

/// RSRQ as 3GPP 36.133 §9.1.7 codes it.
fn rsrq_code() -> i16 {
    RSRQ_DB * 2 + 40
}

/// `+UCGED`, channel and network environment description.
///
/// | form | response |
/// |---|---|
/// | `AT+UCGED=<mode>` | 0, and 2 or 5 by family |
/// | `AT+UCGED?` | `+UCGED: 2` and two lines, or `+RSRP: …` and `+RSRQ: …` |
///
/// SARA-R5 answers without having been set (driver). Source: driver; the fields no host reads are
/// `designed`.
pub(super) fn cell_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let report = context.module.profile().network.cell_report;
    let mode = if report == CellReport::Rsrp { 5 } else { 2 };
    match form {
        Form::Set(mut args) => {
            let wanted = args.number(0..=5u8)?;
            args.finish()?;
            if wanted != 0 && wanted != mode {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            context.interface.reports.cell = wanted;
            Ok(Reply::OK)
        }
        Form::Read if report != CellReport::Full && context.interface.reports.cell == 0 => {
            Ok(Reply::line("+UCGED: 0"))
        }
        Form::Read => Ok(Reply::Lines(report_lines(context.module.network(), report))),
        Form::Test => Ok(Reply::line(format!("+UCGED: (0,{mode})"))),
        Form::Action => Err(no_such_form()),
    }
}

fn report_lines(network: &Network, report: CellReport) -> Vec<Line> {
    let lines = match (network.serving, report) {
        (None, CellReport::Rsrp) => vec!["+UCGED: 5".to_owned()],
        (None, CellReport::Full | CellReport::Short) => vec!["+UCGED: 2".to_owned()],
        (Some(operator), CellReport::Full) => full(operator),
        (Some(operator), CellReport::Short) => short(operator),
        (Some(operator), CellReport::Rsrp) => rsrp(operator),
    };
    lines.into_iter().map(Line::from).collect()
}

/// Band 20, bandwidths of 10 MHz in resource blocks. `designed`
const BAND: &str = "20,50,50";

fn full(operator: &Operator) -> Vec<String> {
    let Operator { area, cell, physical_cell, channel, .. } = operator;
    vec![
        "+UCGED: 2".into(),
        format!("6,4,{},{}", operator.country(), operator.network()),
        format!(
            "{channel},{BAND},{area:x},{cell:x},{physical_cell},00000000,ffff,ff,{},{},10.00,1,1,10,{},18,255,0,255,255,0,0",
            rsrp_code(),
            rsrq_code(),
            rsrp_code(),
        ),
    ]
}

fn short(operator: &Operator) -> Vec<String> {
    let Operator { area, physical_cell, channel, .. } = operator;
    vec![
        "+UCGED: 2".into(),
        format!("6,{},{}", operator.country(), operator.network()),
        format!(
            "{channel},{BAND},{area:04x},{physical_cell},{RSRP_DBM},{RSRQ_DB},100,-1,3,255,128,\"00000000\""
        ),
    ]
}

fn rsrp(operator: &Operator) -> Vec<String> {
    let Operator { physical_cell, channel, .. } = operator;
    vec![
        format!("+RSRP: {physical_cell},{channel},\"-{:06.2}\",", -f32::from(RSRP_DBM)),
        format!("+RSRQ: {physical_cell},{channel},\"-{:05.2}\",", -f32::from(RSRQ_DB)),
    ]
}
