//! Bytes to text and back, one charset at a time.

use encoding_rs::{DecoderResult, Encoding};

use super::{Base, Charset, Web, iso2022};

/// The text of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text, borrowed from the message where its bytes are valid UTF-8 that means the same.
    pub text: &'a str,
    /// Whether the charset did not explain the bytes, so that they were read as windows-1252.
    pub fallback: bool,
}

/// The bytes themselves as text, if they are.
pub(super) fn as_it_stands(charset: Charset, bytes: &[u8]) -> Option<&str> {
    let is_text = match charset {
        Charset::Utf8 => true,
        Charset::Iso2022(_) => {
            bytes.is_ascii() && !bytes.iter().any(|byte| matches!(byte, 0x0E | 0x0F | 0x1B))
        }
        _ => bytes.is_ascii(),
    };
    if is_text { str::from_utf8(bytes).ok() } else { None }
}

/// Appends the text of `bytes`, or nothing if the charset does not explain them.
pub(super) fn decode(charset: Charset, bytes: &[u8], out: &mut String) -> bool {
    if let Some(text) = as_it_stands(charset, bytes) {
        out.push_str(text);
        return true;
    }
    match explained_by(charset, bytes) {
        Explained::No => false,
        Explained::Iso2022(Base(base)) => {
            let start = out.len();
            let explained = iso2022::decode(bytes, base, out);
            if !explained {
                out.truncate(start);
            }
            explained
        }
        Explained::Web(encoding) => with_encoding(encoding, bytes, out),
    }
}

/// Appends the text of `bytes` as windows-1252, which has a character for every byte.
pub(super) fn windows_1252(bytes: &[u8], out: &mut String) {
    let decoded = with_encoding(encoding_rs::WINDOWS_1252, bytes, out);
    debug_assert!(decoded, "windows-1252 explains every byte");
}

/// Appends the bytes of `text`, or nothing if the charset lacks one of its characters.
pub(super) fn encode(charset: Charset, text: &str, out: &mut Vec<u8>) -> bool {
    if charset == Charset::Utf8 || text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
        return true;
    }
    let Some(encoding) = web(charset) else { return false };
    let (bytes, _, lossy) = encoding.encode(text);
    let is_8859_1 = charset == Charset::Iso8859_1;
    if lossy || is_8859_1 && bytes.iter().any(|&byte| is_c1(byte)) {
        return false;
    }
    out.extend_from_slice(&bytes);
    true
}

/// How many characters of several bytes, or of one byte above 0x7F, and how many malformed ones there are.
pub(super) fn tally(charset: Charset, bytes: &[u8]) -> Tally {
    let Some(encoding) = web(charset) else { return Tally::default() };
    let is_8859_1 = charset == Charset::Iso8859_1;
    let mut tally = Tally::default();
    let (mut decoder, mut rest) = (encoding.new_decoder_without_bom_handling(), bytes);
    let mut buffer = [0; 512];
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut buffer, true);
        // The first byte of each character above U+007F.
        tally.characters += buffer[..written].iter().filter(|&&byte| byte >= 0xC0).count();
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => tally.malformed += 1,
        }
    }
    if is_8859_1 {
        tally.malformed += bytes.iter().filter(|&&byte| is_c1(byte)).count();
    }
    tally
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) characters: usize,
    pub(super) malformed: usize,
}

/// The means to decode the bytes that are not text as they stand.
enum Explained {
    No,
    Iso2022(Base),
    Web(&'static Encoding),
}

fn explained_by(charset: Charset, bytes: &[u8]) -> Explained {
    match charset {
        Charset::Iso2022(base) => Explained::Iso2022(base),
        // The web reads these bytes as windows-1252; in 8859/1 they are controls that no message holds.
        Charset::Iso8859_1 if bytes.iter().any(|&byte| is_c1(byte)) => Explained::No,
        _ => web(charset).map_or(Explained::No, Explained::Web),
    }
}

fn is_c1(byte: u8) -> bool {
    (0x80..0xA0).contains(&byte)
}

fn web(charset: Charset) -> Option<&'static Encoding> {
    Some(match charset {
        Charset::Utf8 => encoding_rs::UTF_8,
        Charset::Iso8859_1 | Charset::Windows1252 => encoding_rs::WINDOWS_1252,
        Charset::Iso8859_2 => encoding_rs::ISO_8859_2,
        Charset::Iso8859_3 => encoding_rs::ISO_8859_3,
        Charset::Iso8859_4 => encoding_rs::ISO_8859_4,
        Charset::Iso8859_5 => encoding_rs::ISO_8859_5,
        Charset::Iso8859_6 => encoding_rs::ISO_8859_6,
        Charset::Iso8859_7 => encoding_rs::ISO_8859_7,
        Charset::Iso8859_8 => encoding_rs::ISO_8859_8,
        Charset::Iso8859_9 => encoding_rs::WINDOWS_1254,
        Charset::Iso8859_15 => encoding_rs::ISO_8859_15,
        Charset::ShiftJis => encoding_rs::SHIFT_JIS,
        Charset::EucJp => encoding_rs::EUC_JP,
        Charset::Gb18030 => encoding_rs::GB18030,
        Charset::Big5 => encoding_rs::BIG5,
        Charset::KsX1001 => encoding_rs::EUC_KR,
        Charset::Other(Web(encoding)) => encoding,
        Charset::Ascii | Charset::Iso2022(_) | Charset::Cns11643 => return None,
    })
}

/// Appends the text of `bytes`, or nothing if they are malformed in `encoding`.
pub(super) fn with_encoding(encoding: &'static Encoding, bytes: &[u8], out: &mut String) -> bool {
    let start = out.len();
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut rest = bytes;
    loop {
        // At most three bytes of UTF-8 for one byte, plus what the decoder may still hold.
        out.reserve(3 * rest.len() + 16);
        let (result, read) = decoder.decode_to_string_without_replacement(rest, out, true);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                out.truncate(start);
                return false;
            }
        }
    }
}
