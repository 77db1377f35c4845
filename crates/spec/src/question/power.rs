//! The question whether a test could find a change: how many people it takes, and how many days.

use super::{ExperimentMetric, FunnelStep, write_condition, write_period};
use crate::{Condition, Duration, Instant, Period};
use serde_json::{Map, Value as Json};
use std::ops::RangeInclusive;

/// How large a test has to be, from what people did before there was one.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerQuestion {
    /// What would expose somebody to a variant.
    pub exposure: FunnelStep,
    /// What is to change.
    pub metric: ExperimentMetric,
    /// The smallest change worth finding, in parts of the metric's mean: 0.05 is five in a hundred more or less.
    pub lift: f64,
    /// Variants, the one that changes nothing included, 2..=10.
    pub variants: u32,
    /// How the test is read.
    pub test: TestKind,
    /// The most days that it may take; absent: however many it takes.
    pub days: Option<u32>,
    /// How often a test without any change may say that there is one, 0..=1.
    pub alpha: f64,
    /// How often a change as large as `lift` is found, 0..=1.
    pub power: f64,
    /// The days to learn from.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters exposures and what is measured by `event.p` and people by traits.
    pub filter: Option<Condition>,
}

/// How a test is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TestKind {
    /// Once, at its end.
    Fixed,
    /// At any time, as often as one likes.
    Sequential,
}

impl TestKind {
    /// Both.
    pub const ALL: [TestKind; 2] = [TestKind::Fixed, TestKind::Sequential];

    /// The word in questions.
    pub fn name(self) -> &'static str {
        match self {
            TestKind::Fixed => "fixed",
            TestKind::Sequential => "sequential",
        }
    }
}

impl PowerQuestion {
    /// What `lift` can be: a change of less takes more people than there are, a change of more nobody asks for.
    pub const LIFTS: RangeInclusive<f64> = 0.001..=100.0;
    /// What `alpha` can be.
    pub const ALPHAS: RangeInclusive<f64> = 0.0001..=0.5;
    /// What `power` can be.
    pub const POWERS: RangeInclusive<f64> = 0.5..=0.999;
    /// What `alpha` is unless it is said.
    pub const ALPHA: f64 = 0.05;
    /// What `power` is unless it is said.
    pub const POWER: f64 = 0.8;
    /// Variants unless they are said.
    pub const VARIANTS: u32 = 2;
    /// The most variants.
    pub const VARIANTS_MAX: u32 = 10;
    /// The most days that a test may take.
    pub const DAYS_MAX: u32 = 366;

    /// The days to learn from unless they are said.
    pub fn usual_period() -> Period {
        Period::Last(Duration::parse("28 days").expect("this is a duration"))
    }

    pub(super) fn write(&self, map: &mut Map<String, Json>) {
        map.insert("exposure".into(), self.exposure.to_json());
        map.insert("metric".into(), self.metric.to_json());
        map.insert("lift".into(), self.lift.into());
        map.insert("variants".into(), self.variants.into());
        map.insert("test".into(), self.test.name().into());
        if let Some(days) = self.days {
            map.insert("days".into(), days.into());
        }
        for (key, value, usual) in [("alpha", self.alpha, Self::ALPHA), ("power", self.power, Self::POWER)] {
            if (value - usual).abs() > f64::EPSILON {
                map.insert(key.into(), value.into());
            }
        }
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
    }
}
