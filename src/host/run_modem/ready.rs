//! [`Ready`]: the first line on stdout.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::ModemHost;
use crate::host::doors::Doors;
use crate::host::port::Port;
use crate::host::udp::ServiceSpec;
use crate::protocol::keys::RotUid;

/// What a script needs to know, once the ports answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The first port, where it is a pseudo-terminal.
    pub tty: Option<PathBuf>,
    /// Its link.
    pub link: Option<PathBuf>,
    /// Name of the module profile.
    pub profile: String,
    /// Root of trust.
    pub rot: RotUid,
    /// IMEI.
    pub imei: String,
    /// Where the security service is; absent where there is none.
    pub service: Option<String>,
    /// Its doors for people and programs.
    pub doors: Doors,
    /// Every port that is not `tty`: its number, from 1, and where it is.
    pub ports: Vec<(usize, String)>,
}

impl Ready {
    /// The fields in their order.
    fn fields(&self) -> Vec<(String, String)> {
        let shown = |path: &PathBuf| path.display().to_string();
        let mut fields = vec![
            ("tty".to_owned(), self.tty.as_ref().map(shown)),
            ("link".to_owned(), self.link.as_ref().map(shown)),
            ("profile".to_owned(), Some(self.profile.clone())),
            ("rot".to_owned(), Some(self.rot.to_string())),
            ("imei".to_owned(), Some(self.imei.clone())),
            ("service".to_owned(), self.service.clone()),
        ];
        // REST is where the console is.
        let doors = self.doors.fields().into_iter().filter(|(name, _)| *name != "http");
        fields.extend(doors.map(|(name, value)| (name.to_owned(), Some(value))));
        fields.extend(self.ports.iter().map(|(number, port)| (format!("port{number}"), Some(port.clone()))));
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        let fields = self.fields().into_iter().map(|(name, value)| (name, value.into()));
        let event = [("event".to_owned(), "ready".into())];
        Value::Object(event.into_iter().chain(fields).collect::<Map<_, _>>())
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ready")?;
        self.fields().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl ModemHost {
    pub(super) fn ready(&self) -> Ready {
        let identity = &self.modem.module().nvm().identity;
        let tty = match self.ports.first() {
            Some(Port::Pty(pty)) => Some(pty.path().to_owned()),
            _ => None,
        };
        let first_other = usize::from(tty.is_some());
        Ready {
            link: tty.as_ref().and(self.links.first()).map(|link| link.path().to_owned()),
            tty,
            profile: self.profile.name.clone(),
            rot: identity.rot,
            imei: identity.imei.clone(),
            service: match &self.destination {
                ServiceSpec::None => None,
                destination => Some(destination.to_string()),
            },
            doors: self.doors.clone(),
            ports: (first_other..self.ports.len()).map(|at| (at + 1, self.ports[at].to_string())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_has_its_fields_in_order_and_leaves_out_what_is_not() {
        let mut ready = Ready {
            tty: Some("/dev/pts/7".into()),
            link: Some(".vsara/tty".into()),
            profile: "sara-r510s".to_owned(),
            rot: "0a04f008003c9623".parse().expect("a UID"),
            imei: "352753090000013".to_owned(),
            service: Some("127.0.0.1:41873".to_owned()),
            doors: Doors {
                http: Some(([127, 0, 0, 1], 41021).into()),
                console_token: Some("T".to_owned()),
                ..Doors::default()
            },
            ports: Vec::new(),
        };
        assert_eq!(
            ready.to_string(),
            "ready tty=/dev/pts/7 link=.vsara/tty profile=sara-r510s rot=0a04f008003c9623 \
             imei=352753090000013 service=127.0.0.1:41873 console=http://127.0.0.1:41021/?token=T"
        );
        assert_eq!(ready.to_json()["event"], "ready");
        (ready.tty, ready.link, ready.service, ready.doors) = (None, None, None, Doors::default());
        ready.ports.push((1, "tcp:127.0.0.1:5000".to_owned()));
        assert_eq!(
            ready.to_string(),
            "ready profile=sara-r510s rot=0a04f008003c9623 imei=352753090000013 port1=tcp:127.0.0.1:5000"
        );
    }
}
