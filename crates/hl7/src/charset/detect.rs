//! Finds out what the bytes of a message are, by the rule at the head of the [module](super).

use memchr::memchr_iter;

use super::decode::tally;
use super::iso2022::{ESC, Set, Shift, shift};
use super::names::ISO_2022;
use super::{Base, Charset, Web};

/// The charset of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// What its values are decoded with.
    pub charset: Charset,
    /// What is wrong with MSH-18.
    pub warning: Option<CharsetWarning>,
}

/// What is wrong with the declaration in MSH-18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CharsetWarning {
    /// It is empty, the message is not ASCII, and the feed has no default that explains it.
    Undeclared,
    /// It names no charset that is known here.
    Unknown,
    /// The bytes are not in the charset it names.
    Wrong,
}

/// What MSH-18 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Declaration {
    Nothing,
    Unknown,
    Known(Charset),
}

/// Finds the charset of a message.
///
/// `declared` is MSH-18 as sent, with all its repetitions; `bytes` is the message; `default` is the charset of
/// a feed whose messages declare none.
///
/// ```
/// use hl7::charset::{Charset, CharsetWarning, detect};
/// let found = detect(b"ASCII", "MSH|^~\\&|Müller".as_bytes(), None);
/// assert_eq!((found.charset, found.warning), (Charset::Utf8, Some(CharsetWarning::Wrong)));
/// ```
pub fn detect(declared: &[u8], bytes: &[u8], default: Option<Charset>) -> Detection {
    let declaration = read(declared);
    let expected = match declaration {
        Declaration::Known(charset) => Some(charset),
        Declaration::Nothing | Declaration::Unknown => default,
    };
    let charset = if bytes.is_ascii() { in_ascii(expected, bytes) } else { beyond_ascii(expected, bytes) };
    let is_as_expected = Some(charset) == expected;
    let warning = match declaration {
        Declaration::Unknown => Some(CharsetWarning::Unknown),
        _ if charset == Charset::Ascii => None,
        // The declared charset is kept even if not every value is in it.
        _ if is_as_expected && explains(charset, bytes) => None,
        Declaration::Nothing => Some(CharsetWarning::Undeclared),
        Declaration::Known(_) => Some(CharsetWarning::Wrong),
    };
    Detection { charset, warning }
}

fn in_ascii(expected: Option<Charset>, bytes: &[u8]) -> Charset {
    let charset = expected.unwrap_or(Charset::Ascii);
    if !matches!(charset, Charset::Iso2022(_)) && shifts_to_double_bytes(bytes) { ISO_2022 } else { charset }
}

fn beyond_ascii(expected: Option<Charset>, bytes: &[u8]) -> Charset {
    if matches!(expected, None | Some(Charset::Ascii)) && shifts_to_double_bytes(bytes) {
        return ISO_2022;
    }
    let is_utf8 = str::from_utf8(bytes).is_ok();
    let Some(expected) = expected else {
        return if is_utf8 || tally(Charset::Utf8, bytes).characters > 0 {
            Charset::Utf8
        } else {
            Charset::Windows1252
        };
    };
    if is_utf8 && is_no_coincidence(expected, bytes) {
        return Charset::Utf8;
    }
    if explains(expected, bytes) {
        return expected;
    }
    if is_utf8 {
        return Charset::Utf8;
    }
    let tally = tally(expected, bytes);
    let is_good_enough = match expected {
        Charset::Utf8 => tally.characters > 0,
        Charset::Iso2022(_) => shifts_to_double_bytes(bytes),
        // Its malformed bytes are those that only windows-1252 explains.
        Charset::Iso8859_1 => false,
        _ => tally.characters > 9 * tally.malformed,
    };
    if is_good_enough { expected } else { Charset::Windows1252 }
}

/// Whether valid UTF-8 is too much of it to be anything else.
fn is_no_coincidence(expected: Charset, bytes: &[u8]) -> bool {
    let enough = match expected {
        Charset::Utf8 => return true,
        Charset::Iso2022(Base(base)) if base == encoding_rs::UTF_8 => return false,
        Charset::Ascii | Charset::Iso8859_1 | Charset::Iso8859_15 | Charset::Windows1252 => 1,
        _ => 4,
    };
    bytes.iter().filter(|&&byte| byte >= 0xC0).nth(enough - 1).is_some()
}

fn explains(charset: Charset, bytes: &[u8]) -> bool {
    match charset {
        Charset::Ascii => bytes.is_ascii(),
        _ if bytes.is_ascii() && !matches!(charset, Charset::Iso2022(_)) => true,
        Charset::Utf8 => str::from_utf8(bytes).is_ok(),
        Charset::Cns11643 => false,
        Charset::Iso2022(_) => charset.try_decode_into(bytes, &mut String::new()),
        _ => {
            let tally = tally(charset, bytes);
            tally.characters > 0 && tally.malformed == 0
        }
    }
}

fn shifts_to_double_bytes(bytes: &[u8]) -> bool {
    memchr_iter(ESC, bytes).any(|at| {
        let found = shift(&bytes[at + 1..]);
        matches!(found, Some((Shift::Low(Set::Double { .. }) | Shift::High(Set::Double { .. }), _)))
    })
}

/// Reads MSH-18. Its first repetition is the charset of the message; sets behind it are shifted to by ISO 2022
/// escape sequences.
fn read(declared: &[u8]) -> Declaration {
    // The delimiters of the message are not known here; no name holds any character that could be one.
    let mut names = declared.split(|&byte| !is_of_name(byte)).map(<[u8]>::trim_ascii);
    let first = names.next().unwrap_or_default();
    let base = if first.is_empty() { Some(Charset::Ascii) } else { Charset::from_name(first) };
    let shifts = names.any(|name| {
        let shifted_to = Charset::from_name(name);
        matches!(shifted_to, Some(Charset::Iso2022(_) | Charset::KsX1001 | Charset::Gb18030))
            && shifted_to != base
    });
    match base {
        Some(charset) if shifts => Declaration::Known(Charset::Iso2022(unshifted(charset))),
        _ if first.is_empty() => Declaration::Nothing,
        Some(charset) => Declaration::Known(charset),
        None => Declaration::Unknown,
    }
}

/// The charset that MSH-18 names, if it is known here.
pub(crate) fn declared(declared: &[u8]) -> Option<Charset> {
    match read(declared) {
        Declaration::Known(charset) => Some(charset),
        Declaration::Nothing | Declaration::Unknown => None,
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'/' | b'.' | b':' | b'(' | b')')
}

/// What bytes above 0x7F are in a message of several sets before any of them is shifted to.
pub(super) fn unshifted(charset: Charset) -> Base {
    match charset {
        Charset::Iso2022(base) => base,
        Charset::Iso8859_1 | Charset::Windows1252 => Base(encoding_rs::WINDOWS_1252),
        Charset::Iso8859_2 => Base(encoding_rs::ISO_8859_2),
        Charset::Iso8859_3 => Base(encoding_rs::ISO_8859_3),
        Charset::Iso8859_4 => Base(encoding_rs::ISO_8859_4),
        Charset::Iso8859_5 => Base(encoding_rs::ISO_8859_5),
        Charset::Iso8859_6 => Base(encoding_rs::ISO_8859_6),
        Charset::Iso8859_7 => Base(encoding_rs::ISO_8859_7),
        Charset::Iso8859_8 => Base(encoding_rs::ISO_8859_8),
        Charset::Iso8859_9 => Base(encoding_rs::WINDOWS_1254),
        Charset::Iso8859_15 => Base(encoding_rs::ISO_8859_15),
        Charset::Other(Web(encoding)) => Base(encoding),
        _ => Base(encoding_rs::UTF_8),
    }
}
