use super::*;

fn unescaped(raw: &[u8], delimiters: &Delimiters, charset: Charset) -> (String, bool, bool) {
    let mut text = String::from("before|");
    let odd = unescape(raw, delimiters, charset, &mut text);
    (text.strip_prefix("before|").unwrap().to_owned(), odd.fallback, odd.malformed)
}

#[test]
fn delimiters_become_themselves() {
    let standard = Delimiters::STANDARD;
    let decoded = unescaped(b"\\F\\\\S\\\\T\\\\R\\\\E\\\\P\\", &standard, Charset::Utf8);
    assert_eq!(decoded, ("|^&~\\#".to_owned(), false, false));
    let custom = Delimiters {
        field: b'#',
        component: b'*',
        repetition: b'@',
        escape: Some(b'!'),
        subcomponent: Some(b'%'),
        truncation: Some(b'$'),
    };
    let decoded = unescaped(b"!F!!S!!T!!R!!E!!P!\\F\\", &custom, Charset::Utf8);
    assert_eq!(decoded, ("#*%@!$\\F\\".to_owned(), false, false));
    let none = Delimiters { escape: None, ..standard };
    assert_eq!(unescaped(b"\\F\\", &none, Charset::Utf8), ("\\F\\".to_owned(), false, false));
}

#[test]
fn formatting_and_local_sequences_stay_as_sent() {
    let raw = "a\\H\\b\\N\\\\.br\\\\.sp3\\\\.sp+3\\\\.in-4\\\\.ti2\\\\.fi\\\\.nf\\\\.ce\\\\.sk 3\\\\.BR\\\\Zab\\\\ZZ1\\c";
    assert_eq!(
        unescaped(raw.as_bytes(), &Delimiters::STANDARD, Charset::Utf8),
        (raw.to_owned(), false, false)
    );
}

#[test]
fn malformed_sequences_stay_as_sent() {
    for raw in [
        "\\",
        "a\\",
        "\\F",
        "\\\\",
        "C:\\temp\\x",
        "\\f\\",
        "\\FS\\",
        "\\Z\\",
        "\\.xx\\",
        "\\.br",
        "\\X\\",
        "\\XD\\",
        "\\X0G\\",
        "\\X0D",
        "\\C28\\",
        "\\C2899\\",
        "\\C284G\\",
        "\\M24\\",
        "\\ContainerID=0\\",
        "\\Moderate \\",
    ] {
        let decoded = unescaped(raw.as_bytes(), &Delimiters::STANDARD, Charset::Utf8);
        assert_eq!(decoded, (raw.to_owned(), false, true), "{raw}");
    }
    // A stray escape character does not take the next sequence with it.
    let decoded = unescaped(b"a\\b\\T\\c", &Delimiters::STANDARD, Charset::Utf8);
    assert_eq!(decoded, ("a\\b&c".to_owned(), false, true));
}

#[test]
fn hexadecimal_bytes_are_of_the_charset() {
    let standard = Delimiters::STANDARD;
    for (raw, charset, expected) in [
        (&b"\\X0D0A\\"[..], Charset::Utf8, "\r\n"),
        (b"\\X0d\\\\X0a\\", Charset::Utf8, "\r\n"),
        (b"caf\\XE9\\", Charset::Iso8859_1, "café"),
        (b"caf\\XC3A9\\", Charset::Utf8, "café"),
        (b"caf\\XC3\\\\XA9\\", Charset::Utf8, "café"),
        (b"caf\xC3\\XA9\\", Charset::Utf8, "café"),
        (b"\\X1B2442\\;3\\X1B2842\\", Charset::Iso2022(Charset::BASE), "山"),
    ] {
        let decoded = unescaped(raw, &standard, charset);
        assert_eq!(decoded, (expected.to_owned(), false, false), "{}", raw.escape_ascii());
    }
    // Bytes that do not fit fall back alone if the text does fit.
    let decoded = unescaped("é\\XE9\\".as_bytes(), &standard, Charset::Utf8);
    assert_eq!(decoded, ("éé".to_owned(), true, false));
    let decoded = unescaped(b"\xE9\\T\\\xE9", &standard, Charset::Utf8);
    assert_eq!(decoded, ("é&é".to_owned(), true, false));
}

#[test]
fn second_halves_of_characters_are_no_escape_characters() {
    let decoded = unescaped(b"\x83\x5CT\\T\\\x83\x5C", &Delimiters::STANDARD, Charset::ShiftJis);
    assert_eq!(decoded, ("ソT&ソ".to_owned(), false, false));
    let decoded =
        unescaped(b"\x1B$B;3\\F\x1B(B\\F\\", &Delimiters::STANDARD, Charset::Iso2022(Charset::BASE));
    assert_eq!(decoded, ("山榮|".to_owned(), false, false));
}

#[test]
fn written_shifts_are_decoded_as_iso_2022() {
    let standard = Delimiters::STANDARD;
    for charset in [Charset::Utf8, Charset::Ascii, Charset::Iso8859_1, Charset::Iso2022(Charset::BASE)] {
        let decoded = unescaped(b"a\\M2442\\;3\\C2842\\b\\T\\", &standard, charset);
        assert_eq!(decoded, ("a山b&".to_owned(), false, false), "{charset:?}");
    }
    let decoded = unescaped(b"\xE9\\C2D46\\\xE1", &standard, Charset::Iso8859_1);
    assert_eq!(decoded, ("éα".to_owned(), false, false));
    // What cannot be decoded stays as sent.
    let decoded = unescaped(b"\\M2442\\;", &standard, Charset::Utf8);
    assert_eq!(decoded, ("\\M2442\\;".to_owned(), false, true));
}

#[test]
fn what_is_escaped_comes_back() {
    let mut raw = Vec::new();
    let text = "a|^~\\&#\r\n\u{1F600}";
    escape(text, &Delimiters::STANDARD, &mut raw);
    assert_eq!(raw, "a\\F\\\\S\\\\R\\\\E\\\\T\\#\\X0D\\\\X0A\\\u{1F600}".as_bytes());
    assert_eq!(unescaped(&raw, &Delimiters::STANDARD, Charset::Utf8), (text.to_owned(), false, false));
}
