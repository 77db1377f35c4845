//! A question with one name put in the place of another, everywhere it stood.

use crate::sql_text::SqlText;
use spec::{
    Aggregate, AttributionQuestion, Condition, EventSelector, ExperimentQuestion, FieldRef, FunnelQuestion, FunnelStep,
    Measure, MeasureAtom, PowerQuestion, Question, QuestionBody, Term, TrendQuestion,
};

/// What becomes what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Event {
        from: String,
        to: String,
    },
    /// A property or a trait; inside of an aggregate's brackets only if they are about this event.
    Field {
        from: FieldRef,
        to: FieldRef,
        event: Option<EventSelector>,
    },
    Metric {
        from: String,
        to: String,
    },
    Audience {
        from: String,
        to: String,
    },
    Purpose {
        from: String,
        to: String,
    },
    Destination {
        from: String,
        to: String,
    },
    /// Words of a text in SQL, by the numbers of its pieces: a name in it may be part of anything elsewhere.
    Words {
        numbers: Vec<usize>,
        to: String,
    },
}

/// The changed question.
pub(crate) fn rename(question: &Question, change: &Change) -> Question {
    let mut question = question.clone();
    if let Change::Purpose { from, to } = change
        && question.purpose == *from
    {
        question.purpose.clone_from(to);
    }
    match &mut question.body {
        QuestionBody::Trend(trend) => in_trend(trend, change),
        QuestionBody::Funnel(funnel) => in_funnel(funnel, change),
        QuestionBody::Retention(retention) => {
            for step in [&mut retention.start, &mut retention.coming_back] {
                in_step(step, change);
            }
            retention.filter.iter_mut().for_each(|filter| in_condition(filter, change));
        }
        QuestionBody::Attribution(attribution) => in_attribution(attribution, change),
        QuestionBody::Paths(paths) => {
            in_step(paths.end.step_mut(), change);
            paths.filter.iter_mut().for_each(|filter| in_condition(filter, change));
        }
        QuestionBody::Experiment(experiment) => in_experiment(experiment, change),
        QuestionBody::Power(power) => in_power(power, change),
        QuestionBody::Sql(sql) => in_text(&mut sql.text, change),
        QuestionBody::Audience(audience) => {
            in_condition(&mut audience.condition, change);
            in_names(&mut audience.columns, change);
            if let Change::Destination { from, to } = change
                && audience.destination.as_ref() == Some(from)
            {
                audience.destination = Some(to.clone());
            }
        }
    }
    question
}

fn in_text(text: &mut String, change: &Change) {
    let Change::Words { numbers, to } = change else { return };
    let changed = SqlText::new(text).and_then(|known| known.with_name(numbers, to));
    if let Some(changed) = changed {
        *text = changed;
    }
}

fn in_trend(trend: &mut TrendQuestion, change: &Change) {
    in_measure(&mut trend.measure, change);
    trend.filter.iter_mut().for_each(|filter| in_condition(filter, change));
    in_names(&mut trend.breakdown, change);
}

fn in_measure(measure: &mut Measure, change: &Change) {
    match (measure, change) {
        (Measure::Metric(name), Change::Metric { from, to }) if name == from => name.clone_from(to),
        (Measure::Metric(_), _) => {}
        (Measure::Atom(atom), _) => in_atom(atom, change),
        (Measure::Ratio(top, bottom), _) => {
            in_atom(top, change);
            in_atom(bottom, change);
        }
    }
}

fn in_funnel(funnel: &mut FunnelQuestion, change: &Change) {
    funnel.steps.iter_mut().for_each(|step| in_step(step, change));
    funnel.filter.iter_mut().for_each(|filter| in_condition(filter, change));
    for names in [&mut funnel.same, &mut funnel.count_by, &mut funnel.breakdown] {
        in_names(names, change);
    }
}

fn in_attribution(attribution: &mut AttributionQuestion, change: &Change) {
    let AttributionQuestion { conversion, touch, channel, value, filter, .. } = attribution;
    if about(change, &touch.event) {
        in_names(std::slice::from_mut(channel), change);
    }
    if about(change, &conversion.event) {
        in_property(value, change);
    }
    in_step(conversion, change);
    in_step(touch, change);
    filter.iter_mut().for_each(|filter| in_condition(filter, change));
}

fn in_experiment(experiment: &mut ExperimentQuestion, change: &Change) {
    if about(change, &experiment.exposure.event) {
        in_names(std::slice::from_mut(&mut experiment.variant), change);
    }
    in_step(&mut experiment.exposure, change);
    for metric in &mut experiment.metrics {
        in_measure(&mut metric.measure, change);
        metric.filter.iter_mut().for_each(|filter| in_condition(filter, change));
    }
    experiment.filter.iter_mut().for_each(|filter| in_condition(filter, change));
}

fn in_power(power: &mut PowerQuestion, change: &Change) {
    in_step(&mut power.exposure, change);
    in_measure(&mut power.metric.measure, change);
    power.metric.filter.iter_mut().chain(&mut power.filter).for_each(|filter| in_condition(filter, change));
}

fn in_step(step: &mut FunnelStep, change: &Change) {
    in_event(&mut step.event, change);
    step.filter.iter_mut().for_each(|filter| in_condition(filter, change));
}

fn in_atom(atom: &mut MeasureAtom, change: &Change) {
    if about(change, &atom.event) {
        in_property(&mut atom.property, change);
    }
    in_event(&mut atom.event, change);
}

fn in_event(event: &mut EventSelector, change: &Change) {
    if let (EventSelector::Named(name), Change::Event { from, to }) = (event, change)
        && name == from
    {
        name.clone_from(to);
    }
}

fn in_property(property: &mut Option<String>, change: &Change) {
    let Change::Field { from: FieldRef::Property(from), to: FieldRef::Property(to), .. } = change else { return };
    if let Some(name) = property
        && name == from
    {
        name.clone_from(to);
    }
}

/// Whether a change of a field concerns what is said about an event.
fn about(change: &Change, event: &EventSelector) -> bool {
    !matches!(change, Change::Field { event: Some(concerned), .. } if concerned != event)
}

fn in_names(names: &mut [String], change: &Change) {
    let Change::Field { from: FieldRef::Property(from) | FieldRef::Trait(from), to, .. } = change else { return };
    let (FieldRef::Property(to) | FieldRef::Trait(to)) = to;
    for name in names.iter_mut().filter(|name| *name == from) {
        name.clone_from(to);
    }
}

fn in_condition(condition: &mut Condition, change: &Change) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter_mut().for_each(|part| in_condition(part, change)),
        Condition::Not(inner) => in_condition(inner, change),
        Condition::Compare { left, right, .. } => {
            in_term(left, change);
            in_term(right, change);
        }
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => in_term(term, change),
        Condition::Did(aggregate) => in_aggregate(aggregate, change),
        Condition::InAudience(name) => {
            if let Change::Audience { from, to } = change
                && name == from
            {
                name.clone_from(to);
            }
        }
    }
}

fn in_term(term: &mut Term, change: &Change) {
    match term {
        Term::Field(field) => {
            if let Change::Field { from, to, .. } = change
                && field == from
            {
                field.clone_from(to);
            }
        }
        Term::Value(_) => {}
        Term::Aggregate(aggregate) => in_aggregate(aggregate, change),
    }
}

fn in_aggregate(aggregate: &mut Aggregate, change: &Change) {
    if about(change, &aggregate.event) {
        in_property(&mut aggregate.property, change);
        aggregate.filter.iter_mut().for_each(|filter| in_condition(filter, change));
    }
    in_event(&mut aggregate.event, change);
}
