//! [`Session`]: one end of an open session.

use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

use super::frame::{self, FrameReader};
use super::pairing::Pairing;

/// One end of an open session.
#[derive(Clone, Debug)]
pub struct Session {
    pairing: Pairing,
    side: Side,
    reader: FrameReader,
    /// Source of the IVs.
    random: ChaCha12Rng,
    mishaps: Mishaps,
    /// Since the last frame nothing but noise has come, and that was told.
    noisy: bool,
}

/// Which end of the line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The host's chip.
    Host,
    /// The module.
    Module,
}

/// What was dropped of what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mishaps {
    /// Frames that were not made with the keys of the pairing.
    pub wrong_macs: u64,
    /// Bytes that were part of no frame.
    pub bytes_passed_over: u64,
}

impl Side {
    /// Most text in one frame from this side, in bytes. Source: driver.
    const fn text_max(self) -> usize {
        match self {
            Side::Host => 255,
            Side::Module => 1024 + 16,
        }
    }

    const fn other(self) -> Self {
        match self {
            Side::Host => Side::Module,
            Side::Module => Side::Host,
        }
    }
}

impl Session {
    /// An end of a session under these keys.
    pub fn new(pairing: Pairing, side: Side, random: ChaCha12Rng) -> Self {
        let reader = FrameReader::new(pairing.version().body_len(side.other().text_max()));
        Self { pairing, side, reader, random, mishaps: Mishaps::default(), noisy: false }
    }

    /// The text in what the line brought, split anywhere.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let bodies = self.reader.handle_bytes(bytes);
        if !bodies.is_empty() {
            self.noisy = false;
        }
        for body in bodies {
            match self.pairing.open(&body) {
                Some(part) => text.extend(part),
                None => self.mishaps.wrong_macs += 1,
            }
        }
        // Noise is told when it begins, and then with the next frame: it may come byte by byte.
        if !self.noisy {
            let passed_over = self.reader.take_passed_over();
            self.noisy = passed_over > 0;
            self.mishaps.bytes_passed_over += passed_over;
        }
        text
    }

    /// The frames for a text, each to be written in one piece.
    pub fn send(&mut self, text: &[u8]) -> Vec<Vec<u8>> {
        let frames = text.chunks(self.side.text_max()).map(|part| {
            let mut iv = [0; 16];
            self.random.fill_bytes(&mut iv);
            frame::encode(&self.pairing.seal(part, &iv))
        });
        frames.collect()
    }

    /// What was dropped and not told before.
    pub fn end(mut self) -> Mishaps {
        self.mishaps.bytes_passed_over += self.reader.take_passed_over();
        self.mishaps
    }

    /// What was dropped and not told before. Noise is told when it begins, and with the next frame.
    pub fn take_mishaps(&mut self) -> Mishaps {
        std::mem::take(&mut self.mishaps)
    }
}

impl Mishaps {
    /// Whether there were none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
