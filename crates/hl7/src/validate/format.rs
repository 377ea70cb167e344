//! How values of the primitive datatypes are written (HL7 v2.9 chapter 2A).

use crate::dictionary::Version;
use crate::timestamp::{Precision, Time, Timestamp};

/// Digits of a second's fraction, at most.
const FRACTION_DIGITS: usize = 4;

/// The pattern that a value should follow and does not; `None` when it is well formed or its datatype is free
/// text.
pub(super) fn violated(datatype: &str, version: Version, text: &str) -> Option<&'static str> {
    let (pattern, is_met) = match datatype {
        "NM" => ("a number: [+|-]digits[.digits]", is_number(text)),
        "SI" => ("a sequence number: digits", is_digits(text)),
        "SNM" => ("a telephone number: [+]digits", is_digits(text.strip_prefix('+').unwrap_or(text))),
        "DT" if version < Version::V2_3 => ("a date: YYYYMMDD", text.len() == 8 && is_date(text)),
        "DT" => ("a date: YYYY[MM[DD]]", is_date(text)),
        "TM" if version < Version::V2_3 => {
            ("a time: HHMM[SS[.S[S[S[S]]]]][+|-ZZZZ]", is_time(text, Precision::Minute))
        }
        "TM" => ("a time: HH[MM[SS[.S[S[S[S]]]]]][+|-ZZZZ]", is_time(text, Precision::Hour)),
        "DTM" | "TS" => point_in_time(version, text),
        "ID" => ("a code that does not begin with a blank", !text.starts_with(' ')),
        _ => return None,
    };
    (!is_met).then_some(pattern)
}

/// An hour without its minutes came with 2.5, a date without its day with 2.3.
fn point_in_time(version: Version, text: &str) -> (&'static str, bool) {
    let precision =
        Timestamp::parse(text.as_bytes()).filter(|_| is_short_fraction(text)).map(|time| time.precision());
    if version < Version::V2_3 {
        let is_met =
            precision.is_some_and(|precision| precision >= Precision::Day && precision != Precision::Hour);
        return ("a point in time: YYYYMMDD[HHMM[SS[.S[S[S[S]]]]]][+|-ZZZZ]", is_met);
    }
    if version < Version::V2_5 {
        let is_met = precision.is_some_and(|precision| precision != Precision::Hour);
        return ("a point in time: YYYY[MM[DD[HHMM[SS[.S[S[S[S]]]]]]]][+|-ZZZZ]", is_met);
    }
    ("a point in time: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+|-ZZZZ]", precision.is_some())
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && whole.len() + fraction.len() > 0
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_date(text: &str) -> bool {
    text.len() <= 8 && is_digits(text) && Timestamp::parse(text.as_bytes()).is_some()
}

fn is_time(text: &str, least: Precision) -> bool {
    is_short_fraction(text) && Time::parse(text.as_bytes()).is_some_and(|time| time.precision() >= least)
}

fn is_short_fraction(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count() <= FRACTION_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_against_their_datatype() {
        let newest = Version::NEWEST;
        let good = [
            ("NM", "0"),
            ("NM", "-01.50"),
            ("NM", "+.5"),
            ("NM", "5."),
            ("SI", "0001"),
            ("SNM", "+46701234567"),
            ("DT", "2024"),
            ("DT", "20240229"),
            ("TM", "23"),
            ("TM", "235959.1234-0500"),
            ("DTM", "2024010203"),
            ("DTM", "20240102030405.1234+0100"),
            ("ID", "A "),
            ("ST", "  anything "),
        ];
        for (datatype, text) in good {
            assert_eq!(violated(datatype, newest, text), None, "{datatype} {text}");
        }
        let bad = [
            ("NM", "."),
            ("NM", "1,5"),
            ("NM", " 1"),
            ("NM", "1E5"),
            ("NM", "<5"),
            ("SI", "-1"),
            ("SI", "1.0"),
            ("SNM", "070-123"),
            ("DT", "20240230"),
            ("DT", "2024-02-01"),
            ("DT", "202402011200"),
            ("DT", "2024+0100"),
            ("TM", "2460"),
            ("TM", "12:00"),
            ("DTM", "20240102030405.12345"),
            ("DTM", "2024010"),
            ("ID", " A"),
        ];
        for (datatype, text) in bad {
            assert!(violated(datatype, newest, text).is_some(), "{datatype} {text}");
        }
    }

    #[test]
    fn older_versions_want_more_precision() {
        assert!(violated("DT", Version::V2_2, "202401").is_some());
        assert_eq!(violated("DT", Version::V2_3, "202401"), None);
        assert!(violated("TM", Version::V2_2, "12").is_some());
        assert_eq!(violated("TM", Version::V2_2, "1200"), None);
        assert!(violated("TS", Version::V2_2, "202401").is_some());
        assert_eq!(violated("TS", Version::V2_3, "202401"), None);
        assert!(violated("TS", Version::V2_4, "2024010112").is_some());
        assert_eq!(violated("DTM", Version::V2_5, "2024010112"), None);
    }
}
