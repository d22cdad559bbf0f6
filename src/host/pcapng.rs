//! Packet captures for Wireshark and tshark (draft-ietf-opsawg-pcapng): the datagrams of a service
//! as they were on the link, and beside them the decoded CoAP as if it had gone to UDP port 5683.
//!
//! The IP and UDP headers were the system's and are made up again; the link layer is raw IP.

use std::net::{IpAddr, SocketAddr};

use crate::host::journal::{Entry, Passed, Way};

/// CoAP without DTLS (RFC 7252 12.6).
const COAP_PORT: u16 = 5683;

/// LINKTYPE_RAW: a packet begins with its IP header.
const LINK_TYPE: u16 = 101;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const OPTION_NAME: u16 = 2;
const OPTION_RESOLUTION: u16 = 9;
/// Timestamps count milliseconds: 10⁻³ s.
const MILLISECONDS: u8 = 3;

const PROTOCOL_UDP: u8 = 17;
const HOPS: u8 = 64;

/// The capture of a journal of a service at `address`.
pub fn capture<'a>(entries: impl Iterator<Item = &'a Entry>, address: SocketAddr) -> Vec<u8> {
    let mut file = Vec::new();
    let mut body = Vec::new();
    body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
    body.extend(1_u16.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // The length of the section is not told.
    body.extend(u64::MAX.to_le_bytes());
    block(&mut file, SECTION_HEADER, &body);
    for name in ["datagrams", "decoded CoAP"] {
        block(&mut file, INTERFACE_DESCRIPTION, &interface(name));
    }
    for entry in entries {
        let (interface, way, peer, payload, port) = match &entry.what {
            Passed::Datagram(way, peer, bytes) => (0, *way, *peer, bytes, address.port()),
            Passed::Coap(way, peer, bytes) => (1, *way, *peer, bytes, COAP_PORT),
            Passed::Event(_) | Passed::Trace(_) => continue,
        };
        let service = SocketAddr::new(reached_as(address.ip(), peer.ip()), port);
        let packet = match way {
            Way::In => packet(peer, service, payload),
            Way::Out => packet(service, peer, payload),
        };
        let millis = u64::try_from(entry.at.as_millis()).unwrap_or(0);
        block(&mut file, ENHANCED_PACKET, &enhanced(interface, millis, &packet));
    }
    file
}

fn interface(name: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(LINK_TYPE.to_le_bytes());
    body.extend([0; 2]);
    // No limit on the length of a packet.
    body.extend(0_u32.to_le_bytes());
    option(&mut body, OPTION_NAME, name.as_bytes());
    option(&mut body, OPTION_RESOLUTION, &[MILLISECONDS]);
    body.extend([0; 4]);
    body
}

fn enhanced(interface: u32, millis: u64, packet: &[u8]) -> Vec<u8> {
    let len = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = Vec::with_capacity(20 + packet.len());
    body.extend(interface.to_le_bytes());
    body.extend(((millis >> 32) as u32).to_le_bytes());
    body.extend((millis as u32).to_le_bytes());
    body.extend(len);
    body.extend(len);
    body.extend(packet);
    pad(&mut body);
    body
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.extend(value);
    pad(body);
}

/// A block: its type, its length, its body, its length again.
fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(len);
    file.extend(body);
    file.extend(len);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// A service at any address has for each peer one of the peer's own kind.
fn reached_as(service: IpAddr, peer: IpAddr) -> IpAddr {
    match (service, peer) {
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => service,
        (_, IpAddr::V4(_)) => IpAddr::from([0, 0, 0, 0]),
        (_, IpAddr::V6(_)) => IpAddr::from([0; 16]),
    }
}

/// IP and UDP headers (RFC 791, RFC 8200, RFC 768) and the payload.
fn packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX).to_be_bytes();
    let mut udp = Vec::with_capacity(8 + payload.len());
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(len);
    udp.extend([0; 2]);
    udp.extend(payload);
    let (from, to) = (octets(from.ip()), octets(to.ip()));
    let pseudo = [&from[..], &to, &[0, PROTOCOL_UDP], &len, &udp].concat();
    // Zero would mean that there is none.
    let checksum = Some(checksum(&pseudo)).filter(|sum| *sum != 0).unwrap_or(0xffff);
    udp[6..8].copy_from_slice(&checksum.to_be_bytes());
    let mut packet = if from.len() == 4 { header_v4(udp.len()) } else { header_v6(udp.len()) };
    packet.extend(from);
    packet.extend(to);
    if packet[0] >> 4 == 4 {
        let checksum = self::checksum(&packet);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
    packet.extend(udp);
    packet
}

fn header_v4(udp_len: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(udp_len + 20).unwrap_or(u16::MAX).to_be_bytes();
    vec![0x45, 0, high, low, 0, 0, 0x40, 0, HOPS, PROTOCOL_UDP, 0, 0]
}

fn header_v6(udp_len: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(udp_len).unwrap_or(u16::MAX).to_be_bytes();
    vec![0x60, 0, 0, 0, high, low, PROTOCOL_UDP, HOPS]
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn checksums_are_those_of_the_standards() {
        // The example of RFC 1071 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        for (from, to) in [("127.0.0.1:40000", "127.0.0.1:5683"), ("[::1]:40000", "[::1]:5683")] {
            let packet = packet(from.parse().expect("an address"), to.parse().expect("an address"), b"odd");
            let (header_len, addresses) = if packet[0] >> 4 == 4 { (20, 12..20) } else { (40, 8..40) };
            if header_len == 20 {
                assert_eq!(checksum(&packet[..20]), 0, "{from}");
            }
            let len = [packet[header_len + 4], packet[header_len + 5]];
            let pseudo = [&packet[addresses], &[0, PROTOCOL_UDP], &len, &packet[header_len..]].concat();
            assert_eq!(checksum(&pseudo), 0, "{from}");
        }
    }

    #[test]
    fn every_block_has_its_length_at_both_ends() {
        let peer = ([10, 0, 0, 1], 40_000).into();
        let at = Timestamp::from_millis(1_767_225_600_123);
        let entries = [
            Entry { at, what: Passed::Datagram(Way::In, peer, vec![1; 33]) },
            Entry { at, what: Passed::Trace("left out".to_owned()) },
            Entry { at, what: Passed::Coap(Way::Out, peer, vec![2; 7]) },
        ];
        let file = capture(entries.iter(), ([127, 0, 0, 1], 5684).into());
        let word = |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let len = word(at + 4) as usize;
            assert_eq!((len % 4, word(at + len - 4) as usize), (0, len));
            kinds.push(word(at));
            at += len;
        }
        let expected =
            [SECTION_HEADER, INTERFACE_DESCRIPTION, INTERFACE_DESCRIPTION, ENHANCED_PACKET, ENHANCED_PACKET];
        assert_eq!(kinds, expected);
    }
}
