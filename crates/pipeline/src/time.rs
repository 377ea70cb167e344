//! The pipeline's clock, and moments as text.

use storage::{Clock, ThisMachine};

const DAY_SECONDS: i64 = 86_400;

/// Microseconds since 1970, UTC, by this machine's clock.
pub fn now() -> i64 {
    ThisMachine.now()
}

/// A moment, in milliseconds since 1970, as RFC 3339 text in UTC.
pub fn rfc3339_milliseconds(moment: i64) -> String {
    let (seconds, milliseconds) = (moment.div_euclid(1_000), moment.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// A moment in microseconds since 1970, from a date or RFC 3339 text; without a time zone it is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let day_number = (1..=12).contains(&month).then(|| days_before(year, month) + day - 1)?;
    // A day that the month does not have is another day.
    if self::date(day_number) != (year, month, day) {
        return None;
    }
    let midnight = day_number * DAY_SECONDS * 1_000_000;
    let Some(clock) = rest.strip_prefix(['T', 't', ' ']) else { return rest.is_empty().then_some(midnight) };
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let micros = number(format!("{fraction:0<6}").get(..6)?)?;
    let shift = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => 0,
        Some((sign, zone)) => {
            let (hours, minutes) = zone.split_once(':')?;
            let shift = number(hours)? * 3_600 + number(minutes)? * 60;
            if sign == "-" { -shift } else { shift }
        }
    };
    Some(midnight + (hour * 3_600 + minute * 60 + second - shift) * 1_000_000 + micros)
}

fn number(digits: &str) -> Option<i64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

/// Days from 1970-01-01 to the first of a month, the other way round than [`date`].
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month_from_march + 2) / 5 - 719_468
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
    use super::{parse, rfc3339_milliseconds};

    #[test]
    fn moments_are_told_as_the_calendar_does() {
        assert_eq!(rfc3339_milliseconds(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339_milliseconds(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(rfc3339_milliseconds(951_825_600_001), "2000-02-29T12:00:00.001Z");
        assert_eq!(rfc3339_milliseconds(1_798_761_599_000), "2026-12-31T23:59:59.000Z");
        assert_eq!(rfc3339_milliseconds(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn moments_are_read_as_they_are_told_and_dates_are_their_beginning() {
        for moment in [0, 951_782_399_999, 951_825_600_001, 1_798_761_599_000, -1, 4_107_542_400_000] {
            assert_eq!(parse(&rfc3339_milliseconds(moment)), Some(moment * 1_000));
        }
        assert_eq!(parse("1970-01-02"), Some(86_400_000_000));
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse("1970-01-01 00:01"), Some(60_000_000));
        for text in [
            "",
            "1970",
            "1970-13-01",
            "1970-02-29",
            "1970-01-01T",
            "1970-01-01T25:00",
            "yesterday",
            "1970-01-01x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
