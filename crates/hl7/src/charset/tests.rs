use super::*;
use crate::stream::Encoding;

fn text(charset: &str, bytes: &[u8]) -> String {
    let charset = Charset::from_name(charset.as_bytes()).unwrap();
    let mut out = String::from("left over");
    let decoded = charset.decode(bytes, &mut out);
    assert!(!decoded.fallback, "{charset:?} does not explain {}", bytes.escape_ascii());
    decoded.text.to_owned()
}

#[test]
fn every_code_of_table_0211_is_known() {
    for (code, expected) in [
        ("ASCII", Charset::Ascii),
        ("ISO IR6", Charset::Ascii),
        ("8859/1", Charset::Iso8859_1),
        ("8859/2", Charset::Iso8859_2),
        ("8859/3", Charset::Iso8859_3),
        ("8859/4", Charset::Iso8859_4),
        ("8859/5", Charset::Iso8859_5),
        ("8859/6", Charset::Iso8859_6),
        ("8859/7", Charset::Iso8859_7),
        ("8859/8", Charset::Iso8859_8),
        ("8859/9", Charset::Iso8859_9),
        ("8859/15", Charset::Iso8859_15),
        ("ISO IR14", names::ISO_2022),
        ("ISO IR87", names::ISO_2022),
        ("ISO IR159", names::ISO_2022),
        ("JAS2020", names::ISO_2022),
        ("JIS X 0202", names::ISO_2022),
        ("GB 18030-2000", Charset::Gb18030),
        ("KS X 1001", Charset::KsX1001),
        ("CNS 11643-1992", Charset::Cns11643),
        ("BIG-5", Charset::Big5),
        ("UNICODE", Charset::Utf8),
        ("UNICODE UTF-8", Charset::Utf8),
        ("UNICODE UTF-16", Charset::Utf8),
        ("UNICODE UTF-32", Charset::Utf8),
    ] {
        assert_eq!(Charset::from_name(code.as_bytes()), Some(expected), "{code}");
        assert_eq!(Charset::from_name(code.to_lowercase().as_bytes()), Some(expected), "{code}");
        assert_eq!(Charset::from_name(expected.name().as_bytes()), Some(expected), "{code}");
    }
}

#[test]
fn misspellings_are_known_and_other_words_are_not() {
    for (code, expected) in [
        ("UTF-8", Charset::Utf8),
        (" utf8 ", Charset::Utf8),
        ("UTF_8", Charset::Utf8),
        ("ISO_IR 192", Charset::Utf8),
        ("ISO-8859-1", Charset::Iso8859_1),
        ("ISO8859-1", Charset::Iso8859_1),
        ("ISO_8859-1:1987", Charset::Iso8859_1),
        ("8859-1", Charset::Iso8859_1),
        ("88591", Charset::Iso8859_1),
        ("LATIN1", Charset::Iso8859_1),
        ("ISO_IR 100", Charset::Iso8859_1),
        ("ISO 2022 IR 100", Charset::Iso8859_1),
        ("WINDOWS-1252", Charset::Windows1252),
        ("CP1252", Charset::Windows1252),
        ("GBK", Charset::Gb18030),
        ("GB2312", Charset::Gb18030),
        ("SHIFT_JIS", Charset::ShiftJis),
        ("ISO-2022-JP", names::ISO_2022),
        ("ISO 2022 IR 87", names::ISO_2022),
        ("euc-kr", Charset::KsX1001),
        ("windows-1251", Charset::Other(Web(encoding_rs::WINDOWS_1251))),
        ("koi8-r", Charset::Other(Web(encoding_rs::KOI8_R))),
    ] {
        assert_eq!(Charset::from_name(code.as_bytes()), Some(expected), "{code}");
    }
    for code in [
        "",
        "  ",
        "8859",
        "8859/77",
        "ISO IR999",
        "PRELIM",
        "20230615",
        "replacement",
        "x-user-defined",
        "~~~",
    ] {
        assert_eq!(Charset::from_name(code.as_bytes()), None, "{code}");
    }
}

#[test]
fn single_byte_charsets() {
    assert_eq!(text("8859/1", b"\xC4rztin"), "Ärztin");
    assert_eq!(text("8859/2", b"\xA3\xF3d\xBC"), "Łódź");
    assert_eq!(text("8859/5", b"\xB8\xD2\xD0\xDD"), "Иван");
    assert_eq!(text("8859/6", b"\xE5"), "م");
    assert_eq!(text("8859/7", b"\xE1"), "α");
    assert_eq!(text("8859/8", b"\xF9"), "ש");
    assert_eq!(text("8859/9", b"\xFE"), "ş");
    assert_eq!(text("8859/15", b"\xA4"), "€");
    assert_eq!(text("windows-1252", b"\x80\x92"), "€’");
}

#[test]
fn double_byte_charsets() {
    assert_eq!(text("GB 18030-2000", b"\xD5\xC5\xCE\xB0 \x81\x30\x81\x30"), "张伟 \u{80}");
    assert_eq!(text("BIG-5", b"\xA4\xFD\xA5\x5C"), "王功");
    assert_eq!(text("KS X 1001", b"\xB1\xE8"), "김");
    assert_eq!(text("SHIFT_JIS", b"\x83\x5C\xB1"), "ソｱ");
    assert_eq!(text("EUC-JP", b"\xBB\xB3"), "山");
}

#[test]
fn iso_2022_switches_between_sets() {
    let code = "ISO IR87";
    assert_eq!(text(code, b"YAMADA^TARO"), "YAMADA^TARO");
    assert_eq!(text(code, b"\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(J\\~"), "山田^太郎¥‾");
    assert_eq!(text(code, b"\x1B$(D0!\x1B(B"), "丂");
    assert_eq!(text(code, b"\x1B(I1\x1B(B1"), "ｱ1");
    assert_eq!(text(code, b"\x1B$(C1h\x1B(B1h"), "김1h");
    assert_eq!(text(code, b"\x1B$)C\x0E1h\x0F1h\xB1\xE8"), "김1h김");
    assert_eq!(text(code, b"\x1B-F\xE1\x1B-L\xB8"), "αИ");
    assert_eq!(text(code, "ä".as_bytes()), "ä");
    assert_eq!(text("ISO IR13", b"\xB1"), "ｱ");
    let mut out = String::new();
    for malformed in
        [&b"\x1B$B;"[..], b"\x1B$B;3E", b"\x1B%G", b"\x1B", b"\x1B$B\xFF\xFF", b"\x0Ea", b"\x1B(I\x7E"]
    {
        let decoded = names::ISO_2022.decode(malformed, &mut out);
        assert!(decoded.fallback, "{}", malformed.escape_ascii());
        assert_eq!(decoded.text.chars().count(), malformed.len());
    }
}

#[test]
fn what_a_charset_does_not_explain_becomes_windows_1252_and_is_flagged() {
    let mut out = String::new();
    for charset in [
        Charset::Ascii,
        Charset::Utf8,
        Charset::Iso8859_6,
        Charset::Big5,
        Charset::KsX1001,
        Charset::Cns11643,
    ] {
        let bytes = b"caf\xE9 \xFF";
        let decoded = charset.decode(bytes, &mut out);
        assert_eq!((decoded.text, decoded.fallback), ("café ÿ", true), "{charset:?}");
    }
    let decoded = Charset::Iso8859_1.decode(b"it\x92s", &mut out);
    assert_eq!((decoded.text, decoded.fallback), ("it’s", true));
    let all: Vec<u8> = (0..=255).collect();
    let text = Charset::Ascii.decode(&all, &mut out).text.to_owned();
    let mut back = Vec::new();
    assert!(Charset::Windows1252.encode_into(&text, &mut back));
    assert_eq!(back, all);
}

#[test]
fn text_becomes_bytes_again() {
    for charset in ["UTF-8", "8859/2", "GB 18030-2000", "BIG-5", "SHIFT_JIS", "KS X 1001", "windows-1250"] {
        let charset = Charset::from_name(charset.as_bytes()).unwrap();
        let mut bytes = b"before ".to_vec();
        let is_latin = matches!(charset, Charset::Utf8 | Charset::Iso8859_2 | Charset::Other(_));
        let sample = if is_latin { "Łódź" } else { "一二" };
        let sample = if charset == Charset::KsX1001 { "김" } else { sample };
        assert!(charset.encode_into(sample, &mut bytes), "{charset:?}");
        assert_eq!(charset.decode(&bytes[7..], &mut String::new()).text, sample);
    }
    let mut bytes = Vec::new();
    assert!(!Charset::Ascii.encode_into("é", &mut bytes));
    assert!(!Charset::Iso8859_1.encode_into("€", &mut bytes));
    assert!(!Charset::Iso8859_5.encode_into("é", &mut bytes));
    assert!(bytes.is_empty());
}

#[test]
fn detection() {
    use CharsetWarning::{Undeclared, Unknown, Wrong};
    let iso_2022 = names::ISO_2022;
    let gbk = b"\xD5\xC5\xCE\xB0\xD5\xC5\xCE\xB0\xD5\xC5\xCE\xB0";
    let one_in_ten = [&gbk[..], b"\xFF|"].concat();
    for (declared, bytes, charset, warning) in [
        // ASCII is what it is declared as.
        (&b""[..], &b"plain"[..], Charset::Ascii, None),
        (b"8859/1", b"plain", Charset::Iso8859_1, None),
        (b"PRELIM", b"plain", Charset::Ascii, Some(Unknown)),
        (b"", b"\x1B$B;3ED\x1B(B", iso_2022, Some(Undeclared)),
        (b"ASCII", b"\x1B$B;3ED\x1B(B", iso_2022, Some(Wrong)),
        (b"~ISO IR87", b"\x1B$B;3ED\x1B(B", iso_2022, None),
        (b"ISO IR6~ISO IR14~ISO IR87", b"plain", iso_2022, None),
        (b"ISO IR87", b"\x1B$B;3E|\x1B(B", iso_2022, None),
        (b"ISO IR87", b"\x1B$B;3E\x1B(B", iso_2022, Some(Wrong)),
        // Declared and clean.
        (b"8859/1", b"M\xFCller", Charset::Iso8859_1, None),
        (b"8859/1^x", b"M\xFCller", Charset::Iso8859_1, None),
        (b"UNICODE UTF-8", "Müller".as_bytes(), Charset::Utf8, None),
        (b"UTF-8~UNICODE", "Müller".as_bytes(), Charset::Utf8, None),
        (b"GB 18030-2000", gbk, Charset::Gb18030, None),
        // UTF-8 that is declared as something else.
        (b"", "Müller".as_bytes(), Charset::Utf8, Some(Undeclared)),
        (b"ASCII", "Müller".as_bytes(), Charset::Utf8, Some(Wrong)),
        (b"8859/1", "Müller".as_bytes(), Charset::Utf8, Some(Wrong)),
        (b"GB 18030-2000", "张伟张伟".as_bytes(), Charset::Utf8, Some(Wrong)),
        (b"8859/5", b"\xC2\xBF", Charset::Iso8859_5, None),
        (b"GGGG7", "Müller".as_bytes(), Charset::Utf8, Some(Unknown)),
        // Not UTF-8.
        (b"", b"M\xFCller", Charset::Windows1252, Some(Undeclared)),
        (b"ASCII", b"M\xFCller", Charset::Windows1252, Some(Wrong)),
        (b"UNICODE UTF-8", b"M\xFCller", Charset::Windows1252, Some(Wrong)),
        (b"UNICODE UTF-8", b"M\xC3\xBCller|M\xFCller", Charset::Utf8, Some(Wrong)),
        (b"", b"M\xC3\xBCller|M\xFCller", Charset::Utf8, Some(Undeclared)),
        (b"8859/1", b"it\x92s", Charset::Windows1252, Some(Wrong)),
        (b"BIG-5", b"\xFF\xFF|\xFC", Charset::Windows1252, Some(Wrong)),
        (b"GB 18030-2000", &one_in_ten, Charset::Windows1252, Some(Wrong)),
        (b"GB 18030-2000", &[&one_in_ten[..], gbk].concat(), Charset::Gb18030, Some(Wrong)),
        (b"CNS 11643-1992", b"\xFF\xFC", Charset::Windows1252, Some(Wrong)),
    ] {
        let found = detect(declared, bytes, None);
        let expected = Detection { charset, warning };
        assert_eq!(found, expected, "{} in {}", declared.escape_ascii(), bytes.escape_ascii());
    }
    let found = detect(b"", b"M\xFCller", Some(Charset::Iso8859_1));
    assert_eq!(found, Detection { charset: Charset::Iso8859_1, warning: None });
    let found = detect(b"", "Müller".as_bytes(), Some(Charset::Iso8859_1));
    assert_eq!(found, Detection { charset: Charset::Utf8, warning: Some(Undeclared) });
    assert_eq!(detect(b"8859/2~ISO IR87", b"\xA3\x1B$B;3\x1B(B", None).warning, None);
}

#[test]
fn hidden_bytes() {
    let hidden = |charset: Charset, bytes: &'static [u8]| {
        let spans = HiddenBytes::new(charset, bytes, Some(b'\\'));
        spans.map(|range| bytes[range].escape_ascii().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(hidden(Charset::ShiftJis, b"\x83\x5C|\xB1|\x83|\x83\x83\x7C"), ["\\\\", "|"]);
    assert_eq!(hidden(Charset::ShiftJis, b"\x83\r|"), [""; 0]);
    assert_eq!(hidden(Charset::Big5, b"\xA5\x5C\xA4\xFD|"), ["\\\\"]);
    assert_eq!(hidden(Charset::Gb18030, b"\x81\x30\x81\x30\x81\x7C|\x81\xFE|"), ["|"]);
    assert_eq!(hidden(Charset::Iso8859_1, b"\x83\x5C|"), [""; 0]);
    let japanese = names::ISO_2022;
    assert_eq!(hidden(japanese, b"A|\x1B$B^|~&\x1B(B|\x1B$B^|"), ["\\x1b$B^|~&\\x1b(B", "\\x1b$B^|"]);
    assert_eq!(hidden(japanese, b"\x1B$B^|\rPID|"), ["\\x1b$B^|"]);
    assert_eq!(hidden(japanese, b"\x1B$B^|\x1B$(D^|\x1B(J|"), ["\\x1b$B^|\\x1b$(D^|\\x1b(J"]);
    assert_eq!(hidden(japanese, b"\x1B$)C\x0E^|\x0F|"), ["\\x1b$)C", "\\x0e^|\\x0f"]);
    assert_eq!(hidden(japanese, b"\\M2442\\^|\\\\\\C2842\\|"), ["\\\\M2442\\\\^|\\\\\\\\\\\\C2842\\\\"]);
    assert_eq!(hidden(japanese, b"\x0E^|\x0F\\F\\\\M99\\"), [""; 0]);
    let mut spans = HiddenBytes::new(Charset::Big5, b"\xA5\x5C|\xA5\x5C", None);
    assert_eq!([0, 1, 1, 2, 4, 9].map(|at| spans.covers(at)), [false, true, true, false, true, false]);
}

#[test]
fn half_characters_of_utf_16_are_counted() {
    let utf8 = utf16_to_utf8(b"a\0\x00\xD8b\0c", Encoding::Utf16Le).unwrap();
    assert_eq!((utf8.text.as_str(), utf8.replaced), ("a\u{FFFD}b\u{FFFD}", 2));
    assert_eq!(utf16_to_utf8(b"\xD8\x34\xDD\x1E", Encoding::Utf16Be).unwrap().text, "𝄞");
    assert_eq!(utf16_to_utf8(b"abc", Encoding::Bytes), None);
}
