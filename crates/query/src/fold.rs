//! Figures about each person's events: the fold under every audience.

mod figures;

use crate::error;
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::plan::Limits;
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use figures::{Figures, Sum};
use lake::{Column, Number, Numbers, PersonRows, Piece};
use spec::{Aggregate, AggregateFunction, FieldRef, Instant, Result, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// Whether what is computed is worth keeping: at any other instant nobody asks for the same again.
    pub(crate) fn is_kept(&self) -> bool {
        self.as_of.timestamp_micros() % MICROS_PER_MINUTE == 0
    }

    /// What tells an aggregate from all others that are as of the same instant.
    pub(crate) fn name(&self, place: usize) -> &str {
        &self.aggregates[place].name
    }

    /// Computes what several parts need of the same rows, so that none of them has to wait for another.
    pub(crate) fn prepare(&self, pass: &Pass, limits: &Limits) -> Result<()> {
        let adds_up: Vec<(usize, &Compiled)> =
            self.aggregates.iter().enumerate().filter(|(_, one)| one.adds_up()).collect();
        if adds_up.is_empty() {
            return Ok(());
        }
        let n_people = AtomicUsize::new(0);
        pass.each_shared_piece(limits, &|piece| {
            let n_own = piece.people().len();
            check_memory(n_people.fetch_add(n_own, Ordering::Relaxed) + n_own, adds_up.len(), limits)?;
            self.of_piece((pass, limits), piece, &adds_up).map(|_| ())
        })
    }

    /// Computes figures of the people who have rows in a part, of the wanted aggregates.
    ///
    /// # Errors
    /// Over budget, when they take more memory than they may.
    pub(crate) fn figures(
        &self,
        pass: &Pass,
        part: usize,
        wanted: &BTreeSet<usize>,
        limits: &Limits,
    ) -> Result<PartFigures> {
        let all = self.aggregates.iter().enumerate().filter(|(index, _)| wanted.contains(index));
        let (kept, others): (Vec<_>, Vec<_>) = all.partition(|(_, aggregate)| aggregate.adds_up());
        let pieces = if kept.is_empty() { None } else { pass.pieces(part)? };
        // Where rows may not be looked at piece by piece, nothing is kept.
        let (kept, others) = if pieces.is_some() { (kept, others) } else { (Vec::new(), [kept, others].concat()) };
        let mut of_pieces = Vec::new();
        let mut n_people = 0;
        for piece in pieces.iter().flatten() {
            n_people += piece.people().len();
            check_memory(n_people, kept.len(), limits)?;
            of_pieces.push(self.of_piece((pass, limits), piece, &kept)?);
        }
        if !others.is_empty() {
            let part = pass.read(part)?;
            check_memory(part.people().len(), others.len(), limits)?;
            let compiled: Vec<&Compiled> = others.iter().map(|(_, aggregate)| *aggregate).collect();
            let figures = fold_part(&compiled, &part, limits)?.into_iter().map(Arc::new);
            let figures = others.iter().map(|(index, _)| *index).zip(figures).collect();
            of_pieces.push(PieceFigures { people: part.people().into(), figures });
        }
        Ok(PartFigures { pieces: of_pieces })
    }

    /// The figures of people, who ascend; whoever has no rows in the part has those of nobody.
    ///
    /// # Shape
    /// One array per wanted aggregate, under its place, each with one cell per person.
    pub(crate) fn columns(
        &self,
        figures: &PartFigures,
        wanted: &BTreeSet<usize>,
        people: &[i64],
    ) -> Result<BTreeMap<usize, ArrayRef>> {
        let nobody = |index: &usize| (*index, Figures::of(self.aggregates[*index].aggregate.function, people.len()));
        let mut all: BTreeMap<usize, Figures> = wanted.iter().map(nobody).collect();
        for piece in &figures.pieces {
            let (first, places) = piece.places(people)?;
            for (index, own) in &piece.figures {
                if let Some(figures) = all.get_mut(index) {
                    figures.merge(self.aggregates[*index].aggregate.function, own, first, &places);
                }
            }
        }
        let finish = |(index, figures): (&usize, &Figures)| {
            self.aggregates[*index].finish(figures, self.as_of).map(|column| (*index, column))
        };
        all.iter().map(finish).collect()
    }

    /// The figures of the people of a piece, from its rows alone: what was kept of it, or else what its rows say.
    fn of_piece(
        &self,
        (pass, limits): (&Pass, &Limits),
        piece: &Piece,
        aggregates: &[(usize, &Compiled)],
    ) -> Result<PieceFigures> {
        let as_of = self.as_of.timestamp_micros();
        let known = |(_, aggregate): &(usize, &Compiled)| {
            let kept = piece.kept::<KeptFigures>(&aggregate.name)?;
            (kept.as_of == as_of).then(|| Arc::clone(&kept.figures))
        };
        let mut found: Vec<Option<Arc<Figures>>> = aggregates.iter().map(known).collect();
        let lacking = aggregates.iter().zip(&found).filter(|(_, found)| found.is_none());
        let lacking: Vec<&Compiled> = lacking.map(|((_, aggregate), _)| *aggregate).collect();
        if !lacking.is_empty() {
            let computed = fold_part(&lacking, &pass.read_piece(piece)?, limits)?;
            let mut computed = lacking.iter().zip(computed);
            for place in found.iter_mut().filter(|found| found.is_none()) {
                let Some((aggregate, figures)) = computed.next() else { break };
                let figures = Arc::new(figures);
                let held = Arc::new(KeptFigures { as_of, figures: Arc::clone(&figures) });
                piece.hold(&aggregate.name, (held, figures.n_bytes()), self.is_kept());
                *place = Some(figures);
            }
        }
        let figures = aggregates.iter().map(|(index, _)| *index).zip(found.into_iter().flatten()).collect();
        Ok(PieceFigures { people: Arc::clone(piece.people()), figures })
    }
}

/// Figures of the people who have rows in a part.
pub(crate) struct PartFigures {
    pieces: Vec<PieceFigures>,
}

/// Figures from some rows of people: of some aggregates, by their places, one for each of the people.
struct PieceFigures {
    people: Arc<[PersonRows]>,
    figures: Vec<(usize, Arc<Figures>)>,
}

impl PieceFigures {
    /// The first of its people who is among these, who ascend, and the places among them of that one and those who follow.
    fn places(&self, among: &[i64]) -> Result<(usize, Vec<u32>)> {
        let (Some(first), Some(last)) = (among.first(), among.last()) else { return Ok((0, Vec::new())) };
        let start = self.people.partition_point(|person| person.person() < *first);
        let end = self.people.partition_point(|person| person.person() <= *last);
        let mut at = 0;
        let place = |person: &PersonRows| {
            at += n_below(&among[at..], person.person());
            u32::try_from(at).ok().filter(|_| among.get(at) == Some(&person.person()))
        };
        let places: Option<Vec<u32>> = self.people[start..end].iter().map(place).collect();
        Ok((start, places.ok_or_else(|| error::bug("the scan gave a person out of order"))?))
    }
}

/// How many of some ascending numbers are below one; in steps as long as what is passed, since the next may be near or far.
fn n_below(numbers: &[i64], number: i64) -> usize {
    let mut step = 1;
    while numbers.get(step - 1).is_some_and(|other| *other < number) {
        step *= 2;
    }
    let passed = step / 2;
    passed + numbers[passed..numbers.len().min(step)].partition_point(|other| *other < number)
}

/// Figures that are kept, and as of when they are: the next instant's take their place.
struct KeptFigures {
    as_of: i64,
    figures: Arc<Figures>,
}

/// Whether figures of so many people may be held at once.
fn check_memory(n_people: usize, n_aggregates: usize, limits: &Limits) -> Result<()> {
    let n_bytes = n_people.saturating_mul(n_aggregates).saturating_mul(size_of::<Sum>());
    if n_bytes > limits.memory_bytes_max {
        let most = format!("{} MiB of memory", limits.memory_bytes_max >> 20);
        return Err(error::over_budget(&most, "use fewer different figures in the condition"));
    }
    Ok(())
}

/// The instant after which a windowed aggregate looks; `None` without a window.
fn window_start(aggregate: &Aggregate, as_of: Instant) -> Option<Instant> {
    aggregate.within.as_ref().and_then(|within| as_of.checked_sub_signed(within.delta()))
}

/// An aggregate ready to be folded.
struct Compiled {
    aggregate: Aggregate,
    /// What tells it from all others that are as of the same instant.
    name: Arc<str>,
    filter: Option<Filter>,
    /// Events later than this, in microseconds.
    after: i64,
    /// Events up to this.
    until: i64,
    /// Type of the property, if there is one.
    value_type: Option<DataType>,
}

/// Figures of all people of a part.
fn fold_part(aggregates: &[&Compiled], part: &Part<'_>, limits: &Limits) -> Result<Vec<Figures>> {
    let people = part.people();
    let takers = part.takers(aggregates.iter().map(|aggregate| &aggregate.aggregate.event));
    let mut passes: Vec<Option<Vec<bool>>> = Vec::with_capacity(aggregates.len());
    for aggregate in aggregates {
        // A part may be one person's million rows, looked at by each of many conditions.
        if (limits.stop)() {
            return Err(error::stopped());
        }
        passes.push(aggregate.filter.as_ref().map(|filter| filter.mask(part)).transpose()?);
    }
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
        let place = places.find(|(_, other)| other.person() == person.person()).map(|(place, _)| place);
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
        let filter = aggregate.filter.as_deref().map(|filter| pass.filter(filter)).transpose()?;
        let looked_at = filter.as_ref().map(Filter::types);
        Ok(Compiled {
            name: format!("{text} of {value_type:?} where {looked_at:?}").into(),
            filter,
            after: window_start(aggregate, as_of).map_or(i64::MIN, |start| start.timestamp_micros()),
            until: as_of.timestamp_micros(),
            value_type,
            aggregate: aggregate.clone(),
        })
    }

    /// Whether it may be computed from some rows and then from others: sums of doubles depend on the order of all. Traits,
    /// which change without the rows, are nothing that an aggregate can look at.
    fn adds_up(&self) -> bool {
        let is_sum = matches!(self.aggregate.function, AggregateFunction::Sum | AggregateFunction::Avg);
        !(is_sum && self.value_type == Some(DataType::Float64))
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
