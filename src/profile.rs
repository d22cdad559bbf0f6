//! Module profiles: facts about a type number, never behaviour.
//!
//! A profile is a TOML file; the built-in ones are embedded from `profiles/`, and every key is
//! explained once in `profiles/sara-r510s.toml`. Unknown keys are refused. Every value of a
//! built-in file carries its source as a trailing comment: `manual`, `driver`, `seed` (the
//! published getting-started guide) or `designed`.
//!
//! A file may begin with `inherits = "NAME"`, NAME a built-in profile; it then states only what
//! differs, key by key. [`text`] is what `vsara profiles NAME` prints: the whole profile, nothing
//! inherited, each key under its explanation, so that it can be saved, edited and used.

mod built_in;
mod document;
mod error;
mod fields;
mod schema;

use std::collections::BTreeSet;

pub use built_in::{list, text};
pub use error::ProfileError;

/// Everything vsara knows about one type number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What the user calls it: the stem of its file's name, `sara-r510s`.
    pub name: String,
    /// Who the module says it is.
    pub identity: Identity,
    /// Limits and habits of its AT language.
    pub at: AtFacts,
    /// Which commands exist, by chapter.
    pub commands: Commands,
    /// Power states and how long they take under `--timing module`.
    pub power: Power,
    /// Radio access technologies and registration.
    pub network: Network,
    /// PDP contexts.
    pub packet: Packet,
    /// What saves power, and how its commands look.
    pub power_saving: PowerSaving,
    /// General purpose pins.
    pub gpio: Gpio,
    /// What is left to configure.
    pub system: System,
    /// TLS profiles.
    pub tls: Tls,
    /// IoT Security-as-a-Service; absent where the module has none.
    pub security: Option<Security>,
}

impl Profile {
    /// Reads a profile from the text of `file`, which may inherit from a built-in one.
    ///
    /// `known_commands` are the commands vsara has; with `None` any well-formed name passes.
    /// Of several faults the first one in the file is reported; a missing key only if there is
    /// nothing else.
    pub fn parse(text: &str, file: &str, known_commands: Option<&[&str]>) -> Result<Self, ProfileError> {
        schema::read(text, file, known_commands)
    }

    /// The built-in profile of this name, as in [`list`].
    pub fn built_in(name: &str) -> Option<Self> {
        let text = built_in::source(name)?;
        // Invariant: the embedded files are valid; `tests/profiles.rs` parses each of them.
        Some(Self::parse(text, &format!("{name}.toml"), None).expect("a built-in profile is valid"))
    }
}

/// Identification strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `AT+CGMI`.
    pub manufacturer: String,
    /// `AT+CGMM`.
    pub model: String,
    /// `ATI`, for example `SARA-R510S-01B-00`.
    pub type_number: String,
    /// First part of `ATI9`, and `AT+CGMR`.
    pub modem_version: String,
    /// Second part of `ATI9`.
    pub application_version: String,
    /// Type allocation code: the first 8 digits of every IMEI of this type.
    pub tac: String,
    /// Whether `AT+CGSN=<snt>` exists.
    pub cgsn_with_type: bool,
}

/// What `AT+CMEE` and syntax errors look like, and the limits of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtFacts {
    /// Longest command line, terminator not counted, in bytes.
    pub command_line_max: usize,
    /// Most input held back behind a command that cannot be aborted, in bytes.
    pub waiting_input_max: usize,
    /// `+CMEE` after power-on.
    pub cmee_default: u8,
    /// CME error code for a command the profile does not list; `None` (`"none"` in the file) is a bare
    /// `ERROR` whatever `+CMEE` says.
    pub unknown_command_cme: Option<u16>,
    /// CME error code for a wrong parameter.
    pub bad_parameter_cme: u16,
    /// Values of `+IPR`, in bits per second; 0 is autobauding.
    pub rates_bps: BTreeSet<u32>,
    /// Those among them that autobauding finds; none without autobauding.
    pub rates_detected_bps: BTreeSet<u32>,
    /// `+IPR` from the factory; 0 is autobauding.
    pub ipr_default: u32,
    /// Longest data phase, from its prompt to the last byte, in seconds.
    pub data_phase_s: u32,
    /// Whether one more CR stands before the greeting text of `+CSGT`.
    pub greeting_leading_cr: bool,
}

/// Names of the commands that exist, as they are typed: `E`, `&W`, `+CREG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// Chapter *General*: identification.
    pub general: Vec<String>,
    /// Chapter *Mobile equipment control and status*: power, clock, indicators.
    pub control: Vec<String>,
    /// Chapters *Security* and *SIM management*: PIN, locks, files of the SIM.
    pub sim: Vec<String>,
    /// Chapter *Network service*: registration, operator.
    pub network: Vec<String>,
    /// Chapter *V24 control and V25ter*: echo, result codes, S-registers, stored profiles.
    pub v25ter: Vec<String>,
    /// Chapter *Packet switched data services*.
    pub packet: Vec<String>,
    /// Chapter *Power management*: PSM, eDRX, UART power saving.
    pub power_saving: Vec<String>,
    /// Chapter *GPIO*.
    pub gpio: Vec<String>,
    /// Chapter *System features*, and what else is configured once: MNO profile, bands, greeting.
    pub system: Vec<String>,
    /// Chapter *Device and data security*, TLS: certificates and TLS profiles.
    pub tls: Vec<String>,
    /// Chapter *Device and data security*, IoT Security-as-a-Service.
    pub security: Vec<String>,
}

impl Commands {
    /// Every command of every chapter, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let basic = [&self.general, &self.control, &self.sim, &self.network, &self.v25ter, &self.packet];
        let further = [&self.power_saving, &self.gpio, &self.system, &self.tls, &self.security];
        basic.into_iter().chain(further).flatten().map(String::as_str)
    }
}

/// Power states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// From power-on to the first answer, in milliseconds.
    pub boot_ms: u32,
    /// From `OK` of a reset by `AT+CFUN` to the first answer, in milliseconds.
    pub reset_ms: u32,
    /// From the first answer until the SIM is ready (`SIM busy` before), in milliseconds.
    pub sim_ready_ms: u32,
    /// From the first answer until the root of trust is ready (`SEC busy` before), in milliseconds.
    pub security_ready_ms: u32,
    /// From `OK` of `AT+CPWROFF` to off, in milliseconds.
    pub power_off_ms: u32,
    /// Whether `+UCPWROFF` announces the end of a power-off.
    pub announces_power_off: bool,
    /// Values of `AT+CFUN` that reset the module.
    pub cfun_reset: BTreeSet<u8>,
    /// Values of `AT+CFUN` that power the module off at once.
    pub cfun_power_off: BTreeSet<u8>,
    /// Values of `AT+CFUN` that are answered `OK` and change nothing here.
    pub cfun_ignored: BTreeSet<u8>,
    /// Commands that answer `SIM busy` while the SIM is not ready, though they need none.
    pub sim_busy_commands: BTreeSet<String>,
    /// Whether the real-time clock survives a power loss.
    pub rtc_survives_power_loss: bool,
    /// Whether the real-time clock survives RESET_N.
    pub rtc_survives_reset_pin: bool,
    /// How long a command takes to answer under `--timing module`, in milliseconds.
    pub response_ms: u32,
}

/// Registration and the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Radio access technologies, in factory order of preference.
    pub rats: Vec<RatFacts>,
    /// How many of them `AT+URAT` selects at most.
    pub rats_at_once: usize,
    /// Whether `AT+URAT=` is refused but at `AT+CFUN=0`.
    pub urat_at_cfun_0: bool,
    /// Values of `+UMNOPROF`.
    pub mno_profiles: BTreeSet<u16>,
    /// `+UMNOPROF` from the factory.
    pub mno_profile_default: u16,
    /// Whether `+UBANDMASK?` shows all technologies in one line, or only the one in use.
    pub bandmask_of_all_rats: bool,
    /// Highest `<n>` of `+CREG`.
    pub creg_n_max: u8,
    /// Highest `<n>` of `+CEREG`.
    pub cereg_n_max: u8,
    /// Whether `+CEREG` carries one more field (`<rac_or_mme>`) after `<tac>`.
    pub cereg_rac_field: bool,
    /// `+CTZU` from the factory.
    pub ctzu_default: u8,
    /// How long `AT+COPS=?` searches, in milliseconds.
    pub scan_ms: u32,
    /// Whether `AT+COPS=5`, the deep scan, exists.
    pub deep_scan: bool,
    /// What `AT+UCGED?` answers.
    pub cell_report: CellReport,
}

/// A radio access technology as this module does it, used under `--timing module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatFacts {
    /// Which one.
    pub rat: Rat,
    /// From radio on to registered, in milliseconds.
    pub registration_ms: u32,
    /// One way, in milliseconds.
    pub latency_ms: u32,
    /// Uplink, in bits per second.
    pub uplink_bps: u32,
    /// Downlink, in bits per second.
    pub downlink_bps: u32,
    /// Supported bands: E-UTRA band numbers (3GPP 36.101 §5.5), or MHz for GSM.
    pub bands: BTreeSet<u16>,
}

/// Radio access technologies: `lte-m`, `nb-iot` and `gsm` in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rat {
    /// LTE Cat M1.
    LteM,
    /// LTE Cat NB1.
    NbIot,
    /// GSM/GPRS/EDGE.
    Gsm,
}

/// What `+UCGED` tells of the serving cell: `full`, `short` and `rsrp` in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellReport {
    /// Mode 2, coded values of 3GPP 36.133.
    Full,
    /// Mode 2, fewer fields, dBm and dB.
    Short,
    /// Mode 5, `+RSRP` and `+RSRQ`.
    Rsrp,
}

/// PDP contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Lowest `<cid>`.
    pub cid_min: u8,
    /// Highest `<cid>`.
    pub cid_max: u8,
    /// Most contexts active at once.
    pub active_max: u8,
    /// Fields after `<APN>` and `<PDP_addr>` in the answer to `+CGDCONT?`, as they read from the factory.
    pub cgdcont_tail: String,
    /// `<PDP_type>` of context 1 from the factory.
    pub pdp_type_default: String,
    /// `<PDP_addr>` in the answer to `+CGDCONT?` of an IPV4V6 context that has none.
    pub no_address_v4v6: String,
    /// Values of `+UMNOPROF` under which contexts 1 to 7 can't be defined anew.
    pub contexts_fixed_under: BTreeSet<u16>,
    /// Whether `+CGDCONT?` shows an active context's APN with the network's suffix.
    pub apn_suffix: bool,
    /// Whether `+UAUTHREQ` takes the password before the user name.
    pub uauthreq_password_first: bool,
}

/// PSM, eDRX and UART power saving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerSaving {
    /// Values of `+UPSV`.
    pub upsv_modes: BTreeSet<u8>,
    /// Whether `+UPSV` takes a timeout.
    pub upsv_timeout: bool,
    /// Whether a changed `+CPSMS` is in use only after a reboot.
    pub psm_after_reboot: bool,
    /// Values of `+UMNOPROF` that switch PSM and eDRX on.
    pub psm_on_under: BTreeSet<u16>,
    /// Whether a space follows the colon of `+CPSMS:`.
    pub cpsms_space: bool,
    /// Whether `+CEDRXS?` has a line for a technology that has eDRX off.
    pub edrx_off_listed: bool,
}

/// General purpose pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpio {
    /// Numbers of the pins, `<gpio_id>`.
    pub pins: Vec<u8>,
    /// Functions a pin can have, `<gpio_mode>`.
    pub modes: BTreeSet<u8>,
}

/// What is left to configure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Variants of `+USIO`.
    pub usio_variants: BTreeSet<u8>,
    /// Whether the HEX mode of `+UDCONF=1` survives a reboot.
    pub hex_mode_kept: bool,
    /// Whether `+ULWM2M` survives a reboot.
    pub lwm2m_kept: bool,
}

/// TLS profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificate check from the factory, op 0 of `+USECPRF`.
    pub certificate_check_default: u8,
    /// Lowest version from the factory, op 1.
    pub version_default: u8,
    /// How cipher suites are named, op 2.
    pub cipher_suites: CipherSuiteForm,
    /// Whether there is op 10, server name indication.
    pub sni: bool,
    /// Whether there is op 11, a pre-shared key of the root of trust.
    pub rot_psk: bool,
    /// Whether there is op 13, session resumption.
    pub session_resumption: bool,
    /// Whether there is op 14, the certificate of the device.
    pub device_certificate: bool,
}

/// How `AT+USECPRF=<profile>,2` names cipher suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherSuiteForm {
    /// By a number of the maker's table.
    Number,
    /// By that, or one by its two bytes.
    Iana,
    /// By these, or several in a list.
    List,
}

/// IoT Security-as-a-Service on the module's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// `AT+USECDEVINFO?` while the bootstrap is in progress.
    pub devinfo_while_bootstrapping: WhileBootstrapping,
    /// A set `AT+USECDEVINFO` on a sealed module.
    pub sealed_again: SealedAgain,
    /// Longest DeviceProfileUID, in characters.
    pub profile_uid_max: usize,
    /// Longest device serial number, in characters.
    pub serial_number_max: usize,
    /// Least time between two security heartbeats asked for by `AT+USECCONN`, in seconds.
    pub heartbeat_limit_s: u32,
    /// Longest blocking heartbeat before it is aborted, in seconds.
    pub heartbeat_timeout_s: u32,
    /// Automatic heartbeat period before the service says otherwise, in seconds.
    pub heartbeat_period_s: u32,
    /// Longest message to protect, in bytes.
    pub data_max: usize,
    /// Commands that run a due heartbeat first.
    pub heartbeat_first: BTreeSet<String>,
    /// First pause after a failed attempt, in seconds; it doubles from there.
    pub retry_first_s: u32,
    /// Longest pause after a failed attempt, in seconds.
    pub retry_max_s: u32,
    /// Random part of a pause, in percent of it.
    pub retry_jitter_percent: u8,
    /// CME error codes, one for each reason.
    pub errors: SecurityErrors,
    /// `+USECC2C`.
    pub chip_to_chip: ChipToChip,
}

/// Chip-to-chip security.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipToChip {
    /// How frames are protected: 1, MAC then encryption; 2, encryption then MAC.
    pub version: u8,
    /// How many host chips it pairs with at most.
    pub pairings_max: usize,
    /// CME error: pairing with a TE secret there is a pairing for.
    pub already_paired: u16,
    /// CME error: pairing where `pairings_max` is reached.
    pub channels_consumed: u16,
    /// CME error: opening or confirming with a TE secret there is no pairing for.
    pub not_paired: u16,
    /// CME error: a confirmation that is not that of the pairing.
    pub wrong_confirmation: u16,
}

/// R4 blocks, R5 answers an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileBootstrapping {
    /// The command answers when the bootstrap has ended.
    Block,
    /// The command answers an error at once.
    Error,
}

/// What a second seal is answered; it never changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedAgain {
    /// `OK`.
    Ignore,
    /// An error.
    Error,
}

/// Which published SEC code answers which refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityErrors {
    /// The root of trust is not ready yet after power-on.
    pub busy: u16,
    /// Bootstrap still in progress.
    pub bootstrapping: u16,
    /// Not bootstrapped yet.
    pub not_bootstrapped: u16,
    /// Within the limit of the last security heartbeat sent, or the elapsed time is negative.
    pub heartbeat_limit: u16,
    /// No data connection.
    pub no_connection: u16,
    /// The service's name does not resolve.
    pub dns: u16,
    /// The heartbeat was aborted at its time limit.
    pub timeout: u16,
    /// Refused by the service as a clone.
    pub refused: u16,
    /// A second seal, where that is an error.
    pub sealed: u16,
    /// Nobody's yet: not sealed, or the service has not answered for the seal.
    pub unsealed: u16,
    /// Suspended by its owner.
    pub suspended: u16,
    /// The plan does not include the service.
    pub no_service: u16,
    /// The feature is not applied.
    pub no_feature: u16,
    /// All keys of the key set are used up.
    pub keys_used_up: u16,
    /// What is to be decrypted was changed, or is not this module's.
    pub not_genuine: u16,
    /// A certificate read in clear, while chip-to-chip is on.
    pub outside_c2c: u16,
}
