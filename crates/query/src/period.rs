//! When a question looks: its period, and the intervals of a time zone within it.

use crate::error;
use crate::plan::{Scope, span};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use spec::{Instant, Interval, Period, Result};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// The intervals of a question, ready to be looked up in.
pub(crate) struct Intervals {
    /// Their starts and the end of the last, in microseconds.
    borders: Vec<i64>,
    /// Intervals per microsecond, on average.
    per_micro: f64,
}

impl Intervals {
    /// Those with these starts; the last one ends with the period.
    pub(crate) fn new(starts: &[Instant], to: Instant) -> Intervals {
        let mut borders: Vec<i64> = starts.iter().map(Instant::timestamp_micros).collect();
        borders.push(to.timestamp_micros());
        let length = borders[borders.len() - 1].saturating_sub(borders[0]);
        Intervals { per_micro: starts.len() as f64 / length.max(1) as f64, borders }
    }

    /// The number of them.
    pub(crate) fn len(&self) -> usize {
        self.borders.len() - 1
    }

    /// When an interval starts, in microseconds.
    pub(crate) fn start(&self, interval: usize) -> i64 {
        self.borders[interval]
    }

    /// The instant after an interval, in microseconds.
    pub(crate) fn end(&self, interval: usize) -> i64 {
        self.borders[interval + 1]
    }

    /// The interval of a time within the period.
    #[inline]
    pub(crate) fn of(&self, at: i64) -> usize {
        // Intervals are about as long as each other: a guess, and a step or two from there.
        let guess = (at.saturating_sub(self.borders[0]) as f64 * self.per_micro) as usize;
        let mut interval = guess.min(self.len().saturating_sub(1));
        while interval > 0 && at < self.borders[interval] {
            interval -= 1;
        }
        while interval + 1 < self.len() && at >= self.borders[interval + 1] {
            interval += 1;
        }
        interval
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
        None => match span(scope.grant, scope.snapshot, scope.limits)? {
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
        starts.push(at);
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
