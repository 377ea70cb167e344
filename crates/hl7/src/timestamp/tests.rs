use super::*;

#[test]
fn what_is_read_is_written_the_same() {
    for text in [
        "2024",
        "0000",
        "202402",
        "20240229",
        "2024022913",
        "202402291337",
        "20240229133742",
        "20240229133742.0",
        "20240229133742.0500",
        "20240229133742.123456789",
        "2024+0100",
        "20240229-0000",
        "20240229+0000",
        "202402291337-0330",
        "20240229133742.25+1400",
    ] {
        assert_eq!(Timestamp::parse(text.as_bytes()).unwrap().to_string(), text);
    }
    for text in ["13", "1337", "133742", "133742.1", "133742.0001-0500", "00+0000"] {
        assert_eq!(Time::parse(text.as_bytes()).unwrap().to_string(), text);
    }
}

#[test]
fn other_values_are_none() {
    for text in [
        "",
        "2",
        "202",
        "20241",
        "2024022",
        "202402300",
        "20241301",
        "20240001",
        "20240230",
        "20230229",
        "19000229",
        "20240200",
        "2024022924",
        "202402291360",
        "20240229133760",
        "20240229.5",
        "20240229133742.",
        "20240229133742.1234567890",
        "20240229133742.x",
        "20240229133742+01",
        "20240229133742+2400",
        "20240229133742+0060",
        "2024-02-29",
        "20240229 ",
        "\"\"",
        "20240229133742Z",
        "2O240229",
    ] {
        assert_eq!(Timestamp::parse(text.as_bytes()), None, "{text}");
    }
    for text in ["", "1", "24", "1360", "133760", "1337.5", "13:37", "133742."] {
        assert_eq!(Time::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn what_is_absent_stays_absent() {
    let month = Timestamp::parse(b"202402").unwrap();
    assert_eq!((month.month(), month.day(), month.hour(), month.offset()), (Some(2), None, None, None));
    assert_eq!(
        (month.precision(), month.unix_microseconds(0), month.to_rfc_3339()),
        (Precision::Month, None, None)
    );
    let second = Timestamp::parse(b"20240229133742").unwrap();
    assert_eq!((second.second(), second.nanosecond(), second.to_rfc_3339()), (Some(42), None, None));
    assert_eq!(Timestamp::parse(b"20240229").unwrap().to_rfc_3339().as_deref(), Some("2024-02-29"));
    let time = Time::parse(b"13-0330").unwrap();
    assert_eq!((time.hour(), time.minute(), time.second(), time.nanosecond()), (13, None, None, None));
    assert_eq!(time.offset().unwrap().minutes_east(), -210);
}

#[test]
fn points_in_time() {
    for (text, assumed, seconds) in [
        ("197001010000", 0, 0),
        ("19700101000000+0000", 60, 0),
        ("197001010000", 60, -3600),
        ("20240229133742+0100", 0, 1_709_210_262),
        ("20000301000000-0500", 0, 951_886_800),
        ("19691231235959", 0, -1),
        ("99991231235959", 0, 253_402_300_799),
        ("00000101000000", 0, -62_167_219_200),
    ] {
        let timestamp = Timestamp::parse(text.as_bytes()).unwrap();
        assert_eq!(timestamp.unix_microseconds(assumed), Some(seconds * 1_000_000), "{text}");
    }
    let fraction =
        Timestamp::parse(b"19700101000000.0123456789").or(Timestamp::parse(b"19700101000000.012345678"));
    assert_eq!(fraction.unwrap().unix_microseconds(0), Some(12_345));
    assert_eq!(fraction.unwrap().nanosecond(), Some(12_345_678));
}
