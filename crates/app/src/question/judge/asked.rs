//! What a question asks for, as the policy looks at it: how much of people, which figures, which fields.

use policy::{FieldUse, Shows};
use spec::{FieldRef, Measure, MeasureAtom, MeasureFunction, Period, Question, QuestionBody, Release};
use workspace::Resolved;

/// How much of people a question shows.
pub(crate) fn release(question: &Question) -> Release {
    match &question.body {
        QuestionBody::Trend(_)
        | QuestionBody::Funnel(_)
        | QuestionBody::Retention(_)
        | QuestionBody::Attribution(_)
        | QuestionBody::Paths(_)
        | QuestionBody::Experiment(_)
        | QuestionBody::Power(_)
        | QuestionBody::Sql(_) => Release::Aggregate,
        QuestionBody::Audience(audience) => audience.release,
    }
}

/// What sort of figures a question shows.
pub(super) fn shows(question: &Question) -> Shows {
    let is_explicit = |period: &Option<Period>| period.is_some();
    if measures(question).iter().any(|measure| is_extreme(measure)) {
        return Shows::Extremes;
    }
    match &question.body {
        QuestionBody::Audience(_) => Shows::CountsOfPeople,
        // The days of a trend without a period are those with events, and its groups those that there are.
        QuestionBody::Trend(trend) => match &trend.measure {
            Measure::Atom(atom)
                if atom.function == MeasureFunction::People
                    && trend.breakdown.is_empty()
                    && is_explicit(&trend.period) =>
            {
                Shows::CountsOfPeople
            }
            _ => Shows::Figures,
        },
        QuestionBody::Retention(retention) if is_explicit(&retention.period) => Shows::CountsOfPeople,
        QuestionBody::Retention(_)
        | QuestionBody::Funnel(_)
        | QuestionBody::Attribution(_)
        | QuestionBody::Paths(_)
        | QuestionBody::Experiment(_)
        | QuestionBody::Power(_) => Shows::Figures,
        QuestionBody::Sql(_) => Shows::Anything,
    }
}

/// What a question measures.
fn measures(question: &Question) -> Vec<&Measure> {
    match &question.body {
        QuestionBody::Trend(trend) => vec![&trend.measure],
        QuestionBody::Experiment(experiment) => experiment.metrics.iter().map(|metric| &metric.measure).collect(),
        QuestionBody::Power(power) => vec![&power.metric.measure],
        _ => Vec::new(),
    }
}

/// Whether a measure is the smallest or the largest value of a group, and so one person's.
fn is_extreme(measure: &Measure) -> bool {
    let of = |atom: &MeasureAtom| matches!(atom.function, MeasureFunction::Min | MeasureFunction::Max);
    match measure {
        Measure::Atom(atom) => of(atom),
        Measure::Ratio(top, bottom) => of(top) || of(bottom),
        Measure::Metric(_) => false,
    }
}

/// Traits that a list only shows.
pub(super) fn shown_only(question: &Question) -> Vec<FieldRef> {
    let QuestionBody::Audience(audience) = &question.body else {
        return Vec::new();
    };
    let mut used = Vec::new();
    traits_of(&audience.condition, &mut used);
    let columns = audience.columns.iter().map(|name| FieldRef::Trait(name.clone()));
    columns.filter(|column| !used.contains(column)).collect()
}

/// Every trait that a condition computes with.
fn traits_of(condition: &spec::Condition, found: &mut Vec<FieldRef>) {
    use spec::{Condition, Term};
    let mut add = |term: &Term| {
        if let Term::Field(field) = term {
            found.push(field.clone());
        }
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| traits_of(part, found)),
        Condition::Not(inner) => traits_of(inner, found),
        Condition::Compare { left, right, .. } => [left, right].into_iter().for_each(add),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => add(term),
        Condition::Did(_) | Condition::InAudience(_) => {}
    }
}

pub(super) fn field_use<'r>(resolved: &'r Resolved, field: &FieldRef, shown: &[FieldRef]) -> Option<FieldUse<'r>> {
    let declared = match field {
        FieldRef::Property(name) => resolved.property_fields.get(name)?,
        FieldRef::Trait(name) => resolved.trait_fields.get(name)?,
    };
    Some(FieldUse {
        field: field.clone(),
        class: declared.class,
        purposes: &declared.purposes,
        only_shown: shown.contains(field),
    })
}
