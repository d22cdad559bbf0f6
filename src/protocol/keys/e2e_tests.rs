use super::super::MasterKey;
use super::*;
use crate::protocol::protection::{NotGenuine, protect, split_header, unprotect};

const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);

fn first_set() -> KeySet {
    MasterKey::development().factory_secret(ROT).successor(ROT, 1, &[1; 16], &[2; 16])
}

/// One header of each sort.
fn headers(counter: u32) -> [E2eHeader; 3] {
    let (tail, key_set) = (ROT.tail(), 1);
    [
        E2eHeader::Uplink { version: E2eVersion::One, tail, key_set, counter },
        E2eHeader::Uplink { version: E2eVersion::Two, tail, key_set, counter },
        E2eHeader::Downlink { tail, key_set, counter, generation: 3 },
    ]
}

/// HKDF-SHA256 on Python's `hmac` and AES-128-CCM of its package `cryptography` made these.
const VECTORS: [&str; 3] = [
    "1101f008003c9623000100000005000029ec7a87b0a39e5f98ff76f556963c9daa31830a212e111ee4473c8275fd03ab20985969b40fb381276d0fb2345d0713733c09da4c3c942f36af4b9e",
    "20f008003c9623010000057d004c983b5bdaee25464c3c20ead640bef33f5a48d8acc991f95d2dfb2d65fa2db70b777cc86510800d7d3f7e562264e934e561cd518bf1192a537b35",
    "1102f008003c96230001000000050003c7b50bc94d6711c3661b6a6104699255b505b7ffabed6a0b0447bbe2cd12db3e90562ba6a0ac1e84d0df6006f2d414383051e98c30252f52e6727027",
];

#[test]
fn messages_are_pinned_by_test_vectors() {
    for (header, expected) in headers(5).iter().zip(VECTORS) {
        let message = b"The quick brown fox jumps over the lazy dog.";
        let key = first_set().message_key(ROT, header);
        let protected = protect(header, &key, message);
        assert_eq!(hex::encode(&protected), expected, "{header:?}");
        let (found, sealed) = split_header(&protected).expect("a header");
        assert_eq!((&found, unprotect(&found, &key, sealed)), (header, Ok(message.to_vec())));
    }
}

#[test]
fn every_header_comes_back_as_it_was() {
    for header in [0, 1, 0xff_ffff].into_iter().flat_map(headers) {
        assert_eq!(E2eHeader::decode(&header.encode()), Ok(header));
        assert!(header.names(&first_set()));
        assert_eq!(header.tail(), ROT.tail());
    }
    let bits = E2eHeader::Uplink { version: E2eVersion::Two, tail: ROT.tail(), key_set: 0xabc, counter: 1 };
    assert_eq!(hex::encode(bits.encode()), "2af008003c9623bc000001");
    let set = |number| KeySet { number, ..first_set() };
    assert_eq!((bits.names(&set(0x1abc)), bits.names(&set(0xbbc))), (true, false));
}

#[test]
fn what_is_no_header_is_refused() {
    for wrong in [
        "",
        "11",
        "1101f008003c962300010000000500",
        "1101f008003c962300010000000500000a",
        "1101f008003c96230001000000050001",
        "1103f008003c96230001000000050000",
        "1001f008003c96230001000000050000",
        "20f008003c9623010000",
        "20f008003c96230100000500",
        "30f008003c962301000005",
    ] {
        let bytes = hex::decode(wrong).expect("hex");
        assert_eq!(E2eHeader::decode(&bytes), Err(NotAHeader), "{wrong}");
    }
}

#[test]
fn a_change_of_any_bit_is_found() {
    for header in headers(5) {
        let protected = protect(&header, &first_set().message_key(ROT, &header), b"message");
        for bit in 0..protected.len() * 8 {
            let mut changed = protected.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let opened = split_header(&changed)
                .and_then(|(found, sealed)| unprotect(&found, &first_set().message_key(ROT, &found), sealed));
            assert_eq!(opened, Err(NotGenuine), "{header:?}, bit {bit}");
        }
        for length in 0..protected.len() {
            let opened = split_header(&protected[..length])
                .and_then(|(found, sealed)| unprotect(&found, &first_set().message_key(ROT, &found), sealed));
            assert_eq!(opened, Err(NotGenuine), "{header:?}, {length} bytes");
        }
    }
}

#[test]
fn no_two_messages_share_a_nonce_under_one_key() {
    let mut seen = std::collections::BTreeSet::new();
    for header in (0..300).flat_map(headers) {
        let MessageKey { key, nonce } = first_set().message_key(ROT, &header);
        assert!(seen.insert((key, nonce)), "{header:?}");
    }
    assert_eq!(format!("{:?}", first_set().message_key(ROT, &headers(0)[0])), "MessageKey(…)");
}
