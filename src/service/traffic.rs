//! Bytes on the link, phase by phase.

use std::net::SocketAddr;

/// IPv4 (20) and UDP (8) headers of one datagram, in bytes.
const HEADERS_V4: u32 = 28;
/// IPv6 (40) and UDP (8) headers of one datagram, in bytes.
const HEADERS_V6: u32 = 48;

/// DTLS record header (13), explicit nonce (8) and tag (8) of the one suite.
const RECORD_OVERHEAD: usize = 29;
/// CoAP header (4), token (4), content format (2) and payload marker (1) of an answer.
const COAP_OVERHEAD: usize = 11;

/// Counts the datagrams of one session, both directions, IP and UDP headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    headers: u32,
    seen: u32,
    counted: u32,
}

impl Meter {
    /// For a session with this peer.
    pub(super) fn new(peer: SocketAddr) -> Self {
        let plain_v6 = matches!(peer, SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_none());
        Self { headers: if plain_v6 { HEADERS_V6 } else { HEADERS_V4 }, seen: 0, counted: 0 }
    }

    /// A datagram came or went.
    pub(super) fn datagram(&mut self, len: usize) {
        self.seen = self.seen.saturating_add(self.on_the_link(len));
    }

    /// Everything since the last phase, and the answer that ends this one. The answer must be
    /// stored as counted before it leaves, so its length is foreseen; a test holds that.
    pub(super) fn end_phase(&mut self, answer_len: usize) -> u32 {
        let answer = self.on_the_link(answer_len + COAP_OVERHEAD + RECORD_OVERHEAD);
        let until = self.seen.saturating_add(answer);
        let phase = until.saturating_sub(self.counted);
        self.counted = until;
        phase
    }

    fn on_the_link(&self, len: usize) -> u32 {
        u32::try_from(len).unwrap_or(u32::MAX).saturating_add(self.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_count_as_on_the_link() {
        let check = |peer: &str, expected: u32| {
            let mut meter = Meter::new(peer.parse().expect("an address"));
            meter.datagram(100);
            meter.datagram(50);
            assert_eq!(meter.seen, expected, "{peer}");
        };
        check("127.0.0.1:5", 150 + 2 * 28);
        check("[::1]:5", 150 + 2 * 48);
        check("[::ffff:127.0.0.1]:5", 150 + 2 * 28);
    }

    #[test]
    fn no_byte_is_counted_to_two_phases() {
        let mut meter = Meter::new(([127, 0, 0, 1], 5).into());
        meter.datagram(100);
        let answer = 28 + 10 + 40;
        assert_eq!(meter.end_phase(10), 128 + answer);
        meter.datagram(10 + 40);
        meter.datagram(60);
        assert_eq!(meter.end_phase(10), 88 + answer);
    }
}
