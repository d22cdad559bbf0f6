//! [`ServiceHandle`]: how other tasks of the process reach a service.

use tokio::sync::{mpsc, oneshot};

use super::ServiceHost;
use crate::host::control::Call;
use crate::time::Wakeup;

/// What is asked of a service.
pub enum ServiceCall {
    /// Something `vsara ctl` asked.
    Control(Call),
    /// Handle what has arrived and what is due, and say what is due next.
    Settle(oneshot::Sender<Wakeup>),
    /// Whatever it is: to be called with the service, once.
    Job(Box<dyn FnOnce(&mut ServiceHost) + Send>),
    /// End.
    Stop,
}

/// A way to a service. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ServiceHandle(mpsc::UnboundedSender<ServiceCall>);

/// The service is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the security service has ended")]
pub struct Ended;

impl ServiceHandle {
    /// A way to whoever takes the calls at the other end. The callers are few and each waits for its
    /// answer, so that the calls that wait are few as well.
    pub(in crate::host) fn new() -> (Self, mpsc::UnboundedReceiver<ServiceCall>) {
        let (calls, called) = mpsc::unbounded_channel();
        (Self(calls), called)
    }

    /// Has something done with the service, between two of its turns; returns what came of it.
    pub async fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut ServiceHost) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (done, result) = oneshot::channel();
        self.call(ServiceCall::Job(Box::new(move |host| drop(done.send(job(host))))));
        result.await.map_err(|_| Ended)
    }

    /// Asks something; an answer is never sent where the service has ended.
    pub(in crate::host) fn call(&self, call: ServiceCall) {
        let _ = self.0.send(call);
    }
}

impl ServiceHost {
    /// Does what is asked; whether the service goes on.
    pub(in crate::host) fn handle_call(&mut self, call: ServiceCall) -> bool {
        match call {
            ServiceCall::Control(call) => self.answer(call),
            ServiceCall::Settle(answer) => drop(answer.send(self.settle())),
            ServiceCall::Job(job) => {
                job(self);
                self.drain();
            }
            ServiceCall::Stop => return false,
        }
        true
    }
}
