//! When a question looks: its period, and the intervals of a time zone within it.

use crate::error;
use crate::plan::Scope;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use spec::{Instant, Interval, Period, Result};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// The intervals of a question, ready to be looked up in.
pub(crate) struct Intervals {
    /// Their starts and the end of the last, in microseconds.
    borders: Vec<i64>,
    guess: Guess,
    /// Whether what is guessed is the interval or the one before it.
    is_even: bool,
}

/// Guesses the interval of a time, as if all were as long as each other.
#[derive(Clone, Copy)]
struct Guess {
    /// When the first one starts, in microseconds, or somewhat later so that no guess is too late.
    first: i64,
    /// Intervals per microsecond, on average, times 2^64.
    per_micro: u64,
    /// The number of the last.
    last: usize,
}

impl Intervals {
    /// Those with these starts; the last one ends with the period.
    pub(crate) fn new(starts: &[Instant], to: Instant) -> Intervals {
        let mut borders: Vec<i64> = starts.iter().map(Instant::timestamp_micros).collect();
        borders.push(to.timestamp_micros());
        // The period's end may cut the last one short.
        let n_whole = starts.len().saturating_sub(1).max(1).min(borders.len() - 1);
        let length = u128::from(borders[n_whole].abs_diff(borders[0])).max(1);
        let per_micro = u64::try_from(((n_whole as u128) << 64) / length).unwrap_or(u64::MAX);
        let mut guess = Guess { first: borders[0], per_micro, last: starts.len().saturating_sub(1) };
        let starts_later = |(interval, start): (usize, &i64)| {
            let expected = i64::try_from(length * interval as u128 / n_whole as u128).unwrap_or(i64::MAX);
            start.saturating_sub(borders[0]).saturating_sub(expected)
        };
        guess.first += borders[..starts.len()].iter().enumerate().map(starts_later).max().unwrap_or(0).max(0);
        let is_near = |interval: usize| {
            let (start, end) = (borders[interval], borders[interval + 1].saturating_sub(1));
            guess.of(start) + 1 >= interval && guess.of(end) <= interval
        };
        let is_even = (0..starts.len()).all(is_near);
        Intervals { borders, guess, is_even }
    }

    /// The number of them.
    pub(crate) fn len(&self) -> usize {
        self.borders.len() - 1
    }

    /// When an interval starts, in microseconds.
    pub(crate) fn start(&self, interval: usize) -> i64 {
        self.borders[interval]
    }

    /// The interval of a time within the period.
    #[inline]
    pub(crate) fn of(&self, at: i64) -> usize {
        if self.is_even {
            // Without a branch: times near a border cannot be told in advance.
            let guess = self.guess.of(at);
            return guess + usize::from(at >= self.borders[guess + 1]);
        }
        self.borders[..self.len()].partition_point(|start| *start <= at).saturating_sub(1)
    }
}

impl Guess {
    #[inline]
    fn of(self, at: i64) -> usize {
        let since = at.saturating_sub(self.first).max(0).unsigned_abs();
        let guess = (u128::from(since) * u128::from(self.per_micro)) >> 64;
        usize::try_from(guess).unwrap_or(usize::MAX).min(self.last)
    }
}

/// The instants `[from, to)` that a question looks at; without a period, from the first event to the last.
pub(crate) fn period_bounds(
    scope: Scope<'_>,
    period: Option<&Period>,
    as_of: Option<Instant>,
) -> Result<(Instant, Instant)> {
    let as_of = as_of.unwrap_or(scope.plan.now);
    let zone = scope.plan.question.time_zone;
    match period {
        Some(Period::Dates { from, to }) => Ok((midnight(*from, zone)?, midnight(*to, zone)?)),
        Some(Period::Last(duration)) => {
            let from = as_of.checked_sub_signed(duration.delta());
            Ok((from.ok_or_else(|| error::bug("a period before the calendar"))?, as_of))
        }
        None => match scope.span()? {
            Some((first, last)) => Ok((first.min(as_of), (last + TimeDelta::microseconds(1)).min(as_of))),
            None => Ok((as_of, as_of)),
        },
    }
}

/// When a local time comes to pass: the earlier of two, or the first instant after a gap.
fn local_instant(local: NaiveDateTime, zone: chrono_tz::Tz) -> Result<Instant> {
    let hours = (0..=24).map(|hours| local + TimeDelta::hours(hours));
    let found = hours.filter_map(|local| zone.from_local_datetime(&local).earliest()).next();
    found.map(|at| at.with_timezone(&Utc)).ok_or_else(|| error::bug("a day that never comes"))
}

fn midnight(day: NaiveDate, zone: chrono_tz::Tz) -> Result<Instant> {
    local_instant(day.and_time(NaiveTime::MIN), zone)
}

/// The starts of all intervals that touch `[from, to)`; one for the whole with `by: none`.
pub(crate) fn interval_starts(
    by: Interval,
    from: Instant,
    to: Instant,
    zone: chrono_tz::Tz,
    most: usize,
) -> Result<Vec<Instant>> {
    let mut starts = Vec::new();
    if by == Interval::None {
        return Ok(vec![from]);
    }
    let local = from.with_timezone(&zone).naive_local();
    let day = local.date();
    let first_day = match by {
        Interval::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        Interval::Month => day.with_day(1).ok_or_else(|| error::bug("a month without a first day"))?,
        Interval::Hour | Interval::Day | Interval::None => day,
    };
    let mut at = match by {
        // Hours are counted in absolute time, so that a repeated hour is two hours.
        Interval::Hour => from - TimeDelta::microseconds(from.timestamp_micros().rem_euclid(MICROS_PER_HOUR)),
        _ => midnight(first_day, zone)?,
    };
    let mut next_day = first_day;
    while at < to {
        if starts.len() >= most {
            return Err(error::over_budget(
                &format!("{most} intervals"),
                "ask for longer intervals or a shorter period",
            ));
        }
        // A day that a time zone skips begins when the next one does.
        if starts.last() != Some(&at) {
            starts.push(at);
        }
        at = match by {
            Interval::Hour => at + TimeDelta::hours(1),
            _ => {
                next_day = match by {
                    Interval::Week => next_day + Days::new(7),
                    Interval::Month => next_day + Months::new(1),
                    _ => next_day + Days::new(1),
                };
                midnight(next_day, zone)?
            }
        };
    }
    Ok(starts)
}

#[cfg(test)]
mod tests;
