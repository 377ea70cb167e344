//! The texts of the second opinion: delimiters, escape sequences and characters, as far as they need no tables.

use std::borrow::Cow;

/// What of the bytes can be read without tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Utf8,
    Latin1,
    /// Only values of ASCII alone.
    AsciiParts,
    /// Not even the delimiters: they may be halves of characters.
    Nothing,
}

/// The characters that split, as MSH declares them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delimiters {
    pub(super) field: u8,
    pub(super) component: u8,
    pub(super) repetition: u8,
    pub(super) escape: Option<u8>,
    pub(super) subcomponent: Option<u8>,
    truncation: Option<u8>,
}

impl Reading {
    /// How a message is read whose row names `charset`.
    pub(super) fn of(bytes: &[u8], charset: &str) -> Self {
        let is_utf16 = bytes.starts_with(&[0xFF, 0xFE])
            || bytes.starts_with(&[0xFE, 0xFF])
            || bytes[..bytes.len().min(4)].contains(&0);
        if is_utf16 || bytes.contains(&0x1B) {
            return Self::Nothing;
        }
        if bytes.is_ascii() || charset == "UNICODE UTF-8" && str::from_utf8(bytes).is_ok() {
            return Self::Utf8;
        }
        let is_latin1 = charset == "8859/1" && !bytes.iter().any(|byte| (0x80..0xA0).contains(byte));
        match charset {
            _ if is_latin1 => Self::Latin1,
            "ASCII" | "UNICODE UTF-8" | "8859/1" | "8859/2" | "8859/15" | "windows-1252" => Self::AsciiParts,
            _ => Self::Nothing,
        }
    }
}

impl Delimiters {
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let can_delimit = |byte: u8| byte.is_ascii_punctuation() && byte != b'"';
        let field = body.get(3).copied().filter(|&byte| can_delimit(byte))?;
        let declared = body[4..].split(|&byte| byte == field || byte == b'\r' || byte == b'\n').next()?;
        let declared = if declared.is_empty() { br"^~\&" } else { declared };
        let nth = |at: usize| declared.get(at).copied().filter(|&byte| byte != field && can_delimit(byte));
        Some(Self {
            field,
            component: nth(0).unwrap_or(b'^'),
            repetition: nth(1).unwrap_or(b'~'),
            escape: nth(2),
            subcomponent: nth(3),
            truncation: nth(4),
        })
    }

    /// The text of a value, if it can be read.
    pub(super) fn text<'m>(&self, raw: &'m [u8], reading: Reading) -> Option<Cow<'m, str>> {
        let text = match reading {
            Reading::Utf8 => Cow::Borrowed(str::from_utf8(raw).ok()?),
            Reading::Latin1 => raw.iter().copied().map(char::from).collect::<String>().into(),
            Reading::AsciiParts if raw.is_ascii() => Cow::Borrowed(str::from_utf8(raw).ok()?),
            Reading::AsciiParts | Reading::Nothing => return None,
        };
        match self.escape {
            Some(escape) if raw.contains(&escape) => self.unescaped(&text).map(Cow::Owned),
            _ => Some(text),
        }
    }

    /// The text without its escape sequences; nothing if one of them needs more than this knows.
    fn unescaped(&self, text: &str) -> Option<String> {
        let escape = char::from(self.escape?);
        let mut plain = String::with_capacity(text.len());
        let mut parts = text.split(escape);
        plain.push_str(parts.next()?);
        while let Some(name) = parts.next() {
            let behind = parts.next()?;
            let one = |byte: u8| Some(char::from(byte));
            let character = match name {
                "F" => one(self.field),
                "S" => one(self.component),
                "T" => one(self.subcomponent.unwrap_or(b'&')),
                "R" => one(self.repetition),
                "E" => one(self.escape?),
                "P" => one(self.truncation.unwrap_or(b'#')),
                "H" | "N" | ".br" | ".sp" | ".fi" | ".nf" | ".ce" => None,
                // A byte of ASCII is the same character in every set that is read here.
                _ => match name.strip_prefix('X').map(|digits| u8::from_str_radix(digits, 16)) {
                    Some(Ok(byte)) if name.len() == 3 && byte.is_ascii() => one(byte),
                    _ => return None,
                },
            };
            match character {
                Some(character) => plain.push(character),
                None => plain.extend([escape.to_string().as_str(), name, escape.to_string().as_str()]),
            }
            plain.push_str(behind);
        }
        Some(plain)
    }
}
