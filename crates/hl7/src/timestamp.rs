//! Dates and times with the precision and the offset they were sent with (HL7 v2.9.1 chapter 2A: DT, TM, DTM).
//!
//! A sender who writes `202401` knows the month and no more. Reading that as the first of January at midnight
//! would make something up, so what is absent stays absent.

use core::fmt;

/// How much of a point in time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `YYYY`
    Year,
    /// `YYYYMM`
    Month,
    /// `YYYYMMDD`
    Day,
    /// `YYYYMMDDHH`
    Hour,
    /// `YYYYMMDDHHMM`
    Minute,
    /// `YYYYMMDDHHMMSS`
    Second,
    /// `YYYYMMDDHHMMSS.S…`
    Fraction,
}

/// A date, or a point in time: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`.
///
/// ```
/// use hl7::timestamp::{Precision, Timestamp};
/// let timestamp = Timestamp::parse(b"20240229133742.5+0100").unwrap();
/// assert_eq!((timestamp.year(), timestamp.month(), timestamp.day()), (2024, Some(2), Some(29)));
/// assert_eq!(timestamp.precision(), Precision::Fraction);
/// assert_eq!(timestamp.to_string(), "20240229133742.5+0100");
/// assert_eq!(timestamp.to_rfc_3339().as_deref(), Some("2024-02-29T13:37:42.5+01:00"));
/// assert_eq!(Timestamp::parse(b"20240230"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    year: u16,
    month: u8,
    day: u8,
    time: Clock,
    precision: Precision,
}

/// A time of day: `HH[MM[SS[.S…]]][+/-ZZZZ]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    time: Clock,
    precision: Precision,
}

/// An offset from UTC as sent, so that `+0000` and `-0000` stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    is_negative: bool,
    hours: u8,
    minutes: u8,
}

/// The parts that points in time and times of day have in common; unknown ones are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    fraction: Fraction,
    offset: Option<Offset>,
}

/// Digits behind the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Fraction {
    digits: u8,
    value: u32,
}

/// More than the four of the standard: nanoseconds.
const MOST_FRACTION_DIGITS: usize = 9;

impl Timestamp {
    /// Reads a DTM, TS (first component) or DT value; `None` if it is none, or no date of the calendar.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let Parts { digits, fraction, offset } = split(value)?;
        let precision = match digits.len() {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 => Precision::Hour,
            12 => Precision::Minute,
            14 if fraction.is_none() => Precision::Second,
            14 => Precision::Fraction,
            _ => return None,
        };
        let (date, clock) = digits.split_at(digits.len().min(8));
        let pair = |at: usize| two_digits(date, at);
        let year = 100 * u16::from(two_digits(date, 0)?) + u16::from(two_digits(date, 2)?);
        let (month, day) = (pair(4), pair(6));
        let is_date = month.is_none_or(|month| (1..=12).contains(&month))
            && day.is_none_or(|day| (1..=days_in(year, month.unwrap_or(1))).contains(&day));
        if !is_date {
            return None;
        }
        let time = Clock::new(clock, fraction, offset)?;
        Some(Self { year, month: month.unwrap_or(0), day: day.unwrap_or(0), time, precision })
    }

    /// How much of it was sent.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The year, 0 to 9999.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(&self) -> Option<u8> {
        self.known(Precision::Month, self.month)
    }

    /// The day of the month, from 1.
    pub fn day(&self) -> Option<u8> {
        self.known(Precision::Day, self.day)
    }

    /// The hour, 0 to 23.
    pub fn hour(&self) -> Option<u8> {
        self.known(Precision::Hour, self.time.hour)
    }

    /// The minute, 0 to 59.
    pub fn minute(&self) -> Option<u8> {
        self.known(Precision::Minute, self.time.minute)
    }

    /// The second, 0 to 59.
    pub fn second(&self) -> Option<u8> {
        self.known(Precision::Second, self.time.second)
    }

    /// The fraction of the second in nanoseconds.
    pub fn nanosecond(&self) -> Option<u32> {
        self.known(Precision::Fraction, self.time.fraction.nanoseconds())
    }

    /// The offset from UTC.
    pub fn offset(&self) -> Option<Offset> {
        self.time.offset
    }

    /// The point in time in microseconds since 1970-01-01T00:00:00Z, or `None` if less than a minute is known.
    ///
    /// `assumed_offset_minutes` stands in for an offset that was not sent: without one a time is that of the
    /// sender's wall clock.
    pub fn unix_microseconds(&self, assumed_offset_minutes: i16) -> Option<i64> {
        (self.precision >= Precision::Minute).then(|| self.start_unix_microseconds(assumed_offset_minutes))
    }

    /// The first moment of the year, month, day … that is meant, in microseconds since 1970-01-01T00:00:00Z.
    ///
    /// `assumed_offset_minutes` is that of [`unix_microseconds`](Self::unix_microseconds).
    pub fn start_unix_microseconds(&self, assumed_offset_minutes: i16) -> i64 {
        let offset =
            self.time.offset.map_or(i64::from(assumed_offset_minutes), |offset| offset.minutes_east());
        let (month, day) = (self.month.max(1), self.day.max(1));
        let days = days_since_1970(i64::from(self.year), i64::from(month), i64::from(day));
        let minutes = (days * 24 + i64::from(self.time.hour)) * 60 + i64::from(self.time.minute) - offset;
        let seconds = minutes * 60 + i64::from(self.time.second);
        seconds * 1_000_000 + i64::from(self.time.fraction.nanoseconds() / 1000)
    }

    /// The same as RFC 3339 text, which needs at least seconds and an offset, or for a date alone all of it.
    pub fn to_rfc_3339(&self) -> Option<String> {
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        match (self.precision, self.time.offset) {
            (Precision::Day, None) => Some(date),
            (Precision::Second | Precision::Fraction, Some(offset)) => {
                let Clock { hour, minute, second, fraction, .. } = self.time;
                let sign = if offset.is_negative { '-' } else { '+' };
                let Offset { hours, minutes, .. } = offset;
                Some(format!(
                    "{date}T{hour:02}:{minute:02}:{second:02}{fraction}{sign}{hours:02}:{minutes:02}"
                ))
            }
            _ => None,
        }
    }

    fn known<T>(&self, least: Precision, value: T) -> Option<T> {
        (self.precision >= least).then_some(value)
    }
}

impl Time {
    /// Reads a TM value; `None` if it is none.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let Parts { digits, fraction, offset } = split(value)?;
        let precision = match digits.len() {
            2 => Precision::Hour,
            4 => Precision::Minute,
            6 if fraction.is_none() => Precision::Second,
            6 => Precision::Fraction,
            _ => return None,
        };
        Some(Self { time: Clock::new(digits, fraction, offset)?, precision })
    }

    /// How much of it was sent.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The hour, 0 to 23.
    pub fn hour(&self) -> u8 {
        self.time.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(&self) -> Option<u8> {
        (self.precision >= Precision::Minute).then_some(self.time.minute)
    }

    /// The second, 0 to 59.
    pub fn second(&self) -> Option<u8> {
        (self.precision >= Precision::Second).then_some(self.time.second)
    }

    /// The fraction of the second in nanoseconds.
    pub fn nanosecond(&self) -> Option<u32> {
        (self.precision >= Precision::Fraction).then_some(self.time.fraction.nanoseconds())
    }

    /// The offset from UTC.
    pub fn offset(&self) -> Option<Offset> {
        self.time.offset
    }
}

impl Offset {
    /// Minutes east of Greenwich.
    pub fn minutes_east(&self) -> i64 {
        let minutes = i64::from(self.hours) * 60 + i64::from(self.minutes);
        if self.is_negative { -minutes } else { minutes }
    }
}

/// Gives the text that was sent.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}", self.year)?;
        for part in [self.month(), self.day()].into_iter().flatten() {
            write!(formatter, "{part:02}")?;
        }
        self.time.write(self.precision, formatter)
    }
}

/// Gives the text that was sent.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time.write(self.precision, formatter)
    }
}

/// Gives the text that was sent.
impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative { '-' } else { '+' };
        write!(formatter, "{sign}{:02}{:02}", self.hours, self.minutes)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match usize::from(self.digits) {
            0 => Ok(()),
            width => write!(formatter, ".{:0width$}", self.value),
        }
    }
}

impl Clock {
    fn new(digits: &[u8], fraction: Option<&[u8]>, offset: Option<Offset>) -> Option<Self> {
        let pair = |at: usize| two_digits(digits, at).unwrap_or(0);
        let fraction = match fraction {
            None => Fraction::default(),
            Some(fraction) => Fraction::parse(fraction)?,
        };
        let clock = Self { hour: pair(0), minute: pair(2), second: pair(4), fraction, offset };
        (clock.hour < 24 && clock.minute < 60 && clock.second < 60).then_some(clock)
    }

    fn write(&self, precision: Precision, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (Precision::Hour, self.hour),
            (Precision::Minute, self.minute),
            (Precision::Second, self.second),
        ];
        for (_, part) in parts.into_iter().filter(|(least, _)| precision >= *least) {
            write!(formatter, "{part:02}")?;
        }
        write!(formatter, "{}", self.fraction)?;
        self.offset.map_or(Ok(()), |offset| write!(formatter, "{offset}"))
    }
}

impl Fraction {
    fn parse(digits: &[u8]) -> Option<Self> {
        if !(1..=MOST_FRACTION_DIGITS).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0, |value, digit| 10 * value + u32::from(digit - b'0'));
        Some(Self { digits: u8::try_from(digits.len()).ok()?, value })
    }

    fn nanoseconds(self) -> u32 {
        self.value * 10_u32.pow(9 - u32::from(self.digits))
    }
}

/// A value taken apart.
struct Parts<'a> {
    digits: &'a [u8],
    fraction: Option<&'a [u8]>,
    offset: Option<Offset>,
}

/// Takes a value apart: digits, digits behind a full stop, offset. Only seconds may have a fraction.
fn split(value: &[u8]) -> Option<Parts<'_>> {
    let sign = value.iter().position(|byte| matches!(byte, b'+' | b'-')).unwrap_or(value.len());
    let (local, offset) = value.split_at(sign);
    let offset = if offset.is_empty() { None } else { Some(read_offset(offset)?) };
    let point = local.iter().position(|&byte| byte == b'.').unwrap_or(local.len());
    let (digits, fraction) = local.split_at(point);
    let fraction = fraction.get(1..);
    let is_valid =
        digits.iter().all(u8::is_ascii_digit) && (fraction.is_none() || matches!(digits.len(), 6 | 14));
    is_valid.then_some(Parts { digits, fraction, offset })
}

fn read_offset(text: &[u8]) -> Option<Offset> {
    let digits = text.get(1..).filter(|digits| digits.len() == 4 && digits.iter().all(u8::is_ascii_digit))?;
    let (hours, minutes) = (two_digits(digits, 0)?, two_digits(digits, 2)?);
    (hours < 24 && minutes < 60).then_some(Offset { is_negative: text[0] == b'-', hours, minutes })
}

fn two_digits(digits: &[u8], at: usize) -> Option<u8> {
    let pair = digits.get(at..at + 2)?;
    Some(10 * (pair[0] - b'0') + (pair[1] - b'0'))
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests;
