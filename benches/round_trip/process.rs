//! The program as its user starts it, and what the system says of it (proc(5)).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::PROFILE;
use super::line::Line;

/// A running module; killed with this value if it was not stopped.
pub(crate) struct Program {
    child: Child,
    pub(crate) line: Line,
    /// From its start to the first `OK`.
    pub(crate) first_ok: Duration,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Program {
    /// Starts a module on this state directory and waits for its first `OK`.
    pub(crate) fn start(state: &Path) -> Self {
        Self::start_with(state, &[])
    }

    /// The same with these options.
    pub(crate) fn start_with(state: &Path, options: &[&str]) -> Self {
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_vsara"))
            .args(["modem", "--profile", PROFILE, "--state"])
            .arg(state)
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("vsara starts");
        let link = state.join("tty");
        let mut line = loop {
            assert!(began.elapsed() < PATIENCE, "no terminal at {}", link.display());
            match Line::open(&link) {
                Ok(line) => break line,
                Err(_) => std::thread::sleep(Duration::from_micros(100)),
            }
        };
        line.exchange(b"AT\r");
        Self { child, line, first_ok: began.elapsed() }
    }

    /// Waits until the security service knows the module.
    pub(crate) fn wait_until_bootstrapped(&mut self) {
        let began = Instant::now();
        while !self.line.ask(b"AT+USECDEVINFO?\r").0.windows(8).any(|window| window == b"INFO: 1,") {
            assert!(began.elapsed() < PATIENCE, "the module never bootstraps");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its resident set.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("proc(5)");
        line.trim().trim_end_matches(" kB").parse().expect("proc(5)")
    }

    /// The time all of its threads were on a processor.
    pub(crate) fn processor_time_s(&self) -> f64 {
        let stat = self.proc("stat");
        let fields: Vec<_> = stat.rsplit(')').next().expect("proc(5)").split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<f64>().expect("proc(5)");
        (ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64
    }

    /// Ends it as a user does, and waits.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it is ours");
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it runs")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After a stop there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts this process, and what it starts, on the first processor it may use.
pub(crate) fn pin_to_one_processor() {
    let allowed = rustix::thread::sched_getaffinity(None).expect("Linux");
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).expect("a processor");
    let mut one = rustix::thread::CpuSet::new();
    one.set(first);
    rustix::thread::sched_setaffinity(None, &one).expect("Linux");
}
