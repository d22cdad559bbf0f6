//! One property of a session over one fuzz input, shared by the fuzz target and the replay.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use vsara::c2c::{Pairing, Secret, Session, Side};

/// What the other end says.
const TEXT: &[u8] = b"AT+CGMM\r";

/// The first byte of `input` is the size of the pieces that its rest is split into, and of its two
/// lowest bits one chooses the version, the other the side.
///
/// # Panics
/// The session panics, hears another text when the input comes in one piece, hears any text that was
/// not made with its keys, counts more than came, or does not hear what comes behind all that.
pub(crate) fn check(input: &[u8]) {
    let Some((head, noise)) = input.split_first() else { return };
    let (one, host) = (head & 1 == 1, head & 2 == 2);
    let side = if host { Side::Host } else { Side::Module };
    let other = if host { Side::Module } else { Side::Host };
    let sent = session(one, other).send(TEXT).concat();
    // A piece of a real frame in the middle of it makes damage that random bytes do not.
    let half = noise.len() / 2;
    let line = [&noise[..half], &sent[..usize::from(*head) % sent.len()], &noise[half..], &sent].concat();
    let whole = hear(one, side, &line, line.len());
    let split = hear(one, side, &line, usize::from(*head).max(1));
    assert_eq!(whole.0, split.0, "however it is split");
    assert!(whole.1 <= line.len() as u64 && split.1 <= line.len() as u64);
    // What is behind it is heard, and nothing but that: twice, where the input made the piece whole.
    assert!(whole.0.ends_with(TEXT) && whole.0.chunks(TEXT.len()).all(|text| text == TEXT));
}

fn hear(one: bool, side: Side, line: &[u8], size: usize) -> (Vec<u8>, u64) {
    let mut session = session(one, side);
    let (mut text, mut dropped) = (Vec::new(), 0);
    for piece in line.chunks(size) {
        text.extend(session.receive(piece));
        dropped += session.take_mishaps().bytes_passed_over;
    }
    (text, dropped + session.end().bytes_passed_over)
}

fn session(one: bool, side: Side) -> Session {
    let secret = |byte| Secret::from_bytes([byte; 16]);
    let hmac_key = (!one).then(|| secret(3));
    let pairing = Pairing { te_secret: secret(1), key: secret(2), hmac_key };
    Session::new(pairing, side, ChaCha12Rng::seed_from_u64(1))
}
