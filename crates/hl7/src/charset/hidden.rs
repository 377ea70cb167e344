//! Bytes that are delimiters by value but parts of characters in truth.
//!
//! In Shift JIS, BIG-5 and GB 18030 the second byte of a character may be `\`, `^`, `|`, `~` and others; in ISO
//! 2022 either byte of a double-byte character may be any of them. A parser must not split there.

use core::ops::Range;

use memchr::memchr3;

use super::Charset;
use super::iso2022::{ESC, SHIFT_IN, SHIFT_OUT, Set, Shift, is_shift, shift};

/// The ranges of a message that hide delimiters, in ascending order.
///
/// ```
/// use hl7::charset::{Charset, HiddenBytes};
/// let mut hidden = HiddenBytes::new(Charset::Big5, b"\xA5\x5C|\xA5\x7C|", None);
/// assert_eq!(hidden.clone().collect::<Vec<_>>(), [1..2, 4..5]);
/// let delimiters: Vec<_> = [1, 2, 4, 5].into_iter().filter(|&at| !hidden.covers(at)).collect();
/// assert_eq!(delimiters, [2, 5]);
/// ```
#[derive(Clone, Debug)]
pub struct HiddenBytes<'a> {
    kind: Kind,
    bytes: &'a [u8],
    escape: Option<u8>,
    /// Everything before has been looked at.
    position: usize,
    /// The range that [`HiddenBytes::covers`] is waiting at.
    current: Range<usize>,
    /// Whether SO has a double-byte set to shift to.
    high_is_double: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    ShiftJis,
    Big5,
    Gb18030,
    Iso2022,
}

/// Whether characters of the charset may have delimiters among their bytes.
pub(super) fn hides_delimiters(charset: Charset) -> bool {
    kind(charset) != Kind::Nothing
}

/// Whether a byte may be half of a double-byte character of ISO 2022.
fn is_half(byte: u8) -> bool {
    byte > b' ' && byte < 0x7F
}

fn kind(charset: Charset) -> Kind {
    match charset {
        Charset::ShiftJis => Kind::ShiftJis,
        Charset::Big5 => Kind::Big5,
        Charset::Gb18030 => Kind::Gb18030,
        Charset::Iso2022(_) => Kind::Iso2022,
        _ => Kind::Nothing,
    }
}

impl<'a> HiddenBytes<'a> {
    /// Looks through `bytes` as it is asked. With the escape character of the message, shifts that are written
    /// as `\Mxxyyzz\` and `\Cxxyy\` count in ISO 2022 messages as well.
    pub fn new(charset: Charset, bytes: &'a [u8], escape: Option<u8>) -> Self {
        Self { kind: kind(charset), bytes, escape, position: 0, current: 0..0, high_is_double: false }
    }

    /// Whether the byte at `position` is hidden. Positions must be asked for in ascending order.
    pub fn covers(&mut self, position: usize) -> bool {
        while self.current.end <= position {
            self.current = self.next().unwrap_or(usize::MAX..usize::MAX);
        }
        self.current.contains(&position)
    }

    /// The next second half of a character below 0x80.
    fn next_trail(&mut self) -> Option<Range<usize>> {
        while self.position < self.bytes.len() {
            let rest = &self.bytes[self.position..];
            let Some(lead) = rest.iter().position(|&byte| byte >= 0x80) else { break };
            let rest = &rest[lead..];
            let start = self.position + lead;
            let length = character_length(self.kind, rest);
            self.position = start + length;
            if length == 2 && rest[1] < 0x80 {
                return Some(start + 1..start + 2);
            }
        }
        self.position = self.bytes.len();
        None
    }

    /// The next range from a shift to double-byte characters to behind the shift back.
    fn next_shifted(&mut self) -> Option<Range<usize>> {
        let escape = self.escape.unwrap_or(ESC);
        while let Some(at) = memchr3(ESC, SHIFT_OUT, escape, &self.bytes[self.position..]) {
            let start = self.position + at;
            self.position = start + 1;
            let Some((is_double, length)) = self.shift_at(start) else { continue };
            self.position = start + length;
            if is_double {
                self.position = self.shifted_until(self.position);
            }
            // The sequence itself, which may hold delimiters too, unless it is written with them.
            if is_double || self.bytes[start] == ESC {
                return Some(start..self.position);
            }
        }
        self.position = self.bytes.len();
        None
    }

    /// Where double-byte characters that begin at `position` end: behind the next shift to single bytes, or
    /// before the line end, which ends every shift.
    fn shifted_until(&mut self, mut position: usize) -> usize {
        while let Some(&byte) = self.bytes.get(position) {
            if matches!(byte, b'\r' | b'\n') {
                return position;
            }
            position += match self.shift_at(position) {
                Some((false, length)) => return position + length,
                Some((true, length)) => length,
                None if is_half(byte) && self.bytes.get(position + 1).copied().is_some_and(is_half) => 2,
                None => 1,
            };
        }
        self.bytes.len()
    }

    /// A shift at a place: whether bytes below 0x80 are halves of characters behind it, and its length.
    fn shift_at(&mut self, position: usize) -> Option<(bool, usize)> {
        let rest = &self.bytes[position..];
        let (found, length) = match *rest.first()? {
            ESC => shift(&rest[1..]).map(|(found, length)| (found, 1 + length))?,
            SHIFT_OUT if self.high_is_double => return Some((true, 1)),
            SHIFT_IN if self.high_is_double => return Some((false, 1)),
            byte if Some(byte) == self.escape => {
                let (bytes, length) = written_shift(rest)?;
                let (found, _) = shift(&bytes[..length])?;
                (found, 3 + 2 * length)
            }
            _ => return None,
        };
        match found {
            Shift::Low(set) => Some((matches!(set, Set::Double { .. }), length)),
            Shift::High(set) => {
                self.high_is_double = matches!(set, Set::Double { .. });
                Some((false, length))
            }
        }
    }
}

impl Iterator for HiddenBytes<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        match self.kind {
            Kind::Nothing => None,
            Kind::ShiftJis | Kind::Big5 | Kind::Gb18030 => self.next_trail(),
            Kind::Iso2022 => self.next_shifted(),
        }
    }
}

/// Bytes of the character that `bytes` begins with; 1 for bytes that make none.
fn character_length(kind: Kind, bytes: &[u8]) -> usize {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or_default());
    let is_pair = match kind {
        Kind::ShiftJis => {
            matches!(lead, 0x81..=0x9F | 0xE0..=0xFC) && matches!(trail, 0x40..=0x7E | 0x80..=0xFC)
        }
        Kind::Big5 => matches!(lead, 0x81..=0xFE) && matches!(trail, 0x40..=0x7E | 0xA1..=0xFE),
        Kind::Gb18030 => matches!(lead, 0x81..=0xFE) && matches!(trail, 0x40..=0x7E | 0x80..=0xFE),
        Kind::Nothing | Kind::Iso2022 => false,
    };
    let is_four =
        kind == Kind::Gb18030 && matches!(bytes, [0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', ..]);
    if is_pair {
        2
    } else if is_four {
        4
    } else {
        1
    }
}

/// The bytes that a `\Cxxyy\` or `\Mxxyyzz\` escape sequence stands for, if `sequence` begins with one.
pub(crate) fn written_shift(sequence: &[u8]) -> Option<([u8; 3], usize)> {
    let (&escape, rest) = sequence.split_first()?;
    let (&letter, rest) = rest.split_first()?;
    let end = rest.iter().take(7).position(|&byte| byte == escape)?;
    let digits = &rest[..end];
    if !matches!((letter, end), (b'C', 4) | (b'M', 4 | 6)) {
        return None;
    }
    let mut bytes = [0; 3];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = 16 * hexadecimal(pair[0])? + hexadecimal(pair[1])?;
    }
    // A multi-byte shift may give a zero for the third byte.
    let length = if end == 6 && bytes[2] == 0 { 2 } else { end / 2 };
    is_shift(&bytes[..length]).then_some((bytes, length))
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
