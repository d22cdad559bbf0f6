//! What a receiver makes of bytes that were sent at another rate.
//!
//! The sender's bits are laid out in time and sampled at the receiver's rate, as a UART does: from
//! the edge of a start bit, once in the middle of each bit. What comes out depends on the bytes and
//! the two rates alone. A chance hit could still be a command, so the top bit of each byte is set:
//! no character of the alphabet is ever among them. `designed`

use std::num::NonZeroU32;

/// How far two rates may be apart, in percent of the receiver's: half a bit within the ten of a
/// frame is 5, shared by both ends. `designed`
const TOLERANCE_PERCENT: u64 = 3;

/// Bits of a frame: start, eight of data, stop.
const FRAME_BITS: u64 = 10;

/// Whether a receiver understands a sender.
pub(super) fn match_each_other(sender: NonZeroU32, receiver: NonZeroU32) -> bool {
    let (sender, receiver) = (u64::from(sender.get()), u64::from(receiver.get()));
    sender.abs_diff(receiver) * 100 <= TOLERANCE_PERCENT * receiver
}

/// The garbage that arrives, at least one byte for any; at most five for each.
pub(super) fn garbage(sent: &[u8], sender: NonZeroU32, receiver: NonZeroU32) -> Vec<u8> {
    let (sender, receiver) = (u64::from(sender.get()), u64::from(receiver.get()));
    let bits = sent.len() as u64 * FRAME_BITS;
    // Time is counted in halves of 1 / (sender × receiver) s: a bit of either takes twice the rate
    // of the other.
    let index_after = |edge: u64, halves: u64| (edge * 2 * receiver + halves * sender) / (2 * receiver);
    let mut received = Vec::new();
    let mut edge = next_edge(sent, 0, bits);
    while let Some(start) = edge {
        let sample = |bit: u64| level(sent, index_after(start, 2 * bit + 1));
        let byte = (1..=8).fold(0, |byte, bit| byte | u8::from(sample(bit)) << (bit - 1));
        received.push(byte | 0x80);
        let stop = index_after(start, 2 * (FRAME_BITS - 1) + 1);
        edge = next_edge(sent, stop.max(start + 1), bits);
    }
    received
}

/// The first start of a space after a mark, from bit `from` on.
fn next_edge(sent: &[u8], from: u64, bits: u64) -> Option<u64> {
    (from..bits).find(|at| !level(sent, *at) && (*at == 0 || level(sent, *at - 1)))
}

/// Whether the line is at mark during a bit of the sender; it is before and behind the frames.
fn level(sent: &[u8], bit: u64) -> bool {
    let byte = usize::try_from(bit / FRAME_BITS).ok().and_then(|frame| sent.get(frame));
    match (byte, bit % FRAME_BITS) {
        (None, _) => true,
        (Some(_), 0) => false,
        (Some(byte), place @ 1..=8) => byte >> (place - 1) & 1 == 1,
        (Some(_), _) => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(bps: u32) -> NonZeroU32 {
        NonZeroU32::new(bps).expect("not zero")
    }

    #[test]
    fn rates_that_are_close_understand_each_other() {
        let check = |sender, receiver, expected| {
            assert_eq!(match_each_other(rate(sender), rate(receiver)), expected, "{sender} {receiver}");
        };
        check(115_200, 115_200, true);
        check(115_200, 117_647, true);
        check(115_200, 111_111, false);
        check(9600, 115_200, false);
        check(1, u32::MAX, false);
        check(u32::MAX, u32::MAX - 1, true);
    }

    /// Without the top bit the sampling is that of a UART.
    #[test]
    fn sampling_at_the_right_rate_gives_what_was_sent() {
        let sent = b"AT+CSQ\r\x00\x7f\x55";
        let expected: Vec<_> = sent.iter().map(|byte| byte | 0x80).collect();
        for receiver in [115_200, 117_000, 113_500] {
            assert_eq!(garbage(sent, rate(115_200), rate(receiver)), expected, "{receiver}");
        }
    }

    #[test]
    fn a_slow_receiver_hears_fewer_bytes_and_a_fast_one_more() {
        let check = |sender, receiver, expected: &[u8]| {
            assert_eq!(garbage(b"AT\r", rate(sender), rate(receiver)), expected, "{sender} {receiver}");
        };
        check(115_200, 9600, &[0xfe]);
        check(9600, 115_200, &[0x80; 10]);
        check(115_200, 57_600, &[0xec, 0xf9]);
    }

    proptest! {
        #[test]
        fn garbage_is_bounded_and_never_text(
            sent in prop::collection::vec(any::<u8>(), 0..60),
            sender in 1..=u32::MAX,
            receiver in 1..=u32::MAX,
        ) {
            let received = garbage(&sent, rate(sender), rate(receiver));
            prop_assert!(received.len() <= 5 * sent.len());
            prop_assert_eq!(received.is_empty(), sent.is_empty());
            prop_assert!(received.iter().all(|byte| !byte.is_ascii()));
        }
    }
}
