//! The floor: a process on its own pseudo-terminal that answers every carriage return with `OK`,
//! by a read and a write that block.

use std::process::{Child, Command, Stdio};

use rustix::pty::OpenptFlags;

use super::line::Line;

/// Makes this program the responder on its standard input and output.
pub(crate) const ARGUMENT: &str = "--responder";

/// Ends with this value.
pub(crate) struct Responder(Child);

/// Answers until the terminal is gone.
pub(crate) fn run() {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
        for _ in buffer[..count].iter().filter(|byte| **byte == b'\r') {
            if rustix::io::write(rustix::stdio::stdout(), b"\r\nOK\r\n").is_err() {
                return;
            }
        }
    }
}

/// Starts a responder; returns its line.
pub(crate) fn start() -> (Line, Responder) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).expect("a pseudo-terminal");
    rustix::pty::grantpt(&master).expect("a pseudo-terminal");
    rustix::pty::unlockpt(&master).expect("a pseudo-terminal");
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).expect("a pseudo-terminal");
    let line = Line::on(slave).expect("a terminal");
    let child = Command::new(std::env::current_exe().expect("a program"))
        .arg(ARGUMENT)
        .stdin(Stdio::from(master.try_clone().expect("a descriptor")))
        .stdout(Stdio::from(master))
        .spawn()
        .expect("this program can be started");
    (line, Responder(child))
}

impl Drop for Responder {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nobody to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
