//! The pipeline's clock, and moments as text.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_SECONDS: i64 = 86_400;

/// Microseconds since 1970, UTC.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A moment, in milliseconds since 1970, as RFC 3339 text in UTC.
pub fn rfc3339_milliseconds(moment: i64) -> String {
    let (seconds, milliseconds) = (moment.div_euclid(1_000), moment.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// The Gregorian date of a day counted from 1970-01-01, by counting days in 400-year cycles that begin on
/// the first of March, so that the leap day is the last of its year.
fn date(days: i64) -> (i64, i64, i64) {
    const CYCLE: i64 = 146_097;
    let since_march = days + 719_468;
    let (cycle, day_of_cycle) = (since_march.div_euclid(CYCLE), since_march.rem_euclid(CYCLE));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / (CYCLE - 1)) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::rfc3339_milliseconds;

    #[test]
    fn moments_are_told_as_the_calendar_does() {
        assert_eq!(rfc3339_milliseconds(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339_milliseconds(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(rfc3339_milliseconds(951_825_600_001), "2000-02-29T12:00:00.001Z");
        assert_eq!(rfc3339_milliseconds(1_798_761_599_000), "2026-12-31T23:59:59.000Z");
        assert_eq!(rfc3339_milliseconds(-1), "1969-12-31T23:59:59.999Z");
    }
}
