//! Trends: a measure per interval and group, in one walk over the granted rows.
//!
//! Each thread gathers the cells of its parts; what is distinct in one part is in no other, so that threads just add up.

mod tally;

use crate::cells::{self, Key, WITHHELD};
use crate::error;
use crate::groups::PartGroups;
use crate::guard::{Figure, People, sort_of};
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::period::{Intervals, interval_starts, period_bounds};
use crate::picked::Picked;
use crate::plan::{Plan, Rows, Scope};
use arrow::datatypes::DataType;
use lake::Column;
use spec::{
    FieldRef, Instant, Interval, Measure, MeasureAtom, MeasureFunction, Result, TrendQuestion, Value, ValueType,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tally::{Gathered, NONE_YET, Tally, Total, ratio};

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
    scope.foretell(&trend.pass, &|| trend.is_bounded(starts.len(), scope.limits.groups_max))?;
    // Sums of doubles depend on their order. One thread keeps that of people and time, whatever stands between them.
    let n_threads = if trend.has_doubles() { 1 } else { usize::MAX };
    let sizes = (scope.limits.groups_max, scope.guard.sorting());
    let new = || Gathered::new(trend.intervals.len(), &trend.functions(), sizes);
    let add = |all: &mut Gathered, part: &Part<'_>| {
        trend.fold(all, part)?;
        all.check_named(scope.guard.surely_enough())
    };
    let mut threads = trend.pass.fold_on(n_threads, scope.limits, &new, &add)?.into_iter();
    let mut all = threads.next().unwrap_or_else(new);
    threads.try_for_each(|other| all.merge(&other))?;
    let cost = trend.pass.cost();
    let cells = trend.cells(&all, scope.guard.surely_enough())?;
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
    /// In microseconds.
    period: Range<i64>,
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
            period: from.timestamp_micros()..to.timestamp_micros(),
            pass,
        })
    }

    fn has_doubles(&self) -> bool {
        self.types.contains(&Some(DataType::Float64))
    }

    /// Whether no data can make the answer too large, or a figure of it too large to be written down.
    fn is_bounded(&self, n_intervals: usize, groups_max: usize) -> bool {
        let may_overflow = |(atom, stored): (&MeasureAtom, &Option<DataType>)| match atom.function {
            MeasureFunction::Count | MeasureFunction::People => false,
            MeasureFunction::Min | MeasureFunction::Max => matches!(stored, Some(DataType::Decimal128(19.., _))),
            // Of numbers of 18 digits more would have to be added up than a table holds.
            _ => !matches!(stored, Some(DataType::Float64 | DataType::Decimal128(..=18, _))),
        };
        let n_groups = if self.groups.is_empty() { Some(1) } else { self.pass.groups_max(self.groups) };
        // Asked a moment later there may be one interval more.
        let is_few = n_groups.is_some_and(|groups| groups.saturating_mul(n_intervals + 1) <= groups_max);
        is_few && !self.atoms.iter().zip(&self.types).any(may_overflow)
    }

    fn functions(&self) -> Vec<MeasureFunction> {
        self.atoms.iter().map(|atom| atom.function).collect()
    }

    /// Adds the rows of one part.
    fn fold(&self, all: &mut Gathered, part: &Part<'_>) -> Result<()> {
        let groups = PartGroups::of(part, self.groups)?;
        let passes = self.filter.as_ref().map(|filter| filter.mask(part)).transpose()?;
        let takers = part.takers(self.atoms.iter().map(|atom| &atom.event));
        // The first place across parts of each group here.
        let mut places = vec![NONE_YET; groups.len()];
        let (mut kept_rows, mut kept_times) = (Vec::new(), Vec::new());
        let mut codes = Vec::new();
        for (index, atom) in self.atoms.iter().enumerate() {
            let field = atom.property.clone().map(FieldRef::Property);
            let values = field.map(|field| part.values(&field)).transpose()?;
            let wanted: Vec<bool> = takers.iter().map(|taken_by| taken_by.contains(&index)).collect();
            // One short loop after the other over a person's rows.
            part.each_person(&wanted, &self.period, &[], |person, picked| {
                let Picked { mut rows, mut times } = picked;
                if let Some(passes) = &passes {
                    kept_rows.clear();
                    kept_times.clear();
                    for (row, at) in rows.iter().zip(times).filter(|(row, _)| passes[row.index()]) {
                        kept_rows.push(*row);
                        kept_times.push(*at);
                    }
                    (rows, times) = (&kept_rows, &kept_times);
                }
                groups.of_rows(rows, &mut codes);
                let values = match &values {
                    None => {
                        let of_person = (person.person(), Picked { rows, times });
                        return self.count((&mut *all, index), of_person, (&groups, &codes, &mut places));
                    }
                    Some(Values::Property(Column::Numbers(numbers))) => Some(numbers),
                    // Nobody has the property.
                    Some(_) => None,
                };
                for ((code, row), at) in codes.iter_mut().zip(rows).zip(times) {
                    let place = &mut places[*code];
                    if *place == NONE_YET {
                        *place = all.group(groups.key(*row)?)?;
                    }
                    *code = *place + self.intervals.of(*at);
                }
                all.make(&mut codes)?;
                let numbers = rows.iter().map(|row| values.and_then(|values| values.get(*row)));
                all.tallies[index].add(person.person(), codes.iter().copied().zip(numbers));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Counts rows of a person, whose groups have these codes, by one of the atoms.
    fn count(
        &self,
        (all, atom): (&mut Gathered, usize),
        (person, Picked { rows, times }): (i64, Picked<'_>),
        (groups, codes, first_places): (&PartGroups<'_>, &[usize], &mut [usize]),
    ) -> Result<()> {
        let mut done = 0;
        while done < rows.len() {
            let left = codes[done..].iter().zip(&times[done..]);
            let places = left.map(|(code, at)| first_places[*code] + self.intervals.of(*at));
            done += all.count_dense(atom, person, places);
            // The next one is of a group that is new here, or has a cell of its own only when it is met.
            let Some(code) = codes.get(done) else { break };
            if first_places[*code] == NONE_YET {
                first_places[*code] = all.group(groups.key(rows[done])?)?;
            }
            all.count_one(atom, person, first_places[*code] + self.intervals.of(times[done]))?;
            done += 1;
        }
        Ok(())
    }

    /// What was gathered, as values.
    fn cells(&self, all: &Gathered, least: u64) -> Result<Cells> {
        let mut cells = Cells::new();
        for (key, interval, cell) in all.cells()? {
            let figure = |(index, tally): (usize, &Tally)| tally.figure(cell, self.types[index].as_ref(), least);
            let figures = all.tallies.iter().enumerate().map(figure).collect::<Result<_>>()?;
            cells.entry(interval).or_default().insert(key.clone(), Cell { figures });
        }
        Ok(cells)
    }
}

/// One cell of a trend, before small groups are withheld: for each function its totals and whom they are about.
struct Cell {
    figures: Vec<(Vec<Total>, People)>,
}

impl Cell {
    /// No people: their count is 0, which noise can be added to; any other figure about them is never told.
    fn of_nobody(measure: &Measure) -> Cell {
        let nobody = |atom: &MeasureAtom| {
            let total = Total { function: atom.function, value: cells::count(0), amounts: Vec::new() };
            let totals = if atom.function == MeasureFunction::People { vec![total] } else { Vec::new() };
            (totals, People::default())
        };
        Cell { figures: if let Measure::Atom(atom) = measure { vec![nobody(atom)] } else { Vec::new() } }
    }

    /// The fewest distinct people that any of its functions is about.
    fn people(&self) -> Option<&People> {
        self.figures.iter().map(|(_, people)| people).min_by_key(|people| people.len())
    }
}

type Cells = BTreeMap<usize, BTreeMap<Key, Cell>>;

/// Fills every interval of every named group and folds the groups that may not be named.
fn answer(
    scope: Scope<'_>,
    question: &TrendQuestion,
    starts: &[Instant],
    mut cells: Cells,
    cost: (u64, u64),
) -> Result<Rows> {
    let Scope { plan, limits, guard, .. } = scope;
    let mut columns = columns(plan, question);
    let is_shown = |cell: &Cell| cell.people().is_some_and(|people| guard.is_enough(people));
    let all: BTreeSet<&Key> = cells.values().flat_map(BTreeMap::keys).collect();
    // A group is named when enough people stand behind one of its cells; without a breakdown there is one, always named.
    let shown = cells.values().flatten().filter(|(_, cell)| is_shown(cell)).map(|(key, _)| key.clone());
    let mut named: BTreeSet<Key> = shown.collect();
    let is_folded = !plan.breakdown.is_empty() && named.len() < all.len();
    if plan.breakdown.is_empty() {
        named = BTreeSet::from([Key(Vec::new())]);
    }
    if named.len().saturating_mul(starts.len()) > limits.groups_max {
        return Err(tally::too_many(limits.groups_max));
    }
    let telling = TellingOf { scope, question, shares: starts.len() as u64 };
    let mut rows = Vec::new();
    for (interval, start) in starts.iter().enumerate() {
        let mut of_interval = cells.remove(&interval).unwrap_or_default();
        let nobody = People::default();
        let parts: Vec<(&People, bool)> =
            of_interval.values().map(|cell| (cell.people().unwrap_or(&nobody), is_shown(cell))).collect();
        let parts = guard.complement(&parts);
        // Groups that the others would tell of have nobody.
        of_interval.values_mut().zip(parts).filter(|(cell, is_told)| is_shown(cell) && !is_told).for_each(
            |(cell, _)| {
                *cell = Cell::of_nobody(&question.measure);
            },
        );
        for group in &named {
            let cell = of_interval.remove(group).unwrap_or_else(|| Cell::of_nobody(&question.measure));
            let value = telling.told(&cell, &format!("{start} {group:?}"))?;
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
    Ok(Rows::new(columns, rows, cost))
}

/// How the figures of a trend are told.
struct TellingOf<'a> {
    scope: Scope<'a>,
    question: &'a TrendQuestion,
    /// So many figures may be about the same person.
    shares: u64,
}

impl TellingOf<'_> {
    /// The figure of a cell as it may be told: computed from totals of which each may be, so that it tells nothing else.
    fn told(&self, cell: &Cell, name: &str) -> Result<Option<Value>> {
        let guard = self.scope.guard;
        // Of noisy counts no other figure is made.
        if guard.is_sparing() && cell.figures.iter().map(|(totals, _)| totals.len()).sum::<usize>() > 1 {
            return Ok(None);
        }
        let atoms = match &self.question.measure {
            Measure::Atom(atom) => vec![atom],
            Measure::Ratio(top, bottom) => vec![top, bottom],
            Measure::Metric(_) => return Err(error::bug("a metric was not replaced by its definition")),
        };
        // The two totals of a quotient may be of one sort: each is remembered by its place.
        let of_atom = |(half, (atom, (totals, people))): (usize, (&MeasureAtom, &(Vec<Total>, People)))| {
            let told = totals.iter().enumerate().map(|(place, total)| {
                let Total { function, value, amounts } = total;
                let sort = sort_of(*function, atom.property.as_deref());
                let cell = || format!("{name} {half} {function:?} {:?} {place}", atom.property);
                let (value, shares) = (value.clone(), self.shares);
                let is_one_each = people.are_one_each(amounts, &value);
                guard.told(Figure { sort: &sort, cell: &cell, people, amounts, is_one_each, value, shares })
            });
            let told: Option<Vec<Value>> = told.collect();
            told.and_then(|told| match told.as_slice() {
                [sum, rows] => Some(ratio(sum, rows)),
                told => told.first().cloned(),
            })
        };
        let told: Option<Vec<Value>> = atoms.into_iter().zip(&cell.figures).enumerate().map(of_atom).collect();
        Ok(told.and_then(|told| match told.as_slice() {
            [value] => Some(value.clone()),
            [top, bottom] => Some(ratio(top, bottom)),
            // Nobody is in the cell.
            _ => None,
        }))
    }
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
