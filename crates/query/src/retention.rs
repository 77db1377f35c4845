//! Retention: who comes back, interval by interval, of those who started in one.

use crate::cells;
use crate::error;
use crate::guard::{Guard, People, Sorting};
use crate::pass::{Filter, Part, Pass, Wanted};
use crate::period::{Intervals, interval_starts, period_bounds};
use crate::plan::{Rows, Scope};
use chrono::TimeDelta;
use lake::Row;
use spec::{Column, Instant, Interval, Result, RetentionQuestion, Value, ValueType};
use std::ops::Range;

/// Answers a retention; its meaning is in the manual.
///
/// # Shape
/// One row per interval that touches the period: cohort, size, p0, p1, ...
pub(crate) fn run(scope: Scope<'_>, question: &RetentionQuestion) -> Result<Rows> {
    let as_of = question.as_of.unwrap_or(scope.plan.now);
    let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
    let cohorts = interval_starts(question.by, from, to, scope.plan.question.time_zone, scope.limits.groups_max)?;
    let n_periods = question.periods as usize;
    if cohorts.len().saturating_mul(n_periods) > scope.limits.groups_max {
        let most = format!("{} cells", scope.limits.groups_max);
        return Err(error::over_budget(&most, "ask for a shorter period, longer intervals or fewer of them"));
    }
    // The last cohort's intervals, and the start of the one after them.
    let borders = borders(scope, question, (from, to), cohorts.len() + n_periods)?;
    let end = borders.last().copied().unwrap_or(to);
    let pass = open(scope, question, (borders.first().copied().unwrap_or(from), end.min(as_of)))?;
    let retention = Retention {
        start: pass.filter_both(&question.start.filter, &question.filter)?,
        coming_back: pass.filter_both(&question.coming_back.filter, &question.filter)?,
        question,
        intervals: Intervals::new(&borders[..borders.len() - 1], end),
        starts: from.timestamp_micros()..to.min(as_of).timestamp_micros(),
        until: end.min(as_of).timestamp_micros(),
        n_periods,
    };
    scope.foretell(&pass, &|| true)?;
    let sorting = scope.guard.sorting();
    let new = || Counts {
        n_periods,
        sorting,
        sizes: vec![sorting.nobody(); cohorts.len()],
        returned: vec![sorting.nobody(); cohorts.len() * n_periods],
    };
    let mut all = new();
    for counts in pass.fold_on(usize::MAX, scope.limits, &new, &|counts, part| retention.fold(counts, part))? {
        all.sizes.iter_mut().zip(&counts.sizes).for_each(|(all, more)| all.merge(more));
        all.returned.iter_mut().zip(&counts.returned).for_each(|(all, more)| all.merge(more));
    }
    let has_ended = |interval: usize| borders[interval + 1] <= as_of;
    let (columns, rows) = table(&cohorts, &all, scope.guard, &has_ended);
    Ok(Rows::new(columns, rows, pass.cost()))
}

/// So many starts of intervals from the first cohort on, and then the end of the last of them.
fn borders(
    scope: Scope<'_>,
    question: &RetentionQuestion,
    (from, to): (Instant, Instant),
    n_borders: usize,
) -> Result<Vec<Instant>> {
    let longest = match question.by {
        Interval::Hour | Interval::Day => TimeDelta::days(2),
        Interval::Week => TimeDelta::days(8),
        Interval::Month | Interval::None => TimeDelta::days(32),
    };
    let n_more = i32::try_from(question.periods + 1).map_err(|_| error::bug("a retention without end"))?;
    let until = to.checked_add_signed(longest * n_more).ok_or_else(|| error::bug("a period after the calendar"))?;
    // Intervals of one length at least: there are no more than twice as many as are wanted.
    let most = n_borders.saturating_mul(3).saturating_add(64);
    let mut borders = interval_starts(question.by, from, until, scope.plan.question.time_zone, most)?;
    borders.truncate(n_borders);
    Ok(borders)
}

fn open(scope: Scope<'_>, question: &RetentionQuestion, (from, to): (Instant, Instant)) -> Result<Pass> {
    let mut wanted = Wanted::default();
    for step in [&question.start, &question.coming_back] {
        step.filter.iter().for_each(|filter| wanted.condition(filter));
    }
    question.filter.iter().for_each(|filter| wanted.condition(filter));
    Pass::open(&scope.plan.properties, &wanted, (Some(from), Some(to)), scope.grant, scope.snapshot)
}

struct Retention<'a> {
    question: &'a RetentionQuestion,
    start: Option<Filter>,
    coming_back: Option<Filter>,
    intervals: Intervals,
    /// When people start, in microseconds.
    starts: Range<i64>,
    /// Up to when they come back.
    until: i64,
    n_periods: usize,
}

/// People by cohort, and by cohort and interval since.
struct Counts {
    n_periods: usize,
    sorting: Sorting,
    sizes: Vec<People>,
    returned: Vec<People>,
}

impl Retention<'_> {
    fn fold(&self, counts: &mut Counts, part: &Part<'_>) -> Result<()> {
        let takers = part.takers([&self.question.start.event, &self.question.coming_back.event].into_iter());
        let is_taken =
            |place: usize| -> Vec<bool> { takers.iter().map(|taken_by| taken_by.contains(&place)).collect() };
        let (starts, returns) = (is_taken(0), is_taken(1));
        let wanted: Vec<bool> = takers.iter().map(|taken_by| !taken_by.is_empty()).collect();
        let mask = |filter: &Option<Filter>| filter.as_ref().map(|filter| filter.mask(part)).transpose();
        let (may_start, may_return) = (mask(&self.start)?, mask(&self.coming_back)?);
        let passes = |mask: &Option<Vec<bool>>, row: Row| mask.as_ref().is_none_or(|mask| mask[row.index()]);
        let code = |row: Row| part.events().code(row);
        part.each_person(&wanted, &(i64::MIN..self.until), &[], |person, picked| {
            let mut events = picked.rows.iter().zip(picked.times);
            let is_start = |(row, at): &(&Row, &i64)| {
                self.starts.contains(*at) && starts[code(**row)] && passes(&may_start, **row)
            };
            let Some((_, at)) = events.clone().find(is_start) else { return Ok(()) };
            let cohort = self.intervals.of(*at);
            let class = counts.sorting.class(person.person());
            counts.sizes[cohort].add(class);
            // One bit for each interval in which the person came back.
            let mut came_back: u64 = 0;
            let since = self.intervals.start(cohort);
            let is_return =
                |(row, at): &(&Row, &i64)| **at >= since && returns[code(**row)] && passes(&may_return, **row);
            while let Some((_, at)) = events.find(is_return) {
                let since = self.intervals.of(*at) - cohort;
                if since < self.n_periods {
                    came_back |= 1 << since;
                }
            }
            let cells = &mut counts.returned[cohort * self.n_periods..][..self.n_periods];
            let reached = cells.iter_mut().enumerate().filter(|(since, _)| came_back >> since & 1 == 1);
            reached.for_each(|(_, cell)| cell.add(class));
            Ok(())
        })
    }
}

/// The answer's columns and rows; `has_ended` tells of an interval, counted from the first cohort on.
fn table(
    cohorts: &[Instant],
    counts: &Counts,
    guard: &Guard,
    has_ended: &dyn Fn(usize) -> bool,
) -> (Vec<Column>, Vec<Vec<Value>>) {
    let n_periods = counts.n_periods;
    let mut columns = vec![
        cells::column("cohort", ValueType::Timestamp, None),
        cells::column("size", ValueType::Integer, Some("people")),
    ];
    columns.extend((0..n_periods).map(|n| cells::column(&format!("p{n}"), ValueType::Integer, Some("people"))));
    let mut rows = Vec::with_capacity(cohorts.len());
    for (cohort, start) in cohorts.iter().enumerate() {
        let mut is_withheld = false;
        let first = guard.n_told();
        let at = (1 + n_periods as u64, first);
        let all = &counts.sizes[cohort];
        let size = guard.step(all, &|| format!("{start} 0"), at);
        let mut shown = |told: Option<Value>| {
            is_withheld |= told.is_none();
            told.unwrap_or(Value::Null)
        };
        let mut row = vec![Value::Timestamp(*start), shown(size.clone())];
        for since in 0..n_periods {
            let people = &counts.returned[cohort * n_periods + since];
            let told = || guard.part(people, (all, &size), &|| format!("{start} {}", 1 + since), at);
            row.push(if has_ended(cohort + since) { shown(told()) } else { Value::Null });
        }
        rows.push((row, is_withheld));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    (columns, rows)
}
