//! Events that a question is about, picked from a part person by person.
//!
//! Most questions are about few of all events. These are found first, in short loops without branches that are hard to
//! guess, for so many people at a time that what is found stays near the processor.

use crate::pass::{Part, Values};
use lake::{PersonRows, Row};
use spec::{FieldRef, Result};
use std::ops::Range;

/// People are picked for together until they have so many rows.
const ROWS_AT_ONCE: usize = 4 * 1024;

/// Events of one person, in the order of time.
#[derive(Clone, Copy)]
pub(crate) struct Picked<'e> {
    pub(crate) rows: &'e [Row],
    /// When they happened, in microseconds since 1970.
    pub(crate) times: &'e [i64],
}

impl Part<'_> {
    /// Visits people, ascending, who have events with wanted codes within `[start, end)`, in microseconds since 1970.
    ///
    /// # Shape
    /// `wanted` says it of each code of an event's name; `fields` are those that will be looked at.
    pub(crate) fn each_person(
        &self,
        wanted: &[bool],
        period: &Range<i64>,
        fields: &[FieldRef],
        mut visit: impl FnMut(&PersonRows, Picked<'_>) -> Result<()>,
    ) -> Result<()> {
        let (mut rows, mut times, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns = Vec::new();
        for field in fields {
            if let Values::Property(column) = self.values(field)? {
                columns.push(column);
            }
        }
        let mut people = self.people();
        while !people.is_empty() {
            let (some, others) = people.split_at(n_at_once(people));
            people = others;
            rows.clear();
            times.clear();
            ends.clear();
            self.events().find(some, wanted, &mut rows, &mut ends);
            times.extend(rows.iter().map(|row| self.time(*row)));
            columns.iter().for_each(|column| column.read_ahead(&rows));
            let mut start = 0;
            for (person, end) in some.iter().zip(&ends) {
                let own = start..*end;
                start = *end;
                let inside = within(&times[own.clone()], period);
                if !inside.is_empty() {
                    let own = own.start + inside.start..own.start + inside.end;
                    visit(person, Picked { rows: &rows[own.clone()], times: &times[own] })?;
                }
            }
        }
        Ok(())
    }
}

/// How many of the first people have few enough rows; one at least.
fn n_at_once(people: &[PersonRows]) -> usize {
    let mut n_rows = 0;
    let is_full = |person: &PersonRows| {
        n_rows += person.places().len();
        n_rows > ROWS_AT_ONCE
    };
    people.iter().position(is_full).unwrap_or(people.len()).max(1)
}

/// The places of times within a period.
fn within(times: &[i64], period: &Range<i64>) -> Range<usize> {
    let is_inside = |at: Option<&i64>| at.is_none_or(|at| period.contains(at));
    if is_inside(times.first()) && is_inside(times.last()) {
        return 0..times.len();
    }
    let start = times.partition_point(|at| *at < period.start);
    start..times.partition_point(|at| *at < period.end).max(start)
}
