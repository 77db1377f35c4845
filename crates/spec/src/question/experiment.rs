//! The question how the variants of an experiment compare.

use super::{FunnelStep, write_condition, write_period};
use crate::{Condition, Duration, Instant, Measure, Period};
use serde_json::{Map, Value as Json, json};

/// What people did after they were first exposed to a variant, variant by variant.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentQuestion {
    /// What exposes somebody: such an event with a variant, inside the period.
    pub exposure: FunnelStep,
    /// The property of an exposure that names its variant.
    pub variant: String,
    /// What is compared, 1..=20, each with a name of its own.
    pub metrics: Vec<ExperimentMetric>,
    /// Variants with the parts of people that they were meant to get, by name; empty: all the same.
    pub split: Vec<(String, u32)>,
    /// When people are exposed and act; absent: at any time up to `as_of`.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters exposures and what is measured by `event.p` and people by traits.
    pub filter: Option<Condition>,
}

/// A figure about each person, from what they did after their exposure.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentMetric {
    /// What it is called in the answer; absent: the measure's text.
    pub name: Option<String>,
    /// `count(E)`, `sum(E.p)`, or `people(E)`, which is 1 for who did and 0 for others.
    pub measure: Measure,
    /// Which events.
    pub filter: Option<Condition>,
    /// Events up to so long after the exposure; absent: all in the period.
    pub within: Option<Duration>,
}

impl ExperimentMetric {
    /// What it is called in the answer.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.measure.to_string())
    }

    pub(super) fn to_json(&self) -> Json {
        if self.name.is_none() && self.filter.is_none() && self.within.is_none() {
            return self.measure.to_string().into();
        }
        let mut map = Map::new();
        if let Some(name) = &self.name {
            map.insert("name".into(), name.clone().into());
        }
        map.insert("measure".into(), self.measure.to_string().into());
        write_condition(&mut map, self.filter.as_ref());
        if let Some(within) = &self.within {
            map.insert("within".into(), within.to_string().into());
        }
        Json::Object(map)
    }
}

impl ExperimentQuestion {
    /// The most metrics of one question.
    pub const METRICS_MAX: usize = 20;

    pub(super) fn write(&self, map: &mut Map<String, Json>) {
        map.insert("exposure".into(), self.exposure.to_json());
        map.insert("variant".into(), self.variant.clone().into());
        map.insert("metrics".into(), self.metrics.iter().map(ExperimentMetric::to_json).collect());
        if !self.split.is_empty() {
            let parts = self.split.iter().map(|(variant, part)| (variant.clone(), json!(part)));
            map.insert("split".into(), Json::Object(parts.collect()));
        }
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
    }
}
