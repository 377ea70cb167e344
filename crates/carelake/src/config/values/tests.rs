//! What is read as which value, and what it is written as.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Value;

use super::*;
use crate::config::feeds::{Charset, Filter, Offset, Port, Sender};

/// What a text is written as once it was read; `None` if it is refused.
fn again<T: DeserializeOwned + Serialize + PartialEq>(text: &str) -> Option<String> {
    let value = T::deserialize(Value::String(text.to_owned())).ok()?;
    let written = Value::try_from(&value).unwrap();
    // What is written is read as the same.
    assert!(T::deserialize(written.clone()).unwrap() == value, "{text}");
    Some(written.as_str().unwrap().to_owned())
}

fn check<T: DeserializeOwned + Serialize + PartialEq>(right: &[(&str, &str)], wrong: &[&str]) {
    for (text, written) in right {
        assert_eq!(again::<T>(text).as_deref(), Some(*written), "{text}");
    }
    for text in wrong {
        assert_eq!(again::<T>(text), None, "{text}");
    }
}

#[test]
fn sizes() {
    check::<Size>(
        &[
            ("64MB", "64MB"),
            ("128MiB", "128MiB"),
            ("1024 KiB", "1MiB"),
            ("1000kb", "1MB"),
            ("1001B", "1001B"),
            ("16777215TiB", "16777215TiB"),
        ],
        &[
            "",
            "64",
            "MB",
            "0B",
            "-1MB",
            "1.5GB",
            "64 megabytes",
            "16777216TiB",
            "99999999999999999999B",
            "1MB ",
        ],
    );
    assert_eq!(Size::from_text("2KiB").unwrap().0, 2_048);
    assert_eq!(Size::from_text("2kB").unwrap().0, 2_000);
}

#[test]
fn shares() {
    use Deserialize as _;

    let share = |text: &str| toml::from_str::<Value>(&format!("x = {text}")).unwrap()["x"].clone();
    for (right, read) in [("0.01", 0.01), ("1", 1.0), ("0", 0.0), ("1.0", 1.0)] {
        let value = Share::deserialize(share(right)).unwrap();
        assert_eq!(value.0, read);
        assert_eq!(Share::deserialize(Value::try_from(value).unwrap()).unwrap(), value);
    }
    for wrong in ["-0.1", "1.01", "nan", "\"0.5\"", "true"] {
        assert!(Share::deserialize(share(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn spans_of_time() {
    check::<Span>(
        &[("30s", "30s"), ("500ms", "500ms"), ("90 m", "90m"), ("120m", "2h"), ("7d", "7d"), ("48h", "2d")],
        &["", "30", "s", "0s", "-1s", "1.5h", "1 week", "30S", "99999999999999999999d"],
    );
    assert_eq!(Span::from_text("2m").unwrap().0, Duration::from_secs(120));
    check::<Keep>(&[("forever", "forever"), ("24h", "1d")], &["", "ever", "0d"]);
}

#[test]
fn addresses() {
    check::<Listen>(
        &[
            ("127.0.0.1:2575", "127.0.0.1:2575"),
            ("[::1]:0", "[::1]:0"),
            ("lake.example.org:65535", "lake.example.org:65535"),
            ("off", "off"),
        ],
        &[
            "",
            "2575",
            ":2575",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "::1:2575",
            "[x]:1",
            "a b:1",
            "h:+1",
            "Off",
        ],
    );
    let is_loopback = |text| Listen::from_text(text).unwrap().address().unwrap().is_loopback();
    for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "LocalHost:1"] {
        assert!(is_loopback(text), "{text}");
    }
    for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1.example.org:1", "localhost.example.org:1"] {
        assert!(!is_loopback(text), "{text}");
    }
}

#[test]
fn addresses_on_the_web() {
    check::<WebAddress>(
        &[
            ("https://id.example.org/realm", "https://id.example.org/realm"),
            ("http://[::1]:4318", "http://[::1]:4318"),
        ],
        &["", "id.example.org", "https://", "ftp://x", "https://user:word@x", "https://a b"],
    );
    let is_safe = |text| WebAddress::from_text(text).unwrap().is_safe();
    for text in ["https://id.example.org", "http://127.0.0.1:9/x", "http://localhost", "http://[::1]:4318"] {
        assert!(is_safe(text), "{text}");
    }
    for text in ["http://id.example.org", "http://127.0.0.1.example.org", "http://localhost.example.org/"] {
        assert!(!is_safe(text), "{text}");
    }
}

#[test]
fn names() {
    let long = "n".repeat(100);
    check::<Name>(
        &[("lab", "lab"), ("Lab-2.north_1", "Lab-2.north_1"), ("9", "9"), (&long, &long)],
        &["", ".lab", "-lab", "_lab", "lab north", "lab/north", "läb", &"n".repeat(101)],
    );
}

#[test]
fn what_feeds_are_told() {
    check::<Filter>(
        &[
            ("ACK", "ACK"),
            ("ADT^A31", "ADT^A31"),
            ("ZZZ^Z01", "ZZZ^Z01"),
            ("unchanged ADT^A08", "unchanged ADT^A08"),
        ],
        &[
            "",
            "ack",
            "AC",
            "ACKS",
            "ADT^",
            "^A31",
            "ADT^A31^ADT_A05",
            "unchanged ADT",
            "unchanged",
            "changed ADT^A31",
            "1CK",
        ],
    );
    check::<Sender>(
        &[("LAB", "LAB"), ("LAB|NORTH", "LAB|NORTH"), ("LAB^1.2^ISO | NORTH", "LAB^1.2^ISO|NORTH")],
        &["", "|", "LAB|", "|NORTH", "A|B|C", "A\rB"],
    );
    check::<Charset>(
        &[
            ("8859/1", "8859/1"),
            ("iso-8859-1", "8859/1"),
            ("utf-8", "UNICODE UTF-8"),
            ("windows-1250", "windows-1250"),
        ],
        &["", "latin", "ISO IR 999"],
    );
    check::<Offset>(
        &[("+01:00", "+01:00"), ("-0530", "-05:30"), ("+14:00", "+14:00"), ("-00:00", "+00:00")],
        &["", "01:00", "+1:00", "+14:01", "+00:60", "Europe/Berlin", "+01:00:00", "+0é1"],
    );
    assert_eq!(Port::deserialize_of("lab"), Some(Port::Door(Name::from_text("lab").unwrap())));
    assert_eq!(Port::deserialize_of("lab door"), None);
}

impl Port {
    fn deserialize_of(text: &str) -> Option<Self> {
        Deserialize::deserialize(Value::String(text.to_owned())).ok()
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    let secret: Secret = Deserialize::deserialize(Value::String("canary".to_owned())).unwrap();
    assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "(set) Some((set))");
    assert_eq!(Value::try_from(&secret).unwrap().as_str(), Some("(set)"));
    assert_eq!(secret.reveal(), "canary");
    for wrong in [Value::Integer(4711), Value::String(String::new()), Value::from(vec!["canary"])] {
        let error = <Secret as Deserialize>::deserialize(wrong).unwrap_err().to_string();
        assert!(!error.contains("canary") && !error.contains("4711"), "{error}");
    }
}
