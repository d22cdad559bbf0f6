//! What a DTLS datagram shows before anything is decrypted: the header of its first record
//! (RFC 6347 4.1) and, in a plaintext handshake record, that of its first message (4.2.2).

/// The first record of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstRecord {
    /// A ClientHello: its first fragment with the client's random.
    ClientHello {
        /// The client's random, which a retransmission and the hello with the cookie repeat.
        random: [u8; RANDOM_LEN],
    },
    /// A ServerHello, which a server sends only to a peer whose cookie was right.
    ServerHello,
    /// Any other plaintext record of the handshake, a ChangeCipherSpec included.
    Handshake,
    /// A plaintext alert.
    Alert,
    /// An encrypted handshake message: Finished.
    Finished,
    /// Encrypted data or an encrypted alert.
    Protected,
    /// Not DTLS.
    Noise,
}

pub(super) const RANDOM_LEN: usize = 32;

const RECORD_HEADER_LEN: usize = 13;
const HANDSHAKE_HEADER_LEN: usize = 12;
/// Where the random starts in a ClientHello that starts at its first byte: behind both headers
/// and the version.
const RANDOM_AT: usize = RECORD_HEADER_LEN + HANDSHAKE_HEADER_LEN + 2;
const FRAGMENT_OFFSET_AT: usize = RECORD_HEADER_LEN + 6;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

impl FirstRecord {
    /// Reads the first record; never fails, whatever the bytes.
    pub(super) fn of(datagram: &[u8]) -> Self {
        if datagram.len() < RECORD_HEADER_LEN || datagram[1] != 0xfe {
            return Self::Noise;
        }
        let encrypted = datagram[3..5] != [0, 0];
        match (datagram[0], encrypted) {
            (HANDSHAKE, true) => Self::Finished,
            (APPLICATION_DATA | ALERT, true) => Self::Protected,
            (ALERT, false) => Self::Alert,
            (CHANGE_CIPHER_SPEC, false) => Self::Handshake,
            (HANDSHAKE, false) => Self::of_handshake(datagram),
            _ => Self::Noise,
        }
    }

    fn of_handshake(datagram: &[u8]) -> Self {
        match datagram.get(RECORD_HEADER_LEN) {
            Some(&SERVER_HELLO) => Self::ServerHello,
            Some(&CLIENT_HELLO) => {
                let from_start = datagram.get(FRAGMENT_OFFSET_AT..FRAGMENT_OFFSET_AT + 3) == Some(&[0; 3]);
                let random = datagram.get(RANDOM_AT..).and_then(|rest| rest.first_chunk());
                match random {
                    Some(random) if from_start => Self::ClientHello { random: *random },
                    _ => Self::Handshake,
                }
            }
            Some(_) => Self::Handshake,
            None => Self::Noise,
        }
    }
}

/// Far beyond the sequence number of every record of a handshake: a peer that keeps a replay
/// window even for plaintext still takes this record, the last one of its session.
const LAST_SEQUENCE: [u8; 6] = [0, 0, 0, 1, 0, 0];

/// A plaintext fatal alert in a datagram of its own.
pub(super) fn fatal_alert(description: u8) -> Vec<u8> {
    let mut datagram = vec![ALERT, 0xfe, 0xfd, 0, 0];
    datagram.extend(LAST_SEQUENCE);
    datagram.extend([0, 2, 2, description]);
    datagram
}
