//! What a trend or a metric measures.

use crate::identifier;
use std::fmt;

/// Which events: those of one name, or all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventSelector {
    /// Events of this name.
    Named(String),
    /// All events, written `*`.
    Any,
}

/// The function of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MeasureFunction {
    /// Number of events.
    Count,
    /// Number of distinct people.
    People,
    /// Sum of a property, over what is not null.
    Sum,
    /// Mean of a property, over what is not null.
    Avg,
    /// Smallest value of a property.
    Min,
    /// Largest value of a property.
    Max,
}

impl MeasureFunction {
    /// The word in the text form.
    pub fn name(self) -> &'static str {
        match self {
            MeasureFunction::Count => "count",
            MeasureFunction::People => "people",
            MeasureFunction::Sum => "sum",
            MeasureFunction::Avg => "avg",
            MeasureFunction::Min => "min",
            MeasureFunction::Max => "max",
        }
    }
}

/// One function over events: `count(E)`, `people(E)`, `sum(E.p)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureAtom {
    /// What is computed.
    pub function: MeasureFunction,
    /// Over which events.
    pub event: EventSelector,
    /// Over which property; present for sum, avg, min and max only.
    pub property: Option<String>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A function over events.
    Atom(MeasureAtom),
    /// One function divided by another; null where the divisor is 0.
    Ratio(MeasureAtom, MeasureAtom),
    /// A metric of the workspace, by name; replaced by its definition when names are resolved.
    Metric(String),
}

/// The text form, as it is parsed.
impl fmt::Display for MeasureAtom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = match &self.event {
            EventSelector::Named(name) => identifier(name),
            EventSelector::Any => "*".to_owned(),
        };
        match &self.property {
            Some(property) => write!(f, "{}({event}.{})", self.function.name(), identifier(property)),
            None => write!(f, "{}({event})", self.function.name()),
        }
    }
}

/// The text form, as it is parsed.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Atom(atom) => write!(f, "{atom}"),
            Measure::Ratio(top, bottom) => write!(f, "{top} / {bottom}"),
            Measure::Metric(name) => f.write_str(&identifier(name)),
        }
    }
}
