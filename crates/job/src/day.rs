//! Calendar days in UTC, and timestamps as text, without a date library.

use std::{fmt, str::FromStr};

use crate::UnixMillis;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A day in UTC, as days since 1970-01-01. Written as in ISO 8601, such as `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(pub i64);

/// The text is not a valid day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date in the form YYYY-MM-DD")]
pub struct ParseDayError;

impl UtcDay {
    /// The day that contains `moment`.
    #[must_use]
    pub const fn of(moment: UnixMillis) -> Self {
        Self(moment.0.div_euclid(MILLIS_PER_DAY))
    }

    /// The first moment of the day; saturates at the largest representable time.
    #[must_use]
    pub const fn begin(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(MILLIS_PER_DAY))
    }

    /// Year, month and day of the proleptic Gregorian calendar. The algorithm counts years from
    /// March, so that the leap day is the last day of its year, in eras of 400 years, which all
    /// have the same number of days.
    #[must_use]
    const fn civil(self) -> (i64, i64, i64) {
        let days_since_march_0000 = self.0 + 719_468;
        let (era, day_of_era) = (days_since_march_0000.div_euclid(146_097), days_since_march_0000.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        (year_of_era + era * 400 + (month <= 2) as i64, month, day)
    }

    /// The inverse of [`Self::civil`]. Also accepts some dates that do not exist.
    const fn from_civil(year: i64, month: i64, day: i64) -> Self {
        let year = year - (month <= 2) as i64;
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        Self(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
    }
}

impl UnixMillis {
    /// The timestamp as text in UTC to the millisecond, such as `2026-11-23T12:26:13.042Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (day, millis) = (UtcDay::of(self), self.0.rem_euclid(MILLIS_PER_DAY));
        let (hour, minute, secs) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
        format!("{day}T{hour:02}:{minute:02}:{secs:02}.{:03}Z", millis % 1000)
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for UtcDay {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 10 {
            return Err(ParseDayError);
        }
        let mut parts = text.split('-').map(|part| part.parse::<i64>().map_err(|_| ParseDayError));
        let mut next = || parts.next().unwrap_or(Err(ParseDayError));
        let day = Self::from_civil(next()?, next()?, next()?);
        // A day that does not exist, or one in another notation, formats to a different text.
        if day.to_string() == text { Ok(day) } else { Err(ParseDayError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_day_with_a_four_digit_year_round_trips(day in -719_528..2_932_897_i64) {
            assert_eq!(UtcDay(day).to_string().parse(), Ok(UtcDay(day)));
        }
    }

    #[test]
    fn days_match_the_gregorian_calendar() {
        for (day, text) in [(0, "1970-01-01"), (11_015, "2000-02-28"), (11_016, "2000-02-29"), (19_783, "2024-03-01")] {
            assert_eq!(UtcDay(day).to_string(), text);
            assert_eq!(UtcDay::of(UtcDay(day).begin()), UtcDay(day));
            assert_eq!(UtcDay::of(UnixMillis(UtcDay(day).begin().0 - 1)), UtcDay(day - 1));
        }
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in
            ["", "2026", "2026-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "2026-01-01 ", "26-01-01-01", "a-b-c"]
        {
            assert_eq!(text.parse::<UtcDay>(), Err(ParseDayError), "{text}");
        }
    }
}
