//! The question what people do after an event, or did before one.

use super::{FunnelStep, write_condition, write_period};
use crate::{Condition, Instant, Period};
use serde_json::{Map, Value as Json};

/// What people do after an event, or did before one.
#[derive(Clone, Debug, PartialEq)]
pub struct PathsQuestion {
    /// The event that paths start from or lead to.
    pub end: PathsEnd,
    /// Events of a path, 1..=10.
    pub steps: u32,
    /// Whether an event directly after one of the same name is left out.
    pub collapse: bool,
    /// Paths with a row of their own, 1..=1000.
    pub top: u32,
    /// When the event at the end happens; absent: at any time up to `as_of`.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters all events by `event.p` and people by traits.
    pub filter: Option<Condition>,
}

/// The event that paths start from or lead to.
#[derive(Clone, Debug, PartialEq)]
pub enum PathsEnd {
    /// A person's first such event, and what follows it.
    From(FunnelStep),
    /// A person's last such event, and what came before it.
    To(FunnelStep),
}

impl PathsQuestion {
    pub(super) fn write(&self, map: &mut Map<String, Json>) {
        map.insert(self.end.key().into(), self.end.step().to_json());
        map.insert("steps".into(), self.steps.into());
        if self.collapse {
            map.insert("collapse".into(), true.into());
        }
        map.insert("top".into(), self.top.into());
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
    }
}

impl PathsEnd {
    /// The word in questions.
    pub fn key(&self) -> &'static str {
        match self {
            PathsEnd::From(_) => "from",
            PathsEnd::To(_) => "to",
        }
    }

    /// Which event it is.
    pub fn step(&self) -> &FunnelStep {
        let (PathsEnd::From(step) | PathsEnd::To(step)) = self;
        step
    }

    /// Which event it is, to be changed.
    pub fn step_mut(&mut self) -> &mut FunnelStep {
        let (PathsEnd::From(step) | PathsEnd::To(step)) = self;
        step
    }
}
