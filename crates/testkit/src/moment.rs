//! Moments of an invented calendar day, written as HL7 writes them; no clock is ever read.

/// A second, counted from 1970-01-01T00:00:00 local time of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// Monday 2026-03-02, midnight: where every feed begins.
    pub(crate) const START: Self = Self(1_772_409_600);

    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    pub(crate) fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days * 86_400)
    }

    /// `YYYYMMDD`.
    pub(crate) fn date(self) -> String {
        let (year, month, day) = civil(self.0.div_euclid(86_400));
        format!("{year:04}{month:02}{day:02}")
    }

    /// `YYYYMMDDHHMMSS`.
    pub(crate) fn second(self) -> String {
        let time = self.0.rem_euclid(86_400);
        format!("{}{:02}{:02}{:02}", self.date(), time / 3600, time / 60 % 60, time % 60)
    }

    /// `YYYYMMDDHHMM`.
    pub(crate) fn minute(self) -> String {
        let mut text = self.second();
        text.truncate(12);
        text
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
/// Years are counted from March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_march_of_0 = days + 719_468;
    let era = since_march_of_0.div_euclid(146_097);
    let day_of_era = since_march_of_0.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_leap_years_are_right() {
        assert_eq!(Moment::START.second(), "20260302000000");
        assert_eq!(Moment(951_782_400).date(), "20000229");
        assert_eq!(Moment(-1).second(), "19691231235959");
        assert_eq!(Moment::START.plus_days(-1).plus_seconds(61).minute(), "202603010001");
    }
}
