//! The service as its user starts it, and what the system says of it (proc(5)).

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running service; killed with this value if it was not stopped.
pub(crate) struct Service {
    child: Child,
    /// Where modules reach it.
    pub(crate) address: SocketAddr,
}

impl Service {
    /// Starts a service on this state directory and waits for its ready line.
    pub(crate) fn start(state: &Path) -> Self {
        let any = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_vsara"))
            .args(["server", "--bind", any, "--http", any, "--admin", any, "--log", "warn", "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("vsara starts");
        let address = first_line_field(&mut child, "dtls=");
        Self { child, address }
    }

    /// Its resident set, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm = proc(&self.child, "statm");
        let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        pages.expect("proc(5)") * rustix::param::page_size() as u64
    }

    /// See [`processor_time_s`].
    pub(crate) fn processor_time_s(&self) -> f64 {
        processor_time_s(&self.child)
    }

    /// Ends it as a user does, and waits.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it is ours");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After a stop there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time all threads of a program were on a processor.
pub(crate) fn processor_time_s(child: &Child) -> f64 {
    let stat = proc(child, "stat");
    let fields: Vec<_> = stat.rsplit(')').next().expect("proc(5)").split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().expect("proc(5)");
    (ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64
}

fn proc(child: &Child, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", child.id())).expect("it runs")
}

/// How long the store is on disk, once the service has stopped.
pub(crate) fn store_len(state: &Path) -> u64 {
    fs::metadata(state.join("service.db")).expect("a store").len()
}

/// An address in the first line that a program prints.
pub(crate) fn first_line_field(child: &mut Child, name: &str) -> SocketAddr {
    let mut line = String::new();
    let output = child.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let field = line.split_whitespace().find_map(|field| field.strip_prefix(name));
    field.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no {name} in {line:?}"))
}
