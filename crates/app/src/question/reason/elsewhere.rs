//! A property that the events of a question do not have and others have: not one that is not there at all.

use crate::question::judge::{Instead, Scene};
use spec::{Condition, EventSelector, Measure, MeasureAtom, Object, Question, QuestionBody, TrendQuestion};
use workspace::Definitions;

/// So many of the others are named, and offered.
const OTHERS_MAX: usize = 3;

/// A property, and which events have it.
pub(super) struct Elsewhere<'d> {
    name: String,
    words: String,
    without: Vec<&'d Object>,
    with: Vec<&'d Object>,
}

/// Where else a property is that a question's events do not have; `None` where no event has one of this name.
pub(super) fn of<'d>(scene: &Scene<'d>, question: &Question, (subject, kind): (&str, &str)) -> Option<Elsewhere<'d>> {
    let definitions = scene.definitions;
    let (event, name) = subject.split_once('.').unwrap_or(("event", subject));
    let has = |object: &Object| {
        let event = EventSelector::Named(object.name.clone());
        // A group without an event before it may be a trait, or a property of all the events.
        ["property", "trait"].contains(&kind) && definitions.property(&event, name).is_some()
    };
    let all = definitions.events().into_iter().map(|(_, object)| object);
    let with: Vec<&Object> = all.filter(|object| has(object)).take(OTHERS_MAX).collect();
    let asked = match event {
        "event" => workspace::resolve_partly(question, definitions).events.into_iter().collect(),
        event => vec![event.to_owned()],
    };
    let asked = asked.iter().filter_map(|name| definitions.event(name)).map(|(_, object)| object);
    let without: Vec<&Object> = asked.filter(|object| !has(object)).take(OTHERS_MAX).collect();
    let words = workspace::field_words(name, definitions);
    (!with.is_empty() && !without.is_empty()).then(|| Elsewhere { name: name.to_owned(), words, without, with })
}

impl Elsewhere<'_> {
    /// The property that is not there, of the first event without it.
    pub(super) fn missing(&self) -> String {
        let event = self.without.first().map_or("event", |object| object.name.as_str());
        format!("{event}.{}", self.name)
    }

    pub(super) fn for_marketing(&self) -> String {
        let titles = |objects: &[&Object]| {
            let titles: Vec<String> =
                objects.iter().map(|object| format!("\u{201c}{}\u{201d}", object.title)).collect();
            titles.join(" and ")
        };
        format!("There is no {} in {}; there is in {}.", self.words, titles(&self.without), titles(&self.with))
    }

    pub(super) fn for_it(&self) -> String {
        let names = |objects: &[&Object]| {
            let names: Vec<String> = objects.iter().map(|object| format!("`{}.{}`", object.name, self.name)).collect();
            names.join(" and ")
        };
        format!("{} is not declared; {} is.", names(&self.without), names(&self.with))
    }
}

/// The same trend about the events that have the property.
pub(crate) fn instead_elsewhere(scene: &Scene<'_>, question: &Question, named: (&str, &str)) -> Vec<Instead> {
    let QuestionBody::Trend(trend) = &question.body else { return Vec::new() };
    let Some(elsewhere) = of(scene, question, named) else { return Vec::new() };
    let about = |object: &&Object| {
        let (measure, filter) = measured_in(scene.definitions, trend, (&elsewhere.without, object))?;
        let body = QuestionBody::Trend(TrendQuestion { measure, filter, ..trend.clone() });
        let title = format!("Ask about \u{201c}{}\u{201d} instead", object.title);
        Some(Instead { title, question: Question { body, ..question.clone() }, effect: String::new() })
    };
    elsewhere.with.iter().filter_map(about).collect()
}

/// The measure of a trend over an event that has a property in the place of those without it, with the filter; `None` where it
/// has not what they compute with, or a quotient would be of a thing and itself.
fn measured_in(
    definitions: &Definitions,
    trend: &TrendQuestion,
    (without, object): (&[&Object], &Object),
) -> Option<(Measure, Option<Condition>)> {
    let event = EventSelector::Named(object.name.clone());
    let over = |atom: &MeasureAtom| {
        let lacks = |object: &&Object| atom.event == EventSelector::Named(object.name.clone());
        if !without.iter().any(lacks) {
            return Some(atom.clone());
        }
        let has = |name: &String| definitions.property(&event, name).is_some();
        let is_there = atom.property.as_ref().is_none_or(has);
        is_there.then(|| MeasureAtom { event: event.clone(), ..atom.clone() })
    };
    let (measure, own) = match &trend.measure {
        Measure::Metric(name) => {
            let metric = definitions.metrics.get(name)?;
            (&metric.measure, metric.filter.clone())
        }
        measure => (measure, None),
    };
    let measure = match measure {
        Measure::Atom(atom) => Measure::Atom(over(atom)?),
        Measure::Ratio(top, bottom) => {
            let (top, bottom) = (over(top)?, over(bottom)?);
            (top != bottom).then_some(Measure::Ratio(top, bottom))?
        }
        Measure::Metric(_) => return None,
    };
    let filter = match (own, trend.filter.clone()) {
        (Some(own), Some(filter)) => Some(Condition::And(vec![own, filter])),
        (own, filter) => own.or(filter),
    };
    Some((measure, filter))
}
