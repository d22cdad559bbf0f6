//! What a host program does after its module lost power in the middle of something: it sets the
//! port up again as it was, and repeats the command that was not answered.

use std::collections::{BTreeMap, VecDeque};

use super::listen::is_final;
use super::{Next, Player};
use crate::scenario::script::{ModemIndex, PortRef, What};
use crate::time::Timestamp;

/// How long a setting that is sent again may take, in milliseconds.
const ERRAND_MS: i64 = 10_000;

/// Commands that set up a port until the next power-off. Sent again, they change nothing else.
const SETTINGS: [&str; 18] = [
    "ATE",
    "ATV",
    "ATQ",
    "ATX",
    "ATS",
    "AT&",
    "AT+CMEE=",
    "AT+CREG=",
    "AT+CGREG=",
    "AT+CEREG=",
    "AT+CSCON=",
    "AT+CGEREP=",
    "AT+CMER=",
    "AT+CTZR=",
    "AT+UPSMR=",
    "AT+UDCONF=",
    "AT+UCGED=",
    "AT+USECC2C=1,",
];

/// Settings that were made, and those that are being made again.
#[derive(Clone, Debug, Default)]
pub(super) struct Errands {
    made: BTreeMap<PortRef, Vec<Vec<u8>>>,
    to_make: VecDeque<(PortRef, Vec<u8>)>,
    /// The one that has not been answered, and how long it is waited for.
    sent: Option<(PortRef, Vec<u8>, Timestamp)>,
}

impl Errands {
    /// A line was sent; it may be a setting.
    pub(super) fn note(&mut self, port: PortRef, bytes: &[u8]) {
        let is_setting = |setting: &&str| {
            bytes.get(..setting.len()).is_some_and(|front| front.eq_ignore_ascii_case(setting.as_bytes()))
        };
        if SETTINGS.iter().any(is_setting) {
            self.made.entry(port).or_default().push(bytes.to_vec());
        }
    }

    /// A setting that begins like this is no longer there.
    pub(super) fn forget(&mut self, port: PortRef, front: &[u8]) {
        self.made.entry(port).or_default().retain(|line| !line.starts_with(front));
    }
}

impl<'s> Player<'s> {
    /// A modem has power again after a fault cut it, and answers: goes back to the command that was
    /// not answered, and sets its ports up first.
    pub fn recover(&mut self, modem: ModemIndex) {
        let ports = PortRef { modem, port: 0 }..=PortRef { modem, port: usize::MAX };
        self.ports.range_mut(ports.clone()).for_each(|(_, hearing)| hearing.clear());
        self.chips.lost(modem);
        self.errands.sent = None;
        self.errands.to_make.retain(|(port, _)| port.modem != modem);
        let made = self
            .errands
            .made
            .range(ports)
            .flat_map(|(port, lines)| lines.iter().map(|line| (*port, line.clone())));
        let again: Vec<_> = made.collect();
        self.errands.to_make.extend(again);
        let listening = match self.statement().map(|statement| &statement.what) {
            Some(
                What::Expect(port, _) | What::SkipTo(port, ..) | What::Prompt(port, _) | What::Data(port, _),
            ) => Some(*port),
            // Data for a command that is gone.
            Some(What::SendRaw(port, _)) => Some(*port),
            _ => None,
        };
        if let Some(sender) =
            listening.filter(|port| port.modem == modem).and_then(|port| self.sent_at.get(&port))
        {
            self.at = *sender;
            self.wish = None;
        }
    }

    /// Makes the settings again, one after the other; none where there is nothing to make.
    pub(super) fn run_errand(&mut self, now: Timestamp) -> Option<Next<'s>> {
        if let Some((port, sent, deadline)) = self.errands.sent.take() {
            let hearing = self.ports.entry(port).or_default();
            let mut answer = None;
            while answer.is_none()
                && let Some((line, _)) = hearing.line()
            {
                answer = Some(line).filter(|line| is_final(line));
            }
            match answer {
                None if now < deadline => {
                    self.errands.sent = Some((port, sent, deadline));
                    return Some(Next::Wait(deadline));
                }
                Some(answer) if matches!(answer.as_slice(), b"OK" | b"0") => self.opened_again(port, &sent),
                _ => {}
            }
        }
        let (port, bytes) = self.errands.to_make.pop_front()?;
        self.errands.sent = Some((port, bytes.clone(), now.offset_millis(ERRAND_MS)));
        Some(self.say_line(port, bytes, now))
    }
}
