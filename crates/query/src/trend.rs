//! Trends: a measure per interval and group, in one walk over the granted rows.
//!
//! Rows come person by person, so that distinct people of a cell are counted by whether its last row was of somebody else.
//! Each thread gathers the cells of its parts; what is distinct in one part is in no other, so that threads just add up.

use crate::cells::{self, Key, WITHHELD};
use crate::error;
use crate::groups::PartGroups;
use crate::number::{compare, shown};
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::period::{Intervals, interval_starts, period_bounds};
use crate::plan::{Plan, Rows, Scope};
use arrow::datatypes::DataType;
use lake::{Column, Number, Numbers, PersonRows};
use spec::{
    FieldRef, Instant, Interval, Measure, MeasureAtom, MeasureFunction, Result, TrendQuestion, Value, ValueType,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Up to so many places are looked up by their number, more by a hash table.
const DENSE_PLACES_MAX: usize = 1 << 20;
/// A measure has so many functions at most.
const ATOMS_MAX: usize = 2;
/// No group or cell yet.
const NONE_YET: u32 = u32::MAX;

/// Answers a trend; its meaning is in the manual.
///
/// # Shape
/// Interval x group, sorted by interval, then group ascending with null last; columns: interval (unless `by: none`),
/// breakdown..., value.
pub(crate) fn run(scope: Scope<'_>, question: &TrendQuestion) -> Result<Rows> {
    let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
    let starts = interval_starts(question.by, from, to, scope.plan.question.time_zone, scope.limits.groups_max)?;
    let atoms = match &question.measure {
        Measure::Atom(atom) => vec![atom.clone()],
        Measure::Ratio(top, bottom) => vec![top.clone(), bottom.clone()],
        Measure::Metric(_) => return Err(error::bug("a metric was not replaced by its definition")),
    };
    let trend = Trend::open(scope, question, atoms, &starts, (from, to))?;
    // Sums of doubles depend on their order. One thread keeps that of people and time, whatever stands between them.
    let n_threads = if trend.has_doubles() { 1 } else { usize::MAX };
    let new = || Gathered::new(trend.intervals.len(), &trend.functions(), scope.limits.groups_max);
    let mut threads =
        trend.pass.fold_on(n_threads, scope.limits, &new, &|all, part| trend.fold(all, part))?.into_iter();
    let mut all = threads.next().unwrap_or_else(new);
    threads.try_for_each(|other| all.merge(other))?;
    let cost = trend.pass.cost();
    let cells = trend.cells(all)?;
    answer(scope, question, &starts, cells, cost)
}

/// A trend, ready to walk over rows.
struct Trend<'a> {
    pass: Pass,
    atoms: Vec<MeasureAtom>,
    /// Types of the atoms' properties.
    types: Vec<Option<DataType>>,
    filter: Option<Filter>,
    groups: &'a [FieldRef],
    intervals: Intervals,
    /// `[from, to)` in microseconds.
    period: (i64, i64),
}

impl<'a> Trend<'a> {
    fn open(
        scope: Scope<'a>,
        question: &TrendQuestion,
        atoms: Vec<MeasureAtom>,
        starts: &[Instant],
        (from, to): (Instant, Instant),
    ) -> Result<Trend<'a>> {
        let plan = scope.plan;
        let mut wanted = Wanted::default();
        for atom in &atoms {
            atom.property.iter().for_each(|name| wanted.property(name));
        }
        question.filter.iter().for_each(|filter| wanted.condition(filter));
        plan.breakdown.iter().for_each(|field| wanted.field(field));
        let pass = Pass::open(&plan.properties, &wanted, (Some(from), Some(to)), scope.grant, scope.snapshot)?;
        let filter = question.filter.as_ref().map(|filter| pass.filter(filter)).transpose()?;
        let type_of = |name: &String| pass.type_of(&FieldRef::Property(name.clone()));
        let types = atoms.iter().map(|atom| atom.property.as_ref().map(type_of).transpose()).collect::<Result<_>>()?;
        Ok(Trend {
            atoms,
            types,
            filter,
            groups: &plan.breakdown,
            intervals: Intervals::new(starts, to),
            period: (from.timestamp_micros(), to.timestamp_micros()),
            pass,
        })
    }

    fn has_doubles(&self) -> bool {
        self.types.contains(&Some(DataType::Float64))
    }

    fn functions(&self) -> Vec<MeasureFunction> {
        self.atoms.iter().map(|atom| atom.function).collect()
    }

    /// Adds the rows of one part.
    fn fold(&self, all: &mut Gathered, part: &Part<'_>) -> Result<()> {
        let groups = PartGroups::of(part, self.groups)?;
        let passes = self.filter.as_ref().map(|filter| filter.mask(part)).transpose()?;
        let takers = part.takers(self.atoms.iter().map(|atom| &atom.event));
        let fields = self.atoms.iter().map(|atom| atom.property.clone().map(FieldRef::Property));
        let values: Vec<Option<Values<'_>>> =
            fields.map(|field| field.map(|field| part.values(&field)).transpose()).collect::<Result<_>>()?;
        let values: Vec<Counted<'_>> = values.iter().map(Counted::of).collect();
        // The atoms that take a row, as bits.
        let bits = |taken_by: &Vec<usize>| taken_by.iter().fold(0_u8, |bits, atom| bits | 1 << atom);
        let of_event: Vec<u8> = takers.iter().map(bits).collect();
        let mut taken_by = vec![0; part.n_rows()];
        // The number across parts of each group here.
        let mut numbers = vec![NONE_YET; groups.len()];
        for person in part.people() {
            part.events().translate(person, &of_event, &mut taken_by);
            // The group and the interval of the row before, and their cell: the next row is mostly in it too.
            let (mut last, mut until, mut interval, mut cell) = (usize::MAX, i64::MIN, 0, 0);
            // Rows of the cell that are not counted yet, for each atom.
            let mut waiting = [0; ATOMS_MAX];
            for row in PersonRows::rows(person) {
                let (at, atoms) = (part.time(row), taken_by[row.index()]);
                if atoms == 0 || passes.as_ref().is_some_and(|passes| !passes[row.index()]) {
                    continue;
                }
                let group = groups.of_row(row);
                if at >= until || group != last {
                    if at < self.period.0 || self.period.1 <= at {
                        continue;
                    }
                    let number = &mut numbers[group];
                    if *number == NONE_YET {
                        *number = all.group(groups.key(row)?);
                    }
                    interval = if at >= until { self.intervals.of(at) } else { interval };
                    all.count(cell, person.person(), &mut waiting);
                    cell = all.cell(*number, interval)?;
                    (last, until) = (group, self.intervals.end(interval));
                }
                for (index, values) in values.iter().enumerate().filter(|(index, _)| atoms & 1 << index != 0) {
                    // A figure about a property is about the people who have it.
                    match values {
                        Counted::Rows => waiting[index] += 1,
                        Counted::Numbers(numbers) => numbers.get(row).into_iter().for_each(|number| {
                            waiting[index] += 1;
                            all.tallies[index].add(cell, number);
                        }),
                        Counted::Nothing => {}
                    }
                }
            }
            all.count(cell, person.person(), &mut waiting);
        }
        Ok(())
    }

    /// What was gathered, as values.
    fn cells(&self, all: Gathered) -> Result<Cells> {
        let mut cells = Cells::new();
        for (cell, (group, interval)) in all.cells.iter().enumerate() {
            let figure = |(index, tally): (usize, &Tally)| tally.figure(cell, self.types[index].as_ref());
            let figures: Vec<(Value, u64)> = all.tallies.iter().enumerate().map(figure).collect::<Result<_>>()?;
            let n_people = figures.iter().map(|(_, n_people)| *n_people).min().unwrap_or(0);
            let value = match figures.as_slice() {
                [(value, _)] => value.clone(),
                [(top, _), (bottom, _)] => ratio(top, bottom),
                _ => return Err(error::bug("a measure of three functions")),
            };
            let key = all.names[*group as usize].clone();
            cells.entry(*interval).or_default().insert(key, Cell { value, n_people });
        }
        Ok(cells)
    }
}

/// What of a row is counted.
enum Counted<'a> {
    /// That it is there.
    Rows,
    Numbers(&'a Numbers),
    /// No row has the property.
    Nothing,
}

impl<'a> Counted<'a> {
    fn of(values: &Option<Values<'a>>) -> Counted<'a> {
        match values {
            None => Counted::Rows,
            Some(Values::Property(Column::Numbers(numbers))) => Counted::Numbers(numbers),
            Some(_) => Counted::Nothing,
        }
    }
}

/// One function over the rows of each cell.
struct Tally {
    function: MeasureFunction,
    counts: Vec<Counts>,
    exact: Vec<i128>,
    double: Vec<f64>,
    extreme: Vec<Option<Number>>,
}

/// The rows of a cell.
#[derive(Clone, Copy, Default)]
struct Counts {
    n_rows: u64,
    /// Distinct people, and who the last row was of.
    n_people: u64,
    last: Option<i64>,
}

impl Tally {
    fn new(function: MeasureFunction) -> Tally {
        Tally { function, counts: Vec::new(), exact: Vec::new(), double: Vec::new(), extreme: Vec::new() }
    }

    /// Makes room for one more cell.
    fn grow(&mut self) {
        self.counts.push(Counts::default());
        match self.function {
            MeasureFunction::Count | MeasureFunction::People => {}
            MeasureFunction::Sum | MeasureFunction::Avg => {
                self.exact.push(0);
                self.double.push(0.0);
            }
            MeasureFunction::Min | MeasureFunction::Max => self.extreme.push(None),
        }
    }

    /// Counts rows of a person.
    #[inline]
    fn count(&mut self, cell: usize, person: i64, n_rows: u64) {
        let counts = &mut self.counts[cell];
        counts.n_rows += n_rows;
        if counts.last != Some(person) {
            counts.last = Some(person);
            counts.n_people += 1;
        }
    }

    /// Adds a row's number.
    #[inline]
    fn add(&mut self, cell: usize, number: Number) {
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
    fn figure(&self, cell: usize, data_type: Option<&DataType>) -> Result<(Value, u64)> {
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
struct Gathered {
    n_intervals: usize,
    cells_max: usize,
    numbers: BTreeMap<Key, u32>,
    names: Vec<Key>,
    /// The cell of a place, which is its group's number times the number of intervals plus its interval.
    dense: Vec<u32>,
    sparse: HashMap<usize, u32>,
    /// Group and interval of each cell.
    cells: Vec<(u32, usize)>,
    tallies: Vec<Tally>,
}

impl Gathered {
    fn new(n_intervals: usize, functions: &[MeasureFunction], cells_max: usize) -> Gathered {
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
    fn group(&mut self, key: Key) -> u32 {
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

    /// The number of a cell, which is made when it is new.
    #[inline]
    fn cell(&mut self, group: u32, interval: usize) -> Result<usize> {
        let place = group as usize * self.n_intervals + interval;
        let cell = match self.dense.get_mut(place) {
            Some(cell) => cell,
            None => self.sparse.entry(place).or_insert(NONE_YET),
        };
        if *cell == NONE_YET {
            if self.cells.len() >= self.cells_max {
                return Err(error::over_budget(&format!("{} groups", self.cells_max), "ask for fewer groups"));
            }
            *cell = u32::try_from(self.cells.len()).expect("cells are bounded");
            self.cells.push((group, interval));
            self.tallies.iter_mut().for_each(Tally::grow);
        }
        Ok(*cell as usize)
    }

    /// Counts the rows of a person in a cell, for each atom, that wait for it.
    #[inline]
    fn count(&mut self, cell: usize, person: i64, waiting: &mut [u64; ATOMS_MAX]) {
        for (tally, n_rows) in self.tallies.iter_mut().zip(waiting).filter(|(_, n_rows)| **n_rows > 0) {
            tally.count(cell, person, std::mem::take(n_rows));
        }
    }

    /// Adds the cells of another thread, which are about other people.
    fn merge(&mut self, other: Gathered) -> Result<()> {
        let groups: Vec<u32> = other.names.into_iter().map(|key| self.group(key)).collect();
        for (from, (group, interval)) in other.cells.into_iter().enumerate() {
            let cell = self.cell(groups[group as usize], interval)?;
            self.tallies.iter_mut().zip(&other.tallies).for_each(|(own, other)| own.merge(cell, other, from));
        }
        Ok(())
    }
}

/// One cell of a trend, before small groups are withheld.
struct Cell {
    value: Value,
    /// The fewest distinct people that any of its functions is about.
    n_people: u64,
}

type Cells = BTreeMap<usize, BTreeMap<Key, Cell>>;

/// One number divided by another, null where either is null or the divisor is 0.
fn ratio(top: &Value, bottom: &Value) -> Value {
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

/// Fills every interval of every named group and folds the groups that may not be named.
fn answer(
    scope: Scope<'_>,
    question: &TrendQuestion,
    starts: &[Instant],
    mut cells: Cells,
    cost: (u64, u64),
) -> Result<Rows> {
    let Scope { plan, grant, limits, .. } = scope;
    let mut columns = columns(plan, question);
    let is_shown = |cell: &Cell| cell.n_people >= grant.min_group();
    let all: BTreeSet<&Key> = cells.values().flat_map(BTreeMap::keys).collect();
    // A group is named when enough people stand behind one of its cells; without a breakdown there is one, always named.
    let shown = cells.values().flatten().filter(|(_, cell)| is_shown(cell)).map(|(key, _)| key.clone());
    let mut named: BTreeSet<Key> = shown.collect();
    let is_folded = !plan.breakdown.is_empty() && named.len() < all.len();
    if plan.breakdown.is_empty() {
        named = BTreeSet::from([Key(Vec::new())]);
    }
    if named.len().saturating_mul(starts.len()) > limits.groups_max {
        return Err(error::over_budget(&format!("{} rows", limits.groups_max), "break down by fewer properties"));
    }
    let mut rows = Vec::new();
    for (interval, start) in starts.iter().enumerate() {
        let mut of_interval = cells.remove(&interval).unwrap_or_default();
        for group in &named {
            let value = of_interval.remove(group).filter(|cell| is_shown(cell)).map(|cell| cell.value);
            let mut row: Vec<Value> = Vec::with_capacity(columns.len());
            if question.by != Interval::None {
                row.push(Value::Timestamp(*start));
            }
            row.extend(group.0.iter().cloned());
            let is_withheld = value.is_none();
            row.push(value.unwrap_or(Value::Null));
            rows.push((row, is_withheld));
        }
    }
    let offset = question.offset.map_or(0, |offset| offset as usize);
    let limit = question.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut rows: Vec<(Vec<Value>, bool)> = rows.into_iter().skip(offset).take(limit).collect();
    if is_folded {
        rows.push((folded(plan, question), true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    Ok(Rows {
        columns,
        rows,
        steps: Vec::new(),
        people: None,
        sample_ratio: None,
        rows_read: cost.0,
        bytes_read: cost.1,
    })
}

fn columns(plan: &Plan<'_>, question: &TrendQuestion) -> Vec<spec::Column> {
    let mut columns = Vec::new();
    if question.by != Interval::None {
        columns.push(cells::column("interval", ValueType::Timestamp, None));
    }
    for field in &plan.breakdown {
        let (name, value_type) = match field {
            FieldRef::Property(name) => (name, plan.properties.get(name)),
            FieldRef::Trait(name) => (name, plan.traits.get(name)),
        };
        columns.push(cells::column(name, value_type.copied().unwrap_or(ValueType::Text), None));
    }
    let value_type = match &question.measure {
        Measure::Atom(atom) => match atom.function {
            MeasureFunction::Count | MeasureFunction::People => ValueType::Integer,
            MeasureFunction::Avg => ValueType::Number,
            MeasureFunction::Sum | MeasureFunction::Min | MeasureFunction::Max => {
                plan.measure_type.unwrap_or(ValueType::Number)
            }
        },
        Measure::Ratio(..) | Measure::Metric(_) => ValueType::Number,
    };
    columns.push(cells::column("value", value_type, plan.unit.as_deref()));
    columns
}

/// The one row that stands for all groups too small to be named.
fn folded(plan: &Plan<'_>, question: &TrendQuestion) -> Vec<Value> {
    let mut row = Vec::new();
    if question.by != Interval::None {
        row.push(Value::Null);
    }
    row.extend(vec![Value::Text(WITHHELD.to_owned()); plan.breakdown.len()]);
    row.push(Value::Null);
    row
}
