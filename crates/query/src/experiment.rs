//! Experiments: what people did after their first exposure, summed up variant by variant.
//!
//! A person's rows are looked at once for exposures and once for what is measured. Sums of whole numbers and decimals are
//! exact, so that they do not depend on people's order, on parts or on threads.

mod arms;
mod before;

use crate::cells::{self, Key, WITHHELD};
use crate::error;
use crate::groups::PartGroups;
use crate::guard::{Class, Figure, Guard, People, sort_of};
use crate::number;
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::period::period_bounds;
use crate::picked::Picked;
use crate::plan::{Rows, Scope};
use crate::sample_ratio::sample_ratio;
use arms::{Arm, Arms, Own, Sums};
use arrow::datatypes::DataType;
pub(crate) use before::{Before, before};
use lake::{Column, Number, Numbers, Row};
use spec::{
    ExperimentMetric, ExperimentQuestion, FieldRef, Measure, MeasureAtom, MeasureFunction, Result, Value, ValueType,
};
use std::collections::BTreeMap;

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// More variants than this are no variants.
const VARIANTS_MAX: usize = 100;
/// A group of a part whose variant was not looked up yet.
const NONE_YET: u32 = u32::MAX;
/// A group of a part without a variant.
const NO_VARIANT: u32 = u32::MAX - 1;
/// What an event may be, as bits.
const EXPOSURE: u8 = 1;
const MEASURED: u8 = 2;

/// Answers an experiment; its meaning is in the manual.
///
/// # Shape
/// One row per variant and metric, variants ascending, metrics as asked; then one for variants that are withheld, where
/// there are any. Columns: variant, metric, n, mean, sum, `sum_squares`. Beside the rows the sample ratio.
pub(crate) fn run(scope: Scope<'_>, question: &ExperimentQuestion) -> Result<Rows> {
    let experiment = Experiment::open(scope, question)?;
    scope.foretell(&experiment.pass, &|| experiment.is_bounded())?;
    // Sums of doubles depend on their order. One thread keeps that of people and time, whatever stands between them.
    let has_doubles = experiment.metrics.iter().any(|metric| metric.value_type == DataType::Float64);
    let n_threads = if has_doubles { 1 } else { usize::MAX };
    let add = |arms: &mut Arms, part: &Part<'_>| experiment.fold(arms, part);
    let new = || Arms::new(scope.guard.sorting());
    let mut threads = experiment.pass.fold_on(n_threads, scope.limits, &new, &add)?.into_iter();
    let mut all = threads.next().unwrap_or_else(new);
    threads.try_for_each(|other| all.merge(other))?;
    experiment.answer(scope, &all)
}

/// An experiment, ready to walk over rows.
struct Experiment<'a> {
    question: &'a ExperimentQuestion,
    pass: Pass,
    may_expose: Option<Filter>,
    /// What tells variants apart; without it all who were exposed are one.
    variant: Vec<FieldRef>,
    metrics: Vec<Metric<'a>>,
    /// Whether people who were exposed too late to have acted count as new ones, and for nothing else.
    only_ripe: bool,
    /// `[from, to)` in microseconds.
    period: (i64, i64),
}

/// A metric, ready to be computed.
struct Metric<'a> {
    title: String,
    atom: &'a MeasureAtom,
    filter: Option<Filter>,
    /// How long after the exposure events count, in microseconds.
    within: i64,
    value_type: DataType,
}

/// The columns of a part that are looked at.
struct Looked<'p> {
    part: &'p Part<'p>,
    /// What an event may be, by its code.
    of_event: Vec<u8>,
    may_expose: Option<Vec<bool>>,
    variants: PartGroups<'p>,
    /// The number across parts of each variant here.
    numbers: Vec<u32>,
    metrics: Vec<LookedMetric<'p>>,
}

struct LookedMetric<'p> {
    /// Whether it takes an event, by the event's code.
    takes: Vec<bool>,
    mask: Option<Vec<bool>>,
    values: Option<&'p Numbers>,
}

impl Looked<'_> {
    /// What a row may be.
    fn role(&self, row: Row) -> u8 {
        self.of_event[self.part.events().code(row)]
    }
}

impl<'a> Experiment<'a> {
    fn open(scope: Scope<'a>, question: &'a ExperimentQuestion) -> Result<Experiment<'a>> {
        let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
        // What has not happened yet is no baseline.
        let to = if question.variant.is_empty() { to.min(scope.plan.now) } else { to };
        let variant = Some(&question.variant).filter(|name| !name.is_empty());
        let variant: Vec<FieldRef> = variant.into_iter().cloned().map(FieldRef::Property).collect();
        let mut wanted = Wanted::default();
        variant.iter().for_each(|variant| wanted.field(variant));
        question.exposure.filter.iter().chain(&question.filter).for_each(|filter| wanted.condition(filter));
        for metric in &question.metrics {
            metric.filter.iter().for_each(|filter| wanted.condition(filter));
            atom_of(metric)?.property.iter().for_each(|name| wanted.property(name));
        }
        let pass = Pass::open(&scope.plan.properties, &wanted, (Some(from), Some(to)), scope.grant, scope.snapshot)?;
        let metrics = question.metrics.iter().map(|metric| Metric::open(metric, question, &pass));
        Ok(Experiment {
            may_expose: pass.filter_both(&question.exposure.filter, &question.filter)?,
            metrics: metrics.collect::<Result<_>>()?,
            only_ripe: variant.is_empty(),
            variant,
            period: (from.timestamp_micros(), to.timestamp_micros()),
            question,
            pass,
        })
    }

    /// Whether no data can make the answer too large, or a figure of it too large to be written down.
    fn is_bounded(&self) -> bool {
        let is_sum = |metric: &Metric<'_>| metric.atom.function == MeasureFunction::Sum;
        let is_few = self.pass.groups_max(&self.variant).is_some_and(|variants| variants <= VARIANTS_MAX);
        is_few && !self.metrics.iter().any(is_sum)
    }

    /// Adds the people of one part.
    fn fold(&self, arms: &mut Arms, part: &Part<'_>) -> Result<()> {
        let mut looked = self.look(part)?;
        let wanted: Vec<bool> = looked.of_event.iter().map(|role| *role != 0).collect();
        let period = self.period.0..self.period.1;
        part.each_person(&wanted, &period, &self.looked_at(), |person, picked| {
            let class = arms.sorting.class(person.person());
            match self.exposure(&mut looked, picked, arms)? {
                Exposure::None => {}
                Exposure::Several => arms.several.add(class),
                Exposure::First { variant, at } => {
                    arms.arrive(class, at - self.period.0);
                    if self.only_ripe && at.saturating_add(self.metrics[0].ripe_after()) > self.period.1 {
                        return Ok(());
                    }
                    let arm = &mut arms.arms[variant];
                    arm.people.add(class);
                    arm.sums.resize(self.metrics.len(), Sums::new(arms.sorting));
                    self.measure(&looked, picked, (class, at), arm)?;
                }
            }
            Ok(())
        })
    }

    /// The properties of events that are looked at.
    fn looked_at(&self) -> Vec<FieldRef> {
        let measured = self.metrics.iter().filter_map(|metric| metric.atom.property.clone().map(FieldRef::Property));
        measured.chain(self.variant.clone()).collect()
    }

    fn look<'p>(&self, part: &'p Part<'p>) -> Result<Looked<'p>> {
        let events = [&self.question.exposure.event].into_iter();
        let takers = part.takers(events.chain(self.metrics.iter().map(|metric| &metric.atom.event)));
        let role = |taken_by: &Vec<usize>| {
            taken_by.iter().fold(0, |bits, taker| bits | if *taker == 0 { EXPOSURE } else { MEASURED })
        };
        let variants = PartGroups::of(part, &self.variant)?;
        let metric = |(place, metric): (usize, &Metric<'_>)| {
            Ok(LookedMetric {
                takes: takers.iter().map(|taken_by| taken_by.contains(&(place + 1))).collect(),
                mask: metric.filter.as_ref().map(|filter| filter.mask(part)).transpose()?,
                values: metric.values(part)?,
            })
        };
        Ok(Looked {
            part,
            of_event: takers.iter().map(role).collect(),
            may_expose: self.may_expose.as_ref().map(|filter| filter.mask(part)).transpose()?,
            numbers: vec![NONE_YET; variants.len()],
            variants,
            metrics: self.metrics.iter().enumerate().map(metric).collect::<Result<_>>()?,
        })
    }

    /// What a person was exposed to in the period.
    fn exposure(&self, looked: &mut Looked<'_>, picked: Picked<'_>, arms: &mut Arms) -> Result<Exposure> {
        let mut found = Exposure::None;
        for (row, at) in picked.rows.iter().zip(picked.times) {
            let (row, at) = (*row, *at);
            if looked.role(row) & EXPOSURE == 0 {
                continue;
            }
            if looked.may_expose.as_ref().is_some_and(|mask| !mask[row.index()]) {
                continue;
            }
            let number = &mut looked.numbers[looked.variants.of_row(row)];
            if *number == NONE_YET {
                *number = arms.number(looked.variants.key(row)?)?;
            }
            if *number == NO_VARIANT {
                continue;
            }
            match found {
                Exposure::None => {
                    found = Exposure::First { variant: *number as usize, at };
                }
                Exposure::First { variant, .. } if variant == *number as usize => {}
                _ => return Ok(Exposure::Several),
            }
        }
        Ok(found)
    }

    /// Adds what a person did after being exposed.
    fn measure(
        &self,
        looked: &Looked<'_>,
        picked: Picked<'_>,
        (class, exposed_at): (Class, i64),
        arm: &mut Arm,
    ) -> Result<()> {
        let mut own = [Own::default(); ExperimentQuestion::METRICS_MAX];
        let first = picked.times.partition_point(|at| *at < exposed_at);
        for (row, at) in picked.rows.iter().zip(picked.times).skip(first) {
            let (row, since) = (*row, at.saturating_sub(exposed_at));
            let code = looked.part.events().code(row);
            for ((metric, seen), own) in self.metrics.iter().zip(&looked.metrics).zip(&mut own) {
                let passes = || seen.mask.as_ref().is_none_or(|mask| mask[row.index()]);
                if seen.takes[code] && since <= metric.within && passes() {
                    own.events += 1;
                    if let Some(value) = seen.values.and_then(|values| values.get(row)) {
                        own.add(value)?;
                    }
                }
            }
        }
        for ((metric, own), sums) in self.metrics.iter().zip(own).zip(&mut arm.sums) {
            sums.add(class, &own, metric.atom.function)?;
        }
        Ok(())
    }

    fn answer(&self, scope: Scope<'_>, all: &Arms) -> Result<Rows> {
        let min_group = scope.grant.min_group();
        let arms = all.numbers.iter().map(|(variant, number)| (variant, &all.arms[*number]));
        // Nobody is left of a variant whose people all saw another one too.
        let arms: Vec<(&Key, &Arm)> = arms.filter(|(_, arm)| arm.people.len() > 0).collect();
        let variant_type = scope.plan.properties.get(&self.question.variant).copied().unwrap_or(ValueType::Text);
        let sum_type = self.sum_type(scope);
        let mut columns = vec![
            cells::column("variant", variant_type, None),
            cells::column("metric", ValueType::Text, None),
            cells::column("n", ValueType::Integer, Some("people")),
            cells::column("mean", ValueType::Number, None),
            cells::column("sum", sum_type, None),
            cells::column("sum_squares", ValueType::Number, None),
        ];
        let parts: Vec<(&People, bool)> =
            arms.iter().map(|(_, arm)| (&arm.people, scope.guard.is_enough(&arm.people))).collect();
        let shown = scope.guard.complement(&parts);
        let (named, others): (Vec<_>, Vec<_>) = arms.iter().zip(shown).partition(|(_, is_named)| *is_named);
        let mut rows = Vec::new();
        let mut shares: BTreeMap<&Key, u64> = arms.iter().map(|(variant, _)| (*variant, 0)).collect();
        for ((variant, arm), _) in named {
            let people = scope.guard.people(&arm.people, &|| format!("{variant:?}"), 1);
            if let Some(Value::Integer(people)) = people {
                shares.insert(variant, people.unsigned_abs());
            }
            for (metric, sums) in self.metrics.iter().zip(&arm.sums) {
                let mut row = vec![
                    variant.0[0].clone(),
                    Value::Text(metric.title.clone()),
                    people.clone().unwrap_or(Value::Null),
                ];
                let name = format!("{variant:?} {}", metric.title);
                let told = match shares[variant] {
                    0 => None,
                    people => metric.told(scope.guard, &name, sums, (people, sum_type))?,
                };
                let is_withheld = told.is_none();
                row.extend(told.unwrap_or([Value::Null, Value::Null, Value::Null]));
                rows.push((row, is_withheld));
            }
        }
        if !others.is_empty() {
            let mut row = vec![Value::Text(WITHHELD.to_owned())];
            row.resize(columns.len(), Value::Null);
            rows.push((row, true));
        }
        let shares = shares.into_iter().map(|(variant, people)| (variant.0[0].clone(), people)).collect();
        let several = match scope.guard.people(&all.several, &|| "several".to_owned(), 1) {
            Some(Value::Integer(several)) => several.unsigned_abs(),
            _ => 0,
        };
        let rows = cells::mark_withheld(&mut columns, rows);
        Ok(Rows {
            sample_ratio: Some(sample_ratio(shares, &self.question.split, several, min_group)),
            ..Rows::new(columns, rows, self.pass.cost())
        })
    }

    /// The type that the sums of all metrics fit.
    fn sum_type(&self, scope: Scope<'_>) -> ValueType {
        let types = self.metrics.iter().map(|metric| match metric.atom.function {
            MeasureFunction::Sum => {
                let property = metric.atom.property.as_ref();
                property.and_then(|name| scope.plan.properties.get(name).copied()).unwrap_or(ValueType::Number)
            }
            _ => ValueType::Integer,
        });
        types.reduce(wider).unwrap_or(ValueType::Integer)
    }
}

/// The type of numbers that holds those of both.
fn wider(one: ValueType, other: ValueType) -> ValueType {
    match (one, other) {
        (ValueType::Decimal { scale: one }, ValueType::Decimal { scale: other }) => {
            ValueType::Decimal { scale: one.max(other) }
        }
        (ValueType::Integer, other) => other,
        (one, ValueType::Integer) => one,
        _ => ValueType::Number,
    }
}

/// What somebody was exposed to.
#[derive(Clone, Copy)]
enum Exposure {
    None,
    First { variant: usize, at: i64 },
    Several,
}

impl<'a> Metric<'a> {
    /// How long after an exposure everything that counts has happened; at once, where it counts for as long as one looks.
    fn ripe_after(&self) -> i64 {
        if self.within == i64::MAX { 0 } else { self.within }
    }

    fn open(metric: &'a ExperimentMetric, question: &ExperimentQuestion, pass: &Pass) -> Result<Metric<'a>> {
        let atom = atom_of(metric)?;
        let property = atom.property.as_ref().map(|name| pass.type_of(&FieldRef::Property(name.clone())));
        Ok(Metric {
            title: metric.title(),
            atom,
            filter: pass.filter_both(&metric.filter, &question.filter)?,
            within: metric.within.as_ref().map_or(i64::MAX, |within| within.seconds() * 1_000_000),
            value_type: property.transpose()?.unwrap_or(DataType::Int64),
        })
    }

    fn values<'p>(&self, part: &'p Part<'_>) -> Result<Option<&'p Numbers>> {
        let Some(name) = &self.atom.property else { return Ok(None) };
        Ok(match part.values(&FieldRef::Property(name.clone()))? {
            Values::Property(Column::Numbers(numbers)) => Some(numbers),
            _ => None,
        })
    }

    /// Mean, sum and sum of squares of so many people, as they may be told: the mean is that of what is told of both, so
    /// that it tells nothing else.
    fn told(
        &self,
        guard: &Guard,
        name: &str,
        sums: &Sums,
        (people, sum_type): (u64, ValueType),
    ) -> Result<Option<[Value; 3]>> {
        // Of noisy counts no other figure is made.
        if guard.is_sparing() {
            return Ok(None);
        }
        let scale = match &self.value_type {
            DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
            _ => 0,
        };
        let exact = match (sum_type, &self.value_type) {
            (ValueType::Number, _) => Value::Number(sums.sum.double(scale)),
            (_, value_type) => number::shown(Number::Exact(sums.sum.exact), value_type)?,
        };
        let is_of_people = self.atom.function == MeasureFunction::People;
        let amounts = if is_of_people { &[][..] } else { &sums.amounts };
        let figure = |sort: &str, value: Value| {
            let cell = || format!("{name} {sort}");
            let people = &sums.acted;
            let is_one_each = people.are_one_each(amounts, &value);
            guard.told_beside(Figure { sort, cell: &cell, people, amounts, is_one_each, value, shares: 1 }, 0)
        };
        let sort = sort_of(self.atom.function, self.atom.property.as_deref());
        let Some(sum) = figure(&sort, exact.clone()) else { return Ok(None) };
        let total = if sum == exact { Some(sums.sum.double(scale)) } else { number::double(&sum) };
        let squares = match is_of_people {
            // Each is one, or none.
            true => total.map(Value::Number),
            false => figure(&format!("squares of {sort}"), Value::Number(sums.squares.double(2 * scale))),
        };
        let mean = total.map(|total| Value::Number(total / people as f64));
        Ok(mean.zip(squares).map(|(mean, squares)| [mean, sum, squares]))
    }
}

/// What a metric measures, after names were resolved.
fn atom_of(metric: &ExperimentMetric) -> Result<&MeasureAtom> {
    match &metric.measure {
        Measure::Atom(atom) => Ok(atom),
        Measure::Ratio(..) | Measure::Metric(_) => {
            Err(error::bug("a metric of an experiment is not a figure of people"))
        }
    }
}
