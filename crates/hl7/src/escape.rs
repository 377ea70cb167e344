//! Escape sequences, both ways (HL7 v2.9.1 chapter 2, §2.7).
//!
//! They are decoded after splitting, value by value, together with the charset: the bytes of `\X..\` are bytes
//! of the message's charset, and `\C..\` and `\M..\` switch between charsets.
//!
//! | sequence | becomes |
//! |---|---|
//! | `\F\` `\S\` `\T\` `\R\` `\E\` `\P\` | the delimiter; `&` and `#` where the message declares none |
//! | `\Xhh…\` | the bytes, in the charset of the message |
//! | `\Cxxyy\` `\Mxxyyzz\` | a shift to another character set, for the bytes behind it |
//! | `\H\` `\N\` `\.br\` `\.sp3\` … `\Zxx\` | stays as sent |
//! | anything else | stays as sent, and is reported as malformed |

use memchr::memchr;

use crate::Delimiters;
use crate::charset::{Charset, HiddenBytes, written_shift};

/// What was odd about a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unescaped {
    /// The charset does not explain all bytes: those it does not were read as windows-1252.
    pub fallback: bool,
    /// An escape sequence is unfinished, malformed or a shift that cannot be followed, and stands as sent.
    pub malformed: bool,
}

/// Appends the text of a raw value.
///
/// ```
/// use hl7::{Delimiters, charset::Charset, escape::unescape};
/// let mut text = String::new();
/// let raw = b"Smith \\T\\ Sons\\.br\\caf\\XE9\\";
/// let odd = unescape(raw, &Delimiters::STANDARD, Charset::Iso8859_1, &mut text);
/// assert_eq!(text, "Smith & Sons\\.br\\café");
/// assert!(!odd.malformed && !odd.fallback);
/// ```
pub fn unescape(raw: &[u8], delimiters: &Delimiters, charset: Charset, out: &mut String) -> Unescaped {
    let Some(escape) = delimiters.escape.filter(|&escape| memchr(escape, raw).is_some()) else {
        return Unescaped { fallback: charset.decode_into(raw, out), malformed: false };
    };
    let value = Value { raw, escape, delimiters, charset };
    let mut found = Unescaped::default();
    let (mut has_bytes, mut has_shifts) = (false, false);
    value.each(|part| match part {
        Part::Bytes(_) => has_bytes = true,
        Part::Shift(..) => has_shifts = true,
        Part::Malformed(_) => found.malformed = true,
        Part::Text(_) | Part::Delimiter(_) => {}
    });
    if has_shifts && value.decode_shifted(out) {
        return found;
    }
    // What cannot be shifted to stays as sent.
    found.malformed |= has_shifts;
    // Characters of several bytes may be put together from bytes sent as such and others.
    if has_bytes && value.decode_whole(out) || value.decode_parts(charset, out, &mut found.fallback) {
        return found;
    }
    found.fallback = true;
    value.decode_parts(Charset::Windows1252, out, &mut found.fallback);
    found
}

/// Appends the raw value that stands for a text: delimiters, CR and LF become escape sequences.
///
/// In a message without an escape character there is no way to write them: they are written as they are.
///
/// ```
/// use hl7::{Delimiters, escape::escape};
/// let mut raw = Vec::new();
/// escape("R&D\r\\", &Delimiters::STANDARD, &mut raw);
/// assert_eq!(raw, b"R\\T\\D\\X0D\\\\E\\");
/// ```
pub fn escape(text: &str, delimiters: &Delimiters, out: &mut Vec<u8>) {
    let Some(escape) = delimiters.escape else {
        out.extend_from_slice(text.as_bytes());
        return;
    };
    for &byte in text.as_bytes() {
        let letter = match byte {
            b'\r' => &b"X0D"[..],
            b'\n' => b"X0A",
            _ if byte == escape => b"E",
            _ if byte == delimiters.field => b"F",
            _ if byte == delimiters.component => b"S",
            _ if byte == delimiters.repetition => b"R",
            _ if Some(byte) == delimiters.subcomponent => b"T",
            _ if Some(byte) == delimiters.truncation => b"P",
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.push(escape);
        out.extend_from_slice(letter);
        out.push(escape);
    }
}

/// A raw value that holds the escape character.
struct Value<'a> {
    raw: &'a [u8],
    escape: u8,
    delimiters: &'a Delimiters,
    charset: Charset,
}

/// A stretch of a value.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// Bytes that stand for themselves, among them sequences that stay as sent.
    Text(&'a [u8]),
    Delimiter(u8),
    /// The digits of one `\X..\` or of several in a row, with what is between them.
    Bytes(&'a [u8]),
    /// The sequence, and the bytes behind an ESC that it stands for.
    Shift(&'a [u8], [u8; 3], usize),
    /// The escape character that begins nothing.
    Malformed(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Gives all parts in order.
    fn each(&self, mut take: impl FnMut(Part<'a>)) {
        let mut hidden = HiddenBytes::new(self.charset, self.raw, None);
        let (mut text, mut position) = (0, 0);
        while let Some(at) = memchr(self.escape, &self.raw[position..]) {
            let start = position + at;
            position = start + 1;
            if hidden.covers(start) {
                continue;
            }
            let (part, length) = self.sequence(start);
            if let Part::Text(_) = part {
                position = start + length;
                continue;
            }
            if start > text {
                take(Part::Text(&self.raw[text..start]));
            }
            take(part);
            position = start + length;
            text = position;
        }
        if self.raw.len() > text {
            take(Part::Text(&self.raw[text..]));
        }
    }

    /// The escape sequence that begins at `start`, and how many bytes it takes.
    fn sequence(&self, start: usize) -> (Part<'a>, usize) {
        let rest = &self.raw[start..];
        let Some(end) = memchr(self.escape, &rest[1..]) else { return (Part::Malformed(&rest[..1]), 1) };
        let (name, sequence) = (&rest[1..1 + end], &rest[..end + 2]);
        let part = match *name {
            [b'F'] => Part::Delimiter(self.delimiters.field),
            [b'S'] => Part::Delimiter(self.delimiters.component),
            [b'T'] => Part::Delimiter(self.delimiters.subcomponent.unwrap_or(b'&')),
            [b'R'] => Part::Delimiter(self.delimiters.repetition),
            [b'E'] => Part::Delimiter(self.escape),
            [b'P'] => Part::Delimiter(self.delimiters.truncation.unwrap_or(b'#')),
            [b'X', ref digits @ ..] if are_bytes(digits) => return self.bytes(rest),
            [b'H' | b'N'] | [b'Z', _, ..] => Part::Text(sequence),
            [b'.', ref command @ ..] if is_formatting(command) => Part::Text(sequence),
            [b'C' | b'M', ..] => match written_shift(sequence) {
                Some((bytes, length)) => Part::Shift(sequence, bytes, length),
                None => Part::Malformed(&rest[..1]),
            },
            _ => Part::Malformed(&rest[..1]),
        };
        let length = if let Part::Malformed(_) = part { 1 } else { sequence.len() };
        (part, length)
    }

    /// As many `\X..\` in a row as there are: together they may make one character.
    fn bytes(&self, rest: &'a [u8]) -> (Part<'a>, usize) {
        let mut length = 0;
        while let [escape, b'X', more @ ..] = &rest[length..]
            && *escape == self.escape
            && let Some(end) = memchr(self.escape, more)
            && are_bytes(&more[..end])
        {
            length += end + 3;
        }
        (Part::Bytes(&rest[..length]), length)
    }

    /// Decodes the value with its shifts as ISO 2022 text; appends nothing if that cannot be done.
    fn decode_shifted(&self, out: &mut String) -> bool {
        let mut bytes = Vec::with_capacity(self.raw.len());
        self.each(|part| {
            if let Part::Shift(_, shift, length) = part {
                bytes.push(0x1B);
                bytes.extend_from_slice(&shift[..length]);
            } else {
                push_bytes(part, &mut bytes);
            }
        });
        self.charset.with_shifts().try_decode_into(&bytes, out)
    }

    /// Decodes all bytes of the value together; appends nothing if the charset does not explain them.
    fn decode_whole(&self, out: &mut String) -> bool {
        let mut bytes = Vec::with_capacity(self.raw.len());
        self.each(|part| push_bytes(part, &mut bytes));
        self.charset.try_decode_into(&bytes, out)
    }

    /// Decodes the value part by part. If the charset does not explain the text that was sent as such, appends
    /// nothing; bytes in hexadecimal fall back one by one, as most of those that do not fit are meant otherwise.
    fn decode_parts(&self, charset: Charset, out: &mut String, fallback: &mut bool) -> bool {
        let start = out.len();
        let mut explained = true;
        self.each(|part| match part {
            Part::Text(text) | Part::Shift(text, ..) | Part::Malformed(text) => {
                explained = explained && charset.try_decode_into(text, out);
            }
            Part::Delimiter(delimiter) => out.push(char::from(delimiter)),
            Part::Bytes(_) => {
                let mut bytes = Vec::new();
                push_bytes(part, &mut bytes);
                *fallback |= charset.decode_into(&bytes, out);
            }
        });
        if !explained {
            out.truncate(start);
        }
        explained
    }
}

/// Appends the bytes that a part stands for.
fn push_bytes(part: Part<'_>, bytes: &mut Vec<u8>) {
    match part {
        Part::Text(text) | Part::Shift(text, ..) | Part::Malformed(text) => bytes.extend_from_slice(text),
        Part::Delimiter(delimiter) => bytes.push(delimiter),
        Part::Bytes(sequences) => {
            // Neither the escape character nor X is a digit.
            let mut digits = sequences.iter().filter_map(|&byte| digit(byte));
            while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
                bytes.push(16 * high + low);
            }
        }
    }
}

fn are_bytes(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Whether a formatting command is one that §2.7.6 names, with a number or not.
fn is_formatting(command: &[u8]) -> bool {
    let Some((name, number)) = command.split_first_chunk::<2>() else { return false };
    let known = matches!(
        &name.map(|byte| byte.to_ascii_lowercase()),
        b"br" | b"sp" | b"in" | b"ti" | b"sk" | b"fi" | b"nf" | b"ce"
    );
    let digits = match number {
        [b'+' | b'-', digits @ ..] => digits,
        digits => digits,
    };
    known && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
}

#[cfg(test)]
mod tests;
