//! Chapter *Mobile equipment control and status*: power, clock, error reports.

use std::collections::BTreeSet;

use crate::at::{CmeError, Failure, Form};
use crate::commands::{Command, Context, Reply, no_such_form};
use crate::module::power::Functionality;
use crate::time::Timestamp;

/// `+CFUN`, level of functionality (3GPP 27.007 §8.2).
///
/// | form | response |
/// |---|---|
/// | `AT+CFUN=<fun>[,<rst>]` | |
/// | `AT+CFUN?` | `+CFUN: <fun>,0` |
/// | `AT+CFUN=?` | `+CFUN: (0,1,4,<more>),(0-1)` |
///
/// 0 minimum, 1 full, 4 airplane mode. Where the profile has them, 15 and 16 reset the module, 10
/// powers it off at once, and 126, which prepares a reset in PSM, changes nothing here.
/// Source: manual.
fn functionality(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let level = args.number(0..=127u8)?;
            let reset = args.optional_number(0..=1u8)? == Some(1);
            args.finish()?;
            set_functionality(context, level, reset)
        }
        Form::Read => Ok(Reply::line(format!("+CFUN: {},0", context.module.functionality().code()))),
        Form::Test => {
            let facts = &context.module.profile().power;
            let more = [&facts.cfun_reset, &facts.cfun_power_off, &facts.cfun_ignored];
            let more: BTreeSet<u8> = more.into_iter().flatten().copied().collect();
            let more: String = more.iter().map(|level| format!(",{level}")).collect();
            Ok(Reply::line(format!("+CFUN: (0,1,4{more}),(0-1)")))
        }
        Form::Action => Err(no_such_form()),
    }
}

fn set_functionality(context: &mut Context<'_>, level: u8, reset: bool) -> Result<Reply, Failure> {
    let (module, now) = (&mut *context.module, context.now);
    let facts = &module.profile().power;
    match level {
        0 | 1 | 4 if reset => module.request_reset(now),
        0 => module.request_functionality(Functionality::Minimum, now),
        1 => module.request_functionality(Functionality::Full, now),
        4 => module.request_functionality(Functionality::Airplane, now),
        other if facts.cfun_reset.contains(&other) => module.request_reset(now),
        other if facts.cfun_power_off.contains(&other) => module.request_fast_power_off(now),
        other if facts.cfun_ignored.contains(&other) => {}
        _ => return Err(CmeError::INCORRECT_PARAMETERS.into()),
    }
    Ok(Reply::OK)
}

/// `+CPWROFF`, power off. `OK` first, then off. Source: manual.
fn power_off(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Action => {
            context.module.request_power_off(context.now);
            Ok(Reply::OK)
        }
        Form::Test => Ok(Reply::OK),
        Form::Read | Form::Set(_) => Err(no_such_form()),
    }
}

/// `+CCLK`, real-time clock (3GPP 27.007 §8.15).
///
/// | form | response |
/// |---|---|
/// | `AT+CCLK="<yy/MM/dd,hh:mm:ss[±zz]>"` | |
/// | `AT+CCLK?` | `+CCLK: "<yy/MM/dd,hh:mm:ss±zz>"` |
///
/// Local time; `zz` is the difference to UTC in quarters of an hour.
fn clock(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let text = args.string(20)?;
            args.finish()?;
            let (moment, zone) = parse_clock(&text).ok_or(CmeError::INCORRECT_PARAMETERS)?;
            context.module.set_clock(moment, zone, context.now);
            Ok(Reply::OK)
        }
        Form::Read => {
            let rtc = context.module.nvm().rtc;
            let shown = render_clock(rtc.at(context.now.system), rtc.zone_quarters);
            Ok(Reply::line(format!("+CCLK: \"{shown}\"")))
        }
        Form::Test => Ok(Reply::OK),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CTZU`, automatic time zone update (3GPP 27.007 §8.40).
///
/// | form | response |
/// |---|---|
/// | `AT+CTZU=<onoff>` | |
/// | `AT+CTZU?` | `+CTZU: <onoff>` |
fn time_zone_update(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let on = args.number(0..=1u8)? == 1;
            args.finish()?;
            context.module.change_settings(|nvm| nvm.network_mut().time_zone_update = on);
            Ok(Reply::OK)
        }
        Form::Read => {
            let on = context.module.nvm().network.time_zone_update;
            Ok(Reply::line(format!("+CTZU: {}", u8::from(on))))
        }
        Form::Test => Ok(Reply::line("+CTZU: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CMEE`, report mobile termination error (3GPP 27.007 §9.1).
///
/// | form | response |
/// |---|---|
/// | `AT+CMEE=[<n>]` | |
/// | `AT+CMEE?` | `+CMEE: <n>` |
fn error_report(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let level = args.optional_number(0..=2u8)?.unwrap_or(0);
            args.finish()?;
            context.settings.cmee = level;
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::line(format!("+CMEE: {}", context.settings.cmee))),
        Form::Test => Ok(Reply::line("+CMEE: (0-2)")),
        Form::Action => Err(no_such_form()),
    }
}

/// The moment (UTC) and time zone of `yy/MM/dd,hh:mm:ss[±zz]`, which shows local time.
fn parse_clock(text: &str) -> Option<(Timestamp, Option<i8>)> {
    let (local, zone) = text.split_at_checked(17)?;
    let shape = local.bytes().enumerate().all(|(place, byte)| match place {
        2 | 5 => byte == b'/',
        8 => byte == b',',
        11 | 14 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let field = |place: usize| local.get(place..place + 2)?.parse::<i8>().ok();
    let local = jiff::civil::DateTime::new(
        2000 + i16::from(field(0)?),
        field(3)?,
        field(6)?,
        field(9)?,
        field(12)?,
        field(15)?,
        0,
    )
    .ok()?;
    let zone = match zone {
        "" => None,
        zone => Some(parse_zone(zone)?),
    };
    let utc_ms = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    let shift_ms = i64::from(zone.unwrap_or(0)) * QUARTER_HOUR_MS;
    Some((Timestamp::from_millis(utc_ms - shift_ms), zone))
}

/// `±zz`, within the -96 to +96 of 3GPP 27.007.
fn parse_zone(zone: &str) -> Option<i8> {
    let (sign, digits) = zone.split_at_checked(1)?;
    let quarters = digits.parse::<i8>().ok().filter(|_| digits.len() == 2 && digits.as_bytes()[0] != b'+')?;
    match (sign, quarters) {
        ("+", 0..=96) => Some(quarters),
        ("-", 0..=96) => Some(-quarters),
        _ => None,
    }
}

fn render_clock(moment: Timestamp, zone_quarters: i8) -> String {
    let local_ms = moment.as_millis() + i64::from(zone_quarters) * QUARTER_HOUR_MS;
    let shown = jiff::Timestamp::from_millisecond(local_ms).unwrap_or_default();
    let shown = shown.to_zoned(jiff::tz::TimeZone::UTC);
    format!("{}{zone_quarters:+03}", shown.strftime("%y/%m/%d,%H:%M:%S"))
}

const QUARTER_HOUR_MS: i64 = 15 * 60 * 1000;

/// The chapter's table.
pub const COMMANDS: &[Command] = &[
    Command { name: "+CFUN", run: functionality },
    Command { name: "+CPWROFF", run: power_off },
    Command { name: "+CCLK", run: clock },
    Command { name: "+CTZU", run: time_zone_update },
    Command { name: "+CMEE", run: error_report },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_reads_as_it_was_set() {
        let check = |text: &str, shown: Option<&str>| {
            let read = parse_clock(text).map(|(moment, zone)| render_clock(moment, zone.unwrap_or(0)));
            assert_eq!(read.as_deref(), shown, "{text}");
        };
        check("26/01/01,00:00:00+00", Some("26/01/01,00:00:00+00"));
        check("26/01/01,00:00:00", Some("26/01/01,00:00:00+00"));
        check("24/02/29,23:59:59-32", Some("24/02/29,23:59:59-32"));
        check("26/01/01,00:00:00+96", Some("26/01/01,00:00:00+96"));
        check("26/01/01,00:00:00+97", None);
        check("26/01/01,00:00:00++4", None);
        check("26/02/29,00:00:00+00", None);
        check("26/01/01,24:00:00+00", None);
        check("26-01-01,00:00:00+00", None);
        check("é6/01/01,00:00:00", None);
        check("", None);
    }

    #[test]
    fn the_zone_moves_local_time_not_the_moment() {
        let moment = |text| parse_clock(text).map(|(moment, _)| moment);
        assert_eq!(moment("26/01/01,01:00:00+04"), moment("26/01/01,00:00:00+00"));
    }
}
