//! A host's chip at a port of a module: what chip-to-chip tests share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses some of it")]

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::c2c::{Pairing, Session, Side};
use vsara::modem::{Input, PortId};
use vsara::scenario::{ModemId, World};

pub const TE: &str = "0001020304050607f8f9fafbfcfdfeff";
pub const FIRST: PortId = PortId(0);

/// Pairs by AT and returns the keys, with the tag of version 2.
pub fn offer(world: &mut World, modem: ModemId, te_secret: &str) -> (Pairing, Option<String>) {
    let answer = world.at(modem, &format!("AT+USECC2C=0,\"{te_secret}\""));
    let strings: Vec<_> = answer.split('"').skip(1).step_by(2).collect();
    assert!(answer.starts_with("+USECC2C: 0,0,\"") && answer.ends_with("|OK"), "{answer}");
    let secret = |text: &str| text.parse().expect("32 hex digits");
    let pairing = Pairing {
        te_secret: secret(te_secret),
        key: secret(strings[0]),
        hmac_key: strings.get(1).map(|text| secret(text)),
    };
    assert!(matches!(strings.len(), 1 | 3), "{answer}");
    (pairing, strings.get(2).map(|tag| (*tag).to_owned()))
}

/// The line that confirms a pairing.
pub fn confirmation(pairing: &Pairing, te_secret: &str, tag: &str) -> String {
    let body = pairing.seal(&hex::decode(tag).expect("hex"), &[5; 16]);
    format!("AT+USECC2C=4,\"{te_secret}\",\"{}\"", hex::encode(body))
}

/// Pairs, and confirms where there is something to confirm.
pub fn pair(world: &mut World, modem: ModemId, te_secret: &str) -> Pairing {
    let (pairing, tag) = offer(world, modem, te_secret);
    if let Some(tag) = tag {
        assert_eq!(world.at(modem, &confirmation(&pairing, te_secret, &tag)), "OK");
    }
    pairing
}

/// The host's end of a session on one port.
pub struct Chip {
    pub session: Session,
    pub modem: ModemId,
    pub port: PortId,
}

impl Chip {
    /// A chip with these keys; nothing is sent.
    pub fn with(pairing: &Pairing, modem: ModemId, port: PortId) -> Self {
        let session = Session::new(pairing.clone(), Side::Host, ChaCha12Rng::seed_from_u64(7));
        Self { session, modem, port }
    }

    /// Opens a session on the first port.
    pub fn open(world: &mut World, modem: ModemId, pairing: &Pairing) -> Self {
        let line = format!("AT+USECC2C=1,\"{}\"", pairing.te_secret.to_hex());
        assert_eq!(world.at(modem, &line), "OK");
        Self::with(pairing, modem, FIRST)
    }

    /// Sends a text in frames and returns what is said in frames.
    pub fn say(&mut self, world: &mut World, text: &str) -> String {
        let frames = self.session.send(text.as_bytes()).concat();
        self.send(world, &frames);
        self.hear(world)
    }

    /// A command line and what it answers, without echo and empty lines.
    pub fn at(&mut self, world: &mut World, line: &str) -> String {
        let said = self.say(world, &format!("{line}\r"));
        let said = said.strip_prefix(&format!("{line}\r")).unwrap_or(&said);
        said.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }

    /// Puts bytes on the line as they are.
    pub fn send(&self, world: &mut World, bytes: &[u8]) {
        world.input(self.modem, Input::Serial { port: self.port, bytes });
    }

    /// What was said in frames since this was last asked; nothing else was on the line.
    pub fn hear(&mut self, world: &mut World) -> String {
        let bytes = world.take_bytes_of(self.modem, self.port);
        let text = String::from_utf8(self.session.receive(&bytes)).expect("text");
        assert!(self.session.take_mishaps().is_none(), "{:?}", bytes.escape_ascii().to_string());
        text
    }
}
