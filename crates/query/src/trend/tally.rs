//! What a trend gathers: for each cell - a group in an interval - the figures of each function.
//!
//! Rows come person by person, so that distinct people of a cell are counted by whether its last row was of somebody else.

use crate::cells::{self, Key};
use crate::error;
use crate::number::{compare, shown};
use arrow::datatypes::DataType;
use lake::Number;
use spec::{MeasureFunction, Result, Value};
use std::collections::{BTreeMap, HashMap};

/// Up to so many places are looked up by their number, more by a hash table.
const DENSE_PLACES_MAX: usize = 1 << 20;
/// No group or cell yet.
pub(super) const NONE_YET: u32 = u32::MAX;
/// No person has this number.
const NOBODY: i64 = -1;

/// One function over the rows of each cell.
pub(super) struct Tally {
    function: MeasureFunction,
    counts: Vec<Counts>,
    exact: Vec<i128>,
    double: Vec<f64>,
    extreme: Vec<Option<Number>>,
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
    /// Counts a row of a person.
    #[inline]
    fn count(&mut self, person: i64) {
        self.n_rows += 1;
        self.n_people += u64::from(self.last != person);
        self.last = person;
    }
}

impl Tally {
    fn new(function: MeasureFunction) -> Tally {
        Tally { function, counts: Vec::new(), exact: Vec::new(), double: Vec::new(), extreme: Vec::new() }
    }

    /// Makes room for one more cell.
    fn grow(&mut self) {
        self.counts.push(Counts { n_rows: 0, n_people: 0, last: NOBODY });
        match self.function {
            MeasureFunction::Count | MeasureFunction::People => {}
            MeasureFunction::Sum | MeasureFunction::Avg => {
                self.exact.push(0);
                self.double.push(0.0);
            }
            MeasureFunction::Min | MeasureFunction::Max => self.extreme.push(None),
        }
    }

    /// Counts rows of a person, given by their cells.
    pub(super) fn count(&mut self, person: i64, cells: &[usize]) {
        let counts = self.counts.as_mut_slice();
        cells.iter().for_each(|cell| counts[*cell].count(person));
    }

    /// Adds the numbers of a person's rows, each to its cell; a figure about a property is about the people who have it.
    pub(super) fn add(&mut self, person: i64, numbers: impl Iterator<Item = (usize, Option<Number>)>) {
        for (cell, number) in numbers {
            let Some(number) = number else { continue };
            self.counts[cell].count(person);
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

    /// The value of a cell, and how many distinct people it is about.
    pub(super) fn figure(&self, cell: usize, data_type: Option<&DataType>) -> Result<(Value, u64)> {
        let Counts { n_rows, n_people, .. } = self.counts[cell];
        let sum = |data_type: &DataType| match data_type {
            _ if n_rows == 0 => Ok(Value::Null),
            DataType::Float64 => Ok(Value::Number(self.double[cell])),
            _ => shown(Number::Exact(self.exact[cell]), data_type),
        };
        let missing = || error::bug("a figure about a property without one");
        let value = match self.function {
            MeasureFunction::Count => cells::count(n_rows),
            MeasureFunction::People => cells::count(n_people),
            MeasureFunction::Sum => sum(data_type.ok_or_else(missing)?)?,
            MeasureFunction::Avg => ratio(&sum(data_type.ok_or_else(missing)?)?, &cells::count(n_rows)),
            MeasureFunction::Min | MeasureFunction::Max => {
                let data_type = data_type.ok_or_else(missing)?;
                self.extreme[cell].map_or(Ok(Value::Null), |number| shown(number, data_type))?
            }
        };
        Ok((value, n_people))
    }
}

/// The cells of the parts that one thread has walked over.
pub(super) struct Gathered {
    n_intervals: usize,
    cells_max: usize,
    numbers: BTreeMap<Key, u32>,
    pub(super) names: Vec<Key>,
    /// The cell of a place, which is its group's number times the number of intervals plus its interval.
    dense: Vec<u32>,
    sparse: HashMap<usize, u32>,
    /// Group and interval of each cell.
    pub(super) cells: Vec<(u32, usize)>,
    pub(super) tallies: Vec<Tally>,
}

impl Gathered {
    pub(super) fn new(n_intervals: usize, functions: &[MeasureFunction], cells_max: usize) -> Gathered {
        Gathered {
            n_intervals,
            cells_max,
            numbers: BTreeMap::new(),
            names: Vec::new(),
            dense: Vec::new(),
            sparse: HashMap::new(),
            cells: Vec::new(),
            tallies: functions.iter().map(|function| Tally::new(*function)).collect(),
        }
    }

    /// The number of a group.
    pub(super) fn group(&mut self, key: Key) -> u32 {
        let next = u32::try_from(self.names.len()).expect("groups are bounded");
        let (names, name) = (&mut self.names, key.clone());
        let number = *self.numbers.entry(key).or_insert_with(|| {
            names.push(name);
            next
        });
        // Once there are too many it never grows again, so that a place is in one of the two for good.
        let n_places = self.names.len().saturating_mul(self.n_intervals);
        if n_places <= DENSE_PLACES_MAX {
            self.dense.resize(n_places, NONE_YET);
        }
        number
    }

    /// The place of a cell.
    #[inline]
    pub(super) fn place(&self, group: u32, interval: usize) -> usize {
        group as usize * self.n_intervals + interval
    }

    /// Makes places the numbers of their cells.
    pub(super) fn make(&mut self, places: &mut [usize]) -> Result<()> {
        for place in places {
            *place = match self.dense.get(*place) {
                Some(cell) if *cell != NONE_YET => *cell as usize,
                _ => self.cell(*place)?,
            };
        }
        Ok(())
    }

    /// The number of a cell, which is made when it is new.
    #[cold]
    fn cell(&mut self, place: usize) -> Result<usize> {
        let cell = match self.dense.get_mut(place) {
            Some(cell) => cell,
            None => self.sparse.entry(place).or_insert(NONE_YET),
        };
        if *cell == NONE_YET {
            if self.cells.len() >= self.cells_max {
                return Err(error::over_budget(&format!("{} groups", self.cells_max), "ask for fewer groups"));
            }
            *cell = u32::try_from(self.cells.len()).expect("cells are bounded");
            let group = u32::try_from(place / self.n_intervals).expect("groups are bounded");
            self.cells.push((group, place % self.n_intervals));
            self.tallies.iter_mut().for_each(Tally::grow);
        }
        Ok(*cell as usize)
    }

    /// Adds the cells of another thread, which are about other people.
    pub(super) fn merge(&mut self, other: Gathered) -> Result<()> {
        let groups: Vec<u32> = other.names.into_iter().map(|key| self.group(key)).collect();
        for (from, (group, interval)) in other.cells.into_iter().enumerate() {
            let cell = self.cell(self.place(groups[group as usize], interval))?;
            self.tallies.iter_mut().zip(&other.tallies).for_each(|(own, other)| own.merge(cell, other, from));
        }
        Ok(())
    }
}

/// One number divided by another, null where either is null or the divisor is 0.
pub(super) fn ratio(top: &Value, bottom: &Value) -> Value {
    match (double(top), double(bottom)) {
        (Some(top), Some(bottom)) if bottom != 0.0 => Value::Number(top / bottom),
        _ => Value::Null,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Number(value) => Some(*value),
        Value::Decimal(value) => value.to_string().parse().ok(),
        _ => None,
    }
}
