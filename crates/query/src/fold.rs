//! Figures about each person's events: the fold under every audience.

use crate::error;
use crate::number;
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::plan::Scope;
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use lake::{Column, Number, Numbers, PersonRows};
use spec::{Aggregate, AggregateFunction, FieldRef, Instant, Result};
use std::sync::Arc;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Computes figures for every granted person.
///
/// # Shape
/// One array per aggregate, each with one cell per person of the grant in ascending order.
pub(crate) fn fold_people(
    scope: Scope<'_>,
    aggregates: &[Aggregate],
    as_of: Instant,
) -> Result<(Vec<ArrayRef>, (u64, u64))> {
    if aggregates.is_empty() {
        return Ok((Vec::new(), (0, 0)));
    }
    check_memory(scope, aggregates.len())?;
    let pass = open(scope, aggregates, as_of)?;
    let compiled: Vec<Compiled> =
        aggregates.iter().map(|aggregate| Compiled::new(aggregate, as_of, &pass)).collect::<Result<_>>()?;
    let parts = pass.fold(scope.limits, &|part| fold_part(&compiled, part))?;
    let n_people = usize::try_from(scope.grant.people().len()).map_err(|_| error::bug("more people than memory"))?;
    let functions = compiled.iter().map(|compiled| compiled.aggregate.function);
    let mut all: Vec<Figures> = functions.map(|function| Figures::of(function, n_people)).collect();
    let mut numbers = scope.grant.people().iter().enumerate();
    for part in parts {
        for (index, person) in part.people.iter().enumerate() {
            let place = numbers.by_ref().find(|(_, number)| i64::try_from(*number) == Ok(*person));
            let (place, _) = place.ok_or_else(|| error::bug("the scan gave a person out of order"))?;
            all.iter_mut().zip(&part.figures).for_each(|(all, figures)| all.set(place, figures, index));
        }
    }
    let arrays = compiled.iter().zip(&all).map(|(compiled, figures)| compiled.finish(figures, as_of));
    Ok((arrays.collect::<Result<_>>()?, pass.cost()))
}

/// Figures are held once per part and once for all people.
fn check_memory(scope: Scope<'_>, n_aggregates: usize) -> Result<()> {
    let n_people = usize::try_from(scope.grant.people().len()).unwrap_or(usize::MAX);
    let needed = n_people.saturating_mul(n_aggregates).saturating_mul(2 * size_of::<Sum>());
    if needed > scope.limits.memory_bytes_max {
        let most = format!("{} MiB of memory", scope.limits.memory_bytes_max >> 20);
        return Err(error::over_budget(&most, "use fewer different counts and sums in one condition"));
    }
    Ok(())
}

fn open(scope: Scope<'_>, aggregates: &[Aggregate], as_of: Instant) -> Result<Pass> {
    let mut wanted = Wanted::default();
    for aggregate in aggregates {
        aggregate.property.iter().for_each(|name| wanted.property(name));
        aggregate.filter.iter().for_each(|filter| wanted.condition(filter));
    }
    let starts: Option<Vec<Instant>> = aggregates.iter().map(|aggregate| window_start(aggregate, as_of)).collect();
    let from = starts.and_then(|starts| starts.into_iter().min());
    // Windows reach up to as_of itself; times have whole microseconds.
    let to = as_of.checked_add_signed(chrono::TimeDelta::microseconds(1));
    Pass::open(&scope.plan.properties, &wanted, (from, to), scope.grant, scope.snapshot)
}

/// The instant after which a windowed aggregate looks; `None` without a window.
fn window_start(aggregate: &Aggregate, as_of: Instant) -> Option<Instant> {
    aggregate.within.as_ref().and_then(|within| as_of.checked_sub_signed(within.delta()))
}

/// An aggregate ready to be folded.
struct Compiled {
    aggregate: Aggregate,
    filter: Option<Filter>,
    /// Events later than this, in microseconds.
    after: i64,
    /// Events up to this.
    until: i64,
    /// Type of the property, if there is one.
    value_type: Option<DataType>,
}

/// Figures of one aggregate, one person after the other.
enum Figures {
    /// How many events there are.
    Counts(Vec<u64>),
    /// When the first or the last of them was.
    Times(Vec<Option<i64>>),
    Sums(Vec<Sum>),
    /// The smallest or the largest value.
    Extremes(Vec<Option<Number>>),
}

/// The values of one person, added up.
#[derive(Clone, Copy, Default)]
struct Sum {
    n_values: u64,
    exact: i128,
    double: f64,
}

/// The figures of those people of a part who have any.
struct PartFigures {
    people: Vec<i64>,
    figures: Vec<Figures>,
}

fn fold_part(aggregates: &[Compiled], part: &Part<'_>) -> Result<PartFigures> {
    let takers = part.takers(aggregates.iter().map(|aggregate| &aggregate.aggregate.event));
    let passes: Vec<Option<Vec<bool>>> = aggregates
        .iter()
        .map(|aggregate| aggregate.filter.as_ref().map(|filter| filter.mask(part)).transpose())
        .collect::<Result<_>>()?;
    let values: Vec<Option<&Numbers>> =
        aggregates.iter().map(|aggregate| aggregate.values(part)).collect::<Result<_>>()?;
    let functions: Vec<AggregateFunction> = aggregates.iter().map(|aggregate| aggregate.aggregate.function).collect();
    let mut figures: Vec<Figures> = functions.iter().map(|function| Figures::of(*function, 0)).collect();
    let mut people = Vec::new();
    for person in part.people() {
        let mut is_new = true;
        for row in PersonRows::rows(person) {
            for index in &takers[part.events().code(row)] {
                let (at, aggregate) = (part.time(row), &aggregates[*index]);
                let in_window = at > aggregate.after && at <= aggregate.until;
                if !in_window || passes[*index].as_ref().is_some_and(|passes| !passes[row.index()]) {
                    continue;
                }
                if std::mem::take(&mut is_new) {
                    people.push(person.person());
                    figures.iter_mut().for_each(Figures::grow);
                }
                figures[*index].add(functions[*index], at, values[*index].and_then(|numbers| numbers.get(row)));
            }
        }
    }
    Ok(PartFigures { people, figures })
}

impl Figures {
    /// Those of so many people without any event.
    fn of(function: AggregateFunction, n_people: usize) -> Figures {
        match function {
            AggregateFunction::Count => Figures::Counts(vec![0; n_people]),
            AggregateFunction::DaysSinceFirst | AggregateFunction::DaysSinceLast => {
                Figures::Times(vec![None; n_people])
            }
            AggregateFunction::Sum | AggregateFunction::Avg => Figures::Sums(vec![Sum::default(); n_people]),
            AggregateFunction::Min | AggregateFunction::Max => Figures::Extremes(vec![None; n_people]),
        }
    }

    /// Makes room for one more person.
    fn grow(&mut self) {
        match self {
            Figures::Counts(counts) => counts.push(0),
            Figures::Times(times) => times.push(None),
            Figures::Sums(sums) => sums.push(Sum::default()),
            Figures::Extremes(extremes) => extremes.push(None),
        }
    }

    /// Adds an event to the last person; events come in the order of time.
    #[inline]
    fn add(&mut self, function: AggregateFunction, at: i64, value: Option<Number>) {
        const ROOM: &str = "there is room for the person";
        match self {
            Figures::Counts(counts) => *counts.last_mut().expect(ROOM) += 1,
            Figures::Times(times) => {
                let time = times.last_mut().expect(ROOM);
                *time = time.filter(|_| function == AggregateFunction::DaysSinceFirst).or(Some(at));
            }
            Figures::Sums(sums) => {
                if let Some(value) = value {
                    sums.last_mut().expect(ROOM).add(value);
                }
            }
            Figures::Extremes(extremes) => {
                let known = extremes.last_mut().expect(ROOM);
                let is_min = function == AggregateFunction::Min;
                let is_further = |value: &Number| known.is_none_or(|known| is_beyond(*value, known, is_min));
                *known = value.filter(is_further).or(*known);
            }
        }
    }

    /// Puts the figures of a person of a part into their place.
    fn set(&mut self, place: usize, part: &Figures, index: usize) {
        match (self, part) {
            (Figures::Counts(all), Figures::Counts(part)) => all[place] = part[index],
            (Figures::Times(all), Figures::Times(part)) => all[place] = part[index],
            (Figures::Sums(all), Figures::Sums(part)) => all[place] = part[index],
            (Figures::Extremes(all), Figures::Extremes(part)) => all[place] = part[index],
            _ => unreachable!("an aggregate has one function"),
        }
    }
}

/// Whether a value is smaller, or larger, than what is known.
fn is_beyond(value: Number, known: Number, is_min: bool) -> bool {
    let order = number::compare(value, known);
    if is_min { order.is_lt() } else { order.is_gt() }
}

impl Compiled {
    fn new(aggregate: &Aggregate, as_of: Instant, pass: &Pass) -> Result<Compiled> {
        let field = aggregate.property.as_ref().map(|name| FieldRef::Property(name.clone()));
        Ok(Compiled {
            filter: aggregate.filter.as_deref().map(|filter| pass.filter(filter)).transpose()?,
            after: window_start(aggregate, as_of).map_or(i64::MIN, |start| start.timestamp_micros()),
            until: as_of.timestamp_micros(),
            value_type: field.map(|field| pass.type_of(&field)).transpose()?,
            aggregate: aggregate.clone(),
        })
    }

    /// The property's numbers; `None` without a property, or without any value of it.
    fn values<'a>(&self, part: &'a Part<'_>) -> Result<Option<&'a Numbers>> {
        let Some(name) = &self.aggregate.property else { return Ok(None) };
        Ok(match part.values(&FieldRef::Property(name.clone()))? {
            Values::Property(Column::Numbers(numbers)) => Some(numbers),
            _ => None,
        })
    }

    /// The figures of all people as one column.
    fn finish(&self, figures: &Figures, as_of: Instant) -> Result<ArrayRef> {
        let now = as_of.timestamp_micros();
        match figures {
            Figures::Counts(counts) => {
                Ok(Arc::new(counts.iter().map(|count| i64::try_from(*count).ok()).collect::<Int64Array>()))
            }
            Figures::Times(times) => {
                let age = |at: &Option<i64>| at.map(|at| (now - at).div_euclid(MICROS_PER_DAY));
                Ok(Arc::new(times.iter().map(age).collect::<Int64Array>()))
            }
            Figures::Sums(sums) if self.aggregate.function == AggregateFunction::Avg => {
                Ok(Arc::new(sums.iter().map(|sum| self.mean(sum)).collect::<Float64Array>()))
            }
            Figures::Sums(sums) => self.numbers(sums.iter().map(|sum| (sum.n_values > 0).then(|| self.sum(sum))), true),
            Figures::Extremes(extremes) => self.numbers(extremes.iter().copied(), false),
        }
    }

    fn sum(&self, sum: &Sum) -> Number {
        match self.value_type {
            Some(DataType::Float64) => Number::Double(sum.double),
            _ => Number::Exact(sum.exact),
        }
    }

    fn mean(&self, sum: &Sum) -> Option<f64> {
        let unit = match self.value_type {
            Some(DataType::Decimal128(_, scale)) => 10_f64.powi(i32::from(scale)),
            _ => 1.0,
        };
        let all = match self.sum(sum) {
            Number::Exact(all) => all as f64 / unit,
            Number::Double(all) => all,
        };
        (sum.n_values > 0).then(|| all / sum.n_values as f64)
    }

    /// Numbers as a column of the property's type; sums of exact numbers are as wide as can be.
    fn numbers(&self, numbers: impl Iterator<Item = Option<Number>>, is_sum: bool) -> Result<ArrayRef> {
        let exact = |number: Option<Number>| match number {
            Some(Number::Exact(value)) => Some(value),
            _ => None,
        };
        let narrow = |number: Option<Number>| exact(number).and_then(|value| i64::try_from(value).ok());
        Ok(match &self.value_type {
            Some(DataType::Float64) => Arc::new(numbers.map(double).collect::<Float64Array>()),
            Some(DataType::Decimal128(_, scale)) => wide(numbers.map(exact), *scale)?,
            Some(DataType::Int64) if is_sum => wide(numbers.map(exact), 0)?,
            Some(DataType::Int64) => Arc::new(numbers.map(narrow).collect::<Int64Array>()),
            Some(DataType::Timestamp(_, _)) => {
                Arc::new(numbers.map(narrow).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Some(DataType::Date32) => {
                let days = numbers.map(|number| narrow(number).and_then(|days| i32::try_from(days).ok()));
                Arc::new(days.collect::<Date32Array>())
            }
            _ => return Err(error::bug("an aggregate over a property that has no numbers")),
        })
    }
}

fn double(number: Option<Number>) -> Option<f64> {
    match number {
        Some(Number::Double(value)) => Some(value),
        _ => None,
    }
}

fn wide(values: impl Iterator<Item = Option<i128>>, scale: i8) -> Result<ArrayRef> {
    let array = values.collect::<Decimal128Array>().with_precision_and_scale(38, scale).map_err(error::from_arrow)?;
    Ok(Arc::new(array))
}

impl Sum {
    fn add(&mut self, value: Number) {
        self.n_values += 1;
        match value {
            // Two decimals of 38 digits can be more than there is; then the most there is stands for it.
            Number::Exact(exact) => self.exact = self.exact.saturating_add(exact),
            Number::Double(double) => self.double += double,
        }
    }
}
