//! The 16-bit frame check sequence of RFC 1662, appendix C.2.

/// The generator x^16 + x^12 + x^5 + 1, its bits in reverse.
const POLYNOMIAL: u16 = 0x8408;

/// The FCS of these bytes; it is sent with its low byte first.
pub(super) fn fcs(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0xffff, |fcs, byte| (fcs >> 8) ^ TABLE[usize::from((fcs as u8) ^ byte)])
}

static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u16;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { (remainder >> 1) ^ POLYNOMIAL } else { remainder >> 1 };
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::fcs;

    /// The check value that catalogues give for this sequence (CRC-16/IBM-SDLC).
    #[test]
    fn the_check_value_is_the_known_one() {
        assert_eq!(fcs(b"123456789"), 0x906e);
        assert_eq!(fcs(b""), 0);
    }
}
