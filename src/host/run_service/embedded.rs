//! [`embed`]: a service on a thread of its own, beside a module.

use std::net::{SocketAddr, UdpSocket};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::{OpenDoors, ServiceCall, ServiceHandle, ServiceHost, ServiceSetup};
use crate::host::control::{Answer, Call, Request};
use crate::host::doors::{Doors, Rooms};
use crate::host::error::HostError;
use crate::protocol::keys::RotUid;
use crate::scenario::player::{Outcome, Trouble};
use crate::scenario::script::Act;
use crate::time::Wakeup;

/// Stack of the embedded service's thread, in bytes; only what is used becomes memory.
const STACK_LEN: usize = 1 << 20;

/// A service on a thread of its own. It ends when this value goes.
#[derive(Debug)]
pub struct EmbeddedService {
    /// Where it listens.
    pub address: SocketAddr,
    service: ServiceHandle,
    started: std::sync::mpsc::Receiver<Result<Doors, HostError>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread begins with.
struct Beginning {
    setup: ServiceSetup,
    socket: UdpSocket,
    service: ServiceHandle,
    called: mpsc::UnboundedReceiver<ServiceCall>,
    control: mpsc::Sender<Call>,
    open_doors: OpenDoors,
}

/// Starts a service on a thread of its own; `control` leads to whoever answers `vsara ctl`.
/// [`EmbeddedService::wait_until_started`] tells whether that went well; its address is known at
/// once.
pub fn embed(
    setup: ServiceSetup,
    control: mpsc::Sender<Call>,
    open_doors: OpenDoors,
) -> Result<EmbeddedService, HostError> {
    let failed = |error: std::io::Error| HostError::running(format_args!("embedded service: {error}"));
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    let (service, called) = ServiceHandle::new();
    let (report, started) = std::sync::mpsc::sync_channel(1);
    let beginning = Beginning { setup, socket, service: service.clone(), called, control, open_doors };
    let thread = std::thread::Builder::new()
        .name("service".to_owned())
        .stack_size(STACK_LEN)
        .spawn(move || beginning.run(&report))
        .map_err(failed)?;
    Ok(EmbeddedService { address, service, started, thread: Some(thread) })
}

impl EmbeddedService {
    /// Waits until the service answers, or says why it cannot. To be called once.
    pub fn wait_until_started(&self) -> Result<Doors, HostError> {
        self.started.recv().unwrap_or_else(|_| Err(HostError::running("the embedded service has ended")))
    }

    /// Lets the service handle what has arrived and what is due; returns what is due next.
    pub async fn settle(&self) -> Wakeup {
        let (answer, answered) = oneshot::channel();
        self.service.call(ServiceCall::Settle(answer));
        answered.await.unwrap_or(Wakeup::NEVER)
    }

    /// Does or asserts what a scenario says, of this root of trust if of one.
    pub async fn perform(&self, act: Act, rot: Option<RotUid>) -> Outcome {
        let done = self.service.with(move |host| host.perform(&act, rot)).await;
        done.unwrap_or_else(|ended| Err(Trouble::Refused(ended.to_string())))
    }

    /// Asks something.
    pub async fn ask(&self, request: Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.service.call(ServiceCall::Control(Call { request, answer }));
        answered.await.unwrap_or_else(|_| Answer::Failed("the embedded service has ended".to_owned()))
    }
}

impl Drop for EmbeddedService {
    /// The store is closed when this returns.
    fn drop(&mut self) {
        self.service.call(ServiceCall::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Beginning {
    fn run(self, report: &std::sync::mpsc::SyncSender<Result<Doors, HostError>>) {
        let runtime = match crate::host::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async {
            let Self { setup, socket, service, mut called, control, open_doors } = self;
            let opened = ServiceHost::open(setup, socket).and_then(|host| {
                let rooms = Rooms::of(&host, service, control);
                let doors = open_doors.open(&rooms)?;
                Ok((host, doors))
            });
            let mut host = match opened {
                Ok((host, doors)) => {
                    let _ = report.send(Ok(doors));
                    host
                }
                Err(error) => return drop(report.send(Err(error))),
            };
            loop {
                tokio::select! {
                    biased;
                    call = called.recv() => {
                        if !call.is_some_and(|call| host.handle_call(call)) {
                            return;
                        }
                    }
                    () = host.step() => {}
                }
            }
        });
    }
}
