//! Base64 text of invented documents: only the alphabet and the length matter.

use crate::Random;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Valid base64 of about `length` characters (a multiple of four) that begins as a PDF does (`%PDF-1.4`, line feed).
pub(crate) fn document(length: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(length + 16);
    text.push_str("JVBERi0xLjQK");
    while text.len() < length {
        let mut bits = random.number();
        // Eight characters take 48 of the 64 bits.
        for _ in 0..8 {
            text.push(char::from(ALPHABET[(bits % 64) as usize]));
            bits >>= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_a_multiple_of_four_near_the_wish() {
        for wish in [12, 100, 4_001] {
            let text = document(wish, &mut Random::new(3));
            assert_eq!(text.len() % 4, 0);
            assert!((wish..wish + 8).contains(&text.len()), "{} for {wish}", text.len());
        }
    }
}
