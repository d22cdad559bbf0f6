//! Frames on the line, and [`FrameReader`], which finds them again where bytes were lost.

use std::ops::RangeInclusive;

use super::fcs::fcs;

/// Begins and ends a frame. It may stand inside one too: the length tells where it ends.
const FLAG: u8 = 0xf9;

/// What stands before the body: flag and length.
const HEAD_LEN: usize = 3;

/// What stands behind it: FCS and flag.
const TAIL_LEN: usize = 3;

/// What every body is a multiple of, in bytes.
const BLOCK_LEN: usize = 16;

/// A frame around a body of at most 65535 bytes.
pub(super) fn encode(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEAD_LEN + body.len() + TAIL_LEN);
    frame.push(FLAG);
    // A body is made by this layer, and never longer.
    frame.extend((body.len() as u16).to_le_bytes());
    frame.extend_from_slice(body);
    let check = fcs(&frame[1..]);
    frame.extend(check.to_le_bytes());
    frame.push(FLAG);
    frame
}

/// Finds frames in what the line brings, split anywhere.
///
/// 1. Every flag may begin a frame. It does if the length behind it can be that of a body, and FCS and
///    flag stand where they should.
/// 2. The first frame that is whole is taken, even where an earlier flag still waits for its end: that
///    one was spoilt, as the two would overlap.
/// 3. The flag that ends a frame may begin the next one: one of two may have been lost.
/// 4. What stands before a frame, or can begin none, is passed over.
#[derive(Clone, Debug)]
pub(super) struct FrameReader {
    body_len: RangeInclusive<usize>,
    /// What may still become a frame: less than the longest one.
    kept: Vec<u8>,
    /// The first byte of it is the flag that ended the last frame.
    shared: bool,
    passed_over: u64,
}

/// What begins with a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Candidate {
    /// A frame with a body of this length.
    Whole(usize),
    /// A frame, once more has come.
    Unfinished,
    /// No frame.
    Nothing,
}

impl FrameReader {
    /// A reader for bodies of these lengths, in bytes.
    pub(super) fn new(body_len: RangeInclusive<usize>) -> Self {
        Self { body_len, kept: Vec::new(), shared: false, passed_over: 0 }
    }

    /// The bodies of all frames that are whole by now, in order.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let step = HEAD_LEN + self.body_len.end() + TAIL_LEN;
        for piece in bytes.chunks(step) {
            self.kept.extend_from_slice(piece);
            bodies.extend(std::iter::from_fn(|| self.next_body()));
        }
        bodies
    }

    /// How many bytes were part of no frame since this was last asked.
    pub(super) fn take_passed_over(&mut self) -> u64 {
        std::mem::take(&mut self.passed_over)
    }

    fn next_body(&mut self) -> Option<Vec<u8>> {
        let mut begun = None;
        for at in 0..self.kept.len() {
            match self.candidate(at) {
                Candidate::Whole(length) => {
                    let from = at + HEAD_LEN;
                    let body = self.kept[from..from + length].to_vec();
                    self.pass_over(at);
                    self.kept.drain(..HEAD_LEN + length + TAIL_LEN - 1);
                    self.shared = true;
                    return Some(body);
                }
                Candidate::Unfinished => drop(begun.get_or_insert(at)),
                Candidate::Nothing => {}
            }
        }
        self.pass_over(begun.unwrap_or(self.kept.len()));
        None
    }

    fn pass_over(&mut self, count: usize) {
        if count > 0 {
            self.kept.drain(..count);
            self.passed_over += count as u64 - u64::from(self.shared);
            self.shared = false;
        }
    }

    fn candidate(&self, at: usize) -> Candidate {
        let bytes = &self.kept[at..];
        if bytes.first() != Some(&FLAG) {
            return Candidate::Nothing;
        }
        let [_, low, high, ..] = *bytes else { return Candidate::Unfinished };
        let length = usize::from(u16::from_le_bytes([low, high]));
        if !self.body_len.contains(&length) || length % BLOCK_LEN != 0 {
            return Candidate::Nothing;
        }
        let checked = HEAD_LEN + length;
        let Some([check @ .., flag]) = bytes.get(checked..checked + TAIL_LEN) else {
            return Candidate::Unfinished;
        };
        let whole = *flag == FLAG && *check == fcs(&bytes[1..checked]).to_le_bytes();
        if whole { Candidate::Whole(length) } else { Candidate::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTHS: RangeInclusive<usize> = 32..=64;

    fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
        let mut reader = FrameReader::new(LENGTHS);
        let bodies = pieces.iter().flat_map(|piece| reader.handle_bytes(piece)).collect();
        (bodies, reader.take_passed_over())
    }

    fn body(filling: u8) -> Vec<u8> {
        vec![filling; 48]
    }

    #[test]
    fn a_frame_is_flag_length_body_check_flag() {
        let frame = encode(&body(0x41));
        assert_eq!(frame[..4], [0xf9, 0x30, 0x00, 0x41]);
        assert_eq!(frame.len(), 54);
        assert_eq!(frame[53], 0xf9);
        assert_eq!(u16::from_le_bytes([frame[51], frame[52]]), fcs(&frame[1..51]));
    }

    /// What was lost or spoilt costs its frame and no other, and without waiting for more.
    #[test]
    fn frames_are_found_again_behind_damage() {
        let (a, b) = (encode(&body(1)), encode(&body(0xf9)));
        let check = |what: &str, damaged: &[u8], bodies: &[u8]| {
            let wanted: Vec<_> = bodies.iter().map(|filling| body(*filling)).collect();
            // In one piece, and byte by byte.
            let line = [damaged, &b[..]].concat();
            assert_eq!(read(&[&line]).0, wanted, "{what}");
            let bytes: Vec<_> = line.chunks(1).collect();
            assert_eq!(read(&bytes).0, wanted, "{what}, byte by byte");
        };
        check("nothing", &[], &[0xf9]);
        check("a whole frame", &a, &[1, 0xf9]);
        check("noise", b"AT\r\nOK\xf9\xf9\xf9", &[0xf9]);
        check("no first flag", &a[1..], &[0xf9]);
        check("no last flag", &a[..53], &[1, 0xf9]);
        check("half a frame", &a[..20], &[0xf9]);
        check("its head", &a[..3], &[0xf9]);
        for at in 0..a.len() {
            let mut lost = a.clone();
            lost.remove(at);
            let bodies: &[u8] = if at == 53 { &[1, 0xf9] } else { &[0xf9] };
            check(&format!("byte {at} lost"), &lost, bodies);
            for bit in 0..8 {
                let mut wrong = a.clone();
                wrong[at] ^= 1 << bit;
                check(&format!("bit {bit} of byte {at} wrong"), &wrong, &[0xf9]);
            }
        }
    }

    #[test]
    fn a_length_that_no_body_has_begins_no_frame() {
        for length in [0, 16, 47, 49, 80, 0xf9f9] {
            let mut frame = encode(&body(1));
            frame[1..3].copy_from_slice(&u16::to_le_bytes(length));
            assert_eq!(read(&[&frame[..53]]), (vec![], 53), "{length}");
        }
        for length in [16, 80] {
            assert_eq!(read(&[&encode(&vec![1; length])]).0, Vec::<Vec<u8>>::new(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_a_frame_behind_it_is_found_and_little_is_kept(
            noise in prop::collection::vec(prop_oneof![any::<u8>(), Just(FLAG), Just(0x30), Just(0)], 0..300),
            size in 1..70_usize,
        ) {
            let mut reader = FrameReader::new(LENGTHS);
            let mut bodies = Vec::new();
            for piece in [noise.clone(), encode(&body(7))].concat().chunks(size) {
                bodies.extend(reader.handle_bytes(piece));
                prop_assert!(reader.kept.len() < HEAD_LEN + LENGTHS.end() + TAIL_LEN);
            }
            prop_assert_eq!(bodies.last(), Some(&body(7)));
            prop_assert!(reader.take_passed_over() <= noise.len() as u64);
        }
    }
}
