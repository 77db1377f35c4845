//! Conditions in words: of people, as they follow "who", and of single events, as they follow "where".

use super::say::{field_title, is_time, joined, span, spoken, value_words};
use crate::definitions::Definitions;
use spec::{Aggregate, AggregateFunction, CompareOp, Condition, EventSelector, Field, FieldRef, Term, Value};

/// Says things with the words of a workspace.
pub(super) struct Speaker<'a> {
    pub(super) definitions: &'a Definitions,
}

impl Speaker<'_> {
    /// What people of a condition did or have, as it follows "who".
    pub(super) fn clause(&self, condition: &Condition) -> String {
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
                format!("have {} {}", self.trait_title(name), joined(&values, "or"))
            }
            Condition::Like { term: Term::Field(FieldRef::Trait(name)), pattern } => {
                format!("have {} like \u{201c}{pattern}\u{201d}", self.trait_title(name))
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
                format!("have known {}", self.trait_title(name))
            }
            Condition::In { term: Term::Field(FieldRef::Trait(name)), values } => {
                let values = self.values(values, self.trait_field(name));
                format!("have {} other than {}", self.trait_title(name), joined(&values, "or"))
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
                // Without an article and without "of", which do not go with every title: some are plural, some are of a mass.
                let measured = self.measured(op, value, field);
                format!("have {title} {}", measured.strip_prefix("of ").unwrap_or(&measured))
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
    pub(super) fn event_clause(&self, condition: &Condition, event: Option<&EventSelector>) -> String {
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

    pub(super) fn past(&self, event: &EventSelector) -> String {
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

    pub(super) fn event_title(&self, event: &EventSelector) -> String {
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
    pub(super) fn group(&self, name: &str, event: Option<&EventSelector>) -> String {
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

/// Whether it asks for what did not happen or is not so.
pub(super) fn is_negative(condition: &Condition) -> bool {
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
