use std::collections::HashMap;

use super::*;

/// FNV-1a, 64 bits.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Figures measured on different days compare only if the bytes were the same: whoever changes them changes this line too.
#[test]
fn the_weekday_feed_of_the_benchmarks_is_the_known_one() {
    assert_eq!(format!("{:016x}", fingerprint(&generate(Mix::Weekday, 1, 1_000))), "4845f021e12e869d");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for mix in Mix::ALL {
        let first = generate(mix, 7, 20);
        assert_eq!(fingerprint(&first), fingerprint(&generate(mix, 7, 20)), "{mix:?}");
        assert_ne!(fingerprint(&first), fingerprint(&generate(mix, 8, 20)), "{mix:?}");
        assert!(generate(mix, 7, 21).starts_with(&first), "{mix:?}: a longer feed begins as the shorter one");
    }
}

#[test]
fn the_weekday_mix_has_its_percentages_and_its_mean_size() {
    let count = 20_000;
    let mut kinds: HashMap<String, usize> = HashMap::new();
    let mut bytes = 0;
    for message in messages(Mix::Weekday, 1).take(count) {
        bytes += message.len();
        let text = String::from_utf8(message).unwrap();
        let message_type = text.split('|').nth(8).unwrap();
        *kinds.entry(message_type[..7].to_owned()).or_default() += 1;
    }
    let percent = |kind: &str| kinds.get(kind).copied().unwrap_or(0) as f64 * 100.0 / count as f64;
    for (kind, wanted) in [("ADT^A08", 48.0), ("ADT^A31", 30.0), ("ADT^A04", 17.0), ("ORU^R01", 4.0)] {
        assert!((percent(kind) - wanted).abs() < 1.0, "{kind}: {} %", percent(kind));
    }
    for kind in ["ADT^A01", "ADT^A03", "ADT^A40"] {
        assert!(percent(kind) > 0.0 && percent(kind) < 1.0, "{kind}: {} %", percent(kind));
    }
    let mean = bytes / count;
    assert!((1_500..1_650).contains(&mean), "mean {mean} bytes");
}

#[test]
fn documents_are_of_one_to_four_megabytes() {
    for message in messages(Mix::Documents, 3).take(8) {
        assert!((1_000_000..4_002_000).contains(&message.len()), "{}", message.len());
    }
}

#[test]
fn everything_holds_every_kind_and_version() {
    let feed = generate(Mix::Everything, 1, every_pair().len());
    let text = String::from_utf8(feed).unwrap();
    for version in Version::ALL {
        assert!(
            text.contains(&format!("|{}|", version.as_str()))
                || text.contains(&format!("|{}\r", version.as_str()))
        );
    }
    assert!(text.contains("\rZPI|"));
}
