//! The names of charsets: HL7 table 0211, DICOM, the web, and the ways senders misspell them.

use encoding_rs::Encoding;

use super::{Base, Charset, Web};

/// The charset of one name.
pub(super) fn charset(name: &[u8]) -> Option<Charset> {
    let mut buffer = [0; 24];
    let plain = plain(name, &mut buffer)?;
    if let Some(&(_, charset)) = PLAIN.iter().find(|(known, _)| known.as_bytes() == plain) {
        return Some(charset);
    }
    // "8859/1", "ISO 8859-1", "ISO_8859-1:1987", "8859-1".
    let part = plain.strip_prefix(b"ISO").unwrap_or(plain).strip_prefix(b"8859");
    if let Some(part) = part {
        let part = part.strip_suffix(b"1987").unwrap_or(part);
        return PARTS.iter().find(|(known, _)| known.as_bytes() == part).map(|&(_, charset)| charset);
    }
    // "ISO IR87", "ISO_IR 100", "ISO 2022 IR 87" (DICOM).
    let registered = plain.strip_prefix(b"ISO").unwrap_or(plain);
    let registered = registered.strip_prefix(b"2022").unwrap_or(registered);
    if let Some(number) = registered.strip_prefix(b"IR") {
        return REGISTERED.iter().find(|(known, _)| known.as_bytes() == number).map(|&(_, charset)| charset);
    }
    Encoding::for_label(name).and_then(on_the_web)
}

/// The code of table 0211, or what the web calls it.
pub(super) fn name(charset: Charset) -> &'static str {
    match charset {
        Charset::Ascii => "ASCII",
        Charset::Utf8 => "UNICODE UTF-8",
        Charset::Iso8859_1 => "8859/1",
        Charset::Iso8859_2 => "8859/2",
        Charset::Iso8859_3 => "8859/3",
        Charset::Iso8859_4 => "8859/4",
        Charset::Iso8859_5 => "8859/5",
        Charset::Iso8859_6 => "8859/6",
        Charset::Iso8859_7 => "8859/7",
        Charset::Iso8859_8 => "8859/8",
        Charset::Iso8859_9 => "8859/9",
        Charset::Iso8859_15 => "8859/15",
        Charset::Windows1252 => "windows-1252",
        Charset::Iso2022(_) => "ISO IR87",
        Charset::ShiftJis => "Shift_JIS",
        Charset::EucJp => "EUC-JP",
        Charset::Gb18030 => "GB 18030-2000",
        Charset::Big5 => "BIG-5",
        Charset::KsX1001 => "KS X 1001",
        Charset::Cns11643 => "CNS 11643-1992",
        Charset::Other(Web(encoding)) => encoding.name(),
    }
}

/// Letters and digits alone, in capitals; `None` if the name is longer than any.
fn plain<'b>(name: &[u8], buffer: &'b mut [u8; 24]) -> Option<&'b [u8]> {
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        *buffer.get_mut(length)? = byte.to_ascii_uppercase();
        length += 1;
    }
    (length > 0).then_some(&buffer[..length])
}

fn on_the_web(encoding: &'static Encoding) -> Option<Charset> {
    // Not charsets, or handled before.
    if !encoding.is_ascii_compatible() || encoding == encoding_rs::X_USER_DEFINED {
        return None;
    }
    Some(Charset::Other(Web(encoding)))
}

pub(super) const ISO_2022: Charset = Charset::Iso2022(Charset::BASE);

const PLAIN: &[(&str, Charset)] = &[
    ("ASCII", Charset::Ascii),
    ("USASCII", Charset::Ascii),
    ("ISO646", Charset::Ascii),
    ("UTF8", Charset::Utf8),
    ("UNICODE", Charset::Utf8),
    ("UNICODEUTF8", Charset::Utf8),
    ("UNICODEUTF16", Charset::Utf8),
    ("UNICODEUTF32", Charset::Utf8),
    ("ISO10646", Charset::Utf8),
    ("UTF16", Charset::Utf8),
    ("UTF16LE", Charset::Utf8),
    ("UTF16BE", Charset::Utf8),
    ("UTF32", Charset::Utf8),
    ("UCS2", Charset::Utf8),
    ("LATIN1", Charset::Iso8859_1),
    ("LATIN2", Charset::Iso8859_2),
    ("LATIN3", Charset::Iso8859_3),
    ("LATIN4", Charset::Iso8859_4),
    ("CYRILLIC", Charset::Iso8859_5),
    ("ARABIC", Charset::Iso8859_6),
    ("GREEK", Charset::Iso8859_7),
    ("HEBREW", Charset::Iso8859_8),
    ("LATIN5", Charset::Iso8859_9),
    ("LATIN9", Charset::Iso8859_15),
    ("WINDOWS1252", Charset::Windows1252),
    ("WINDOWS28591", Charset::Iso8859_1),
    ("CP1252", Charset::Windows1252),
    ("ANSI", Charset::Windows1252),
    ("ISO2022JP", ISO_2022),
    ("ISO2022JP1", ISO_2022),
    ("ISO2022JP2", ISO_2022),
    ("ISO2022KR", ISO_2022),
    ("JIS", ISO_2022),
    ("JAS2020", ISO_2022),
    ("JISX0202", ISO_2022),
    ("JISX0201", ISO_2022),
    ("JISX0208", ISO_2022),
    ("JISX0212", ISO_2022),
    ("SHIFTJIS", Charset::ShiftJis),
    ("SJIS", Charset::ShiftJis),
    ("WINDOWS31J", Charset::ShiftJis),
    ("CP932", Charset::ShiftJis),
    ("MS932", Charset::ShiftJis),
    ("EUCJP", Charset::EucJp),
    ("GB180302000", Charset::Gb18030),
    ("GB18030", Charset::Gb18030),
    ("GBK", Charset::Gb18030),
    ("GB2312", Charset::Gb18030),
    ("CP936", Charset::Gb18030),
    ("BIG5", Charset::Big5),
    ("CP950", Charset::Big5),
    ("KSX1001", Charset::KsX1001),
    ("KSC5601", Charset::KsX1001),
    ("EUCKR", Charset::KsX1001),
    ("CP949", Charset::KsX1001),
    ("CNS116431992", Charset::Cns11643),
    ("CNS11643", Charset::Cns11643),
    ("EUCTW", Charset::Cns11643),
];

/// Parts of ISO 8859.
const PARTS: &[(&str, Charset)] = &[
    ("1", Charset::Iso8859_1),
    ("2", Charset::Iso8859_2),
    ("3", Charset::Iso8859_3),
    ("4", Charset::Iso8859_4),
    ("5", Charset::Iso8859_5),
    ("6", Charset::Iso8859_6),
    ("7", Charset::Iso8859_7),
    ("8", Charset::Iso8859_8),
    ("9", Charset::Iso8859_9),
    ("10", Charset::Other(Web(encoding_rs::ISO_8859_10))),
    ("11", Charset::Other(Web(encoding_rs::WINDOWS_874))),
    ("13", Charset::Other(Web(encoding_rs::ISO_8859_13))),
    ("14", Charset::Other(Web(encoding_rs::ISO_8859_14))),
    ("15", Charset::Iso8859_15),
    ("16", Charset::Other(Web(encoding_rs::ISO_8859_16))),
];

/// Numbers in the ISO international register of coded character sets.
const REGISTERED: &[(&str, Charset)] = &[
    ("6", Charset::Ascii),
    ("13", Charset::Iso2022(Base(encoding_rs::SHIFT_JIS))),
    ("14", ISO_2022),
    ("87", ISO_2022),
    ("159", ISO_2022),
    ("58", Charset::Gb18030),
    ("100", Charset::Iso8859_1),
    ("101", Charset::Iso8859_2),
    ("109", Charset::Iso8859_3),
    ("110", Charset::Iso8859_4),
    ("144", Charset::Iso8859_5),
    ("127", Charset::Iso8859_6),
    ("126", Charset::Iso8859_7),
    ("138", Charset::Iso8859_8),
    ("148", Charset::Iso8859_9),
    ("149", Charset::KsX1001),
    ("166", Charset::Other(Web(encoding_rs::WINDOWS_874))),
    ("192", Charset::Utf8),
    ("203", Charset::Iso8859_15),
];
