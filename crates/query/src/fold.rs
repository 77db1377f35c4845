//! Figures about each person's events: the fold under every audience.

mod figures;

use crate::error;
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use figures::{Figures, Sum};
use lake::{Column, Number, Numbers, PersonRows, Piece};
use spec::{Aggregate, AggregateFunction, FieldRef, Instant, Result, Term};
use std::sync::Arc;

const MICROS_PER_DAY: i64 = 86_400_000_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Aggregates over each person's events, ready to be computed.
pub(crate) struct Fold {
    aggregates: Vec<Compiled>,
    as_of: Instant,
}

impl Fold {
    /// Wants what the aggregates need.
    pub(crate) fn want(aggregates: &[Aggregate], wanted: &mut Wanted) {
        for aggregate in aggregates {
            aggregate.property.iter().for_each(|name| wanted.property(name));
            aggregate.filter.iter().for_each(|filter| wanted.condition(filter));
        }
    }

    /// The time that they look at.
    pub(crate) fn period(aggregates: &[Aggregate], as_of: Instant) -> (Option<Instant>, Option<Instant>) {
        let starts: Option<Vec<Instant>> = aggregates.iter().map(|aggregate| window_start(aggregate, as_of)).collect();
        let from = starts.and_then(|starts| starts.into_iter().min());
        // Windows reach up to as_of itself; times have whole microseconds.
        (from, as_of.checked_add_signed(chrono::TimeDelta::microseconds(1)))
    }

    /// Compiles the aggregates for a pass that has what they want.
    pub(crate) fn new(aggregates: &[Aggregate], as_of: Instant, pass: &Pass) -> Result<Fold> {
        let compiled = aggregates.iter().map(|aggregate| Compiled::new(aggregate, as_of, pass));
        Ok(Fold { aggregates: compiled.collect::<Result<_>>()?, as_of })
    }

    /// The types of the figures.
    pub(crate) fn types(&self) -> Result<Vec<DataType>> {
        let nobody = |aggregate: &Compiled| {
            let figures = Figures::of(aggregate.aggregate.function, 0);
            aggregate.finish(&figures, self.as_of).map(|column| column.data_type().clone())
        };
        self.aggregates.iter().map(nobody).collect()
    }

    /// Computes the figures of people, who ascend and among whom is everybody with rows in the part.
    ///
    /// # Shape
    /// One array per aggregate, each with one cell per person.
    pub(crate) fn figures(&self, pass: &Pass, part: usize, people: &[i64]) -> Result<Vec<ArrayRef>> {
        let adds_up = self.aggregates.iter().all(Compiled::adds_up);
        let figures = match if adds_up { pass.pieces(part)? } else { None } {
            Some(pieces) => self.of_pieces(pass, people, &pieces)?,
            None => fold_part(&self.aggregates.iter().collect::<Vec<_>>(), &pass.read(part)?, people)?,
        };
        let finished =
            self.aggregates.iter().zip(&figures).map(|(aggregate, figures)| aggregate.finish(figures, self.as_of));
        finished.collect()
    }

    /// Adds up what each piece comes to: what was kept of it, or else what its rows say.
    fn of_pieces(&self, pass: &Pass, people: &[i64], pieces: &[Piece]) -> Result<Vec<Figures>> {
        let nobody = |aggregate: &Compiled| Figures::of(aggregate.aggregate.function, people.len());
        let mut all: Vec<Figures> = self.aggregates.iter().map(nobody).collect();
        for piece in pieces {
            let own: Vec<i64> = piece.people().iter().map(PersonRows::person).collect();
            let places = places(&own, people)?;
            for ((aggregate, figures), kept) in
                self.aggregates.iter().zip(&mut all).zip(self.of_piece(pass, piece, own)?)
            {
                figures.merge(aggregate.aggregate.function, &kept.figures, &places);
            }
        }
        Ok(all)
    }

    /// The figures of the people of a piece, from its rows alone.
    fn of_piece(&self, pass: &Pass, piece: &Piece, people: Vec<i64>) -> Result<Vec<Arc<KeptFigures>>> {
        let known = |aggregate: &Compiled| {
            let kept = piece.kept::<KeptFigures>(&aggregate.name)?;
            // Others may be granted by now.
            (*kept.people == *people).then_some(kept)
        };
        let mut found: Vec<Option<Arc<KeptFigures>>> = self.aggregates.iter().map(known).collect();
        let lacking =
            || self.aggregates.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(lacking, _)| lacking);
        let lacking: Vec<&Compiled> = lacking().collect();
        if !lacking.is_empty() {
            let computed = fold_part(&lacking, &pass.read_piece(piece)?, &people)?;
            let people: Arc<[i64]> = people.into();
            let mut computed = lacking.iter().zip(computed);
            for place in found.iter_mut().filter(|found| found.is_none()) {
                let Some((aggregate, figures)) = computed.next() else { break };
                let kept = Arc::new(KeptFigures { people: Arc::clone(&people), figures });
                // At any other instant nobody asks for the same again.
                if self.as_of.timestamp_micros() % MICROS_PER_MINUTE == 0 {
                    piece.keep(&aggregate.name, Arc::clone(&kept), kept.n_bytes());
                }
                *place = Some(kept);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

/// Figures of one aggregate and the people whose they are.
struct KeptFigures {
    people: Arc<[i64]>,
    figures: Figures,
}

impl KeptFigures {
    fn n_bytes(&self) -> usize {
        let n_each = match &self.figures {
            Figures::Counts(_) => size_of::<u32>(),
            Figures::Times(_) => size_of::<Option<i64>>(),
            Figures::Sums(_) => size_of::<Sum>(),
            Figures::Extremes(_) => size_of::<Option<Number>>(),
        };
        self.people.len() * (size_of::<i64>() + n_each)
    }
}

/// The places of some people among others, who hold all of them; both ascend.
fn places(some: &[i64], among: &[i64]) -> Result<Vec<u32>> {
    if some == among {
        return Ok((0..).take(some.len()).collect());
    }
    let mut others = among.iter().zip(0_u32..);
    let place = |person: &i64| others.find(|(other, _)| *other == person).map(|(_, place)| place);
    some.iter().map(place).collect::<Option<_>>().ok_or_else(|| error::bug("the scan gave a person out of order"))
}

/// The instant after which a windowed aggregate looks; `None` without a window.
fn window_start(aggregate: &Aggregate, as_of: Instant) -> Option<Instant> {
    aggregate.within.as_ref().and_then(|within| as_of.checked_sub_signed(within.delta()))
}

/// An aggregate ready to be folded.
struct Compiled {
    aggregate: Aggregate,
    /// What tells it from all others, as of when included.
    name: Arc<str>,
    filter: Option<Filter>,
    /// Events later than this, in microseconds.
    after: i64,
    /// Events up to this.
    until: i64,
    /// Type of the property, if there is one.
    value_type: Option<DataType>,
}

fn fold_part(aggregates: &[&Compiled], part: &Part<'_>, people: &[i64]) -> Result<Vec<Figures>> {
    let takers = part.takers(aggregates.iter().map(|aggregate| &aggregate.aggregate.event));
    let passes: Vec<Option<Vec<bool>>> = aggregates
        .iter()
        .map(|aggregate| aggregate.filter.as_ref().map(|filter| filter.mask(part)).transpose())
        .collect::<Result<_>>()?;
    let values: Vec<Option<&Numbers>> =
        aggregates.iter().map(|aggregate| aggregate.values(part)).collect::<Result<_>>()?;
    let functions: Vec<AggregateFunction> = aggregates.iter().map(|aggregate| aggregate.aggregate.function).collect();
    let mut figures: Vec<Figures> = functions.iter().map(|function| Figures::of(*function, people.len())).collect();
    let wanted: Vec<bool> = takers.iter().map(|taken_by| !taken_by.is_empty()).collect();
    // Nothing counts before the longest window and after the last instant.
    let after = aggregates.iter().map(|aggregate| aggregate.after.saturating_add(1)).min().unwrap_or(i64::MIN);
    let until = aggregates.iter().map(|aggregate| aggregate.until.saturating_add(1)).max().unwrap_or(i64::MAX);
    let mut places = people.iter().enumerate();
    part.each_person(&wanted, &(after..until), &[], |person, picked| {
        let place = places.find(|(_, other)| **other == person.person()).map(|(place, _)| place);
        let place = place.ok_or_else(|| error::bug("the scan gave a person out of order"))?;
        for (row, at) in picked.rows.iter().zip(picked.times) {
            let (row, at) = (*row, *at);
            for index in &takers[part.events().code(row)] {
                let aggregate = aggregates[*index];
                let in_window = at > aggregate.after && at <= aggregate.until;
                if in_window && passes[*index].as_ref().is_none_or(|passes| passes[row.index()]) {
                    let number = values[*index].and_then(|numbers| numbers.get(row));
                    figures[*index].add(place, functions[*index], at, number);
                }
            }
        }
        Ok(())
    })?;
    Ok(figures)
}

impl Compiled {
    fn new(aggregate: &Aggregate, as_of: Instant, pass: &Pass) -> Result<Compiled> {
        let field = aggregate.property.as_ref().map(|name| FieldRef::Property(name.clone()));
        let value_type = field.map(|field| pass.type_of(&field)).transpose()?;
        let text = Term::Aggregate(aggregate.clone());
        Ok(Compiled {
            name: format!("{text} of {value_type:?} as of {}", as_of.timestamp_micros()).into(),
            filter: aggregate.filter.as_deref().map(|filter| pass.filter(filter)).transpose()?,
            after: window_start(aggregate, as_of).map_or(i64::MIN, |start| start.timestamp_micros()),
            until: as_of.timestamp_micros(),
            value_type,
            aggregate: aggregate.clone(),
        })
    }

    /// Whether it may be computed from some rows and then from others: sums of doubles depend on the order of all, and
    /// traits change without the rows.
    fn adds_up(&self) -> bool {
        let is_sum = matches!(self.aggregate.function, AggregateFunction::Sum | AggregateFunction::Avg);
        let sums_doubles = is_sum && self.value_type == Some(DataType::Float64);
        !sums_doubles && self.filter.as_ref().is_none_or(Filter::is_about_rows)
    }

    /// The property's numbers; `None` without a property, or without any value of it.
    fn values<'a>(&self, part: &'a Part<'_>) -> Result<Option<&'a Numbers>> {
        let Some(name) = &self.aggregate.property else { return Ok(None) };
        Ok(match part.values(&FieldRef::Property(name.clone()))? {
            Values::Property(Column::Numbers(numbers)) => Some(numbers),
            _ => None,
        })
    }

    /// The figures as a column.
    fn finish(&self, figures: &Figures, as_of: Instant) -> Result<ArrayRef> {
        let now = as_of.timestamp_micros();
        match figures {
            Figures::Counts(counts) => {
                Ok(Arc::new(counts.iter().map(|count| Some(i64::from(*count))).collect::<Int64Array>()))
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
