//! Names and secrets nobody can foresee.

use rand_core::Rng;

const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random ASCII letters and digits, almost six bits each.
pub(super) fn letters_and_digits(rng: &mut impl Rng, len: usize) -> String {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        // Six bits a draw, the two values past 61 drawn again: every character is as likely.
        if let Some(character) = CHARACTERS.get((rng.next_u32() >> 26) as usize) {
            text.push(char::from(*character));
        }
    }
    text
}
