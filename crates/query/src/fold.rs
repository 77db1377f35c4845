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
    let mut states = vec![vec![State::default(); n_people]; aggregates.len()];
    let mut numbers = scope.grant.people().iter().enumerate();
    for (person, figures) in parts.into_iter().flatten() {
        let index = numbers.by_ref().find(|(_, number)| i64::try_from(*number) == Ok(person)).map(|(index, _)| index);
        let index = index.ok_or_else(|| error::bug("the scan gave a person who was not granted, or out of order"))?;
        for (figure, all) in figures.into_iter().zip(&mut states) {
            all[index] = figure;
        }
    }
    let arrays =
        compiled.iter().zip(states).map(|(compiled, states)| compiled.finish(&states, as_of)).collect::<Result<_>>()?;
    Ok((arrays, pass.cost()))
}

/// Figures are held once per part and once for all people.
fn check_memory(scope: Scope<'_>, n_aggregates: usize) -> Result<()> {
    let n_people = usize::try_from(scope.grant.people().len()).unwrap_or(usize::MAX);
    let needed = n_people.saturating_mul(n_aggregates).saturating_mul(2 * size_of::<State>());
    if needed > scope.limits.memory_bytes_max {
        let most = format!("{} MiB of memory", scope.limits.memory_bytes_max >> 20);
        return Err(error::over_budget(&most, "use fewer different counts and sums in one condition"));
    }
    Ok(())
}

fn open(scope: Scope<'_>, aggregates: &[Aggregate], as_of: Instant) -> Result<Pass> {
    let mut wanted = Wanted::new();
    for aggregate in aggregates {
        wanted.event(&aggregate.event);
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

/// What is known of one aggregate of one person.
#[derive(Clone, Default)]
struct State {
    n_events: u64,
    n_values: u64,
    /// Sum of exact values.
    exact: i128,
    /// Sum of doubles.
    double: f64,
    least: Option<Number>,
    most: Option<Number>,
    first_at: i64,
    last_at: i64,
}

type Figures = Vec<(i64, Vec<State>)>;

fn fold_part(aggregates: &[Compiled], part: &Part<'_>) -> Result<Figures> {
    let takers = part.takers(aggregates.iter().map(|aggregate| &aggregate.aggregate.event));
    let passes: Vec<Option<Vec<bool>>> = aggregates
        .iter()
        .map(|aggregate| aggregate.filter.as_ref().map(|filter| filter.mask(part)).transpose())
        .collect::<Result<_>>()?;
    let values: Vec<Option<&Numbers>> =
        aggregates.iter().map(|aggregate| aggregate.values(part)).collect::<Result<_>>()?;
    let mut figures: Figures = Vec::new();
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
                    figures.push((person.person(), vec![State::default(); aggregates.len()]));
                }
                let (_, states) = figures.last_mut().expect("the person was just pushed");
                states[*index].add(at, values[*index].and_then(|numbers| numbers.get(row)));
            }
        }
    }
    Ok(figures)
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
    fn finish(&self, states: &[State], as_of: Instant) -> Result<ArrayRef> {
        let now = as_of.timestamp_micros();
        let days = |at: fn(&State) -> i64| -> ArrayRef {
            let age = |state: &State| (state.n_events > 0).then(|| (now - at(state)).div_euclid(MICROS_PER_DAY));
            Arc::new(states.iter().map(age).collect::<Int64Array>())
        };
        match self.aggregate.function {
            AggregateFunction::Count => {
                let count = |state: &State| i64::try_from(state.n_events).ok();
                Ok(Arc::new(states.iter().map(count).collect::<Int64Array>()))
            }
            AggregateFunction::DaysSinceLast => Ok(days(|state| state.last_at)),
            AggregateFunction::DaysSinceFirst => Ok(days(|state| state.first_at)),
            AggregateFunction::Avg => {
                Ok(Arc::new(states.iter().map(|state| self.mean(state)).collect::<Float64Array>()))
            }
            AggregateFunction::Sum => {
                let sum = |state: &State| (state.n_values > 0).then(|| self.sum(state));
                self.numbers(states.iter().map(sum), true)
            }
            AggregateFunction::Min => self.numbers(states.iter().map(|state| state.least), false),
            AggregateFunction::Max => self.numbers(states.iter().map(|state| state.most), false),
        }
    }

    fn sum(&self, state: &State) -> Number {
        match self.value_type {
            Some(DataType::Float64) => Number::Double(state.double),
            _ => Number::Exact(state.exact),
        }
    }

    fn mean(&self, state: &State) -> Option<f64> {
        let unit = match self.value_type {
            Some(DataType::Decimal128(_, scale)) => 10_f64.powi(i32::from(scale)),
            _ => 1.0,
        };
        let sum = match self.sum(state) {
            Number::Exact(sum) => sum as f64 / unit,
            Number::Double(sum) => sum,
        };
        (state.n_values > 0).then(|| sum / state.n_values as f64)
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

impl State {
    fn add(&mut self, at: i64, value: Option<Number>) {
        if self.n_events == 0 {
            self.first_at = at;
        }
        self.last_at = at;
        self.n_events += 1;
        let Some(value) = value else { return };
        self.n_values += 1;
        match value {
            // Two decimals of 38 digits can be more than there is; then the most there is stands for it.
            Number::Exact(exact) => self.exact = self.exact.saturating_add(exact),
            Number::Double(double) => self.double += double,
        }
        if self.least.is_none_or(|least| number::compare(value, least).is_lt()) {
            self.least = Some(value);
        }
        if self.most.is_none_or(|most| number::compare(value, most).is_gt()) {
            self.most = Some(value);
        }
    }
}
