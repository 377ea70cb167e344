//! The character sets of messages: what MSH-18 declares, what the bytes are, and their text.
//!
//! Bytes stay bytes until text is asked for; then they are decoded by the following rule, and whatever does
//! not fit is flagged, never replaced.
//!
//! The charset of a message ([`detect`]):
//! 1. A message of ASCII alone is in the charset it declares, or in ASCII. One that shifts to double-byte
//!    characters by escape sequences (ESC `$` …) is in ISO 2022, declared or not.
//! 2. Declared otherwise, but valid UTF-8: UTF-8, once that can be no coincidence (one character of several
//!    bytes where ASCII, 8859/1, 8859/15 or windows-1252 is declared; four elsewhere).
//! 3. The declared charset (else the feed's default) if it explains every byte.
//! 4. UTF-8 if the bytes are valid UTF-8.
//! 5. The declared charset (else the default, else UTF-8) if it explains nine tenths of what is not ASCII; for
//!    UTF-8, if it explains any of it; for ISO 2022, if there is a shift.
//! 6. windows-1252, in which every byte is a character, so that the bytes can be had back from the text.
//!
//! Steps 2, 4, 5 and 6 give a warning. A single value that the charset of its message does not explain is
//! decoded as windows-1252 as a whole and flagged ([`Decoded::fallback`]).
//!
//! A message that is UTF-16 as a whole is turned into UTF-8 first ([`utf16_to_utf8`]), so that the codes for
//! UTF-16 and UTF-32 in MSH-18 mean UTF-8 here.

mod decode;
mod detect;
mod hidden;
mod iso2022;
mod names;
mod utf16;

pub use decode::Decoded;
pub use detect::{CharsetWarning, Detection, detect};
pub use hidden::HiddenBytes;
pub use utf16::{Utf8, utf16_to_utf8};

pub(crate) use detect::declared;
pub(crate) use hidden::written_shift;

/// A character set that messages are sent in (HL7 table 0211 and what senders use besides).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Charset {
    /// Seven bits.
    Ascii,
    /// UTF-8, also for messages that were UTF-16.
    Utf8,
    /// 8859/1, Western Europe.
    Iso8859_1,
    /// 8859/2, Central Europe.
    Iso8859_2,
    /// 8859/3, Southern Europe.
    Iso8859_3,
    /// 8859/4, Northern Europe.
    Iso8859_4,
    /// 8859/5, Cyrillic.
    Iso8859_5,
    /// 8859/6, Arabic.
    Iso8859_6,
    /// 8859/7, Greek.
    Iso8859_7,
    /// 8859/8, Hebrew.
    Iso8859_8,
    /// 8859/9, Turkish.
    Iso8859_9,
    /// 8859/15, Western Europe with the euro sign.
    Iso8859_15,
    /// The Western European Windows code page; every byte has a character.
    Windows1252,
    /// Several sets switched by ISO 2022 escape sequences: JIS X 0201 (ISO IR14), JIS X 0208 (ISO IR87),
    /// JIS X 0212 (ISO IR159), and others that senders shift to. Holds what the bytes are before any shift.
    Iso2022(Base),
    /// Japanese, as on Windows.
    ShiftJis,
    /// Japanese, as on Unix.
    EucJp,
    /// GB 18030-2000, simplified Chinese; GB 2312 and GBK are part of it.
    Gb18030,
    /// BIG-5, traditional Chinese.
    Big5,
    /// KS X 1001, Korean.
    KsX1001,
    /// CNS 11643-1992, traditional Chinese. It is recognised, but there is no table to decode it with.
    Cns11643,
    /// Another charset of the web (WHATWG encoding standard), such as windows-1250.
    Other(Web),
}

/// What bytes above 0x7F are in an ISO 2022 message that has not designated a set for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Base(&'static encoding_rs::Encoding);

/// A charset that has no HL7 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Web(&'static encoding_rs::Encoding);

impl Charset {
    /// UTF-8, and so ASCII, before any shift.
    pub(crate) const BASE: Base = Base(encoding_rs::UTF_8);

    /// Reads one repetition of MSH-18 or the name in a feed's settings, with the usual misspellings; `None`
    /// if no such charset is known.
    ///
    /// ```
    /// use hl7::charset::Charset;
    /// assert_eq!(Charset::from_name(b"UNICODE UTF-8"), Some(Charset::Utf8));
    /// assert_eq!(Charset::from_name(b"iso-8859-1"), Some(Charset::Iso8859_1));
    /// assert_eq!(Charset::from_name(b"ISO IR 999"), None);
    /// ```
    pub fn from_name(name: &[u8]) -> Option<Self> {
        names::charset(name)
    }

    /// The code in HL7 table 0211, or the name on the web for those that the table lacks.
    pub fn name(self) -> &'static str {
        names::name(self)
    }

    /// Whether bytes that are delimiters by value may be parts of characters, so that a parser has to ask
    /// [`HiddenBytes`].
    pub fn hides_delimiters(self) -> bool {
        hidden::hides_delimiters(self)
    }

    /// The charset with ISO 2022 shifts to others allowed.
    pub(crate) fn with_shifts(self) -> Self {
        Self::Iso2022(detect::unshifted(self))
    }

    /// The text of some bytes of a message; `out` is where it is made if it has to be.
    ///
    /// ```
    /// use hl7::charset::Charset;
    /// let mut out = String::new();
    /// assert_eq!(Charset::Iso8859_1.decode(b"M\xFCller", &mut out).text, "Müller");
    /// let decoded = Charset::Utf8.decode(b"M\xFCller", &mut out);
    /// assert_eq!((decoded.text, decoded.fallback), ("Müller", true));
    /// ```
    pub fn decode<'a>(self, bytes: &'a [u8], out: &'a mut String) -> Decoded<'a> {
        if let Some(text) = decode::as_it_stands(self, bytes) {
            return Decoded { text, fallback: false };
        }
        out.clear();
        let fallback = self.decode_into(bytes, out);
        Decoded { text: out, fallback }
    }

    /// Appends the text of some bytes of a message; says whether they had to be read as windows-1252.
    pub fn decode_into(self, bytes: &[u8], out: &mut String) -> bool {
        if self.try_decode_into(bytes, out) {
            return false;
        }
        decode::windows_1252(bytes, out);
        true
    }

    /// Appends the text of some bytes if the charset explains them all; otherwise leaves `out` as it was.
    pub fn try_decode_into(self, bytes: &[u8], out: &mut String) -> bool {
        decode::decode(self, bytes, out)
    }

    /// Appends the bytes of a text, the way back from [`Charset::decode`]; or, if the charset lacks one of
    /// its characters, leaves `out` as it was and says `false`. ISO 2022 messages take ASCII only.
    pub fn encode_into(self, text: &str, out: &mut Vec<u8>) -> bool {
        decode::encode(self, text, out)
    }
}

#[cfg(test)]
mod tests;
