//! The control socket: `<state>/control.sock`, a JSON object a line, for `vsara ctl` and scripts.
//!
//! A request is `{"verb":"power","to":"cut"}`; its answer `{"ok":true,"value":…}` or
//! `{"ok":false,"error":"…"}`. After `{"verb":"events","follow":true}` a line follows for each event.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::host::event_log::Noted;
use crate::protocol::keys::RotUid;
use crate::scenario::link::Condition;
use crate::time::Timestamp;

/// Longest request, in bytes.
const REQUEST_LEN_MAX: u64 = 16 * 1024;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How things stand.
    Status,
    /// Supply and PWR_ON.
    Power {
        /// To which state.
        to: PowerSwitch,
    },
    /// Coverage.
    Coverage {
        /// Whether there is any.
        up: bool,
    },
    /// The link to the service.
    Link {
        /// As on the command line: `loss 30%`.
        fault: String,
    },
    /// A fault of the service.
    ServiceFault {
        /// As on the command line: `silent for 10m`.
        fault: String,
    },
    /// Moves system time forward, stopping at every deadline on the way.
    Advance {
        /// By so many milliseconds.
        by_ms: i64,
    },
    /// The same, to a moment.
    AdvanceTo {
        /// Not before now.
        moment: Timestamp,
    },
    /// The module's real-time clock.
    Clock {
        /// As on the command line: `+5m`.
        change: String,
    },
    /// RESET_N.
    Reset,
    /// Makes the module as new, and forgets it in the embedded service.
    FactoryReset,
    /// The service forgets a root of trust.
    Forget {
        /// Which.
        rot: RotUid,
    },
    /// What happened.
    Events {
        /// And what happens from now on.
        #[serde(default)]
        follow: bool,
    },
    /// A new domain.
    DomainCreate {
        /// By which it is known everywhere.
        name: String,
        /// Who registers it.
        company: Option<String>,
    },
    /// A new access key for REST.
    AccesskeyCreate {
        /// For which domain.
        domain: String,
    },
    /// The PSK identity.
    Identity {
        /// With its key.
        #[serde(default)]
        reveal: bool,
    },
    /// Copies the module into a new state directory.
    Clone {
        /// An absolute path.
        dir: PathBuf,
    },
}

/// Positions of the power switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerSwitch {
    /// Supply and PWR_ON.
    On,
    /// PWR_ON held: an orderly power-off.
    Off,
    /// The supply is gone.
    Cut,
}

/// A change of the module's real-time clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// By so many milliseconds.
    By(i64),
    /// To a moment.
    To(Timestamp),
}

/// What is wrong with the link from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// So many datagrams of a hundred are lost; 0 ends every fault.
    Loss(u8),
    /// The next so many are lost.
    Drop(u32),
    /// Every datagram takes so much longer.
    Delay(Duration),
    /// The next so many arrive twice.
    Duplicate(u32),
    /// Datagrams overtake each other.
    Reorder,
}

/// Text that names no change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Of the clock.
    #[error("a clock change is +5m, -1h or =2026-01-01T00:00:00Z")]
    Clock,
    /// Of the link.
    #[error("a link fault is loss 30%, drop N, delay 2s, duplicate N or reorder; loss 0% ends it")]
    Link,
}

/// A request on its way to whoever answers it.
#[derive(Debug)]
pub struct Call {
    /// What is asked.
    pub request: Request,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// Done, with this to show.
    Done(Value),
    /// Refused or failed; in plain words.
    Failed(String),
    /// What happened, and what happens from now on.
    Follow(Vec<Value>, broadcast::Receiver<Noted>),
}

/// A socket that is served until this value goes, and its file with it.
#[derive(Debug)]
pub struct ControlSocket {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl ControlSocket {
    /// Opens `<state>/control.sock` for its owner only and serves it: calls go to `calls`. To be
    /// called in a runtime, by the holder of the state directory.
    pub fn open(state_dir: &Path, calls: mpsc::Sender<Call>) -> io::Result<Self> {
        let path = state_dir.join("control.sock");
        let new = state_dir.join("control.sock.tmp");
        let _ = fs::remove_file(&new);
        // Nobody can connect before it has its name, and by then it has its mode.
        let directory = File::open(state_dir)?;
        let listener = UnixListener::bind(short(&directory, "control.sock.tmp"))?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        fs::rename(&new, &path)?;
        let task = tokio::spawn(serve(listener, calls));
        Ok(Self { path, task })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Connects to the process that holds a state directory.
pub fn connect(state_dir: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    let directory = File::open(state_dir)?;
    std::os::unix::net::UnixStream::connect(short(&directory, "control.sock"))
}

/// A path of a few bytes, whatever the directory is called: the address of a Unix socket holds
/// 108 only.
fn short(directory: &File, name: &str) -> PathBuf {
    format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()).into()
}

async fn serve(listener: UnixListener, calls: mpsc::Sender<Call>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, calls.clone()))),
            Err(error) => {
                tracing::warn!("control socket: {error}");
                // Descriptors ran out, most likely; another client may end meanwhile.
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn converse(stream: UnixStream, calls: mpsc::Sender<Call>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader.take(REQUEST_LEN_MAX));
    let mut line = String::new();
    while lines.read_line(&mut line).await.is_ok_and(|count| count > 0) {
        let answer = match serde_json::from_str(&line) {
            Ok(request) => ask(request, &calls).await,
            Err(error) => Answer::Failed(format!("not a request: {error}")),
        };
        if reply(&mut writer, answer).await.is_err() {
            return;
        }
        line.clear();
        lines.get_mut().set_limit(REQUEST_LEN_MAX);
    }
}

async fn ask(request: Request, calls: &mpsc::Sender<Call>) -> Answer {
    let (answer, answered) = oneshot::channel();
    match calls.send(Call { request, answer }).await {
        Ok(()) => answered.await.unwrap_or_else(|_| Answer::Failed("the program is ending".to_owned())),
        Err(_) => Answer::Failed("the program is ending".to_owned()),
    }
}

async fn reply(writer: &mut (impl AsyncWriteExt + Unpin), answer: Answer) -> io::Result<()> {
    match answer {
        Answer::Done(value) => line(writer, &serde_json::json!({ "ok": true, "value": value })).await,
        Answer::Failed(error) => line(writer, &serde_json::json!({ "ok": false, "error": error })).await,
        Answer::Follow(past, mut live) => {
            line(writer, &serde_json::json!({ "ok": true, "value": past })).await?;
            loop {
                match live.recv().await {
                    Ok(event) => line(writer, &event.to_json()).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                }
            }
        }
    }
}

async fn line(writer: &mut (impl AsyncWriteExt + Unpin), value: &Value) -> io::Result<()> {
    writer.write_all(format!("{value}\n").as_bytes()).await
}

impl LinkFault {
    /// Adds this to what is wrong with a link, or ends all of it.
    pub(in crate::host) fn worsen(self, condition: &mut Condition) {
        match self {
            Self::Loss(0) => *condition = Condition::default(),
            Self::Loss(percent) => condition.loss_percent = percent,
            Self::Drop(count) => condition.drop_next = count,
            Self::Duplicate(count) => condition.duplicate_next = count,
            Self::Reorder => condition.reorder = true,
            Self::Delay(delay) => condition.delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl FromStr for ClockChange {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration_ms = |text: &str| {
            let duration = humantime::parse_duration(text).map_err(|_| ChangeError::Clock)?;
            i64::try_from(duration.as_millis()).map_err(|_| ChangeError::Clock)
        };
        if let Some(ahead) = text.strip_prefix('+') {
            duration_ms(ahead).map(Self::By)
        } else if let Some(back) = text.strip_prefix('-') {
            duration_ms(back).map(|ms| Self::By(-ms))
        } else {
            let moment = text.strip_prefix('=').ok_or(ChangeError::Clock)?;
            moment.parse().map(Self::To).map_err(|_| ChangeError::Clock)
        }
    }
}

impl FromStr for LinkFault {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (word, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let value = value.trim();
        let count = || value.parse().map_err(|_| ChangeError::Link);
        match word {
            "loss" => value
                .strip_suffix('%')
                .and_then(|percent| percent.parse().ok())
                .filter(|percent| *percent <= 100)
                .map(Self::Loss)
                .ok_or(ChangeError::Link),
            "drop" => count().map(Self::Drop),
            "duplicate" => count().map(Self::Duplicate),
            "delay" => humantime::parse_duration(value).map(Self::Delay).map_err(|_| ChangeError::Link),
            "reorder" if value.is_empty() => Ok(Self::Reorder),
            _ => Err(ChangeError::Link),
        }
    }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
