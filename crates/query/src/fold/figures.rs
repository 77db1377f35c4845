//! Figures of people while they are computed: rows are added to them, and figures of other rows.

use crate::number;
use lake::Number;
use spec::AggregateFunction;

/// Figures of one aggregate, one person after the other.
pub(super) enum Figures {
    /// How many events there are.
    Counts(Vec<u32>),
    /// When the first or the last of them was.
    Times(Vec<Option<i64>>),
    Sums(Vec<Sum>),
    /// The smallest or the largest value.
    Extremes(Vec<Option<Number>>),
}

/// The values of one person, added up.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) n_values: u64,
    pub(super) exact: i128,
    pub(super) double: f64,
}

impl Figures {
    /// Those of so many people without any event.
    pub(super) fn of(function: AggregateFunction, n_people: usize) -> Figures {
        match function {
            AggregateFunction::Count => Figures::Counts(vec![0; n_people]),
            AggregateFunction::DaysSinceFirst | AggregateFunction::DaysSinceLast => {
                Figures::Times(vec![None; n_people])
            }
            AggregateFunction::Sum | AggregateFunction::Avg => Figures::Sums(vec![Sum::default(); n_people]),
            AggregateFunction::Min | AggregateFunction::Max => Figures::Extremes(vec![None; n_people]),
        }
    }

    /// Bytes that are held.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Figures::Counts(counts) => size_of_val(&**counts),
            Figures::Times(times) => size_of_val(&**times),
            Figures::Sums(sums) => size_of_val(&**sums),
            Figures::Extremes(extremes) => size_of_val(&**extremes),
        }
    }

    /// Adds the figures of other rows of people: those from `first` on, of people at these places.
    pub(super) fn merge(&mut self, function: AggregateFunction, other: &Figures, first: usize, places: &[u32]) {
        let places = places.iter().map(|place| *place as usize);
        match (self, other) {
            (Figures::Counts(all), Figures::Counts(more)) => {
                places.zip(&more[first..]).for_each(|(place, more)| all[place] = all[place].saturating_add(*more));
            }
            (Figures::Times(all), Figures::Times(more)) => {
                let further = |one: i64, other: i64| {
                    if function == AggregateFunction::DaysSinceFirst { one.min(other) } else { one.max(other) }
                };
                for (place, more) in places.zip(&more[first..]) {
                    all[place] = all[place].into_iter().chain(*more).reduce(further);
                }
            }
            (Figures::Sums(all), Figures::Sums(more)) => {
                places.zip(&more[first..]).for_each(|(place, more)| all[place].merge(more));
            }
            (Figures::Extremes(all), Figures::Extremes(more)) => {
                let is_min = function == AggregateFunction::Min;
                for (place, more) in places.zip(&more[first..]) {
                    let is_further = |value: &Number| all[place].is_none_or(|known| is_beyond(*value, known, is_min));
                    all[place] = more.filter(is_further).or(all[place]);
                }
            }
            // Figures of one aggregate are of one sort.
            _ => {}
        }
    }

    /// Adds an event to the person at a place; events come in the order of time.
    #[inline]
    pub(super) fn add(&mut self, place: usize, function: AggregateFunction, at: i64, value: Option<Number>) {
        match self {
            Figures::Counts(counts) => counts[place] = counts[place].saturating_add(1),
            Figures::Times(times) => {
                times[place] = times[place].filter(|_| function == AggregateFunction::DaysSinceFirst).or(Some(at));
            }
            Figures::Sums(sums) => value.into_iter().for_each(|value| sums[place].add(value)),
            Figures::Extremes(extremes) => {
                let known = &mut extremes[place];
                let is_min = function == AggregateFunction::Min;
                let is_further = |value: &Number| known.is_none_or(|known| is_beyond(*value, known, is_min));
                *known = value.filter(is_further).or(*known);
            }
        }
    }
}

/// Whether a value is smaller, or larger, than what is known.
fn is_beyond(value: Number, known: Number, is_min: bool) -> bool {
    let order = number::compare(value, known);
    if is_min { order.is_lt() } else { order.is_gt() }
}

impl Sum {
    pub(super) fn merge(&mut self, more: &Sum) {
        self.n_values += more.n_values;
        self.exact = self.exact.saturating_add(more.exact);
        self.double += more.double;
    }

    pub(super) fn add(&mut self, value: Number) {
        self.n_values += 1;
        match value {
            // Two decimals of 38 digits can be more than there is; then the most there is stands for it.
            Number::Exact(exact) => self.exact = self.exact.saturating_add(exact),
            Number::Double(double) => self.double += double,
        }
    }
}
