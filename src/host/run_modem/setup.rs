//! [`ModemSetup`]: from what the user asked for to a module that can be powered on.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use rand_core::Rng;
use tokio::sync::{mpsc, oneshot};

use super::director::{Director, ScenarioSetup};
use super::replug::Replug;
use super::trace::SerialTrace;
use super::{BUFFER_LEN, ModemHost};
use crate::host::air::Air;
use crate::host::clock::{Clock, Pace, TimeFile};
use crate::host::control::{Call, ControlSocket};
use crate::host::doors::{Doors, OpenDoors};
use crate::host::entropy;
use crate::host::error::HostError;
use crate::host::event_log::EventLog;
use crate::host::line::Line;
use crate::host::nvm_file::{NvmError, NvmFile};
use crate::host::port::{Port, PortSpec};
use crate::host::pty::StandsFor;
use crate::host::run_service::{EmbeddedService, ServiceSetup, embed};
use crate::host::signals::End;
use crate::host::state_dir::{StateDir, drop_identity, kept_identity};
use crate::host::tty_link::TtyLink;
use crate::host::udp::{ModuleSockets, ServiceSpec};
use crate::modem::{Dte, Modem, PortId};
use crate::module::{ModuleOptions, Nvm, Timing, factory};
use crate::profile::Profile;
use crate::protocol::keys::{MasterKey, RotUid};
use crate::scenario::report::Report;

/// The profile of a module nobody chose one for.
pub const DEFAULT_PROFILE: &str = "sara-r510s";

/// Most calls of the control socket that wait for their turn.
const CALLS_WAITING: usize = 16;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct ModemSetup {
    /// A built-in profile or a file; none: that of the state directory, or the default.
    pub profile: Option<String>,
    /// Where everything is kept.
    pub state: StateSpec,
    /// The stable name of the first pseudo-terminal; none: `tty` in the state directory.
    pub link: Option<PathBuf>,
    /// Permissions of pseudo-terminals.
    pub mode: Option<u32>,
    /// Its ports.
    pub ports: Vec<PortSpec>,
    /// Whether pseudo-terminals come and go with the module, as the ports of a USB device do.
    pub replug: bool,
    /// Where the security service is.
    pub service: ServiceSpec,
    /// Latencies.
    pub timing: Timing,
    /// Pace of system time.
    pub pace: Pace,
    /// For latencies, faults and jitter.
    pub seed: Option<u64>,
    /// Whether the embedded service keeps a journal, for its admin API.
    pub journal: bool,
    /// Doors of the embedded service for people and programs.
    pub doors: OpenDoors,
    /// A new module's root of trust.
    pub rot: Option<RotUid>,
    /// Knows every factory secret.
    pub master: MasterKey,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateSpec {
    /// In this directory.
    At(PathBuf),
    /// In a temporary one.
    Temporary,
}

impl ModemHost {
    /// Everything up to power-on; it runs until `end`. To be called in a runtime.
    pub(super) fn open(
        setup: ModemSetup,
        scenario: Option<(ScenarioSetup, oneshot::Sender<Report>)>,
        end: End,
    ) -> Result<Self, HostError> {
        let state = match &setup.state {
            StateSpec::At(path) => StateDir::open(path)?,
            StateSpec::Temporary => StateDir::temporary()?,
        };
        let profile = choose_profile(setup.profile.as_deref(), &state)?;
        let time_file = TimeFile::open(state.path())
            .map_err(|error| HostError::running(format_args!("{}: {error}", state.path().display())))?;
        let clock = Clock::start(setup.pace, time_file.last());
        let events = EventLog::default();
        let seed = match setup.seed {
            Some(seed) => seed,
            None => entropy::generator()?.next_u64(),
        };
        tracing::info!("seed {seed}");
        let (calls, called) = mpsc::channel(CALLS_WAITING);
        let service = embed_if_asked(&setup, &state, &clock, &events, seed, calls.clone())?;
        let destination =
            service.as_ref().map_or(setup.service.clone(), |service| ServiceSpec::Address(service.address));
        let mut nvm_file = NvmFile::new(state.path()).map_err(|error| unusable(&error))?;
        let nvm = load_or_make(&mut nvm_file, &profile, &setup, state.path())?;
        let (ports, links) = open_ports(&setup, &state)?;
        let director = scenario.map(|(scenario, ended)| {
            Box::new(Director::new(&scenario, PortId(ports.len()), clock.now().system, ended))
        });
        let extra = usize::from(director.is_some());
        let control = ControlSocket::open(state.path(), calls)
            .map_err(|error| HostError::running(format_args!("{}: {error}", state.path().display())))?;
        let options = ModuleOptions {
            timing: setup.timing,
            ip: destination.ip(),
            service_resolves: destination != ServiceSpec::None,
            seed,
            entropy: entropy::generator()?,
            session_seed: None,
        };
        Ok(Self {
            // One more is a scenario's own.
            modem: Modem::new(Arc::clone(&profile), nvm, options, ports.len() + extra, clock.now()),
            director,
            profile,
            master: setup.master,
            seed,
            clock,
            replug: if setup.replug { Replug::new(setup.mode, &links) } else { Replug::default() },
            links,
            lines: (0..ports.len() as u64).map(|port| Line::new(seed ^ port)).collect(),
            dtes: vec![Dte::default(); ports.len()],
            first: 0,
            traces: ports.iter().map(|port| SerialTrace::new(port.to_string())).collect(),
            ports,
            sockets: ModuleSockets::new(destination.clone()),
            air: Air::new(seed),
            destination,
            service,
            doors: Doors::default(),
            events,
            control,
            calls: called,
            end,
            nvm_file,
            time_file,
            state,
            buffer: Box::new([0; BUFFER_LEN]),
            timer: Box::pin(tokio::time::sleep(std::time::Duration::ZERO)),
            stopping: false,
        })
    }
}

/// The profile asked for, which must be the one the directory was made for, if it was.
fn choose_profile(asked: Option<&str>, state: &StateDir) -> Result<Arc<Profile>, HostError> {
    let recorded = state.facts()?.map(|facts| facts.profile);
    let asked = asked.map(canonical).transpose()?;
    if let (Some(asked), Some(recorded)) = (&asked, &recorded)
        && asked != recorded
    {
        let problem =
            format!("{}: holds a module of profile {recorded}, not {asked}", state.path().display());
        return Err(HostError::usage(problem).advise("choose another directory with --state"));
    }
    let name = recorded.clone().or(asked).unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    let profile = load_profile(&name)?;
    if recorded.is_none() {
        state.record(&name)?;
    }
    Ok(Arc::new(profile))
}

/// A name that is no built-in one is a file, known by its absolute path.
fn canonical(name: &str) -> Result<String, HostError> {
    if crate::profile::list().any(|(built_in, _)| built_in == name) {
        return Ok(name.to_owned());
    }
    let path = Path::new(name);
    if !path.exists() {
        let known: Vec<_> = crate::profile::list().map(|(name, _)| name).collect();
        return Err(HostError::usage(format_args!("{name}: neither a built-in profile nor a file"))
            .advise(format_args!("built in are {}", known.join(", "))));
    }
    let path = absolute(path).map_err(|error| HostError::usage(format_args!("{name}: {error}")))?;
    Ok(path.display().to_string())
}

/// Reads a built-in profile by its name, or a profile file.
pub fn load_profile(name: &str) -> Result<Profile, HostError> {
    if let Some(profile) = Profile::built_in(name) {
        return Ok(profile);
    }
    let text = fs::read_to_string(name).map_err(|error| HostError::usage(format_args!("{name}: {error}")))?;
    let known: Vec<_> = crate::commands::all().map(|command| command.name).collect();
    Profile::parse(&text, name, Some(&known)).map_err(HostError::usage)
}

/// `control` leads to the module's loop.
fn embed_if_asked(
    setup: &ModemSetup,
    state: &StateDir,
    clock: &Clock,
    events: &EventLog,
    seed: u64,
    control: mpsc::Sender<Call>,
) -> Result<Option<EmbeddedService>, HostError> {
    if setup.service != ServiceSpec::Embedded {
        return Ok(None);
    }
    let service = ServiceSetup {
        state_dir: state.path().to_owned(),
        master: setup.master.clone(),
        clock: clock.clone(),
        events: events.clone(),
        seed,
        journal: setup.journal,
        calls: setup.doors.calls(),
    };
    embed(service, control, setup.doors.clone()).map(Some)
}

/// The module of this directory; a new one where there is none.
fn load_or_make(
    file: &mut NvmFile,
    profile: &Profile,
    setup: &ModemSetup,
    state: &Path,
) -> Result<Nvm, HostError> {
    if let Some((nvm, secrets)) = file.load::<Nvm, _>().map_err(|error| unusable(&error))? {
        let nvm = Nvm { secrets, ..nvm };
        match setup.rot {
            Some(rot) if rot != nvm.identity.rot => {
                return Err(HostError::usage(format_args!(
                    "--rot {rot}: this state directory holds the module {}",
                    nvm.identity.rot
                ))
                .advise("leave --rot out, or choose another directory with --state"));
            }
            _ => return Ok(nvm),
        }
    }
    let mut random = entropy::generator()?;
    let kept = kept_identity(state)?;
    let rot = setup.rot.or(kept.as_ref().map(|identity| identity.rot));
    let rot = rot.unwrap_or_else(|| factory::new_rot(&mut random));
    let mut nvm = factory::new_module(profile, rot, &setup.master, &mut random);
    if let Some(identity) = kept.filter(|identity| identity.rot == rot) {
        nvm.identity = Arc::new(identity);
    }
    file.save(&nvm, &nvm.secrets).map_err(|error| unusable(&error))?;
    drop_identity(state)?;
    tracing::info!("made a new module {rot}");
    Ok(nvm)
}

fn unusable(error: &NvmError) -> HostError {
    let error_text = format!("the module's memory cannot be used: {error}");
    match error {
        NvmError::Io { .. } => HostError::running(error_text),
        NvmError::Damaged { .. } | NvmError::Unusable { .. } => HostError::running(error_text)
            .advise("put the files back from a copy, or make a new module with `vsara ctl factory-reset`"),
    }
}

/// Opens the ports, and links to the pseudo-terminals among them.
fn open_ports(setup: &ModemSetup, state: &StateDir) -> Result<(Vec<Port>, Vec<TtyLink>), HostError> {
    let base = setup.link.clone().unwrap_or_else(|| state.path().join("tty"));
    let (mut ports, mut links) = (Vec::new(), Vec::new());
    let stands_for = if setup.replug { StandsFor::Usb } else { StandsFor::Uart };
    for spec in &setup.ports {
        let port = Port::open(spec, setup.mode, stands_for)
            .map_err(|error| HostError::running(format_args!("{spec}: {error}")))?;
        if let Port::Pty(pty) = &port {
            let path = match links.len() {
                0 => base.clone(),
                others => numbered(&base, others + 1),
            };
            links.push(TtyLink::make(&path, pty.path(), state.path())?);
        }
        ports.push(port);
    }
    Ok((ports, links))
}

/// `tty.2` for the second pseudo-terminal: the name of a device that ends in a digit suits drivers.
fn numbered(base: &Path, number: usize) -> PathBuf {
    let mut name = base.to_owned().into_os_string();
    name.push(format!(".{number}"));
    name.into()
}
