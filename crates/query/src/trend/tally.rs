//! What a trend gathers: for each cell - a group in an interval - the figures of each function.
//!
//! Rows come person by person, so that distinct people of a cell are counted by whether its last row was of somebody else.

use crate::cells::{self, Key};
use crate::error;
use crate::guard::{People, Sorting, add_classes};
use crate::number::{compare, double, part, shown};
use arrow::datatypes::DataType;
use lake::Number;
use spec::{Error, MeasureFunction, Result, Value};
use std::collections::{BTreeMap, HashMap};

/// Up to so many places, or their classes of people, are looked up by their number, more places by a hash table.
const DENSE_PLACES_MAX: usize = 1 << 20;
/// No place yet; adding an interval to it makes none either.
pub(super) const NONE_YET: usize = usize::MAX / 2;
/// No person has these numbers: nothing was met yet; rows were, but none of which anything is known of whom.
const NOBODY: i64 = -1;
const SOMEBODY: i64 = -2;

/// One function over the rows of each cell.
pub(super) struct Tally {
    function: MeasureFunction,
    sorting: Sorting,
    counts: Vec<Counts>,
    /// For each cell, its people by class; empty where people are not sorted.
    classes: Vec<u32>,
    /// Beside them how many rows they have, and what these add up to, as far as it is a part of the figure.
    rows: Vec<u32>,
    sums: Vec<u32>,
    exact: Vec<i128>,
    double: Vec<f64>,
    extreme: Vec<Option<Number>>,
}

/// What of a cell is told by itself, or as a part of what is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Total {
    pub(super) function: MeasureFunction,
    pub(super) value: Value,
    /// What the people of each class add to it; empty where people are not sorted, or count alone.
    pub(super) amounts: Vec<u32>,
}

/// The rows of a cell.
#[derive(Clone, Copy)]
struct Counts {
    n_rows: u64,
    /// Whom the last row was of.
    last: i64,
    /// Distinct people.
    n_people: u64,
}

impl Counts {
    /// Counts a row of a person; whether it is the person's first.
    #[inline]
    fn count(&mut self, person: i64) -> bool {
        let is_first = self.last != person;
        self.n_rows += 1;
        self.n_people += u64::from(is_first);
        self.last = person;
        is_first
    }

    /// Takes down that there is a row, though it does not count.
    #[inline]
    fn meet(&mut self) {
        if self.last == NOBODY {
            self.last = SOMEBODY;
        }
    }
}

impl Tally {
    fn new(function: MeasureFunction, sorting: Sorting) -> Tally {
        Tally {
            function,
            sorting,
            counts: Vec::new(),
            classes: Vec::new(),
            rows: Vec::new(),
            sums: Vec::new(),
            exact: Vec::new(),
            double: Vec::new(),
            extreme: Vec::new(),
        }
    }

    /// Makes room for so many cells.
    fn grow(&mut self, n_cells: usize) {
        self.counts.resize(n_cells, Counts { n_rows: 0, n_people: 0, last: NOBODY });
        let n_sorted = n_cells * self.sorting.n_classes();
        self.classes.resize(n_sorted, 0);
        if matches!(self.function, MeasureFunction::Count | MeasureFunction::Avg) {
            self.rows.resize(n_sorted, 0);
        }
        if matches!(self.function, MeasureFunction::Sum | MeasureFunction::Avg) {
            self.sums.resize(n_sorted, 0);
        }
        match self.function {
            MeasureFunction::Count | MeasureFunction::People => {}
            MeasureFunction::Sum | MeasureFunction::Avg => {
                self.exact.resize(n_cells, 0);
                self.double.resize(n_cells, 0.0);
            }
            MeasureFunction::Min | MeasureFunction::Max => self.extreme.resize(n_cells, None),
        }
    }

    /// Whether a cell has any row, with a value or without.
    fn is_filled(&self, cell: usize) -> bool {
        self.counts[cell].last != NOBODY
    }

    /// Counts a row of a person.
    fn count(&mut self, person: i64, cell: usize) {
        let is_first = self.counts[cell].count(person);
        let place = cell * self.sorting.n_classes() + self.sorting.class(person).place();
        if let Some(people) = self.classes.get_mut(place) {
            *people += u32::from(is_first);
        }
        if let Some(rows) = self.rows.get_mut(place) {
            *rows = rows.wrapping_add(1);
        }
    }

    /// Adds what a row of a person holds to the sum of the person's class.
    #[inline]
    fn sort_sum(&mut self, person: i64, cell: usize, number: Number) {
        let place = cell * self.sorting.n_classes() + self.sorting.class(person).place();
        if let Some(sum) = self.sums.get_mut(place) {
            *sum = sum.wrapping_add(part(number));
        }
    }

    /// What stands for a cell's classes: its people, or its rows or sums.
    fn of_cell<'t>(&self, all: &'t [u32], cell: usize) -> &'t [u32] {
        let n_classes = self.sorting.n_classes();
        all.get(cell * n_classes..(cell + 1) * n_classes).unwrap_or(&[])
    }

    /// Adds the numbers of a person's rows, each to its cell; a figure about a property is about the people who have it.
    pub(super) fn add(&mut self, person: i64, numbers: impl Iterator<Item = (usize, Option<Number>)>) {
        for (cell, number) in numbers {
            let Some(number) = number else {
                self.counts[cell].meet();
                continue;
            };
            self.count(person, cell);
            self.sort_sum(person, cell, number);
            match (self.function, number) {
                (MeasureFunction::Sum | MeasureFunction::Avg, Number::Exact(value)) => {
                    // Two decimals of 38 digits can be more than there is; then the most there is stands for it.
                    self.exact[cell] = self.exact[cell].saturating_add(value);
                }
                (MeasureFunction::Sum | MeasureFunction::Avg, Number::Double(value)) => self.double[cell] += value,
                (MeasureFunction::Min | MeasureFunction::Max, number) => self.add_extreme(cell, number),
                (MeasureFunction::Count | MeasureFunction::People, _) => {}
            }
        }
    }

    fn add_extreme(&mut self, cell: usize, number: Number) {
        let is_min = self.function == MeasureFunction::Min;
        let is_further = |known: Number| compare(number, known).is_lt() == is_min && number != known;
        if self.extreme[cell].is_none_or(is_further) {
            self.extreme[cell] = Some(number);
        }
    }

    /// Adds a cell of other people.
    fn merge(&mut self, cell: usize, other: &Tally, from: usize) {
        let (counts, others) = (&mut self.counts[cell], &other.counts[from]);
        counts.n_people += others.n_people;
        counts.n_rows += others.n_rows;
        counts.meet();
        let n_classes = self.sorting.n_classes();
        for (own, others) in
            [(&mut self.classes, &other.classes), (&mut self.rows, &other.rows), (&mut self.sums, &other.sums)]
        {
            if !own.is_empty() {
                add_classes(&mut own[cell * n_classes..][..n_classes], other.of_cell(others, from));
            }
        }
        match self.function {
            MeasureFunction::Count | MeasureFunction::People => {}
            MeasureFunction::Sum | MeasureFunction::Avg => {
                self.exact[cell] = self.exact[cell].saturating_add(other.exact[from]);
                self.double[cell] += other.double[from];
            }
            MeasureFunction::Min | MeasureFunction::Max => {
                other.extreme[from].into_iter().for_each(|number| self.add_extreme(cell, number));
            }
        }
    }

    /// The totals of a cell, and the distinct people they are about: of an average both that it is made of. One that cannot
    /// be written down is an error only where so many are behind it that it could be told: else the error would tell of a few.
    pub(super) fn figure(&self, cell: usize, data_type: Option<&DataType>, least: u64) -> Result<(Vec<Total>, People)> {
        let n_people = self.counts[cell].n_people;
        let functions = match self.function {
            MeasureFunction::Avg => vec![MeasureFunction::Sum, MeasureFunction::Count],
            function => vec![function],
        };
        let total = |function: MeasureFunction| {
            let value = self.value(function, cell, data_type);
            let value = if n_people < least { value.unwrap_or(Value::Null) } else { value? };
            let amounts = match function {
                MeasureFunction::Count => self.of_cell(&self.rows, cell),
                MeasureFunction::Sum => self.of_cell(&self.sums, cell),
                _ => &[],
            };
            Ok(Total { function, value, amounts: amounts.to_vec() })
        };
        let totals = functions.into_iter().map(total).collect::<Result<_>>()?;
        Ok((totals, People::from_parts(n_people, self.of_cell(&self.classes, cell))))
    }

    fn value(&self, function: MeasureFunction, cell: usize, data_type: Option<&DataType>) -> Result<Value> {
        let Counts { n_rows, n_people, .. } = self.counts[cell];
        let sum = |data_type: &DataType| match data_type {
            _ if n_rows == 0 => Ok(Value::Null),
            DataType::Float64 => Ok(Value::Number(self.double[cell])),
            _ => shown(Number::Exact(self.exact[cell]), data_type),
        };
        let missing = || error::bug("a figure about a property without one");
        Ok(match function {
            MeasureFunction::Count => cells::count(n_rows),
            MeasureFunction::People => cells::count(n_people),
            MeasureFunction::Sum => sum(data_type.ok_or_else(missing)?)?,
            MeasureFunction::Avg => return Err(error::bug("an average is no total")),
            MeasureFunction::Min | MeasureFunction::Max => {
                let data_type = data_type.ok_or_else(missing)?;
                self.extreme[cell].map_or(Ok(Value::Null), |number| shown(number, data_type))?
            }
        })
    }
}

/// The cells of the parts that one thread has walked over.
///
/// The place of a cell is its group's number times the number of intervals plus its interval. As long as there are few
/// places each is its own cell, whether anything is in it or not; once there are many, new ones get a cell when they are met.
pub(super) struct Gathered {
    n_intervals: usize,
    cells_max: usize,
    dense_max: usize,
    numbers: BTreeMap<Key, u32>,
    names: Vec<Key>,
    n_dense: usize,
    sparse: HashMap<usize, usize>,
    /// The places of the cells after the dense ones.
    sparse_places: Vec<usize>,
    pub(super) tallies: Vec<Tally>,
}

impl Gathered {
    pub(super) fn new(
        n_intervals: usize,
        functions: &[MeasureFunction],
        (cells_max, sorting): (usize, Sorting),
    ) -> Gathered {
        Gathered {
            n_intervals,
            cells_max,
            dense_max: DENSE_PLACES_MAX / sorting.n_classes().max(1),
            numbers: BTreeMap::new(),
            names: Vec::new(),
            n_dense: 0,
            sparse: HashMap::new(),
            sparse_places: Vec::new(),
            tallies: functions.iter().map(|function| Tally::new(*function, sorting)).collect(),
        }
    }

    /// The first place of a group.
    pub(super) fn group(&mut self, key: Key) -> Result<usize> {
        let next = u32::try_from(self.names.len()).expect("groups are bounded");
        let (names, name) = (&mut self.names, key.clone());
        let number = *self.numbers.entry(key).or_insert_with(|| {
            names.push(name);
            next
        });
        // Something is in each of them.
        if self.names.len() > self.cells_max {
            return Err(self.too_many());
        }
        // Once there are too many it never grows again, so that a place is in one of the two for good.
        let n_places = self.names.len().saturating_mul(self.n_intervals);
        if n_places <= self.dense_max && n_places > self.n_dense {
            self.n_dense = n_places;
            self.tallies.iter_mut().for_each(|tally| tally.grow(n_places));
        }
        Ok(number as usize * self.n_intervals)
    }

    /// Counts rows of a person up to the first whose place is not a cell; says how many.
    #[inline]
    pub(super) fn count_dense(&mut self, index: usize, person: i64, places: impl Iterator<Item = usize>) -> usize {
        let tally = &mut self.tallies[index];
        let mut n_counted = 0;
        if tally.classes.is_empty() {
            let cells = &mut tally.counts[..self.n_dense];
            for place in places {
                let Some(cell) = cells.get_mut(place) else { return n_counted };
                cell.count(person);
                n_counted += 1;
            }
            return n_counted;
        }
        for place in places {
            if place >= self.n_dense {
                return n_counted;
            }
            tally.count(person, place);
            n_counted += 1;
        }
        n_counted
    }

    /// Counts one row of a person, wherever its place is.
    #[cold]
    pub(super) fn count_one(&mut self, index: usize, person: i64, place: usize) -> Result<()> {
        let cell = self.cell(place)?;
        self.tallies[index].count(person, cell);
        Ok(())
    }

    /// Makes places the numbers of their cells.
    pub(super) fn make(&mut self, places: &mut [usize]) -> Result<()> {
        // One look at all of them instead of a branch for each.
        if places.iter().fold(0, |most, place| most.max(*place)) >= self.n_dense {
            for place in places {
                *place = self.cell(*place)?;
            }
        }
        Ok(())
    }

    /// The cell of a place.
    fn cell(&mut self, place: usize) -> Result<usize> {
        if place < self.n_dense {
            return Ok(place);
        }
        let next = self.n_dense + self.sparse_places.len();
        let cell = *self.sparse.entry(place).or_insert(next);
        if cell == next {
            if self.sparse_places.len() >= self.cells_max {
                return Err(self.too_many());
            }
            self.sparse_places.push(place);
            self.tallies.iter_mut().for_each(|tally| tally.grow(next + 1));
        }
        Ok(cell)
    }

    /// Ends a walk early whose answer has too many rows already: groups that enough people of one thread stand behind are
    /// named whatever the others find.
    pub(super) fn check_named(&self, least: u64) -> Result<()> {
        if self.names.len().saturating_mul(self.n_intervals) <= self.cells_max {
            return Ok(());
        }
        let mut is_named = vec![false; self.names.len()];
        for (place, cell) in self.filled() {
            is_named[place / self.n_intervals] |= self.tallies.iter().all(|tally| tally.counts[cell].n_people >= least);
        }
        let n_named = is_named.into_iter().filter(|is_named| *is_named).count();
        if n_named.saturating_mul(self.n_intervals) > self.cells_max {
            return Err(self.too_many());
        }
        Ok(())
    }

    fn too_many(&self) -> Error {
        too_many(self.cells_max)
    }

    /// The places of cells that have rows, and the cells.
    fn filled(&self) -> impl Iterator<Item = (usize, usize)> {
        let places = (0..self.n_dense).chain(self.sparse_places.iter().copied());
        places.zip(0..).filter(|(_, cell)| self.tallies.iter().any(|tally| tally.is_filled(*cell)))
    }

    /// The group and the interval of each cell that has rows, and the cell.
    pub(super) fn cells(&self) -> Result<Vec<(&Key, usize, usize)>> {
        let named = |(place, cell)| (&self.names[place / self.n_intervals], place % self.n_intervals, cell);
        let cells: Vec<_> = self.filled().map(named).collect();
        if cells.len() > self.cells_max { Err(self.too_many()) } else { Ok(cells) }
    }

    /// Adds the cells of another thread, which are about other people.
    pub(super) fn merge(&mut self, other: &Gathered) -> Result<()> {
        let groups = other.names.iter().map(|key| self.group(key.clone())).collect::<Result<Vec<usize>>>()?;
        for (place, from) in other.filled() {
            let cell = self.cell(groups[place / self.n_intervals] + place % self.n_intervals)?;
            self.tallies.iter_mut().zip(&other.tallies).for_each(|(own, other)| own.merge(cell, other, from));
        }
        Ok(())
    }
}

/// The answer would have more groups in more intervals than one may have.
pub(super) fn too_many(groups_max: usize) -> Error {
    error::over_budget(&format!("{groups_max} groups"), "ask for fewer groups")
}

/// One number divided by another, null where either is null or the divisor is 0.
pub(super) fn ratio(top: &Value, bottom: &Value) -> Value {
    match (double(top), double(bottom)) {
        (Some(top), Some(bottom)) if bottom != 0.0 => Value::Number(top / bottom),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_whose_people_are_sorted_take_no_more_than_others() {
        let sorting = Sorting::for_groups(1_000);
        let mut all = Gathered::new(10_000, &[MeasureFunction::Avg], (4_000, sorting));
        let first = all.group(Key(Vec::new())).expect("groups are few");
        let cell = all.cell(first + 9_999).expect("cells are few");
        all.tallies[0].add(5, [(cell, Some(Number::Exact(7)))].into_iter());
        let tally = &all.tallies[0];
        assert!(tally.classes.len() <= DENSE_PLACES_MAX && tally.sums.len() <= DENSE_PLACES_MAX);
        assert_eq!(all.cells().expect("cells are few").len(), 1);
    }

    #[test]
    fn a_group_in_which_nobody_has_a_value_is_there() {
        let gathered = || Gathered::new(3, &[MeasureFunction::Sum], (10, Sorting::default()));
        let mut all = gathered();
        let mut other = gathered();
        for name in ["a", "b"] {
            let first = other.group(Key(vec![Value::Text(name.into())])).expect("groups are few");
            let number = (name == "b").then_some(Number::Exact(7));
            other.tallies[0].add(5, [(first + 1, number)].into_iter());
        }
        all.merge(&other).expect("cells are few");
        let cells: Vec<(Key, usize, u64)> = all
            .cells()
            .expect("cells are few")
            .into_iter()
            .map(|(key, interval, cell)| {
                let (_, people) = all.tallies[0].figure(cell, Some(&DataType::Int64), 0).expect("it is a sum");
                (key.clone(), interval, people.len())
            })
            .collect();
        let key = |name: &str| Key(vec![Value::Text(name.into())]);
        assert!(cells == [(key("a"), 1, 0), (key("b"), 1, 1)], "a cell is lost, or made up");
    }
}
