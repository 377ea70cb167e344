//! Text in which escape sequences switch between character sets (ISO 2022; HL7 v2.9.1 chapter 2, §2.14.9).
//!
//! Japanese senders shift to double-byte characters whose bytes are those of ASCII, delimiters included. The
//! sets themselves are those of the EUC encodings with the high bits cleared, which is how they are decoded.

use encoding_rs::Encoding;

use super::decode::with_encoding;

/// What an escape sequence does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// Bytes below 0x80 are now characters of this set.
    Low(Set),
    /// Bytes above 0x7F are now characters of this set; those below too, between SO and SI.
    High(Set),
}

/// A set of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// One byte a character, the same as ASCII.
    Ascii,
    /// JIS X 0201: ASCII with a yen sign and an overline.
    JisRoman,
    /// JIS X 0201 katakana: one byte a character.
    Katakana,
    /// The upper half of a part of ISO 8859: one byte a character.
    UpperHalf(&'static Encoding),
    /// Two bytes a character, with the high bits set in this encoding, behind 0x8F in JIS X 0212.
    Double { encoding: &'static Encoding, is_jis_x_0212: bool },
}

pub(super) const ESC: u8 = 0x1B;
pub(super) const SHIFT_OUT: u8 = 0x0E;
pub(super) const SHIFT_IN: u8 = 0x0F;

/// The shift that the bytes behind an ESC make, and how many bytes it takes.
pub(super) fn shift(behind_escape: &[u8]) -> Option<(Shift, usize)> {
    let double = |encoding| Set::Double { encoding, is_jis_x_0212: false };
    let jis_x_0208 = double(encoding_rs::EUC_JP);
    let jis_x_0212 = Set::Double { encoding: encoding_rs::EUC_JP, is_jis_x_0212: true };
    Some(match behind_escape {
        [b'(', b'B', ..] => (Shift::Low(Set::Ascii), 2),
        [b'(', b'J', ..] => (Shift::Low(Set::JisRoman), 2),
        [b'(', b'I', ..] => (Shift::Low(Set::Katakana), 2),
        [b')', b'I', ..] => (Shift::High(Set::Katakana), 2),
        [b'$', b'@' | b'B', ..] => (Shift::Low(jis_x_0208), 2),
        [b'$', b'A', ..] => (Shift::Low(double(encoding_rs::GBK)), 2),
        [b'$', b'(', b'@' | b'B', ..] => (Shift::Low(jis_x_0208), 3),
        [b'$', b'(', b'A', ..] => (Shift::Low(double(encoding_rs::GBK)), 3),
        [b'$', b'(', b'C', ..] => (Shift::Low(double(encoding_rs::EUC_KR)), 3),
        [b'$', b'(', b'D', ..] => (Shift::Low(jis_x_0212), 3),
        [b'$', b')', b'A', ..] => (Shift::High(double(encoding_rs::GBK)), 3),
        [b'$', b')', b'B', ..] => (Shift::High(jis_x_0208), 3),
        [b'$', b')', b'C', ..] => (Shift::High(double(encoding_rs::EUC_KR)), 3),
        [b'$', b')', b'D', ..] => (Shift::High(jis_x_0212), 3),
        [b'-', part, ..] => (Shift::High(Set::UpperHalf(upper_half(*part)?)), 2),
        _ => return None,
    })
}

/// Whether the bytes of a `\Cxxyy\` or `\Mxxyyzz\` escape sequence stand for a shift that is known.
pub(super) fn is_shift(bytes: &[u8]) -> bool {
    shift(bytes).is_some_and(|(_, length)| length == bytes.len())
}

fn upper_half(part: u8) -> Option<&'static Encoding> {
    Some(match part {
        b'A' => encoding_rs::WINDOWS_1252,
        b'B' => encoding_rs::ISO_8859_2,
        b'C' => encoding_rs::ISO_8859_3,
        b'D' => encoding_rs::ISO_8859_4,
        b'F' => encoding_rs::ISO_8859_7,
        b'G' => encoding_rs::ISO_8859_6,
        b'H' => encoding_rs::ISO_8859_8,
        b'L' => encoding_rs::ISO_8859_5,
        b'M' => encoding_rs::WINDOWS_1254,
        b'T' => encoding_rs::WINDOWS_874,
        b'b' => encoding_rs::ISO_8859_15,
        _ => return None,
    })
}

/// Appends the text of `bytes`; says `false`, and leaves an unfinished text behind, if they are malformed.
pub(super) fn decode(bytes: &[u8], base: &'static Encoding, out: &mut String) -> bool {
    let (mut low, mut high, mut shifted_out) = (Set::Ascii, None, false);
    let mut rest = bytes;
    let mut double = Vec::new();
    while let Some(&first) = rest.first() {
        match first {
            ESC => {
                let Some((shift, length)) = shift(&rest[1..]) else { return false };
                match shift {
                    Shift::Low(set) => low = set,
                    Shift::High(set) => high = Some(set),
                }
                rest = &rest[1 + length..];
            }
            SHIFT_OUT | SHIFT_IN => {
                shifted_out = first == SHIFT_OUT;
                rest = &rest[1..];
            }
            0..=b' ' | 0x7F => {
                // Line ends put the first set back.
                if matches!(first, b'\r' | b'\n') {
                    (low, shifted_out) = (Set::Ascii, false);
                }
                out.push(char::from(first));
                rest = &rest[1..];
            }
            _ => {
                let is_high = first >= 0x80;
                let end = rest.iter().position(|&byte| is_control(byte) || (byte >= 0x80) != is_high);
                let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
                let set = if is_high || shifted_out { high } else { Some(low) };
                let explained = match set {
                    Some(set) => decode_run(set, run, &mut double, out),
                    None if is_high => with_encoding(base, run, out),
                    None => false,
                };
                if !explained {
                    return false;
                }
                rest = behind;
            }
        }
    }
    true
}

fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | 0x7F)
}

/// Appends the text of bytes that all are characters of one set.
fn decode_run(set: Set, run: &[u8], double: &mut Vec<u8>, out: &mut String) -> bool {
    match set {
        Set::Ascii | Set::JisRoman if run[0] >= 0x80 => false,
        Set::Ascii => {
            out.extend(run.iter().map(|&byte| char::from(byte)));
            true
        }
        Set::JisRoman => {
            out.extend(run.iter().map(|&byte| match byte {
                b'\\' => '¥',
                b'~' => '‾',
                _ => char::from(byte),
            }));
            true
        }
        Set::Katakana => {
            double.clear();
            double.extend(run.iter().map(|byte| byte | 0x80));
            with_encoding(encoding_rs::SHIFT_JIS, double, out)
                && double.iter().all(|byte| (0xA1..=0xDF).contains(byte))
        }
        Set::UpperHalf(encoding) => {
            double.clear();
            double.extend(run.iter().map(|byte| byte | 0x80));
            with_encoding(encoding, double, out)
        }
        Set::Double { encoding, is_jis_x_0212 } => {
            let (pairs, half) = run.as_chunks::<2>();
            double.clear();
            for pair in pairs {
                if is_jis_x_0212 {
                    double.push(0x8F);
                }
                double.extend(pair.map(|byte| byte | 0x80));
            }
            half.is_empty() && with_encoding(encoding, double, out)
        }
    }
}
