//! How characters are laid out in bytes, as far as it matters for finding line ends and segment IDs.
//!
//! HL7 allows UTF-16, in which the bytes CR, LF, VT and FS are halves of other characters: everything that
//! splits a stream looks at code units, never at bytes alone.

/// The layout of characters in a piece of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// One byte or more a character, ASCII characters being themselves: UTF-8, 8859, GB 18030 …
    #[default]
    Bytes,
    /// UTF-16, low byte first. To be turned into UTF-8 before parsing.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// What the bytes at one place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// That many bytes of blank or framing.
    Bytes(usize),
    /// Text.
    Text,
    /// It takes more bytes to tell.
    Unclear,
}

impl Encoding {
    /// Bytes of one code unit.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// The code unit at a place, if the buffer holds it as a whole.
    pub(super) fn unit(self, bytes: &[u8], at: usize) -> Option<u16> {
        let first = *bytes.get(at)?;
        match self {
            Self::Bytes => Some(u16::from(first)),
            Self::Utf16Le => Some(u16::from_le_bytes([first, *bytes.get(at + 1)?])),
            Self::Utf16Be => Some(u16::from_be_bytes([first, *bytes.get(at + 1)?])),
        }
    }

    /// The start of a line as ASCII, other characters standing as 0xFF.
    pub(super) fn head<'h>(self, bytes: &[u8], at: usize, head: &'h mut [u8; HEAD]) -> &'h [u8] {
        let mut length = 0;
        while length < HEAD
            && let Some(unit) = self.unit(bytes, at + length * self.width())
        {
            head[length] = u8::try_from(unit).unwrap_or(0xFF);
            length += 1;
        }
        &head[..length]
    }

    /// Whether the bytes at a place are blank or framing; `last` says that no bytes follow the buffer.
    pub(super) fn framing(self, bytes: &[u8], at: usize, last: bool) -> Framing {
        let rest = &bytes[at..];
        if self == Self::Bytes {
            return match rest.first() {
                None => Framing::Unclear,
                Some(&byte) if is_framing(u16::from(byte)) => Framing::Bytes(1),
                Some(0xEF) if rest.starts_with(BOM) => Framing::Bytes(BOM.len()),
                Some(0xEF) if !last && BOM.starts_with(rest) => Framing::Unclear,
                Some(_) => Framing::Text,
            };
        }
        match self.unit(bytes, at) {
            None if !last => Framing::Unclear,
            Some(unit) if is_framing(unit) || unit == 0xFEFF => Framing::Bytes(2),
            _ => Framing::Text,
        }
    }
}

/// Units of a line that [`Encoding::head`] shows: as many as tell a header from text.
pub(super) const HEAD: usize = 8;

/// MLLP start block.
pub(super) const VT: u8 = 0x0B;
/// MLLP end block.
pub(super) const FS: u8 = 0x1C;

const BOM: &[u8] = b"\xEF\xBB\xBF";
const CONTROL_Z: u8 = 0x1A;

/// Units that stand between messages and mean nothing.
fn is_framing(unit: u16) -> bool {
    is_trailing(unit) || matches!(u8::try_from(unit), Ok(b' ' | b'\t' | 0x0C))
}

/// Units that are no part of a message even right behind its last character. Blanks there are.
pub(super) fn is_trailing(unit: u16) -> bool {
    matches!(u8::try_from(unit), Ok(0 | b'\n' | b'\r' | VT | FS | CONTROL_Z))
}
