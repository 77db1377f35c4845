//! An experiment as one plain sentence.

use super::clause::Speaker;
use super::say::{joined, lower_first, period_words};
use spec::{ExperimentMetric, ExperimentQuestion};

impl Speaker<'_> {
    pub(super) fn experiment(&self, experiment: &ExperimentQuestion, purpose: &str) -> String {
        let metrics: Vec<String> = experiment.metrics.iter().map(|metric| self.experiment_metric(metric)).collect();
        let event = &experiment.exposure.event;
        let filter = experiment.filter.as_ref();
        let filter = filter.map(|filter| format!(", where {}", self.event_clause(filter, Some(event))));
        let period = period_words(experiment.period.as_ref(), experiment.as_of);
        let period = if period.is_empty() { period } else { format!(",{period}") };
        format!(
            "How do people who {} differ by {} in {} afterwards{}{period}, for {purpose}?",
            self.step(&experiment.exposure),
            self.group(&experiment.variant, Some(event)),
            joined(&metrics, "and"),
            filter.unwrap_or_default(),
        )
    }

    pub(super) fn experiment_metric(&self, metric: &ExperimentMetric) -> String {
        let name = metric.name.clone().unwrap_or_else(|| lower_first(&self.measure(&metric.measure)));
        let within = metric.within.as_ref().map(|within| format!(" within {within}"));
        format!("{name}{}", within.unwrap_or_default())
    }
}
