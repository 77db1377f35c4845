//! Questions without what stands in the way of them.

use super::{Candidate, joined};
use crate::question::judge::Scene;
use spec::{
    Aggregate, Condition, EventSelector, ExperimentMetric, ExperimentQuestion, FieldRef, Measure, Object, ObjectKind,
    Question, QuestionBody, Reason, ReasonCode, Term,
};
use workspace::{Definitions, SqlText};

/// The question without the fields that stand in the way, where something is left of it.
pub(super) fn without_fields(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let (mut names, mut titles): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for reason in reasons {
        match reason.code {
            ReasonCode::PurposeNotForField | ReasonCode::FieldHidden => {
                names.push(&reason.subject);
                titles.push(workspace::field_words(&reason.subject, scene.definitions));
            }
            ReasonCode::TermsEnded | ReasonCode::TermsRelease | ReasonCode::NoData | ReasonCode::FaultySource => {
                let source = scene.definitions.sources.get(&reason.subject)?;
                names.extend(source.contract.objects.iter().flat_map(names_of));
                titles.push(source.title.clone());
            }
            _ => {}
        }
    }
    if names.is_empty() {
        return None;
    }
    let definitions = scene.definitions;
    let mut changed = question.clone();
    let keep = |list: &mut Vec<String>| list.retain(|name| !names.contains(&name.as_str()));
    match &mut changed.body {
        QuestionBody::Trend(trend) => {
            keep(&mut trend.breakdown);
            trend.filter = trend.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
        }
        QuestionBody::Funnel(funnel) => {
            keep(&mut funnel.breakdown);
            funnel.filter = funnel.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            for step in &mut funnel.steps {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
        }
        QuestionBody::Retention(retention) => {
            for step in [&mut retention.start, &mut retention.coming_back] {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
            retention.filter = retention.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
        }
        QuestionBody::Attribution(attribution) => {
            for step in [&mut attribution.conversion, &mut attribution.touch] {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
            attribution.filter = attribution.filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            attribution.value = attribution.value.take().filter(|value| !names.contains(&value.as_str()));
        }
        QuestionBody::Paths(paths) => {
            for filter in [&mut paths.end.step_mut().filter, &mut paths.filter] {
                *filter = filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
        }
        QuestionBody::Experiment(experiment) => {
            let ExperimentQuestion { exposure, metrics, filter, .. } = experiment;
            let is_of_names = |metric: &ExperimentMetric| match &metric.measure {
                Measure::Atom(atom) => atom.property.as_deref().is_some_and(|name| names.contains(&name)),
                Measure::Ratio(..) | Measure::Metric(_) => false,
            };
            if !metrics.iter().all(is_of_names) {
                metrics.retain(|metric| !is_of_names(metric));
            }
            let filters = metrics.iter_mut().map(|metric| &mut metric.filter);
            for filter in filters.chain([&mut exposure.filter, filter]) {
                *filter = filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
        }
        QuestionBody::Power(power) => {
            for filter in [&mut power.exposure.filter, &mut power.metric.filter, &mut power.filter] {
                *filter = filter.as_ref().and_then(|filter| without(filter, &names, definitions));
            }
        }
        QuestionBody::Sql(sql) => sql.text = SqlText::new(&sql.text)?.without(&names)?,
        QuestionBody::Audience(audience) => {
            keep(&mut audience.columns);
            audience.condition = without(&audience.condition, &names, definitions)?;
        }
    }
    titles.dedup();
    (changed != *question).then(|| Candidate::new(format!("Leave {} out", titles.join(", ")), changed))
}

/// What a question may name of an object: its fields, and itself where it is an event.
fn names_of(object: &Object) -> Vec<&str> {
    let own = object.name.as_str();
    let fields = object.fields.iter().map(|field| field.name.as_str()).filter(|name| *name != object.person_column);
    fields.chain((object.kind == ObjectKind::Event).then_some(own)).collect()
}

/// A condition without the top-level terms that use one of these fields; `None` when nothing is left.
fn without(condition: &Condition, names: &[&str], definitions: &Definitions) -> Option<Condition> {
    let kept = condition.conjuncts().iter().filter(|term| !uses(term, names, definitions)).cloned();
    joined(kept.collect())
}

/// Whether a condition names one of these, itself or by an audience. None of those is defined by itself.
fn uses(condition: &Condition, names: &[&str], definitions: &Definitions) -> bool {
    let is_named = |term: &Term| match term {
        Term::Field(FieldRef::Property(name) | FieldRef::Trait(name)) => names.contains(&name.as_str()),
        Term::Value(_) => false,
        Term::Aggregate(aggregate) => aggregate_uses(aggregate, names, definitions),
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(|part| uses(part, names, definitions)),
        Condition::Not(inner) => uses(inner, names, definitions),
        Condition::Compare { left, right, .. } => is_named(left) || is_named(right),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => is_named(term),
        Condition::Did(aggregate) => aggregate_uses(aggregate, names, definitions),
        Condition::InAudience(name) => {
            definitions.audiences.get(name).is_some_and(|audience| uses(&audience.condition, names, definitions))
        }
    }
}

fn aggregate_uses(aggregate: &Aggregate, names: &[&str], definitions: &Definitions) -> bool {
    matches!(&aggregate.event, EventSelector::Named(event) if names.contains(&event.as_str()))
        || aggregate.property.as_deref().is_some_and(|property| names.contains(&property))
        || aggregate.filter.as_ref().is_some_and(|filter| uses(filter, names, definitions))
}
