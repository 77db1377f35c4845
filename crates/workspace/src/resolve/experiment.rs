//! What the names of an experiment mean.

use super::{Figure, check_groups, examine_atom, examine_step, named_metric};
use crate::condition::all_of;
use crate::examine::{About, Examiner, Site};
use spec::{EventSelector, ExperimentMetric, ExperimentQuestion, FieldRef, Measure, MeasureFunction};

/// The question with its conditions explained and its metrics replaced by what they measure; the variant is what it is
/// broken down by.
pub(super) fn examine(
    examiner: &mut Examiner<'_>,
    experiment: &ExperimentQuestion,
    figure: &mut Figure,
) -> ExperimentQuestion {
    const VARIANT: &str = "/question/variant";
    let exposure = examine_step(examiner, &experiment.exposure, "/question/exposure/where");
    figure.breakdown = vec![FieldRef::Property(experiment.variant.clone())];
    if let Some(field) = examiner.property_of(&exposure.event, &experiment.variant, VARIANT) {
        check_groups(examiner, &field, VARIANT);
    }
    let mut events = vec![exposure.event.clone()];
    let examined = experiment.metrics.iter().enumerate();
    let pointer = |index: usize| format!("/question/metrics/{index}");
    let metrics: Vec<ExperimentMetric> =
        examined.map(|(index, metric)| examine_metric(examiner, &pointer(index), metric, &mut events)).collect();
    let site = Site { pointer: "/question/where", about: About::Events, events: &events };
    let filter = experiment.filter.as_ref().map(|filter| examiner.condition(filter, site));
    ExperimentQuestion { exposure, metrics, filter, ..experiment.clone() }
}

/// A metric that is a figure of each person; notes its event.
pub(super) fn examine_metric(
    examiner: &mut Examiner<'_>,
    pointer: &str,
    metric: &ExperimentMetric,
    events: &mut Vec<EventSelector>,
) -> ExperimentMetric {
    let mut measure = metric.measure.clone();
    let mut shared_filter = None;
    if let Measure::Metric(name) = &metric.measure {
        let Some(found) = named_metric(examiner, name) else { return metric.clone() };
        (measure, shared_filter) = (found.measure.clone(), found.filter.clone());
    }
    let atom = match &measure {
        Measure::Atom(atom) if is_of_people(atom.function) => atom,
        _ => {
            let message = format!("`{measure}` is not a figure that each person has");
            examiner.wrong(pointer, message, "use count, people or sum");
            return metric.clone();
        }
    };
    examine_atom(examiner, atom, pointer);
    let here = std::slice::from_ref(&atom.event);
    let where_pointer = format!("{pointer}/where");
    let site = Site { pointer: &where_pointer, about: About::Events, events: here };
    let filters =
        shared_filter.iter().chain(&metric.filter).map(|filter| examiner.condition(filter, site)).collect::<Vec<_>>();
    if !events.contains(&atom.event) {
        events.push(atom.event.clone());
    }
    ExperimentMetric {
        // What it is called stays what was asked for.
        name: Some(metric.title()),
        filter: (!filters.is_empty()).then(|| all_of(filters)),
        measure,
        within: metric.within.clone(),
    }
}

/// Whether a figure of each person adds up to one of many.
fn is_of_people(function: MeasureFunction) -> bool {
    matches!(function, MeasureFunction::Count | MeasureFunction::People | MeasureFunction::Sum)
}
