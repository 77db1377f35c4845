//! Durations, periods and instants.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::fmt;

/// An instant in UTC.
pub type Instant = DateTime<Utc>;

/// A positive length of time, an exact number of seconds (a day is 24 hours).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    count: u32,
    unit: DurationUnit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum DurationUnit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
}

/// The longest duration that is accepted: 100 years of 365 days.
const SECONDS_MAX: i64 = 100 * 365 * 86_400;

impl Duration {
    /// Reads `N seconds|minutes|hours|days|weeks` (the last `s` may be missing), or says what is wrong.
    pub fn parse(text: &str) -> std::result::Result<Duration, String> {
        let mut words = text.split_whitespace();
        let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("`{text}` is not a duration: write a number and a unit, as in `30 days`"));
        };
        let count: i64 = number.parse().map_err(|_| format!("`{number}` is not a whole number"))?;
        let unit = match unit.to_ascii_lowercase().trim_end_matches('s') {
            "second" => DurationUnit::Seconds,
            "minute" => DurationUnit::Minutes,
            "hour" => DurationUnit::Hours,
            "day" => DurationUnit::Days,
            "week" => DurationUnit::Weeks,
            _ => return Err(format!("`{unit}` is not a unit of time: use seconds, minutes, hours, days or weeks")),
        };
        if count <= 0 {
            return Err(format!("`{text}` is not positive: a window reaches over at least one unit"));
        }
        let count = u32::try_from(count).ok().filter(|count| i64::from(*count) * unit.seconds() <= SECONDS_MAX);
        let count = count.ok_or_else(|| format!("`{text}` is longer than 100 years"))?;
        Ok(Duration { count, unit })
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> i64 {
        i64::from(self.count) * self.unit.seconds()
    }

    /// Its length as a time delta.
    pub fn delta(&self) -> TimeDelta {
        TimeDelta::seconds(self.seconds())
    }
}

impl DurationUnit {
    fn seconds(self) -> i64 {
        match self {
            DurationUnit::Seconds => 1,
            DurationUnit::Minutes => 60,
            DurationUnit::Hours => 3_600,
            DurationUnit::Days => 86_400,
            DurationUnit::Weeks => 604_800,
        }
    }
}

/// The text that `Duration::parse` reads, in its singular or plural.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            DurationUnit::Seconds => "second",
            DurationUnit::Minutes => "minute",
            DurationUnit::Hours => "hour",
            DurationUnit::Days => "day",
            DurationUnit::Weeks => "week",
        };
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {unit}{plural}", self.count)
    }
}

/// The days or the stretch of time that a question is about; always `[from, to)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// From the start of one day to the start of another, in the question's time zone.
    Dates {
        /// First day.
        from: NaiveDate,
        /// The day after the last; later than `from`.
        to: NaiveDate,
    },
    /// The stretch that ends at the question's `as_of` (default: now).
    Last(Duration),
}
