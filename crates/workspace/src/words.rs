//! Conditions and questions in plain words.
//!
//! A condition becomes what follows "people who"; what has no words of its own stands as its text. Titles and verb phrases
//! come from the contracts; a name that is unknown is said as it is.

use crate::definitions::Definitions;
use crate::question::instant;
use crate::types::fit;
use chrono::{Datelike, Days, NaiveDate, NaiveTime, Timelike};
use spec::{
    Aggregate, AggregateFunction, CompareOp, Condition, Duration, EventSelector, Field, FieldRef, FunnelOrder,
    FunnelQuestion, Instant, Interval, Measure, MeasureAtom, MeasureFunction, Period, Question, QuestionBody, Release,
    Term, TrendQuestion, Value,
};

/// One of the top-level AND terms of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its text.
    pub text: String,
    /// In words, as they follow "people who".
    pub words: String,
    /// Whether it asks for what did not happen or is not so.
    pub negative: bool,
    /// Its shape, if a form can edit it.
    pub form: Option<Form>,
}

/// The shapes of a condition that a form can edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[NOT] did(event, within => '...')`
    Did {
        /// The event, or `*`.
        event: String,
        /// Whether it is negated.
        negated: bool,
        /// `30 days`, or empty.
        within: String,
    },
    /// `function(event[.property], within => '...') op number`
    Aggregate {
        /// `count`, `sum`, ...
        function: String,
        /// The event, or `*`.
        event: String,
        /// The property, or empty.
        property: String,
        /// `>=` and the like.
        op: String,
        /// The number.
        value: String,
        /// `30 days`, or empty.
        within: String,
    },
    /// `trait op value`, or `trait IN (...)` and `trait NOT IN (...)`
    Trait {
        /// The trait.
        name: String,
        /// The operator.
        op: String,
        /// The value, or the values joined by commas.
        value: String,
    },
    /// `[NOT] in_audience('name')`
    Audience {
        /// The audience.
        name: String,
        /// Whether it is negated.
        negated: bool,
    },
}

/// A condition on people in words, as they follow "people who".
pub fn condition_words(condition: &Condition, definitions: &Definitions) -> String {
    Speaker { definitions }.clause(condition)
}

/// The top-level AND terms of a condition, each in words and, where a form can edit it, with its shape.
pub fn condition_parts(condition: &Condition, definitions: &Definitions) -> Vec<Part> {
    let speaker = Speaker { definitions };
    let part = |condition: &Condition| Part {
        text: condition.to_string(),
        words: speaker.clause(condition),
        negative: is_negative(condition),
        form: form(condition),
    };
    condition.conjuncts().iter().map(part).collect()
}

/// A question as one plain sentence.
pub fn question_words(question: &Question, definitions: &Definitions) -> String {
    let speaker = Speaker { definitions };
    let purpose =
        definitions.purposes.get(&question.purpose).map_or(question.purpose.clone(), |found| found.title.clone());
    match &question.body {
        QuestionBody::Trend(trend) => speaker.trend(trend, &purpose),
        QuestionBody::Funnel(funnel) => speaker.funnel(funnel, &purpose),
        QuestionBody::Audience(audience) => {
            let start = if audience.release == Release::Aggregate { "How many" } else { "Which" };
            let clause = speaker.clause(&audience.condition);
            let as_of = audience.as_of.map_or("today".into(), instant_words);
            format!("{start} people who {clause} may we use for {purpose}, as of {as_of}?")
        }
    }
}

struct Speaker<'a> {
    definitions: &'a Definitions,
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
        let steps: Vec<String> = funnel
            .steps
            .iter()
            .map(|step| {
                let filter = step
                    .filter
                    .as_ref()
                    .map(|filter| format!(" where {}", self.event_clause(filter, Some(&step.event))));
                format!("{}{}", self.past(&step.event), filter.unwrap_or_default())
            })
            .collect();
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

    /// What people of a condition did or have, as it follows "who".
    fn clause(&self, condition: &Condition) -> String {
        match condition {
            Condition::And(parts) => self.all(parts),
            Condition::Or(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.clause(part)).collect();
                parts.join(" or ")
            }
            Condition::Not(inner) => self.negative_clause(inner),
            Condition::Compare { left, op, right } => self.comparison(left, *op, right),
            Condition::In { term: Term::Field(FieldRef::Trait(name)), values } => {
                let values = self.values(values, self.trait_field(name));
                format!("have {} of {}", with_article(&self.trait_title(name)), joined(&values, "or"))
            }
            Condition::Like { term: Term::Field(FieldRef::Trait(name)), pattern } => {
                format!("have {} like \u{201c}{pattern}\u{201d}", with_article(&self.trait_title(name)))
            }
            Condition::IsNull(Term::Field(FieldRef::Trait(name))) => {
                format!("have no known {}", self.trait_title(name))
            }
            Condition::Did(aggregate) => format!("{}{}", self.past(&aggregate.event), self.window(aggregate)),
            Condition::InAudience(name) => format!("are in the audience {}", self.audience_title(name)),
            Condition::In { .. } | Condition::Like { .. } | Condition::IsNull(_) => format!("meet `{condition}`"),
        }
    }

    fn all(&self, parts: &[Condition]) -> String {
        let part = |part: &Condition| match part {
            Condition::Or(_) => format!("either {}", self.clause(part)),
            _ => self.clause(part),
        };
        parts.iter().map(part).collect::<Vec<String>>().join(" and ")
    }

    fn negative_clause(&self, inner: &Condition) -> String {
        match inner {
            Condition::Did(aggregate) => format!("did not {}{}", self.base(&aggregate.event), self.window(aggregate)),
            Condition::InAudience(name) => format!("are not in the audience {}", self.audience_title(name)),
            Condition::IsNull(Term::Field(FieldRef::Trait(name))) => {
                format!("have {}", with_article(&format!("known {}", self.trait_title(name))))
            }
            Condition::In { term: Term::Field(FieldRef::Trait(name)), values } => {
                let values = self.values(values, self.trait_field(name));
                format!("have {} other than {}", with_article(&self.trait_title(name)), joined(&values, "or"))
            }
            Condition::Compare { left, op, right } => self.comparison(left, opposite(*op), right),
            _ => format!("are not people who {}", self.clause(inner)),
        }
    }

    fn comparison(&self, left: &Term, op: CompareOp, right: &Term) -> String {
        match (left, right) {
            (Term::Aggregate(aggregate), Term::Value(value)) => self.figure(aggregate, op, value),
            (Term::Field(FieldRef::Trait(name)), Term::Value(value)) => {
                let (field, title) = (self.trait_field(name), self.trait_title(name));
                if let Value::Boolean(flag) = value {
                    let yes = if (op == CompareOp::Eq) == *flag { "yes" } else { "no" };
                    return format!("have \u{201c}{title}\u{201d}: {yes}");
                }
                format!("have {} {}", with_article(&title), self.measured(op, value, field))
            }
            (Term::Value(Value::Boolean(true)), Term::Value(Value::Boolean(true))) if op == CompareOp::Eq => {
                "are known".into()
            }
            _ => format!("meet `{}`", Condition::Compare { left: left.clone(), op, right: right.clone() }),
        }
    }

    /// A comparison of a figure about what people did.
    fn figure(&self, aggregate: &Aggregate, op: CompareOp, value: &Value) -> String {
        let (past, window) = (self.past(&aggregate.event), self.window(aggregate));
        let property = aggregate.property.as_deref();
        let field = property.and_then(|name| self.definitions.property(&aggregate.event, name));
        let title = property.map(|name| field_title(field, name)).unwrap_or_default();
        let with = |what: &str| format!("{past} with {what} {title} {}{window}", self.measured(op, value, field));
        match aggregate.function {
            AggregateFunction::Count => match times(op, value) {
                Times::Some => format!("{past}{window}"),
                Times::None => format!("did not {}{window}", self.base(&aggregate.event)),
                Times::Words(words) => format!("{past} {words}{window}"),
            },
            AggregateFunction::Sum => with("total"),
            AggregateFunction::Avg => with("average"),
            AggregateFunction::Min => with("smallest"),
            AggregateFunction::Max => with("largest"),
            AggregateFunction::DaysSinceLast => format!("last {past}{window} {}", days_ago(op, value)),
            AggregateFunction::DaysSinceFirst => format!("first {past}{window} {}", days_ago(op, value)),
        }
    }

    /// What a condition says of single events and their people, as it follows "where".
    fn event_clause(&self, condition: &Condition, event: Option<&EventSelector>) -> String {
        let title = |term: &Term| match term {
            Term::Field(FieldRef::Property(name)) => {
                let field = event.and_then(|event| self.definitions.property(event, name));
                Some((format!("the {}", field_title(field, name)), field))
            }
            _ => None,
        };
        match condition {
            Condition::And(parts) | Condition::Or(parts) => {
                let joint = if matches!(condition, Condition::And(_)) { " and " } else { " or " };
                let said = |part: &Condition| match part {
                    Condition::Or(_) => format!("either {}", self.event_clause(part, event)),
                    _ => self.event_clause(part, event),
                };
                parts.iter().map(said).collect::<Vec<String>>().join(joint)
            }
            Condition::Compare { left, op, right: Term::Value(value) } => match title(left) {
                Some((title, field)) => format!("{title} is {}", self.compared(*op, value, field)),
                None => format!("people {}", self.clause(condition)),
            },
            Condition::In { term, values } => match title(term) {
                Some((title, field)) => format!("{title} is {}", joined(&self.values(values, field), "or")),
                None => format!("people {}", self.clause(condition)),
            },
            Condition::Like { term, pattern } => match title(term) {
                Some((title, _)) => format!("{title} is like \u{201c}{pattern}\u{201d}"),
                None => format!("people {}", self.clause(condition)),
            },
            Condition::IsNull(term) => match title(term) {
                Some((title, _)) => format!("{title} is not known"),
                None => format!("people {}", self.clause(condition)),
            },
            Condition::Not(inner) if names_property(inner) => match inner.as_ref() {
                Condition::IsNull(term) => {
                    title(term).map_or_else(String::new, |(title, _)| format!("{title} is known"))
                }
                inner => format!("it is not so that {}", self.event_clause(inner, event)),
            },
            Condition::Compare { .. } if names_property(condition) => format!("`{condition}`"),
            _ => format!("people {}", self.clause(condition)),
        }
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

    fn past(&self, event: &EventSelector) -> String {
        match event {
            EventSelector::Any => "did anything".into(),
            EventSelector::Named(name) => self
                .definitions
                .event(name)
                .map_or_else(|| format!("did \u{201c}{}\u{201d}", spoken(name)), |(_, object)| object.past.clone()),
        }
    }

    fn base(&self, event: &EventSelector) -> String {
        match event {
            EventSelector::Any => "do anything".into(),
            EventSelector::Named(name) => self
                .definitions
                .event(name)
                .map_or_else(|| format!("do \u{201c}{}\u{201d}", spoken(name)), |(_, object)| object.base.clone()),
        }
    }

    fn event_title(&self, event: &EventSelector) -> String {
        match event {
            EventSelector::Any => "Anything".into(),
            EventSelector::Named(name) => {
                self.definitions.event(name).map_or_else(|| spoken(name), |(_, object)| object.title.clone())
            }
        }
    }

    /// When and under which condition: ` in the last 30 days where the shop is 5`.
    fn window(&self, aggregate: &Aggregate) -> String {
        let within =
            aggregate.within.as_ref().map(|within| format!(" in the last {}", span(within))).unwrap_or_default();
        let filter = aggregate.filter.as_deref().map(|filter| self.event_clause(filter, Some(&aggregate.event)));
        let filter = filter.map(|filter| format!(" where {filter}")).unwrap_or_default();
        format!("{within}{filter}")
    }

    fn trait_field(&self, name: &str) -> Option<&Field> {
        self.definitions.trait_field(name).map(|(_, _, field)| field)
    }

    fn trait_title(&self, name: &str) -> String {
        field_title(self.trait_field(name), name)
    }

    fn audience_title(&self, name: &str) -> String {
        let title =
            self.definitions.audiences.get(name).map_or_else(|| spoken(name), |audience| audience.title.clone());
        format!("\u{201c}{title}\u{201d}")
    }

    /// What a breakdown's name is called.
    fn group(&self, name: &str, event: Option<&EventSelector>) -> String {
        let property = event.and_then(|event| self.definitions.property(event, name));
        field_title(property.or(self.trait_field(name)), name)
    }

    /// A comparison after a noun: `of at least 500 USD`.
    fn measured(&self, op: CompareOp, value: &Value, field: Option<&Field>) -> String {
        let said = value_words(value, field);
        match (op, is_time(value, field)) {
            (CompareOp::Eq, _) => format!("of {said}"),
            (CompareOp::NotEq, _) => format!("other than {said}"),
            (CompareOp::Less, true) => format!("before {said}"),
            (CompareOp::LessEq, true) => format!("up to {said}"),
            (CompareOp::Greater, true) => format!("after {said}"),
            (CompareOp::GreaterEq, true) => format!("from {said} on"),
            (CompareOp::Less, false) => format!("under {said}"),
            (CompareOp::LessEq, false) => format!("of at most {said}"),
            (CompareOp::Greater, false) => format!("over {said}"),
            (CompareOp::GreaterEq, false) => format!("of at least {said}"),
        }
    }

    /// A comparison after "is": `at least 500 USD`.
    fn compared(&self, op: CompareOp, value: &Value, field: Option<&Field>) -> String {
        match op {
            CompareOp::Eq => value_words(value, field),
            CompareOp::NotEq => format!("not {}", value_words(value, field)),
            _ => {
                let measured = self.measured(op, value, field);
                measured.strip_prefix("of ").unwrap_or(&measured).to_owned()
            }
        }
    }

    fn values(&self, values: &[Value], field: Option<&Field>) -> Vec<String> {
        values.iter().map(|value| value_words(value, field)).collect()
    }
}

/// A count in words.
enum Times {
    /// At all.
    Some,
    /// Not at all.
    None,
    Words(String),
}

fn times(op: CompareOp, value: &Value) -> Times {
    let number = match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    };
    match (op, number) {
        (CompareOp::GreaterEq, Some(1)) | (CompareOp::Greater | CompareOp::NotEq, Some(0)) => Times::Some,
        (CompareOp::Eq | CompareOp::LessEq, Some(0)) | (CompareOp::Less, Some(1)) => Times::None,
        _ => {
            let times =
                if number == Some(1) { "once".to_owned() } else { format!("{} times", value_words(value, None)) };
            Times::Words(match op {
                CompareOp::Eq => format!("exactly {times}"),
                CompareOp::NotEq => format!("not exactly {times}"),
                CompareOp::Less => format!("fewer than {times}"),
                CompareOp::LessEq => format!("at most {times}"),
                CompareOp::Greater => format!("more than {times}"),
                CompareOp::GreaterEq => format!("at least {times}"),
            })
        }
    }
}

fn days_ago(op: CompareOp, value: &Value) -> String {
    let unit = if *value == Value::Integer(1) { "day" } else { "days" };
    let days = format!("{} {unit} ago", value_words(value, None));
    match op {
        CompareOp::Eq => days,
        CompareOp::NotEq => format!("not {days}"),
        CompareOp::Less => format!("less than {days}"),
        CompareOp::LessEq => format!("at most {days}"),
        CompareOp::Greater => format!("more than {days}"),
        CompareOp::GreaterEq => format!("at least {days}"),
    }
}

fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Less => CompareOp::GreaterEq,
        CompareOp::LessEq => CompareOp::Greater,
        CompareOp::Greater => CompareOp::LessEq,
        CompareOp::GreaterEq => CompareOp::Less,
    }
}

fn is_negative(condition: &Condition) -> bool {
    match condition {
        Condition::Not(_) => true,
        Condition::Compare { left: Term::Aggregate(aggregate), op, right: Term::Value(value) } => {
            aggregate.function == AggregateFunction::Count && matches!(times(*op, value), Times::None)
        }
        Condition::Compare { op, .. } => *op == CompareOp::NotEq,
        _ => false,
    }
}

fn names_property(condition: &Condition) -> bool {
    let is_property = |term: &Term| matches!(term, Term::Field(FieldRef::Property(_)));
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(names_property),
        Condition::Not(inner) => names_property(inner),
        Condition::Compare { left, right, .. } => is_property(left) || is_property(right),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => is_property(term),
        Condition::Did(_) | Condition::InAudience(_) => false,
    }
}

fn form(condition: &Condition) -> Option<Form> {
    let (condition, negated) = match condition {
        Condition::Not(inner) => (inner.as_ref(), true),
        other => (other, false),
    };
    match condition {
        Condition::Did(aggregate) if aggregate.filter.is_none() => {
            Some(Form::Did { event: event_name(aggregate), negated, within: within_text(aggregate) })
        }
        Condition::InAudience(name) => Some(Form::Audience { name: name.clone(), negated }),
        Condition::Compare { left: Term::Aggregate(aggregate), op, right: Term::Value(value) }
            if !negated && aggregate.filter.is_none() && is_number(value) =>
        {
            Some(Form::Aggregate {
                function: aggregate.function.name().to_owned(),
                event: event_name(aggregate),
                property: aggregate.property.clone().unwrap_or_default(),
                op: op.sign().to_owned(),
                value: value.to_string(),
                within: within_text(aggregate),
            })
        }
        Condition::Compare { left: Term::Field(FieldRef::Trait(name)), op, right: Term::Value(value) } if !negated => {
            Some(Form::Trait { name: name.clone(), op: op.sign().to_owned(), value: value.to_string() })
        }
        Condition::In { term: Term::Field(FieldRef::Trait(name)), values } => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            let op = if negated { "NOT IN" } else { "IN" };
            let plain = !values.iter().any(|value| value.contains(','));
            plain.then(|| Form::Trait { name: name.clone(), op: op.to_owned(), value: values.join(", ") })
        }
        _ => None,
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Decimal(_) | Value::Number(_))
}

fn event_name(aggregate: &Aggregate) -> String {
    match &aggregate.event {
        EventSelector::Any => "*".to_owned(),
        EventSelector::Named(name) => name.clone(),
    }
}

fn within_text(aggregate: &Aggregate) -> String {
    aggregate.within.as_ref().map(Duration::to_string).unwrap_or_default()
}

fn first_event(measure: &Measure) -> Option<&EventSelector> {
    match measure {
        Measure::Atom(atom) | Measure::Ratio(atom, _) => Some(&atom.event),
        Measure::Metric(_) => None,
    }
}

fn field_title(field: Option<&Field>, name: &str) -> String {
    field.map_or_else(|| spoken(name), |field| lower_first(&field.title))
}

fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// With a small first letter, unless it begins like an abbreviation.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn joined(items: &[String], joint: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

/// A length of time after "the last": `day`, `30 days`.
fn span(duration: &Duration) -> String {
    let text = duration.to_string();
    text.strip_prefix("1 ").map_or(text.clone(), str::to_owned)
}

fn is_time(value: &Value, field: Option<&Field>) -> bool {
    let fitted = field.and_then(|field| fit(value, field.value_type, &field.name).ok());
    matches!(fitted.as_ref().unwrap_or(value), Value::Timestamp(_) | Value::Date(_))
}

fn value_words(value: &Value, field: Option<&Field>) -> String {
    let fitted = field.and_then(|field| fit(value, field.value_type, &field.name).ok());
    let unit = field.and_then(|field| field.unit.as_deref()).map(|unit| format!(" {unit}")).unwrap_or_default();
    match fitted.as_ref().unwrap_or(value) {
        Value::Timestamp(at) => instant_words(*at),
        Value::Date(day) => day_words(*day),
        Value::Text(text) => match instant(text) {
            Some(at) if field.is_none() => instant_words(at),
            _ => text.clone(),
        },
        // A number that names something (a shop, a year) has no unit and is not grouped.
        Value::Integer(_) | Value::Decimal(_) if unit.is_empty() && field.is_some() => value.to_string(),
        Value::Integer(_) | Value::Decimal(_) => format!("{}{unit}", grouped(&value.to_string())),
        other => format!("{other}{unit}"),
    }
}

/// A number with a comma between groups of three digits.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// ` in 2017`, ` from 1 Nov 2016 to 31 Dec 2017`, ` in the last 30 days`; nothing for everything up to now.
fn period_words(period: Option<&Period>, as_of: Option<Instant>) -> String {
    match (period, as_of) {
        (Some(Period::Dates { from, to }), _) => dates_words(*from, *to),
        (Some(Period::Last(duration)), None) => format!(" in the last {}", span(duration)),
        (Some(Period::Last(duration)), Some(as_of)) => {
            format!(" in the {} up to {}", span(duration), instant_words(as_of))
        }
        (None, Some(as_of)) => format!(" up to {}", instant_words(as_of)),
        (None, None) => String::new(),
    }
}

fn dates_words(from: NaiveDate, to: NaiveDate) -> String {
    let last = to.checked_sub_days(Days::new(1)).unwrap_or(to);
    let whole_years = from.ordinal() == 1 && to.ordinal() == 1;
    let whole_months = from.day() == 1 && to.day() == 1;
    let months = (to.year() - from.year()) * 12 + i32::try_from(to.month()).unwrap_or(0)
        - i32::try_from(from.month()).unwrap_or(0);
    if whole_years && to.year() == from.year() + 1 {
        format!(" in {}", from.year())
    } else if whole_months && months == 1 {
        format!(" in {}", from.format("%b %Y"))
    } else if last == from {
        format!(" on {}", day_words(from))
    } else {
        format!(" from {} to {}", day_words(from), day_words(last))
    }
}

fn instant_words(at: Instant) -> String {
    let day = day_words(at.date_naive());
    if at.time() == NaiveTime::MIN { day } else { format!("{day}, {:02}:{:02} UTC", at.hour(), at.minute()) }
}

fn day_words(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}
