//! Which keys a profile has, and what each may be set to. In the order of the structs.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::Path;

use super::document::{Document, Place};
use super::fields::Fields;
use super::{
    AtFacts, CellReport, Commands, Identity, Network, Packet, Power, Profile, ProfileError, Rat, RatFacts,
    SealedAgain, Security, SecurityErrors, WhileBootstrapping,
};
use super::{ChipToChip, CipherSuiteForm, Gpio, PowerSaving, System, Tls};

/// Ten minutes: nothing a module does at start takes longer.
const MS: RangeInclusive<i64> = 0..=600_000;
/// A second to a year.
const SECONDS: RangeInclusive<i64> = 1..=31_536_000;
/// A bit to ten megabits per second, beyond any Cat M1 module.
const BPS: RangeInclusive<i64> = 1..=10_000_000;

/// Values of `+UMNOPROF`, as far as any are known.
const MNO_PROFILE: RangeInclusive<i64> = 0..=999;
/// Values of `+CFUN` beyond the levels that every module has.
const CFUN: RangeInclusive<i64> = 5..=127;
/// A parameter of one byte.
const BYTE: RangeInclusive<i64> = 0..=255;

const RATS: &[(&str, Rat)] = &[("lte-m", Rat::LteM), ("nb-iot", Rat::NbIot), ("gsm", Rat::Gsm)];

const COMMAND_FORM: &str = "names as they are typed after AT, in capitals: E, &W, +CREG";

/// The published `+CME ERROR` codes, 3GPP TS 27.007 and the maker's own.
const CME_CODES: &[RangeInclusive<i64>] = &[
    0..=8,
    10..=18,
    20..=27,
    30..=32,
    40..=57,
    100..=100,
    103..=103,
    106..=108,
    111..=115,
    122..=122,
    126..=135,
    137..=147,
    149..=149,
    171..=181,
    254..=255,
    262..=262,
    300..=340,
    500..=500,
    608..=608,
    701..=702,
    1001..=1149,
    1243..=1244,
    1400..=1400,
    1530..=1531,
    1550..=1559,
    1600..=1650,
    1670..=1689,
    1700..=1713,
    1910..=1922,
    1950..=1952,
    2000..=2000,
    3000..=3000,
    4000..=4001,
    5000..=5002,
];

/// Reads a whole profile; see [`Profile::parse`].
pub(super) fn read(text: &str, file: &str, known_commands: Option<&[&str]>) -> Result<Profile, ProfileError> {
    let document = Document::parse(text, file)?;
    let faults = RefCell::default();
    let mut root = Fields::root(&document.root, &faults);
    let profile = profile(&mut root, file, known_commands);
    root.finish();
    let first = faults.into_inner().into_iter().min_by_key(|fault| (fault.missing, fault.place));
    match (first, profile) {
        (None, Some(profile)) => Ok(profile),
        (Some(fault), _) => Err(document.error(fault.place, fault.message, fault.allowed)),
        (None, None) => unreachable!("a table that is missing or no table is a fault"),
    }
}

fn profile(root: &mut Fields<'_>, file: &str, known_commands: Option<&[&str]>) -> Option<Profile> {
    let name = Path::new(file).file_stem().map_or(file.into(), |stem| stem.to_string_lossy());
    let identity = root.table("identity", identity);
    let at = root.table("at", at);
    let commands = root.table("commands", |fields| commands(fields, known_commands));
    let power = root.table("power", power);
    let network = root.table("network", network);
    let packet = root.table("packet", packet);
    let power_saving = root.table("power_saving", power_saving);
    let gpio = root.table("gpio", gpio);
    let system = root.table("system", system);
    let tls = root.table("tls", tls);
    let security = match root.is_word("security", "none") {
        true => root.no_table("security"),
        false => root.optional_table("security", security),
    };
    let (commands, security_commands) = commands?;
    if let (Some((command, place)), None) = (security_commands.first(), &security) {
        let message = format!("`{command}` needs a table `[security]`");
        root.fault(*place, message, String::new());
    }
    for (key, wanted) in [
        ("rot_psk", tls.as_ref().is_some_and(|tls| tls.rot_psk)),
        ("device_certificate", tls.as_ref().is_some_and(|tls| tls.device_certificate)),
    ] {
        if wanted && security.is_none() {
            root.fault_within("tls", key, format!("`tls.{key}` needs a table `[security]`"));
        }
    }
    Some(Profile {
        name: name.into_owned(),
        identity: identity?,
        at: at?,
        commands,
        power: power?,
        network: network?,
        packet: packet?,
        power_saving: power_saving?,
        gpio: gpio?,
        system: system?,
        tls: tls?,
        security: security.flatten(),
    })
}

fn identity(fields: &mut Fields<'_>) -> Identity {
    // These strings stand on lines of their own and between quotes.
    let mut printable = |key| {
        fields.text(key, "1 to 64 printable ASCII characters, no quotes", |text| {
            (1..=64).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"')
        })
    };
    Identity {
        manufacturer: printable("manufacturer"),
        model: printable("model"),
        type_number: printable("type_number"),
        modem_version: printable("modem_version"),
        application_version: printable("application_version"),
        tac: fields
            .text("tac", "8 digits", |text| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit())),
        cgsn_with_type: fields.boolean("cgsn_with_type"),
    }
}

fn at(fields: &mut Fields<'_>) -> AtFacts {
    AtFacts {
        // The shortest is what every host's first line needs, the longest what a host may fill.
        command_line_max: fields.integer("command_line_max", 80..=65_536),
        waiting_input_max: fields.integer("waiting_input_max", 80..=65_536),
        cmee_default: fields.integer("cmee_default", 0..=2),
        unknown_command_cme: unknown_command_cme(fields),
        bad_parameter_cme: cme(fields, "bad_parameter_cme"),
        rates_bps: fields.integers("rates_bps", 0..=3_250_000).into_iter().collect(),
        rates_detected_bps: fields.integers("rates_detected_bps", 1..=3_250_000).into_iter().collect(),
        ipr_default: ipr_default(fields),
        data_phase_s: fields.integer("data_phase_s", 1..=600),
        greeting_leading_cr: fields.boolean("greeting_leading_cr"),
    }
}

fn unknown_command_cme(fields: &mut Fields<'_>) -> Option<u16> {
    const KEY: &str = "unknown_command_cme";
    if fields.is_word(KEY, "none") {
        fields.text(KEY, "none", |_| true);
        return None;
    }
    Some(cme(fields, KEY))
}

fn ipr_default(fields: &mut Fields<'_>) -> u32 {
    fields.integer_if(
        "ipr_default",
        "0, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 3000000, 3250000",
        |rate| {
            [0, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 921_600, 3_000_000, 3_250_000]
                .contains(&rate)
        },
    )
}

/// The commands, and those of the security chapter with their places.
fn commands(fields: &mut Fields<'_>, known: Option<&[&str]>) -> (Commands, Vec<(String, Place)>) {
    let allowed = known.map_or_else(|| COMMAND_FORM.to_owned(), |known| known.join(", "));
    let right = |name: &str| known.map_or_else(|| is_command(name), |known| known.contains(&name));
    let mut seen: Vec<(String, Place)> = Vec::new();
    let mut chapter = |key| {
        let names = fields.texts(key, &allowed, right);
        for (name, place) in &names {
            if let Some((_, earlier)) = seen.iter().find(|(earlier, _)| earlier == name) {
                let message = format!("`{name}` stands in two chapters");
                fields.fault(place.to_mend(*earlier), message, String::new());
            }
        }
        seen.extend(names.iter().cloned());
        names
    };
    let bare = |names: Vec<(String, Place)>| names.into_iter().map(|(name, _)| name).collect();
    let commands = Commands {
        general: bare(chapter("general")),
        control: bare(chapter("control")),
        sim: bare(chapter("sim")),
        network: bare(chapter("network")),
        v25ter: bare(chapter("v25ter")),
        packet: bare(chapter("packet")),
        power_saving: bare(chapter("power_saving")),
        gpio: bare(chapter("gpio")),
        system: bare(chapter("system")),
        tls: bare(chapter("tls")),
        security: Vec::new(),
    };
    let security = chapter("security");
    (Commands { security: bare(security.clone()), ..commands }, security)
}

/// A V.250 basic command (`E`, `&W`, `\Q`) or extended one (`+CREG`).
fn is_command(name: &str) -> bool {
    let extended = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_uppercase())
            && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"!%-./:_".contains(&b))
    };
    match name.as_bytes() {
        [b'A'..=b'Z'] | [b'&' | b'\\', b'A'..=b'Z'] => true,
        [b'+', ..] => extended(&name[1..]),
        _ => false,
    }
}

fn power(fields: &mut Fields<'_>) -> Power {
    Power {
        boot_ms: fields.integer("boot_ms", MS),
        reset_ms: fields.integer("reset_ms", MS),
        sim_ready_ms: fields.integer("sim_ready_ms", MS),
        security_ready_ms: fields.integer("security_ready_ms", MS),
        power_off_ms: fields.integer("power_off_ms", MS),
        announces_power_off: fields.boolean("announces_power_off"),
        cfun_reset: fields.integers("cfun_reset", CFUN).into_iter().collect(),
        cfun_power_off: fields.integers("cfun_power_off", CFUN).into_iter().collect(),
        cfun_ignored: fields.integers("cfun_ignored", CFUN).into_iter().collect(),
        sim_busy_commands: fields
            .texts("sim_busy_commands", COMMAND_FORM, is_command)
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
        rtc_survives_power_loss: fields.boolean("rtc_survives_power_loss"),
        rtc_survives_reset_pin: fields.boolean("rtc_survives_reset_pin"),
        response_ms: fields.integer("response_ms", 0..=10_000),
    }
}

fn network(fields: &mut Fields<'_>) -> Network {
    Network {
        rats: rats(fields),
        rats_at_once: fields.integer("rats_at_once", 1..=3),
        urat_at_cfun_0: fields.boolean("urat_at_cfun_0"),
        mno_profiles: fields.integers("mno_profiles", MNO_PROFILE).into_iter().collect(),
        mno_profile_default: fields.integer("mno_profile_default", MNO_PROFILE),
        bandmask_of_all_rats: fields.boolean("bandmask_of_all_rats"),
        creg_n_max: fields.integer("creg_n_max", 0..=5),
        cereg_n_max: fields.integer("cereg_n_max", 0..=5),
        cereg_rac_field: fields.boolean("cereg_rac_field"),
        ctzu_default: fields.integer("ctzu_default", 0..=1),
        scan_ms: fields.integer("scan_ms", MS),
        deep_scan: fields.boolean("deep_scan"),
        cell_report: fields.choice(
            "cell_report",
            &[("full", CellReport::Full), ("short", CellReport::Short), ("rsrp", CellReport::Rsrp)],
        ),
    }
}

/// The tables of all RATs there are facts about, in the order in which `rats` prefers them.
fn rats(fields: &mut Fields<'_>) -> Vec<RatFacts> {
    let words: Vec<&str> = RATS.iter().map(|(word, _)| *word).collect();
    let preferred = fields.some_texts("rats", &words.join(", "), |text| words.contains(&text));
    let facts: Vec<_> = RATS
        .iter()
        .map(|&(word, rat)| (word, fields.optional_table(word, |fields| rat_facts(fields, rat))))
        .collect();
    let mut rats = Vec::new();
    for (name, place) in preferred {
        match facts.iter().find(|(word, _)| *word == name) {
            Some((_, Some(facts))) => rats.push(facts.clone()),
            _ => fields.missing(place, format!("table `[network.{name}]` is missing")),
        }
    }
    rats
}

fn rat_facts(fields: &mut Fields<'_>, rat: Rat) -> RatFacts {
    RatFacts {
        rat,
        registration_ms: fields.integer("registration_ms", MS),
        latency_ms: fields.integer("latency_ms", 0..=60_000),
        uplink_bps: fields.integer("uplink_bps", BPS),
        downlink_bps: fields.integer("downlink_bps", BPS),
        bands: fields.integers("bands", 1..=1900).into_iter().collect(),
    }
}

fn packet(fields: &mut Fields<'_>) -> Packet {
    let packet = Packet {
        cid_min: fields.integer("cid_min", 0..=1),
        cid_max: fields.integer("cid_max", 1..=24),
        active_max: fields.integer("active_max", 1..=25),
        cgdcont_tail: fields.text("cgdcont_tail", "numbers between commas", |text| {
            text.bytes().all(|b| b.is_ascii_digit() || b == b',')
        }),
        pdp_type_default: fields.text("pdp_type_default", "IP, IPV6, IPV4V6, NONIP", |text| {
            ["IP", "IPV6", "IPV4V6", "NONIP"].contains(&text)
        }),
        no_address_v4v6: fields.text("no_address_v4v6", "zeros with dots and blanks between them", |text| {
            !text.is_empty() && text.bytes().all(|b| b"0. ".contains(&b))
        }),
        contexts_fixed_under: fields.integers("contexts_fixed_under", MNO_PROFILE).into_iter().collect(),
        apn_suffix: fields.boolean("apn_suffix"),
        uauthreq_password_first: fields.boolean("uauthreq_password_first"),
    };
    let contexts = packet.cid_max.saturating_sub(packet.cid_min) + 1;
    if packet.active_max > contexts {
        let message = format!("`packet.active_max` is more than the {contexts} contexts there are");
        fields.conflict("active_max", "cid_max", &message);
    }
    packet
}

fn power_saving(fields: &mut Fields<'_>) -> PowerSaving {
    PowerSaving {
        upsv_modes: fields.integers("upsv_modes", 0..=4).into_iter().collect(),
        upsv_timeout: fields.boolean("upsv_timeout"),
        psm_after_reboot: fields.boolean("psm_after_reboot"),
        psm_on_under: fields.integers("psm_on_under", MNO_PROFILE).into_iter().collect(),
        cpsms_space: fields.boolean("cpsms_space"),
        edrx_off_listed: fields.boolean("edrx_off_listed"),
    }
}

fn gpio(fields: &mut Fields<'_>) -> Gpio {
    Gpio { pins: fields.integers("pins", BYTE), modes: fields.integers("modes", BYTE).into_iter().collect() }
}

fn system(fields: &mut Fields<'_>) -> System {
    System {
        usio_variants: fields.integers("usio_variants", BYTE).into_iter().collect(),
        hex_mode_kept: fields.boolean("hex_mode_kept"),
        lwm2m_kept: fields.boolean("lwm2m_kept"),
    }
}

fn tls(fields: &mut Fields<'_>) -> Tls {
    Tls {
        certificate_check_default: fields.integer("certificate_check_default", 0..=3),
        version_default: fields.integer("version_default", 0..=3),
        cipher_suites: fields.choice(
            "cipher_suites",
            &[
                ("number", CipherSuiteForm::Number),
                ("iana", CipherSuiteForm::Iana),
                ("list", CipherSuiteForm::List),
            ],
        ),
        sni: fields.boolean("sni"),
        rot_psk: fields.boolean("rot_psk"),
        session_resumption: fields.boolean("session_resumption"),
        device_certificate: fields.boolean("device_certificate"),
    }
}

fn security(fields: &mut Fields<'_>) -> Option<Security> {
    let security = Security {
        devinfo_while_bootstrapping: fields.choice(
            "devinfo_while_bootstrapping",
            &[("block", WhileBootstrapping::Block), ("error", WhileBootstrapping::Error)],
        ),
        sealed_again: fields
            .choice("sealed_again", &[("ignore", SealedAgain::Ignore), ("error", SealedAgain::Error)]),
        profile_uid_max: fields.integer("profile_uid_max", 1..=255),
        serial_number_max: fields.integer("serial_number_max", 1..=255),
        heartbeat_limit_s: fields.integer("heartbeat_limit_s", 0..=*SECONDS.end()),
        heartbeat_timeout_s: fields.integer("heartbeat_timeout_s", SECONDS),
        heartbeat_period_s: fields.integer("heartbeat_period_s", SECONDS),
        data_max: fields.integer("data_max", 1..=65_536),
        heartbeat_first: fields
            .texts("heartbeat_first", "+USEC… commands but +USECDEVINFO, +USECROTUID", |name| {
                // These two tell how things stand: they must answer when nothing else does.
                name.starts_with("+USEC")
                    && is_command(name)
                    && name != "+USECDEVINFO"
                    && name != "+USECROTUID"
            })
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
        retry_first_s: fields.integer("retry_first_s", SECONDS),
        retry_max_s: fields.integer("retry_max_s", SECONDS),
        retry_jitter_percent: fields.integer("retry_jitter_percent", 0..=100),
        errors: fields.table("errors", errors)?,
        chip_to_chip: fields.table("c2c", chip_to_chip)?,
    };
    if security.retry_first_s > security.retry_max_s {
        let message = "`security.retry_first_s` is more than `security.retry_max_s`";
        fields.conflict("retry_first_s", "retry_max_s", message);
    }
    Some(security)
}

fn errors(fields: &mut Fields<'_>) -> SecurityErrors {
    SecurityErrors {
        busy: cme(fields, "busy"),
        bootstrapping: cme(fields, "bootstrapping"),
        not_bootstrapped: cme(fields, "not_bootstrapped"),
        heartbeat_limit: cme(fields, "heartbeat_limit"),
        no_connection: cme(fields, "no_connection"),
        dns: cme(fields, "dns"),
        timeout: cme(fields, "timeout"),
        refused: cme(fields, "refused"),
        sealed: cme(fields, "sealed"),
        unsealed: cme(fields, "unsealed"),
        suspended: cme(fields, "suspended"),
        no_service: cme(fields, "no_service"),
        no_feature: cme(fields, "no_feature"),
        keys_used_up: cme(fields, "keys_used_up"),
        not_genuine: cme(fields, "not_genuine"),
        outside_c2c: cme(fields, "outside_c2c"),
    }
}

fn chip_to_chip(fields: &mut Fields<'_>) -> ChipToChip {
    ChipToChip {
        version: fields.integer("version", 1..=2),
        pairings_max: fields.integer("pairings_max", 1..=16),
        already_paired: cme(fields, "already_paired"),
        channels_consumed: cme(fields, "channels_consumed"),
        not_paired: cme(fields, "not_paired"),
        wrong_confirmation: cme(fields, "wrong_confirmation"),
    }
}

/// A published `+CME ERROR` code.
fn cme(fields: &mut Fields<'_>, key: &'static str) -> u16 {
    let allowed: Vec<String> = CME_CODES
        .iter()
        .map(|codes| match (codes.start(), codes.end()) {
            (start, end) if start == end => start.to_string(),
            (start, end) => format!("{start}-{end}"),
        })
        .collect();
    fields.integer_if(key, &allowed.join(", "), |code| CME_CODES.iter().any(|codes| codes.contains(&code)))
}
