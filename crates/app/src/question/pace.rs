//! How long questions take: rows and bytes that will be looked at, times how fast questions of the same shape were.
//!
//! What was learned lives in memory only. It decides what is called a yes without being run, never what comes out; a team's
//! budget is held against what does not move while the tables stay the same.

use query::Forecast;
use spec::{Cost, Question, QuestionBody};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Seconds that every question takes, to be resolved and granted.
const SECONDS_LEAST: f64 = 0.002;
/// Seconds for a row in memory before anything was learned, by the kind of question: what two cores of a usual machine take.
const SECONDS_PER_ROW: [(&str, f64); 5] =
    [("funnel", 3e-9), ("retention", 1.3e-9), ("trend", 2.5e-9), ("audience", 4e-9), ("sql", 2e-8)];
/// The same for all others.
const SECONDS_PER_ROW_ELSE: f64 = 3e-9;
/// Seconds for a byte of a file that is read, and for a row where any are: columns of few bytes have as many rows to decode.
const SECONDS_PER_BYTE: f64 = 1.2e-9;
const SECONDS_PER_ROW_DECODED: f64 = 1.5e-9;
/// Less work than this teaches nothing.
const SECONDS_LEARNED_MIN: f64 = 0.02;
/// So much faster or slower than expected questions are at most.
const SLOWER: (f64, f64) = (0.1, 20.0);
/// How much the newest question counts against all before it: of its shape and kind, and of all.
const NEWEST: f64 = 0.5;
const NEWEST_OF_ALL: f64 = 0.2;
/// All questions: how much slower the machine is than a usual one. No shape has this name.
const ALL: &str = "";
/// More shapes than this are forgotten together.
const SHAPES_MAX: usize = 1_000;

/// How much slower than expected questions were: by their shape, by their kind, and all of them.
#[derive(Default)]
pub(crate) struct Paces(Mutex<HashMap<String, f64>>);

/// What questions have in common that take about as long per row.
pub(crate) fn shape(question: &Question, foretold: Forecast) -> String {
    let (events, n_groups, has_filter) = match &question.body {
        QuestionBody::Trend(trend) => (trend.measure.to_string(), trend.breakdown.len(), trend.filter.is_some()),
        QuestionBody::Funnel(funnel) => {
            let steps = funnel.steps.iter().map(|step| format!("{:?}", step.event)).collect::<Vec<_>>();
            (steps.join(" "), funnel.breakdown.len() + funnel.same.len(), funnel.filter.is_some())
        }
        QuestionBody::Retention(retention) => {
            (format!("{:?} {:?}", retention.start.event, retention.coming_back.event), 0, retention.filter.is_some())
        }
        QuestionBody::Attribution(attribution) => {
            (format!("{:?} {:?}", attribution.model, attribution.conversion.event), 1, attribution.filter.is_some())
        }
        QuestionBody::Paths(paths) => (format!("{}", paths.steps), 0, paths.filter.is_some()),
        QuestionBody::Experiment(experiment) => {
            (format!("{:?}", experiment.exposure.event), experiment.metrics.len(), experiment.filter.is_some())
        }
        QuestionBody::Power(power) => (format!("{:?}", power.exposure.event), 1, power.filter.is_some()),
        QuestionBody::Sql(sql) => (sql.text.clone(), 0, false),
        QuestionBody::Audience(audience) => (audience.condition.to_string(), 0, false),
    };
    // What was computed of people and kept takes none of the time that their rows take.
    let is_kept = (foretold.rows == 0, foretold.bytes == 0);
    format!("{} {events} by {n_groups} {has_filter} {is_kept:?}", question.kind())
}

impl Paces {
    /// What a question will take.
    pub(crate) fn forecast(&self, shape: &str, foretold: Forecast) -> Cost {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kind_of(shape);
        let slower = [shape, kind, ALL].into_iter().find_map(|name| known.get(name)).copied().unwrap_or(1.0);
        let seconds = SECONDS_LEAST + work(kind, foretold) * slower;
        Cost { rows_read: foretold.rows, bytes_read: foretold.bytes, seconds }
    }

    /// Learns from a question that was answered, or stopped; small ones say more of the machine than of themselves.
    pub(crate) fn learn(&self, shape: &str, foretold: Forecast, seconds: f64) {
        let expected = work(kind_of(shape), foretold);
        if expected < SECONDS_LEARNED_MIN {
            return;
        }
        let slower = ((seconds - SECONDS_LEAST) / expected).clamp(SLOWER.0, SLOWER.1);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SHAPES_MAX {
            known.clear();
        }
        for (name, newest) in [(shape, NEWEST), (kind_of(shape), NEWEST), (ALL, NEWEST_OF_ALL)] {
            let before = known.get(name).copied().unwrap_or(slower);
            // In ratios: twice as long and half as long cancel out.
            known.insert(name.to_owned(), before.powf(1.0 - newest) * slower.powf(newest));
        }
    }
}

/// What a question takes at most, whatever is in memory, before anything was learned: the same as long as the tables are.
pub(crate) fn at_most(question: &Question, foretold: Forecast) -> Cost {
    let bytes = foretold.bytes_stored;
    let seconds = SECONDS_LEAST + work(question.kind(), Forecast { bytes, ..foretold });
    Cost { rows_read: foretold.rows, bytes_read: bytes, seconds }
}

fn kind_of(shape: &str) -> &str {
    shape.split(' ').next().unwrap_or_default()
}

/// Seconds before anything was learned.
fn work(kind: &str, foretold: Forecast) -> f64 {
    let per_row = SECONDS_PER_ROW.iter().find(|(name, _)| *name == kind).map_or(SECONDS_PER_ROW_ELSE, |(_, row)| *row);
    let per_row = per_row + if foretold.bytes > 0 { SECONDS_PER_ROW_DECODED } else { 0.0 };
    1e-3 + foretold.rows as f64 * per_row + foretold.bytes as f64 * SECONDS_PER_BYTE
}

#[cfg(test)]
mod tests;
