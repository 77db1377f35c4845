//! Questions with a value that was meant, where too few people have the one that is written.
//!
//! Which values there are is looked up by a breakdown of its own. What may be told by that: a value is named only where
//! the minimum group of people who may be used for the purpose have it, and offered only where the question with it is
//! a yes, so that nobody learns more than by asking for that value. Nothing is said of the value that is written: that
//! others are offered says no more than what a question for it alone would say, that fewer people have it than the
//! minimum group; not that nobody does.
//!
//! A value that people are not to have is left as it is: written wrongly it leaves out nobody, and so makes nothing too
//! few.

use super::{Candidate, Search, Way};
use crate::question::judge::Scene;
use crate::question::reason;
use spec::{
    Aggregate, AggregateFunction, CompareOp, Condition, EventSelector, FieldRef, Interval, Measure, MeasureAtom,
    MeasureFunction, Question, QuestionBody, Term, TrendQuestion, Value, ValueType,
};
use workspace::Definitions;

/// Values of so many fields are looked up, those that the question compares last.
const FIELDS_MAX: usize = 3;
/// So many values are tried in all.
const VALUES_MAX: usize = 9;

/// A text that a question compares a field with.
struct Compared<'c> {
    /// Of these events, where it is a field of events.
    event: &'c EventSelector,
    field: &'c FieldRef,
    text: &'c mut String,
    is_pattern: bool,
}

/// A text as it stands in a question.
struct Written {
    text: String,
    is_pattern: bool,
    /// The breakdown whose groups are the values of its field.
    breakdown: Question,
}

/// A condition of a question.
struct About<'q> {
    condition: &'q mut Condition,
    /// Of these events; of an audience's people where absent.
    event: Option<EventSelector>,
}

/// The question with each of the values that may be meant, the last comparison's first.
pub(super) fn meant(search: &mut Search<'_>, question: &Question) -> Vec<Way> {
    let (scene, definitions) = (search.scene, search.scene.definitions);
    let mut looked_up: Vec<(Question, Vec<String>)> = Vec::new();
    let mut found: Vec<Way> = Vec::new();
    for (place, written) in written(scene, question).into_iter().enumerate().rev() {
        let Some(Written { text, is_pattern, breakdown }) = written else { continue };
        let known = match looked_up.iter().position(|(of, _)| *of == breakdown) {
            Some(known) => known,
            None if looked_up.len() == FIELDS_MAX => continue,
            None => {
                let texts = search.texts(&breakdown);
                looked_up.push((breakdown, texts));
                looked_up.len() - 1
            }
        };
        let known = &looked_up[known].1;
        let near = match is_pattern {
            true => workspace::nearest_patterns(&text, known),
            false => workspace::nearest_values(&text, known),
        };
        found.extend(near.iter().filter_map(|near| replaced(definitions, question, place, near)).map(|one| vec![one]));
    }
    found.truncate(VALUES_MAX);
    found
}

/// Every text that a question compares a field with, in its order; absent where its values cannot be looked up.
fn written(scene: &Scene<'_>, question: &Question) -> Vec<Option<Written>> {
    let mut found = Vec::new();
    let mut read = question.clone();
    for About { condition, event } in conditions(scene.definitions, &mut read) {
        visit(condition, event.as_ref().unwrap_or(&EventSelector::Any), &mut |compared: Compared<'_>| {
            let Compared { event, field, text, is_pattern } = compared;
            let breakdown = breakdown(scene, question, event, field);
            found.push(breakdown.map(|breakdown| Written { text: text.clone(), is_pattern, breakdown }));
        });
    }
    found
}

/// The question with another text in one place.
fn replaced(definitions: &Definitions, question: &Question, place: usize, by: &str) -> Option<Candidate> {
    let mut changed = question.clone();
    let mut words = None;
    let mut at = 0;
    for About { condition, event } in conditions(definitions, &mut changed) {
        for term in terms(condition) {
            let before = at;
            visit(term, event.as_ref().unwrap_or(&EventSelector::Any), &mut |compared: Compared<'_>| {
                if at == place {
                    by.clone_into(compared.text);
                }
                at += 1;
            });
            if (before..at).contains(&place) {
                words = Some(words_of(definitions, term, event.as_ref()));
            }
        }
    }
    Some(Candidate::new(format!("Instead: {}", words?), changed))
}

/// The conditions of a question of which too few people can be told.
fn conditions<'q>(definitions: &Definitions, question: &'q mut Question) -> Vec<About<'q>> {
    match &mut question.body {
        QuestionBody::Audience(audience) => vec![About { condition: &mut audience.condition, event: None }],
        QuestionBody::Power(power) => {
            let exposure = &power.exposure.event;
            let named = match &power.metric.measure {
                Measure::Metric(name) => definitions.metrics.get(name).map(|metric| &metric.measure),
                measure => Some(measure),
            };
            let measured = match named {
                Some(Measure::Atom(atom) | Measure::Ratio(atom, _)) => &atom.event,
                Some(Measure::Metric(_)) | None => exposure,
            };
            let events = [exposure, measured, exposure].map(Clone::clone);
            let filters = [&mut power.exposure.filter, &mut power.metric.filter, &mut power.filter];
            let about = |(filter, event): (&'q mut Option<Condition>, EventSelector)| {
                Some(About { condition: filter.as_mut()?, event: Some(event) })
            };
            filters.into_iter().zip(events).filter_map(about).collect()
        }
        _ => Vec::new(),
    }
}

/// The top-level terms of a condition, to be changed.
fn terms(condition: &mut Condition) -> &mut [Condition] {
    match condition {
        Condition::And(parts) => parts,
        other => std::slice::from_mut(other),
    }
}

/// Goes to every text that a field is to be, or to be like; of events where it is a property.
fn visit(condition: &mut Condition, event: &EventSelector, then: &mut dyn FnMut(Compared<'_>)) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter_mut().for_each(|part| visit(part, event, then)),
        Condition::Compare { left: Term::Field(field), op: CompareOp::Eq, right: Term::Value(Value::Text(text)) }
        | Condition::Compare { left: Term::Value(Value::Text(text)), op: CompareOp::Eq, right: Term::Field(field) } => {
            then(Compared { event, field, text, is_pattern: false });
        }
        Condition::In { term: Term::Field(field), values } => {
            for value in values {
                if let Value::Text(text) = value {
                    then(Compared { event, field, text, is_pattern: false });
                }
            }
        }
        Condition::Like { term: Term::Field(field), pattern } => {
            then(Compared { event, field, text: pattern, is_pattern: true });
        }
        Condition::Did(aggregate) => visit_filter(aggregate, then),
        Condition::Compare { left, right, .. } => {
            for term in [left, right] {
                if let Term::Aggregate(aggregate) = term {
                    visit_filter(aggregate, then);
                }
            }
        }
        Condition::In { term: Term::Aggregate(aggregate), .. }
        | Condition::Like { term: Term::Aggregate(aggregate), .. } => visit_filter(aggregate, then),
        Condition::Not(_)
        | Condition::In { .. }
        | Condition::Like { .. }
        | Condition::IsNull(_)
        | Condition::InAudience(_) => {}
    }
}

fn visit_filter(aggregate: &mut Aggregate, then: &mut dyn FnMut(Compared<'_>)) {
    if let Some(filter) = &mut aggregate.filter {
        visit(filter, &aggregate.event, then);
    }
}

/// How many people have each value of a field, up to when the question looks; absent for what is no text, or has too
/// many values for groups.
pub(in crate::question) fn breakdown(
    scene: &Scene<'_>,
    question: &Question,
    event: &EventSelector,
    field: &FieldRef,
) -> Option<Question> {
    let definitions = scene.definitions;
    let (event, declared) = match field {
        FieldRef::Property(name) => (event.clone(), definitions.property(event, name)?),
        FieldRef::Trait(name) => (event_without(scene, name)?, definitions.trait_field(name)?.2),
    };
    if declared.value_type != ValueType::Text || declared.is_key {
        return None;
    }
    let trend = TrendQuestion {
        measure: Measure::Atom(MeasureAtom { function: MeasureFunction::People, event, property: None }),
        by: Interval::None,
        period: question.body.period().cloned(),
        as_of: question.body.as_of(),
        filter: None,
        breakdown: vec![declared.name.clone()],
        limit: None,
        offset: None,
    };
    Some(Question { body: QuestionBody::Trend(trend), ..question.clone() })
}

/// Events by which people can be broken down by a trait: all of them, or of those that have no property of its name,
/// which would be meant there, the first that has come in.
fn event_without(scene: &Scene<'_>, name: &str) -> Option<EventSelector> {
    let has = |event: &EventSelector| scene.definitions.property(event, name).is_some();
    let events = scene.definitions.events().into_iter();
    let landed = events.filter(|(source, _)| reason::landed_at(scene, &source.name).is_some());
    let named = landed.map(|(_, object)| EventSelector::Named(object.name.clone()));
    [EventSelector::Any].into_iter().chain(named).find(|event| !has(event))
}

/// A term in words: what people are or did, or of which events something is to hold.
fn words_of(definitions: &Definitions, term: &Condition, event: Option<&EventSelector>) -> String {
    let Some(event) = event else { return workspace::condition_words(term, definitions) };
    let of_events = Aggregate {
        function: AggregateFunction::Count,
        event: event.clone(),
        property: None,
        within: None,
        filter: Some(Box::new(term.clone())),
    };
    workspace::condition_words(&Condition::Did(of_events), definitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a condition on people, each with its field.
    fn texts(condition: &str) -> Vec<String> {
        let mut condition = workspace::parse_condition(condition).expect("it is a condition");
        let mut found = Vec::new();
        visit(&mut condition, &EventSelector::Any, &mut |compared: Compared<'_>| {
            let Compared { event, field, text, is_pattern } = compared;
            let event = match event {
                EventSelector::Named(name) => name,
                EventSelector::Any => "*",
            };
            let sign = if is_pattern { "~" } else { "=" };
            found.push(format!("{event} {field} {sign} {text}"));
        });
        found
    }

    #[test]
    fn texts_are_found_wherever_people_are_to_have_them() {
        assert_eq!(texts("tier = 'gold' AND age > 30"), ["* tier = gold"]);
        assert_eq!(
            texts("tier IN ('gold', 'iron') OR region LIKE 'US%'"),
            ["* tier = gold", "* tier = iron", "* region ~ US%"]
        );
        assert_eq!(texts("did(visit, where => (event.page = 'home'))"), ["visit event.page = home"]);
        assert_eq!(
            texts("count(visit, where => (event.page = 'home' AND event.ref = 'ad')) >= 2"),
            ["visit event.page = home", "visit event.ref = ad"]
        );
        assert!(texts("sum(visit.amount) >= 10 AND vip = TRUE").is_empty());
    }

    #[test]
    fn what_people_are_not_to_have_is_left_alone() {
        for condition in [
            "tier <> 'gold'",
            "NOT (tier = 'gold')",
            "tier NOT IN ('gold', 'iron')",
            "tier NOT LIKE 'g%'",
            "NOT did(visit, where => (event.page = 'home'))",
            "tier > 'gold'",
            "tier IS NULL",
            "in_audience('gold')",
        ] {
            assert!(texts(condition).is_empty(), "{condition}");
        }
    }
}
