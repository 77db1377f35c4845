//! Conditions and questions in plain words.
//!
//! A condition becomes what follows "people who"; what has no words of its own stands as its text. Titles and verb phrases
//! come from the contracts; a name that is unknown is said as it is.

use crate::definitions::Definitions;
use crate::resolve::USER_ID;
use clause::{Speaker, is_negative};
use form::form;
pub use power::percent;
use say::{field_title, instant_words, joined, lower_first, period_words, spoken, upper_first};
use spec::{
    Condition, ConditionPart, EventSelector, FunnelOrder, FunnelQuestion, FunnelStep, Interval, Measure, MeasureAtom,
    MeasureFunction, Question, QuestionBody, Release, RetentionQuestion, TrendQuestion,
};

mod attribution;
mod clause;
mod experiment;
mod form;
mod paths;
mod power;
mod say;
#[cfg(test)]
mod tests;

/// A condition on people in words, as they follow "people who".
pub fn condition_words(condition: &Condition, definitions: &Definitions) -> String {
    Speaker { definitions }.clause(condition)
}

/// The top-level AND terms of a condition, each in words and, where a form can edit it, with its shape.
pub fn condition_parts(condition: &Condition, definitions: &Definitions) -> Vec<ConditionPart> {
    let speaker = Speaker { definitions };
    let part = |condition: &Condition| ConditionPart {
        text: condition.to_string(),
        words: speaker.clause(condition),
        negative: is_negative(condition),
        form: form(condition),
    };
    condition.conjuncts().iter().map(part).collect()
}

/// What a field of questions is called inside of a sentence; a name that nobody declares stands in quotes as it was written.
pub fn field_words(name: &str, definitions: &Definitions) -> String {
    let of_people = || definitions.trait_field(name).map(|(_, _, field)| field);
    match definitions.property(&EventSelector::Any, name).or_else(of_people) {
        Some(field) => field_title(Some(field), name),
        None if name == USER_ID => spoken(name),
        None => format!("\u{201c}{name}\u{201d}"),
    }
}

/// A measure inside of a sentence: `number of people who paid for a basket`.
pub fn measure_words(measure: &Measure, definitions: &Definitions) -> String {
    lower_first(&Speaker { definitions }.measure(measure))
}

/// A question as one plain sentence.
pub fn question_words(question: &Question, definitions: &Definitions) -> String {
    let speaker = Speaker { definitions };
    let purpose =
        definitions.purposes.get(&question.purpose).map_or(question.purpose.clone(), |found| found.title.clone());
    match &question.body {
        QuestionBody::Trend(trend) => speaker.trend(trend, &purpose),
        QuestionBody::Funnel(funnel) => speaker.funnel(funnel, &purpose),
        QuestionBody::Retention(retention) => speaker.retention(retention, &purpose),
        QuestionBody::Attribution(attribution) => speaker.attribution(attribution, &purpose),
        QuestionBody::Paths(paths) => speaker.paths(paths, &purpose),
        QuestionBody::Experiment(experiment) => speaker.experiment(experiment, &purpose),
        QuestionBody::Power(power) => speaker.power(power, &purpose),
        QuestionBody::Sql(_) => format!("What a SELECT of ours says, for {purpose}"),
        QuestionBody::Audience(audience) => {
            let start = if audience.release == Release::Aggregate { "How many" } else { "Which" };
            let clause = speaker.clause(&audience.condition);
            let as_of = audience.as_of.map_or("today".into(), instant_words);
            let what_for = match &audience.destination {
                None => format!("use for {purpose}"),
                Some(name) => {
                    let known = definitions.destinations.get(name);
                    format!("send to {}, for {purpose}", known.map_or(name, |known| &known.title))
                }
            };
            format!("{start} people who {clause} may we {what_for}, as of {as_of}?")
        }
    }
}

impl Speaker<'_> {
    fn trend(&self, trend: &TrendQuestion, purpose: &str) -> String {
        let mut by: Vec<String> = Vec::new();
        if trend.by != Interval::None {
            by.push(trend.by.name().to_owned());
        }
        let event = first_event(&trend.measure);
        by.extend(trend.breakdown.iter().map(|name| self.group(name, event)));
        let by = if by.is_empty() { String::new() } else { format!(" by {}", joined(&by, "and")) };
        let period = period_words(trend.period.as_ref(), trend.as_of);
        let filter = trend.filter.as_ref().map(|filter| format!(" where {}", self.event_clause(filter, event)));
        let sentence =
            format!("{}{by}{period}{}, for {purpose}", self.measure(&trend.measure), filter.unwrap_or_default());
        upper_first(&sentence)
    }

    fn funnel(&self, funnel: &FunnelQuestion, purpose: &str) -> String {
        let then = if funnel.order == FunnelOrder::Strict { ", then directly " } else { ", then " };
        let steps: Vec<String> = funnel.steps.iter().map(|step| self.step(step)).collect();
        let first = funnel.steps.first().map(|step| &step.event);
        let titles = |names: &[String]| {
            let titles: Vec<String> = names.iter().map(|name| self.group(name, first)).collect();
            joined(&titles, "and")
        };
        let who = if funnel.count_by.is_empty() {
            "people".to_owned()
        } else {
            format!("people, once per {},", titles(&funnel.count_by))
        };
        let same =
            if funnel.same.is_empty() { String::new() } else { format!(" with the same {}", titles(&funnel.same)) };
        let by =
            if funnel.breakdown.is_empty() { String::new() } else { format!(", by {}", titles(&funnel.breakdown)) };
        let filter = funnel.filter.as_ref().map(|filter| format!(", where {}", self.event_clause(filter, first)));
        let period = period_words(funnel.period.as_ref(), funnel.as_of);
        let period = if period.is_empty() { period } else { format!(",{period}") };
        let (steps, within, filter) = (steps.join(then), &funnel.within, filter.unwrap_or_default());
        format!("How many {who} {steps}{same} within {within}{filter}{period}{by}, for {purpose}?")
    }

    fn retention(&self, retention: &RetentionQuestion, purpose: &str) -> String {
        let RetentionQuestion { start, coming_back, by, periods, .. } = retention;
        let back = if coming_back == start { "did so again".to_owned() } else { self.step(coming_back) };
        let filter = retention.filter.as_ref();
        let filter = filter.map(|filter| format!(", where {}", self.event_clause(filter, Some(&start.event))));
        let period = period_words(retention.period.as_ref(), retention.as_of);
        let period = if period.is_empty() { period } else { format!(",{period}") };
        let (first, by, filter) = (self.step(start), by.name(), filter.unwrap_or_default());
        let s = if *periods == 1 { "" } else { "s" };
        format!(
            "Of the people who first {first}, {by} by {by}, how many {back} within {periods} {by}{s}{filter}{period}, for \
             {purpose}?"
        )
    }

    /// What somebody did in a step.
    pub(super) fn step(&self, step: &FunnelStep) -> String {
        let filter = step.filter.as_ref();
        let filter = filter.map(|filter| format!(" where {}", self.event_clause(filter, Some(&step.event))));
        format!("{}{}", self.past(&step.event), filter.unwrap_or_default())
    }

    fn measure(&self, measure: &Measure) -> String {
        match measure {
            Measure::Metric(name) => {
                self.definitions.metrics.get(name).map_or_else(|| spoken(name), |metric| metric.title.clone())
            }
            Measure::Atom(atom) => self.atom(atom),
            Measure::Ratio(top, bottom) => match bottom.function {
                MeasureFunction::People => format!("{} per person who {}", self.atom(top), self.past(&bottom.event)),
                MeasureFunction::Count => {
                    format!("{} per \u{201c}{}\u{201d}", self.atom(top), self.event_title(&bottom.event))
                }
                _ => format!("{} divided by {}", self.atom(top), lower_first(&self.atom(bottom))),
            },
        }
    }

    fn atom(&self, atom: &MeasureAtom) -> String {
        let title =
            atom.property.as_deref().map(|name| field_title(self.definitions.property(&atom.event, name), name));
        let of =
            |what: &str| format!("{what} {} ({})", title.clone().unwrap_or_default(), self.event_title(&atom.event));
        match atom.function {
            MeasureFunction::Count => format!("Number of times people {}", self.past(&atom.event)),
            MeasureFunction::People => format!("Number of people who {}", self.past(&atom.event)),
            MeasureFunction::Sum => of("Total"),
            MeasureFunction::Avg => of("Average"),
            MeasureFunction::Min => of("Smallest"),
            MeasureFunction::Max => of("Largest"),
        }
    }
}

fn first_event(measure: &Measure) -> Option<&EventSelector> {
    match measure {
        Measure::Atom(atom) | Measure::Ratio(atom, _) => Some(&atom.event),
        Measure::Metric(_) => None,
    }
}
