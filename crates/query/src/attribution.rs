//! Attribution: which channels conversions are owed to.
//!
//! Each person's conversions and touches are picked from their rows; then a window over the touches goes along with the
//! conversions, and what is in it shares them (`credit`).

use crate::cells::{self, WITHHELD};
use crate::credit::{Conversion, Credits, Figures, Touch};
use crate::error;
use crate::groups::PartGroups;
use crate::guard::{Figure, People};
use crate::pass::{Filter, Part, Pass, Values, Wanted};
use crate::period::period_bounds;
use crate::picked::Picked;
use crate::plan::{Limits, Rows, Scope};
use arrow::datatypes::DataType;
use lake::{Column, Number, Row};
use spec::{AttributionModel, AttributionQuestion, FieldRef, Result, Value, ValueType};

/// What stands for the channel of conversions without any touch.
const NO_TOUCH: &str = "(none)";
/// Whether to stop is asked after so many looks at touches.
const LOOKS_BETWEEN_STOPS: u64 = 1_000_000;
/// The most looks at touches of one person: each conversion looks at those before it.
const LOOKS_MAX: u64 = 500_000_000;
/// No channel yet.
const NONE_YET: u32 = u32::MAX;
/// What an event may be, as bits.
const CONVERSION: u8 = 1;
const TOUCH: u8 = 2;

/// Answers an attribution; its meaning is in the manual.
///
/// # Shape
/// One row per channel with credit, ascending with null last, then one for no touch; columns: channel, conversions, value.
pub(crate) fn run(scope: Scope<'_>, question: &AttributionQuestion) -> Result<Rows> {
    let attribution = Attribution::open(scope, question)?;
    scope.foretell(&attribution.pass, &|| false)?;
    // Sums of doubles depend on their order. One thread keeps that of people and time, whatever stands between them.
    let n_threads = if attribution.value_type == Some(DataType::Float64) { 1 } else { usize::MAX };
    let new = || Credits::new(&question.model, scope.limits.groups_max, scope.guard.sorting());
    let add = |credits: &mut Credits<'_>, part: &Part<'_>| attribution.fold(credits, part, scope.limits);
    let mut threads = attribution.pass.fold_on(n_threads, scope.limits, &new, &add)?.into_iter();
    let mut all = threads.next().unwrap_or_else(new);
    threads.try_for_each(|other| all.merge(other))?;
    Ok(answer(scope, question, all, attribution.pass.cost()))
}

/// An attribution, ready to walk over rows.
struct Attribution<'a> {
    question: &'a AttributionQuestion,
    pass: Pass,
    conversion: Option<Filter>,
    touch: Option<Filter>,
    channel: [FieldRef; 1],
    value: Option<FieldRef>,
    value_type: Option<DataType>,
    /// When conversions count, `[from, to)` in microseconds.
    period: (i64, i64),
    lookback: i64,
    /// Whether each touch counts for one conversion at most.
    resets: bool,
    /// Whether a conversion looks at all of its touches, not just at one.
    shares: bool,
    /// Whether touches that led to no conversion count.
    wants_lost: bool,
}

/// The events of one person, in the order of time.
#[derive(Default)]
struct Events {
    touches: Vec<Touch>,
    conversions: Vec<(i64, Row)>,
    /// The touches of a conversion that is a touch itself, without it.
    others: Vec<Touch>,
}

/// The columns of a part that are looked at.
struct Looked<'p> {
    part: &'p Part<'p>,
    /// What an event may be, by its code.
    of_event: Vec<u8>,
    may_convert: Option<Vec<bool>>,
    may_touch: Option<Vec<bool>>,
    channels: PartGroups<'p>,
    /// The number across parts of each channel here.
    numbers: Vec<u32>,
    values: Option<Values<'p>>,
}

impl<'a> Attribution<'a> {
    fn open(scope: Scope<'a>, question: &'a AttributionQuestion) -> Result<Attribution<'a>> {
        let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
        let field = |name: &String| FieldRef::Property(name.clone());
        let (channel, value) = (field(&question.channel), question.value.as_ref().map(field));
        let mut wanted = Wanted::default();
        for step in [&question.conversion, &question.touch] {
            step.filter.iter().for_each(|filter| wanted.condition(filter));
        }
        question.filter.iter().for_each(|filter| wanted.condition(filter));
        wanted.field(&channel);
        value.iter().for_each(|value| wanted.field(value));
        // Touches may come before the period's start, but not before the first possible window.
        let earliest = from.checked_sub_signed(question.lookback.delta());
        let pass = Pass::open(&scope.plan.properties, &wanted, (earliest, Some(to)), scope.grant, scope.snapshot)?;
        Ok(Attribution {
            conversion: pass.filter_both(&question.conversion.filter, &question.filter)?,
            touch: pass.filter_both(&question.touch.filter, &question.filter)?,
            value_type: value.as_ref().map(|value| pass.type_of(value)).transpose()?,
            channel: [channel],
            value,
            period: (from.timestamp_micros(), to.timestamp_micros()),
            lookback: question.lookback.seconds() * 1_000_000,
            resets: question.reset || matches!(question.model, AttributionModel::Markov | AttributionModel::Shapley),
            shares: !matches!(question.model, AttributionModel::First | AttributionModel::Last),
            wants_lost: question.model == AttributionModel::Markov,
            question,
            pass,
        })
    }

    /// Adds the people of one part.
    fn fold(&self, credits: &mut Credits<'_>, part: &Part<'_>, limits: &Limits) -> Result<()> {
        let mut looked = self.look(part)?;
        let mut events = Events::default();
        let mut looks = Looks { limits, of_person: 0, since_stop: 0 };
        let period = self.period.0.saturating_sub(self.lookback)..self.period.1;
        let wanted: Vec<bool> = looked.of_event.iter().map(|role| *role != 0).collect();
        let fields: Vec<FieldRef> = self.channel.iter().chain(&self.value).cloned().collect();
        part.each_person(&wanted, &period, &fields, |person, picked| {
            self.pick(&mut events, &mut looked, picked, credits)?;
            credits.order(&mut events.touches);
            looks.of_person = 0;
            self.walk(&mut events, &looked, (person.person(), &mut looks), credits)
        })
    }

    fn look<'p>(&self, part: &'p Part<'p>) -> Result<Looked<'p>> {
        let takers = part.takers([&self.question.conversion.event, &self.question.touch.event].into_iter());
        let role = |taken_by: &Vec<usize>| taken_by.iter().fold(0, |bits, place| bits | 1 << place);
        let mask = |filter: &Option<Filter>| filter.as_ref().map(|filter| filter.mask(part)).transpose();
        let channels = PartGroups::of(part, &self.channel)?;
        Ok(Looked {
            part,
            of_event: takers.iter().map(role).collect(),
            may_convert: mask(&self.conversion)?,
            may_touch: mask(&self.touch)?,
            numbers: vec![NONE_YET; channels.len()],
            channels,
            values: self.value.as_ref().map(|value| part.values(value)).transpose()?,
        })
    }

    /// Tells the conversions and touches of a person apart; nothing where neither could count.
    fn pick(
        &self,
        events: &mut Events,
        looked: &mut Looked<'_>,
        picked: Picked<'_>,
        credits: &mut Credits<'_>,
    ) -> Result<()> {
        events.touches.clear();
        events.conversions.clear();
        let (names, of_event) = (looked.part.events(), &looked.of_event);
        let role = |row: &Row| of_event[names.code(*row)];
        if !self.wants_lost && !picked.rows.iter().any(|row| role(row) & CONVERSION != 0) {
            return Ok(());
        }
        let passes = |mask: &Option<Vec<bool>>, row: Row| mask.as_ref().is_none_or(|mask| mask[row.index()]);
        for (row, at) in picked.rows.iter().zip(picked.times) {
            let (row, at, role) = (*row, *at, role(row));
            if role & CONVERSION != 0 && passes(&looked.may_convert, row) {
                events.conversions.push((at, row));
            }
            if role & TOUCH != 0 && passes(&looked.may_touch, row) {
                let number = &mut looked.numbers[looked.channels.of_row(row)];
                if *number == NONE_YET {
                    *number = credits.channel(looked.channels.key(row)?)?;
                }
                events.touches.push(Touch { at, row: row.index(), channel: *number });
            }
        }
        Ok(())
    }

    /// Goes along the conversions of a person with a window over the touches.
    fn walk(
        &self,
        events: &mut Events,
        looked: &Looked<'_>,
        (person, looks): (i64, &mut Looks<'_>),
        credits: &mut Credits<'_>,
    ) -> Result<()> {
        let Events { touches, conversions, others } = events;
        let (mut start, mut end, mut unused) = (0, 0, 0);
        looks.add(touches.len())?;
        // Those of the same instant do not come one after the other: they have the same window.
        for same in conversions.chunk_by(|one, other| one.0 == other.0) {
            let at = same[0].0;
            start = after(touches, start, |touch| touch < at.saturating_sub(self.lookback));
            end = after(touches, end, |touch| touch <= at);
            if self.wants_lost {
                unused = after(touches, unused, |touch| touch < self.period.0);
                credits.lose(&touches[unused.min(start)..start]);
            }
            let window = &touches[start..end];
            let n_now = window.iter().rev().take_while(|touch| touch.at == at).count();
            for (_, row) in same.iter().filter(|_| at >= self.period.0) {
                let conversion = Conversion { person, value: looked.value(*row) };
                let own = window[window.len() - n_now..].iter().position(|touch| touch.row == row.index());
                let own = own.map(|own| end - n_now + own);
                let is_spread = credits.spread(conversion, start..end, own);
                looks.add(if self.shares && !is_spread { window.len() } else { 1 + n_now })?;
                if !is_spread {
                    credits.convert(conversion, self.path(window, own.map(|own| own - start), others));
                }
            }
            if self.resets {
                (start, unused) = (end, end);
            }
        }
        if self.wants_lost {
            unused = after(touches, unused, |touch| touch < self.period.0);
            credits.lose(&touches[unused..]);
        }
        credits.settle(person, touches);
        Ok(())
    }

    /// The touches of a conversion that is itself the one at place `own`, if it is any.
    fn path<'t>(&self, window: &'t [Touch], own: Option<usize>, others: &'t mut Vec<Touch>) -> &'t [Touch] {
        match own {
            None => window,
            Some(0) => &window[1..],
            Some(own) if own + 1 == window.len() => &window[..own],
            // Neither the first nor the last is its own, and no other is looked at.
            Some(_) if !self.shares => window,
            Some(own) => {
                others.clear();
                others.extend_from_slice(&window[..own]);
                others.extend_from_slice(&window[own + 1..]);
                others
            }
        }
    }
}

/// Counts looks at touches, so that nobody's take for ever.
struct Looks<'l> {
    limits: &'l Limits,
    of_person: u64,
    since_stop: u64,
}

impl Looks<'_> {
    fn add(&mut self, n_looks: usize) -> Result<()> {
        self.of_person += n_looks as u64;
        self.since_stop += n_looks as u64;
        if self.of_person > LOOKS_MAX {
            let hint = "ask for a shorter `lookback`, or for the first or the last touch";
            return Err(error::over_budget("500 million looks at one person's events", hint));
        }
        if self.since_stop > LOOKS_BETWEEN_STOPS {
            self.since_stop = 0;
            if (self.limits.stop)() {
                return Err(error::stopped());
            }
        }
        Ok(())
    }
}

/// The place of the first touch from this one on of which that does not hold.
fn after(touches: &[Touch], mut place: usize, holds: impl Fn(i64) -> bool) -> usize {
    while touches.get(place).is_some_and(|touch| holds(touch.at)) {
        place += 1;
    }
    place
}

impl Looked<'_> {
    /// The value of a conversion.
    fn value(&self, row: Row) -> Option<Number> {
        match &self.values {
            Some(Values::Property(Column::Numbers(numbers))) => numbers.get(row),
            _ => None,
        }
    }
}

/// The rows: channels that may be named, then what no touch led to, then one row for all other channels.
fn answer(scope: Scope<'_>, question: &AttributionQuestion, credits: Credits<'_>, cost: (u64, u64)) -> Rows {
    let plan = scope.plan;
    let channel_type = plan.properties.get(&question.channel).copied().unwrap_or(ValueType::Text);
    let mut columns = vec![
        cells::column("channel", channel_type, None),
        cells::column("conversions", ValueType::Number, None),
        cells::column("value", ValueType::Number, plan.unit.as_deref()),
    ];
    let scale = match plan.measure_type {
        Some(ValueType::Decimal { scale }) => scale,
        _ => 0,
    };
    let (channels, untouched) = credits.figures(scale);
    let row = |channel: Value, figures: &Figures| {
        let shown = |what: &str, people: &People, figure: f64| {
            let sort = format!("{what} {:?} {:?}", question.model, question.period);
            let cell = || format!("{channel:?} {what}");
            let value = Value::Number(figure);
            let is_one_each = figure == people.len() as f64;
            let about = Figure { sort: &sort, cell: &cell, people, amounts: &[], is_one_each, value, shares: 1 };
            let told = scope.guard.told(about);
            told.unwrap_or(Value::Null)
        };
        let conversions = shown("conversions", &figures.people, figures.conversions);
        let value = question.value.as_ref().map(|value| shown(value, &figures.valued, figures.value));
        let is_withheld = conversions == Value::Null || value == Some(Value::Null);
        (vec![channel, conversions, value.unwrap_or(Value::Null)], is_withheld)
    };
    let is_named = |figures: &Figures| scope.guard.is_enough(&figures.people);
    let parts: Vec<(&People, bool)> =
        channels.iter().map(|(_, figures)| (&figures.people, is_named(figures))).collect();
    let shown = scope.guard.complement(&parts);
    let (named, others): (Vec<_>, Vec<_>) = channels.into_iter().zip(shown).partition(|(_, is_named)| *is_named);
    let channel_of = |key: &cells::Key| key.0.first().cloned().unwrap_or(Value::Null);
    let mut rows: Vec<(Vec<Value>, bool)> =
        named.iter().map(|((key, figures), _)| row(channel_of(key), figures)).collect();
    // Whether anybody converted without a touch is not told by whether there is a row.
    rows.push(row(Value::Text(NO_TOUCH.to_owned()), &untouched));
    if !others.is_empty() {
        rows.push((vec![Value::Text(WITHHELD.to_owned()), Value::Null, Value::Null], true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    Rows::new(columns, rows, cost)
}
