//! Turns UTF-16 messages into UTF-8, so that the parser only knows delimiters of one byte.

use crate::stream::Encoding;

/// A UTF-16 message as UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utf8 {
    /// The message.
    pub text: String,
    /// How many halves of characters had no other half and stand as U+FFFD; to be warned about.
    pub replaced: usize,
}

/// Turns a message from UTF-16 into UTF-8; `None` if its [`Encoding`] is not UTF-16.
///
/// ```
/// use hl7::{charset::utf16_to_utf8, stream::{Encoding, pieces}};
/// let file = b"M\0S\0H\0|\0^\0~\0\\\0&\0|\0\xE9\0\r\0";
/// let piece = pieces(file, 1 << 20).next().unwrap();
/// assert_eq!(piece.encoding, Encoding::Utf16Le);
/// let message = utf16_to_utf8(&file[..piece.length as usize], piece.encoding).unwrap();
/// assert_eq!(message.text, "MSH|^~\\&|é");
/// ```
pub fn utf16_to_utf8(bytes: &[u8], encoding: Encoding) -> Option<Utf8> {
    let unit = match encoding {
        Encoding::Bytes => return None,
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let (pairs, half) = bytes.as_chunks::<2>();
    let mut utf8 = Utf8 { text: String::with_capacity(bytes.len()), replaced: 0 };
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        utf8.text.push(character.unwrap_or_else(|_| {
            utf8.replaced += 1;
            char::REPLACEMENT_CHARACTER
        }));
    }
    if !half.is_empty() {
        utf8.replaced += 1;
        utf8.text.push(char::REPLACEMENT_CHARACTER);
    }
    Some(utf8)
}
