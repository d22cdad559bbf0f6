//! The control socket: `<state>/control.sock`, a JSON object a line, for `vsara ctl` and scripts.
//!
//! A request is `{"verb":"power","to":"cut"}`; its answer `{"ok":true,"value":…}` or
//! `{"ok":false,"error":"…"}`, with a `hint` where there is one. After
//! `{"verb":"events","follow":true}` a line follows for each event, and
//! `{"verb":"rest","path":"/v1/device/list","domain":"default","body":{}}` does what REST does.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::host::event_log::{EventFilter, Noted};
use crate::host::rest_call::{Refusal, RestCall};
use crate::protocol::keys::RotUid;
pub use crate::scenario::script::PowerSwitch;
use crate::time::Timestamp;

/// Longest request, in bytes: a whitelist of ten thousand, with room.
const REQUEST_LEN_MAX: u64 = 512 * 1024;

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
    /// The serial lines of its ports.
    Line {
        /// As on the command line: `drop 3`.
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
        /// Which of it.
        #[serde(default)]
        filter: EventFilter,
        /// And what happens from now on.
        #[serde(default)]
        follow: bool,
    },
    /// What the service's REST or admin API does.
    Rest(RestCall),
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
    /// The same, with what to do about it.
    Refused(Refusal),
    /// What happened, and what happens from now on.
    Follow(Vec<Value>, broadcast::Receiver<Noted>, EventFilter),
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
        Answer::Refused(Refusal { message, hint }) => {
            line(writer, &serde_json::json!({ "ok": false, "error": message, "hint": hint })).await
        }
        Answer::Follow(past, mut live, filter) => {
            line(writer, &serde_json::json!({ "ok": true, "value": past })).await?;
            loop {
                match live.recv().await {
                    Ok(event) if filter.fits(&event) => line(writer, &event.to_json()).await?,
                    Ok(_) => {}
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

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
