//! PDP contexts: definition, activation, what the network gave.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::at::{Args, CmeError, Failure, Form, Line};
use crate::commands::{Context, Reply, no_such_form};
use crate::module::network::{Cause, OPERATORS};
use crate::module::packet::{self, Context as PdpContext, ContextRefusal, DEFAULT_APN, DEFAULT_CID};
use crate::module::{IpVersion, Module};

/// Longest APN: 100 octets (3GPP 23.003 §9.1).
const APN_LEN_MAX: usize = 100;

/// `+CGDCONT`, define PDP context (3GPP 27.007 §10.1.1).
///
/// | form | response |
/// |---|---|
/// | `AT+CGDCONT=<cid>[,<PDP_type>[,<APN>[,…]]]` | |
/// | `AT+CGDCONT?` | `+CGDCONT: <cid>,"<PDP_type>","<APN>","<PDP_addr>",…` per context |
///
/// A set with `<cid>` alone forgets the context, and makes the default one the factory's again;
/// parameters after `<APN>` are accepted and have no effect. Some MNO profiles fix contexts. Stored at
/// once.
pub(super) fn define_context(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let cid = cid(context, &mut args)?;
            if is_fixed(context, cid) {
                return Err(CmeError::OPERATION_NOT_ALLOWED.into());
            }
            if args.is_empty() {
                return undefine(context, cid);
            }
            let default = &context.module.profile().packet.pdp_type_default;
            let pdp_type = args.optional_string(6)?.unwrap_or_else(|| default.clone());
            if !PDP_TYPES.contains(&pdp_type.as_str()) {
                return Err(CmeError::INCORRECT_PARAMETERS.into());
            }
            let apn = args.optional_string(APN_LEN_MAX)?.unwrap_or_default();
            context.module.change_settings(|nvm| nvm.packet_mut().define(PdpContext { cid, pdp_type, apn }));
            Ok(Reply::OK)
        }
        Form::Read => Ok(Reply::Lines(context_lines(context))),
        Form::Test => {
            let facts = &context.module.profile().packet;
            let range = format!("({}-{})", facts.cid_min, facts.cid_max);
            let line = |pdp_type| Line::from(format!("+CGDCONT: {range},\"{pdp_type}\",,,(0),(0)"));
            Ok(Reply::Lines(PDP_TYPES.into_iter().map(line).collect()))
        }
        Form::Action => Err(no_such_form()),
    }
}

/// An active context ends with its definition. There is always a default one.
fn undefine(context: &mut Context<'_>, cid: u8) -> Result<Reply, Failure> {
    if cid == DEFAULT_CID {
        let factory = PdpContext::factory(context.module.profile());
        context.module.change_settings(|nvm| nvm.packet_mut().define(factory));
        return Ok(Reply::OK);
    }
    if is_active(context, cid) {
        context.module.request_context(cid, false, context.now).map_err(|refusal| failure(&refusal))?;
    }
    context.module.change_settings(|nvm| nvm.packet_mut().undefine(cid));
    Ok(Reply::OK)
}

/// Contexts 1 to 7 are the operator's under some MNO profiles.
fn is_fixed(context: &Context<'_>, cid: u8) -> bool {
    let fixed_under = &context.module.profile().packet.contexts_fixed_under;
    (1..=7).contains(&cid) && fixed_under.contains(&context.module.in_force().mno_profile)
}

const PDP_TYPES: [&str; 4] = ["IP", "NONIP", "IPV4V6", "IPV6"];

fn context_lines(context: &Context<'_>) -> Vec<Line> {
    let tail = &context.module.profile().packet.cgdcont_tail;
    let line = |pdp: &PdpContext| {
        let PdpContext { cid, pdp_type, apn } = pdp;
        let with_suffix = context.module.profile().packet.apn_suffix && is_active(context, *cid);
        let apn = if with_suffix { granted_apn(context, *cid) } else { apn.clone() };
        let address = address(context, *cid).unwrap_or_else(|| no_address(context, pdp_type));
        Line::from(format!("+CGDCONT: {cid},\"{pdp_type}\",\"{apn}\",\"{address}\",{tail}"))
    };
    context.module.nvm().packet.contexts.iter().map(line).collect()
}

/// `<PDP_addr>` of a context that has none.
fn no_address(context: &Context<'_>, pdp_type: &str) -> String {
    match pdp_type {
        "IPV4V6" => context.module.profile().packet.no_address_v4v6.clone(),
        "IPV6" => dotted(Ipv6Addr::UNSPECIFIED.into()),
        _ => dotted(Ipv4Addr::UNSPECIFIED.into()),
    }
}

/// `+CGACT`, PDP context activate or deactivate (3GPP 27.007 §10.1.10).
///
/// | form | response |
/// |---|---|
/// | `AT+CGACT=<state>[,<cid>]` | |
/// | `AT+CGACT?` | `+CGACT: <cid>,<state>` per context |
pub(super) fn activate(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    match form {
        Form::Set(mut args) => {
            let activate = args.number(0..=1u8)? == 1;
            let cids = if args.is_empty() { defined(context) } else { vec![cid(context, &mut args)?] };
            args.finish()?;
            for cid in cids {
                if context.module.nvm().packet.context(cid).is_none() {
                    return Err(CmeError::OPERATION_NOT_ALLOWED.into());
                }
                let result = context.module.request_context(cid, activate, context.now);
                result.map_err(|refusal| failure(&refusal))?;
            }
            Ok(Reply::OK)
        }
        Form::Read => {
            let active = &context.module.packet().active;
            let line = |cid: &u8| Line::from(format!("+CGACT: {cid},{}", u8::from(active.contains(cid))));
            Ok(Reply::Lines(defined(context).iter().map(line).collect()))
        }
        Form::Test => Ok(Reply::line("+CGACT: (0,1)")),
        Form::Action => Err(no_such_form()),
    }
}

/// `+CGPADDR`, show PDP address (3GPP 27.007 §10.1.14).
///
/// | form | response |
/// |---|---|
/// | `AT+CGPADDR[=<cid>[,<cid>…]]` | `+CGPADDR: <cid>[,"<address>"]` per context |
/// | `AT+CGPADDR=?` | `+CGPADDR: (<defined cids>)` |
pub(super) fn show_address(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let cids = match form {
        Form::Action => defined(context),
        Form::Set(mut args) => {
            let mut cids = Vec::new();
            while !args.is_empty() {
                cids.push(cid(context, &mut args)?);
            }
            cids
        }
        Form::Test => {
            let cids: Vec<_> = defined(context).iter().map(u8::to_string).collect();
            return Ok(Reply::line(format!("+CGPADDR: ({})", cids.join(","))));
        }
        Form::Read => return Err(no_such_form()),
    };
    let line = |cid: u8| match address(context, cid) {
        Some(address) => Line::from(format!("+CGPADDR: {cid},\"{address}\"")),
        None => Line::from(format!("+CGPADDR: {cid}")),
    };
    Ok(Reply::Lines(cids.into_iter().map(line).collect()))
}

/// `+CGCONTRDP`, PDP context read dynamic parameters (3GPP 27.007 §10.1.23).
///
/// | form | response |
/// |---|---|
/// | `AT+CGCONTRDP[=<cid>]` | `+CGCONTRDP: <cid>,<bearer>,"<apn>","<address.mask>","<gateway>","<dns>","<dns>"` per active context |
/// | `AT+CGCONTRDP=?` | `+CGCONTRDP: (<active cids>)` |
///
/// The default bearer is 5, as in 3GPP 24.007; gateway and name servers are `designed`.
pub(super) fn dynamic_parameters(context: &mut Context<'_>, form: Form) -> Result<Reply, Failure> {
    let active = &context.module.packet().active;
    let cids: Vec<u8> = match form {
        Form::Action => active.iter().copied().collect(),
        Form::Set(mut args) => {
            let cid = cid(context, &mut args)?;
            args.finish()?;
            active.get(&cid).copied().into_iter().collect()
        }
        Form::Test => {
            let cids: Vec<_> = active.iter().map(u8::to_string).collect();
            return Ok(Reply::line(format!("+CGCONTRDP: ({})", cids.join(","))));
        }
        Form::Read => return Err(no_such_form()),
    };
    Ok(Reply::Lines(cids.into_iter().filter_map(|cid| dynamic_line(context, cid)).collect()))
}

fn dynamic_line(context: &Context<'_>, cid: u8) -> Option<Line> {
    /// The bearer identity of the first context.
    const BEARER_FIRST: u8 = 5;
    let module = &context.module;
    let address = packet::address(module.nvm().identity.rot, cid, module.ip());
    let active = module.packet().active.iter().position(|active| *active == cid)?;
    let bearer = BEARER_FIRST + u8::try_from(active).ok()?;
    let server = |last: u8| match address {
        IpAddr::V4(_) => dotted(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))),
        IpAddr::V6(_) => dotted(IpAddr::V6(Ipv6Addr::new(0xfd00, 0x5a, 0, 0, 0, 0, 0, u16::from(last)))),
    };
    let mask = match address {
        IpAddr::V4(_) => dotted(IpAddr::V4(Ipv4Addr::new(255, 0, 0, 0))),
        IpAddr::V6(_) => dotted(IpAddr::V6(Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0))),
    };
    Some(Line::from(format!(
        "+CGCONTRDP: {cid},{bearer},\"{}\",\"{}.{mask}\",\"{}\",\"{}\",\"{}\"",
        granted_apn(context, cid),
        dotted(address),
        server(GATEWAY),
        server(NAME_SERVERS[0]),
        server(NAME_SERVERS[1]),
    )))
}

/// An address as decimal octets, 4 or 16 (3GPP 27.007 §10.1.23).
fn dotted(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
}

/// The last octet of the gateway's address.
const GATEWAY: u8 = 1;
/// Those of the name servers.
const NAME_SERVERS: [u8; 2] = [2, 3];

/// The APN that the network granted: its own where none was asked for, with the suffix of 3GPP
/// 23.003 §9.1.
fn granted_apn(context: &Context<'_>, cid: u8) -> String {
    let asked = context.module.nvm().packet.context(cid).map_or("", |pdp| pdp.apn.as_str());
    let apn = if asked.is_empty() { DEFAULT_APN } else { asked };
    let home = &OPERATORS[0];
    format!("{apn}.mnc{:0>3}.mcc{}.gprs", home.network(), home.country())
}

/// What a context that is not activated is answered.
pub(super) fn failure(refusal: &ContextRefusal) -> Failure {
    match refusal {
        ContextRefusal::NotNow => CmeError::OPERATION_NOT_ALLOWED.into(),
        ContextRefusal::IpType => CmeError::IP_TYPE_CONFIGURATION_MISMATCH.into(),
        ContextRefusal::Network(cause) => cause_failure(*cause),
    }
}

/// The error that stands for a cause.
pub(super) fn cause_failure(cause: Cause) -> Failure {
    match cause {
        Cause::UNKNOWN_APN => CmeError::MISSING_OR_UNKNOWN_APN.into(),
        Cause::AUTHENTICATION_FAILED => CmeError::USER_AUTHENTICATION_FAILED.into(),
        Cause::PLMN_NOT_ALLOWED => CmeError::PLMN_NOT_ALLOWED.into(),
        _ => CmeError::UNSPECIFIED_GPRS_ERROR.into(),
    }
}

/// `<cid>`.
pub(super) fn cid(context: &Context<'_>, args: &mut Args) -> Result<u8, CmeError> {
    let facts = &context.module.profile().packet;
    args.number(facts.cid_min..=facts.cid_max)
}

fn defined(context: &Context<'_>) -> Vec<u8> {
    context.module.nvm().packet.contexts.iter().map(|pdp| pdp.cid).collect()
}

fn is_active(context: &Context<'_>, cid: u8) -> bool {
    context.module.packet().active.contains(&cid)
}

/// The address of an active context in decimal octets, as the commands of 3GPP 27.007 show it.
fn address(context: &Context<'_>, cid: u8) -> Option<String> {
    let rot = context.module.nvm().identity.rot;
    is_active(context, cid).then(|| dotted(packet::address(rot, cid, context.module.ip())))
}

/// The address of an active context, as the module's own IP stack shows it.
pub(in crate::commands) fn address_of(module: &Module, cid: u8) -> Option<String> {
    let active = module.packet().active.contains(&cid);
    active.then(|| packet::address(module.nvm().identity.rot, cid, module.ip()).to_string())
}

/// The addresses of the name servers, on an active context.
pub(super) fn name_server(module: &Module, number: usize) -> String {
    let last = NAME_SERVERS.get(number).copied().unwrap_or(GATEWAY);
    match module.ip() {
        IpVersion::V4 => Ipv4Addr::new(10, 0, 0, last).to_string(),
        IpVersion::V6 => Ipv6Addr::new(0xfd00, 0x5a, 0, 0, 0, 0, 0, u16::from(last)).to_string(),
    }
}
