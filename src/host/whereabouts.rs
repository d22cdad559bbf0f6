//! [`Whereabouts`]: where a host program finds its module, in its arguments and its environment.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf, absolute};

use crate::host::error::HostError;
use crate::host::run_modem::Ready;

/// Stands for the pseudo-terminal in the words of a program.
const TTY: &str = "{tty}";

/// Where a program finds its module.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts {
    /// A pseudo-terminal: `{tty}` and `VSARA_TTY`.
    pub tty: Option<PathBuf>,
    /// The control socket: `VSARA_CONTROL`.
    pub control: Option<PathBuf>,
    /// The console: `VSARA_CONSOLE`.
    pub console: Option<String>,
    /// Other ports, by their numbers: `VSARA_PORT2`.
    pub ports: Vec<(usize, String)>,
}

impl Whereabouts {
    /// Those of a module that says so.
    pub fn of(ready: &Ready, control: &Path) -> io::Result<Self> {
        let is_tty = |(_, port): &&(usize, String)| port.starts_with('/');
        let first = ready.tty.clone().or_else(|| {
            let port = ready.ports.iter().find(is_tty);
            port.map(|(_, port)| port.into())
        });
        let (control, console) = (Some(absolute(control)?), ready.doors.console());
        Ok(Self { tty: first, control, console, ports: ready.ports.clone() })
    }

    /// Every variable, also one to be removed: a program may be started inside another's. Where the
    /// control socket is not known, neither is the module, and what is said of it stays.
    pub(super) fn variables(&self) -> Vec<(String, Option<OsString>)> {
        let mut variables = vec![("VSARA_TTY".to_owned(), self.tty.clone().map(OsString::from))];
        if self.control.is_none() {
            return variables;
        }
        variables.extend([
            ("VSARA_CONTROL".to_owned(), self.control.clone().map(OsString::from)),
            ("VSARA_CONSOLE".to_owned(), self.console.clone().map(OsString::from)),
        ]);
        let port = |(number, port): &(usize, String)| (format!("VSARA_PORT{number}"), Some(port.into()));
        variables.extend(self.ports.iter().map(port));
        variables
    }

    /// A word of a program with the pseudo-terminal in every place where it is asked for.
    pub fn put_into(&self, word: &OsStr) -> Result<OsString, HostError> {
        match (&self.tty, find_tty(word.as_bytes())) {
            (_, None) => Ok(word.to_owned()),
            (Some(tty), Some(_)) => Ok(with_tty(word, tty.as_os_str())),
            (None, Some(_)) => {
                let problem = format!("{}: none of the module's ports is a pseudo-terminal", word.display());
                Err(HostError::usage(problem).advise("add --port pty"))
            }
        }
    }
}

fn find_tty(word: &[u8]) -> Option<usize> {
    word.windows(TTY.len()).position(|part| part == TTY.as_bytes())
}

fn with_tty(word: &OsStr, tty: &OsStr) -> OsString {
    let (mut done, mut rest) = (Vec::new(), word.as_bytes());
    while let Some(at) = find_tty(rest) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(tty.as_bytes());
        rest = &rest[at + TTY.len()..];
    }
    done.extend_from_slice(rest);
    OsString::from_vec(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(word: &[u8], tty: Option<&str>) -> Result<Vec<u8>, String> {
        let place = Whereabouts { tty: tty.map(PathBuf::from), ..Whereabouts::default() };
        let word = place.put_into(OsStr::from_bytes(word));
        word.map(OsString::into_vec).map_err(|error| error.to_string())
    }

    #[test]
    fn the_pseudo_terminal_stands_wherever_it_is_asked_for() {
        let check = |word: &[u8], expected: &[u8]| {
            assert_eq!(put(word, Some("/dev/pts/7")).as_deref(), Ok(expected));
        };
        check(b"{tty}", b"/dev/pts/7");
        check(b"--port={tty}:{tty}", b"--port=/dev/pts/7:/dev/pts/7");
        check(b"{{tty}}", b"{/dev/pts/7}");
        check(b"{ttyS0} {tty {TTY}", b"{ttyS0} {tty {TTY}");
        check(b"\xff{tty}", b"\xff/dev/pts/7");
    }

    #[test]
    fn a_module_without_a_pseudo_terminal_has_no_name_to_put_there() {
        let error = put(b"{tty}", None).expect_err("there is none");
        assert!(error.contains("{tty}") && error.contains("--port pty"), "{error}");
        assert_eq!(put(b"tty", None).as_deref(), Ok(&b"tty"[..]));
    }

    #[test]
    fn what_is_not_there_is_removed_from_the_environment() {
        let place = Whereabouts {
            control: Some("/s/control.sock".into()),
            ports: vec![(2, "tcp:127.0.0.1:5000".to_owned())],
            ..Whereabouts::default()
        };
        let variables = place.variables();
        let value =
            |name: &str| variables.iter().find(|(variable, _)| variable == name).map(|(_, value)| value);
        assert_eq!(value("VSARA_CONSOLE"), Some(&None));
        assert_eq!(value("VSARA_PORT2"), Some(&Some("tcp:127.0.0.1:5000".into())));
        let names: Vec<_> = Whereabouts::default().variables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["VSARA_TTY"]);
    }
}
